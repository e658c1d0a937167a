/* reducer/session_phases.h -- what is told of a session's phase definitions: that they have changed,
 * and, once in the session, which of them nothing can match. */
#ifndef REDUCER_SESSION_PHASES_H
#define REDUCER_SESSION_PHASES_H

#include "core/keep.h"
#include "trace/partial.h"

/* All zero is of a session that begins. */
struct session_phases {
    const struct phase_set *set; /* of the last interval that was mapped; NULL: of none yet */
    struct phase_uses uses;      /* what its traces have declared so far; in arena */
    struct arena arena;
};

void session_phases_clear(struct session_phases *phases);

/* What there is to tell when an interval comes; in `arena`. */
struct phases_news {
    const char *change; /* a sentence; NULL: they have not changed */
    char **faults;      /* sentences of definitions that nothing can match, told for the first */
    size_t fault_count; /* time */
};
struct phases_news session_phases_join(struct session_phases *phases,
                                       const struct interval_end *end, struct arena *arena);

/* What was told, as a record of the state: a restored session does not tell it again. */
void session_phases_save(const struct session_phases *phases, struct keep_sink sink);
/* Whether the record is that one. */
bool session_phases_is(struct text key);
/* REJECT: damaged. STOP: of a newer format than this program knows. */
MUST_CHECK enum status session_phases_restore(struct session_phases *phases, struct bytes record,
                                              struct failure *why);

#endif
