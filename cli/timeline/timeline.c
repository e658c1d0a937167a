#include "cli/timeline/timeline.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "cli/story/strace_text.h"
#include "cli/timeline/block_tracks.h"
#include "cli/timeline/cpu_tracks.h"
#include "cli/timeline/phase_tracks.h"
#include "cli/timeline/tracks.h"
#include "trace/schema.h"
#include "trace/syscalls.h"

struct timeline {
    const struct timeline_options *options;
    struct timeline_counts *counts;
    struct timeline_window window;
    struct tracks tracks;
    struct phase_tracks phases;
    struct cpu_tracks cpus;
    struct block_tracks blocks;
    struct line line; /* buffer */
    int64_t last_ns;  /* of the last event; or INT64_MIN */
    uint64_t events;
};

static const struct perfetto_notes NO_NOTES = {NULL, 0};

/* --- calls --- */

static struct text call_name(const struct event *event)
{
    return text_of(event->call ? event->call->name : event->class->name);
}

static bool never_returns(const struct event *event)
{
    return event->call && event->call->role->op == CALL_SIGRETURN;
}

static void on_entry(struct timeline *timeline, struct track_thread *thread,
                     const struct followed *followed)
{
    const struct event *event = followed->event;
    tracks_drop_call(&timeline->tracks, thread, followed->wall_ns);
    struct perfetto_note note = {.name = "call", .text = {"", 0}};
    struct strace_names names = {.names = timeline->tracks.names,
                                 .pid = thread->pid,
                                 .wall_ns = followed->wall_ns,
                                 .numbers = true};
    if (timeline->tracks.is_on && thread->is_shown) {
        thread->call_text.count = 0;
        strace_text_entry(&thread->call_text, event, &names);
        note.text = (struct text){thread->call_text.at, thread->call_text.count};
        timeline->counts->calls++;
    }
    thread->is_in_call = true;
    thread->call = event->call;
    struct track_slice slice = {
        .category = "syscall", .name = call_name(event), .owner = tracks_call_owner(thread)};
    tracks_begin(&timeline->tracks, thread, slice, true, followed->wall_ns,
                 (struct perfetto_notes){&note, 1});
    if (never_returns(event))
        tracks_drop_call(&timeline->tracks, thread, followed->wall_ns);
}

static void on_call_exit(struct timeline *timeline, struct track_thread *thread,
                         const struct followed *followed)
{
    const struct event *event = followed->event;
    if (never_returns(event))
        return;
    struct perfetto_note notes[3];
    size_t count = 0;
    char room[16];
    const char *error;
    if (event_has_value(event, 0))
        notes[count++] = (struct perfetto_note){.name = "ret", .number = event->value[0]};
    if (strace_error(event, &error, room))
        notes[count++] = (struct perfetto_note){.name = "error", .text = text_of(error)};
    if (thread->is_in_call && thread->call == event->call) {
        tracks_end(&timeline->tracks, thread, tracks_call_owner(thread), followed->wall_ns,
                   (struct perfetto_notes){notes, count});
        thread->is_in_call = false;
        return;
    }
    tracks_drop_call(&timeline->tracks, thread, followed->wall_ns);
    if (event->call && event->call->role->op == CALL_CLONE && event_has_value(event, 0) &&
        event->value[0] == 0)
        return; /* in a new thread: the call of its creator */
    notes[count++] = (struct perfetto_note){.name = "begin", .text = text_of("not seen")};
    if (timeline->tracks.is_on && thread->is_shown)
        perfetto_instant(timeline->tracks.file, tracks_of(&timeline->tracks, thread),
                         followed->wall_ns, "syscall", call_name(event),
                         (struct perfetto_notes){notes, count});
}

/* --- other events --- */

static void on_event(struct timeline *timeline, struct track_thread *thread,
                     const struct followed *followed)
{
    const struct event *event = followed->event;
    if (!timeline->tracks.is_on || !thread->is_shown)
        return;
    timeline->line.count = 0;
    strace_text_other(&timeline->line, event);
    struct perfetto_note note = {.name = "event",
                                 .text = {timeline->line.at, timeline->line.count}};
    perfetto_instant(timeline->tracks.file, tracks_of(&timeline->tracks, thread), followed->wall_ns,
                     "event", text_of(event->class->name), (struct perfetto_notes){&note, 1});
}

