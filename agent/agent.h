/* agent/agent.h -- the agent's state of the sessions of its host; private to its files.
 *
 * The folders of rotated chunks are the spool: a chunk stays in place until the broker has it and
 * its last packets are no longer needed as a seam. Decisions (ends of chunks, announcements) are
 * written to disk before anything that depends on them is published. */
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

/* Backoff: do not retry before `until_ms`. */
struct pause {
    struct backoff backoff;
    uint64_t until_ms; /* 0: now */
};

/* The decided end of a chunk. */
struct boundary {
    int64_t chunk;
    uint64_t end_ns; /* raw clock */
};

/* A session, in a folder with `archives` in it, which earlier sessions may have used. The
 * persistent fields come first. */
struct session {
    char *folder;
    char *id; /* host/name/created; NULL until known from a chunk */
    uint8_t clock_uuid[16];
    int64_t first;               /* chunk; -1: none was seen */
    int64_t next;                /* to be published */
    int64_t final;               /* the last chunk, once decided; else -1 */
    bool ended;                  /* the end was announced */
    struct boundary *boundaries; /* ascending, none before chunk `next` - 1 */
    size_t boundary_count, boundary_room;

    struct identities *identities; /* the agent's */
    unsigned identity;             /* its own; 0: not known from a chunk yet */
    bool is_logged;                /* its begin was logged */
    bool is_superseded;            /* another session uses its folder now */

    /* From the session daemon. */
    char *name;          /* NULL: unknown */
    bool live;           /* listed by the daemon */
    bool passed_over;    /* listed, but not selected by --session */
    bool is_rotating;    /* a requested rotation has not ended */
    int64_t complete;    /* LTTng reports chunks up to here as complete; -1: no report */
    uint64_t gone_ms;    /* since when it is no longer listed; 0: it is, or never was */
    uint64_t rotated_ms; /* time of the last rotation request */
    uint64_t rotations;
    struct thread_directory threads; /* at the begin of chunk `threads_chunk` */
    int64_t threads_chunk;

    bool over;           /* no more chunks will follow */
    bool is_nameless;    /* no chunk so far identifies the session */
    bool is_tidy;        /* nothing to delete since the last check */
    uint64_t blocked_ms; /* since when it could not be published; 0: not blocked */
    int64_t seen_chunk;  /* the newest chunk found; -1: none */
    uint64_t seen_ms;    /* when it was found, or the session */
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
    char *archive_path;      /* of the archive being written */
    int lock_fd;             /* of the state folder; -1: not open */
    struct pause broker;     /* while it does not answer */
    uint64_t trying_ms;      /* since when the current chunk is sent; 0: none */
    struct spool_view *view; /* waiting chunks, for the metrics */
    uint64_t looked_ms;      /* last query of the session daemon */
    struct lttng *lttng;     /* NULL: only folders are watched */
};

/* --- sessions.c --- */

/* The current session of a folder; NULL if unknown. */
struct session *agent_find_session(const struct agent *agent, const char *folder);
/* The same, created if it is new. */
struct session *agent_session(struct agent *agent, const char *folder);
/* A new session for the folder, replacing the current one. */
struct session *agent_new_session(struct agent *agent, const char *folder);
/* Reads the identities of the chunks in the folder and creates new sessions. */
void agent_meet_chunks(struct agent *agent, const char *folder);
void agent_free_sessions(struct agent *agent);
/* Drops ended sessions whose folders are deleted, or are used by another session and have no chunks
 * of theirs. True if there were any. */
bool agent_forget(struct agent *agent);
/* NULL if it is not decided. Valid until the next boundary is set. */
const struct boundary *session_boundary(const struct session *session, int64_t chunk);
void session_set_boundary(struct session *session, int64_t chunk, uint64_t end_ns);
/* One that was not announced. */
void session_drop_boundary(struct session *session, int64_t chunk);
/* Drops boundaries that no announcement will repeat. */
void session_drop_boundaries(struct session *session);
/* Searches for sessions below `folder`. */
void agent_watch(struct agent *agent, const char *folder);
void agent_say(const struct agent *agent, enum log_level level, const char *event,
               const struct session *session, int64_t chunk, const char *what);

/* --- identity.c --- */

/* Identities of sessions from the metadata of their chunks: host, name, creation time, and clock.
 * Each is a number; 0: unknown. Thread-safe. */
struct identities;
struct identities *identities_new(void);
void identities_free(struct identities *identities); /* NULL is fine */
/* Of the traces at `path`: the caller owns *id. False, and *id NULL, if the metadata lacks it. */
bool identity_read(const char *path, char **id, uint8_t clock_uuid[16]);
unsigned identity_number(struct identities *identities, const char *id,
                         const uint8_t clock_uuid[16]);
/* Of an archived chunk; its metadata is read once. */
unsigned identity_of_chunk(struct identities *identities, const char *path);
/* Of the traces now at `path`, without a cache. */
unsigned identity_now(struct identities *identities, const char *path);

/* --- folders.c --- */

