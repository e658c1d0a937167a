/* cli/story/phase_stack.h -- the open phase instances of a thread, from events. */
#ifndef CLI_STORY_PHASE_STACK_H
#define CLI_STORY_PHASE_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/story/follow.h"

struct open_instance {
    char *name; /* as in the report; owned, as are the values */
    const struct phase_definition *definition;
    int64_t begin_ns;
    uint64_t number;           /* in a stack: of the instances begun before it, on any thread */
    struct field_value *match; /* of the begin event */
};

/* The instance that the event begins, whose filters it passes; open_instance_clear(). */
void open_instance_begin(struct open_instance *instance, const struct phase_definition *definition,
                         const struct followed *followed);
/* Whether the event, an end event of its definition, ends it. */
bool open_instance_ends(const struct open_instance *instance, const struct event *event);
void open_instance_clear(struct open_instance *instance);

/* Of a thread, in begin order. Empty if all zero. */
struct phase_stack {
    struct open_instance *at;
    size_t count, room;
};

void phase_stack_clear(struct phase_stack *stack);

/* Begins instances at the event, after it ended others. Counts in `*number` those of all threads. */
void phase_stack_begin(struct phase_stack *stack, const struct followed *followed,
                       uint64_t *number);
/* The most recently begun instance that the event may end, for the definition with index `place` in
 * event->class->ends. NULL if there is none in this stack. */
const struct open_instance *phase_stack_find(const struct phase_stack *stack,
                                             const struct event *event, size_t place);
/* Ends that instance. */
void phase_stack_end(struct phase_stack *stack, const struct open_instance *instance);
/* Ends instances that exceed the timeout of their definition. */
void phase_stack_expire(struct phase_stack *stack, int64_t now_ns);

/* Calls `wants` with the name and the path (slash-separated names) of each; true if it returns true
 * for one. */
bool phase_stack_any(const struct phase_stack *stack,
                     bool (*wants)(const void *context, const char *name), const void *context);

#endif
