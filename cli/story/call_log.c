#include "cli/story/call_log.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/memory.h"
#include "cli/story/strace_text.h"
#include "cli/story/line.h"
#include "cli/story/phase_stack.h"
#include "trace/schema.h"
#include "trace/syscalls.h"

/* DURATION_DIGITS: decimals of seconds, as in strace. */
enum { DURATION_DIGITS = 6, WRITE_BYTES = 1 << 18, RECENT = 64 };

/* A thread; or the unknown current thread of a CPU. */
struct log_thread {
    int32_t tid; /* or FOLLOW_UNKNOWN */
    bool is_wanted;
    bool had_call; /* it had a call event */
    bool is_open;  /* in a call, whose begin is `text` if selected */
    bool is_shown; /* that call is selected */
    const struct syscall *call;
    int64_t begin_ns; /* of it */
    int32_t begin_cpu;
    struct line text;
    struct line label;            /* ` [NAME TID] ` */
    const struct thread_row *row; /* NULL: unknown */
    int64_t pid;                  /* or REPORT_NONE */
    int64_t from_ns, until_ns;    /* `row` is valid from ... on, before ... */
    struct phase_stack phases;    /* if phases are selected, as are: */
    bool is_in;                   /* the next event is in a selected phase */
    bool is_inside;               /* so is the current event, which may begin or end it */
};

struct call_log {
    const struct call_log_choice *choice;
    struct story_names *names;
    FILE *out;
    struct line line;
    struct map threads; /* struct log_thread */
    uint8_t *by_call;   /* enum wanted, by call id; the same for classes */
    uint8_t *by_class;
    size_t call_room, class_room;
    size_t shown_open;                 /* threads in a selected call */
    uint64_t begun;                    /* instances of phases */
    struct log_thread *recent[RECENT]; /* the last one of each CPU, or NULL; by some of its bits */
    struct call_log_counts counts;
    bool is_broken; /* the output */
};

enum wanted { NOT_ASKED, WANTED, UNWANTED };

bool call_log_matches(const struct call_log_globs *globs, const char *name)
{
    for (size_t i = 0; i < globs->count; i++)
        if (fnmatch(globs->at[i], name, 0) == 0)
            return true;
    return false;
}

static bool has_number(const struct call_log_numbers *numbers, int64_t number)
{
    for (size_t i = 0; i < numbers->count; i++)
        if (numbers->at[i] == number)
            return true;
    return false;
}

/* Whether the patterns match the name with number `id`; cached. */
static bool wants(uint8_t **known, size_t *room, uint32_t id, const struct call_log_globs *globs,
                  const char *name)
{
    if (globs->count == 0)
        return true;
    if (id >= *room) {
        size_t before = *room, needed = ((size_t)id + 64) & ~(size_t)63;
        *known = memory_resize(*known, needed, 1);
        memset(*known + before, NOT_ASKED, needed - before);
        *room = needed;
    }
    if ((*known)[id] == NOT_ASKED)
        (*known)[id] = call_log_matches(globs, name) ? WANTED : UNWANTED;
    return (*known)[id] == WANTED;
}

/* --- threads --- */

static bool is_wanted(const struct call_log *log, const struct log_thread *thread)
{
    const struct call_log_choice *choice = log->choice;
    if (choice->tids.count > 0 && !has_number(&choice->tids, thread->tid))
        return false;
    if (choice->pids.count == 0 && choice->processes.count == 0)
        return true;
    if (thread->pid != REPORT_NONE && has_number(&choice->pids, thread->pid))
        return true;
    const char *process =
        thread->pid != REPORT_NONE ? story_names_process(log->names, thread->pid) : NULL;
    if (process && call_log_matches(&choice->processes, process))
        return true;
    return thread->row && thread->row->name &&
           call_log_matches(&choice->processes, thread->row->name);
}

static void label(struct log_thread *thread)
{
    struct line *line = &thread->label;
    line->count = 0;
    line_string(line, " [");
    if (thread->row && thread->row->name)
        line_string(line, thread->row->name);
    else
        line_string(line, thread->tid == 0 ? "idle" : "?");
    if (thread->tid != FOLLOW_UNKNOWN) {
        line_char(line, ' ');
        line_int(line, thread->tid);
    }
    line_string(line, "] ");
}

