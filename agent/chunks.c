#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/agent.h"
#include "base/crash.h"
#include "base/memory.h"
#include "chunk/chunk.h"
#include "chunk/folder.h"
#include "chunk/pack.h"

/* A chunk that LTTng does not report as complete is considered complete if it has not changed for
 * this long. */
enum { STILL_MS = 300 };

/* --- sessions of chunks --- */

/* The identity comes from readable archived chunks; for a session that was never archived, from
 * this one. */
static bool is_known(struct agent *agent, struct session *session, const struct found_chunk *found,
                     size_t count)
{
    for (size_t i = 0; i < count && !session->id; i++)
        if (found[i].is_rest && identity_read(found[i].path, &session->id, session->clock_uuid))
            session->identity =
                identity_number(agent->identities, session->id, session->clock_uuid);
    if (session->id && !session->is_logged)
        agent_say(agent, LOG_INFO, "session begun", session, session->first, session->folder);
    session->is_logged = session->id != NULL;
    session->is_nameless = !session->id;
    if (session->is_nameless)
        agent_say(agent, LOG_WARNING, "session skipped", session, session->next,
                  "no chunk has metadata that identifies the session");
    return session->id != NULL;
}

/* --- one chunk --- */

static struct chunk_ready announcement(const struct session *session, int64_t chunk)
{
    struct chunk_ready ready = {.session = text_of(session->id),
                                .chunk = (uint64_t)chunk,
                                .first_chunk = (uint64_t)session->first,
                                .end_ns = UINT64_MAX};
    memcpy(ready.clock_uuid, session->clock_uuid, sizeof ready.clock_uuid);
    return ready;
}

/* The publisher may succeed later; sets a pause for the broker. */
static enum status after_delivery(struct agent *agent, enum status status)
{
    if (status == STATUS_OK) {
        backoff_reset(&agent->broker.backoff);
        return STATUS_OK;
    }
    agent->broker.until_ms = service_now_ms() + backoff_next_ms(&agent->broker.backoff);
    return status == STATUS_REJECT ? STATUS_RETRY : status;
}

