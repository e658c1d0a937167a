#include "config/config.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/nearest.h"
#include "config/config_args.h"
#include "config/config_state.h"
#include "config/value.h"
#include "spanmill_version.h"

static const struct config_row common_rows[] = {
    [COMMON_CONFIG] = TEXT_ROW("config", 0, "FILE", NULL, "read settings from FILE (YAML)"),
    [COMMON_PRINT] = FLAG_ROW("print-config", 0, "print each setting and its source, and exit"),
    [COMMON_HELP] = FLAG_ROW("help", 'h', "show this help and exit"),
    [COMMON_VERSION] = FLAG_ROW("version", 0, "show the version and exit"),
};

const struct config_section config_common_section = {"General", common_rows,
                                                     sizeof common_rows / sizeof *common_rows};

static const struct config_section options_only_section = {"General", common_rows + COMMON_HELP, 2};

bool config_row_is_common(const struct config_row *row)
{
    for (size_t i = 0; i < config_common_section.count; i++)
        if (row == &common_rows[i])
            return true;
    return false;
}

const struct config_section *config_section_at(const struct config_program *program, size_t index)
{
    if (index > program->count)
        return NULL;
    if (index < program->count)
        return program->sections[index];
    return program->options_only ? &options_only_section : &config_common_section;
}

struct setting *config_find(const struct config *config, struct text name)
{
    for (size_t i = 0; i < config->count; i++)
        if (text_equal(name, text_of(config->settings[i].row->name)))
            return &config->settings[i];
    return NULL;
}

const char *config_nearest(const struct config *config, struct text wrong)
{
    const char **names = memory_new(config->count * sizeof *names);
    for (size_t i = 0; i < config->count; i++)
        names[i] = config->settings[i].row->name;
    const char *nearest = nearest_word(wrong, names, config->count);
    free(names);
    return nearest;
}

static enum status check_range(const struct config_row *row, uint64_t amount, struct failure *why)
{
    uint64_t least = (uint64_t)row->least;
    uint64_t most = (uint64_t)row->most;
    if ((least == 0 && most == 0) || (amount >= least && amount <= most))
        return STATUS_OK;
    char from[VALUE_TEXT_MAX], to[VALUE_TEXT_MAX], is[VALUE_TEXT_MAX];
    void (*put)(uint64_t, char[VALUE_TEXT_MAX]) =
        row->type == CONFIG_BYTES ? value_put_bytes : value_put_duration_ms;
    put(least, from);
    put(most, to);
    put(amount, is);
    return fail(why, STATUS_REJECT, "%s is not between %s and %s", is, from, to);
}

static enum status take_integer(const struct config_row *row, const char *text, long long *out,
                                struct failure *why)
{
    enum status status = value_integer(text, out, why);
    if (status != STATUS_OK)
        return status;
    long long integer = *out;
    if (row->least == 0 && row->most == 0 && integer < 0)
        return fail(why, STATUS_REJECT, "%lld is negative", integer);
    if ((row->least || row->most) && (integer < row->least || integer > row->most))
        return fail(why, STATUS_REJECT, "%lld is not between %lld and %lld", integer, row->least,
                    row->most);
    return STATUS_OK;
}

static enum status take_word(struct config *config, struct setting *setting, const char *text,
                             struct failure *why)
{
    enum { WORDS_MAX = 32 };
    const char *words[WORDS_MAX] = {NULL};
    size_t count = 0;
    for (const char *at = setting->row->words; *at && count < WORDS_MAX - 1;) {
        size_t length = strcspn(at, " ");
        words[count++] = arena_string(&config->arena, (struct text){at, length});
        at += length + strspn(at + length, " ");
    }
    return value_word(text, words, &setting->value.word, why);
}

static enum status add_to_list(struct setting *setting, const char *text, struct failure *why)
{
    long long integer = 0;
    enum status status = STATUS_OK;
    if (setting->row->type == CONFIG_INTEGERS)
        status = take_integer(setting->row, text, &integer, why);
    if (status != STATUS_OK)
        return status;
    size_t room = setting->room;
    setting->list = memory_grow(setting->list, &room, setting->count + 1, sizeof *setting->list);
    setting->integers = memory_grow(setting->integers, &setting->room, setting->count + 1,
                                    sizeof *setting->integers);
    setting->integers[setting->count] = integer;
    setting->list[setting->count++] = text;
    return STATUS_OK;
}

static void clear_setting(struct setting *setting)
{
    free(setting->list);
    free(setting->integers);
    free(setting->pairs);
    free(setting->ranks);
}

static enum status take_pair(struct config *config, struct setting *setting, enum config_rank rank,
                             const char *source, const char *text, struct failure *why)
{
    const char *equals = strchr(text, '=');
    if (!equals || equals == text)
        return fail(why, STATUS_REJECT, "`%s` is not in the form key=value", text);
    struct text key = {text, (size_t)(equals - text)};
    config_take_pair(config, setting, rank, source, arena_string(&config->arena, key), equals + 1);
    return STATUS_OK;
}

