/* cli/pool_state.h -- the progress of a pool, from its topics and the offsets of its groups:
 * sessions, what of them is joined, and which chunks wait where. Read-only. */
#ifndef CLI_POOL_STATE_H
#define CLI_POOL_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/failure.h"
#include "bus/bus_settings.h"

struct pool_session {
    const char *name; /* host/name/creation time */
    char *host;       /* from its intervals; NULL: unknown */
    /* From the results: */
    bool is_joined;    /* at least one interval is; else the next four are undefined */
    uint64_t chunk;    /* the newest that is joined or a gap */
    int64_t last_ns;   /* its newest event, Unix epoch; REPORT_NONE: it had none yet */
    int64_t joined_ms; /* when the newest interval was joined, by the broker's clock; -1: unknown */
    uint64_t intervals, events; /* joined */
    uint64_t gaps;              /* of the intervals */
    uint64_t discarded;         /* events that the tracer lost */
    /* Announced chunks that are not joined: */
    size_t unmapped;        /* waiting for a mapper */
    size_t unjoined;        /* mapped, waiting for the reducer */
    uint64_t missing;       /* found nowhere, before a waiting one */
    uint64_t first_missing; /* the number of the first of them */
    size_t parked;          /* by mappers, and not sent again */
};

struct pool_state {
    struct pool_session *sessions; /* by name */
    size_t session_count;
    size_t mappers, reducers; /* members of the groups: a mapper with -j N is N of them */
    /* Announcements that mappers have not finished; mapped chunks that are not joined; records of
     * state, which a starting reducer reads. */
    uint64_t unmapped, unjoined, state_records;
    /* Too many announcements or partials wait to read all: the numbers of waiting chunks per
     * session are lower bounds, and missing chunks are unknown. */
    bool in_part;
    uint64_t parked, gaps;
    uint64_t damaged; /* unreadable records of results */
};

struct pool_watch;

/* Reads the whole results topic. `settings` are borrowed; `over` returns true to give up waiting.
 * OK; REJECT: a topic is missing; RETRY: no broker answers. */
MUST_CHECK enum status pool_watch_new(const struct bus_settings *settings,
                                      bool (*over)(void *context), struct pool_watch **out,
                                      struct failure *why);
void pool_watch_free(struct pool_watch *watch); /* NULL is fine */
/* The current state, valid until the next call; NULL unless OK. OK; RETRY: no answer, or `over`;
 * REJECT, STOP: not allowed, deleted, or a newer format. */
MUST_CHECK enum status pool_watch_look(struct pool_watch *watch, const struct pool_state **out,
                                       struct failure *why);

#endif
