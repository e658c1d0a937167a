/* core/spans.h -- spans that users define, that is pairs of events, in both modes; for the files of the core.
 *
 * An end ends the newest begin of its key: of its definition, its subject and its match values. So a pair that
 * is whole in an interval is summed there, under what its begin is counted under (core/counts.h), and what the
 * past has open stays as it is. What goes to the row is in RECORD_SPAN: begins that are open when something
 * may come that only the past can pair, or at the end; and ends that have no begin here.
 *
 * Whose an event is may be known to the past alone. Its step then may begin or end spans: what is open here of these
 * goes before it. Of a process, only the past knows which threads are of one: all of such a span goes to the row. */
#ifndef CORE_SPANS_H
#define CORE_SPANS_H

#include "core/counts.h"

/* The event begins the span that `key` is of, or ends the one at that place of the set. Arguments as of
 * counts_take(). */
void spans_begin(struct core *core, const struct event *event, struct life *life, bool idle,
                 const struct count_key *key);
void spans_end(struct core *core, const struct event *event, struct life *life, bool idle,
               uint32_t at);

/* What the event tells of its thread is known by now: spans on processes wait for that. */
void spans_settle_slowly(struct core *core);
static inline void spans_settle(struct core *core)
{
    if (core->spans_wait)
        spans_settle_slowly(core);
}

/* --- mapping --- */
/* What is open goes to the row: of spans that an event of the class begins or ends; that name the life, as its
 * name holds until it is retired; that may end while events of the CPU, or (-1) of user space, are lost; all. */
void spans_before_step(struct core *core, const struct event_class *class);
void spans_write_of(struct core *core, struct life *life);
void spans_before_loss(struct core *core, int32_t cpu);
void spans_write(struct core *core);
/* Events of user space are lost. */
void map_user_loss(struct core *core, const struct event *event);

/* --- joining --- */
/* False: it names nobody. */
bool join_span(struct core *core, const struct span_line *line);
/* Events were lost: of a CPU, or (SPANS_LOST_*) of user space, of all, of all CPUs. */
enum { SPANS_LOST_USER = -1, SPANS_LOST_ALL = -2, SPANS_LOST_KERNEL = -3 };
void spans_lose(struct core *core, int32_t cpu, uint64_t time_ns);
/* Other definitions hold from here on. */
void spans_use(struct core *core, const struct phase_set *set);
/* That is the time of an event. */
void spans_now(struct core *core, uint64_t now_ns);
/* Up to here all events are joined: what is open for too long is over. */
void spans_tick(struct core *core, uint64_t now_ns);
void spans_finish(struct core *core);

void spans_free(struct core *core);

/* --- keep.c, restore.c: what is open, in no order --- */
struct kept_span;
size_t spans_count(const struct core *core);
uint64_t spans_last_ns(const struct core *core);
/* An open span's place in `changed`: its record stays as it began. */
struct change *spans_change(const struct core *core, size_t index);
void spans_keep(const struct core *core, const struct change *change, struct kept_span *kept);
/* False: the definitions that hold have none of it. */
bool spans_restore(struct core *core, const struct kept_span *kept);

#endif
