/* cli/pool_state.h -- how far a pool is, as its topics and the offsets of its groups tell: which sessions
 * there are, what of them is joined, and which chunks wait where. Reads only. */
#ifndef CLI_POOL_STATE_H
#define CLI_POOL_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/failure.h"
#include "bus/bus_settings.h"

struct pool_session {
    const char *name; /* host/name/creation time */
    char *host;       /* as its intervals tell; NULL: not told */
    /* Of the results: */
    bool is_joined;  /* any interval is; else the next four are of no meaning */
    uint64_t chunk;  /* the newest that is joined, or given up */
    int64_t last_ns; /* its newest event, Unix epoch; REPORT_NONE: it had none yet */
    int64_t
        joined_ms; /* when the newest interval was joined, by the broker's clock; -1: not told */
    uint64_t intervals, events; /* joined */
    uint64_t gaps;              /* of the intervals */
    uint64_t discarded;         /* events that the tracer lost */
    /* Of what is announced and not joined: */
    size_t unmapped;        /* waits for a mapper */
    size_t unjoined;        /* is mapped, and waits for the reducer */
    uint64_t missing;       /* chunks that are nowhere, before one that waits */
    uint64_t first_missing; /* the number of the first of them */
    size_t parked;          /* by mappers, and not sent again */
};

struct pool_state {
    struct pool_session *sessions; /* by name */
    size_t session_count;
    size_t mappers, reducers; /* members of the groups: a mapper with -j N is N of them */
    /* Announcements that mappers have not finished; chunks that are mapped and not joined; records of
     * state, which reducers that start have to read. */
    uint64_t unmapped, unjoined, state_records;
    /* Announcements, or partials, that wait are too many to be read: the numbers of the sessions that
     * wait are at least so many, and which chunks are missing is not known. */
    bool in_part;
    uint64_t parked, gaps;
    uint64_t damaged; /* records of results that could not be read */
};

struct pool_watch;

/* `settings` are borrowed; `over` is asked whether to give up waiting. OK; REJECT: a topic is not there; RETRY: no broker answers. Reads the
 * results topic, all of it. */
MUST_CHECK enum status pool_watch_new(const struct bus_settings *settings,
                                      bool (*over)(void *context), struct pool_watch **out,
                                      struct failure *why);
void pool_watch_free(struct pool_watch *watch); /* NULL is fine */
/* What holds now, good until the next call; NULL unless OK. OK; RETRY: no answer, or it is over; REJECT, STOP: not allowed, gone, or
 * of a newer format. */
MUST_CHECK enum status pool_watch_look(struct pool_watch *watch, const struct pool_state **out,
                                       struct failure *why);

#endif
