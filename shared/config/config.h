/* config/config.h -- the settings of a program: from its command line, environment variables, a
 * YAML file, or the default; the first source in this order that has a setting applies.
 *
 * A program defines its settings as tables of rows:
 *
 *     static const struct config_row rows[] = {
 *         {.name = "tries", .type = CONFIG_INTEGER, .standard = "5", .least = 1, .most = 100,
 *          .argument = "N", .help = "how often a chunk is begun before it is parked"},
 *     };
 *     static const struct config_section own = {"Mapping", rows, sizeof rows / sizeof *rows};
 *     static const struct config_section *const sections[] = {&own, &service_kafka_section};
 *     static const struct config_program program = {
 *         .command = "spanmill-mapper", .block = "mapper", .about = "...",
 *         .sections = sections, .count = 2};
 *
 *     struct config *config;
 *     enum config_outcome outcome = config_load(&program, argc, argv, stdout, stderr, &config);
 *     if (outcome != CONFIG_RUN)
 *         return (int)outcome;
 *     long long tries = config_integer(config, "tries");
 *
 * The row `tries` is then --tries, SPANMILL_TRIES, and in the file `tries:` at the top level, or in
 * the block of the program, which overrides the top level:
 *
 *     brokers: kafka-1:9092        # for all that read this file
 *     kafka: {security.protocol: SASL_SSL}
 *     mapper:
 *       tries: 3
 *
 * Blocks of other programs are ignored, so one file can serve all. Other keys that are not in the
 * tables are errors, with file, line, column and the most similar key. Variables SPANMILL_* that
 * are not in the tables are only reported: they may be meant for another program. */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/attrs.h"

enum config_type {
    CONFIG_TEXT,
    CONFIG_INTEGER,  /* least..most */
    CONFIG_BYTES,    /* least..most; "64M" */
    CONFIG_DURATION, /* least..most in ms; "30s" */
    CONFIG_FLAG,     /* --name, --name=no; takes no argument otherwise */
    CONFIG_WORD,     /* one of `words` */
    CONFIG_INTEGERS, /* may be repeated: least..most each */
    CONFIG_LIST,     /* may be repeated: texts; "a,b" in the environment, a sequence in the file */
    /* May be repeated: key=value. For the row `kafka`: --kafka a.b=c, SPANMILL_KAFKA_A_B=c, and the
     * mapping `kafka: {a.b: c}` in the file; each key is a separate setting. */
    CONFIG_PAIRS
};

struct config_row {
    const char *name; /* without leading dashes; lower case, digits and - */
    char letter;      /* of the short form; '\0' if none */
    enum config_type type;
    bool secret;           /* --print-config does not show it */
    const char *argument;  /* its name in the help; NULL for flags */
    const char *standard;  /* the default, as written; NULL if there is none */
    const char *words;     /* of CONFIG_WORD, separated by spaces: "error warning info" */
    long long least, most; /* of numbers; both 0: any that is not negative */
    const char *help;      /* preferably one line; further lines are indented */
};

/* Rows of a table: by type, then in the order of `struct config_row`. */
#define FLAG_ROW(name_, letter_, help_)                                                            \
    {                                                                                              \
        .name = name_, .letter = letter_, .type = CONFIG_FLAG, .help = help_                       \
    }
#define VALUE_ROW(type_, name_, letter_, argument_, standard_, words_, least_, most_, help_)       \
    {                                                                                              \
        .name = name_, .letter = letter_, .type = type_, .argument = argument_,                    \
        .standard = standard_, .words = words_, .least = least_, .most = most_, .help = help_      \
    }
#define TEXT_ROW(name_, letter_, argument_, standard_, help_)                                      \
    VALUE_ROW(CONFIG_TEXT, name_, letter_, argument_, standard_, NULL, 0, 0, help_)
#define LIST_ROW(name_, letter_, argument_, help_)                                                 \
    VALUE_ROW(CONFIG_LIST, name_, letter_, argument_, NULL, NULL, 0, 0, help_)
#define INTEGERS_ROW(name_, letter_, argument_, least_, most_, help_)                              \
    VALUE_ROW(CONFIG_INTEGERS, name_, letter_, argument_, NULL, NULL, least_, most_, help_)
