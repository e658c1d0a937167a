#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/agent.h"
#include "base/clock.h"
#include "base/memory.h"
#include "chunk/chunk.h"
#include "chunk/folder.h"

/* CHUNK/ust/pid/NAME/index/FILE. */
enum { CHUNK_DEPTH = 7 };

bool folder_is_there(const char *path)
{
    struct stat stat_of;
    return stat(path, &stat_of) == 0 && S_ISDIR(stat_of.st_mode);
}

static int64_t newest_ms(const char *path, unsigned depth)
{
    struct stat stat_of;
    if (lstat(path, &stat_of) != 0)
        return INT64_MAX; /* being moved */
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
    int64_t now_ms = (int64_t)clock_ms(CLOCK_REALTIME);
    int64_t newest = newest_ms(path, CHUNK_DEPTH);
    /* A time in the future comes from another machine's clock and is ignored. */
    return newest != INT64_MAX && (newest > now_ms || now_ms - newest >= (int64_t)ms);
}

static uint64_t bytes_below(const char *path, unsigned depth)
{
    uint64_t bytes = 0;
    DIR *folder = depth > 0 ? opendir(path) : NULL;
    struct dirent *entry;
    while (folder && (entry = readdir(folder))) {
        if (entry->d_name[0] == '.')
            continue;
        char *below = memory_format("%s/%s", path, entry->d_name);
        struct stat stat_of;
        if (lstat(below, &stat_of) == 0)
            bytes += S_ISDIR(stat_of.st_mode) ? bytes_below(below, depth - 1)
                                              : (uint64_t)stat_of.st_size;
        free(below);
    }
    if (folder)
        closedir(folder);
    return bytes;
}

uint64_t folder_bytes(const char *path)
{
    return bytes_below(path, CHUNK_DEPTH);
}

static int remove_entry(const char *path, const struct stat *stat_of, int type, struct FTW *walk)
{
    (void)stat_of;
    (void)type;
    (void)walk;
    return remove(path);
}

void folder_remove(const char *path)
{
    nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* --- the chunks of a session --- */

static int by_number(const void *a, const void *b)
{
    const struct found_chunk *left = a, *right = b;
    return left->number < right->number ? -1 : left->number > right->number;
}

/* Before the first rotation, a chunk is written to the session's folder itself; later to
 * <begin>-<number>. */
static char *growing(const struct session *session, int64_t *number)
{
    *number = -1;
    if (folder_has_traces(session->folder))
        return memory_string(text_of(session->folder));
    DIR *folder = opendir(session->folder);
    struct dirent *entry;
    char *path = NULL;
    while (folder && !path && (entry = readdir(folder))) {
        int length = 0;
        long long stated = -1;
        if (sscanf(entry->d_name, "%*8[0-9]T%*6[0-9]%*[+-]%*4[0-9]-%lld%n", &stated, &length) !=
                1 ||
            entry->d_name[length] != '\0')
            continue;
        path = memory_format("%s/%s", session->folder, entry->d_name);
        *number = stated;
        if (!folder_has_traces(path)) {
            free(path);
            path = NULL;
        }
    }
    if (folder)
        closedir(folder);
    return path;
}

char *session_growing(const struct session *session, int64_t *number)
{
    char *path = growing(session, number);
    if (!path || !session->is_superseded ||
        identity_now(session->identities, path) == session->identity)
        return path;
    free(path);
    *number = -1;
    return NULL;
}

/* Names begin with the begin time of the chunk. */
static int by_begin(const void *a, const void *b)
{
    const struct found_chunk *left = a, *right = b;
    return strcmp(left->path, right->path);
}

/* Chunks without usable metadata belong to the session of the previous chunk, if they can follow
 * it, else to that of the next one. */
static void fill_identities(struct found_chunk *found, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (found[i].identity == 0 && found[i].number > found[i - 1].number)
            found[i].identity = found[i - 1].identity;
    for (size_t i = count; i-- > 1;)
        if (found[i - 1].identity == 0 && found[i - 1].number < found[i].number)
            found[i - 1].identity = found[i].identity;
}

size_t folder_chunks(struct identities *identities, const char *path, struct found_chunk **out)
{
    char *archives = memory_format("%s/archives", path);
    size_t count = 0, room = 0;
    *out = NULL;
    DIR *folder = opendir(archives);
    struct dirent *entry;
    while (folder && (entry = readdir(folder))) {
        int64_t number = chunk_number_of_name(entry->d_name);
        if (number < 0)
            continue;
        *out = memory_grow(*out, &room, count + 1, sizeof **out);
        char *below = memory_format("%s/%s", archives, entry->d_name);
        (*out)[count++] = (struct found_chunk){
            .number = number, .path = below, .identity = identity_of_chunk(identities, below)};
    }
    if (folder)
        closedir(folder);
    free(archives);
    if (count > 0)
        qsort(*out, count, sizeof **out, by_begin);
    fill_identities(*out, count);
    return count;
}

size_t session_chunks(const struct session *session, struct found_chunk **out)
{
    size_t all = folder_chunks(session->identities, session->folder, out), count = 0;
    for (size_t i = 0; i < all; i++) {
        if ((*out)[i].identity == session->identity)
            (*out)[count++] = (*out)[i];
        else
            free((*out)[i].path);
    }
    if (count > 0)
        qsort(*out, count, sizeof **out, by_number);
    int64_t number;
    char *rest = session->over ? session_growing(session, &number) : NULL;
    if (!rest)
        return count;
    int64_t last = count > 0 ? (*out)[count - 1].number : -1;
    if (last < session->next - 1)
        last = session->next - 1;
    size_t room = all;
    *out = memory_grow(*out, &room, count + 1, sizeof **out);
    (*out)[count++] = (struct found_chunk){.number = number > last ? number : last + 1,
                                           .path = rest,
                                           .is_rest = true,
                                           .identity = session->identity};
    return count;
}

void found_free(struct found_chunk *found, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(found[i].path);
    free(found);
}

const struct found_chunk *found_number(const struct found_chunk *found, size_t count,
                                       int64_t number)
{
    for (size_t i = 0; i < count; i++)
        if (found[i].number == number)
            return &found[i];
    return NULL;
}
