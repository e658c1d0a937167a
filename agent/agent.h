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

#include "chunk/threads.h"
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
    METRIC_UNREADABLE,
    METRIC_OLDEST,
    METRIC_PACK_TIME,
    METRIC_PUBLISH_TIME,
    METRIC_ROTATIONS,
    METRIC_NOTIFICATIONS,
    AGENT_METRICS
};

/* Not to be tried again before its time. */
struct pause {
    struct backoff backoff;
    uint64_t until_ms; /* 0: now */
};

/* Where a chunk ends, once that is decided. */
struct boundary {
    int64_t chunk;
    uint64_t end_ns; /* raw clock */
};

/* A session, in a folder with `archives` in it, which others may have had before it. What is kept
 * over a restart comes first. */
struct session {
    char *folder;
    char *id; /* host/name/created; NULL until a chunk told it */
    uint8_t clock_uuid[16];
    int64_t first;               /* chunk; -1: none was seen */
    int64_t next;                /* to be published */
    int64_t final;               /* the chunk that is the last, once that is decided; else -1 */
    bool ended;                  /* the end was announced */
    struct boundary *boundaries; /* ascending, none before chunk `next` - 1 */
    size_t boundary_count, boundary_room;

    struct identities *identities; /* the agent's */
    unsigned identity;             /* its own; 0: no chunk told it yet */
    bool is_told;                  /* that it has begun */
    bool is_superseded;            /* its folder is another session's now */

    /* The session daemon's part. */
    char *name;          /* NULL: nobody tells */
    bool live;           /* it is listed */
    bool passed_over;    /* it is listed, but not asked for */
    bool is_rotating;    /* a rotation was asked for that has not ended */
    int64_t complete;    /* LTTng itself says that chunks up to here are; -1: it says nothing */
    uint64_t gone_ms;    /* since when it is not listed any more; 0: it is, or never was */
    uint64_t rotated_ms; /* when a rotation was asked for last */
    uint64_t rotations;
    struct thread_directory threads; /* at the begin of chunk `threads_chunk` */
    int64_t threads_chunk;

    bool over;           /* no chunk will come any more */
    bool is_nameless;    /* none of the chunks seen so far tells whose it is */
    bool is_tidy;        /* nothing to be deleted since this was looked at last */
    uint64_t blocked_ms; /* since when nothing of it could be published; 0: it can be */
    int64_t seen_chunk;  /* the newest that was there; -1: none */
    uint64_t seen_ms;    /* when it came, or the session was found */
    struct pause pause;
};

struct agent {
    struct service *service;
    struct identities *identities;
    struct access *access;
    const struct config *config;
    struct publisher *publisher;
    struct session **sessions;
    size_t count, room;
    char *state_path;
    char *archive_path;      /* of the archive in the making */
    int lock_fd;             /* of the state folder; -1: not open */
    struct pause broker;     /* while it does not answer */
    uint64_t trying_ms;      /* since when the chunk in hand is sent; 0: none is */
    struct spool_view *view; /* of what waits, for whoever reads the metrics */
    uint64_t looked_ms;      /* at what the session daemon has, last */
    struct lttng *lttng;     /* NULL: only folders are watched */
};

/* --- sessions.c --- */

/* The session that has a folder now; NULL if it is not known. */
struct session *agent_find_session(const struct agent *agent, const char *folder);
/* The same, made if it is new. */
struct session *agent_session(struct agent *agent, const char *folder);
/* One more for the folder, which is its own from now on. */
struct session *agent_new_session(struct agent *agent, const char *folder);
/* Looks whose chunks lie in the folder: makes the sessions that are new. */
void agent_meet_chunks(struct agent *agent, const char *folder);
void agent_free_sessions(struct agent *agent);
/* Forgets those that have ended and whose folders are gone, or another session's and without chunks of
 * theirs. True if there were any. */
bool agent_forget(struct agent *agent);
/* NULL if it is not decided. Valid until the next is. */
const struct boundary *session_boundary(const struct session *session, int64_t chunk);
void session_set_boundary(struct session *session, int64_t chunk, uint64_t end_ns);
/* One that was not announced. */
void session_drop_boundary(struct session *session, int64_t chunk);
/* Those that no announcement will repeat any more. */
void session_drop_boundaries(struct session *session);
/* Looks for sessions below `folder`. */
void agent_watch(struct agent *agent, const char *folder);
void agent_say(const struct agent *agent, enum log_level level, const char *event,
               const struct session *session, int64_t chunk, const char *what);

/* --- identity.c --- */

/* Which session chunks are of, by what their metadata tell: host, name, time of creation and clock.
 * Each is a number, 0 that none is told. From any thread. */
struct identities;
struct identities *identities_new(void);
void identities_free(struct identities *identities); /* NULL is fine */
/* Of the traces at `path`: *id is the caller's. False, and *id NULL, if they do not tell. */
bool identity_read(const char *path, char **id, uint8_t clock_uuid[16]);
unsigned identity_number(struct identities *identities, const char *id,
                         const uint8_t clock_uuid[16]);
