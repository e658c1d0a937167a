#include "model/parts.h"

#include <stdlib.h>

static void add_thread(struct model_parts *parts, struct thread *thread);

/* False if it is there already, or NULL. */
static bool add(struct map *map, void *part)
{
    uint64_t key = (uintptr_t)part;
    if (!part || map_get(map, key))
        return false;
    map_put(map, key, part);
    return true;
}

static void add_table(struct model_parts *parts, struct table *table)
{
    if (!add(&parts->tables, table))
        return;
    struct descriptor *each;
    for (size_t at = 0; (each = map_next(&table->places, &at));)
        add(&parts->descriptors, each); /* its table is this one */
}

static void add_descriptor(struct model_parts *parts, struct descriptor *descriptor)
{
    if (add(&parts->descriptors, descriptor))
        add_table(parts, descriptor->table);
}

static void add_process(struct model_parts *parts, struct process *process)
{
    if (!add(&parts->processes, process))
        return;
    add_table(parts, process->table);
    for (struct thread *each = process->threads; each; each = each->next_of_process)
        add_thread(parts, each);
}

static void add_thread(struct model_parts *parts, struct thread *thread)
{
    if (!add(&parts->threads, thread))
        return;
    add_process(parts, thread->process);
    add_table(parts, thread->own_table);
    add_table(parts, thread->call.table);
    add_descriptor(parts, thread->call.use[0]);
    add_descriptor(parts, thread->call.use[1]);
}

void model_parts_gather(struct model *model, struct model_parts *out)
{
    *out = (struct model_parts){.threads = {.count = 0}};
    struct thread *thread;
    for (size_t at = 0; (thread = map_next(&model->threads, &at));)
        add_thread(out, thread);
    struct process *process;
    for (size_t at = 0; (process = map_next(&model->processes, &at));)
        add_process(out, process);
    for (struct table *table = model->tables; table; table = table->next)
        add_table(out, table);
    const struct instances *phases = &model->phases;
    for (size_t i = 0; i < phases->set->count; i++)
        for (struct instance *each = phases->newest[i]; each; each = each->older)
            add_thread(out, thread_of_instance(each));
}

void model_parts_clear(struct model_parts *parts)
{
    map_clear(&parts->threads);
    map_clear(&parts->processes);
    map_clear(&parts->tables);
    map_clear(&parts->descriptors);
}

static void free_thread(struct thread *thread)
{
    free(thread->call.credits);
    free(thread->call.text);
    free(thread->inner);
    instances_forget(&thread->phases);
    time_vector_free(&thread->time);
    free(thread);
}

static void free_process(struct process *process)
{
    free(process->addresses);
    free(process);
}

void model_parts_free(struct model_parts *parts)
{
    struct thread *thread;
    for (size_t at = 0; (thread = map_next(&parts->threads, &at));)
        free_thread(thread);
    struct process *process;
    for (size_t at = 0; (process = map_next(&parts->processes, &at));)
        free_process(process);
    struct descriptor *descriptor;
    for (size_t at = 0; (descriptor = map_next(&parts->descriptors, &at));) {
        free(descriptor->doubtful);
        free(descriptor->name);
        free(descriptor);
    }
    struct table *table;
    for (size_t at = 0; (table = map_next(&parts->tables, &at));) {
        map_clear(&table->places);
        free(table);
    }
    model_parts_clear(parts);
}
