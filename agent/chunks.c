#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/agent.h"
#include "archive/metadata.h"
#include "archive/packets.h"
#include "base/crash.h"
#include "base/memory.h"
#include "mapper/chunk.h"
#include "mapper/folder.h"
#include "mapper/pack.h"

/* A chunk of which nobody says that it is complete is, when it has not changed for so long. */
enum { STILL_MS = 300 };

static void say(struct agent *agent, enum log_level level, const char *event,
                const struct session *session, int64_t chunk, const char *what)
{
    log_say(service_log(agent->service), level, event,
            log_text("session", session->id ? session->id : session->folder),
            log_integer("chunk", chunk), log_text("what", what));
}

/* --- where a chunk ends --- */

/* At or before the first switch of the rotation that ended it: the least end of a stream's last
 * packet. Every stream gives its last packet out when it switches. UINT64_MAX without packets. */
static uint64_t least_last_end(const struct trace_set *set)
{
    uint64_t least = UINT64_MAX;
    for (size_t i = 0; i < set->trace_count; i++) {
        const struct trace_files *trace = &set->traces[i];
        struct metadata metadata;
        enum status read = metadata_read(trace->metadata, &metadata, NULL);
        for (size_t j = 0; read == STATUS_OK && j < trace->stream_count; j++) {
            struct packet_list packets = {.at = NULL};
            enum status ignored = packets_scan(&metadata, trace->streams[j].data,
                                               trace->streams[j].index, &packets, NULL);
            (void)ignored; /* what is readable counts */
            if (packets.count > 0 && packets.at[packets.count - 1].end_ns < least)
                least = packets.at[packets.count - 1].end_ns;
            packets_clear(&packets);
        }
        metadata_clear(&metadata);
    }
    return least;
}

static enum status decide_boundary(struct agent *agent, struct session *session, int64_t chunk,
                                   const char *path, uint64_t begin_ns, struct failure *why)
{
    if (session_boundary(session, chunk))
        return STATUS_OK;
    struct folder *folder;
    uint64_t end_ns = UINT64_MAX;
    if (folder_open(path, &folder, why) == STATUS_OK) {
        end_ns = least_last_end(folder_traces(folder));
        folder_close(folder);
    }
    /* A chunk that tells nothing is an empty interval. */
    if (end_ns == UINT64_MAX || end_ns < begin_ns)
        end_ns = begin_ns;
    session_set_boundary(session, chunk, end_ns);
    return agent_save(agent, why);
}

/* --- one chunk --- */

/* Who the session is, as the first chunk that can be read tells it. */
static void learn_identity(struct session *session, const struct archive_facts *facts)
{
    if (session->id || (!facts->host[0] && !facts->session[0]))
        return;
    session->id = memory_format("%s/%s/%s", facts->host, facts->session, facts->created);
    memcpy(session->clock_uuid, facts->clock_uuid, sizeof session->clock_uuid);
}

static struct chunk_ready announcement(const struct session *session, int64_t chunk)
{
    struct chunk_ready ready = {.session = text_of(session->id),
                                .chunk = (uint64_t)chunk,
                                .first_chunk = (uint64_t)session->first,
                                .end_ns = UINT64_MAX};
    memcpy(ready.clock_uuid, session->clock_uuid, sizeof ready.clock_uuid);
    return ready;
}

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
        munmap(at, archive.count);
        if (status == STATUS_OK)
            metrics_add(service_metrics(agent->service), METRIC_BYTES, 0, archive.count);
    }
    if (fd >= 0)
        close(fd);
    return status;
}

static enum status announce_loss(struct agent *agent, struct session *session, int64_t chunk,
                                 const char *reason, struct failure *why)
{
    if (!session->id)
        return fail(why, STATUS_RETRY, "%s: whose session it is is not known yet",
                    session->folder);
    struct chunk_ready ready = announcement(session, chunk);
    ready.lost_reason = text_of(reason);
    enum status status = publisher_announce_loss(agent->publisher, &ready, why);
    if (status == STATUS_OK) {
        metrics_add(service_metrics(agent->service), METRIC_LOST, 0, 1);
        say(agent, LOG_WARNING, "chunk lost", session, chunk, reason);
    }
    return status;
}

