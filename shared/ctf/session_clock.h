/* ctf/session_clock.h -- the one clock that all events of a chunk are told by, and how the
 * clocks of its streams are brought to it.
 *
 * Clocks are compared by what metadata declares. Two are the same if they have one uuid, or, where
 * one of them has none, one name and one frequency: LTTng samples the offset of its clock for each
 * trace anew, so offsets may differ a little and tell nothing. Others are put into one order by
 * their offsets, if both count from the same origin. */
#ifndef CTF_SESSION_CLOCK_H
#define CTF_SESSION_CLOCK_H

#include "base/failure.h"
#include "ctf/layout.h"
#include "ctf/stream_time.h"

/* The session's clock, as far as a trace told it; all zero: none did yet. */
struct session_clock {
    struct layout_clock clock; /* its name is `name` */
    char name[256];
    bool is_known;
};

/* Keeps the clock of the trace, if it is the first that has one. */
void session_clock_learn(struct session_clock *session, const struct layout *layout);

/* The clock of a trace: the first that a stream has, or the first; NULL if there is none. */
const struct layout_clock *session_clock_of(const struct layout *layout);

/* Sets `*times`, for each stream of the layout, owned by the caller. `session` is the session's
 * clock, or NULL if this is the first trace that has one. Events are then told by `*told`, NULL if
 * there is none: the trace's clock, if it is the session's, else that; its zero is at `*offset_ns`.
 * Streams without a clock are at 0, for now.
 * REJECT: a clock whose zero is beyond 64 bits of nanoseconds, or that cannot be compared with the
 * session's. */
MUST_CHECK enum status session_clock_times(const struct layout *layout,
                                           const struct layout_clock *session,
                                           struct stream_time **times,
                                           const struct layout_clock **told, int64_t *offset_ns,
                                           struct failure *why);

#endif