/* A chunk on disk. */
struct found_chunk {
    int64_t number;
    char *path;
    bool is_rest;      /* never archived: data outside of `archives` when a session ends */
    unsigned identity; /* 0: belongs to the session of its neighbors */
};

/* All chunks in the archives of a folder, in begin order; free with found_free(). */
size_t folder_chunks(struct identities *identities, const char *path, struct found_chunk **out);

/* Chunks in the session's archives, ascending by number; free with found_free(). If the session is
 * over, its unarchived rest is last. */
size_t session_chunks(const struct session *session, struct found_chunk **out);
void found_free(struct found_chunk *found, size_t count);
/* NULL if there is none. */
const struct found_chunk *found_number(const struct found_chunk *found, size_t count,
                                       int64_t number);
/* The folder of the chunk being written, and its number (-1: unknown); to be freed. NULL if there
 * is none. */
char *session_growing(const struct session *session, int64_t *number);
/* Bytes of all files below. */
uint64_t folder_bytes(const char *path);
/* Whether no file below has changed for `ms`. LTTng moves the last chunk of a destroyed session to
 * its archives before it is complete (lttng-tools 2.13). */
bool folder_is_still(const char *path, uint64_t ms);
bool folder_is_there(const char *path);
void folder_remove(const char *path);

/* --- boundary.c --- */

/* Decides the end of the chunk at `path`, at or before the first switch of the rotation that ended
 * it. `asked_ns`: when the agent requested the rotation; UINT64_MAX if it did not. OK: the decision
 * is on disk. RETRY: disk error. */
MUST_CHECK enum status boundary_decide(struct agent *agent, struct session *session, int64_t chunk,
                                       const char *path, uint64_t asked_ns, struct failure *why);
/* The chunk is lost, including its last packets: `after` (NULL: also lost) begins when all of its
 * streams were switched. RETRY: disk error. */
MUST_CHECK enum status boundary_skip(struct agent *agent, struct session *session, int64_t chunk,
                                     const struct found_chunk *after, struct failure *why);
/* The newest chunk before `number` that has packets: its last packets are the seam. NULL if there
 * is none, or a chunk in between is missing. */
const struct found_chunk *boundary_seam(const struct found_chunk *found, size_t count,
                                        int64_t number);
/* The chunk before `chunk`, if none of its streams begins later there: `chunk` is a copy of it or
 * of an older one. Else NULL. */
const struct found_chunk *boundary_copied(const struct found_chunk *found, size_t count,
                                          const struct found_chunk *chunk);

/* --- state.c --- */

/* REJECT: the folder cannot be written to. STOP: the file in it cannot be read, or another agent
 * uses it. */
MUST_CHECK enum status agent_load(struct agent *agent, const char *folder, struct failure *why);
/* Saved to disk on return. RETRY: disk error. */
MUST_CHECK enum status agent_save(const struct agent *agent, struct failure *why);

/* --- chunks.c --- */

/* Publishes the next chunk of a session, if any; *more: another one may follow. OK. RETRY: not now;
 * nothing is lost, and the session or the agent's broker has a pause. STOP: permanent failure. */
MUST_CHECK enum status chunks_publish(struct agent *agent, struct session *session, bool *more,
                                      struct failure *why);

/* --- spool.c --- */

/* Deletes published chunks above the --keep limits. */
void spool_tidy(struct agent *agent, struct session *session);
/* Drops the oldest waiting chunks while they exceed --spool-limit. */
void spool_limit(struct agent *agent, struct session *session);
/* Metrics of waiting chunks, computed from the disk when they are read. */
struct spool_view *spool_view_new(struct service *service);
void spool_view_free(struct spool_view *view); /* NULL is fine */
/* Call when sessions or their published chunks have changed. */
void spool_view_update(struct spool_view *view, const struct agent *agent);

/* --- access.c --- */

struct access;
struct access *access_new(void);
void access_free(struct access *access); /* NULL is fine */
/* `path` cannot be read. Logged the first time. */
void access_trouble(struct agent *agent, const char *path, int code);
/* Drops resolved troubles, and updates metrics and readiness. */
void access_round(struct agent *agent);
/* Whether the folder is readable or missing; else records a trouble. */
bool access_folder(struct agent *agent, const char *path);
/* OK if everything below is readable. RETRY: `why` names the first unreadable path, which is a
 * trouble. */
MUST_CHECK enum status access_below(struct agent *agent, const char *path, struct failure *why);

/* --- proc.c --- */

/* Threads of this host that existed before `before_ns` (CLOCK_MONOTONIC). */
void proc_threads(struct thread_directory *out, uint64_t before_ns);

/* --- lttng.c --- */

struct lttng;

/* RETRY: no session daemon is running yet. */
MUST_CHECK enum status lttng_open(struct lttng **out, struct failure *why);
void lttng_close(struct lttng *lttng); /* NULL is fine */
/* Lists sessions, subscribes to new ones, and requests rotations that are due. True if there may be
 * new chunks to publish. */
bool lttng_look(struct agent *agent);

#endif
