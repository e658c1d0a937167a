/* cli/story/phase_stack.h -- which instances of phases a thread is in, as events are followed. */
#ifndef CLI_STORY_PHASE_STACK_H
#define CLI_STORY_PHASE_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/story/follow.h"

struct open_instance {
    char *name; /* as report tells it; owned, as are the values */
    const struct phase_definition *definition;
    int64_t begin_ns;
    struct field_value *match; /* of the begin event */
};

/* What the event begins, whose filters it passes; open_instance_clear(). */
void open_instance_begin(struct open_instance *instance, const struct phase_definition *definition,
                         const struct followed *followed);
/* Whether the event, which its definition names as an end, ends it. */
bool open_instance_ends(const struct open_instance *instance, const struct event *event);
void open_instance_clear(struct open_instance *instance);

/* Of a thread, in the order in which they began. All zero is empty. */
struct phase_stack {
    struct open_instance *at;
    size_t count, room;
};

void phase_stack_clear(struct phase_stack *stack);

/* Begins what the event begins; call phase_stack_ends() before. */
void phase_stack_begin(struct phase_stack *stack, const struct followed *followed);
/* Ends the innermost instance that the event may end, for the definition at `place` of those that its class
 * ends (event->class->ends). False if there is none in this stack. */
bool phase_stack_end(struct phase_stack *stack, const struct followed *followed, size_t place);
/* Ends what is open for longer than its definition allows. */
void phase_stack_expire(struct phase_stack *stack, int64_t now_ns);

/* Calls `wants` with the name and the path (names of all that it is in, with slashes) of each; whether one
 * is wanted. */
bool phase_stack_any(const struct phase_stack *stack,
                     bool (*wants)(const void *context, const char *name), const void *context);

#endif
