/* core/spans.h -- user-defined spans (pairs of events), in both modes; for the files of the core.
 *
 * An end event ends the newest begin of its key: definition, subject, and match values. So a pair
 * within an interval is summed there, under the keys of its begin (core/counts.h), and the open
 * spans of the past stay unchanged. The row has as RECORD_SPAN: begins that are open before
 * something that only the past can pair, or at the end; and ends without a begin here.
 *
 * If only the past knows the subject of an event, the event is a STEP that may begin or end spans:
 * open begins of the same definitions go to the row before it. Only the past knows which threads
 * belong to a process: all events of such a span go to the row. */
#ifndef CORE_SPANS_H
#define CORE_SPANS_H

#include "core/counts.h"

/* The event begins the span of `key`, or ends the one at index `at` of the set. Arguments as for
 * counts_take(). */
void spans_begin(struct core *core, const struct event *event, struct life *life, bool idle,
                 const struct count_key *key);
void spans_end(struct core *core, const struct event *event, struct life *life, bool idle,
               uint32_t at);

/* Call when the event's information about its thread is applied: spans on processes wait for it. */
void spans_settle_slowly(struct core *core);
static inline void spans_settle(struct core *core)
{
    if (core->spans_wait)
        spans_settle_slowly(core);
}

/* --- mapping --- */
/* These write open spans to the row: those that an event of the class begins or ends; those that
 * refer to the life, while its name is valid; those that may end while events of the CPU, or (-1)
 * of user space, are lost; all. */
void spans_before_step(struct core *core, const struct event_class *class);
void spans_write_of(struct core *core, struct life *life);
void spans_before_loss(struct core *core, int32_t cpu);
void spans_write(struct core *core);
/* User-space events are lost. */
void map_user_loss(struct core *core, const struct event *event);

/* --- joining --- */
/* False: it refers to an unknown entity. */
bool join_span(struct core *core, const struct span_line *line);
/* Events were lost: of a CPU, or (SPANS_LOST_*) of user space, of everything, of all CPUs. */
enum { SPANS_LOST_USER = -1, SPANS_LOST_ALL = -2, SPANS_LOST_KERNEL = -3 };
void spans_lose(struct core *core, int32_t cpu, uint64_t time_ns);
/* Other definitions apply from here on. */
void spans_use(struct core *core, const struct phase_set *set);
/* Sets the time of the current event. */
void spans_now(struct core *core, uint64_t now_ns);
/* All events up to now are joined: ends spans that are open for too long. */
void spans_tick(struct core *core, uint64_t now_ns);
void spans_finish(struct core *core);

void spans_free(struct core *core);

/* --- keep.c, restore.c: open spans, in no order --- */
struct kept_span;
size_t spans_count(const struct core *core);
uint64_t spans_last_ns(const struct core *core);
/* The entry of an open span in `changed`: its record never changes. */
struct change *spans_change(const struct core *core, size_t index);
void spans_keep(const struct core *core, const struct change *change, struct kept_span *kept);
/* False: no current definition matches it. */
bool spans_restore(struct core *core, const struct kept_span *kept);

#endif