static const struct process_row *process_at(const struct timeline *timeline, int64_t pid,
                                            int64_t at_ns)
{
    const struct session_report *report = timeline->options->report;
    for (size_t i = 0; report && i < report->process_count; i++)
        if (report->processes[i].pid == pid && report->processes[i].begin_ns <= at_ns &&
            at_ns <= report->processes[i].end_ns)
            return &report->processes[i];
    return NULL;
}

static void on_thread_exit(struct timeline *timeline, const struct followed *followed)
{
    if (!event_has_value(followed->event, 0) || followed->event->value[0] <= 0)
        return;
    int64_t at_ns = followed->wall_ns;
    struct track_thread *thread =
        tracks_thread(&timeline->tracks, (int32_t)followed->event->value[0], at_ns);
    thread->has_exited = true;
    tracks_drop_call(&timeline->tracks, thread, at_ns);
    if (thread->pid == REPORT_NONE || timeline->phases.first == NULL)
        return;
    const struct process_row *process = process_at(timeline, thread->pid, at_ns);
    if (process && process->end_hard && process->end_ns == at_ns)
        phase_tracks_end_process(&timeline->phases, thread->pid, false, at_ns);
}

/* An exec call by a thread ends under the tid of its main thread. */
static void on_exec(struct timeline *timeline, const struct followed *followed)
{
    const struct event *event = followed->event;
    if (!event_has_value(event, 0) || !event_has_value(event, 1))
        return;
    int64_t at_ns = followed->wall_ns;
    struct track_thread *old = tracks_thread(&timeline->tracks, (int32_t)event->value[1], at_ns);
    struct track_thread *new = tracks_thread(&timeline->tracks, (int32_t)event->value[0], at_ns);
    if (new->pid != REPORT_NONE)
        phase_tracks_end_process(&timeline->phases, new->pid, true, at_ns);
    if (old != new)
        tracks_drop_call(&timeline->tracks, old, at_ns);
}

/* --- the windows --- */

static void turn_on(struct timeline *timeline)
{
    int64_t at_ns = timeline->window.begin_ns;
    tracks_turn_on(&timeline->tracks, at_ns);
    cpu_tracks_turn_on(&timeline->cpus, at_ns);
    block_tracks_turn_on(&timeline->blocks, at_ns);
}

static void turn_off(struct timeline *timeline)
{
    int64_t at_ns = timeline->window.end_ns;
    if (timeline->last_ns < at_ns)
        at_ns = timeline->last_ns;
    cpu_tracks_turn_off(&timeline->cpus, at_ns);
    block_tracks_turn_off(&timeline->blocks, at_ns);
    tracks_turn_off(&timeline->tracks, at_ns);
}

static void take_own(struct timeline *timeline, struct track_thread *thread,
                     const struct followed *followed)
{
    const struct event *event = followed->event;
    if (event->kind == EVENT_CALL_EXIT)
        on_call_exit(timeline, thread, followed);
    phase_tracks_take(&timeline->phases, thread, followed);
    if (event->kind == EVENT_CALL_ENTRY)
        on_entry(timeline, thread, followed);
    else if (event->domain == DOMAIN_UST)
        on_event(timeline, thread, followed);
}

/* Called occasionally. */
static bool is_stopped(struct timeline *timeline)
{
    enum { EVENTS = 1 << 16 };
    if (timeline->events++ % EVENTS == 0 && timeline->options->stop &&
        timeline->options->stop(NULL))
        timeline->counts->stopped = true;
    return timeline->counts->stopped;
}

