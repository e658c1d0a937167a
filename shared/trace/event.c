#include "trace/event.h"

#include <string.h>

int event_compare(const struct event *a, const struct event *b)
{
    if (a->time_ns != b->time_ns)
        return a->time_ns < b->time_ns ? -1 : 1;
    if (a->domain != b->domain)
        return a->domain < b->domain ? -1 : 1;
    if (a->cpu != b->cpu)
        return a->cpu < b->cpu ? -1 : 1;
    if (a->stream != b->stream)
        return a->stream < b->stream ? -1 : 1;
    return 0;
}

static struct text copy_text(struct arena *arena, struct text text)
{
    return (struct text){arena_string(arena, text), text.count};
}

struct event event_copy(struct arena *arena, const struct event *from)
{
    struct event to = *from;
    to.procname = copy_text(arena, from->procname);
    to.program = copy_text(arena, from->program);
    for (unsigned i = 0; i < EVENT_TEXTS; i++)
        to.text[i] = copy_text(arena, from->text[i]);
    if (from->int_count) {
        int64_t *ints = arena_take(arena, from->int_count * sizeof *ints);
        memcpy(ints, from->ints, from->int_count * sizeof *ints);
        to.ints = ints;
    }
    if (from->field_count) {
        struct field_value *fields = arena_take(arena, from->field_count * sizeof *fields);
        for (unsigned i = 0; i < from->field_count; i++) {
            fields[i] = from->fields[i];
            if (fields[i].type == FIELD_TEXT)
                fields[i].text = copy_text(arena, fields[i].text);
        }
        to.fields = fields;
    }
    return to;
}
