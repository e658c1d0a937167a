#include "results/slow_instances.h"

#include <stdlib.h>

#include "base/memory.h"

static struct slowest *list_of(const struct slow_instances *all, struct slowest_rule rule)
{
    for (size_t i = 0; i < all->count; i++)
        if (slowest_rule_equal(all->lists[i].rule, rule))
            return &all->lists[i];
    return NULL;
}

bool slow_instances_want(const struct slow_instances *all, const struct instance_result *content)
{
    const struct slowest *list = list_of(all, content->rule);
    return !list || content->ended.rank.ns >= list->least_ns;
}

/* --- one instance --- */

static struct text copy_text(struct text text)
{
    return (struct text){memory_string(text), text.count};
}

static void free_text(struct text text)
{
    free((char *)(uintptr_t)text.at);
}

struct slow_instance *slow_instance_new(const struct result *result)
{
    const struct instance_result *content = result->instance;
    size_t count = content->ended.value_count;
    struct slow_instance *made = memory_new(sizeof *made);
    *made = (struct slow_instance){.thread = result->thread,
                                   .stretch = result->stretch,
                                   .content = *content,
                                   .filed_pid = result->pid,
                                   .filed_tid = result->tid};
    struct text *names = memory_new((count + 1) * sizeof *names);
    struct field_value *values = memory_new((count + 1) * sizeof *values);
    for (size_t i = 0; i < count; i++) {
        names[i] = copy_text(content->names[i]);
        values[i] = content->ended.values[i];
        if (values[i].type == FIELD_TEXT)
            values[i].text = copy_text(values[i].text);
    }
    made->content.names = names;
    made->content.ended.values = values;
    made->content.ended.time = (struct time_vector){0};
    made->content.ended.waits =
        instance_waits_copy(content->ended.waits, content->ended.wait_count);
    return made;
}

void slow_instance_free(struct slow_instance *instance)
{
    if (!instance)
        return;
    for (size_t i = 0; i < instance->content.ended.value_count; i++)
        free_text(instance->content.names[i]);
    free((void *)(uintptr_t)instance->content.names);
    ended_instance_clear(&instance->content.ended);
    free(instance->gone);
    free(instance);
}

/* --- all instances of a process and phase --- */

void slow_instances_take(struct slow_instances *all, struct slow_instance *take_instance)
{
    const struct instance_result *content = &take_instance->content;
    struct slowest *list = list_of(all, content->rule);
    if (!list) {
        all->lists = memory_grow(all->lists, &all->room, all->count + 1, sizeof *all->lists);
        list = &all->lists[all->count++];
        slowest_init(list, content->rule);
    }
    slow_instance_free(slowest_put(list, content->ended.rank, take_instance));
}

struct slow_instance *slow_instances_find(const struct slow_instances *all, uint64_t order)
{
    struct slow_instance *found = NULL;
    for (size_t i = 0; i < all->count && !found; i++)
        found = slowest_find(&all->lists[i], order);
    return found;
}

void slow_instances_merge(struct slow_instances *to, struct slow_instances *from)
{
    for (size_t i = 0; i < from->count; i++) {
        struct slowest *list = &from->lists[i];
        for (size_t k = 0; k < list->count; k++)
            slow_instances_take(to, list->at[k].item);
        slowest_clear(list);
    }
    free(from->lists);
    *from = (struct slow_instances){.count = 0};
}

struct slow_instance *slow_instances_next(const struct slow_instances *all, size_t *at)
{
    size_t place = (*at)++;
    for (size_t i = 0; i < all->count; i++) {
        if (place < all->lists[i].count)
            return all->lists[i].at[place].item;
        place -= all->lists[i].count;
    }
    return NULL;
}

void slow_instances_clear(struct slow_instances *all)
{
    for (size_t i = 0; i < all->count; i++) {
        for (size_t k = 0; k < all->lists[i].count; k++)
            slow_instance_free(all->lists[i].at[k].item);
        slowest_clear(&all->lists[i]);
    }
    free(all->lists);
    *all = (struct slow_instances){.count = 0};
}
