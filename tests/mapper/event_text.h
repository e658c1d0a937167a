/* Events as text, with all fields that a reader sets: to compare two readers. */
#ifndef TESTS_MAPPER_EVENT_TEXT_H
#define TESTS_MAPPER_EVENT_TEXT_H

#include <inttypes.h>
#include <stdio.h>

#include "trace/schema.h"

static inline void event_text_value(FILE *out, const struct field_value *value)
{
    if (value->type == FIELD_TEXT)
        fprintf(out, " \"%.*s\"", (int)value->text.count, value->text.at);
    else if (value->type == FIELD_ABSENT)
        fprintf(out, " -");
    else
        fprintf(out, value->type == FIELD_INT ? " %" PRId64 : " +%" PRIu64, value->i);
}

/* One line. Absent fields are shown as well: they must be 0. */
static inline void event_text(FILE *out, const struct event *event)
{
    fprintf(out, "%" PRIu64 " trace %u domain %d cpu %d.%u %s kind %d call %s", event->time_ns,
            event->trace, event->domain, event->cpu, event->stream, event->class->name, event->kind,
            event->call ? event->call->name : "-");
    fprintf(out, " has %x %d %d %d %d \"%.*s\" present %x", event->has, event->tid, event->pid,
            event->vtid, event->vpid, (int)event->procname.count, event->procname.at,
            event->present);
    for (unsigned i = 0; i < EVENT_VALUES; i++)
        fprintf(out, " %" PRId64, event->value[i]);
    for (unsigned i = 0; i < EVENT_TEXTS; i++)
        fprintf(out, " \"%.*s\"", (int)event->text[i].count, event->text[i].at);
    fprintf(out, " ints");
    for (unsigned i = 0; i < event->int_count; i++)
        fprintf(out, " %" PRId64, event->ints[i]);
    fprintf(out, " fields");
    for (unsigned i = 0; i < event->field_count; i++)
        event_text_value(out, &event->fields[i]);
    fprintf(out, "\n");
}

#endif
