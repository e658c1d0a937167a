#include "chunk/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file_map.h"
#include "base/memory.h"

/* LTTng's deepest: ust/uid/1000/64-bit. */
enum { DEPTH_MAX = 6 };

struct folder {
    struct trace_set set;
    size_t trace_room;
    struct file_map **maps;
    size_t map_count, map_room;
};

/* --- trace_set --- */

static int by_stream_name(const void *a, const void *b)
{
    const struct stream_file *left = a, *right = b;
    return strcmp(left->name, right->name);
}

static int by_trace_name(const void *a, const void *b)
{
    const struct trace_files *left = a, *right = b;
    int kernel = (strcmp(right->name, "kernel") == 0) - (strcmp(left->name, "kernel") == 0);
    return kernel != 0 ? kernel : strcmp(left->name, right->name);
}

void trace_set_sort(struct trace_set *set)
{
    if (set->trace_count > 0)
        qsort(set->traces, set->trace_count, sizeof *set->traces, by_trace_name);
    for (size_t i = 0; i < set->trace_count; i++)
        if (set->traces[i].stream_count > 0)
            qsort(set->traces[i].streams, set->traces[i].stream_count,
                  sizeof *set->traces[i].streams, by_stream_name);
}

void trace_set_clear(struct trace_set *set)
{
    for (size_t i = 0; i < set->trace_count; i++) {
        struct trace_files *trace = &set->traces[i];
        for (size_t j = 0; j < trace->stream_count; j++) {
            free(trace->streams[j].name);
            free(trace->streams[j].path);
        }
        free(trace->streams);
        free(trace->name);
    }
    free(set->traces);
    *set = (struct trace_set){.traces = NULL};
}

/* --- the walk --- */

static bool is_hidden(const char *name)
{
    return name[0] == '.';
}

static bool is_kind(const char *folder, const char *name, mode_t kind)
{
    char *path = memory_format("%s/%s", folder, name);
    struct stat stat_of;
    bool is = stat(path, &stat_of) == 0 && (stat_of.st_mode & S_IFMT) == kind;
    free(path);
    return is;
}

bool folder_is_trace(const char *path)
{
    return is_kind(path, "metadata", S_IFREG);
}

const char *folder_domain(const char *path)
{
    size_t length = strlen(path);
    if (length > 7 && strcmp(path + length - 7, "/kernel") == 0)
        return path + length - 6;
    const char *found = NULL;
    for (const char *at = strstr(path, "/ust/"); at != NULL; at = strstr(at + 1, "/ust/"))
        found = at + 1;
    return found;
}

/* Whether any regular file is below, except in `index`; also true without permission, which
 * folder_open() will report. */
static bool has_files(const char *path, int depth)
{
    if (depth >= DEPTH_MAX)
        return false;
    DIR *dir = opendir(path);
    if (dir == NULL)
        return errno != ENOENT && errno != ENOTDIR;
    bool found = false;
    for (struct dirent *entry; !found && (entry = readdir(dir)) != NULL;) {
        if (is_hidden(entry->d_name) || strcmp(entry->d_name, "index") == 0)
            continue;
        if (is_kind(path, entry->d_name, S_IFREG)) {
            found = true;
        } else if (is_kind(path, entry->d_name, S_IFDIR)) {
            char *below = memory_format("%s/%s", path, entry->d_name);
            found = has_files(below, depth + 1);
            free(below);
        }
    }
    closedir(dir);
    return found;
}

bool folder_has_traces(const char *path)
{
    static const char *const DOMAINS[] = {"kernel", "ust"};
    if (folder_is_trace(path))
        return true;
    for (size_t i = 0; i < sizeof DOMAINS / sizeof *DOMAINS; i++) {
        char *domain = memory_format("%s/%s", path, DOMAINS[i]);
        bool found = has_files(domain, 0);
        free(domain);
        if (found)
            return true;
    }
    return false;
}

/* Maps a file; *out is empty if it is. */
static enum status map_file(struct folder *folder, const char *path, struct bytes *out,
                            struct failure *why)
{
    *out = (struct bytes){NULL, 0};
    struct file_map *map;
    enum status status = file_map_open(path, &map, why);
    if (status != STATUS_OK)
        return status;
    folder->maps =
        memory_grow(folder->maps, &folder->map_room, folder->map_count + 1, sizeof *folder->maps);
    folder->maps[folder->map_count++] = map;
    *out = file_map_bytes(map);
    return STATUS_OK;
}

static struct trace_files *add_trace(struct folder *folder, const char *name)
{
    struct trace_set *set = &folder->set;
    set->traces =
        memory_grow(set->traces, &folder->trace_room, set->trace_count + 1, sizeof *set->traces);
    struct trace_files *trace = &set->traces[set->trace_count++];
    *trace = (struct trace_files){.name = memory_string(text_of(name))};
    return trace;
}

