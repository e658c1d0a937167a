#include "trace/event.h"

#include <stddef.h>
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

static bool begins(struct text name, const char *word)
{
    size_t count = strlen(word);
    return name.count >= count && memcmp(name.at, word, count) == 0;
}

static bool ends(struct text name, const char *word)
{
    size_t count = strlen(word);
    return name.count >= count && memcmp(name.at + name.count - count, word, count) == 0;
}

/* Source of the names: lttng-modules 2.13. */
struct field_shape field_shape_named(const char *name, size_t count)
{
    const struct text text = {name, count};
    return (struct field_shape){.name = name,
                                .name_count = (uint32_t)count,
                                .is_descriptor = ends(text, "fd") || begins(text, "fd_") ||
                                                 text_equal(text, text_of("fildes")),
                                .is_length = begins(text, "_") && ends(text, "_length"),
                                .is_return = text_equal(text, text_of("ret"))};
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

/* --- contexts --- */

const char event_context_names[] = "tid, pid, vtid, vpid, procname";

static const struct {
    const char *name;
    uint8_t has; /* EVENT_HAS_* */
    uint16_t at; /* in struct event */
} contexts[] = {
    {EVENT_CONTEXT "tid", EVENT_HAS_TID, offsetof(struct event, tid)},
    {EVENT_CONTEXT "pid", EVENT_HAS_PID, offsetof(struct event, pid)},
    {EVENT_CONTEXT "vtid", EVENT_HAS_VTID, offsetof(struct event, vtid)},
    {EVENT_CONTEXT "vpid", EVENT_HAS_VPID, offsetof(struct event, vpid)},
    {EVENT_CONTEXT "procname", EVENT_HAS_PROCNAME, offsetof(struct event, procname)},
};
enum { CONTEXTS = sizeof contexts / sizeof *contexts };

static size_t context_at(const char *name)
{
    size_t at = 0;
    while (at < CONTEXTS && strcmp(contexts[at].name, name) != 0)
        at++;
    return at;
}

bool event_has_context_named(const char *name)
{
    return context_at(name) < CONTEXTS;
}

struct field_value event_context_value(const struct event *event, const char *name)
{
    size_t at = context_at(name);
    if (at == CONTEXTS || !(event->has & contexts[at].has))
        return (struct field_value){.type = FIELD_ABSENT};
    const char *place = (const char *)event + contexts[at].at;
    if (contexts[at].has == EVENT_HAS_PROCNAME)
        return (struct field_value){.type = FIELD_TEXT,
                                    .text = *(const struct text *)(const void *)place};
    return (struct field_value){.type = FIELD_INT, .i = *(const int32_t *)(const void *)place};
}
