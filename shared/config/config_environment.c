#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/nearest.h"
#include "config/config_state.h"

#define PREFIX "SPANMILL_"

enum { PREFIX_LENGTH = sizeof PREFIX - 1 };

/* Variables that are not settings, for tests and the build. With _ at the end: a prefix. */
static const char *const not_settings[] = {"BIN", "CRASH_AT", "MUTANT", "RECORDINGS", "TEST_"};

static bool is_setting(struct text name)
{
    for (size_t i = 0; i < sizeof not_settings / sizeof *not_settings; i++) {
        size_t length = strlen(not_settings[i]);
        bool begins = name.count >= length && memcmp(name.at, not_settings[i], length) == 0;
        if (begins && (name.count == length || not_settings[i][length - 1] == '_'))
            return false;
    }
    return true;
}

/* NAME_OF_IT as name-of-it (`between` is '-') or name.of.it; the caller frees it. */
static char *lowered(struct text name, char between)
{
    char *text = memory_string(name);
    for (char *at = text; *at; at++)
        *at = *at == '_' ? between : (char)tolower((unsigned char)*at);
    return text;
}

/* The setting of pairs whose variables have this prefix; *key is the rest. */
static struct setting *find_pairs(const struct config *config, struct text name, struct text *key)
{
    for (size_t i = 0; i < config->count; i++) {
        struct setting *setting = &config->settings[i];
        size_t length = strlen(setting->row->name);
        if (setting->row->type != CONFIG_PAIRS || name.count < length + 2 ||
            name.at[length] != '_' || strncasecmp(name.at, setting->row->name, length) != 0)
            continue;
        *key = (struct text){name.at + length + 1, name.count - length - 1};
        return setting;
    }
    return NULL;
}

static void say_unknown(const struct config *config, const char *variable, const char *name,
                        FILE *err)
{
    const char *nearest = config_nearest(config, text_of(name));
    fprintf(err, "%s: %s is not a setting of this program", config->program->command, variable);
    if (nearest) {
        fputs("; the nearest is " PREFIX, err);
        for (; *nearest; nearest++)
            fputc(*nearest == '-' ? '_' : toupper((unsigned char)*nearest), err);
    }
    fputc('\n', err);
}

static enum status take_list(struct config *config, struct setting *setting, const char *source,
                             const char *text, struct failure *why)
{
    enum status status = STATUS_OK;
    while (status == STATUS_OK && *text) {
        size_t length = strcspn(text, ",");
        char *part = memory_string((struct text){text, length});
        if (*part)
            status = config_take(config, setting, RANK_ENVIRONMENT, source, part, why);
        free(part);
        text += length + (text[length] == ',');
    }
    return status;
}

/* `variable` is SPANMILL_NAME. */
static enum status take_variable(struct config *config, const char *variable, const char *value,
                                 FILE *err, struct failure *why)
{
    struct text name = text_of(variable + PREFIX_LENGTH);
    char *source = memory_format("environment %s", variable);
    char *written = lowered(name, '-');
    struct setting *setting = config_find(config, text_of(written));
    struct text key = {NULL, 0};
    struct setting *pairs = find_pairs(config, name, &key);
    bool is_known_here = setting && (!config_row_is_common(setting->row) ||
                                     setting->row == &config_common_section.rows[COMMON_CONFIG]);
    enum status status = STATUS_OK;
    if (pairs) {
        char *dotted = lowered(key, '.');
        config_take_pair(config, pairs, RANK_ENVIRONMENT, source, dotted, value);
        free(dotted);
    } else if (!is_known_here || setting->row->type == CONFIG_PAIRS) {
        say_unknown(config, variable, written, err);
    } else if (setting_is_list(setting)) {
        status = take_list(config, setting, source, value, why);
    } else {
        status = config_take(config, setting, RANK_ENVIRONMENT, source, value, why);
    }
    free(written);
    free(source);
    return status;
}

enum status config_read_environment(struct config *config, FILE *err, struct failure *why)
{
    for (char **at = environ; *at; at++) {
        const char *equals = strchr(*at, '=');
        if (!equals || strncmp(*at, PREFIX, PREFIX_LENGTH) != 0)
            continue;
        char *variable = memory_string((struct text){*at, (size_t)(equals - *at)});
        enum status status = STATUS_OK;
        /* An empty variable comes from `-e NAME=$UNSET`. */
        if (equals[1] && is_setting(text_of(variable + PREFIX_LENGTH)))
            status = take_variable(config, variable, equals + 1, err, why);
        if (status != STATUS_OK)
            failure_prefix(why, "%s", variable);
        free(variable);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}
