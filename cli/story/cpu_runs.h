/* cli/story/cpu_runs.h -- the last threads on each CPU, from events, like the core
 * (core/slices.c). */
#ifndef CLI_STORY_CPU_RUNS_H
#define CLI_STORY_CPU_RUNS_H

#include <stddef.h>
#include <stdint.h>

#include "cli/story/follow.h"

/* In addition to FOLLOW_UNKNOWN: all threads before the recorded ones. */
enum { CPU_RUN_EARLIER = -2 };

/* Empty if all zero. */
struct cpu_runs {
    struct cpu_run_list *at; /* owned, by CPU */
    size_t count;
};

void cpu_runs_clear(struct cpu_runs *runs);
/* Call it for each event, before the event is interpreted. */
void cpu_runs_take(struct cpu_runs *runs, const struct followed *followed);
/* Calls `take` with the time of each thread on the CPU from since_ns to its switch at until_ns. */
void cpu_runs_emit(const struct cpu_runs *runs, int32_t cpu, int64_t since_ns, int64_t until_ns,
                   void (*take)(void *context, int32_t tid, int64_t ns), void *context);

#endif
