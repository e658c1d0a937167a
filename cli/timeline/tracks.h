/* cli/timeline/tracks.h -- the tracks of processes and threads, and the slices that are open on them.
 *
 * Slices of a thread's own track nest. One that ends while others that began later are open is ended with
 * those (note `end`: goes on), and these go on as further parts (note `part`) behind it. A slice that is not in the one that is open
 * gets a lane: a track beside the thread's, on which nothing else is open. */
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

/* One that is open. */
struct track_slice {
    const char *category;
    struct text name;        /* the owner's, until it is over */
    const char *path;        /* of a phase, likewise; or NULL */
    const void *owner;       /* tells it from others of the thread */
    struct track_lane *lane; /* or NULL: the thread's own track */
    unsigned part;           /* from 1 */
};

struct open_phase; /* cli/timeline/phase_tracks.h */

struct track_thread {
    int32_t tid;
    const struct thread_row *row; /* NULL: not known */
    int64_t pid;                  /* or REPORT_NONE */
    int64_t until_ns;             /* `row` is right before */
    bool is_shown;
    uint64_t track; /* 0: it has none yet */
    struct track_slice *open;
    size_t open_count, open_room;
    struct track_lane *lanes;
    struct open_phase *phases; /* begun on it, the last first */
    /* Its call. */
    const struct syscall *call; /* NULL: none, or one without a description */
    bool is_in_call;
    struct line call_text;
    /* Where it is, for cpu_tracks. */
    uint8_t state;
    int32_t cpu; /* that it runs on; -1 */
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
    bool is_on;           /* what happens is written; else only remembered */
};

/* The thread at that time; what was open of an earlier life of the number has ended. */
struct track_thread *tracks_thread(struct tracks *tracks, int32_t tid, int64_t at_ns);
/* Its track, made when it is needed. */
uint64_t tracks_of(struct tracks *tracks, struct track_thread *thread);

/* Notes of one slice, at most. */
enum { TRACK_NOTES_MAX = PHASE_VALUES_MAX + 2 };

/* `slice.lane` and `slice.part` are set by it. */
void tracks_begin(struct tracks *tracks, struct track_thread *thread, struct track_slice slice,
                  bool is_nested, int64_t at_ns, struct perfetto_notes notes);
void tracks_end(struct tracks *tracks, struct track_thread *thread, const void *owner,
                int64_t at_ns, struct perfetto_notes notes);
/* The innermost slice of that category on the thread's own track; NULL: none. */
const struct track_slice *tracks_top(const struct track_thread *thread, const char *category);
/* What tells the call of a thread from its phases. */
const void *tracks_call_owner(const struct track_thread *thread);
/* The end of its call, if it is in one, is not seen. */
void tracks_drop_call(struct tracks *tracks, struct track_thread *thread, int64_t at_ns);
/* That the end was not seen. */
struct perfetto_notes tracks_not_seen(void);

/* All threads by tid, the caller's. */
struct track_thread **tracks_sorted(const struct tracks *tracks);
/* From now on it is written: what is open begins at `at_ns`. */
void tracks_turn_on(struct tracks *tracks, int64_t at_ns);
/* What is open ends, with that note, and is forgotten; the tracks stay. */
void tracks_turn_off(struct tracks *tracks, int64_t at_ns);
void tracks_clear(struct tracks *tracks);

#endif
