/* agent/agent.h -- what the agent knows of the sessions of its host; shared by its files.
 *
 * The folders of rotated chunks are the spool: a chunk stays where LTTng put it until the broker
 * has it and nobody needs its last packets any more. What was decided (where chunks end, what was
 * announced) is on disk before it is told to anybody. */
#ifndef AGENT_AGENT_H
#define AGENT_AGENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "archive/threads.h"
#include "base/failure.h"
#include "publish/publisher.h"
#include "service/service.h"

enum agent_metric {
    METRIC_CHUNKS,
    METRIC_BYTES,
    METRIC_LOST,
    METRIC_RETRIES,
    METRIC_SESSIONS,
    METRIC_WAITING,
    METRIC_WAITING_BYTES,
    METRIC_OLDEST,
    METRIC_PACK_TIME,
    METRIC_PUBLISH_TIME,
    METRIC_ROTATIONS,
    METRIC_NOTIFICATIONS,
    AGENT_METRICS
};

/* Where a chunk ends, once that is decided. */
struct boundary {
    int64_t chunk;
    uint64_t end_ns; /* raw clock */
};

/* A session's folder, with `archives` in it. */
struct session {
    char *folder;
    char *name;  /* of the live session it belongs to; NULL if nobody tells */
    char *id;    /* host/name/created; NULL until a chunk told it */
    uint8_t clock_uuid[16];
    int64_t first; /* chunk; -1: none was seen */
    int64_t next;  /* to be published */
    bool ended;    /* the end was announced */
    struct boundary *boundaries; /* ascending */
    size_t boundary_count, boundary_room;
    /* not kept over a restart */
    struct thread_directory threads; /* at the begin of chunk `threads_chunk` */
    int64_t threads_chunk;
    bool live;   /* the session daemon has it */
    bool over;   /* no chunk will come any more */
    uint64_t gone_ms; /* when the session daemon had it no more; 0: it has, or never had */
    int64_t complete; /* up to here, LTTng itself says that chunks are; -1: it says nothing */
    uint64_t seen_ms;    /* when its last chunk came, or it was found */
    uint64_t rotated_ms; /* when a rotation was asked for last */
    uint64_t rotations;
    int64_t kept_from; /* older chunks were deleted */
};

struct agent {
    struct service *service;
    const struct config *config;
    struct publisher *publisher;
    struct session **sessions;
    size_t count, room;
    char *state_path;
    char *archive_path; /* of the archive in the making */
    struct lttng *lttng; /* NULL: only folders are watched */
};

/* --- sessions.c --- */

/* The session of a folder, made if it is new. */
struct session *agent_session(struct agent *agent, const char *folder);
void agent_free_sessions(struct agent *agent);
/* NULL if it is not decided. */
const struct boundary *session_boundary(const struct session *session, int64_t chunk);
void session_set_boundary(struct session *session, int64_t chunk, uint64_t end_ns);
/* Chunks that lie in its archives, ascending by number; to be freed with found_free(). */
struct found_chunk {
    int64_t number;
    char *path;
    uint64_t bytes;
};
size_t session_chunks(const struct session *session, struct found_chunk **out);
/* Whether no file below has changed for so long. LTTng puts the last chunk of a session that is
 * destroyed among its archives before it is complete (lttng-tools 2.13). */
bool folder_is_still(const char *path, uint64_t ms);
/* Bytes of the chunk that is being written, outside of `archives`. */
uint64_t session_growing_bytes(const struct session *session);
void found_free(struct found_chunk *found, size_t count);
/* Looks for sessions below `folder`. */
void agent_watch(struct agent *agent, const char *folder);

/* --- state.c --- */

/* REJECT: the file is there and cannot be read. */
MUST_CHECK enum status agent_load(struct agent *agent, struct failure *why);
/* On disk when it returns. RETRY: the disk. */
MUST_CHECK enum status agent_save(const struct agent *agent, struct failure *why);

/* --- chunks.c --- */

/* Publishes what is there to be published, and deletes what is not needed any more. OK; RETRY: not
 * now, all is still there. STOP: never. */
MUST_CHECK enum status agent_publish(struct agent *agent, struct session *session,
                                     struct failure *why);
/* What waits to be published, of all sessions. */
void agent_tell_waiting(struct agent *agent);

/* --- proc.c --- */

/* Threads of this host that were there before `before_ns` (CLOCK_MONOTONIC). */
void proc_threads(struct thread_directory *out, uint64_t before_ns);

/* --- lttng.c --- */

struct lttng;

/* RETRY: there is no session daemon. */
MUST_CHECK enum status lttng_open(struct agent *agent, struct lttng **out, struct failure *why);
void lttng_close(struct lttng *lttng);
/* Looks which sessions there are, subscribes to new ones, and asks for rotations that are due. True
 * if a rotation has ended since the last time. */
bool lttng_look(struct agent *agent);

#endif
