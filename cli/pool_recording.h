/* cli/pool_recording.h -- sessions of a pool in place of a recording: what the results report of them, and
 * their chunks, whose archives are fetched when they are opened. */
#ifndef CLI_POOL_RECORDING_H
#define CLI_POOL_RECORDING_H

#include "cli/pool_chunks.h"
#include "cli/result_log.h"
#include "results/report.h"

struct pool_recording;

/* Which sessions, which time, who says what cannot be read: `log`, whose `interval` is set here. Borrowed are
 * both, and what they point to, until pool_recording_free().
 * OK: `report` (report_clear()) and `list` (chunk_list_clear()) are filled, both by session. RETRY: no
 * broker answers, or it is over; REJECT: no such topic, or there is nothing of such a session, and `why` says
 * which there are; STOP: as result_log_poll(). pool_recording_free() in any case. */
MUST_CHECK enum status pool_recording_read(struct result_log_options *log,
                                           const struct pool_chunks_options *chunks,
                                           struct pool_recording **out, struct report *report,
                                           struct chunk_list *list, struct failure *why);
/* Records of results that could not be read. */
size_t pool_recording_damaged(const struct pool_recording *recording);
void pool_recording_free(struct pool_recording *recording); /* NULL is fine */

#endif