/* Packs `found` (NULL: what the last chunk left for after the session's end) and publishes it. */
static enum status publish_chunk(struct agent *agent, struct session *session, int64_t number,
                                 const struct found_chunk *found, const char *seam_path,
                                 bool final, struct failure *why)
{
    const struct boundary *before = session_boundary(session, number - 1);
    const struct boundary *end = final ? NULL : session_boundary(session, number);
    bool first = number == session->first;
    union {
        const char *borrowed;
        char *path;
    } own = {found ? found->path : NULL}, seam = {first ? NULL : seam_path};
    struct chunk_ref ref = {
        .path = own.path,
        .session = session->id ? session->id : session->folder,
        .number = number,
        .has_kernel_or_ust = found != NULL,
        .gap_before = !first && !seam_path,
        .interval = {first || !before ? 0 : before->end_ns, end ? end->end_ns : INTERVAL_OPEN},
        .seam_path = seam.path};
    bool threads = session->threads_chunk == number;
    static const struct thread_directory none;
    struct archive_facts facts;
    uint64_t begin_ms = service_now_ms();
    struct metrics *metrics = service_metrics(agent->service);
    enum status status = pack_ref(&ref, session->first, final,
                                  threads ? &session->threads : &none, agent->archive_path,
                                  (int)config_integer(agent->config, "level"), &facts, why);
    metrics_observe(metrics, METRIC_PACK_TIME, 0, service_now_ms() - begin_ms);
    if (status == STATUS_REJECT) {
        char *reason = memory_string(text_of(why->text));
        status = announce_loss(agent, session, number, reason, why);
        free(reason);
        return status;
    }
    if (status != STATUS_OK)
        return status;
    learn_identity(session, &facts);
    if (!session->id)
        return announce_loss(agent, session, number, "its metadata cannot be read", why);
    crash_point("agent-packed");
    struct chunk_ready ready = announcement(session, number);
    ready.begin_ns = ref.interval.begin_ns;
    ready.end_ns = ref.interval.end_ns;
    ready.final = final;
    begin_ms = service_now_ms();
    status = send_file(agent, &ready, why);
    unlink(agent->archive_path);
    if (status != STATUS_OK)
        return status;
    metrics_observe(metrics, METRIC_PUBLISH_TIME, 0, service_now_ms() - begin_ms);
    metrics_add(metrics, METRIC_CHUNKS, 0, 1);
    say(agent, LOG_INFO, "chunk published", session, number, final ? "the last" : "");
    return STATUS_OK;
}

/* --- deleting --- */

static int remove_entry(const char *path, const struct stat *stat_of, int type, struct FTW *walk)
{
    (void)stat_of;
    (void)type;
    (void)walk;
    return remove(path);
}

static void remove_chunk(struct agent *agent, struct session *session,
                         const struct found_chunk *found)
{
    if (nftw(found->path, remove_entry, 16, FTW_DEPTH | FTW_PHYS) != 0)
        say(agent, LOG_WARNING, "chunk not deleted", session, found->number, strerror(errno));
}

/* Deletes published chunks beyond what is to be kept; never the last one, whose packets are the
 * seam of the next. */
static void delete_old(struct agent *agent, struct session *session,
                       const struct found_chunk *found, size_t count)
{
    bool by_count = config_is_given(agent->config, "keep");
    bool by_bytes = config_is_given(agent->config, "keep-bytes");
    uint64_t bytes = 0, kept = 0;
    bool delete = false;
    for (size_t i = count; i-- > 0 && (by_count || by_bytes);) {
        if (found[i].number >= session->next)
            continue;
        bool last = found[i].number == session->next - 1 && !session->ended;
        kept++;
        bytes += found[i].bytes;
        delete |= by_count && kept > (uint64_t)config_integer(agent->config, "keep");
        delete |= by_bytes && bytes > config_bytes(agent->config, "keep-bytes");
        if (delete && !last)
            remove_chunk(agent, session, &found[i]);
    }
}

/* --- a session --- */

static const struct found_chunk *find(const struct found_chunk *found, size_t count,
                                      int64_t number)
{
    for (size_t i = 0; i < count; i++)
        if (found[i].number == number)
            return &found[i];
    return NULL;
}

