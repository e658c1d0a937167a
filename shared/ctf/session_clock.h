/* ctf/session_clock.h -- the one clock of all events of a chunk, and the conversion of its streams'
 * clocks to it.
 *
 * Clocks are compared by their declarations. Two are the same if they have the same uuid, or, if
 * one of them has none, the same name and frequency: LTTng samples the offset of its clock again
 * for each trace, so small differences of offsets mean nothing. Other clocks are ordered by their
 * offsets, if both have the same origin. */
#ifndef CTF_SESSION_CLOCK_H
#define CTF_SESSION_CLOCK_H

#include "base/failure.h"
#include "ctf/layout.h"
#include "ctf/stream_time.h"

/* The session's clock, if a trace has declared it; all zero: none yet. */
struct session_clock {
    struct layout_clock clock; /* its name is in `name` */
    char name[256];
    bool is_known;
};

/* Stores the clock of the trace, if it is the first trace with one. */
void session_clock_learn(struct session_clock *session, const struct layout *layout);

/* The clock of a trace: the first that a stream uses, else the first; NULL if there is none. */
const struct layout_clock *session_clock_of(const struct layout *layout);

/* Sets `*times`, for each stream of the layout, owned by the caller. `session` is the session's
 * clock, or NULL if this is the first trace with one. `*event_clock` is the clock of the events, NULL if
 * there is none: the trace's clock, if it is the session's, else the session's; its zero is at
 * `*offset_ns`. Streams without a clock are at 0 for now.
 * REJECT: a clock whose zero exceeds 64 bits of nanoseconds, or that cannot be compared with the
 * session's. */
MUST_CHECK enum status session_clock_times(const struct layout *layout,
                                           const struct layout_clock *session,
                                           struct stream_time **times,
                                           const struct layout_clock **event_clock,
                                           int64_t *offset_ns, struct failure *why);

#endif
