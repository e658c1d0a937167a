/* cli/traces.h -- what a user names on the command line, for the commands that read traces: the chunks,
 * and the phase definitions; and a report of a session, for those that need to know what it knows. */
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

/* All zero, but `progress`, is empty. */
struct traces {
    struct progress *progress;
    struct phase_definitions phases; /* phases_init() */
    struct chunk_list list;
    char **marks;    /* by chunk; or NULL */
    size_t left_out; /* chunks and operands that could not even be looked at */
};

/* Rows `phases` and `phase` of `config`. An exit code: a bad definition on the command line is wrong
 * usage, a bad file is not. What is wrong is said. */
int traces_read_phases(struct traces *traces, const struct config *config);
/* Row `phases` alone. */
int traces_read_phase_files(struct traces *traces, const struct config *config);
/* The operands of `config`. REJECT: nothing is there that could be read. What is wrong is said. */
MUST_CHECK enum status traces_find(struct traces *traces, const struct config *config);
void traces_clear(struct traces *traces);

/* How many may be read at a time: one per CPU. */
unsigned traces_usual_jobs(void);

/* The chunks of one session, which follow each other in the list. */
struct traces_session {
    const struct chunk_ref *chunks;
    size_t count;
    struct report report;    /* of it alone: one session, or none */
    size_t failed;           /* chunks that could not be used */
    struct reducer *reducer; /* has the report's names */
};
/* Where the session of the chunk at `begin` ends. */
size_t traces_session_end(const struct chunk_list *list, size_t begin);
/* Maps and joins the chunks from `begin` to `end`; `windows` are of the whole list, NULL: all counts. False if it was interrupted. traces_session_clear() in
 * any case. */
bool traces_report(struct traces *traces, size_t begin, size_t end,
                   const struct chunk_windows *windows, struct traces_session *out);
void traces_session_clear(struct traces_session *session);

#endif
