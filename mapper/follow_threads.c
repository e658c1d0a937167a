#include "mapper/follow_threads.h"

#include <string.h>

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

static struct thread_entry *learn_thread(struct thread_directory *threads, int64_t tid, int64_t pid,
                                         struct text name)
{
    struct thread_entry *entry = thread_directory_add(threads, (int32_t)tid);
    entry->pid = (int32_t)pid;
    thread_entry_name(entry, name);
    return entry;
}

static void on_dump_process(struct thread_directory *threads, const struct event *event)
{
    if (!event_has_value(event, 0) || !event_has_value(event, 1) ||
        (event_has_value(event, 3) && is_gone(event->value[3])))
        return;
    struct thread_entry *entry =
        learn_thread(threads, event->value[0], event->value[1], event->text[0]);
    if (event_has_value(event, 2))
        entry->ppid = (int32_t)event->value[2];
}

static void on_fork(struct thread_directory *threads, const struct event *event)
{
    enum { PARENT_TID, PARENT_PID, CHILD_TID, CHILD_PID };
    int32_t ppid = -1;
    if (event_has_value(event, PARENT_TID) && event_has_value(event, PARENT_PID)) {
        ppid = (int32_t)event->value[PARENT_PID];
        learn_thread(threads, event->value[PARENT_TID], ppid, event->text[0]);
    }
    if (!event_has_value(event, CHILD_TID) || !event_has_value(event, CHILD_PID))
        return;
    int32_t child_tid = (int32_t)event->value[CHILD_TID];
    thread_directory_remove(threads, child_tid); /* a previous thread with that number */
    struct thread_entry *child =
        learn_thread(threads, child_tid, event->value[CHILD_PID], event->text[1]);
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
    learn_thread(threads, tid, tid, base_name(event->text[0]));
}

static void on_thread_exit(struct thread_directory *threads, const struct event *event)
{
    if (event_has_value(event, 0))
        thread_directory_remove(threads, (int32_t)event->value[0]);
}

static void follow(struct thread_directory *threads, const struct event *event)
{
    switch ((enum event_kind)event->kind) {
    case EVENT_DUMP_PROCESS: on_dump_process(threads, event); break;
    case EVENT_FORK: on_fork(threads, event); break;
    case EVENT_EXEC: on_exec(threads, event); break;
    case EVENT_EXIT: on_thread_exit(threads, event); break;
    case EVENT_OTHER:
    case EVENT_SWITCH:
    case EVENT_WAKEUP:
    case EVENT_DUMP_PID_NS:
    case EVENT_DUMP_FD:
    case EVENT_CALL_ENTRY:
    case EVENT_CALL_EXIT:
    case EVENT_HANDLER_ENTRY:
    case EVENT_HANDLER_EXIT:
    case EVENT_LOSS: break;
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

enum status follow_threads(struct thread_directory *threads, const struct chunk_ref *ref,
                           const struct reader_warnings *warnings, struct failure *why)
{
    struct chunk *chunk = NULL;
    struct reader *reader = NULL;
    struct schema *schema = schema_new(NULL);
    enum status status = chunk_open(ref, NULL, &chunk, why);
    if (status == STATUS_OK)
        status = reader_open(chunk_traces(chunk), schema, warnings, &reader, why);
    if (status == STATUS_OK)
        status = follow_reader(threads, reader, chunk_interval(chunk), why);
    if (status != STATUS_OK && chunk_reason(ref, why->text) == why->text)
        failure_prefix(why, "%s", ref->path);
    reader_close(reader);
    chunk_close(chunk);
    schema_free(schema);
    return status;
}
