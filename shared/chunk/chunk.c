#include "chunk/chunk.h"

#include <stdlib.h>
#include <string.h>

#include "chunk/metadata_cache.h"
#include "chunk/packets.h"
#include "base/crash.h"
#include "base/memory.h"
#include "chunk/folder.h"
#include "chunk/source.h"

struct chunk {
    struct trace_set set;
    struct interval interval;
    size_t raw_bytes;
    bool growing, recorded;
    struct metadata_cache *metadata; /* borrowed while it is opened; NULL: none */
    struct source *own;
    struct source *before; /* its last packets are the seam; NULL if none */
    struct source **parts; /* of the chunk, then of the seam */
    size_t part_count;
};

static struct trace_files *find_trace(const struct trace_set *set, const char *name)
{
    for (size_t i = 0; i < set->trace_count; i++)
        if (strcmp(set->traces[i].name, name) == 0)
            return &set->traces[i];
    return NULL;
}

static struct stream_file *find_stream(const struct trace_files *trace, const char *name)
{
    for (size_t i = 0; i < trace->stream_count; i++)
        if (strcmp(trace->streams[i].name, name) == 0)
            return &trace->streams[i];
    return NULL;
}

static struct trace_files *set_trace(struct trace_set *set, const char *name)
{
    struct trace_files *trace = find_trace(set, name);
    if (trace != NULL)
        return trace;
    set->traces = memory_resize(set->traces, set->trace_count + 1, sizeof *set->traces);
    trace = &set->traces[set->trace_count++];
    *trace = (struct trace_files){.name = memory_string(text_of(name))};
    return trace;
}

static struct stream_file *trace_stream(struct trace_files *trace, const char *name)
{
    struct stream_file *stream = find_stream(trace, name);
    if (stream != NULL)
        return stream;
    trace->streams = memory_resize(trace->streams, trace->stream_count + 1, sizeof *trace->streams);
    stream = &trace->streams[trace->stream_count++];
    *stream = (struct stream_file){.name = memory_string(text_of(name))};
    return stream;
}

static const char *name_of(const struct trace_files *trace, const char *plain)
{
    return *trace->name == '\0' && plain != NULL ? plain : trace->name;
}

/* `name`: of a plain trace; NULL: unknown. */
static void add_own(struct chunk *chunk, const struct trace_set *own, const char *name)
{
    for (size_t i = 0; i < own->trace_count; i++) {
        const struct trace_files *from = &own->traces[i];
        struct trace_files *trace = set_trace(&chunk->set, name_of(from, name));
        trace->metadata = from->metadata;
        trace->may_grow = chunk->growing;
        trace->is_recorded = chunk->recorded;
        for (size_t j = 0; j < from->stream_count; j++) {
            struct stream_file *stream = trace_stream(trace, from->streams[j].name);
            stream->is_there = true;
            stream->data = from->streams[j].data;
            stream->index = from->streams[j].index;
            stream->has_index = from->streams[j].has_index;
            if (from->streams[j].path != NULL)
                stream->path = memory_string(text_of(from->streams[j].path));
            chunk->raw_bytes += stream->data.count;
        }
    }
}

/* The seam's metadata is used for a trace that only the seam has. A trace with own files and
 * without metadata is left out and reported: the code that sets intervals and cuts the next seam
 * cannot read it either. */
static void take_seam_metadata(struct trace_files *trace, struct bytes metadata)
{
    for (size_t i = 0; i < trace->stream_count; i++)
        if (trace->streams[i].is_there)
            return;
    if (trace->metadata.at == NULL)
        trace->metadata = metadata;
}

/* The end of `stream` that the interval from `begin_ns` on needs. */
static struct bytes cut_seam(const struct metadata *metadata, const struct stream_file *stream,
                             uint64_t begin_ns)
{
    struct packet_list packets = {.at = NULL};
    struct bytes seam = {NULL, 0};
    /* Damage was reported when that chunk was read. */
    enum status ignored = packets_scan(metadata, stream->data, stream->index, &packets, NULL);
    (void)ignored;
    size_t first = packets_seam(&packets, begin_ns);
    for (size_t i = first; i + 1 < packets.count; i++)
        if (packets.at[i].offset + packets.at[i].size != packets.at[i + 1].offset)
            first = i + 1; /* after a damaged one: the seam has no holes */
    if (packets.count > 0) {
        const struct packet *last = &packets.at[packets.count - 1];
        size_t offset = packets.at[first].offset;
        seam = (struct bytes){stream->data.at + offset, last->offset + last->size - offset};
    }
    packets_clear(&packets);
    return seam;
}

