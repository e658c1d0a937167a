/* config/config_args.h -- a command line, cut into options and operands, before any is believed. */
#ifndef CONFIG_CONFIG_ARGS_H
#define CONFIG_CONFIG_ARGS_H

#include <stdbool.h>
#include <stddef.h>

#include "config/config_state.h"

struct config_arg {
    struct setting *setting;
    const char *text; /* lives as long as argv */
};

/* All zero is none. */
struct config_args {
    bool wants_help, wants_version;
    struct config_arg *at; /* in their order */
    size_t count, room;
};

/* Also tells `config` its operands. REJECT: an option that there is not, or its argument is
 * missing. Stops at --help and --version. */
MUST_CHECK enum status config_args_read(struct config *config, int argc, char **argv,
                                        struct config_args *args, struct failure *why);
/* Puts them into their settings. */
MUST_CHECK enum status config_args_take(struct config *config, const struct config_args *args,
                                        struct failure *why);
void config_args_clear(struct config_args *args);

#endif
