/* cli/story/story_irq.h -- the running interrupt handler of each CPU, from events. */
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

/* Empty if all zero; story_irqs_clear(). */
struct story_irqs {
    struct cpu_irq *at; /* by CPU */
    size_t count;
};

enum irq_step { IRQ_NONE, IRQ_BEGIN, IRQ_END };

/* Whether the event begins or ends a handler; if so, *out is valid until the next call. */
enum irq_step story_irqs_take(struct story_irqs *irqs, const struct event *event,
                              const struct cpu_irq **out);
/* The running handler on that CPU, valid until the next call; NULL: none known. */
const char *story_irqs_in(const struct story_irqs *irqs, int32_t cpu);
void story_irqs_clear(struct story_irqs *irqs);

/* A field of an event whose fields are all shown; NULL: absent. */
const struct field_value *event_shown(const struct event *event, const char *name);

#endif
