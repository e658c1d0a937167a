/* cli/result_log.h -- the results topic, read and folded, session by session. */
#ifndef CLI_RESULT_LOG_H
#define CLI_RESULT_LOG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/failure.h"
#include "bus/bus_settings.h"
#include "results/report.h"

struct result_log_options {
    const struct bus_settings *bus;
    bool from_end;
    bool forget; /* what is over and was not told of for long */
    /* Patterns as of fnmatch(), of which a session must match one; none: all sessions. */
    const char *const *sessions;
    size_t session_count;
    /* Records that cannot be read. */
    void (*say)(void *context, const char *sentence);
    /* Whether to give up waiting for a broker. */
    bool (*over)(void *context);
    void *context;
};

struct result_log;

/* Finds out where the topic's partitions begin and end. `options` is borrowed until
 * result_log_free().
 * OK; RETRY: no answer, for some seconds or until it was over; REJECT: there is no such topic, or a setting
 * will not do. */
MUST_CHECK enum status result_log_open(const struct result_log_options *options,
                                       struct result_log **out, struct failure *why);
void result_log_free(struct result_log *log); /* NULL is fine */

/* Waits up to `timeout_ms` for a record and takes it. OK; END: none came; STOP: one is of a newer
 * format than this program knows, or the topic is gone. */
MUST_CHECK enum status result_log_poll(struct result_log *log, int timeout_ms, struct failure *why);

/* Whether all was read that was there when the log was opened. */
bool result_log_is_read(const struct result_log *log);
/* Whether, of some session, what belongs together was read in part only. */
bool result_log_is_torn(const struct result_log *log);
size_t result_log_records(const struct result_log *log); /* taken so far */
size_t result_log_damaged(const struct result_log *log); /* passed over */

/* Names of all sessions of which records were read, asked for or not. */
size_t result_log_sessions(const struct result_log *log);
const char *result_log_session(const struct result_log *log, size_t index);
/* Whether it is one of those that are asked for. */
bool result_log_wants(const struct result_log_options *options, const char *session);

/* Fills `out` (report_clear()), sessions by name; good until the log takes more. */
void result_log_report(const struct result_log *log, struct report *out);

#endif
