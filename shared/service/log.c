#include "service/log.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "base/utf8.h"

static const char *const level_names[] = {"error", "warning", "info", "debug"};

static void put_time(FILE *line)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    struct tm tm;
    gmtime_r(&now.tv_sec, &tm);
    fprintf(line, "time=%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ", tm.tm_year + 1900, tm.tm_mon + 1,
            tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, now.tv_nsec / 1000000);
}

static bool is_plain(const char *text)
{
    if (!*text)
        return false;
    for (; *text; text++)
        if (!isgraph((unsigned char)*text) || *text == '"' || *text == '=' || *text == '\\')
            return false;
    return true;
}

static void put_character(FILE *line, uint32_t character)
{
    char room[4];
    switch (character) {
    case '"':
    case '\\': fprintf(line, "\\%c", (int)character); return;
    case '\n': fputs("\\n", line); return;
    case '\r': fputs("\\r", line); return;
    case '\t': fputs("\\t", line); return;
    default: break;
    }
    if (utf8_is_control(character))
        fprintf(line, "\\u%04x", (unsigned)character);
    else
        fwrite(room, 1, utf8_put(character, room), line);
}

/* Texts with spaces or special characters are quoted and escaped like JSON strings, as logfmt
 * readers expect. Control characters, which texts from traces may have, never reach a terminal;
 * UTF-8 does, and invalid UTF-8 becomes U+FFFD. */
static void put_text(FILE *line, const char *text)
{
    if (is_plain(text)) {
        fputs(text, line);
        return;
    }
    fputc('"', line);
    for (struct text rest = text_of(text); rest.count > 0;)
        put_character(line, utf8_take(&rest));
    fputc('"', line);
}

/* Keys have no characters that end a key. */
static void put_key(FILE *line, const char *key)
{
    if (!*key)
        fputc('_', line);
    for (; *key; key++)
        fputc(isgraph((unsigned char)*key) && *key != '=' && *key != '"' ? *key : '_', line);
}

static void put_field(FILE *line, const struct log_field *field)
{
    fputc(' ', line);
    put_key(line, field->key);
    fputc('=', line);
    switch (field->kind) {
    case LOG_TEXT: put_text(line, field->as.text ? field->as.text : "-"); break;
    case LOG_INTEGER: fprintf(line, "%" PRId64, field->as.integer); break;
    case LOG_REAL: fprintf(line, "%.3f", field->as.real); break;
    }
}

void log_write(const struct log *log, enum log_level level, const struct log_field *fields,
               size_t count)
{
    if (level > log->level)
        return;
    char *text = NULL;
    size_t size = 0;
    FILE *line = open_memstream(&text, &size);
    if (!line)
        return; /* do not end the process for a log line */
    put_time(line);
    fprintf(line, " level=%s program=", level_names[level]);
    put_text(line, log->program);
    for (size_t i = 0; i < count; i++)
        if (fields[i].key)
            put_field(line, &fields[i]);
    fputc('\n', line);
    if (fclose(line) == 0)
        fwrite(text, 1, size, log->file); /* locks the file: lines are not mixed */
    free(text);
    fflush(log->file);
}
