/* config/config_args.h -- splits a command line into options and operands, without checking
 * values. */
#ifndef CONFIG_CONFIG_ARGS_H
#define CONFIG_CONFIG_ARGS_H

#include <stdbool.h>
#include <stddef.h>

#include "config/config_state.h"

struct config_arg {
    struct setting *setting;
    const char *text; /* lives as long as argv */
};

/* Empty if all zero. */
struct config_args {
    bool wants_help, wants_version;
    struct config_arg *at; /* in order */
    size_t count, room;
};

/* Also sets the operands of `config`. REJECT: an unknown option, or a missing argument. Stops at
 * --help and --version. */
MUST_CHECK enum status config_args_read(struct config *config, int argc, char **argv,
                                        struct config_args *args, struct failure *why);
/* Stores the values in their settings. */
MUST_CHECK enum status config_args_take(struct config *config, const struct config_args *args,
                                        struct failure *why);
void config_args_clear(struct config_args *args);

#endif
