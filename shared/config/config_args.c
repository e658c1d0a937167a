#include "config/config_args.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* getopt_long() returns SETTING_FIRST + i for setting i; letters are below. */
enum { SETTING_FIRST = 256 };

/* Converts the tables for getopt_long(); the caller frees both. */
static void make_getopt(const struct config *config, struct option **longs, char **letters)
{
    *longs = memory_new((config->count + 1) * sizeof **longs);
    *letters = memory_new(2 * config->count + 2);
    char *end = *letters;
    *end++ = ':'; /* distinguishes missing arguments from unknown options */
    for (size_t i = 0; i < config->count; i++) {
        const struct config_row *row = config->settings[i].row;
        int argument = row->type == CONFIG_FLAG ? optional_argument : required_argument;
        (*longs)[i] = (struct option){row->name, argument, NULL, SETTING_FIRST + (int)i};
        if (row->letter)
            *end++ = row->letter;
        if (row->letter && row->type != CONFIG_FLAG)
            *end++ = ':';
    }
}

/* The setting for a return value of getopt_long(); NULL: none. */
static struct setting *setting_of(const struct config *config, int value)
{
    for (size_t i = 0; i < config->count; i++) {
        char letter = config->settings[i].row->letter;
        if (value == SETTING_FIRST + (int)i || (letter && value == letter))
            return &config->settings[i];
    }
    return NULL;
}

/* The long options that begin with `begin`, as a list for a message. */
static size_t list_beginning(const struct config *config, struct text begin, char *list,
                             size_t room)
{
    size_t count = 0;
    list[0] = '\0';
    for (size_t i = 0; i < config->count; i++) {
        const char *name = config->settings[i].row->name;
        if (strncmp(name, begin.at, begin.count) != 0)
            continue;
        size_t used = strlen(list);
        snprintf(list + used, room - used, "%s--%s", count ? ", " : "", name);
        count++;
    }
    return count;
}

static enum status unknown_long(const struct config *config, const char *written,
                                struct failure *why)
{
    struct text name = {written + 2, strcspn(written + 2, "=")};
    char list[256];
    if (name.count && list_beginning(config, name, list, sizeof list) > 1)
        return fail(why, STATUS_REJECT, "option `--%.*s` is ambiguous: %s", (int)name.count,
                    name.at, list);
    const char *nearest = config_nearest(config, name);
    if (nearest)
        return fail(why, STATUS_REJECT, "unknown option `--%.*s`; `--%s` is the nearest",
                    (int)name.count, name.at, nearest);
    return fail(why, STATUS_REJECT, "unknown option `--%.*s`", (int)name.count, name.at);
}

/* After '?' or ':'. */
static enum status not_understood(const struct config *config, char **argv, struct failure *why)
{
    const struct setting *setting = setting_of(config, optopt);
    if (setting)
        return fail(why, STATUS_REJECT, "--%s: missing argument %s", setting->row->name,
                    setting->row->argument);
    if (optopt)
        return fail(why, STATUS_REJECT, "unknown option `-%c`", optopt);
    return unknown_long(config, argv[optind - 1], why);
}

static void add(struct config_args *args, struct setting *setting)
{
    args->at = memory_grow(args->at, &args->room, args->count + 1, sizeof *args->at);
    args->at[args->count++] = (struct config_arg){setting, optarg ? optarg : "yes"};
    const struct config_row *row = setting->row;
    args->wants_help |= row == &config_common_section.rows[COMMON_HELP];
    args->wants_version |= row == &config_common_section.rows[COMMON_VERSION];
}

enum status config_args_read(struct config *config, int argc, char **argv, struct config_args *args,
                             struct failure *why)
{
    struct option *longs = NULL;
    char *letters = NULL;
    make_getopt(config, &longs, &letters);
    enum status status = STATUS_OK;
    optind = 0; /* glibc: start again, even if an earlier call stopped early */
    opterr = 0;
    int value;
    while (status == STATUS_OK && !args->wants_help && !args->wants_version &&
           (value = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
        struct setting *setting = value == ':' || value == '?' ? NULL : setting_of(config, value);
        if (setting)
            add(args, setting);
        else
            status = not_understood(config, argv, why);
    }
    config->operands = argv + optind;
    config->operand_count = (size_t)(argc - optind);
    free(longs);
    free(letters);
    return status;
}

enum status config_args_take(struct config *config, const struct config_args *args,
                             struct failure *why)
{
    for (size_t i = 0; i < args->count; i++) {
        const char *name = args->at[i].setting->row->name;
        char source[64];
        snprintf(source, sizeof source, "flag --%s", name);
        enum status status =
            config_take(config, args->at[i].setting, RANK_FLAG, source, args->at[i].text, why);
        if (status != STATUS_OK) {
            failure_prefix(why, "--%s", name);
            return status;
        }
    }
    return STATUS_OK;
}

void config_args_clear(struct config_args *args)
{
    free(args->at);
    *args = (struct config_args){0};
}