#define PAIRS_ROW(name_, letter_, argument_, help_)                                                \
    VALUE_ROW(CONFIG_PAIRS, name_, letter_, argument_, NULL, NULL, 0, 0, help_)
#define WORD_ROW(name_, letter_, argument_, standard_, words_, help_)                              \
    VALUE_ROW(CONFIG_WORD, name_, letter_, argument_, standard_, words_, 0, 0, help_)
#define INTEGER_ROW(name_, letter_, argument_, standard_, least_, most_, help_)                    \
    VALUE_ROW(CONFIG_INTEGER, name_, letter_, argument_, standard_, NULL, least_, most_, help_)
#define BYTES_ROW(name_, letter_, argument_, standard_, least_, most_, help_)                      \
    VALUE_ROW(CONFIG_BYTES, name_, letter_, argument_, standard_, NULL, least_, most_, help_)
#define DURATION_ROW(name_, letter_, argument_, standard_, least_, most_, help_)                   \
    VALUE_ROW(CONFIG_DURATION, name_, letter_, argument_, standard_, NULL, least_, most_, help_)

struct config_section {
    const char *title; /* above its rows in the help */
    const struct config_row *rows;
    size_t count;
};

struct config_program {
    const char *command;  /* "spanmill-mapper", "spanmill publish" */
    const char *block;    /* its mapping in the file: "mapper"; NULL if none */
    const char *operands; /* "PATH..."; NULL if it takes none */
    const char *about;    /* a sentence or two */
    const struct config_section *const *sections;
    size_t count;
    const char *examples; /* lines, without indent; NULL if none */
    bool options_only;    /* it reads neither a file nor variables */
};

/* The next step of main(); the last two are its exit codes. */
enum config_outcome {
    CONFIG_RUN = -1,
    CONFIG_DONE = 0, /* --help, --version or --print-config was given, and printed to `out` */
    CONFIG_WRONG = 2 /* reported on `err` */
};

struct config;

/* Reads argv[1..], the environment and the file. With CONFIG_RUN, *config is new and owned by the
 * caller; else NULL. `argv` must outlive it, and is permuted: operands last. Not thread-safe
 * (getopt_long). */
MUST_CHECK enum config_outcome config_load(const struct config_program *program, int argc,
                                           char **argv, FILE *out, FILE *err,
                                           struct config **config);
void config_free(struct config *config); /* NULL is fine */

/* Reports a usage error on `err`, in the format of config_load(); for rules that tables cannot
 * express, like settings that exclude each other. */
enum config_outcome config_wrong(const struct config *config, FILE *err, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* The program's name, from its tables. */
const char *config_command(const struct config *config);

/* Values, by the names of rows; a name or a type that is not in the tables is a bug. Results live
 * as long as `config`. */
bool config_has(const struct config *config, const char *name);         /* is it in the tables? */
bool config_is_given(const struct config *config, const char *name);    /* not by default */
const char *config_text(const struct config *config, const char *name); /* NULL: none given */
long long config_integer(const struct config *config, const char *name);
uint64_t config_bytes(const struct config *config, const char *name);
uint64_t config_duration_ms(const struct config *config, const char *name);
bool config_flag(const struct config *config, const char *name);
size_t config_word(const struct config *config, const char *name); /* its index in `words` */
size_t config_list(const struct config *config, const char *name, const char *const **out);

/* Of CONFIG_INTEGERS. */
size_t config_integers(const struct config *config, const char *name, const int64_t **out);

/* One of a CONFIG_PAIRS; each key occurs once, with its effective value. */
struct config_pair {
    const char *key;
    const char *value;
    const char *source; /* as in config_source() */
};

size_t config_pairs(const struct config *config, const char *name, const struct config_pair **out);

/* The source of the value, for messages: "flag --tries", "environment SPANMILL_TRIES", "a.yaml:3",
 * "default". */
const char *config_source(const struct config *config, const char *name);

/* The operands, like PATH of `--session NAME PATH...`; *out is not terminated. */
size_t config_operands(const struct config *config, char *const **out);

#endif
