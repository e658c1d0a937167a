/* cli/story/cpu_runs.h -- which threads had each CPU last, as events are followed: as the core does
 * (core/slices.c). */
#ifndef CLI_STORY_CPU_RUNS_H
#define CLI_STORY_CPU_RUNS_H

#include <stddef.h>
#include <stdint.h>

#include "cli/story/follow.h"

/* Beside FOLLOW_UNKNOWN: whoever was before those that are remembered. */
enum { CPU_RUN_EARLIER = -2 };

/* All zero is none. */
struct cpu_runs {
    struct cpu_run_list *at; /* owned, by CPU */
    size_t count;
};

void cpu_runs_clear(struct cpu_runs *runs);
/* Each event, before what it means is told. */
void cpu_runs_take(struct cpu_runs *runs, const struct followed *followed);
/* Tells how much each thread had of the CPU from since_ns to its switch at until_ns. */
void cpu_runs_tell(const struct cpu_runs *runs, int32_t cpu, int64_t since_ns, int64_t until_ns,
                   void (*tell)(void *context, int32_t tid, int64_t ns), void *context);

#endif