static enum status parse(struct config *config, struct setting *setting, const char *text,
                         struct failure *why)
{
    enum status status = STATUS_OK;
    switch (setting->row->type) {
    case CONFIG_INTEGER: return take_integer(setting->row, text, &setting->value.integer, why);
    case CONFIG_BYTES:
        status = value_bytes(text, &setting->value.amount, why);
        return status == STATUS_OK ? check_range(setting->row, setting->value.amount, why) : status;
    case CONFIG_DURATION:
        status = value_duration_ms(text, &setting->value.amount, why);
        return status == STATUS_OK ? check_range(setting->row, setting->value.amount, why) : status;
    case CONFIG_FLAG: return value_flag(text, &setting->value.flag, why);
    case CONFIG_WORD: return take_word(config, setting, text, why);
    case CONFIG_INTEGERS:
    case CONFIG_LIST: return add_to_list(setting, text, why);
    case CONFIG_TEXT:
    case CONFIG_PAIRS: return STATUS_OK;
    }
    return STATUS_OK;
}

enum status config_take(struct config *config, struct setting *setting, enum config_rank rank,
                        const char *source, const char *text, struct failure *why)
{
    text = arena_string(&config->arena, text_of(text));
    if (setting->row->type == CONFIG_PAIRS)
        return take_pair(config, setting, rank, source, text, why);
    if (rank < setting->rank) { /* it is not used, but must be valid */
        struct setting aside = {.row = setting->row};
        enum status status = parse(config, &aside, text, why);
        clear_setting(&aside);
        return status;
    }
    if (setting_is_list(setting) && rank > setting->rank)
        setting->count = 0;
    setting->rank = rank;
    setting->source = arena_string(&config->arena, text_of(source));
    setting->text = text;
    return parse(config, setting, text, why);
}

/* The index of `key` in the pairs, added if new. */
static size_t place_of(struct setting *setting, const char *key)
{
    for (size_t i = 0; i < setting->count; i++)
        if (strcmp(setting->pairs[i].key, key) == 0)
            return i;
    size_t room = setting->room;
    setting->pairs = memory_grow(setting->pairs, &room, setting->count + 1, sizeof *setting->pairs);
    setting->ranks =
        memory_grow(setting->ranks, &setting->room, setting->count + 1, sizeof *setting->ranks);
    setting->ranks[setting->count] = RANK_DEFAULT;
    return setting->count++;
}

void config_take_pair(struct config *config, struct setting *setting, enum config_rank rank,
                      const char *source, const char *key, const char *value)
{
    size_t place = place_of(setting, key);
    if (rank < setting->ranks[place])
        return;
    setting->ranks[place] = rank;
    setting->pairs[place] = (struct config_pair){arena_string(&config->arena, text_of(key)),
                                                 arena_string(&config->arena, text_of(value)),
                                                 arena_string(&config->arena, text_of(source))};
    setting->source = setting->pairs[place].source;
    if (rank > setting->rank)
        setting->rank = rank;
}

static void take_defaults(struct config *config)
{
    for (size_t i = 0; i < config->count; i++) {
        struct setting *setting = &config->settings[i];
        const char *standard = setting->row->standard;
        if (!standard && setting->row->type == CONFIG_FLAG)
            standard = "no";
        struct failure why = {""};
        if (standard &&
            config_take(config, setting, RANK_DEFAULT, "default", standard, &why) != STATUS_OK) {
            fprintf(stderr, "%s: default of %s: %s\n", config->program->command, setting->row->name,
                    why.text);
            abort();
        }
    }
}

static struct config *config_new(const struct config_program *program)
{
    struct config *config = memory_new(sizeof *config);
    config->program = program;
    const struct config_section *section;
    size_t room = 0;
    for (size_t i = 0; (section = config_section_at(program, i)); i++)
        room += section->count;
    config->settings = memory_new(room * sizeof *config->settings);
    for (size_t i = 0; (section = config_section_at(program, i)); i++)
        for (size_t row = 0; row < section->count; row++) {
            assert(!config_find(config, text_of(section->rows[row].name))); /* twice */
            config->settings[config->count++].row = &section->rows[row];
        }
    take_defaults(config);
    return config;
}

void config_free(struct config *config)
{
    if (!config)
        return;
    for (size_t i = 0; i < config->count; i++)
        clear_setting(&config->settings[i]);
    free(config->settings);
    arena_clear(&config->arena);
    free(config);
}

static enum config_outcome wrong_usage(const struct config *config, FILE *err, const char *text)
{
    fprintf(err, "%s: %s\nTry `%s --help`.\n", config->program->command, text,
            config->program->command);
    return CONFIG_WRONG;
}

