#include "chunk/source.h"

#include <stdlib.h>
#include <string.h>

#include "base/file_map.h"
#include "base/memory.h"
#include "chunk/folder.h"

#define SEAM "seam/"

struct source {
    struct folder *folder;
    struct archive *archive;
    /* Of an archive; its bytes are borrowed from it. */
    struct trace_set own, seam;
};

/* --- an archive's entries as traces --- */

static struct trace_files *trace_named(struct trace_set *set, struct text name)
{
    if (text_equal(name, text_of(ARCHIVE_PLAIN_TRACE)))
        name.count = 0;
    /* Entries are sorted by name, so those of a trace are contiguous, except those of folders
     * within. */
    for (size_t i = set->trace_count; i-- > 0;)
        if (text_equal(text_of(set->traces[i].name), name))
            return &set->traces[i];
    set->traces = memory_resize(set->traces, set->trace_count + 1, sizeof *set->traces);
    struct trace_files *trace = &set->traces[set->trace_count++];
    *trace = (struct trace_files){.name = memory_string(name)};
    return trace;
}

static struct stream_file *stream_named(struct trace_files *trace, struct text name)
{
    for (size_t i = trace->stream_count; i-- > 0;)
        if (text_equal(text_of(trace->streams[i].name), name))
            return &trace->streams[i];
    trace->streams = memory_resize(trace->streams, trace->stream_count + 1, sizeof *trace->streams);
    struct stream_file *stream = &trace->streams[trace->stream_count++];
    *stream = (struct stream_file){.name = memory_string(name)};
    return stream;
}

static bool ends_with(struct text text, const char *end)
{
    size_t count = strlen(end);
    return text.count > count && memcmp(text.at + text.count - count, end, count) == 0;
}

static void add_entry(struct source *source, const struct tar_entry *entry)
{
    struct trace_set *set = &source->own;
    struct text path = text_of(entry->name);
    if (strncmp(entry->name, SEAM, sizeof SEAM - 1) == 0) {
        set = &source->seam;
        path = text_of(entry->name + sizeof SEAM - 1);
    }
    const char *slash = strrchr(path.at, '/');
    if (slash == NULL)
        return; /* of a later version */
    struct text folder = {path.at, (size_t)(slash - path.at)};
    struct text file = text_of(slash + 1);
    bool is_index = ends_with(folder, "/index") && ends_with(file, ".idx");
    if (is_index) {
        folder.count -= sizeof "/index" - 1;
        file.count -= sizeof ".idx" - 1;
    }
    struct trace_files *trace = trace_named(set, folder);
    if (is_index) {
        struct stream_file *stream = stream_named(trace, file);
        stream->index = entry->data;
        stream->has_index = true;
    } else if (text_equal(file, text_of("metadata"))) {
        trace->metadata = entry->data;
    } else {
        stream_named(trace, file)->data = entry->data;
    }
}

static enum status take_frame(struct source *source, struct bytes frame, size_t raw_max,
                              struct archive_room *room, struct failure *why)
{
    enum status status = archive_open(frame, raw_max, room, &source->archive, why);
    if (status != STATUS_OK)
        return status;
    size_t count;
    const struct tar_entry *entries = archive_entries(source->archive, &count);
    for (size_t i = 0; i < count; i++)
        add_entry(source, &entries[i]);
    trace_set_sort(&source->own);
    trace_set_sort(&source->seam);
    return STATUS_OK;
}

enum status source_open_frame(struct bytes frame, size_t raw_max, struct archive_room *room,
                              struct source **out, struct failure *why)
{
    *out = NULL;
    struct source *source = memory_new(sizeof *source);
    enum status status = take_frame(source, frame, raw_max, room, why);
    if (status == STATUS_OK)
        *out = source;
    else
        source_close(source);
    return status;
}

/* --- files --- */

static enum status map(const char *path, struct file_map **out, struct failure *why)
{
    enum status status = file_map_open(path, out, why);
    if (status != STATUS_OK || file_map_bytes(*out).count > 0)
        return status;
    file_map_close(*out);
    *out = NULL;
    return fail(why, STATUS_REJECT, "%s: empty", path);
}

/* If the file was truncated meanwhile, the data read is incomplete or wrong. */
static enum status read_whole(const struct file_map *file, enum status status, struct failure *why)
{
    struct failure reason;
    if (file_map_check(file, &reason) == STATUS_OK)
        return status;
    return fail(why, STATUS_REJECT, "%s", reason.text);
}

enum status source_open(const char *path, bool packed, struct archive_room *room,
                        struct source **out, struct failure *why)
{
    *out = NULL;
    struct source *source = memory_new(sizeof *source);
    enum status status = STATUS_OK;
    if (packed) {
        struct file_map *file;
        status = map(path, &file, why);
        if (status == STATUS_OK) {
            status = take_frame(source, file_map_bytes(file), ARCHIVE_RAW_MAX, room, why);
            if (status == STATUS_END)
                status = STATUS_REJECT;
            if (status != STATUS_OK)
                failure_prefix(why, "%s", path);
            status = read_whole(file, status, why);
        }
        file_map_close(file);
    } else {
        status = folder_open(path, &source->folder, why);
    }
    if (status == STATUS_OK)
        *out = source;
    else
        source_close(source);
    return status;
}

enum status source_peek(const char *path, struct archive_facts *out, struct failure *why)
{
    struct file_map *file;
    enum status status = map(path, &file, why);
    if (status == STATUS_OK) {
        status = archive_peek(file_map_bytes(file), out, why);
        if (status != STATUS_OK)
            failure_prefix(why, "%s", path);
        status = read_whole(file, status, why);
    }
    file_map_close(file);
    return status;
}

const struct trace_set *source_traces(const struct source *source)
{
    return source->folder != NULL ? folder_traces(source->folder) : &source->own;
}

const struct trace_set *source_seam(const struct source *source)
{
    return &source->seam;
}

const struct archive *source_archive(const struct source *source)
{
    return source->archive;
}

enum status source_check(const struct source *source, struct failure *why)
{
    return source->folder != NULL ? folder_check(source->folder, why) : STATUS_OK;
}

void source_close(struct source *source)
{
    if (source == NULL)
        return;
    folder_close(source->folder);
    trace_set_clear(&source->own);
    trace_set_clear(&source->seam);
    archive_close(source->archive);
    free(source);
}
