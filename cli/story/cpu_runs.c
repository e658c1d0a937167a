#include "cli/story/cpu_runs.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "trace/cells.h"

struct cpu_run {
    int64_t begin_ns;
    int32_t tid;
};

struct cpu_run_list {
    bool is_known; /* the current thread, since begin_ns */
    int32_t current;
    int64_t begin_ns;
    size_t count; /* of `at`, the last run first; without gaps up to begin_ns */
    struct cpu_run at[CPU_SLICES];
};

void cpu_runs_clear(struct cpu_runs *runs)
{
    free(runs->at);
    *runs = (struct cpu_runs){.at = NULL};
}

static struct cpu_run_list *list_of(struct cpu_runs *runs, int32_t cpu)
{
    size_t needed = (size_t)cpu + 1;
    if (needed > runs->count) {
        runs->at = memory_resize(runs->at, needed, sizeof *runs->at);
        memset(runs->at + runs->count, 0, (needed - runs->count) * sizeof *runs->at);
        runs->count = needed;
    }
    return &runs->at[cpu];
}

static void add_run(struct cpu_run_list *list)
{
    size_t kept = list->count < CPU_SLICES ? list->count : CPU_SLICES - 1;
    memmove(&list->at[1], &list->at[0], kept * sizeof *list->at);
    list->at[0] = (struct cpu_run){list->begin_ns, list->current};
    list->count = kept + 1;
}

void cpu_runs_take(struct cpu_runs *runs, const struct followed *followed)
{
    const struct event *event = followed->event;
    bool is_loss = event->kind == EVENT_LOSS && event_is_border(event);
    if (event->cpu < 0 || (event->kind != EVENT_SWITCH && !is_loss))
        return;
    struct cpu_run_list *list = list_of(runs, event->cpu);
    if (!is_loss && list->is_known && list->current == followed->tid)
        add_run(list);
    else
        list->count = 0;
    list->is_known = !is_loss && event_has_value(event, 2);
    if (list->is_known) {
        list->current = (int32_t)event->value[2];
        list->begin_ns = followed->wall_ns;
    }
}

void cpu_runs_emit(const struct cpu_runs *runs, int32_t cpu, int64_t since_ns, int64_t until_ns,
                   void (*take)(void *context, int32_t tid, int64_t ns), void *context)
{
    const struct cpu_run_list *list = cpu >= 0 && (size_t)cpu < runs->count ? &runs->at[cpu] : NULL;
    size_t count = list ? list->count : 0;
    for (size_t i = 0; i < count && until_ns > since_ns; i++) {
        int64_t from_ns = list->at[i].begin_ns > since_ns ? list->at[i].begin_ns : since_ns;
        if (until_ns > from_ns)
            take(context, list->at[i].tid, until_ns - from_ns);
        until_ns = from_ns;
    }
    if (until_ns > since_ns)
        take(context, count == CPU_SLICES ? CPU_RUN_EARLIER : FOLLOW_UNKNOWN, until_ns - since_ns);
}
