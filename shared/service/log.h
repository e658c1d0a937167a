/* service/log.h -- log lines on stderr: key=value (logfmt), one event per line.
 *
 *     log_say(log, LOG_WARNING, "chunk parked", log_text("chunk", "web1/17"), log_integer("try",
 *     5));
 *
 *     time=2026-11-23T07:20:00.123Z level=warning program=spanmill-mapper event="chunk parked"
 *     chunk=web1/17 try=5                                                      (in one line)
 *
 * Thread-safe: lines are written atomically. */
#ifndef SERVICE_LOG_H
#define SERVICE_LOG_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Lines up to the log's level are written. In the order of the words of --log-level. */
enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };
#define LOG_LEVEL_WORDS "error warning info debug"

struct log {
    FILE *file;
    const char *program;
    enum log_level level;
};

enum log_field_kind { LOG_TEXT, LOG_INTEGER, LOG_REAL };

struct log_field {
    const char *key;
    enum log_field_kind kind;
    union {
        const char *text; /* NULL is written as - */
        int64_t integer;
        double real;
    } as;
};

static inline struct log_field log_text(const char *key, const char *text)
{
    return (struct log_field){key, LOG_TEXT, {.text = text}};
}

static inline struct log_field log_integer(const char *key, int64_t integer)
{
    return (struct log_field){key, LOG_INTEGER, {.integer = integer}};
}

/* With three decimals; seconds, usually. */
static inline struct log_field log_real(const char *key, double real)
{
    return (struct log_field){key, LOG_REAL, {.real = real}};
}

void log_write(const struct log *log, enum log_level level, const struct log_field *fields,
               size_t count);

/* `event` is a short constant text; any number of fields may follow. */
#define log_say(log, level, ...) log_say_(log, level, __VA_ARGS__, log_nothing_())
#define log_say_(log, level, event, ...)                                                           \
    log_write(log, level, (const struct log_field[]){log_text("event", event), __VA_ARGS__},       \
              sizeof((const struct log_field[]){log_text("event", event), __VA_ARGS__}) /          \
                  sizeof(struct log_field))

/* Ends the list of log_say(); not written. */
static inline struct log_field log_nothing_(void)
{
    return (struct log_field){NULL, LOG_TEXT, {.text = NULL}};
}

#endif
