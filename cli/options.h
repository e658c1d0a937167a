/* cli/options.h -- what a subcommand can be told: one row per option, getopt_long() underneath.
 *
 * Every table has --help and --version besides its own rows. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stddef.h>
#include <stdio.h>

#include "base/failure.h"

/* Of every subcommand. */
enum exit_code {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,
    EXIT_WRONG_USAGE = 2,
    EXIT_LOSSY = 4 /* only with --strict: done, but data was lost or is incomplete */
};

struct option_row {
    const char *name;     /* without the dashes */
    char letter;          /* of the short form; '\0' if none */
    const char *argument; /* its name in the help; NULL if the option takes none */
    const char *help;     /* in one line, if it can be; others are indented by options_help() */
    /* Puts `argument` (NULL if it takes none; lives as long as argv) into `target`.
     * REJECT: it will not do; `why` says why, without the option's name. */
    enum status (*take)(void *target, const char *argument, struct failure *why);
};

struct option_table {
    const char *command;  /* "spanmill report" */
    const char *operands; /* "TRACE..." */
    const char *about;    /* a sentence or two */
    const struct option_row *rows;
    size_t count;
    const char *examples; /* lines, without indent */
};

enum options_outcome {
    OPTIONS_RUN,  /* go on */
    OPTIONS_DONE, /* help or version was asked for and written: leave with EXIT_DONE */
    OPTIONS_WRONG /* said on `err`: leave with EXIT_WRONG_USAGE */
};

/* Reads argv[1..] into `target`; argv[0] is the name of the subcommand. Operands are moved to the
 * end, and *first_operand is where they begin. Not for two threads at once (getopt_long). */
enum options_outcome options_parse(const struct option_table *table, int argc, char **argv,
                                   void *target, int *first_operand, FILE *out, FILE *err);

void options_help(const struct option_table *table, FILE *out);
void options_version(FILE *out); /* of the program */

/* Says on `err` what is wrong with the usage, in the form of options_parse(). */
enum options_outcome options_wrong(const struct option_table *table, FILE *err, const char *format,
                                   ...) PRINTF_LIKE(3, 4);

/* An integer from `least` to `most`, in decimal digits alone. */
MUST_CHECK enum status option_integer(const char *argument, long long least, long long most,
                                      long long *out, struct failure *why);

/* The index of `argument` among `words`; REJECT names the nearest. */
MUST_CHECK enum status option_word(const char *argument, const char *const *words, size_t count,
                                   size_t *out, struct failure *why);

#endif