/* REJECT: it is too large for every way of publishing. */
static enum status send_file(struct agent *agent, struct chunk_ready *ready, struct failure *why)
{
    int fd = open(agent->archive_path, O_RDONLY | O_CLOEXEC);
    struct stat stat_of;
    void *at = MAP_FAILED;
    if (fd >= 0 && fstat(fd, &stat_of) == 0 && stat_of.st_size > 0)
        at = mmap(NULL, (size_t)stat_of.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    enum status status;
    if (at == MAP_FAILED) {
        status = fail(why, STATUS_RETRY, "%s: %s", agent->archive_path, strerror(errno));
    } else {
        struct bytes archive = {at, (size_t)stat_of.st_size};
        status = publisher_publish(agent->publisher, ready, archive, why);
        bool is_too_large =
            archive.count > PUBLISH_SEGMENTS_MAX_BYTES && !config_text(agent->config, "store-root");
        if (status != STATUS_REJECT || !is_too_large)
            status = after_delivery(agent, status);
        munmap(at, archive.count);
        if (status == STATUS_OK)
            metrics_add(service_metrics(agent->service), METRIC_BYTES, 0, archive.count);
    }
    if (fd >= 0)
        close(fd);
    return status;
}

static enum status announce_loss(struct agent *agent, const struct session *session, int64_t chunk,
                                 const char *reason, struct failure *why)
{
    struct chunk_ready ready = announcement(session, chunk);
    ready.lost_reason = text_of(reason);
    ready.final = session->final == chunk;
    enum status status = publisher_announce_loss(agent->publisher, &ready, why);
    status = after_delivery(agent, status);
    if (status == STATUS_OK) {
        metrics_add(service_metrics(agent->service), METRIC_LOST, 0, 1);
        agent_say(agent, LOG_WARNING, "chunk lost", session, chunk, reason);
    }
    return status;
}

/* Packs `found` (NULL: only the seam of the previous chunk). */
static enum status pack(struct agent *agent, const struct session *session, int64_t number,
                        const struct found_chunk *found, const struct found_chunk *seam,
                        struct interval interval, struct failure *why)
{
    union {
        const char *borrowed;
        char *path;
    } own = {found ? found->path : NULL}, before = {seam ? seam->path : NULL};
    struct chunk_ref ref = {.path = own.path,
                            .session = session->id,
                            .session_names = session->id,
                            .number = number,
                            .has_kernel_or_ust = found != NULL,
                            .gap_before = number != session->first && !seam,
                            .interval = interval,
                            .seam_path = before.path};
    static const struct thread_directory none;
    const struct thread_directory *threads =
        session->threads_chunk == number ? &session->threads : &none;
    uint64_t begin_ms = service_now_ms();
    enum status status = pack_ref(
        &ref, session->first, session->final == number, threads, agent->archive_path,
        (struct archive_effort){.level = (int)config_integer(agent->config, "level"),
                                .threads = (unsigned)config_integer(agent->config, "zstd-threads")},
        NULL, why);
    metrics_observe(service_metrics(agent->service), METRIC_PACK_TIME, 0,
                    service_now_ms() - begin_ms);
    return status;
}

/* Packs and publishes a chunk whose end is decided. */
static enum status publish_chunk(struct agent *agent, const struct session *session, int64_t number,
                                 const struct found_chunk *found, const struct found_chunk *seam,
                                 struct failure *why)
{
    bool first = number == session->first, final = number == session->final;
    const struct boundary *begin = session_boundary(session, number - 1);
    const struct boundary *end = session_boundary(session, number);
    struct interval interval = {first || !begin ? 0 : begin->end_ns,
                                final || !end ? INTERVAL_OPEN : end->end_ns};
    enum status status = pack(agent, session, number, found, first ? NULL : seam, interval, why);
    if (status == STATUS_OK) {
        crash_point("agent-packed");
        struct chunk_ready ready = announcement(session, number);
        ready.begin_ns = interval.begin_ns;
        ready.end_ns = interval.end_ns;
        ready.final = final;
        uint64_t begin_ms = service_now_ms();
        status = send_file(agent, &ready, why);
        unlink(agent->archive_path);
        metrics_observe(service_metrics(agent->service), METRIC_PUBLISH_TIME, 0,
                        service_now_ms() - begin_ms);
    }
    if (status == STATUS_REJECT) {
        struct failure reason = *why;
        return announce_loss(agent, session, number, reason.text, why);
    }
    if (status != STATUS_OK)
        return status;
    metrics_add(service_metrics(agent->service), METRIC_CHUNKS, 0, 1);
    agent_say(agent, LOG_INFO, "chunk published", session, number, final ? "the last" : "");
    return STATUS_OK;
}

/* --- the next chunk of a session --- */

/* The chunk is finished: that must be on disk before the next one begins. */
static enum status advance(struct agent *agent, struct session *session, struct failure *why)
{
    crash_point("agent-published");
    session->ended = session->next == session->final;
    if (session->ended)
        agent_say(agent, LOG_INFO, "session ended", session, session->next, session->folder);
    session->next++;
    session->is_tidy = false;
    session_drop_boundaries(session);
    return agent_save(agent, why);
}

/* A session begins at the first chunk with traces: there are none before a program runs. Empty
 * chunks before it are published, too; otherwise they would be missing. */
static bool begin_session(struct session *session, const struct found_chunk *found, size_t count)
{
    for (size_t i = 0; i < count && session->first < 0; i++)
        if (folder_has_traces(found[i].path))
            session->first = session->next = found[0].number;
    return session->first >= 0;
}

/* Whether chunk `own` may still be written to. */
static bool is_growing(const struct session *session, const struct found_chunk *own)
{
    if (own->number <= session->complete)
        return false;
    return session->is_rotating || !folder_is_still(own->path, STILL_MS);
}

/* Decisions about a chunk are on disk before it is announced. */
static enum status decide(struct agent *agent, struct session *session,
                          const struct found_chunk *found, size_t count,
                          const struct found_chunk *own, struct failure *why)
{
    int64_t number = session->next;
    if (session->over && session->final < 0 && number >= found[count - 1].number)
        session->final = number;
    enum status status;
    if (session->final == number)
        status = agent_save(agent, why);
    else if (own)
        status = boundary_decide(agent, session, number, own->path, UINT64_MAX, why);
    else
        status = boundary_skip(agent, session, number, found_number(found, count, number + 1), why);
    crash_point("agent-decided");
    return status;
}

static enum status publish_next(struct agent *agent, struct session *session,
                                const struct found_chunk *found, size_t count, struct failure *why)
{
    int64_t number = session->next;
    const struct found_chunk *own = found_number(found, count, number);
    const struct found_chunk *copied = own ? boundary_copied(found, count, own) : NULL;
    if (copied)
        own = NULL;
    enum status status = decide(agent, session, found, count, own, why);
    if (status != STATUS_OK)
        return status;
    char reason[160] = "it was deleted before it was published";
    if (copied)
        snprintf(reason, sizeof reason,
                 "its packets are not later than those of chunk %lld: it is a copy of it or of an "
                 "older one, and left out",
                 (long long)copied->number);
    if (!own && (copied || session->final != number))
        status = announce_loss(agent, session, number, reason, why);
    else
        status =
            publish_chunk(agent, session, number, own && folder_has_traces(own->path) ? own : NULL,
                          boundary_seam(found, count, number), why);
    return status == STATUS_OK ? advance(agent, session, why) : status;
}

/* All files of the next chunk to publish must be readable: others would be left out, or look
 * damaged. For a session that has not begun, this applies to each chunk that it may begin with. */
static enum status check_access(struct agent *agent, const struct session *session,
                                const struct found_chunk *found, size_t count, struct failure *why)
{
    for (size_t i = 0; i < count; i++) {
        if (session->first >= 0 && found[i].number < session->next)
            continue;
        enum status status = access_below(agent, found[i].path, why);
        if (status != STATUS_OK || session->first >= 0 || folder_has_traces(found[i].path))
            return status;
    }
    return STATUS_OK;
}

enum status chunks_publish(struct agent *agent, struct session *session, bool *more,
                           struct failure *why)
{
    *more = false;
    if (session->ended || session->passed_over)
        return STATUS_OK;
    struct found_chunk *found;
    size_t count = session_chunks(session, &found);
    int64_t last = count > 0 ? found[count - 1].number : -1;
    if (last > session->seen_chunk) {
        session->seen_chunk = last;
        session->seen_ms = service_now_ms();
        session->is_nameless = false;
    }
    enum status status = check_access(agent, session, found, count, why);
    bool is_due = status == STATUS_OK && count > 0 && !session->is_nameless &&
                  begin_session(session, found, count) &&
                  (session->next <= last || session->over || session->final >= 0) &&
                  is_known(agent, session, found, count);
    const struct found_chunk *own = found_number(found, count, session->next);
    if (is_due && !(own && is_growing(session, own))) {
        status = publish_next(agent, session, found, count, why);
        *more = status == STATUS_OK;
    }
    found_free(found, count);
    return status;
}
