#include "cli/pool_recording.h"

#include <stdlib.h>

#include "base/memory.h"
#include "cli/results_hint.h"

enum { POLL_MS = 50 };

struct pool_recording {
    struct result_log *log;
    struct pool_chunks *chunks;
};

static void note(void *context, const char *session, const struct interval_fact *fact)
{
    struct pool_recording *recording = context;
    pool_chunks_note(recording->chunks, session, fact);
}

static enum status nothing_there(const struct pool_recording *recording, struct failure *why)
{
    char *sessions = results_hint_sessions(recording->log);
    fail(why, STATUS_REJECT, "%s", sessions ? sessions : "there are no results");
    free(sessions);
    return STATUS_REJECT;
}

static enum status read_results(struct pool_recording *recording,
                                const struct pool_chunks_options *chunks, struct failure *why)
{
    while (!result_log_is_read(recording->log)) {
        if (chunks->over(chunks->context))
            return fail(why, STATUS_RETRY, "interrupted");
        enum status status = result_log_poll(recording->log, POLL_MS, why);
        if (status == STATUS_STOP)
            return status;
    }
    return result_log_records(recording->log) > 0 ? STATUS_OK : nothing_there(recording, why);
}

enum status pool_recording_read(struct result_log_options *log,
                                const struct pool_chunks_options *chunks,
                                struct pool_recording **out, struct report *report,
                                struct chunk_list *list, struct failure *why)
{
    struct pool_recording *recording = memory_new(sizeof *recording);
    *out = recording;
    *report = (struct report){.session_count = 0};
    recording->chunks = pool_chunks_new(chunks);
    log->interval = note;
    log->interval_context = recording;
    enum status status = result_log_open(log, &recording->log, why);
    if (status == STATUS_OK)
        status = read_results(recording, chunks, why);
    if (status == STATUS_OK)
        status = pool_chunks_find(recording->chunks, list, why);
    if (status == STATUS_OK)
        result_log_report(recording->log, report);
    return status;
}

size_t pool_recording_damaged(const struct pool_recording *recording)
{
    return result_log_damaged(recording->log);
}

void pool_recording_free(struct pool_recording *recording)
{
    if (!recording)
        return;
    result_log_free(recording->log);
    pool_chunks_free(recording->chunks);
    free(recording);
}