/* Looks up the life of the thread at this time. */
static void find_life(const struct call_log *log, struct log_thread *thread, int64_t wall_ns)
{
    thread->row = NULL;
    thread->from_ns = wall_ns;
    thread->until_ns = INT64_MAX;
    if (thread->tid != FOLLOW_UNKNOWN)
        thread->row = story_names_thread(log->names, thread->tid, wall_ns, &thread->until_ns);
    thread->pid = thread->row ? thread->row->pid : REPORT_NONE;
    thread->is_wanted = is_wanted(log, thread);
    label(thread);
}

static struct log_thread *find_thread(struct call_log *log, const struct followed *followed)
{
    uint64_t key = followed->tid != FOLLOW_UNKNOWN
                       ? (uint64_t)(uint32_t)followed->tid + 1
                       : UINT64_C(1) << 33 | (uint32_t)followed->event->cpu;
    void **place = map_place(&log->threads, key);
    struct log_thread *thread = *place;
    if (!thread) {
        thread = *place = memory_new(sizeof *thread);
        thread->tid = followed->tid;
        thread->until_ns = thread->from_ns = INT64_MIN;
    }
    return thread;
}

static struct log_thread *thread_of(struct call_log *log, const struct followed *followed)
{
    struct log_thread **recent = &log->recent[(uint32_t)followed->event->cpu % RECENT];
    if (!*recent || (*recent)->tid != followed->tid || followed->tid == FOLLOW_UNKNOWN)
        *recent = find_thread(log, followed);
    struct log_thread *thread = *recent;
    if (followed->wall_ns < thread->from_ns || followed->wall_ns >= thread->until_ns)
        find_life(log, thread, followed->wall_ns);
    return thread;
}

static void free_thread(struct log_thread *thread)
{
    phase_stack_clear(&thread->phases);
    free(thread->text.at);
    free(thread->label.at);
    free(thread);
}

/* --- lines --- */

static void write_out(struct call_log *log)
{
    if (log->line.count > 0 &&
        fwrite(log->line.at, 1, log->line.count, log->out) != log->line.count)
        log->is_broken = true;
    log->line.count = 0;
}

static void end_line(struct call_log *log)
{
    line_char(&log->line, '\n');
    if (log->line.count >= WRITE_BYTES)
        write_out(log);
}

/* At least three digits, as of other tools for kernel traces. */
static void cpu_text(struct line *line, int32_t cpu)
{
    line_string(line, " [");
    if (cpu < 0)
        line_string(line, "---");
    else
        line_string(line, cpu < 10 ? "00" : cpu < 100 ? "0" : "");
    if (cpu >= 0)
        line_int(line, cpu);
    line_char(line, ']');
}

static void begin_line(struct call_log *log, const struct log_thread *thread, int64_t wall_ns,
                       int32_t cpu)
{
    line_clock(&log->line, wall_ns);
    if (log->choice->cpus)
        cpu_text(&log->line, cpu);
    line_text(&log->line, (struct text){thread->label.at, thread->label.count});
}

static bool is_in_time(const struct call_log *log, int64_t wall_ns)
{
    return wall_ns >= log->choice->begin_ns && wall_ns < log->choice->end_ns;
}

static void close_call(struct call_log *log, struct log_thread *thread)
{
    log->shown_open -= thread->is_open && thread->is_shown;
    thread->is_open = false;
}

/* A call whose end is not in the trace; `how`: the reason. */
static void unfinished(struct call_log *log, struct log_thread *thread, const char *how)
{
    close_call(log, thread);
    if (!thread->is_shown || log->choice->with_errors || log->choice->least_ns > 0)
        return;
    begin_line(log, thread, thread->begin_ns, thread->begin_cpu);
    line_text(&log->line, (struct text){thread->text.at, thread->text.count});
    line_string(&log->line, how);
    end_line(log);
    log->counts.calls++;
    log->counts.unfinished++;
}

