/* tests/laws/recorded_trace.h -- a recorded session as one sequence of events. */
#ifndef TESTS_LAWS_RECORDED_TRACE_H
#define TESTS_LAWS_RECORDED_TRACE_H

#include "base/failure.h"
#include "law.h"

/* Reads every chunk of the session at `path`, each for its interval only, into `trace`, whose
 * schema is set. REJECT: `why` has the read error. */
MUST_CHECK enum status recording_read(struct law_trace *trace, const char *path,
                                      struct failure *why);

#endif
