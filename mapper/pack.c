#include "pack.h"

#include <stdlib.h>
#include <string.h>

#include "archive/archive.h"
#include "archive/metadata.h"
#include "base/memory.h"

/* --- threads --- */

/* lttng_statedump_process_state: EXIT, ZOMBIE, DEAD. */
static bool is_gone(int64_t status)
{
    return status == 3 || status == 4 || status == 7;
}

static struct text base_name(struct text path)
{
    const char *slash = path.count > 0 ? memrchr(path.at, '/', path.count) : NULL;
    if (slash == NULL)
        return path;
    return (struct text){slash + 1, path.count - (size_t)(slash + 1 - path.at)};
}

static struct thread_entry *told(struct thread_directory *threads, int64_t tid, int64_t pid,
                                 struct text name)
{
    struct thread_entry *entry = thread_directory_add(threads, (int32_t)tid);
    entry->pid = (int32_t)pid;
    thread_entry_name(entry, name);
    return entry;
}

static void on_told_process(struct thread_directory *threads, const struct event *event)
{
    if (!event_has_value(event, 0) || !event_has_value(event, 1) ||
        (event_has_value(event, 3) && is_gone(event->value[3])))
        return;
    struct thread_entry *entry = told(threads, event->value[0], event->value[1], event->text[0]);
    if (event_has_value(event, 2))
        entry->ppid = (int32_t)event->value[2];
}

static void on_fork(struct thread_directory *threads, const struct event *event)
{
    enum { PARENT_TID, PARENT_PID, CHILD_TID, CHILD_PID };
    int32_t ppid = -1;
    if (event_has_value(event, PARENT_TID) && event_has_value(event, PARENT_PID)) {
        ppid = (int32_t)event->value[PARENT_PID];
        told(threads, event->value[PARENT_TID], ppid, event->text[0]);
    }
    if (!event_has_value(event, CHILD_TID) || !event_has_value(event, CHILD_PID))
        return;
    int32_t child_tid = (int32_t)event->value[CHILD_TID];
    thread_directory_remove(threads, child_tid); /* whoever had that number before */
    struct thread_entry *child =
        told(threads, child_tid, event->value[CHILD_PID], event->text[1]);
    if (event->value[CHILD_TID] == event->value[CHILD_PID])
        child->ppid = ppid;
}

static void on_exec(struct thread_directory *threads, const struct event *event)
{
    if (!event_has_value(event, 0))
        return;
    int32_t tid = (int32_t)event->value[0];
    thread_directory_keep_one(threads, tid, tid);
    if (event_has_value(event, 1) && event->value[1] != tid)
        thread_directory_remove(threads, (int32_t)event->value[1]);
    told(threads, tid, tid, base_name(event->text[0]));
}

static void on_thread_exit(struct thread_directory *threads, const struct event *event)
{
    if (event_has_value(event, 0))
        thread_directory_remove(threads, (int32_t)event->value[0]);
}

static void follow(struct thread_directory *threads, const struct event *event)
{
    switch ((enum event_kind)event->kind) {
    case EVENT_TOLD_PROCESS:
        on_told_process(threads, event);
        break;
    case EVENT_FORK:
        on_fork(threads, event);
        break;
    case EVENT_EXEC:
        on_exec(threads, event);
        break;
    case EVENT_EXIT:
        on_thread_exit(threads, event);
        break;
    case EVENT_OTHER:
    case EVENT_SWITCH:
    case EVENT_WAKEUP:
    case EVENT_TOLD_PID_NS:
    case EVENT_TOLD_FD:
    case EVENT_CALL_ENTRY:
    case EVENT_CALL_EXIT:
    case EVENT_LOSS:
        break;
    }
}

static enum status follow_reader(struct thread_directory *threads, struct reader *reader,
                                 struct interval interval, struct failure *why)
{
    for (;;) {
        const struct event *events;
        size_t count;
        enum status status = reader_next(reader, &events, &count, why);
        if (status != STATUS_OK)
            return status == STATUS_END ? STATUS_OK : status;
        for (size_t i = 0; i < count; i++)
            if (events[i].time_ns >= interval.begin_ns && events[i].time_ns < interval.end_ns)
                follow(threads, &events[i]);
        if (events[count - 1].time_ns >= interval.end_ns)
            return STATUS_OK;
    }
}

