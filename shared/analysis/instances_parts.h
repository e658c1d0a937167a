/* analysis/instances_parts.h -- shared by instances.c, instance_links.c, and thread_groups.c
 * only. */
#ifndef ANALYSIS_INSTANCES_PARTS_H
#define ANALYSIS_INSTANCES_PARTS_H

#include "analysis/instances.h"
#include "base/hash.h"

/* Match fields by which instances are found, each subset with an index in places[]: all match
 * fields, if there are any, and those that a child has, too. */
struct subset {
    uint32_t at[PHASE_MATCH_MAX]; /* indices of its match fields */
    size_t count;
    uint64_t key; /* where the keys of all its values begin */
};

/* A definition that may be the parent, or the request. */
struct parent_link {
    uint32_t definition;
    bool shares;                   /* match fields */
    uint32_t subset;               /* of the parent */
    uint32_t own[PHASE_MATCH_MAX]; /* the child's fields, in the order of the subset */
};

struct parent_links {
    struct parent_link *at;
    size_t count, room;
};

struct definition_links {
    struct instance *unused; /* structs of its size for reuse, linked by `below` */
    struct subset *subsets;
    size_t subset_count, subset_room;
    struct parent_links parents, requests;
};

/* Sets the definitions and computes the links between them. No instance is open. */
void links_use(struct instances *all, const struct phase_set *set);
void links_leave(struct instances *all);

/* Adds it to the open instances of its thread group, and to its chains; removes it. */
void thread_group_link(struct instances *all, struct instance *instance);
void thread_group_unlink(struct instances *all, struct instance *instance);

/* --- chains --- */

void chain_add(struct instances *all, struct instance *instance, size_t place);
void chain_remove(struct instances *all, struct instance *instance, size_t place);
void chains_clear(struct instance_chains *chains);

/* The first of that key from there on; NULL. */
static inline struct instance_place *chain_seek(struct instance_place *place, uint64_t key)
{
    while (place && place->key != key)
        place = place->below;
    return place;
}

/* The youngest of that key; NULL. The next one of it: chain_seek(place->below, key). */
static inline struct instance_place *chain_of(const struct instances *all, uint64_t key)
{
    return all->chains.at ? chain_seek(all->chains.at[key & all->chains.mask], key) : NULL;
}

/* Whether it is the youngest of its key. */
static inline bool is_youngest(const struct instance_place *place)
{
    const struct instance_place *above = place->above;
    while (above && above->key != place->key)
        above = above->above;
    return above == NULL;
}

/* A number per set of threads that may belong to one process. */
static inline uint64_t set_of(const struct instances *all, const struct phase_thread *thread)
{
    if (thread->thread_group)
        return thread->thread_group->id << 1;
    return all->ungrouped_are_one ? 1 : thread->id << 1 | 1;
}

static inline uint64_t key_begin(const struct instances *all, const struct phase_thread *thread,
                                 uint32_t definition, size_t place)
{
    return hash_mix(all->links[definition].subsets[place].key ^ set_of(all, thread));
}

static inline uint64_t key_add(uint64_t key, const struct field_value *value)
{
    return hash_number(key ^ (value->type == FIELD_TEXT ? hash_text(value->text) : value->u));
}

static inline size_t place_count(const struct instances *all, uint32_t definition)
{
    return all->links[definition].subset_count;
}

static inline bool has_values(const struct instance *instance, const struct field_value *values,
                              size_t count)
{
    size_t equal = 0;
    while (equal < count && field_value_equal(&instance->values[equal], &values[equal]))
        equal++;
    return equal == count;
}

#endif
