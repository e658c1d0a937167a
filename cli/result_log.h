/* cli/result_log.h -- reads and folds the results topic, session by session. */
#ifndef CLI_RESULT_LOG_H
#define CLI_RESULT_LOG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/failure.h"
#include "bus/bus_settings.h"
#include "results/report.h"
#include "results/result.h"
#include "wire/result_codec.h"

/* The results of one session in one transaction of a reducer: of one interval, or several that were
 * joined at once. */
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
    int64_t from_ms; /* reads records written since then, by the broker's clock; 0: all */
    /* Counts the results of intervals with events in this time (Unix epoch); entities from before
     * are known. Both 0: all. Intervals that were joined at once count as one. */
    int64_t since_ns, until_ns;
    /* Receives the counted results instead of the report: result_log_report() is empty then. Or
     * NULL. */
    void (*take)(void *context, const struct result_flush *flush);
    /* Called for each interval, counted or not. Or NULL. */
    void (*interval)(void *context, const char *session, const struct interval_fact *fact);
    void *interval_context;
    bool forget; /* drop ended entities without results for long */
    /* fnmatch() patterns, one of which a session must match; none: all sessions. */
    const char *const *sessions;
    size_t session_count;
    /* Receives messages about unreadable records. */
    void (*say)(void *context, const char *sentence);
    /* True: give up waiting for a broker. */
    bool (*over)(void *context);
    void *context;
};

struct result_log;

/* Determines the begin and end of the topic's partitions. `options` is borrowed until
 * result_log_free(). OK; RETRY: no answer, for some seconds or until `over`; REJECT: no such topic,
 * or an invalid setting. */
MUST_CHECK enum status result_log_open(const struct result_log_options *options,
                                       struct result_log **out, struct failure *why);
void result_log_free(struct result_log *log); /* NULL is fine */

/* Waits up to `timeout_ms` for a record and takes it. OK; END: timeout; STOP: it has a newer format
 * than this program, or the topic was deleted. */
MUST_CHECK enum status result_log_poll(struct result_log *log, int timeout_ms, struct failure *why);

/* Whether all records were read that existed when the log was opened. */
bool result_log_is_read(const struct result_log *log);
/* Whether records that belong together were only partly read, in any session. */
bool result_log_is_torn(const struct result_log *log);
size_t result_log_records(const struct result_log *log); /* taken so far */
/* Whether any result was counted. */
bool result_log_counted(const struct result_log *log);
/* With a window: the newest event in all results (Unix epoch); REPORT_NONE: none. */
int64_t result_log_newest_ns(const struct result_log *log);
size_t result_log_damaged(const struct result_log *log); /* skipped records */

/* Names of all sessions in the records, selected or not. */
size_t result_log_sessions(const struct result_log *log);
const char *result_log_session(const struct result_log *log, size_t index);
/* Whether the options select the session. */
bool result_log_wants(const struct result_log_options *options, const char *session);

/* Fills `out` (report_clear()), sessions by name; valid until the log takes more. */
void result_log_report(const struct result_log *log, struct report *out);

#endif
