#include "cli/timeline/tracks.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

struct track_lane {
    uint64_t track; /* 0: not created yet */
    char *name;
    bool is_taken;
    struct track_lane *next;
};

struct track_process {
    uint64_t track;
};

struct perfetto_notes tracks_not_seen(void)
{
    static const struct perfetto_note NOTE = {.name = "end", .text = {"not seen", 8}};
    return (struct perfetto_notes){&NOTE, 1};
}

/* --- threads --- */

static void drop_lanes(struct track_thread *thread)
{
    for (struct track_lane *lane; (lane = thread->lanes) != NULL;) {
        thread->lanes = lane->next;
        free(lane->name);
        free(lane);
    }
}

static uint64_t process_track(struct tracks *tracks, int64_t pid)
{
    void **place = map_place(&tracks->processes, (uint64_t)pid + 1);
    struct track_process *process = *place;
    if (!process) {
        process = *place = memory_new(sizeof *process);
        process->track =
            perfetto_process(tracks->file, pid, story_names_process(tracks->names, pid));
    }
    return process->track;
}

uint64_t tracks_of(struct tracks *tracks, struct track_thread *thread)
{
    if (thread->track != 0)
        return thread->track;
    const char *name = thread->row ? thread->row->name : NULL;
    if (thread->pid != REPORT_NONE) {
        process_track(tracks, thread->pid);
        thread->track = perfetto_thread(tracks->file, thread->pid, thread->tid, name);
        return thread->track;
    }
    struct line text = {.at = NULL};
    line_string(&text, name ? name : "thread");
    line_string(&text, " ");
    line_int(&text, thread->tid);
    line_string(&text, " (unknown process)");
    line_char(&text, '\0');
    thread->track = perfetto_track(tracks->file, 0, text.at);
    free(text.at);
    return thread->track;
}

/* Ends open slices of a life that has ended: their owners drop them themselves. */
static void end_all(struct tracks *tracks, struct track_thread *thread, int64_t at_ns)
{
    while (thread->open_count > 0)
        tracks_end(tracks, thread, thread->open[thread->open_count - 1].owner, at_ns,
                   tracks_not_seen());
}

struct track_thread *tracks_thread(struct tracks *tracks, int32_t tid, int64_t at_ns)
{
    void **place = map_place(&tracks->threads, (uint64_t)(uint32_t)tid + 1);
    struct track_thread *thread = *place;
    if (!thread) {
        thread = *place = memory_new(sizeof *thread);
        thread->tid = tid;
        thread->cpu = -1;
        thread->until_ns = INT64_MIN;
    }
    if (at_ns < thread->until_ns)
        return thread;
    int64_t pid_before = thread->pid;
    end_all(tracks, thread, at_ns);
    thread->is_in_call = false;
    thread->has_exited = false;
    thread->until_ns = INT64_MAX;
    thread->row = NULL;
    if (tid > 0)
        thread->row = story_names_thread(tracks->names, tid, at_ns, &thread->until_ns);
    thread->pid = thread->row ? thread->row->pid : REPORT_NONE;
    if (thread->pid != pid_before) {
        drop_lanes(thread);
        thread->track = 0;
    }
    thread->is_shown = tid > 0 && tracks->shows(tracks->shows_context, thread->pid);
    return thread;
}

/* --- slices --- */

static uint64_t track_of(struct tracks *tracks, struct track_thread *thread,
                         const struct track_slice *slice)
{
    uint64_t parent = tracks_of(tracks, thread);
    if (!slice->lane)
        return parent;
    if (slice->lane->track == 0)
        slice->lane->track = perfetto_track(tracks->file, parent, slice->lane->name);
    return slice->lane->track;
}

static void write_begin(struct tracks *tracks, struct track_thread *thread,
                        const struct track_slice *slice, int64_t at_ns, struct perfetto_notes notes)
{
    struct perfetto_note all[TRACK_NOTES_MAX];
    size_t count = notes.count;
    assert(count + 2 <= TRACK_NOTES_MAX);
    if (count > 0)
        memcpy(all, notes.at, count * sizeof *all);
    if (slice->path)
        all[count++] = (struct perfetto_note){.name = "phase_path", .text = text_of(slice->path)};
    if (slice->part > 1)
        all[count++] = (struct perfetto_note){.name = "part", .number = slice->part};
    if (tracks->is_on && thread->is_shown)
        perfetto_begin(tracks->file, track_of(tracks, thread, slice), at_ns, slice->category,
                       slice->name, (struct perfetto_notes){all, count});
}

static void write_end(struct tracks *tracks, struct track_thread *thread,
                      const struct track_slice *slice, int64_t at_ns, struct perfetto_notes notes)
{
    if (tracks->is_on && thread->is_shown)
        perfetto_end(tracks->file, track_of(tracks, thread, slice), at_ns, notes);
}

static struct track_lane *free_lane(struct track_thread *thread, const char *name)
{
    struct track_lane **link = &thread->lanes;
    for (; *link; link = &(*link)->next)
        if (!(*link)->is_taken && strcmp((*link)->name, name) == 0)
            break;
    if (!*link) {
        *link = memory_new(sizeof **link);
        (*link)->name = memory_format("%s", name);
    }
    (*link)->is_taken = true;
    return *link;
}

