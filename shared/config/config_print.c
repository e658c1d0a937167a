#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "config/config_state.h"

enum { HELP_COLUMN = 30, SOURCE_COLUMN = 44 };

/* ---- --help ---- */

/* `text` with each line but the first indented. */
static void put_indented(FILE *out, const char *text, int indent)
{
    for (; *text; text++) {
        fputc(*text, out);
        if (*text == '\n')
            fprintf(out, "%*s", indent, "");
    }
}

static void put_help_row(FILE *out, const struct config_row *row)
{
    char letter[8] = "    ";
    if (row->letter)
        snprintf(letter, sizeof letter, "-%c, ", row->letter);
    char left[80];
    int width = snprintf(left, sizeof left, "  %s--%s%s%s", letter, row->name,
                         row->argument ? " " : "", row->argument ? row->argument : "");
    fputs(left, out);
    if (width >= HELP_COLUMN)
        fprintf(out, "\n%*s", HELP_COLUMN, "");
    else
        fprintf(out, "%*s", HELP_COLUMN - width, "");
    put_indented(out, row->help, HELP_COLUMN);
    if (row->standard && row->type != CONFIG_FLAG)
        fprintf(out, " [%s]", row->standard);
    fputc('\n', out);
}

static void put_sources(const char *example, FILE *out)
{
    fprintf(out,
            "\nEach option is also a key of the file (%s:) and an environment variable\n(SPANMILL_",
            example);
    for (; *example; example++)
        fputc(*example == '-' ? '_' : toupper((unsigned char)*example), out);
    fputs("). Options override variables; variables override the file.\n", out);
}

void config_print_help(const struct config *config, FILE *out)
{
    const struct config_program *program = config->program;
    fprintf(out, "Usage: %s [OPTION]...%s%s\n%s\n", program->command, program->operands ? " " : "",
            program->operands ? program->operands : "", program->about);
    const struct config_section *section;
    for (size_t i = 0; (section = config_section_at(program, i)); i++) {
        fprintf(out, "\n%s:\n", section->title);
        for (size_t row = 0; row < section->count; row++)
            put_help_row(out, &section->rows[row]);
    }
    const char *example = config->settings[0].row->name;
    if (!program->options_only)
        put_sources(example, out);
    if (program->examples) {
        fputs("\nExamples:\n  ", out);
        put_indented(out, program->examples, 2);
        fputc('\n', out);
    }
}

/* ---- --print-config: YAML that can be read again ---- */

/* Passwords and keys, among librdkafka's settings: sasl.password, ssl.key.pem ... */
static bool is_secret(const char *key)
{
    static const char *const words[] = {"password", "secret", "key.pem", "oauthbearer.config",
                                        "token"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasestr(key, words[i]) && !strstr(key, "token.endpoint"))
            return true;
    return false;
}

static bool is_plain(const char *text)
{
    if (!isalnum((unsigned char)*text) && *text != '/' && *text != '.')
        return false;
    for (; *text; text++)
        if (!isalnum((unsigned char)*text) && !strchr("-_./:@+", *text))
            return false;
    return text[-1] != ':';
}

/* As a YAML scalar; returns its width. */
static int put_scalar(FILE *out, const char *text)
{
    if (is_plain(text))
        return fprintf(out, "%s", text);
    int width = fprintf(out, "\"");
    for (; *text; text++) {
        unsigned char letter = (unsigned char)*text;
        if (letter == '"' || letter == '\\')
            width += fprintf(out, "\\%c", letter);
        else if (letter < ' ' || letter == 0x7f)
            width += fprintf(out, "\\x%02x", letter);
        else
            width += fprintf(out, "%c", letter);
    }
    return width + fprintf(out, "\"");
}

static void put_source(FILE *out, int width, const char *source)
{
    fprintf(out, "%*s # %s\n", width < SOURCE_COLUMN ? SOURCE_COLUMN - width : 0, "", source);
}

static void print_pairs(FILE *out, const struct setting *setting)
{
    if (setting->count == 0)
        return;
    fprintf(out, "%s:\n", setting->row->name);
    for (size_t i = 0; i < setting->count; i++) {
        const struct config_pair *pair = &setting->pairs[i];
        int width = fprintf(out, "  ");
        width += put_scalar(out, pair->key);
        width += fprintf(out, ": ");
        width += put_scalar(out, is_secret(pair->key) ? "********" : pair->value);
        put_source(out, width, pair->source);
    }
}

static int print_list(FILE *out, const struct setting *setting)
{
    int width = fprintf(out, "[");
    for (size_t i = 0; i < setting->count; i++) {
        width += fprintf(out, "%s", i ? ", " : "");
        width += put_scalar(out, setting->row->secret ? "********" : setting->list[i]);
    }
    return width + fprintf(out, "]");
}

static void print_setting(FILE *out, const struct setting *setting)
{
    const struct config_row *row = setting->row;
    if (row->type == CONFIG_PAIRS) {
        print_pairs(out, setting);
        return;
    }
    if (!setting->text) {
        put_source(out, fprintf(out, "# %s:", row->name), "not set");
        return;
    }
    int width = fprintf(out, "%s: ", row->name);
    if (setting_is_list(setting))
        width += print_list(out, setting);
    else if (row->type == CONFIG_FLAG)
        width += fprintf(out, "%s", setting->value.flag ? "yes" : "no");
    else
        width += put_scalar(out, row->secret ? "********" : setting->text);
    put_source(out, width, setting->source);
}

void config_print(const struct config *config, FILE *out)
{
    fprintf(out, "# %s: effective settings and their sources\n", config->program->command);
    for (size_t i = 0; i < config->count; i++)
        if (!config_row_is_common(config->settings[i].row))
            print_setting(out, &config->settings[i]);
}
