/* cli/story/story_irq.h -- the running handlers of each CPU, from events. */
#ifndef CLI_STORY_STORY_IRQ_H
#define CLI_STORY_STORY_IRQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trace/event.h"

struct cpu_handlers {
    struct running_handler {
        bool is_on;
        char
            name[64]; /* "irq 27 (virtio0)", "softirq BLOCK", "timer", "vector 236 (LOCAL_TIMER)" */
    } at[HANDLER_LEVELS];
};

/* Empty if all zero; story_irqs_clear(). */
struct story_irqs {
    struct cpu_handlers *at; /* by CPU */
    size_t count;
};

enum irq_step { IRQ_NONE, IRQ_BEGIN, IRQ_END };

/* Takes every kernel event. Whether it begins or ends an interrupt or a softirq; if so, *name is
 * that of the handler, valid until the next call. */
enum irq_step story_irqs_take(struct story_irqs *irqs, const struct event *event,
                              const char **name);
/* The running handler on that CPU, valid until the next call, which wakes threads; with several
 * levels, the most specific one, as in the core. NULL: none known. */
const char *story_irqs_in(const struct story_irqs *irqs, int32_t cpu, enum handler_level *level);
void story_irqs_clear(struct story_irqs *irqs);

/* A field of an event whose fields are all shown; NULL: absent. */
const struct field_value *event_shown(const struct event *event, const char *name);

#endif
