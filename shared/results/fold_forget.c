#include <stdlib.h>

#include "base/memory.h"
#include "results/fold.h"
#include "results/fold_state.h"

/* Whether something last published at `result_chunk` was not published for two rounds. */
static bool is_over(const struct fold *fold, uint64_t result_chunk)
{
    return result_chunk + 2 * FOLD_ROUND <= fold->chunk;
}

/* Ids to drop: a map must not change while it is iterated. */
struct going {
    uint64_t *ids;
    size_t count, room;
};

static void note(struct going *going, uint64_t id)
{
    going->ids = memory_grow(going->ids, &going->room, going->count + 1, sizeof *going->ids);
    going->ids[going->count++] = id;
}

static void forget_descriptors(struct fold *fold)
{
    struct going going = {0};
    const struct folded_descriptor *each;
    for (struct id_walk walk = {0}; (each = id_map_next(&fold->descriptors, &walk));)
        if (is_over(fold, each->result_chunk))
            note(&going, each->id);
    for (size_t i = 0; i < going.count; i++) {
        struct folded_descriptor *descriptor = id_map_remove(&fold->descriptors, going.ids[i]);
        fold_settle_uses(fold, descriptor);
        fold_free_descriptor(fold, descriptor);
    }
    free(going.ids);
}

static void forget_thread(struct fold *fold, struct folded_thread *thread)
{
    int64_t pid = fold_pid_of(thread);
    if (thread->fact.process)
        fold_sum_thread(fold, &fold_process_at(fold, thread->fact.process)->gone, thread);
    fold_move_waiting(fold, thread, pid);
    for (const struct before *before = thread->befores; before; before = before->next)
        fold_add_before(&fold_phase_cell(fold, before->path, pid)->phase.time, thread, before);
    fold_free_thread(fold, thread);
}

static bool thread_goes(const struct fold *fold, uint64_t id)
{
    const struct folded_thread *thread = fold_thread(fold, id);
    return !thread || is_over(fold, thread->result_chunk);
}

static void settle_of(const struct fold *fold, const struct slow_instances *instances)
{
    struct slow_instance *each;
    for (size_t i = 0; (each = slow_instances_next(instances, &i));) {
        const struct folded_thread *thread = fold_thread(fold, each->thread);
        if (thread && is_over(fold, thread->result_chunk))
            fold_settle_instance(fold, each);
        fold_settle_instance_waits(fold, each, thread_goes);
    }
}

/* Instances get copies of everything known of threads that are dropped. */
static void settle_instances(struct fold *fold)
{
    struct arena arena = {.first = NULL};
    size_t count;
    const struct cell_group **groups = fold_groups(fold, &arena, &count);
    for (size_t i = 0; i < count; i++) {
        const struct cell *cell;
        for (size_t at = 0; (cell = map_next(&groups[i]->cells, &at));)
            for (; cell; cell = cell->next)
                if (cell->key.type == CELL_SLOW)
                    settle_of(fold, &cell->slow);
    }
    arena_clear(&arena);
}

static void forget_threads(struct fold *fold)
{
    settle_instances(fold);
    fold_settle_waits(fold, thread_goes);
    struct going going = {0};
    const struct folded_thread *each;
    for (struct id_walk walk = {0}; (each = id_map_next(&fold->threads, &walk));)
        if (is_over(fold, each->result_chunk))
            note(&going, each->id);
    for (size_t i = 0; i < going.count; i++)
        forget_thread(fold, id_map_remove(&fold->threads, going.ids[i]));
    free(going.ids);
}

/* Rows of sums still need its name. */
static void keep_name(struct fold *fold, const struct folded_process *process)
{
    uint64_t key = (uint64_t)(uint32_t)process->fact.id + 1;
    struct old_name *old = map_get(&fold->old_names, key);
    if (old && old->process > process->fact.id)
        return;
    if (!old) {
        old = memory_new(sizeof *old);
        map_put(&fold->old_names, key, old);
    }
    if (old->process != process->fact.id)
        *old = (struct old_name){.process = process->fact.id};
    fold_choose(&old->candidate, &process->gone.candidate);
}

static void forget_processes(struct fold *fold)
{
    const struct folded_thread *thread;
    for (struct id_walk walk = {0}; (thread = id_map_next(&fold->threads, &walk));) {
        struct folded_process *process = map_get(&fold->processes, thread->fact.process);
        if (process && process->result_chunk < thread->result_chunk)
            process->result_chunk = thread->result_chunk;
    }
    struct going going = {0};
    const struct folded_process *each;
    for (size_t at = 0; (each = map_next(&fold->processes, &at));)
        if (is_over(fold, each->result_chunk))
            note(&going, each->fact.id);
    for (size_t i = 0; i < going.count; i++) {
        struct folded_process *process = map_remove(&fold->processes, going.ids[i]);
        keep_name(fold, process);
        free(process);
    }
    free(going.ids);
}

void fold_forget(struct fold *fold)
{
    forget_descriptors(fold);
    forget_threads(fold);
    forget_processes(fold);
}