static bool take(void *context, const struct followed *followed)
{
    struct timeline *timeline = context;
    const struct event *event = followed->event;
    if (followed->wall_ns > timeline->window.end_ns || is_stopped(timeline))
        return false;
    if (!timeline->tracks.is_on && followed->wall_ns >= timeline->window.begin_ns)
        turn_on(timeline);
    timeline->last_ns = followed->wall_ns;
    struct track_thread *thread =
        followed->tid > 0 && event->kind != EVENT_LOSS
            ? tracks_thread(&timeline->tracks, followed->tid, followed->wall_ns)
            : NULL;
    cpu_tracks_take(&timeline->cpus, thread, followed);
    block_tracks_take(&timeline->blocks, followed);
    if (thread)
        take_own(timeline, thread, followed);
    else if (followed->tid == FOLLOW_UNKNOWN && event_class_needs_thread(event->class) &&
             event->kind != EVENT_LOSS)
        timeline->counts->unknown_events += timeline->tracks.is_on;
    if (event->kind == EVENT_EXIT)
        on_thread_exit(timeline, followed);
    else if (event->kind == EVENT_EXEC)
        on_exec(timeline, followed);
    return true;
}

static void on_gap(void *context, int64_t at_ns)
{
    struct timeline *timeline = context;
    cpu_tracks_gap(&timeline->cpus, at_ns);
    block_tracks_lose(&timeline->blocks, at_ns);
    struct track_thread **all = tracks_sorted(&timeline->tracks);
    for (size_t i = 0; i < timeline->tracks.threads.count; i++)
        tracks_drop_call(&timeline->tracks, all[i], at_ns);
    free(all);
}

/* Calls and user-space events with their fields, interrupts, and block requests. */
static bool shows_fields(enum domain domain, const char *name)
{
    return domain == DOMAIN_UST || strncmp(name, "syscall_", 8) == 0 ||
           strncmp(name, "compat_syscall_", 15) == 0 || strncmp(name, "irq_handler_", 12) == 0 ||
           strncmp(name, "irq_softirq_", 12) == 0 || block_tracks_needs(name);
}

static bool shows_everybody(const void *context, int64_t pid)
{
    (void)context;
    (void)pid;
    return true;
}

static bool has_switches(const struct session_report *report)
{
    for (size_t i = 0; report && i < report->thread_count; i++)
        if (report->threads[i].switches > 0)
            return true;
    return false;
}

static void write_window(struct timeline *timeline, struct timeline_window window)
{
    const struct timeline_options *options = timeline->options;
    timeline->window = window;
    timeline->last_ns = INT64_MIN;
    struct follow following = {.chunks = options->chunks,
                               .count = options->count,
                               .phases = options->phases,
                               .shows = shows_fields,
                               .begin_ns = window.begin_ns,
                               .end_ns = window.end_ns,
                               .warnings = options->warnings,
                               .take = take,
                               .gap = on_gap,
                               .context = timeline};
    follow(&following);
    turn_off(timeline);
    phase_tracks_clear(&timeline->phases);
    timeline->counts->failed += following.failed;
}

static void write_mark(struct perfetto *file, const struct timeline_mark *mark)
{
    uint64_t track = perfetto_track(file, 0, "explained");
    perfetto_begin(file, track, mark->window.begin_ns, "explained", mark->name, NO_NOTES);
    perfetto_end(file, track, mark->window.end_ns, NO_NOTES);
}

bool timeline_write(const struct timeline_options *options, FILE *out,
                    struct timeline_counts *counts)
{
    struct perfetto file = {.out = out};
    struct story_names *names = story_names_new(options->report);
    struct timeline timeline = {
        .options = options,
        .counts = counts,
        .tracks = {.file = &file,
                   .names = names,
                   .shows = options->shows ? options->shows : shows_everybody,
                   .shows_context = options->shows_context},
        .cpus = {.has_switches = has_switches(options->report)},
        .blocks = {.file = &file}};
    timeline.phases.tracks = timeline.cpus.tracks = &timeline.tracks;
    *counts = (struct timeline_counts){.calls = 0};
    if (options->window_count > 0)
        perfetto_clock(&file, options->windows[0].begin_ns);
    for (size_t i = 0; i < options->mark_count; i++)
        write_mark(&file, &options->marks[i]);
    for (size_t i = 0; i < options->window_count && !counts->stopped; i++)
        write_window(&timeline, options->windows[i]);
    bool written = perfetto_flush(&file);
    cpu_tracks_clear(&timeline.cpus);
    block_tracks_clear(&timeline.blocks);
    tracks_clear(&timeline.tracks);
    story_names_free(names);
    free(timeline.line.at);
    free(file.packets.at);
    return written;
}
