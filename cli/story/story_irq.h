/* cli/story/story_irq.h -- what handles an interrupt on each CPU, followed through the events. */
#ifndef CLI_STORY_STORY_IRQ_H
#define CLI_STORY_STORY_IRQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trace/event.h"

struct cpu_irq {
    bool is_in;
    char name[64]; /* "irq 27 (virtio0)", "softirq BLOCK" */
};

/* All zero is empty; story_irqs_clear(). */
struct story_irqs {
    struct cpu_irq *at; /* by CPU */
    size_t count;
};

enum irq_step { IRQ_NONE, IRQ_BEGIN, IRQ_END };

/* Whether the event begins or ends a handler; *out is valid until the next call then. */
enum irq_step story_irqs_take(struct story_irqs *irqs, const struct event *event,
                              const struct cpu_irq **out);
/* What handles an interrupt on that CPU, valid likewise; NULL: nothing that is known. */
const char *story_irqs_in(const struct story_irqs *irqs, int32_t cpu);
void story_irqs_clear(struct story_irqs *irqs);

/* The field of that name, of an event whose fields are all shown; NULL: it has none. */
const struct field_value *event_shown(const struct event *event, const char *name);

#endif
