#include "chunk/pack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chunk/archive.h"
#include "chunk/metadata.h"
#include "base/memory.h"

/* --- facts --- */

static void put(char into[ARCHIVE_TEXT_MAX], struct text text)
{
    size_t count = text.count < ARCHIVE_TEXT_MAX - 1 ? text.count : ARCHIVE_TEXT_MAX - 1;
    if (count > 0)
        memcpy(into, text.at, count);
    into[count] = '\0';
}

/* From the first readable trace, as for a reader. */
static bool set_session(struct archive_facts *facts, const struct trace_set *set)
{
    bool done = false;
    for (size_t i = 0; i < set->trace_count && !done; i++) {
        struct metadata metadata;
        done = metadata_read(set->traces[i].metadata, &metadata, NULL) == STATUS_OK;
        if (done) {
            put(facts->host, metadata.hostname);
            put(facts->session, metadata.session);
            put(facts->created, metadata.created);
            memcpy(facts->clock_uuid, metadata.clock_uuid, sizeof facts->clock_uuid);
        }
        metadata_clear(&metadata);
    }
    return done;
}

static struct archive_facts facts_of(const struct chunk_ref *ref, int64_t first_number, bool final,
                                     const struct trace_set *set)
{
    struct archive_facts facts = {
        .number = ref->number,
        .first_number = first_number,
        .begin_ns = ref->interval.begin_ns,
        .end_ns = ref->interval.end_ns,
        .final = final,
        .has_traces = ref->has_kernel_or_ust,
        .growing = ref->growing,
    };
    put(facts.group, text_of(ref->session));
    put(facts.snapshot, text_of(ref->snapshot != NULL ? ref->snapshot : ""));
    if (!set_session(&facts, set) && ref->session_names != NULL) {
        struct text host, name, created;
        text_session(text_of(ref->session_names), &host, &name, &created);
        put(facts.host, host);
        put(facts.session, name);
        put(facts.created, created);
    }
    return facts;
}

/* --- entries --- */

struct entries {
    struct archive_entry *at;
    size_t count, room;
};

/* A name in `entries` may not outlive the memory of `data`. */
static void add_entry(struct entries *entries, const char *prefix, const char *trace,
                      const char *file, struct bytes data)
{
    entries->at = memory_grow(entries->at, &entries->room, entries->count + 1, sizeof *entries->at);
    entries->at[entries->count++] = (struct archive_entry){
        .name =
            memory_format("%s%s/%s", prefix, *trace != '\0' ? trace : ARCHIVE_PLAIN_TRACE, file),
        .data = data,
    };
}

/* Whether the chunk itself has the trace, not only its seam. */
static bool is_own(const struct trace_files *trace)
{
    bool seam_only = false;
    for (size_t i = 0; i < trace->stream_count; i++) {
        const struct stream_file *stream = &trace->streams[i];
        if (stream->path != NULL || stream->data.at != NULL)
            return true;
        seam_only = seam_only || stream->seam.count > 0 || stream->was_idle;
    }
    return !seam_only;
}

static void add_trace(struct entries *entries, const struct trace_files *trace)
{
    bool own = is_own(trace);
    if (trace->metadata.at != NULL)
        add_entry(entries, own ? "" : "seam/", trace->name, "metadata", trace->metadata);
    for (size_t i = 0; i < trace->stream_count; i++) {
        const struct stream_file *stream = &trace->streams[i];
        if (stream->path != NULL || stream->data.at != NULL)
            add_entry(entries, "", trace->name, stream->name, stream->data);
        if (stream->has_index) {
            char *index = memory_format("index/%s.idx", stream->name);
            add_entry(entries, "", trace->name, index, stream->index);
            free(index);
        }
        if (stream->seam.count > 0 || stream->was_idle)
            add_entry(entries, "seam/", trace->name, stream->name, stream->seam);
    }
}

static int by_entry_name(const void *a, const void *b)
{
    const struct archive_entry *left = a, *right = b;
    return strcmp(left->name, right->name);
}

enum status pack_ref(const struct chunk_ref *ref, int64_t first_number, bool final,
                     const struct thread_directory *threads, const char *out_path,
                     struct archive_effort effort, struct archive_facts *out_facts,
                     struct failure *why)
{
    struct chunk *chunk;
    enum status status = chunk_open(ref, NULL, &chunk, why);
    if (status != STATUS_OK)
        return status;
    const struct trace_set *set = chunk_traces(chunk);
    struct archive_facts facts = facts_of(ref, first_number, final, set);
    if (out_facts)
        *out_facts = facts;
    struct entries entries = {.at = NULL};
    for (size_t i = 0; i < set->trace_count; i++)
        add_trace(&entries, &set->traces[i]);
    if (entries.count > 0)
        qsort(entries.at, entries.count, sizeof *entries.at, by_entry_name);
    status = archive_pack_file(&facts, threads, entries.at, entries.count, effort, out_path, why);
    if (status == STATUS_OK) {
        status = chunk_check(chunk, why);
        if (status != STATUS_OK)
            remove(out_path);
    }
    union {
        const char *name;
        char *owned;
    } name;
    for (size_t i = 0; i < entries.count; i++) {
        name.name = entries.at[i].name;
        free(name.owned);
    }
    free(entries.at);
    chunk_close(chunk);
    return status;
}

enum status pack_chunk(const struct chunk_list *list, size_t index,
                       const struct thread_directory *threads, const char *out_path,
                       struct archive_effort effort, struct failure *why)
{
    const struct chunk_ref *ref = &list->at[index];
    size_t first = index, last = index;
    while (first > 0 && strcmp(list->at[first - 1].session, ref->session) == 0)
        first--;
    while (last + 1 < list->count && strcmp(list->at[last + 1].session, ref->session) == 0)
        last++;
    return pack_ref(ref, list->at[first].number, last == index, threads, out_path, effort, NULL,
                    why);
}

char *pack_name(const struct chunk_ref *ref)
{
    static const char END[] = ".tar.zst";
    char *real = realpath(ref->path, NULL);
    const char *path = real != NULL ? real : ref->path;
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL && slash[1] != '\0' ? slash + 1 : path;
    size_t length = strlen(name);
    if (ref->packed && length > sizeof END - 1 &&
        strcmp(name + length - (sizeof END - 1), END) == 0)
        length -= sizeof END - 1;
    char *out = memory_format("%.*s%s", (int)length, name, END);
    free(real);
    return out;
}