static struct stream_file *add_stream(struct trace_files *trace, size_t *room, struct text name)
{
    trace->streams =
        memory_grow(trace->streams, room, trace->stream_count + 1, sizeof *trace->streams);
    struct stream_file *stream = &trace->streams[trace->stream_count++];
    *stream = (struct stream_file){.name = memory_string(name)};
    return stream;
}

/* A stream with an index but no file is a damaged stream. */
static enum status add_indices(struct folder *folder, const char *path, struct trace_files *trace,
                               size_t *room, struct failure *why)
{
    char *below = memory_format("%s/index", path);
    DIR *dir = opendir(below);
    enum status status = STATUS_OK;
    for (struct dirent *entry;
         dir != NULL && status == STATUS_OK && (entry = readdir(dir)) != NULL;) {
        size_t length = strlen(entry->d_name);
        if (length <= 4 || strcmp(entry->d_name + length - 4, ".idx") != 0 ||
            !is_kind(below, entry->d_name, S_IFREG))
            continue;
        struct text name = {entry->d_name, length - 4};
        struct stream_file *stream = NULL;
        for (size_t i = 0; i < trace->stream_count && stream == NULL; i++)
            if (text_equal(text_of(trace->streams[i].name), name))
                stream = &trace->streams[i];
        if (stream == NULL)
            stream = add_stream(trace, room, name);
        char *file = memory_format("%s/%s", below, entry->d_name);
        status = map_file(folder, file, &stream->index, why);
        stream->has_index = true;
        free(file);
    }
    if (dir != NULL)
        closedir(dir);
    free(below);
    return status;
}

static enum status walk(struct folder *folder, const char *path, const char *name, int depth,
                        struct failure *why);

/* One entry of a folder. `trace` is that of the folder, after its first file. */
static enum status walk_entry(struct folder *folder, const char *path, const char *name,
                              const char *entry, int depth, size_t *trace, size_t *room,
                              struct failure *why)
{
    if (is_hidden(entry) || strcmp(entry, "index") == 0)
        return STATUS_OK;
    char *below = memory_format("%s/%s", path, entry);
    enum status status = STATUS_OK;
    if (is_kind(path, entry, S_IFDIR)) {
        /* Other data of a session next to its current chunk is not part of it. */
        if (depth == 0 ? strcmp(entry, "kernel") == 0 || strcmp(entry, "ust") == 0
                       : depth < DEPTH_MAX) {
            char *below_name =
                *name == '\0' ? memory_string(text_of(entry)) : memory_format("%s/%s", name, entry);
            status = walk(folder, below, below_name, depth + 1, why);
            free(below_name);
        }
    } else if (is_kind(path, entry, S_IFREG) && (depth > 0 || folder_is_trace(path))) {
        if (*trace == SIZE_MAX) {
            add_trace(folder, name);
            *trace = folder->set.trace_count - 1;
        }
        struct bytes data;
        status = map_file(folder, below, &data, why);
        struct trace_files *files = &folder->set.traces[*trace];
        if (status == STATUS_OK && strcmp(entry, "metadata") == 0) {
            files->metadata = data;
        } else if (status == STATUS_OK) {
            struct stream_file *stream = add_stream(files, room, text_of(entry));
            stream->data = data;
            stream->path = memory_string(text_of(below));
        }
    }
    free(below);
    return status;
}

static enum status walk(struct folder *folder, const char *path, const char *name, int depth,
                        struct failure *why)
{
    DIR *dir = opendir(path);
    if (dir == NULL)
        return fail(why, STATUS_REJECT, "%s: %s", path, strerror(errno));
    size_t trace = SIZE_MAX, room = 0;
    enum status status = STATUS_OK;
    for (struct dirent *entry; status == STATUS_OK && (entry = readdir(dir)) != NULL;)
        status = walk_entry(folder, path, name, entry->d_name, depth, &trace, &room, why);
    closedir(dir);
    if (status == STATUS_OK && trace != SIZE_MAX)
        status = add_indices(folder, path, &folder->set.traces[trace], &room, why);
    return status;
}

enum status folder_open(const char *path, struct folder **out, struct failure *why)
{
    *out = NULL;
    struct folder *folder = memory_new(sizeof *folder);
    enum status status = walk(folder, path, "", 0, why);
    if (status == STATUS_OK && folder->set.trace_count == 0)
        status = fail(why, STATUS_REJECT, "%s: no trace there", path);
    if (status != STATUS_OK) {
        folder_close(folder);
        return status;
    }
    trace_set_sort(&folder->set);
    *out = folder;
    return STATUS_OK;
}

const struct trace_set *folder_traces(const struct folder *folder)
{
    return &folder->set;
}

enum status folder_check(const struct folder *folder, struct failure *why)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < folder->map_count && status == STATUS_OK; i++)
        status = file_map_check(folder->maps[i], why);
    return status;
}

void folder_close(struct folder *folder)
{
    if (folder == NULL)
        return;
    for (size_t i = 0; i < folder->map_count; i++)
        file_map_close(folder->maps[i]);
    free(folder->maps);
    trace_set_clear(&folder->set);
    free(folder);
}
