#include "model/sound.h"

/* How often an object is referred to, by its address. */
struct counts {
    struct map of;    /* `refs` */
    struct map holds; /* of tables */
};

static void count_one(struct map *map, const void *object)
{
    if (!object)
        return;
    uint64_t key = (uintptr_t)object;
    map_put(map, key, (void *)((uintptr_t)map_get(map, key) + 1));
}

static uint64_t counted(const struct map *map, const void *object)
{
    return (uintptr_t)map_get(map, (uintptr_t)object);
}

static bool thread_is_sound(struct counts *counts, const struct model *model,
                            const struct thread *thread)
{
    if (thread_is_living(model, thread))
        count_one(&counts->of, thread);
    count_one(&counts->of, thread->process);
    count_one(&counts->holds, thread->call.table);
    count_one(&counts->of, thread->own_table);
    count_one(&counts->holds, thread->own_table);
    for (size_t i = 0; i < 2; i++)
        count_one(&counts->of, thread->call.use[i]);
    bool numbered = tid_is_of_process(thread->tid) ? thread->process != NULL : thread->tid > 0;
    return numbered && (!thread->own_table || thread->process) && thread->state <= STATE_BLOCKED &&
           (thread->cpu < 0 || (size_t)thread->cpu < model->cpu_count);
}

static bool process_is_sound(struct counts *counts, const struct model *model,
                             const struct process *process)
{
    if (map_get(&model->processes, number_key(process->pid_ns, process->pid)) == process)
        count_one(&counts->of, process);
    count_one(&counts->of, process->table);
    count_one(&counts->holds, process->table);
    return process->pid > 0;
}

static bool descriptor_is_sound(struct counts *counts, const struct descriptor *descriptor)
{
    bool placed = map_get(&descriptor->table->places, (uint64_t)descriptor->fd) == descriptor;
    if (placed)
        count_one(&counts->of, descriptor);
    count_one(&counts->holds, descriptor->table);
    return placed != descriptor->ended && descriptor->fd >= 0 &&
           (descriptor->id != 0) == descriptor->proven;
}

static bool cpus_are_sound(const struct model *model)
{
    for (size_t i = 0; i < model->cpu_count; i++) {
        const struct cpu *cpu = &model->cpus[i];
        if (cpu->current > CURRENT_THREAD ||
            (cpu->current == CURRENT_THREAD) != (cpu->thread != NULL))
            return false;
        if (cpu->thread &&
            (!thread_is_living(model, cpu->thread) || cpu->thread->cpu != (int32_t)i))
            return false;
    }
    return true;
}

static bool count_all(const struct keep *keep, struct counts *counts)
{
    bool sound = cpus_are_sound(keep->model);
    const struct thread *thread;
    for (size_t at = 0; (thread = map_next(&keep->threads, &at));)
        sound &= thread_is_sound(counts, keep->model, thread);
    const struct process *process;
    for (size_t at = 0; (process = map_next(&keep->processes, &at));)
        sound &= process_is_sound(counts, keep->model, process);
    const struct descriptor *descriptor;
    for (size_t at = 0; (descriptor = map_next(&keep->descriptors, &at));)
        sound &= descriptor_is_sound(counts, descriptor);
    const struct kept_instance *instance;
    for (size_t at = 0; (instance = map_next(&keep->instances, &at));)
        if (instance->open)
            count_one(&counts->of, instance->thread);
    return sound;
}

/* A process that was forgotten without its end leaves its table behind: that is a reference and a
 * hold without an object, up to the end of the session. */
static bool table_is_right(const struct counts *counts, const struct table *table)
{
    uint64_t refs = counted(&counts->of, table), holds = counted(&counts->holds, table);
    return table->holds > 0 && table->refs >= refs && table->holds >= holds &&
           table->refs - refs == table->holds - holds;
}

static bool refs_are_right(const struct keep *keep, const struct counts *counts)
{
    const struct thread *thread;
    for (size_t at = 0; (thread = map_next(&keep->threads, &at));)
        if (thread->refs == 0 || thread->refs != counted(&counts->of, thread))
            return false;
    const struct process *process;
    for (size_t at = 0; (process = map_next(&keep->processes, &at));)
        if (process->refs == 0 || process->refs != counted(&counts->of, process))
            return false;
    const struct descriptor *descriptor;
    for (size_t at = 0; (descriptor = map_next(&keep->descriptors, &at));)
        if (descriptor->refs == 0 || descriptor->refs != counted(&counts->of, descriptor))
            return false;
    const struct table *table;
    for (size_t at = 0; (table = map_next(&keep->tables, &at));)
        if (!table_is_right(counts, table))
            return false;
    return true;
}

bool model_is_sound(const struct keep *keep)
{
    struct counts counts = {.of = {.count = 0}};
    bool sound = count_all(keep, &counts) && refs_are_right(keep, &counts);
    map_clear(&counts.of);
    map_clear(&counts.holds);
    return sound;
}