static bool is_inside(const struct call_log *log, const struct log_thread *thread)
{
    return log->choice->phases.count == 0 || thread->is_inside;
}

static bool wants_call(struct call_log *log, const struct log_thread *thread,
                       const struct syscall *call)
{
    return log->choice->has_calls && thread->is_wanted && is_inside(log, thread) && call &&
           wants(&log->by_call, &log->call_room, call->id, &log->choice->calls, call->name);
}

static void on_entry(struct call_log *log, const struct followed *followed)
{
    const struct event *event = followed->event;
    struct log_thread *thread = thread_of(log, followed);
    if (thread->is_open)
        unfinished(log, thread, " <unfinished ...>");
    thread->is_open = true;
    thread->call = event->call;
    thread->begin_ns = followed->wall_ns;
    thread->begin_cpu = event->cpu;
    thread->is_shown = wants_call(log, thread, event->call) && is_in_time(log, followed->wall_ns);
    thread->had_call = true;
    log->shown_open += thread->is_shown;
    if (!thread->is_shown)
        return;
    struct strace_names names = {log->names, thread->pid, followed->wall_ns, log->choice->numbers};
    thread->text.count = 0;
    strace_text_entry(&thread->text, event, &names);
}

/* Whether the outcome of the call is selected. */
static bool wants_outcome(const struct call_log *log, const struct event *event, uint64_t took_ns)
{
    char room[16];
    const char *error;
    if (took_ns < log->choice->least_ns)
        return false;
    if (!log->choice->with_errors)
        return true;
    return strace_error(event, &error, room) &&
           (log->choice->errors.count == 0 || call_log_matches(&log->choice->errors, error));
}

/* Whether to show a call of which only the end is in the trace. The first one of a new thread is
 * the end of the call that created it, which belongs to its creator. A call that began before all
 * chunks read is outside the window. */
static bool wants_resumed(struct call_log *log, const struct log_thread *thread,
                          const struct followed *followed)
{
    const struct event *event = followed->event;
    bool is_child = event->call && event->call->role->op == CALL_CLONE &&
                    event_has_value(event, 0) && event->value[0] == 0;
    bool is_before = log->choice->begin_ns != INT64_MIN && !thread->had_call;
    return !is_child && !is_before && log->choice->least_ns == 0 &&
           is_in_time(log, followed->wall_ns) && wants_call(log, thread, event->call);
}

static void on_exit_event(struct call_log *log, const struct followed *followed)
{
    const struct event *event = followed->event;
    struct log_thread *thread = thread_of(log, followed);
    bool is_end = thread->is_open && thread->call == event->call;
    if (thread->is_open && !is_end)
        unfinished(log, thread, " <unfinished ...>");
    close_call(log, thread);
    bool is_shown = is_end ? thread->is_shown : wants_resumed(log, thread, followed);
    thread->had_call = true;
    uint64_t took_ns = is_end ? (uint64_t)(followed->wall_ns - thread->begin_ns) : 0;
    if (!is_shown || !wants_outcome(log, event, took_ns))
        return;
    struct line *line = &log->line;
    begin_line(log, thread, is_end ? thread->begin_ns : followed->wall_ns,
               is_end ? thread->begin_cpu : event->cpu);
    if (is_end) {
        line_text(line, (struct text){thread->text.at, thread->text.count});
        line_char(line, ' ');
    } else {
        line_string(line, "<... ");
        line_string(line, event->call ? event->call->name : event->class->name);
        line_string(line, " resumed> ");
        log->counts.resumed++;
    }
    struct text entry = {thread->text.at, is_end ? thread->text.count : 0};
    strace_text_exit(line, event, entry);
    if (is_end) {
        line_string(line, " <");
        line_seconds(line, took_ns, DURATION_DIGITS);
        line_char(line, '>');
    }
    end_line(log);
    log->counts.calls++;
}

