/* Links between definitions: possible parents, and the fields by which instances are found; and
 * lookup. */
#include <stdlib.h>
#include <string.h>

#include "analysis/instances_parts.h"
#include "base/memory.h"

/* Checks of timeouts within the shortest timeout. */
enum { TICKS = 16 };

static uint32_t subset_of(struct instances *all, uint32_t definition, const struct subset *wanted)
{
    struct definition_links *parent = &all->links[definition];
    for (size_t i = 0; i < parent->subset_count; i++)
        if (parent->subsets[i].count == wanted->count &&
            memcmp(parent->subsets[i].at, wanted->at, wanted->count * sizeof *wanted->at) == 0)
            return (uint32_t)i;
    parent->subsets = memory_grow(parent->subsets, &parent->subset_room, parent->subset_count + 1,
                                  sizeof *parent->subsets);
    parent->subsets[parent->subset_count] = *wanted;
    parent->subsets[parent->subset_count].key =
        hash_mix((uint64_t)definition << 32 | parent->subset_count);
    return (uint32_t)parent->subset_count++;
}

static void add_link(struct parent_links *links, struct parent_link link)
{
    links->at = memory_grow(links->at, &links->room, links->count + 1, sizeof *links->at);
    links->at[links->count++] = link;
}

static void link_parent(struct instances *all, uint32_t child_at, uint32_t parent_at)
{
    const struct phase_definition *child = all->set->at[child_at];
    const struct phase_definition *parent = all->set->at[parent_at];
    struct parent_link link = {.definition = parent_at};
    struct subset subset = {.count = 0};
    for (uint32_t i = 0; i < child->match_count; i++)
        for (uint32_t j = 0; j < parent->match_count && subset.count < PHASE_MATCH_MAX; j++)
            if (strcmp(child->match[i].begin_field, parent->match[j].begin_field) == 0) {
                link.own[subset.count] = i;
                subset.at[subset.count++] = j;
            }
    link.shares = subset.count > 0;
    if (link.shares)
        link.subset = subset_of(all, parent_at, &subset);
    add_link(&all->links[child_at].parents, link);
}

static void link_request(struct instances *all, uint32_t segment_at, uint32_t request_at)
{
    const struct phase_definition *segment = all->set->at[segment_at];
    const struct phase_definition *request = all->set->at[request_at];
    struct parent_link link = {.definition = request_at, .shares = true};
    struct subset whole = {.count = request->match_count};
    for (uint32_t i = 0; i < whole.count; i++) {
        whole.at[i] = i;
        link.own[i] = (uint32_t)phase_match_at(segment, request->match[i].begin_field);
    }
    link.subset = subset_of(all, request_at, &whole);
    add_link(&all->links[segment_at].requests, link);
}

void links_use(struct instances *all, const struct phase_set *set)
{
    all->set = set;
    size_t count = set->count;
    if (count == 0)
        return;
    all->links = memory_new(count * sizeof *all->links);
    all->newest = memory_new(count * sizeof(struct instance *));
    all->oldest = memory_new(count * sizeof(struct instance *));
    all->entered = memory_new(count * sizeof(struct instance *));
    uint64_t shortest_ns = UINT64_MAX;
    for (uint32_t i = 0; i < count; i++) {
        if (set->at[i]->timeout_ns < shortest_ns)
            shortest_ns = set->at[i]->timeout_ns;
        struct subset whole = {.count = set->at[i]->match_count};
        for (uint32_t j = 0; j < whole.count; j++)
            whole.at[j] = j;
        if (whole.count > 0)
            (void)subset_of(all, i, &whole);
    }
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t j = 0; set->at[i]->parent && j < count; j++)
            if (phase_is_named(set->at[j], set->at[i]->parent))
                link_parent(all, i, j);
        for (uint32_t j = 0; j < count; j++)
            if (phase_is_segment(set->at[i], set->at[j]))
                link_request(all, i, j);
    }
    all->tick_ns = shortest_ns > TICKS ? shortest_ns / TICKS : 1;
}

void links_leave(struct instances *all)
{
    for (size_t i = 0; all->links && i < all->set->count; i++) {
        free(all->links[i].subsets);
        free(all->links[i].parents.at);
        free(all->links[i].requests.at);
        for (struct instance *next, *each = all->links[i].unused; each; each = next) {
            next = each->below;
            free(each);
        }
    }
    free(all->links);
    free(all->newest);
    free(all->oldest);
    free(all->entered);
    all->links = NULL;
    all->newest = all->oldest = all->entered = NULL;
    all->tick_ns = 0;
}

/* --- lookup --- */

static bool is_of(const struct instances *all, const struct instance *instance,
                  const struct phase_thread *thread, uint32_t definition)
{
    return instance->definition == definition &&
           set_of(all, instance->thread) == set_of(all, thread);
}

