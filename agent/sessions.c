#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "base/memory.h"

/* HOST/SESSION/archives, below the watched folder. */
enum { WATCH_DEPTH = 3 };
enum { RETRY_LEAST_MS = 200, RETRY_MOST_MS = 30000 };

void agent_say(const struct agent *agent, enum log_level level, const char *event,
               const struct session *session, int64_t chunk, const char *what)
{
    log_say(service_log(agent->service), level, event,
            log_text("session", session->id ? session->id : session->folder),
            log_integer("chunk", chunk), log_text("what", what));
}

struct session *agent_find_session(const struct agent *agent, const char *folder)
{
    for (size_t i = agent->count; i-- > 0;)
        if (strcmp(agent->sessions[i]->folder, folder) == 0)
            return agent->sessions[i];
    return NULL;
}

/* A folder belongs to one session at a time: the previous one was destroyed. */
static void supersede(const struct agent *agent, const char *folder)
{
    for (size_t i = 0; i < agent->count; i++) {
        struct session *session = agent->sessions[i];
        if (strcmp(session->folder, folder) != 0)
            continue;
        session->over = session->is_superseded = true;
        session->live = session->is_rotating = false;
    }
}

struct session *agent_session(struct agent *agent, const char *folder)
{
    struct session *session = agent_find_session(agent, folder);
    return session ? session : agent_new_session(agent, folder);
}

struct session *agent_new_session(struct agent *agent, const char *folder)
{
    supersede(agent, folder);
    agent->sessions =
        memory_grow(agent->sessions, &agent->room, agent->count + 1, sizeof *agent->sessions);
    struct session *session = memory_new(sizeof *session);
    session->identities = agent->identities;
    session->folder = memory_string(text_of(folder));
    session->first = session->final = session->threads_chunk = session->complete =
        session->seen_chunk = -1;
    session->seen_ms = service_now_ms();
    session->pause.backoff = backoff_make(RETRY_LEAST_MS, RETRY_MOST_MS, (uintptr_t)session);
    agent->sessions[agent->count++] = session;
    return session;
}

static bool has_identity(const struct agent *agent, const char *folder, unsigned identity)
{
    for (size_t i = 0; i < agent->count; i++)
        if (agent->sessions[i]->identity == identity &&
            strcmp(agent->sessions[i]->folder, folder) == 0)
            return true;
    return false;
}

/* The chunk belongs to none of the folder's sessions so far. */
static void meet_chunk(struct agent *agent, const char *folder, const struct found_chunk *chunk)
{
    char *id;
    uint8_t clock_uuid[16];
    if (!identity_read(chunk->path, &id, clock_uuid))
        return;
    struct session *session = agent_session(agent, folder);
    bool another = session->identity != 0;
    if (another)
        session = agent_new_session(agent, folder);
    session->id = id;
    session->identity = chunk->identity;
    session->is_nameless = false;
    memcpy(session->clock_uuid, clock_uuid, sizeof session->clock_uuid);
    if (another)
        agent_say(agent, LOG_INFO, "another session", session, chunk->number,
                  "in the folder of a destroyed session");
}

void agent_meet_chunks(struct agent *agent, const char *folder)
{
    struct found_chunk *found;
    size_t count = folder_chunks(agent->identities, folder, &found);
    for (size_t i = 0; i < count; i++)
        if (found[i].identity != 0 && !has_identity(agent, folder, found[i].identity))
            meet_chunk(agent, folder, &found[i]);
    found_free(found, count);
}

static void free_session(struct session *session)
{
    thread_directory_clear(&session->threads);
    free(session->boundaries);
    free(session->folder);
    free(session->name);
    free(session->id);
    free(session);
}

void agent_free_sessions(struct agent *agent)
{
    for (size_t i = 0; i < agent->count; i++)
        free_session(agent->sessions[i]);
    free(agent->sessions);
}

static bool is_past(const struct session *session)
{
    if (!session->ended || session->live)
        return false;
    if (!folder_is_there(session->folder))
        return true;
    if (!session->is_superseded)
        return false;
    struct found_chunk *found;
    size_t count = session_chunks(session, &found);
    found_free(found, count);
    return count == 0;
}

bool agent_forget(struct agent *agent)
{
    size_t kept = 0;
    for (size_t i = 0; i < agent->count; i++) {
        struct session *session = agent->sessions[i];
        if (is_past(session))
            free_session(session);
        else
            agent->sessions[kept++] = session;
    }
    bool any = kept < agent->count;
    agent->count = kept;
    return any;
}

const struct boundary *session_boundary(const struct session *session, int64_t chunk)
{
    for (size_t i = 0; i < session->boundary_count; i++)
        if (session->boundaries[i].chunk == chunk)
            return &session->boundaries[i];
    return NULL;
}

void session_set_boundary(struct session *session, int64_t chunk, uint64_t end_ns)
{
    if (session_boundary(session, chunk))
        return; /* already decided */
    session->boundaries = memory_grow(session->boundaries, &session->boundary_room,
                                      session->boundary_count + 1, sizeof *session->boundaries);
    size_t at = session->boundary_count++;
    for (; at > 0 && session->boundaries[at - 1].chunk > chunk; at--)
        session->boundaries[at] = session->boundaries[at - 1];
    session->boundaries[at] = (struct boundary){chunk, end_ns};
}

void session_drop_boundary(struct session *session, int64_t chunk)
{
    size_t kept = 0;
    for (size_t i = 0; i < session->boundary_count; i++)
        if (session->boundaries[i].chunk != chunk)
            session->boundaries[kept++] = session->boundaries[i];
    session->boundary_count = kept;
}

void session_drop_boundaries(struct session *session)
{
    size_t kept = 0;
    for (size_t i = 0; i < session->boundary_count; i++)
        if (session->boundaries[i].chunk + 1 >= session->next)
            session->boundaries[kept++] = session->boundaries[i];
    session->boundary_count = kept;
}

/* --- watched folders --- */

static void watch(struct agent *agent, const char *path, unsigned depth)
{
    if (!access_folder(agent, path))
        return;
    char *archives = memory_format("%s/archives", path);
    bool is_session = folder_is_there(archives);
    if (is_session)
        access_folder(agent, archives);
    free(archives);
    if (is_session) {
        agent_session(agent, path);
        agent_meet_chunks(agent, path);
        return;
    }
    DIR *folder = depth > 0 ? opendir(path) : NULL;
    struct dirent *entry;
    while (folder && (entry = readdir(folder))) {
        if (entry->d_name[0] == '.')
            continue;
        char *below = memory_format("%s/%s", path, entry->d_name);
        if (folder_is_there(below))
            watch(agent, below, depth - 1);
        free(below);
    }
    if (folder)
        closedir(folder);
}

void agent_watch(struct agent *agent, const char *folder)
{
    char *real = realpath(folder, NULL);
    if (real)
        watch(agent, real, WATCH_DEPTH);
    else
        access_trouble(agent, folder, errno);
    free(real);
}
