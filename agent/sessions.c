#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "base/memory.h"

/* HOST/SESSION/archives, below what is watched. */
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
    for (size_t i = 0; i < agent->count; i++)
        if (strcmp(agent->sessions[i]->folder, folder) == 0)
            return agent->sessions[i];
    return NULL;
}

struct session *agent_session(struct agent *agent, const char *folder)
{
    struct session *session = agent_find_session(agent, folder);
    if (session)
        return session;
    agent->sessions =
        memory_grow(agent->sessions, &agent->room, agent->count + 1, sizeof *agent->sessions);
    session = memory_new(sizeof *session);
    session->folder = memory_string(text_of(folder));
    session->first = session->final = session->threads_chunk = session->complete =
        session->seen_chunk = -1;
    session->seen_ms = service_now_ms();
    session->pause.backoff = backoff_make(RETRY_LEAST_MS, RETRY_MOST_MS, (uintptr_t)session);
    agent->sessions[agent->count++] = session;
    return session;
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

bool agent_forget(struct agent *agent)
{
    size_t kept = 0;
    for (size_t i = 0; i < agent->count; i++) {
        struct session *session = agent->sessions[i];
        if (session->ended && !session->live && !folder_is_there(session->folder))
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
        return; /* decided once */
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

/* --- what is watched --- */

static void watch(struct agent *agent, const char *path, unsigned depth)
{
    char *archives = memory_format("%s/archives", path);
    bool is_session = folder_is_there(archives);
    free(archives);
    if (is_session) {
        agent_session(agent, path);
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
    free(real);
}
