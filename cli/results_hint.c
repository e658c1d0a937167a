#include "cli/results_hint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/utf8.h"
#include "cli/parked.h"

/* Number of names in a message. */
enum { NAMES_SHOWN = 8 };

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

char *results_hint_names(const char **names, size_t count, const char *where)
{
    size_t size;
    qsort(names, count, sizeof *names, by_name);
    char *text = NULL;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    fprintf(out, "no session in %s matches; there are: ", where);
    for (size_t i = 0; i < count && i < NAMES_SHOWN; i++) {
        char *printable = utf8_printable(text_of(names[i]));
        fprintf(out, "%s%s", i ? ", " : "", printable);
        free(printable);
    }
    if (count > NAMES_SHOWN)
        fprintf(out, " and %zu more", count - NAMES_SHOWN);
    fclose(out);
    return text;
}

char *results_hint_sessions(const struct result_log *log)
{
    size_t count = result_log_sessions(log);
    if (count == 0)
        return NULL;
    const char **names = memory_new(count * sizeof *names);
    for (size_t i = 0; i < count; i++)
        names[i] = result_log_session(log, i);
    char *text = results_hint_names(names, count, "the results");
    free(names);
    return text;
}

static char *line_of(const struct parked *parked)
{
    char *line = memory_format("%s: %s: %s", parked->key, parked->kind, parked->reason);
    char *printable = utf8_printable(text_of(line));
    free(line);
    return printable;
}

void parked_hint_read(struct parked_hint *hint, const struct result_log_options *options)
{
    enum { LINES = sizeof hint->lines / sizeof *hint->lines };
    *hint = (struct parked_hint){.count = 0};
    struct parked_list list;
    struct failure ignored;
    if (parked_list_read(&list, options->bus, options->over, &ignored) != STATUS_OK)
        list.count = 0;
    for (size_t i = list.count; i-- > 0;) {
        const struct parked *parked = &list.at[i];
        char *session = memory_string(parked->session);
        if (!parked->sent_again && result_log_wants(options, session)) {
            if (hint->count < LINES)
                hint->lines[hint->count] = line_of(parked);
            hint->count++;
        }
        free(session);
    }
    parked_list_clear(&list);
}

void parked_hint_clear(struct parked_hint *hint)
{
    for (size_t i = 0; i < sizeof hint->lines / sizeof *hint->lines; i++)
        free(hint->lines[i]);
    *hint = (struct parked_hint){.count = 0};
}
