/* analysis/instances_parts.h -- shared by instances.c, instance_links.c, and thread_groups.c
 * only. */
#ifndef ANALYSIS_INSTANCES_PARTS_H
#define ANALYSIS_INSTANCES_PARTS_H

#include <assert.h>

#include "analysis/instances.h"
#include "base/hash.h"

/* Match fields by which instances are found, each subset with an index in places[]: all match
 * fields, if there are any, and those that a child has, too. */
struct subset {
    uint32_t at[PHASE_MATCH_MAX]; /* indices of its match fields */
    size_t count;
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

/* --- chains: instances with one key, youngest first --- */

static inline uint64_t value_hash(const struct field_value *value)
{
    return value->type == FIELD_TEXT ? hash_text(value->text) : hash_number(value->u);
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
    return hash_number(hash_number((uint64_t)definition << 32 | place) ^ set_of(all, thread));
}

static inline uint64_t key_add(uint64_t key, const struct field_value *value)
{
    return hash_number(key ^ value_hash(value));
}

static inline size_t place_count(const struct instances *all, uint32_t definition)
{
    return all->links[definition].subset_count;
}

/* The links of an instance in the chain of `key`; if several of its keys are equal, the first. */
static inline struct instance_place *place_in(const struct instances *all,
                                              struct instance *instance, uint64_t key)
{
    size_t count = place_count(all, instance->definition);
    size_t at = 0;
    while (at < count && instance->places[at].key != key)
        at++;
    assert(at < count);
    return &instance->places[at];
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
