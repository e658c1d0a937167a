/* reducer/session_phases.h -- reports about a session's phase definitions: that they have changed,
 * and, once per session, which of them nothing can match. */
#ifndef REDUCER_SESSION_PHASES_H
#define REDUCER_SESSION_PHASES_H

#include "core/keep.h"
#include "trace/partial.h"

/* All zero for a new session. */
struct session_phases {
    const struct phase_set *set; /* of the last mapped interval; NULL: none yet */
    struct phase_uses uses;      /* how its traces have declared the definitions so far; in arena */
    struct arena arena;
};

void session_phases_clear(struct session_phases *phases);

/* What to report for an interval; in `arena`. */
struct phases_news {
    const char *change; /* a sentence; NULL: no change */
    char **faults;      /* sentences about definitions that nothing can match, once each */
    size_t fault_count;
};
struct phases_news session_phases_join(struct session_phases *phases,
                                       const struct interval_end *end, struct arena *arena);

/* Saves what was reported, as a record of the state: a restored session does not report it
 * again. */
void session_phases_save(const struct session_phases *phases, struct keep_sink sink);
/* Whether it is that record. */
bool session_phases_is(struct text key);
/* REJECT: damaged. STOP: a newer format than this program knows. */
MUST_CHECK enum status session_phases_restore(struct session_phases *phases, struct bytes record,
                                              struct failure *why);

#endif
