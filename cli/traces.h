/* cli/traces.h -- operands of commands that read traces: chunks and phase definitions; and the
 * report of a session, for commands that need its names. */
#ifndef CLI_TRACES_H
#define CLI_TRACES_H

#include <stdbool.h>
#include <stddef.h>

#include "chunk/chunk.h"
#include "cli/progress.h"
#include "cli/window.h"
#include "config/config.h"
#include "reducer/reducer.h"
#include "results/report.h"
#include "trace/phases.h"

struct plan_cache; /* mapper/decode/plan_cache.h */

/* Empty if all zero except `progress`. */
struct traces {
    struct progress *progress;
    struct phase_definitions phases; /* phases_init() */
    struct chunk_list list;
    char **marks;    /* by chunk; or NULL */
    size_t left_out; /* chunks and operands that could not be opened */
};

/* Reads the rows `phases` and `phase` of `config`. Returns an exit code: an invalid definition on
 * the command line is wrong usage, an invalid file is not. Reports errors. */
int traces_read_phases(struct traces *traces, const struct config *config);
/* Only the row `phases`. */
int traces_read_phase_files(struct traces *traces, const struct config *config);
/* Finds the chunks of the operands of `config`. REJECT: none is readable. Reports errors. */
MUST_CHECK enum status traces_find(struct traces *traces, const struct config *config);
void traces_clear(struct traces *traces);

/* Default number of jobs: one per CPU. */
unsigned traces_usual_jobs(void);

/* The chunks of one session, which follow each other in the list. */
struct traces_session {
    const struct chunk_ref *chunks;
    size_t count;
    struct report report;     /* of this session, or empty */
    size_t failed;            /* unusable chunks */
    struct reducer *reducer;  /* owns the report's names */
    struct plan_cache *cache; /* of the metadata, for those who read the chunks again */
};
/* The end index of the session of the chunk at `begin`. */
size_t traces_session_end(const struct chunk_list *list, size_t begin);
/* Maps and joins the chunks from `begin` to `end`; `windows` are of the whole list, NULL:
 * everything counts. False if it was interrupted. traces_session_clear() in any case. */
bool traces_report(struct traces *traces, size_t begin, size_t end,
                   const struct chunk_windows *windows, struct traces_session *out);
void traces_session_clear(struct traces_session *session);

#endif