static bool is_idle(const struct stream_file *stream)
{
    return stream->data.count == 0 && !stream_is_emptied(stream) &&
           packets_index_end(stream->index) == 0;
}

static void add_seam(struct chunk *chunk, const struct trace_set *before, const char *name)
{
    struct session_clock clock = {.is_known = false};
    for (size_t i = 0; i < before->trace_count; i++) {
        const struct trace_files *from = &before->traces[i];
        struct metadata metadata;
        if (metadata_cache_read_packets(chunk->metadata, from->metadata, &metadata, NULL) ==
                STATUS_OK &&
            metadata_join(&metadata, &clock, NULL) == STATUS_OK) {
            struct trace_files *trace = NULL;
            for (size_t j = 0; j < from->stream_count; j++) {
                struct bytes seam =
                    cut_seam(&metadata, &from->streams[j], chunk->interval.begin_ns);
                bool was_idle = is_idle(&from->streams[j]);
                if (seam.count == 0 && !was_idle)
                    continue;
                trace = set_trace(&chunk->set, name_of(from, name));
                struct stream_file *stream = trace_stream(trace, from->streams[j].name);
                stream->seam = seam;
                stream->was_idle = was_idle;
            }
            if (trace != NULL)
                take_seam_metadata(trace, from->metadata);
        }
        metadata_clear(&metadata);
    }
}

/* The seam in an archive. */
static void add_packed_seam(struct chunk *chunk, const struct trace_set *seam)
{
    if (mutant("no-seam"))
        return;
    for (size_t i = 0; i < seam->trace_count; i++) {
        const struct trace_files *from = &seam->traces[i];
        struct trace_files *trace = set_trace(&chunk->set, from->name);
        take_seam_metadata(trace, from->metadata);
        trace->may_grow = chunk->growing;
        for (size_t j = 0; j < from->stream_count; j++) {
            struct stream_file *stream = trace_stream(trace, from->streams[j].name);
            stream->seam = from->streams[j].data;
            stream->was_idle = stream->seam.count == 0;
        }
    }
}

/* When all traces are added: sets what depends on the others. */
static void compare_traces(struct trace_set *set)
{
    bool has_own = false, has_seam = false;
    for (size_t i = 0; i < set->trace_count; i++)
        for (size_t j = 0; j < set->traces[i].stream_count; j++) {
            has_own |= set->traces[i].streams[j].data.count > 0;
            has_seam |= set->traces[i].streams[j].seam.count > 0;
        }
    for (size_t i = 0; i < set->trace_count; i++) {
        struct trace_files *trace = &set->traces[i];
        bool is_there = false, was_there = false;
        for (size_t j = 0; j < trace->stream_count; j++) {
            const struct stream_file *stream = &trace->streams[j];
            is_there |= stream->is_there;
            was_there |= stream->seam.count > 0 || stream->was_idle;
        }
        trace->follows = has_seam;
        trace->is_gone = was_there && !is_there && has_own;
    }
}

/* The traces of `ref` at other paths. */
static enum status open_parts(struct chunk *chunk, const struct chunk_ref *ref,
                              void (*add)(struct chunk *chunk, const struct trace_set *set,
                                          const char *name),
                              struct failure *why)
{
    for (size_t i = 0; i < ref->part_count; i++) {
        struct source *source;
        enum status status = source_open(ref->parts[i].path, false, NULL, &source, why);
        if (status != STATUS_OK)
            return status;
        chunk->parts = memory_resize(chunk->parts, chunk->part_count + 1, sizeof *chunk->parts);
        chunk->parts[chunk->part_count++] = source;
        add(chunk, source_traces(source), ref->parts[i].name);
    }
    return STATUS_OK;
}

static enum status open_from_store(const struct chunk_ref *ref, struct archive_room *room,
                                   struct chunk **out, struct failure *why)
{
    struct bytes frame;
    enum status status = ref->store->get(ref->store->context, ref, &frame, why);
    return status == STATUS_OK ? chunk_open_frame(frame, ARCHIVE_RAW_MAX, room, out, why) : status;
}