struct instance *instances_to_end(const struct instances *all, const struct phase_thread *thread,
                                  uint32_t definition, const struct field_value *values)
{
    size_t count = all->set->at[definition]->match_count;
    struct instance *own = thread->last_of == all->set ? thread->last[definition] : NULL;
    if (count == 0)
        return own;
    /* Usually, it is the thread's own, on top of its chain. */
    if (own && has_values(own, values, count) && is_youngest(&own->places[0]))
        return own;
    uint64_t key = key_begin(all, thread, definition, 0);
    for (size_t i = 0; i < count; i++)
        key = key_add(key, &values[i]);
    const struct instance_place *place = chain_of(all, key);
    while (place && !(is_of(all, place->instance, thread, definition) &&
                      has_values(place->instance, values, count)))
        place = chain_seek(place->below, key);
    return place ? place->instance : NULL;
}

struct instance *instances_own_parent(const struct instances *all,
                                      const struct phase_thread *thread, uint32_t definition)
{
    const struct definition_links *links = &all->links[definition];
    struct instance *best = NULL;
    for (size_t i = 0; thread->count > 0 && i < links->parents.count; i++) {
        const struct parent_link *link = &links->parents.at[i];
        /* Events of a process without a thread may belong to any thread of it. */
        struct instance *last =
            thread->is_process && link->shares ? NULL : thread->last[link->definition];
        if (last && (!best || last->mark.order > best->mark.order))
            best = last;
    }
    return best;
}

uint64_t instances_match_hash(const struct instances *all, uint32_t definition,
                              const struct field_value *values)
{
    uint64_t hash = hash_number(definition);
    for (size_t i = 0; i < all->set->at[definition]->match_count; i++)
        hash = key_add(hash, &values[i]);
    return hash;
}

static struct instance *parent_by(const struct instances *all, const struct phase_thread *thread,
                                  const struct parent_link *link, const struct field_value *values)
{
    const struct subset *subset = &all->links[link->definition].subsets[link->subset];
    uint64_t key = key_begin(all, thread, link->definition, link->subset);
    for (size_t i = 0; i < subset->count; i++)
        key = key_add(key, &values[link->own[i]]);
    const struct instance_place *place = chain_of(all, key);
    for (; place; place = chain_seek(place->below, key)) {
        struct instance *each = place->instance;
        size_t equal = 0;
        while (is_of(all, each, thread, link->definition) && equal < subset->count &&
               field_value_equal(&each->values[subset->at[equal]], &values[link->own[equal]]))
            equal++;
        if (equal == subset->count)
            return each;
    }
    return NULL;
}

static struct instance *last_by(const struct instances *all, const struct phase_thread *thread,
                                const struct parent_links *links, const struct field_value *values)
{
    struct instance *best = NULL;
    for (size_t i = 0; i < links->count; i++) {
        struct instance *each =
            links->at[i].shares ? parent_by(all, thread, &links->at[i], values) : NULL;
        if (each && (!best || each->mark.order > best->mark.order))
            best = each;
    }
    return best;
}

struct instance *instances_parent_by_match(const struct instances *all,
                                           const struct phase_thread *thread, uint32_t definition,
                                           const struct field_value *values)
{
    return last_by(all, thread, &all->links[definition].parents, values);
}

struct instance *instances_request(const struct instances *all, const struct phase_thread *thread,
                                   uint32_t definition, const struct field_value *values)
{
    return last_by(all, thread, &all->links[definition].requests, values);
}

void instances_request_values(const struct instances *all, uint32_t definition, size_t at,
                              const struct field_value *values,
                              struct field_value match[PHASE_MATCH_MAX])
{
    const struct parent_link *link = &all->links[definition].requests.at[at];
    for (size_t i = 0; i < all->set->at[link->definition]->match_count; i++)
        match[i] = values[link->own[i]];
}

size_t instances_request_count(const struct instances *all, uint32_t definition)
{
    return all->links[definition].requests.count;
}

uint32_t instances_request_at(const struct instances *all, uint32_t definition, size_t at)
{
    return all->links[definition].requests.at[at].definition;
}

size_t instances_parent_count(const struct instances *all, uint32_t definition)
{
    return all->links[definition].parents.count;
}

uint32_t instances_parent(const struct instances *all, uint32_t definition, size_t at)
{
    return all->links[definition].parents.at[at].definition;
}

bool instances_share_fields(const struct instances *all, uint32_t definition)
{
    const struct definition_links *links = &all->links[definition];
    for (size_t i = 0; i < links->parents.count; i++)
        if (links->parents.at[i].shares)
            return true;
    return false;
}
