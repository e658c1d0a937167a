/* cli/pool_recording.h -- sessions of a pool, usable like a recording: a report from their results,
 * and their chunks, whose archives are fetched when they are opened. */
#ifndef CLI_POOL_RECORDING_H
#define CLI_POOL_RECORDING_H

#include "cli/pool_chunks.h"
#include "cli/result_log.h"
#include "results/report.h"

struct pool_recording;

/* `log` selects sessions and time, and receives messages; this call sets its `interval`. `log`,
 * `chunks`, and what they point to are borrowed until pool_recording_free().
 * OK: `report` (report_clear()) and `list` (chunk_list_clear()) are filled, both by session. RETRY:
 * no broker answers, or `over`; REJECT: no such topic, or no such session, and `why` lists the
 * sessions; STOP: as result_log_poll(). Call pool_recording_free() in any case. */
MUST_CHECK enum status pool_recording_read(struct result_log_options *log,
                                           const struct pool_chunks_options *chunks,
                                           struct pool_recording **out, struct report *report,
                                           struct chunk_list *list, struct failure *why);
/* The number of unreadable records of results. */
size_t pool_recording_damaged(const struct pool_recording *recording);
void pool_recording_free(struct pool_recording *recording); /* NULL is fine */

#endif