enum status chunk_open(const struct chunk_ref *ref, struct archive_room *room, struct chunk **out,
                       struct failure *why)
{
    *out = NULL;
    if (ref->store)
        return open_from_store(ref, room, out, why);
    struct chunk *chunk = memory_new(sizeof *chunk);
    chunk->interval = ref->interval;
    chunk->metadata = ref->metadata;
    enum status status = STATUS_OK;
    if (ref->path != NULL && (ref->packed || ref->has_kernel_or_ust))
        status = source_open(ref->path, ref->packed, room, &chunk->own, why);
    chunk->growing = ref->growing;
    chunk->recorded = ref->recorded;
    if (status == STATUS_OK && ref->packed)
        chunk->growing = archive_facts(source_archive(chunk->own))->growing;
    if (status == STATUS_OK && chunk->own != NULL) {
        add_own(chunk, source_traces(chunk->own), ref->name);
        add_packed_seam(chunk, source_seam(chunk->own));
    }
    if (status == STATUS_OK && ref->seam_path != NULL) {
        status = source_open(ref->seam_path, ref->seam_packed, NULL, &chunk->before, why);
        if (status == STATUS_OK)
            add_seam(chunk, source_traces(chunk->before),
                     ref->seam_ref != NULL ? ref->seam_ref->name : NULL);
    }
    if (status == STATUS_OK)
        status = open_parts(chunk, ref, add_own, why);
    if (status == STATUS_OK && ref->seam_ref != NULL)
        status = open_parts(chunk, ref->seam_ref, add_seam, why);
    if (status != STATUS_OK) {
        chunk_close(chunk);
        return status;
    }
    trace_set_sort(&chunk->set);
    compare_traces(&chunk->set);
    *out = chunk;
    return STATUS_OK;
}

enum status chunk_open_frame(struct bytes frame, size_t raw_max, struct archive_room *room,
                             struct chunk **out, struct failure *why)
{
    *out = NULL;
    struct chunk *chunk = memory_new(sizeof *chunk);
    enum status status = source_open_frame(frame, raw_max, room, &chunk->own, why);
    if (status != STATUS_OK) {
        chunk_close(chunk);
        return status;
    }
    const struct archive_facts *facts = archive_facts(source_archive(chunk->own));
    chunk->interval = (struct interval){facts->begin_ns, facts->end_ns};
    chunk->growing = facts->growing;
    add_own(chunk, source_traces(chunk->own), NULL);
    add_packed_seam(chunk, source_seam(chunk->own));
    trace_set_sort(&chunk->set);
    compare_traces(&chunk->set);
    *out = chunk;
    return STATUS_OK;
}

const struct archive_facts *chunk_facts(const struct chunk *chunk)
{
    const struct archive *archive = chunk->own != NULL ? source_archive(chunk->own) : NULL;
    return archive != NULL ? archive_facts(archive) : NULL;
}

const struct trace_set *chunk_traces(const struct chunk *chunk)
{
    return &chunk->set;
}

const char *chunk_reason(const struct chunk_ref *ref, const char *why)
{
    size_t length = ref->path != NULL ? strlen(ref->path) : 0;
    while (length > 0 && strncmp(why, ref->path, length) == 0 &&
           (why[length] == ':' || why[length] == '/')) {
        why += length + 1;
        why += strspn(why, " ");
    }
    return why;
}

struct interval chunk_interval(const struct chunk *chunk)
{
    return chunk->interval;
}

const struct thread_entry *chunk_threads(const struct chunk *chunk, size_t *count)
{
    const struct archive *archive = chunk->own != NULL ? source_archive(chunk->own) : NULL;
    *count = archive != NULL ? archive_threads(archive)->count : 0;
    return archive != NULL ? archive_threads(archive)->at : NULL;
}

bool chunk_threads_from_proc(const struct chunk *chunk)
{
    const struct archive *archive = chunk->own != NULL ? source_archive(chunk->own) : NULL;
    return archive != NULL && archive_threads(archive)->from_proc;
}

size_t chunk_raw_bytes(const struct chunk *chunk)
{
    return chunk->raw_bytes;
}

enum status chunk_check(const struct chunk *chunk, struct failure *why)
{
    enum status status = chunk->own != NULL ? source_check(chunk->own, why) : STATUS_OK;
    return status == STATUS_OK && chunk->before != NULL ? source_check(chunk->before, why) : status;
}

void chunk_close(struct chunk *chunk)
{
    if (chunk == NULL)
        return;
    trace_set_clear(&chunk->set);
    source_close(chunk->own);
    source_close(chunk->before);
    for (size_t i = 0; i < chunk->part_count; i++)
        source_close(chunk->parts[i]);
    free(chunk->parts);
    free(chunk);
}
