#include "reader.h"

#include <string.h>

#include "mapper/ctf/reader_kind.h"

static const struct reader_kind *const KINDS[] = {&reader_bt2, &reader_spanmill};

const struct reader_kind *const *reader_kinds(size_t *count)
{
    *count = sizeof KINDS / sizeof *KINDS;
    return KINDS;
}

const char *reader_kind_name(const struct reader_kind *kind)
{
    return kind->name;
}

const struct reader_kind *reader_kind_by_name(const char *name)
{
    for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++)
        if (strcmp(KINDS[i]->name, name) == 0)
            return KINDS[i];
    return NULL;
}

enum status reader_open(const struct trace_set *set, struct schema *schema,
                        const struct reader_warnings *warnings, struct reader **out,
                        struct failure *why)
{
    static const struct reader_choice USUAL = {.kind = NULL};
    return reader_open_as(&USUAL, set, schema, warnings, out, why);
}

enum status reader_open_as(const struct reader_choice *choice, const struct trace_set *set,
                           struct schema *schema, const struct reader_warnings *warnings,
                           struct reader **out, struct failure *why)
{
    const struct reader_kind *kind = choice->kind != NULL ? choice->kind : KINDS[0];
    return kind->open(set, schema, choice->cache, warnings, out, why);
}

const struct reader_info *reader_info(const struct reader *reader)
{
    return reader->kind->info(reader);
}

enum status reader_next(struct reader *reader, const struct event **events, size_t *count,
                        struct failure *why)
{
    return reader->kind->next(reader, events, count, why);
}

void reader_close(struct reader *reader)
{
    if (reader != NULL)
        reader->kind->close(reader);
}