static void on_other(struct call_log *log, const struct followed *followed)
{
    const struct event *event = followed->event;
    if (!log->choice->has_events ||
        (event->domain == DOMAIN_KERNEL && log->choice->events.count == 0) ||
        !wants(&log->by_class, &log->class_room, event->class->id, &log->choice->events,
               event->class->name))
        return;
    struct log_thread *thread = thread_of(log, followed);
    if (!thread->is_wanted || !is_inside(log, thread) || !is_in_time(log, followed->wall_ns))
        return;
    begin_line(log, thread, followed->wall_ns, event->cpu);
    strace_text_other(&log->line, event);
    end_line(log);
    log->counts.events++;
}

/* Ends the thread and its open call. */
static void on_end_of_thread(struct call_log *log, const struct followed *followed)
{
    if (!event_has_value(followed->event, 0))
        return;
    struct log_thread *thread =
        map_remove(&log->threads, (uint64_t)(uint32_t)followed->event->value[0] + 1);
    if (thread && thread->is_open)
        unfinished(log, thread, " = ?");
    memset(log->recent, 0, sizeof log->recent);
    if (thread)
        free_thread(thread);
}

/* If events of its CPU are lost, it is unknown whether the thread's call has ended. */
static void on_border_of(struct call_log *log, const struct followed *followed, int32_t tid)
{
    struct followed of = *followed;
    of.tid = tid;
    struct log_thread *thread = thread_of(log, &of);
    if (thread->is_open)
        unfinished(log, thread, " <unfinished ...>");
}

/* `lost {events = 1024, cpu = 1, domain = "kernel"}`, if selected by its name: a loss is of no
 * thread. */
static void print_loss(struct call_log *log, const struct followed *followed)
{
    static const char *const domains[] = {"ust", "kernel"};
    const struct event *event = followed->event;
    uint64_t events = (uint64_t)event->value[0], packets = (uint64_t)event->value[3];
    if (events + packets == 0 || !log->choice->has_events ||
        !call_log_matches(&log->choice->events, CALL_LOG_LOST) ||
        !is_in_time(log, followed->wall_ns))
        return;
    line_clock(&log->line, followed->wall_ns);
    if (log->choice->cpus)
        cpu_text(&log->line, event->cpu);
    line_string(&log->line, " [?] " CALL_LOG_LOST " {events = ");
    line_uint(&log->line, events);
    if (packets > 0) {
        line_string(&log->line, ", packets = ");
        line_uint(&log->line, packets);
    }
    line_string(&log->line, ", cpu = ");
    line_int(&log->line, event->cpu);
    line_string(&log->line, ", domain = ");
    line_quoted(&log->line, text_of(domains[event->value[1] != 0]));
    line_char(&log->line, '}');
    end_line(log);
    log->counts.events++;
}

static void on_loss(struct call_log *log, const struct followed *followed)
{
    log->counts.lost += (uint64_t)followed->event->value[0];
    print_loss(log, followed);
    if (!event_is_border(followed->event))
        return;
    on_border_of(log, followed, followed->tid);
    if (followed->behind != followed->tid)
        on_border_of(log, followed, followed->behind);
}

/* --- phases --- */

static bool wants_phase(const void *context, const char *name)
{
    const struct call_log *log = context;
    return call_log_matches(&log->choice->phases, name);
}

static void note_phases(const struct call_log *log, struct log_thread *thread)
{
    thread->is_in = phase_stack_any(&thread->phases, wants_phase, log);
}

static bool expire(struct log_thread *thread, const struct followed *followed)
{
    size_t before = thread->phases.count;
    phase_stack_expire(&thread->phases, followed->wall_ns);
    return thread->phases.count != before;
}

/* Ends the most recently begun instance that the event may end: of its own thread, or with match
 * fields of any thread of its process. */