const struct track_slice *tracks_top(const struct track_thread *thread, const char *category)
{
    for (size_t i = thread->open_count; i > 0; i--)
        if (!thread->open[i - 1].lane && strcmp(thread->open[i - 1].category, category) == 0)
            return &thread->open[i - 1];
    return NULL;
}

void tracks_begin(struct tracks *tracks, struct track_thread *thread, struct track_slice slice,
                  bool is_nested, int64_t at_ns, struct perfetto_notes notes)
{
    slice.part = 1;
    slice.lane = is_nested ? NULL : free_lane(thread, slice.path ? slice.path : slice.category);
    if (thread->open_count == thread->open_room)
        thread->open = memory_grow(thread->open, &thread->open_room, thread->open_count + 1,
                                   sizeof *thread->open);
    thread->open[thread->open_count++] = slice;
    write_begin(tracks, thread, &thread->open[thread->open_count - 1], at_ns, notes);
}

void tracks_end(struct tracks *tracks, struct track_thread *thread, const void *owner,
                int64_t at_ns, struct perfetto_notes notes)
{
    static const struct perfetto_note GOES_ON = {.name = "end", .text = {"goes on", 7}};
    static const struct perfetto_notes NONE = {NULL, 0};
    size_t at = thread->open_count;
    while (at > 0 && thread->open[at - 1].owner != owner)
        at--;
    if (at-- == 0)
        return;
    struct track_slice slice = thread->open[at];
    bool is_own = !slice.lane;
    for (size_t i = thread->open_count; is_own && i > at + 1; i--)
        if (!thread->open[i - 1].lane)
            write_end(tracks, thread, &thread->open[i - 1], at_ns,
                      (struct perfetto_notes){&GOES_ON, 1});
    write_end(tracks, thread, &slice, at_ns, notes);
    if (slice.lane)
        slice.lane->is_taken = false;
    thread->open_count--;
    memmove(&thread->open[at], &thread->open[at + 1],
            (thread->open_count - at) * sizeof *thread->open);
    for (size_t i = at; is_own && i < thread->open_count; i++) {
        if (thread->open[i].lane)
            continue;
        thread->open[i].part += tracks->is_on;
        write_begin(tracks, thread, &thread->open[i], at_ns, NONE);
    }
}

const void *tracks_call_owner(const struct track_thread *thread)
{
    return &thread->call_text;
}

void tracks_drop_call(struct tracks *tracks, struct track_thread *thread, int64_t at_ns)
{
    if (thread->is_in_call)
        tracks_end(tracks, thread, tracks_call_owner(thread), at_ns, tracks_not_seen());
    thread->is_in_call = false;
}

/* --- all --- */

static int by_tid(const void *left, const void *right)
{
    const struct track_thread *a = *(struct track_thread *const *)left;
    const struct track_thread *b = *(struct track_thread *const *)right;
    return (a->tid > b->tid) - (a->tid < b->tid);
}

struct track_thread **tracks_sorted(const struct tracks *tracks)
{
    struct track_thread **all =
        memory_new((tracks->threads.count + 1) * sizeof(struct track_thread *));
    struct track_thread *thread;
    size_t count = 0;
    for (size_t at = 0; (thread = map_next(&tracks->threads, &at)) != NULL;)
        all[count++] = thread;
    qsort(all, count, sizeof(struct track_thread *), by_tid);
    return all;
}

void tracks_turn_on(struct tracks *tracks, int64_t at_ns)
{
    static const struct perfetto_note BEGUN = {.name = "begin", .text = {"before", 6}};
    struct track_thread **all = tracks_sorted(tracks);
    tracks->is_on = true;
    for (size_t i = 0; i < tracks->threads.count; i++)
        for (size_t k = 0; k < all[i]->open_count; k++)
            write_begin(tracks, all[i], &all[i]->open[k], at_ns,
                        (struct perfetto_notes){&BEGUN, 1});
    free(all);
}

static void forget_open(struct track_thread *thread)
{
    thread->open_count = 0;
    thread->phases = NULL;
    for (struct track_lane *lane = thread->lanes; lane; lane = lane->next)
        lane->is_taken = false;
    thread->is_in_call = false;
    thread->state = 0;
    thread->cpu = -1;
    thread->last_ns = 0;
    thread->until_ns = INT64_MIN;
}

void tracks_turn_off(struct tracks *tracks, int64_t at_ns)
{
    struct track_thread **all = tracks_sorted(tracks);
    for (size_t i = 0; i < tracks->threads.count; i++)
        for (size_t k = all[i]->open_count; k > 0; k--)
            write_end(tracks, all[i], &all[i]->open[k - 1], at_ns, tracks_not_seen());
    for (size_t i = 0; i < tracks->threads.count; i++)
        forget_open(all[i]);
    tracks->is_on = false;
    free(all);
}

void tracks_clear(struct tracks *tracks)
{
    struct track_thread *thread;
    for (size_t at = 0; (thread = map_next(&tracks->threads, &at)) != NULL;) {
        drop_lanes(thread);
        free(thread->open);
        free(thread->call_text.at);
        free(thread);
    }
    struct track_process *process;
    for (size_t at = 0; (process = map_next(&tracks->processes, &at)) != NULL;)
        free(process);
    map_clear(&tracks->threads);
    map_clear(&tracks->processes);
}
