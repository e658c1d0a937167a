/* core/counts.h -- counts of events that users define, in both modes; for the files of the core.
 *
 * An event is counted as things are before it: in the phase and the call that its thread is in when it
 * comes. Sums are by the life; they go to the row with its lines, as its name holds until it is retired. */
#ifndef CORE_COUNTS_H
#define CORE_COUNTS_H

#include "core/state.h"

/* Of an event of nobody, whether it is the idle thread's. */
bool counts_is_idle(const struct cpu *cpu, const struct event *event);
void counts_add(struct core *core, const struct event *event, struct life *life, bool idle);
/* `life` NULL: the event is nobody's, or (`idle`) the idle thread's. */
static inline void counts_take(struct core *core, const struct event *event, struct life *life,
                               bool idle)
{
    if (event->class->count_count > 0)
        counts_add(core, event, life, idle);
}
/* Mapping: the sums of a life go to the row, before its name may be another's; all sums. */
void counts_write_of(struct core *core, struct life *life);
void counts_write(struct core *core);
/* Joining: all sums are told. */
void counts_tell(struct core *core);
/* False: nobody is named as it says. */
bool join_count(struct core *core, const struct count_line *line);
void counts_free(struct counts *counts);

#endif
