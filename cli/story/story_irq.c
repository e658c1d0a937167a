#include "cli/story/story_irq.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "trace/schema.h"

static struct cpu_irq *irq_of(struct story_irqs *irqs, int32_t cpu)
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

static enum irq_step step_of(const struct event *event)
{
    if (!event_is_of_handler(event) ||
        (event->class->handler != HANDLER_IRQ && event->class->handler != HANDLER_SOFTIRQ))
        return IRQ_NONE;
    return event->kind == EVENT_HANDLER_ENTRY ? IRQ_BEGIN : IRQ_END;
}

const struct field_value *event_shown(const struct event *event, const char *name)
{
    for (unsigned i = 0; event->shapes && i < event->field_count; i++)
        if (strcmp(event->shapes[i].name, name) == 0)
            return &event->fields[i];
    return NULL;
}

static void name_irq(struct cpu_irq *irq, const struct event *event)
{
    const struct field_value *number = event_shown(event, "irq"),
                             *name = event_shown(event, "name");
    static const char *const SOFT[] = {"HI",       "TIMER",   "NET_TX", "NET_RX",  "BLOCK",
                                       "IRQ_POLL", "TASKLET", "SCHED",  "HRTIMER", "RCU"};
    bool soft = number == NULL;
    if (soft)
        number = event_shown(event, "vec");
    long long shown = !number                     ? -1
                      : number->type == FIELD_INT ? (long long)number->i
                                                  : (long long)number->u;
    bool named = name && name->type == FIELD_TEXT;
    if (soft && shown >= 0 && shown < (long long)(sizeof SOFT / sizeof *SOFT))
        snprintf(irq->name, sizeof irq->name, "softirq %s", SOFT[shown]);
    else
        snprintf(irq->name, sizeof irq->name, "%s %lld%s%.*s%s", soft ? "softirq" : "irq", shown,
                 named ? " (" : "", named ? (int)name->text.count : 0, named ? name->text.at : "",
                 named ? ")" : "");
}

enum irq_step story_irqs_take(struct story_irqs *irqs, const struct event *event,
                              const struct cpu_irq **out)
{
    enum irq_step step = step_of(event);
    struct cpu_irq *irq = step == IRQ_NONE ? NULL : irq_of(irqs, event->cpu);
    *out = irq;
    if (!irq)
        return IRQ_NONE;
    irq->is_in = step == IRQ_BEGIN;
    if (irq->is_in)
        name_irq(irq, event);
    return step;
}

const char *story_irqs_in(const struct story_irqs *irqs, int32_t cpu)
{
    bool is_in = cpu >= 0 && (size_t)cpu < irqs->count && irqs->at[cpu].is_in;
    return is_in ? irqs->at[cpu].name : NULL;
}

void story_irqs_clear(struct story_irqs *irqs)
{
    free(irqs->at);
    *irqs = (struct story_irqs){.at = NULL};
}
