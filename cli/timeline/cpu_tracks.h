/* cli/timeline/cpu_tracks.h -- runs on each CPU, and wakeups, as kernel switches and wakeups, so
 * that each thread has a state at any time, as in the report. Unknown time is a run of the thread
 * "(unknown)"; the thread before it gets a state that no scheduler has. */
#ifndef CLI_TIMELINE_CPU_TRACKS_H
#define CLI_TIMELINE_CPU_TRACKS_H

#include "cli/story/follow.h"
#include "cli/story/story_irq.h"
#include "cli/timeline/tracks.h"

enum { CPU_TRACKS_UNKNOWN = INT32_MAX, CPU_TRACKS_NO_STATE = 128 };

struct cpu_track {
    int32_t current; /* CPU_TRACKS_UNKNOWN: unknown */
    bool is_met;     /* it had an event */
};

struct cpu_tracks {
    struct tracks *tracks;
    bool has_switches; /* else all is unknown */
    struct cpu_track *at;
    size_t count;
    struct story_irqs irqs;
    uint64_t runnable; /* threads */
    uint64_t runnable_track, lost_track;
    uint64_t lost; /* events */
};

/* `thread`: of the event; NULL: unknown. */
void cpu_tracks_take(struct cpu_tracks *cpus, struct track_thread *thread,
                     const struct followed *followed);
/* All CPUs become unknown. */
void cpu_tracks_gap(struct cpu_tracks *cpus, int64_t at_ns);
void cpu_tracks_turn_on(struct cpu_tracks *cpus, int64_t at_ns);
/* Drops all state. */
void cpu_tracks_turn_off(struct cpu_tracks *cpus, int64_t at_ns);
void cpu_tracks_clear(struct cpu_tracks *cpus);

#endif
