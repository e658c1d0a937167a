#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "agent/agent.h"
#include "base/memory.h"
#include "mapper/chunk.h"

/* HOST/SESSION/archives, below what is watched. */
enum { WATCH_DEPTH = 3, CHUNK_DEPTH = 6 };

struct session *agent_session(struct agent *agent, const char *folder)
{
    for (size_t i = 0; i < agent->count; i++)
        if (strcmp(agent->sessions[i]->folder, folder) == 0)
            return agent->sessions[i];
    agent->sessions = memory_grow(agent->sessions, &agent->room, agent->count + 1,
                                  sizeof *agent->sessions);
    struct session *session = memory_new(sizeof *session);
    session->folder = memory_string(text_of(folder));
    session->first = session->threads_chunk = session->complete = -1;
    session->seen_ms = service_now_ms();
    agent->sessions[agent->count++] = session;
    return session;
}

void agent_free_sessions(struct agent *agent)
{
    for (size_t i = 0; i < agent->count; i++) {
        struct session *session = agent->sessions[i];
        thread_directory_clear(&session->threads);
        free(session->boundaries);
        free(session->folder);
        free(session->name);
        free(session->id);
        free(session);
    }
    free(agent->sessions);
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

/* --- folders --- */

static bool is_folder(const char *path)
{
    struct stat stat_of;
    return stat(path, &stat_of) == 0 && S_ISDIR(stat_of.st_mode);
}

static int64_t newest_ms(const char *path, unsigned depth)
{
    struct stat stat_of;
    if (lstat(path, &stat_of) != 0)
        return INT64_MAX; /* it is being moved */
    int64_t newest = (int64_t)stat_of.st_mtim.tv_sec * 1000 + stat_of.st_mtim.tv_nsec / 1000000;
    DIR *folder = S_ISDIR(stat_of.st_mode) && depth > 0 ? opendir(path) : NULL;
    struct dirent *entry;
    while (folder && (entry = readdir(folder))) {
        if (entry->d_name[0] == '.')
            continue;
        char *below = memory_format("%s/%s", path, entry->d_name);
        int64_t time_ms = newest_ms(below, depth - 1);
        newest = time_ms > newest ? time_ms : newest;
        free(below);
    }
    if (folder)
        closedir(folder);
    return newest;
}

bool folder_is_still(const char *path, uint64_t ms)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t now_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    int64_t newest = newest_ms(path, CHUNK_DEPTH);
    /* A time in the future is of another machine's clock, and says nothing. */
    return newest != INT64_MAX && (newest > now_ms || now_ms - newest >= (int64_t)ms);
}

/* Of all files below, but not below `except` (NULL: none). */
static uint64_t bytes_below(const char *path, unsigned depth, const char *except)
{
    uint64_t bytes = 0;
    DIR *folder = depth > 0 ? opendir(path) : NULL;
    struct dirent *entry;
    while (folder && (entry = readdir(folder))) {
        if (entry->d_name[0] == '.' || (except && strcmp(entry->d_name, except) == 0))
            continue;
        char *below = memory_format("%s/%s", path, entry->d_name);
        struct stat stat_of;
        if (lstat(below, &stat_of) == 0)
            bytes += S_ISDIR(stat_of.st_mode) ? bytes_below(below, depth - 1, NULL)
                                              : (uint64_t)stat_of.st_size;
        free(below);
    }
    if (folder)
        closedir(folder);
    return bytes;
}

uint64_t session_growing_bytes(const struct session *session)
{
    return bytes_below(session->folder, CHUNK_DEPTH, "archives");
}

static int by_number(const void *a, const void *b)
{
    const struct found_chunk *left = a, *right = b;
    return left->number < right->number ? -1 : left->number > right->number;
}

size_t session_chunks(const struct session *session, struct found_chunk **out)
{
    char *archives = memory_format("%s/archives", session->folder);
    size_t count = 0, room = 0;
    *out = NULL;
    DIR *folder = opendir(archives);
    struct dirent *entry;
    while (folder && (entry = readdir(folder))) {
        int64_t number = chunk_number_of_name(entry->d_name);
        if (number < 0)
            continue;
        char *path = memory_format("%s/%s", archives, entry->d_name);
        *out = memory_grow(*out, &room, count + 1, sizeof **out);
        (*out)[count++] = (struct found_chunk){number, path, bytes_below(path, CHUNK_DEPTH, NULL)};
    }
    if (folder)
        closedir(folder);
    free(archives);
    if (count > 0)
        qsort(*out, count, sizeof **out, by_number);
    return count;
}

void found_free(struct found_chunk *found, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(found[i].path);
    free(found);
}

static void watch(struct agent *agent, const char *path, unsigned depth)
{
    char *archives = memory_format("%s/archives", path);
    bool is_session = is_folder(archives);
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
        if (is_folder(below))
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