enum status pack_follow_threads(struct thread_directory *threads, const struct chunk_ref *ref,
                                const struct reader_warnings *warnings, struct failure *why)
{
    struct chunk *chunk = NULL;
    struct reader *reader = NULL;
    struct schema *schema = schema_new(NULL);
    enum status status = chunk_open(ref, &chunk, why);
    if (status == STATUS_OK)
        status = reader_open(chunk_traces(chunk), schema, warnings, &reader, why);
    if (status == STATUS_OK)
        status = follow_reader(threads, reader, chunk_interval(chunk), why);
    if (status != STATUS_OK)
        failure_prefix(why, "%s", ref->path);
    reader_close(reader);
    chunk_close(chunk);
    schema_free(schema);
    return status;
}

/* --- what an archive says of itself --- */

static void put(char into[ARCHIVE_TEXT_MAX], struct text text)
{
    size_t count = text.count < ARCHIVE_TEXT_MAX - 1 ? text.count : ARCHIVE_TEXT_MAX - 1;
    if (count > 0)
        memcpy(into, text.at, count);
    into[count] = '\0';
}

/* By the first trace that can be read, as a reader would. */
static void tell_session(struct archive_facts *facts, const struct trace_set *set)
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
}

static struct archive_facts facts_of(const struct chunk_list *list, size_t index,
                                     const struct trace_set *set)
{
    const struct chunk_ref *ref = &list->at[index];
    size_t first = index, last = index;
    while (first > 0 && strcmp(list->at[first - 1].session, ref->session) == 0)
        first--;
    while (last + 1 < list->count && strcmp(list->at[last + 1].session, ref->session) == 0)
        last++;
    struct archive_facts facts = {
        .number = ref->number,
        .first_number = list->at[first].number,
        .begin_ns = ref->interval.begin_ns,
        .end_ns = ref->interval.end_ns,
        .final = last == index,
        .has_traces = ref->has_kernel_or_ust,
    };
    put(facts.group, text_of(ref->session));
    put(facts.snapshot, text_of(ref->snapshot != NULL ? ref->snapshot : ""));
    tell_session(&facts, set);
    return facts;
}

/* --- its entries --- */

struct entries {
    struct archive_entry *at;
    size_t count, room;
};

/* `data` may lie in memory that a name in `entries` does not outlive. */
static void add_entry(struct entries *entries, const char *prefix, const char *trace,
                      const char *file, struct bytes data)
{
    entries->at =
        memory_grow(entries->at, &entries->room, entries->count + 1, sizeof *entries->at);
    entries->at[entries->count++] = (struct archive_entry){
        .name = memory_format("%s%s/%s", prefix, *trace != '\0' ? trace : ARCHIVE_PLAIN_TRACE,
                              file),
        .data = data,
    };
}

/* Whether the chunk itself has the trace, not its seam alone. */
static bool is_own(const struct trace_files *trace)
{
    bool seam_only = false;
    for (size_t i = 0; i < trace->stream_count; i++) {
        const struct stream_file *stream = &trace->streams[i];
        if (stream->path != NULL || stream->data.at != NULL)
            return true;
        seam_only = seam_only || stream->seam.count > 0;
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
        if (stream->seam.count > 0)
            add_entry(entries, "seam/", trace->name, stream->name, stream->seam);
    }
}

static int by_entry_name(const void *a, const void *b)
{
    const struct archive_entry *left = a, *right = b;
    return strcmp(left->name, right->name);
}

enum status pack_chunk_with(const struct chunk_list *list, size_t index,
                            const struct thread_directory *threads, const char *out_path,
                            int level, struct failure *why)
{
    const struct chunk_ref *ref = &list->at[index];
    struct chunk *chunk;
    enum status status = chunk_open(ref, &chunk, why);
    if (status != STATUS_OK)
        return status;
    const struct trace_set *set = chunk_traces(chunk);
    struct archive_facts facts = facts_of(list, index, set);
    struct entries entries = {.at = NULL};
    for (size_t i = 0; i < set->trace_count; i++)
        add_trace(&entries, &set->traces[i]);
    if (entries.count > 0)
        qsort(entries.at, entries.count, sizeof *entries.at, by_entry_name);
    status = archive_pack_file(&facts, threads, entries.at, entries.count, level, out_path, why);
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

enum status pack_chunk(const struct chunk_list *list, size_t index, const char *out_path,
                       int level, struct failure *why)
{
    struct thread_directory threads = {.at = NULL};
    enum status status = STATUS_OK;
    size_t first = index;
    while (first > 0 && strcmp(list->at[first - 1].session, list->at[index].session) == 0)
        first--;
    for (size_t i = first; i < index && status == STATUS_OK; i++)
        status = pack_follow_threads(&threads, &list->at[i], NULL, why);
    if (status == STATUS_OK)
        status = pack_chunk_with(list, index, &threads, out_path, level, why);
    thread_directory_clear(&threads);
    return status;
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