/* Of an archived chunk, whose metadata are read once. */
unsigned identity_of_chunk(struct identities *identities, const char *path);
/* Of whatever is at `path` now. */
unsigned identity_now(struct identities *identities, const char *path);

/* --- folders.c --- */

/* A chunk on disk. */
struct found_chunk {
    int64_t number;
    char *path;
    bool is_rest;      /* was never archived: what a session has beside its archives when it ends */
    unsigned identity; /* one that does not tell is of the session of its neighbors */
};

/* All chunks in the archives of a folder, as they were begun; to be freed with found_free(). */
size_t folder_chunks(struct identities *identities, const char *path, struct found_chunk **out);

/* Chunks that lie in the session's archives, ascending by number; to be freed with found_free().
 * If it is over, what it has beside them comes last. */
size_t session_chunks(const struct session *session, struct found_chunk **out);
void found_free(struct found_chunk *found, size_t count);
/* NULL if it is not there. */
const struct found_chunk *found_number(const struct found_chunk *found, size_t count,
                                       int64_t number);
/* The folder of the chunk that is being written, and its number (-1: not told); to be freed. NULL
 * if nothing is. */
char *session_growing(const struct session *session, int64_t *number);
/* Bytes of all files below. */
uint64_t folder_bytes(const char *path);
/* Whether no file below has changed for so long. LTTng puts the last chunk of a session that is
 * destroyed among its archives before it is complete (lttng-tools 2.13). */
bool folder_is_still(const char *path, uint64_t ms);
bool folder_is_there(const char *path);
void folder_remove(const char *path);

/* --- boundary.c --- */

/* Where the chunk at `path` ends, at or before the first switch of the rotation that ended it.
 * `asked_ns`: when that was asked for, UINT64_MAX if it was not by us. It is decided, and on disk,
 * when this returns OK. RETRY: the disk. */
MUST_CHECK enum status boundary_decide(struct agent *agent, struct session *session, int64_t chunk,
                                       const char *path, uint64_t asked_ns, struct failure *why);
/* The chunk is lost, and its last packets with it: `after` (NULL: that is lost, too) begins when
 * all of its streams were switched. RETRY: the disk. */
MUST_CHECK enum status boundary_skip(struct agent *agent, struct session *session, int64_t chunk,
                                     const struct found_chunk *after, struct failure *why);
/* The newest chunk before `number` that has packets: its last packets are the seam. NULL if there is
 * none, or what lies between is missing. */
const struct found_chunk *boundary_seam(const struct found_chunk *found, size_t count,
                                        int64_t number);

/* --- state.c --- */

/* REJECT: the folder cannot be written to. STOP: the file in it cannot be read, or another agent uses
 * it. */
MUST_CHECK enum status agent_load(struct agent *agent, const char *folder, struct failure *why);
/* On disk when it returns. RETRY: the disk. */
MUST_CHECK enum status agent_save(const struct agent *agent, struct failure *why);

/* --- chunks.c --- */

/* Publishes the next chunk of a session, if there is one to be published; *more: another one may
 * be. OK. RETRY: not now, all is still there; the session, or the agent's broker, has its pause.
 * STOP: never. */
MUST_CHECK enum status chunks_publish(struct agent *agent, struct session *session, bool *more,
                                      struct failure *why);

/* --- spool.c --- */

/* Deletes published chunks beyond what is to be kept. */
void spool_tidy(struct agent *agent, struct session *session);
/* Gives up the oldest of what waits, while it is more than may. */
void spool_limit(struct agent *agent, struct session *session);
/* What is told in the metrics of what waits to be published: looked for on the disk when somebody
 * reads them. */
struct spool_view *spool_view_new(struct service *service);
void spool_view_free(struct spool_view *view); /* NULL is fine */
/* The sessions have changed, or what of them is published. */
void spool_view_tell(struct spool_view *view, const struct agent *agent);

/* --- access.c --- */

struct access;
struct access *access_new(void);
void access_free(struct access *access); /* NULL is fine */
/* `path` cannot be read. Said when it is met first. */
void access_trouble(struct agent *agent, const char *path, int code);
/* Forgets what is over, and tells metrics and readiness. */
void access_round(struct agent *agent);
/* Whether the folder may be read, or is not there; else it is a trouble. */
bool access_folder(struct agent *agent, const char *path);
/* OK if all below may be read. RETRY: `why` names the first that may not, which is a trouble. */
MUST_CHECK enum status access_below(struct agent *agent, const char *path, struct failure *why);

/* --- proc.c --- */

/* Threads of this host that were there before `before_ns` (CLOCK_MONOTONIC). */
void proc_threads(struct thread_directory *out, uint64_t before_ns);

/* --- lttng.c --- */

struct lttng;

/* RETRY: there is no session daemon, yet. */
MUST_CHECK enum status lttng_open(struct lttng **out, struct failure *why);
void lttng_close(struct lttng *lttng); /* NULL is fine */
/* Looks which sessions there are, subscribes to new ones, and asks for rotations that are due. True
 * if there may be something new to be published. */
bool lttng_look(struct agent *agent);

#endif
