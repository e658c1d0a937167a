#include "cli/story/story_irq.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "results/report.h"
#include "trace/cells.h"
#include "trace/schema.h"

static struct cpu_handlers *handlers_of(struct story_irqs *irqs, int32_t cpu)
{
    if (cpu < 0)
        return NULL;
    size_t needed = (size_t)cpu + 1;
    if (needed > irqs->count) {
        irqs->at = memory_resize(irqs->at, needed, sizeof *irqs->at);
        memset(irqs->at + irqs->count, 0, (needed - irqs->count) * sizeof *irqs->at);
        irqs->count = needed;
    }
    return &irqs->at[cpu];
}

const struct field_value *event_shown(const struct event *event, const char *name)
{
    for (unsigned i = 0; event->shapes && i < event->field_count; i++)
        if (strcmp(event->shapes[i].name, name) == 0)
            return &event->fields[i];
    return NULL;
}

/* The names of timers and softirqs are those of the report. */
static void name_handler(struct running_handler *handler, const struct event *event)
{
    static const uint8_t kinds[] = {[HANDLER_TIMER] = WAKER_TIMER,
                                    [HANDLER_IRQ] = WAKER_IRQ,
                                    [HANDLER_VECTOR] = WAKER_VECTOR,
                                    [HANDLER_SOFTIRQ] = WAKER_SOFTIRQ};
    enum { ROOM = sizeof handler->name };
    const unsigned level = event->class->handler;
    const char *kind = wait_kind_name(kinds[level]);
    const uint32_t number = (uint32_t)event->value[0];
    char room[VIEW_NAME_ROOM];
    const char *known =
        level == HANDLER_TIMER ? NULL : wait_handler_name(kinds[level], number, room);
    const struct field_value *name = event_shown(event, "name");
    if (level == HANDLER_TIMER)
        snprintf(handler->name, ROOM, "%s", kind);
    else if (!event_has_value(event, 0))
        snprintf(handler->name, ROOM, "%s ?", kind);
    else if (level == HANDLER_SOFTIRQ && known)
        snprintf(handler->name, ROOM, "%s %s", kind, known);
    else if (level == HANDLER_IRQ && name && name->type == FIELD_TEXT)
        snprintf(handler->name, ROOM, "%s %" PRIu32 " (%.*s)", kind, number, (int)name->text.count,
                 name->text.at);
    else
        snprintf(handler->name, ROOM, known ? "%s %" PRIu32 " (%s)" : "%s %" PRIu32, kind, number,
                 known);
}

enum irq_step story_irqs_take(struct story_irqs *irqs, const struct event *event, const char **name)
{
    bool is_border = event->kind == EVENT_LOSS && event_is_border(event);
    bool is_handler = event_is_of_handler(event);
    if (!is_handler && event->kind != EVENT_SWITCH && !is_border)
        return IRQ_NONE;
    struct cpu_handlers *handlers = handlers_of(irqs, event->cpu);
    if (!handlers)
        return IRQ_NONE;
    if (!is_handler) { /* no handler runs at a switch */
        for (unsigned i = 0; i < HANDLER_LEVELS; i++)
            handlers->at[i].is_on = false;
        return IRQ_NONE;
    }
    const unsigned level = event->class->handler;
    struct running_handler *handler = &handlers->at[level];
    handler->is_on = event->kind == EVENT_HANDLER_ENTRY;
    if (handler->is_on)
        name_handler(handler, event);
    *name = handler->name;
    return level != HANDLER_IRQ && level != HANDLER_SOFTIRQ ? IRQ_NONE
           : handler->is_on                                 ? IRQ_BEGIN
                                                            : IRQ_END;
}

const char *story_irqs_in(const struct story_irqs *irqs, int32_t cpu, enum handler_level *level)
{
    if (cpu < 0 || (size_t)cpu >= irqs->count)
        return NULL;
    for (unsigned i = 0; i < HANDLER_LEVELS; i++)
        if (irqs->at[cpu].at[i].is_on) {
            *level = (enum handler_level)i;
            return irqs->at[cpu].at[i].name;
        }
    return NULL;
}

void story_irqs_clear(struct story_irqs *irqs)
{
    free(irqs->at);
    *irqs = (struct story_irqs){.at = NULL};
}
