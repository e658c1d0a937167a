/* cli/timeline/tracks.h -- the tracks of processes and threads, and their open slices.
 *
 * Slices of a thread's own track nest. If one ends while later ones are open, these are ended with
 * it (note `end`: goes on), and continue after it as further parts (note `part`). A slice that is
 * not nested in the open one gets a lane: a separate track next to the thread's, on which nothing
 * else is open. */
#ifndef CLI_TIMELINE_TRACKS_H
#define CLI_TIMELINE_TRACKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/map.h"
#include "cli/story/story_names.h"
#include "cli/timeline/perfetto.h"
#include "trace/phases.h"

struct track_lane;

/* An open slice. */
struct track_slice {
    const char *category;
    struct text name;        /* borrowed from the owner until its end */
    const char *path;        /* of a phase, borrowed as well; or NULL */
    const void *owner;       /* identifies it among those of the thread */
    struct track_lane *lane; /* or NULL: the thread's own track */
    unsigned part;           /* from 1 */
};

struct open_phase; /* cli/timeline/phase_tracks.h */

struct track_thread {
    int32_t tid;
    const struct thread_row *row; /* NULL: unknown */
    int64_t pid;                  /* or REPORT_NONE */
    int64_t until_ns;             /* `row` is valid before */
    bool is_shown;
    uint64_t track; /* 0: not created yet */
    struct track_slice *open;
    size_t open_count, open_room;
    struct track_lane *lanes;
    struct open_phase *phases; /* begun on it, the last one first */
    /* Its call. */
    const struct syscall *call; /* NULL: none, or one without a description */
    bool is_in_call;
    struct line call_text;
    /* For cpu_tracks. */
    uint8_t state;
    int32_t cpu; /* that it runs on; or -1 */
    int64_t last_ns;
    bool has_exited;
};

struct tracks {
    struct perfetto *file;
    struct story_names *names;
    bool (*shows)(const void *context, int64_t pid);
    const void *shows_context;
    struct map threads;   /* struct track_thread, by tid */
    struct map processes; /* struct track_process, by pid */
    bool is_on;           /* slices are written; else only tracked */
};

/* The thread at that time; slices of an earlier life of the tid are ended. */
struct track_thread *tracks_thread(struct tracks *tracks, int32_t tid, int64_t at_ns);
/* Its track, created on demand. */
uint64_t tracks_of(struct tracks *tracks, struct track_thread *thread);

/* Maximum number of notes of a slice. */
enum { TRACK_NOTES_MAX = PHASE_VALUES_MAX + 2 };

/* Sets `slice.lane` and `slice.part`. */
void tracks_begin(struct tracks *tracks, struct track_thread *thread, struct track_slice slice,
                  bool is_nested, int64_t at_ns, struct perfetto_notes notes);
void tracks_end(struct tracks *tracks, struct track_thread *thread, const void *owner,
                int64_t at_ns, struct perfetto_notes notes);
/* The innermost slice of that category on the thread's own track; NULL: none. */
const struct track_slice *tracks_top(const struct track_thread *thread, const char *category);
/* The owner of the slice of a thread's call. */
const void *tracks_call_owner(const struct track_thread *thread);
/* Ends its call, if any, without an end event. */
void tracks_drop_call(struct tracks *tracks, struct track_thread *thread, int64_t at_ns);
/* The note that the end is not in the trace. */
struct perfetto_notes tracks_not_seen(void);

/* All threads by tid; the caller frees the array. */
struct track_thread **tracks_sorted(const struct tracks *tracks);
/* Starts writing: open slices begin at `at_ns`. */
void tracks_turn_on(struct tracks *tracks, int64_t at_ns);
/* Ends open slices, with that note, and drops them; keeps the tracks. */
void tracks_turn_off(struct tracks *tracks, int64_t at_ns);
void tracks_clear(struct tracks *tracks);

#endif
