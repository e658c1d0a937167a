/* cli/result_log.h -- the results topic, read and folded, session by session. */
#ifndef CLI_RESULT_LOG_H
#define CLI_RESULT_LOG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/failure.h"
#include "bus/bus_settings.h"
#include "results/report.h"
#include "results/result.h"
#include "wire/result_codec.h"

/* The results of one transaction of a reducer, of one session: of one interval, or of some that were joined
 * at once. */
struct result_flush {
    const char *session;
    int64_t first_ns,
        last_ns; /* the first and the last event, Unix epoch; REPORT_NONE: there was none */
    const struct result_record *records;
    size_t count;
};

struct result_log_options {
    const struct bus_settings *bus;
    bool from_end;
    int64_t
        from_ms; /* what was written from then on, by the broker's clock; 0: all that there is */
    /* Counts what the intervals tell that have events in this time (Unix epoch), and knows what came
     * before. Both 0: all. What was joined at once counts as one. */
    int64_t since_ns, until_ns;
    /* Takes what counts, in place of reports: result_log_report() has nothing then. NULL: nobody. */
    void (*take)(void *context, const struct result_flush *flush);
    /* Told of each interval, counted or not. NULL: nobody. */
    void (*interval)(void *context, const char *session, const struct interval_fact *fact);
    void *interval_context;
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
/* Whether any of the results counts that were taken. */
bool result_log_counted(const struct result_log *log);
/* Of a window: the newest event that was told of, in it or not (Unix epoch); REPORT_NONE: none. */
int64_t result_log_newest_ns(const struct result_log *log);
size_t result_log_damaged(const struct result_log *log); /* passed over */

/* Names of all sessions of which records were read, asked for or not. */
size_t result_log_sessions(const struct result_log *log);
const char *result_log_session(const struct result_log *log, size_t index);
/* Whether it is one of those that are asked for. */
bool result_log_wants(const struct result_log_options *options, const char *session);

/* Fills `out` (report_clear()), sessions by name; good until the log takes more. */
void result_log_report(const struct result_log *log, struct report *out);

#endif