static void end_instance(struct call_log *log, struct log_thread *thread,
                         const struct followed *followed, size_t place)
{
    const struct event *event = followed->event;
    bool is_by_match = event->class->phases->at[event->class->ends[place]]->match_count > 0 &&
                       thread->pid != REPORT_NONE; /* else the thread is a process of its own */
    const struct open_instance *newest = phase_stack_find(&thread->phases, event, place);
    struct log_thread *ended = thread, *other;
    for (size_t at = 0; is_by_match && (other = map_next(&log->threads, &at)) != NULL;) {
        if (other == thread || other->pid != thread->pid || other->phases.count == 0)
            continue;
        if (expire(other, followed))
            note_phases(log, other);
        const struct open_instance *found = phase_stack_find(&other->phases, event, place);
        if (!found || (newest && found->number < newest->number))
            continue;
        newest = found;
        ended = other;
    }
    if (!newest)
        return;
    phase_stack_end(&ended->phases, newest);
    note_phases(log, ended);
}

/* Tracks the phases of the thread, and whether the event is in a selected one. */
static void follow_phases(struct call_log *log, const struct followed *followed)
{
    const struct event_class *class = followed->event->class;
    if (followed->event->kind == EVENT_LOSS)
        return;
    struct log_thread *thread = thread_of(log, followed);
    if (expire(thread, followed))
        note_phases(log, thread);
    thread->is_inside = thread->is_in;
    for (size_t i = 0; i < class->end_count; i++)
        end_instance(log, thread, followed, i);
    if (class->begin_count > 0) {
        phase_stack_begin(&thread->phases, followed, &log->begun);
        note_phases(log, thread);
    }
    thread->is_inside |= thread->is_in;
}

/* --- the log --- */

struct call_log *call_log_new(const struct call_log_choice *choice, struct story_names *names,
                              FILE *out)
{
    struct call_log *log = memory_new(sizeof *log);
    log->choice = choice;
    log->names = names;
    log->out = out;
    return log;
}

void call_log_free(struct call_log *log)
{
    if (!log)
        return;
    struct log_thread *thread;
    for (size_t at = 0; (thread = map_next(&log->threads, &at)) != NULL;)
        free_thread(thread);
    map_clear(&log->threads);
    free(log->by_call);
    free(log->by_class);
    free(log->line.at);
    free(log);
}

bool call_log_take(void *context, const struct followed *followed)
{
    struct call_log *log = context;
    if (log->choice->phases.count > 0)
        follow_phases(log, followed);
    switch ((enum event_kind)followed->event->kind) {
    case EVENT_CALL_ENTRY: on_entry(log, followed); break;
    case EVENT_CALL_EXIT: on_exit_event(log, followed); break;
    case EVENT_LOSS: on_loss(log, followed); break;
    case EVENT_EXIT:
        on_other(log, followed);
        on_end_of_thread(log, followed);
        break;
    case EVENT_OTHER:
    case EVENT_SWITCH:
    case EVENT_WAKEUP:
    case EVENT_FORK:
    case EVENT_EXEC:
    case EVENT_DUMP_PROCESS:
    case EVENT_DUMP_PID_NS:
    case EVENT_DUMP_FD:
    case EVENT_HANDLER_ENTRY:
    case EVENT_HANDLER_EXIT: on_other(log, followed); break;
    }
    bool is_over = followed->wall_ns >= log->choice->end_ns && log->shown_open == 0;
    return !is_over && !log->is_broken;
}

static int by_begin(const void *left, const void *right)
{
    const struct log_thread *a = *(struct log_thread *const *)left;
    const struct log_thread *b = *(struct log_thread *const *)right;
    if (a->begin_ns != b->begin_ns)
        return a->begin_ns < b->begin_ns ? -1 : 1;
    return (a->tid > b->tid) - (a->tid < b->tid);
}

void call_log_finish(struct call_log *log)
{
    struct log_thread **open = memory_new((log->threads.count + 1) * sizeof(struct log_thread *));
    struct log_thread *thread;
    size_t count = 0;
    for (size_t at = 0; (thread = map_next(&log->threads, &at)) != NULL;)
        if (thread->is_open)
            open[count++] = thread;
    qsort(open, count, sizeof(struct log_thread *), by_begin);
    for (size_t i = 0; i < count; i++)
        unfinished(log, open[i], " <unfinished ...>");
    free(open);
    write_out(log);
}

struct call_log_counts call_log_counts(const struct call_log *log)
{
    return log->counts;
}
