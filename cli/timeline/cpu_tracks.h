/* cli/timeline/cpu_tracks.h -- what ran on each CPU, and who woke whom: the kernel's switches and wakeups, so
 * that each thread has a state at any time, as the report counts it. What the report calls unknown is a run
 * of the thread "(unknown)", and a state that is none of a scheduler's for who was there before. */
#ifndef CLI_TIMELINE_CPU_TRACKS_H
#define CLI_TIMELINE_CPU_TRACKS_H

#include "cli/story/follow.h"
#include "cli/story/story_irq.h"
#include "cli/timeline/tracks.h"

enum { CPU_TRACKS_NOBODY = INT32_MAX, CPU_TRACKS_NO_STATE = 128 };

struct cpu_track {
    int32_t current; /* CPU_TRACKS_NOBODY: not known */
    bool is_met;     /* an event of it was seen */
};

struct cpu_tracks {
    struct tracks *tracks;
    bool has_switches; /* else nothing is known */
    struct cpu_track *at;
    size_t count;
    struct story_irqs irqs;
    uint64_t runnable; /* threads */
    uint64_t runnable_track, lost_track;
    uint64_t lost; /* events */
};

/* `thread`: of the event; NULL: not known. */
void cpu_tracks_take(struct cpu_tracks *cpus, struct track_thread *thread,
                     const struct followed *followed);
/* Nothing is known of any CPU. */
void cpu_tracks_gap(struct cpu_tracks *cpus, int64_t at_ns);
void cpu_tracks_turn_on(struct cpu_tracks *cpus, int64_t at_ns);
/* Forgets what it knows. */
void cpu_tracks_turn_off(struct cpu_tracks *cpus, int64_t at_ns);
void cpu_tracks_clear(struct cpu_tracks *cpus);

#endif