/* Gives up the oldest of what waits, while it is more than the spool may hold. */
static enum status keep_limit(struct agent *agent, struct session *session,
                              const struct found_chunk *found, size_t count, struct failure *why)
{
    uint64_t limit = config_bytes(agent->config, "spool-limit"), waiting = 0;
    for (size_t i = 0; i < count; i++)
        waiting += found[i].number >= session->next ? found[i].bytes : 0;
    for (size_t i = 0; i < count && waiting > limit; i++) {
        /* Their loss is announced when the broker is back: they will be missing then. The newest
         * stays, so that something is left to go on with. */
        if (found[i].number < session->next || i + 1 == count)
            continue;
        waiting -= found[i].bytes;
        say(agent, LOG_WARNING, "chunk dropped", session, found[i].number,
            "the spool is full while the broker is away");
        const struct boundary *before = session_boundary(session, found[i].number - 1);
        enum status status = decide_boundary(agent, session, found[i].number, found[i].path,
                                             before ? before->end_ns : 0, why);
        if (status != STATUS_OK)
            return status;
        remove_chunk(agent, session, &found[i]);
    }
    return STATUS_OK;
}

/* The chunk is done with: that has to be on disk before the next one is begun. */
static enum status advance(struct agent *agent, struct session *session, bool final,
                           struct failure *why)
{
    crash_point("agent-published");
    session->next++;
    session->ended = final;
    return agent_save(agent, why);
}

/* END: the chunk is not complete yet. */
static enum status publish_next(struct agent *agent, struct session *session,
                                const struct found_chunk *found, size_t count,
                                struct failure *why)
{
    int64_t number = session->next;
    const struct found_chunk *own = find(found, count, number);
    const struct found_chunk *before = find(found, count, number - 1);
    bool final = session->over && number >= found[count - 1].number;
    enum status status = STATUS_OK;
    if (!own && number < found[count - 1].number) {
        status = announce_loss(agent, session, number, "it was gone before it was published",
                               why);
        return status == STATUS_OK ? advance(agent, session, false, why) : status;
    }
    if (own && number > session->complete && !folder_is_still(own->path, STILL_MS))
        return STATUS_END;
    const struct boundary *begin = session_boundary(session, number - 1);
    if (!final)
        status = decide_boundary(agent, session, number, own->path, begin ? begin->end_ns : 0, why);
    if (status == STATUS_OK)
        status = publish_chunk(agent, session, number, own, before ? before->path : NULL, final,
                               why);
    return status == STATUS_OK ? advance(agent, session, final, why) : status;
}

enum status agent_publish(struct agent *agent, struct session *session, struct failure *why)
{
    struct found_chunk *found;
    size_t count = session_chunks(session, &found);
    enum status status = STATUS_OK;
    if (count > 0 && session->first < 0) {
        session->first = session->next = found[0].number;
        status = agent_save(agent, why);
    }
    if (count > 0 && found[count - 1].number >= session->next)
        session->seen_ms = service_now_ms();
    while (count > 0 && status == STATUS_OK && !session->ended &&
           !service_stopping(agent->service) &&
           (session->next <= found[count - 1].number || session->over))
        status = publish_next(agent, session, found, count, why);
    if (status == STATUS_END)
        status = STATUS_OK;
    if (status == STATUS_OK)
        delete_old(agent, session, found, count);
    else if (status == STATUS_RETRY) {
        struct failure other;
        if (keep_limit(agent, session, found, count, &other) != STATUS_OK)
            say(agent, LOG_ERROR, "spool", session, session->next, other.text);
    }
    found_free(found, count);
    return status;
}

void agent_tell_waiting(struct agent *agent)
{
    uint64_t chunks = 0, bytes = 0;
    for (size_t i = 0; i < agent->count; i++) {
        struct found_chunk *found;
        size_t count = session_chunks(agent->sessions[i], &found);
        for (size_t j = 0; j < count; j++)
            if (found[j].number >= agent->sessions[i]->next && !agent->sessions[i]->ended) {
                chunks++;
                bytes += found[j].bytes;
            }
        found_free(found, count);
    }
    struct metrics *metrics = service_metrics(agent->service);
    metrics_set(metrics, METRIC_SESSIONS, 0, (int64_t)agent->count);
    metrics_set(metrics, METRIC_WAITING, 0, (int64_t)chunks);
    metrics_set(metrics, METRIC_WAITING_BYTES, 0, (int64_t)bytes);
}