enum config_outcome config_wrong(const struct config *config, FILE *err, const char *format, ...)
{
    char text[FAILURE_TEXT_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return wrong_usage(config, err, text);
}

/* The file is given by an option or a variable; both override it. */
static enum status gather(struct config *config, const struct config_args *args, FILE *err,
                          struct failure *why)
{
    bool alone = config->program->options_only;
    enum status status = alone ? STATUS_OK : config_read_environment(config, err, why);
    if (status == STATUS_OK)
        status = config_args_take(config, args, why);
    const char *path = alone ? NULL : config_text(config, "config");
    if (status == STATUS_OK && path)
        status = config_read_file(config, path, why);
    if (status == STATUS_OK && config->operand_count && !config->program->operands)
        return fail(why, STATUS_REJECT, "unexpected operand `%s`", config->operands[0]);
    return status;
}

/* Executes `args`; help is shown even if later arguments are invalid. */
static enum status act(struct config *config, const struct config_args *args, FILE *out, FILE *err,
                       enum config_outcome *outcome, struct failure *why)
{
    *outcome = CONFIG_DONE;
    if (args->wants_help) {
        config_print_help(config, out);
        return STATUS_OK;
    }
    if (args->wants_version) {
        fprintf(out, "%s %s\n", config->program->command, SPANMILL_VERSION);
        return STATUS_OK;
    }
    enum status status = gather(config, args, err, why);
    if (status != STATUS_OK)
        return status;
    if (!config->program->options_only && config_flag(config, "print-config"))
        config_print(config, out);
    else
        *outcome = CONFIG_RUN;
    return STATUS_OK;
}

enum config_outcome config_load(const struct config_program *program, int argc, char **argv,
                                FILE *out, FILE *err, struct config **out_config)
{
    *out_config = NULL;
    struct config *config = config_new(program);
    struct config_args args = {0};
    struct failure why = {""};
    enum config_outcome outcome = CONFIG_WRONG;
    enum status status = config_args_read(config, argc, argv, &args, &why);
    if (status == STATUS_OK)
        status = act(config, &args, out, err, &outcome, &why);
    if (status != STATUS_OK)
        outcome = wrong_usage(config, err, why.text);
    config_args_clear(&args);
    if (outcome == CONFIG_RUN)
        *out_config = config;
    else
        config_free(config);
    return outcome;
}

const char *config_command(const struct config *config)
{
    return config->program->command;
}

bool config_has(const struct config *config, const char *name)
{
    return config_find(config, text_of(name)) != NULL;
}

/* The setting of an existing name; `type` must match. */
static const struct setting *setting_of(const struct config *config, const char *name,
                                        enum config_type type)
{
    const struct setting *setting = config_find(config, text_of(name));
    assert(setting && setting->row->type == type);
    return setting;
}

bool config_is_given(const struct config *config, const char *name)
{
    const struct setting *setting = config_find(config, text_of(name));
    assert(setting);
    return setting->rank > RANK_DEFAULT;
}

const char *config_source(const struct config *config, const char *name)
{
    const struct setting *setting = config_find(config, text_of(name));
    assert(setting);
    return setting->source ? setting->source : "default";
}

const char *config_text(const struct config *config, const char *name)
{
    return setting_of(config, name, CONFIG_TEXT)->text;
}

long long config_integer(const struct config *config, const char *name)
{
    return setting_of(config, name, CONFIG_INTEGER)->value.integer;
}

uint64_t config_bytes(const struct config *config, const char *name)
{
    return setting_of(config, name, CONFIG_BYTES)->value.amount;
}

uint64_t config_duration_ms(const struct config *config, const char *name)
{
    return setting_of(config, name, CONFIG_DURATION)->value.amount;
}

bool config_flag(const struct config *config, const char *name)
{
    return setting_of(config, name, CONFIG_FLAG)->value.flag;
}

size_t config_word(const struct config *config, const char *name)
{
    return setting_of(config, name, CONFIG_WORD)->value.word;
}

size_t config_list(const struct config *config, const char *name, const char *const **out)
{
    const struct setting *setting = setting_of(config, name, CONFIG_LIST);
    *out = setting->list;
    return setting->count;
}

size_t config_integers(const struct config *config, const char *name, const int64_t **out)
{
    const struct setting *setting = setting_of(config, name, CONFIG_INTEGERS);
    *out = setting->integers;
    return setting->count;
}

size_t config_pairs(const struct config *config, const char *name, const struct config_pair **out)
{
    const struct setting *setting = setting_of(config, name, CONFIG_PAIRS);
    *out = setting->pairs;
    return setting->count;
}

size_t config_operands(const struct config *config, char *const **out)
{
    *out = config->operands;
    return config->operand_count;
}
