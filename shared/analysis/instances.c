#include "analysis/instances.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "trace/schema.h"

/* Timeouts are looked at so often within the shortest of them. */
enum { TICKS = 16 };

/* Match fields that instances are found by, each in places[] of its own: all of them, if there are any,
 * and those that a child names too. */
struct subset {
    uint32_t at[PHASE_MATCH_MAX]; /* indices of its match fields */
    size_t count;
};

struct parent_link {
    uint32_t definition;
    bool shares;                   /* fields */
    uint32_t subset;               /* of the parent */
    uint32_t own[PHASE_MATCH_MAX]; /* the child's fields, in the order of the subset */
};

/* Texts of its values up to so many bytes, all of an instance together, take no memory of their own. */
enum { TEXT_ROOM = 48 };

struct definition_links {
    struct instance *unused; /* of its size, through `below`: to be used again */
    struct subset *subsets;
    size_t subset_count, subset_room;
    struct parent_link *parents;
    size_t parent_count, parent_room;
};

/* --- definitions --- */

static uint32_t subset_of(struct definition_links *parent, const struct subset *wanted)
{
    for (size_t i = 0; i < parent->subset_count; i++)
        if (parent->subsets[i].count == wanted->count &&
            memcmp(parent->subsets[i].at, wanted->at, wanted->count * sizeof *wanted->at) == 0)
            return (uint32_t)i;
    parent->subsets = memory_grow(parent->subsets, &parent->subset_room, parent->subset_count + 1,
                                  sizeof *parent->subsets);
    parent->subsets[parent->subset_count] = *wanted;
    return (uint32_t)parent->subset_count++;
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
        link.subset = subset_of(&all->links[parent_at], &subset);
    struct definition_links *links = &all->links[child_at];
    links->parents = memory_grow(links->parents, &links->parent_room, links->parent_count + 1,
                                 sizeof *links->parents);
    links->parents[links->parent_count++] = link;
}

static void use_set(struct instances *all, const struct phase_set *set)
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
            (void)subset_of(&all->links[i], &whole);
    }
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t j = 0; set->at[i]->parent && j < count; j++)
            if (phase_is_named(set->at[j], set->at[i]->parent))
                link_parent(all, i, j);
    }
    all->tick_ns = shortest_ns > TICKS ? shortest_ns / TICKS : 1;
}

static void leave_set(struct instances *all)
{
    for (size_t i = 0; all->links && i < all->set->count; i++) {
        free(all->links[i].subsets);
        free(all->links[i].parents);
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

void instances_init(struct instances *all, const struct phase_set *set)
{
    *all = (struct instances){.count = 0};
    use_set(all, set);
}

void instances_clear(struct instances *all)
{
    assert(all->count == 0);
    leave_set(all);
    map_clear(&all->chains);
    struct kin *kin;
    for (size_t at = 0; (kin = map_next(&all->kins, &at));)
        free(kin);
    map_clear(&all->kins);
    *all = (struct instances){.count = 0};
}

/* --- chains: instances with one key, begun last first --- */

static uint64_t value_hash(const struct field_value *value)
{
    return value->type == FIELD_TEXT ? hash_text(value->text) : hash_number(value->u);
}

/* Who may be of one process: a number for each such set of threads. */
static uint64_t set_of(const struct instances *all, const struct phase_thread *thread)
{
    if (thread->kin)
        return thread->kin->id << 1;
    return all->strangers_are_one ? 1 : thread->id << 1 | 1;
}

static uint64_t key_begin(const struct instances *all, const struct phase_thread *thread,
                          uint32_t definition, size_t place)
{
    return hash_number(hash_number((uint64_t)definition << 32 | place) ^ set_of(all, thread));
}

static uint64_t key_add(uint64_t key, const struct field_value *value)
{
    return hash_number(key ^ value_hash(value));
}

static size_t place_count(const struct instances *all, uint32_t definition)
{
    return all->links[definition].subset_count;
}

static uint64_t place_key(const struct instances *all, const struct instance *instance,
                          size_t place)
{
    const struct subset *subset = &all->links[instance->definition].subsets[place];
    uint64_t key = key_begin(all, instance->thread, instance->definition, place);
    for (size_t i = 0; i < subset->count; i++)
        key = key_add(key, &instance->values[subset->at[i]]);
    return key;
}

/* The place of an instance in the chain of `key`: one that it has itself may hash to the same. */
static struct instance_place *place_in(const struct instances *all, struct instance *instance,
                                       uint64_t key)
{
    size_t count = place_count(all, instance->definition);
    size_t at = 0;
    while (at < count && instance->places[at].key != key)
        at++;
    assert(at < count);
    return &instance->places[at];
}

static void chain_add(struct instances *all, struct instance *instance, size_t at)
{
    struct instance_place *place = &instance->places[at];
    place->key = place_key(all, instance, at);
    void **chain = map_place(&all->chains, place->key);
    struct instance *below = *chain, *above = NULL;
    while (below && below->mark.order > instance->mark.order) {
        above = below;
        below = place_in(all, below, place->key)->below;
    }
    place->below = below;
    place->above = above;
    if (below)
        place_in(all, below, place->key)->above = instance;
    if (above)
        place_in(all, above, place->key)->below = instance;
    else
        *chain = instance;
}

static void chain_remove(struct instances *all, struct instance *instance, size_t at)
{
    struct instance_place *place = &instance->places[at];
    if (place->below)
        place_in(all, place->below, place->key)->above = place->above;
    if (place->above)
        place_in(all, place->above, place->key)->below = place->below;
    else if (place->below)
        map_put(&all->chains, place->key, place->below);
    else
        map_remove(&all->chains, place->key);
}

/* --- kin --- */

static void join_kin_list(struct instance *instance)
{
    struct kin *kin = instance->thread->kin;
    if (!kin)
        return;
    instance->next_kin = kin->open;
    instance->back_kin = &kin->open;
    if (kin->open)
        kin->open->back_kin = &instance->next_kin;
    kin->open = instance;
}

static void leave_kin_list(struct instance *instance)
{
    if (!instance->back_kin)
        return;
    *instance->back_kin = instance->next_kin;
    if (instance->next_kin)
        instance->next_kin->back_kin = instance->back_kin;
    instance->back_kin = NULL;
}

static void link_by_kin(struct instances *all, struct instance *instance)
{
    join_kin_list(instance);
    for (size_t i = 0; i < place_count(all, instance->definition); i++)
        chain_add(all, instance, i);
}

static void unlink_by_kin(struct instances *all, struct instance *instance)
{
    leave_kin_list(instance);
    for (size_t i = 0; i < place_count(all, instance->definition); i++)
        chain_remove(all, instance, i);
}

static struct kin *kin_of(struct instances *all, uint64_t key)
{
    struct kin *kin = map_get(&all->kins, key);
    if (kin)
        return kin;
    kin = memory_new(sizeof *kin);
    *kin = (struct kin){.all = all, .id = ++all->last_kin, .key = key, .current = true};
    map_put(&all->kins, key, kin);
    return kin;
}

static void leave_kin(struct phase_thread *thread)
{
    struct kin *kin = thread->kin;
    if (!kin)
        return;
    kin->alive -= thread->counted;
    kin->whole = false;
    thread->counted = false;
    thread->kin = NULL;
    if (--kin->refs > 0)
        return;
    assert(!kin->open && kin->alive == 0);
    if (kin->current)
        map_remove(&kin->all->kins, kin->key);
    free(kin);
}

static bool leads(const struct phase_thread *thread)
{
    return !thread->is_process && thread->kin && (int32_t)thread->kin->key == thread->tid;
}

static void enter_kin(struct phase_thread *thread, struct kin *kin)
{
    thread->kin = kin;
    kin->refs++;
    kin->alone_since = 0;
    thread->counted = !thread->is_process && !thread->exited;
    kin->alive += thread->counted;
    if (thread->counted && leads(thread))
        kin->leader_exited = false;
}

static uint64_t kin_key(uint32_t pid_ns, int32_t pid)
{
    return (uint64_t)pid_ns << 32 | (uint32_t)pid;
}

bool instances_are_of(const struct phase_thread *thread, int32_t pid)
{
    return thread->kin && thread->kin->current && thread->kin->key == kin_key(0, pid);
}

void instances_told(struct instances *all, struct phase_thread *thread, uint32_t pid_ns,
                    int32_t pid)
{
    uint64_t key = kin_key(pid_ns, pid);
    if (!all->links || pid <= 0 || (thread->kin && thread->kin->current && thread->kin->key == key))
        return;
    for (struct instance *each = thread->top; each; each = each->below)
        unlink_by_kin(all, each);
    struct kin *kin = kin_of(all, key);
    leave_kin(thread);
    enter_kin(thread, kin);
    for (struct instance *each = thread->top; each; each = each->below)
        link_by_kin(all, each);
}

void instances_untold(struct instances *all, struct phase_thread *thread)
{
    if (!thread->kin)
        return;
    for (struct instance *each = thread->top; each; each = each->below)
        unlink_by_kin(all, each);
    leave_kin(thread);
    for (struct instance *each = thread->top; each; each = each->below)
        link_by_kin(all, each);
}

void instances_forked(struct instances *all, int32_t pid)
{
    struct kin *kin = map_remove(&all->kins, kin_key(0, pid));
    if (kin)
        kin->current = false;
}

bool instances_exited(struct phase_thread *thread)
{
    thread->exited = true;
    struct kin *kin = thread->kin;
    if (!kin)
        return true;
    kin->alive -= thread->counted;
    thread->counted = false;
    kin->leader_exited |= leads(thread);
    return kin->leader_exited && kin->alive == 0;
}

void instances_forget(struct phase_thread *thread)
{
    assert(thread->count == 0);
    leave_kin(thread);
    free(thread->last);
    time_vector_free(&thread->total);
    *thread = (struct phase_thread){
        .id = thread->id, .tid = thread->tid, .is_process = thread->is_process};
}

struct kin *instances_restore_kin(struct instances *all, const struct kin *kept)
{
    if (kept->current && map_get(&all->kins, kept->key))
        return NULL;
    struct kin *kin = memory_new(sizeof *kin);
    *kin = (struct kin){.all = all,
                        .id = kept->id,
                        .key = kept->key,
                        .current = kept->current,
                        .leader_exited = kept->leader_exited};
    if (kept->current)
        map_put(&all->kins, kept->key, kin);
    return kin;
}

void instances_leave_call(struct phase_thread *thread, bool complete)
{
    for (struct instance *each = thread->top; each && each->in_call; each = each->below) {
        each->in_call = false;
        each->mark.calls_at += complete;
    }
}

/* --- what events tell --- */

static const struct field_value absent = {.type = FIELD_ABSENT};

static const struct field_value *field(const struct event *event, const char *name)
{
    const struct field_value *value = event_payload_field(event, name);
    return value ? value : &absent;
}

bool instances_fit(const struct phase_definition *definition, const struct event *event, bool ends,
                   struct field_value *values)
{
    for (size_t i = 0; i < definition->match_count; i++) {
        const struct phase_match *match = &definition->match[i];
        values[i] = *field(event, ends ? match->end_field : match->begin_field);
        if (values[i].type == FIELD_ABSENT)
            return false;
    }
    if (definition->name_is_field && field(event, definition->name)->type == FIELD_ABSENT)
        return false;
    return phase_filters_pass(ends ? definition->end_filter : definition->begin_filter,
                              ends ? definition->end_filter_count : definition->begin_filter_count,
                              event, event_payload_field);
}

void instances_capture(const struct phase_definition *definition, const struct event *event,
                       struct field_value values[PHASE_VALUES_MAX])
{
    assert(phase_value_count(definition) <= PHASE_VALUES_MAX);
    for (size_t i = 0; i < definition->capture_count; i++)
        values[definition->match_count + i] = *field(event, definition->capture[i]);
}

void instances_capture_end(const struct phase_definition *definition,
                           const struct instance *instance, const struct event *event,
                           struct field_value values[PHASE_VALUES_MAX])
{
    size_t count = phase_value_count(definition);
    assert(count <= PHASE_VALUES_MAX);
    for (size_t i = 0; i < count; i++) {
        values[i] = instance->values[i];
        if (i >= definition->match_count && values[i].type == FIELD_ABSENT)
            values[i] = *field(event, definition->capture[i - definition->match_count]);
    }
}

struct text instances_name(const struct phase_definition *definition, const struct event *event,
                           char room[INSTANCE_NUMBER_ROOM])
{
    if (!definition->name_is_field)
        return text_of(definition->name);
    const struct field_value *value = field(event, definition->name);
    switch (value->type) {
    case FIELD_ABSENT: break;
    case FIELD_INT: snprintf(room, INSTANCE_NUMBER_ROOM, "%lld", (long long)value->i); break;
    case FIELD_UINT:
        snprintf(room, INSTANCE_NUMBER_ROOM, "%llu", (unsigned long long)value->u);
        break;
    case FIELD_TEXT: return value->text;
    }
    return value->type == FIELD_ABSENT ? text_of("") : text_of(room);
}

/* --- instances --- */

#define LINK(top, instance, below, above, under, over)                                             \
    do {                                                                                           \
        (instance)->below = under;                                                                 \
        (instance)->above = over;                                                                  \
        if (under)                                                                                 \
            (under)->above = (instance);                                                           \
        if (over)                                                                                  \
            (over)->below = (instance);                                                            \
        else                                                                                       \
            *(top) = (instance);                                                                   \
    } while (0)

/* Puts it behind those of its list that began before it. Nearly always it is the last. */
#define INSERT(top, instance, below, above)                                                        \
    do {                                                                                           \
        struct instance *under = *(top), *over = NULL;                                             \
        while (under && under->mark.order > (instance)->mark.order) {                              \
            over = under;                                                                          \
            under = under->below;                                                                  \
        }                                                                                          \
        LINK(top, instance, below, above, under, over);                                            \
    } while (0)

/* Where it belongs by another mark: past those that began between the two. */
#define MOVE(top, instance, below, above)                                                          \
    do {                                                                                           \
        struct instance *under = (instance)->below, *over = (instance)->above;                     \
        for (; under && under->mark.order > (instance)->mark.order; under = under->below)          \
            over = under;                                                                          \
        for (; over && over->mark.order < (instance)->mark.order; over = over->above)              \
            under = over;                                                                          \
        if (under == (instance)->below && over == (instance)->above)                               \
            break;                                                                                 \
        REMOVE(top, instance, below, above);                                                       \
        LINK(top, instance, below, above, under, over);                                            \
    } while (0)

#define REMOVE(top, instance, below, above)                                                        \
    do {                                                                                           \
        if ((instance)->below)                                                                     \
            (instance)->below->above = (instance)->above;                                          \
        if ((instance)->above)                                                                     \
            (instance)->above->below = (instance)->below;                                          \
        else                                                                                       \
            *(top) = (instance)->below;                                                            \
    } while (0)

static size_t value_count(const struct instances *all, uint32_t definition)
{
    return phase_value_count(all->set->at[definition]);
}

static char *text_room(const struct instance *instance, size_t value_count)
{
    return (char *)(instance->values + value_count);
}

/* A new one with copies of the values. */
static struct instance *make(struct instances *all, uint32_t definition,
                             const struct field_value *values)
{
    struct definition_links *links = &all->links[definition];
    size_t head = sizeof(struct instance) + links->subset_count * sizeof(struct instance_place);
    size_t count = value_count(all, definition);
    size_t match_count = all->set->at[definition]->match_count;
    struct instance *instance = links->unused;
    if (instance) {
        links->unused = instance->below;
        memset(instance, 0, head);
    } else {
        instance = memory_new(head + count * sizeof *instance->values + TEXT_ROOM);
    }
    instance->values = (struct field_value *)(instance->places + links->subset_count);
    instance->definition = definition;
    char *room = text_room(instance, count), *end = room + TEXT_ROOM;
    for (size_t i = 0; i < count; i++) {
        struct field_value *value = &instance->values[i];
        *value = values[i];
        if (value->type != FIELD_TEXT)
            continue;
        if (i >= match_count && value->text.count > PHASE_TEXT_MAX) {
            *value = phase_value_copy(&values[i]);
        } else if (value->text.count <= (size_t)(end - room)) {
            value->text.at = memcpy(room, value->text.at, value->text.count);
            room += value->text.count;
        } else {
            value->text.at = memory_string(value->text);
        }
    }
    return instance;
}

static void free_texts(struct instance *instance, size_t count)
{
    uintptr_t room = (uintptr_t)text_room(instance, count);
    for (size_t i = 0; i < count; i++) {
        uintptr_t text = (uintptr_t)instance->values[i].text.at;
        if (instance->values[i].type == FIELD_TEXT && text - room > TEXT_ROOM)
            free((char *)text);
    }
}

/* Its memory is kept for another of the definition. */
static void drop(struct instances *all, struct instance *instance)
{
    free_texts(instance, value_count(all, instance->definition));
    time_vector_free(&instance->mark.total_at);
    elders_free(instance->elders);
    instance->below = all->links[instance->definition].unused;
    all->links[instance->definition].unused = instance;
}

/* What the past takes over comes in ascending rows, each of which begins anywhere: the place is
 * looked for from that of the one before. */
static void enter_definition(struct instances *all, struct instance *instance)
{
    uint32_t definition = instance->definition;
    struct instance *under = all->entered[definition];
    if (!under)
        under = all->newest[definition];
    uint64_t order = instance_eldest(instance)->order;
    while (under && instance_eldest(under)->order > order)
        under = under->older;
    while (under && under->newer && instance_eldest(under->newer)->order < order)
        under = under->newer;
    struct instance *over = under ? under->newer : all->oldest[definition];
    instance->older = under;
    instance->newer = over;
    *(under ? &under->newer : &all->oldest[definition]) = instance;
    *(over ? &over->older : &all->newest[definition]) = instance;
    all->entered[definition] = instance;
}

static void leave_definition(struct instances *all, struct instance *instance)
{
    uint32_t definition = instance->definition;
    struct instance *older = instance->older, *newer = instance->newer;
    *(older ? &older->newer : &all->oldest[definition]) = newer;
    *(newer ? &newer->older : &all->newest[definition]) = older;
    if (all->entered[definition] == instance)
        all->entered[definition] = older;
}

static void enter(struct instances *all, struct instance *instance)
{
    struct phase_thread *thread = instance->thread;
    uint32_t definition = instance->definition;
    if (thread->last_of != all->set) {
        free(thread->last);
        thread->last = memory_new(all->set->count * sizeof(struct instance *));
        thread->last_of = all->set;
    }
    INSERT(&thread->top, instance, below, above);
    INSERT(&thread->last[definition], instance, below_like, above_like);
    enter_definition(all, instance);
    link_by_kin(all, instance);
    thread->count += 1 + instance_elders(instance);
    all->count += 1 + instance_elders(instance);
    all->structs++;
}

static void leave(struct instances *all, struct instance *instance)
{
    struct phase_thread *thread = instance->thread;
    uint32_t definition = instance->definition;
    leave_definition(all, instance);
    REMOVE(&thread->top, instance, below, above);
    REMOVE(&thread->last[definition], instance, below_like, above_like);
    unlink_by_kin(all, instance);
    thread->count -= 1 + instance_elders(instance);
    all->count -= 1 + instance_elders(instance);
    all->structs--;
}

/* What its thread has spent so far is not its own. */
static void set_mark(struct instance *instance, uint64_t begin_ns, uint64_t order)
{
    instance->mark.begin_ns = begin_ns;
    instance->mark.order = order;
    instance->mark.calls_at = instance->thread->calls;
    time_vector_copy(&instance->mark.total_at, &instance->thread->total);
}

struct instance *instances_open(struct instances *all, struct phase_thread *thread,
                                const struct instance_begin *begin)
{
    struct instance *instance = make(all, begin->definition, begin->values);
    instance->thread = thread;
    instance->path = begin->path;
    instance->by_user = begin->by_user;
    instance->in_call = begin->in_call;
    instance->after_exit = thread->exited;
    instance->id = begin->order;
    set_mark(instance, begin->begin_ns, begin->order);
    enter(all, instance);
    return instance;
}

/* --- elders --- */

static void move(struct instance *instance)
{
    struct phase_thread *thread = instance->thread;
    MOVE(&thread->top, instance, below, above);
    MOVE(&thread->last[instance->definition], instance, below_like, above_like);
}

static void count(struct instances *all, const struct instance *instance, bool adds)
{
    size_t these = 1 + instance_elders(instance);
    all->count += adds ? these : 0 - these;
    instance->thread->count += adds ? these : 0 - these;
}

struct elders *instances_go_below(struct instances *all, struct instance *instance)
{
    assert(!instance->in_call && all->set->at[instance->definition]->match_count == 0);
    count(all, instance, false);
    if (!instance->elders)
        instance->elders = elders_new();
    elders_push(instance->elders, &instance->mark);
    return instance->elders;
}

void instances_go_on_top(struct instances *all, struct instance *instance,
                         const struct instance_begin *begin)
{
    assert(begin->order > instance->elders->youngest.order);
    instance->in_call = begin->in_call;
    set_mark(instance, begin->begin_ns, begin->order);
    count(all, instance, true);
    move(instance);
}

static bool has_values(const struct instance *instance, const struct field_value *values,
                       size_t count)
{
    size_t equal = 0;
    while (equal < count && field_value_equal(&instance->values[equal], &values[equal]))
        equal++;
    return equal == count;
}

/* Whether nothing but their begins tells them apart; nor do their orders tell that another set of definitions held
 * at one of them. */
static bool is_like(const struct instance *instance, const struct phase_thread *thread,
                    const struct instance_begin *begin, size_t value_count)
{
    return !instance->in_call && instance->path == begin->path &&
           instance->by_user == begin->by_user && instance->after_exit == thread->exited &&
           instance->mark.order < begin->order &&
           (begin->order - instance->mark.order) % (1 << EVENT_SHIFT) == 0 &&
           has_values(instance, begin->values, value_count);
}

/* What was begun within one call, of which nothing is an elder until it is over, is looked for so far. */
enum { LIKE_MOST = 16 };

/* `upper`, which has no elders, is one struct with `lower` from here on. */
static void merge(struct instances *all, struct instance *lower, struct instance *upper)
{
    (void)instances_go_below(all, lower);
    struct instance_mark mark = lower->mark;
    lower->mark = upper->mark;
    upper->mark = mark;
    count(all, lower, true);
    leave(all, upper);
    move(lower);
    drop(all, upper);
}

/* Of those that may be its elders, the struct that takes it; NULL. */
static struct instance *find_elders(struct instances *all, const struct phase_thread *thread,
                                    const struct instance_begin *begin)
{
    struct instance *like[LIKE_MOST];
    size_t values = value_count(all, begin->definition), found = 0, seen = 0;
    bool may_have = thread->last_of == all->set &&
                    all->set->at[begin->definition]->match_count == 0 &&
                    thread->total.blocked_count < ELDER_CALLS_MOST;
    struct instance *each = may_have ? thread->last[begin->definition] : NULL;
    for (; each && seen < LIKE_MOST; seen++, each = each->below_like) {
        if (!is_like(each, thread, begin, values))
            continue;
        if (found > 0 && like[found - 1]->mark.order == each->mark.order)
            break; /* a row that says so lies */
        like[found++] = each;
        if (instance_elders(each) > 0)
            break;
    }
    if (found == 0)
        return NULL;
    struct instance *lower = like[found - 1];
    for (size_t i = found - 1; i > 0; i--)
        merge(all, lower, like[i - 1]);
    return lower;
}

struct instance *instances_begin(struct instances *all, struct phase_thread *thread,
                                 const struct instance_begin *begin)
{
    struct instance *elder = find_elders(all, thread, begin);
    if (!elder)
        return instances_open(all, thread, begin);
    (void)instances_go_below(all, elder);
    instances_go_on_top(all, elder, begin);
    return elder;
}

/* --- all of them --- */

static int by_order(const void *a, const void *b)
{
    const struct instance *const *left = a, *const *right = b;
    return (*left)->mark.order < (*right)->mark.order ? -1
                                                      : (*left)->mark.order > (*right)->mark.order;
}

struct instance **instances_sorted(const struct instances *all)
{
    struct instance **sorted = memory_new((all->structs + 1) * sizeof *sorted);
    size_t count = 0;
    for (size_t i = 0; all->links && i < all->set->count; i++)
        for (struct instance *each = all->newest[i]; each; each = each->older)
            sorted[count++] = each;
    qsort(sorted, count, sizeof *sorted, by_order);
    return sorted;
}

/* The same under another set, which has its definition; the old one is freed. */
static struct instance *moved(struct instances *all, struct instance *instance, uint32_t id)
{
    uint32_t definition = 0;
    while (all->set->ids[definition] != id)
        definition++;
    struct instance *to = make(all, definition, instance->values);
    struct field_value *copies = to->values;
    free_texts(instance, value_count(all, definition));
    *to = *instance;
    to->definition = definition;
    to->values = copies;
    free(instance);
    return to;
}

void instances_use(struct instances *all, const struct phase_set *set)
{
    size_t count = all->structs;
    struct instance **open = instances_sorted(all);
    uint32_t *ids = memory_new((count + 1) * sizeof *ids);
    for (size_t i = 0; i < count; i++) {
        ids[i] = all->set->ids[open[i]->definition];
        leave(all, open[i]);
    }
    leave_set(all);
    use_set(all, set);
    for (size_t i = 0; i < count; i++)
        enter(all, moved(all, open[i], ids[i]));
    free(ids);
    free(open);
}

void instances_set_spent_since(const struct phase_thread *thread, struct instance_mark *mark,
                               const struct time_vector *time, uint64_t calls)
{
    time_vector_copy(&mark->total_at, &thread->total);
    time_vector_subtract(&mark->total_at, time);
    mark->calls_at = thread->calls - calls;
}

void instances_set_spent(struct instance *instance, const struct time_vector *time, uint64_t calls)
{
    instances_set_spent_since(instance->thread, &instance->mark, time, calls);
}

uint64_t instances_spent_since(const struct phase_thread *thread, const struct instance_mark *mark,
                               struct time_vector *time)
{
    time_vector_merge(time, &thread->total);
    time_vector_subtract(time, &mark->total_at);
    return thread->calls - mark->calls_at;
}

uint64_t instances_spent(const struct instance *instance, struct time_vector *time)
{
    return instances_spent_since(instance->thread, &instance->mark, time);
}

void instances_close_with_elders(struct instances *all, struct instance *instance)
{
    struct phase_thread *thread = instance->thread;
    leave(all, instance);
    if (thread->count == 0) {
        time_vector_clear(&thread->total);
        thread->calls = 0;
    }
    drop(all, instance);
}

void instances_close(struct instances *all, struct instance *instance)
{
    if (instance_elders(instance) == 0) {
        instances_close_with_elders(all, instance);
        return;
    }
    count(all, instance, false);
    elders_pop(instance->elders, &instance->mark);
    instance->in_call = false;
    count(all, instance, true);
    move(instance);
}

void instances_close_all(struct instances *all)
{
    for (size_t i = 0; all->links && i < all->set->count; i++)
        while (all->newest[i])
            instances_close_with_elders(all, all->newest[i]);
}

/* --- which --- */

static bool is_late(const struct instances *all, const struct instance *instance, uint64_t begin_ns,
                    uint64_t time_ns)
{
    uint64_t timeout_ns = all->set->at[instance->definition]->timeout_ns;
    return time_ns > begin_ns && time_ns - begin_ns > timeout_ns;
}

bool instance_is_late(const struct instances *all, const struct instance *instance,
                      uint64_t time_ns)
{
    return is_late(all, instance, instance->mark.begin_ns, time_ns);
}

static bool is_over(const struct instances *all, const struct instance *instance)
{
    return is_late(all, instance, instance_eldest(instance)->begin_ns, all->now_ns);
}

static int by_eldest(const void *a, const void *b)
{
    uint64_t left = instance_eldest(*(const struct instance *const *)a)->order;
    uint64_t right = instance_eldest(*(const struct instance *const *)b)->order;
    return left < right ? -1 : left > right;
}

/* Those whose eldest has become another come back into the order of their definition: each from the
 * place of the one before. */
static void enter_aged(struct instances *all)
{
    size_t count = 0, room = 0;
    struct instance **aged = NULL;
    for (; all->aged; all->aged = all->aged->older) {
        aged = memory_grow(aged, &room, count + 1, sizeof *aged);
        aged[count++] = all->aged;
    }
    if (count > 0)
        qsort(aged, count, sizeof *aged, by_eldest);
    for (size_t i = 0; i < count; i++) {
        if (i == 0)
            all->entered[aged[i]->definition] = all->oldest[aged[i]->definition];
        enter_definition(all, aged[i]);
    }
    free(aged);
}

struct instance *instances_next_over(struct instances *all)
{
    for (size_t i = 0; all->links && i < all->set->count; i++) {
        struct instance *oldest = all->oldest[i];
        if (oldest && is_over(all, oldest))
            return oldest;
        enter_aged(all);
    }
    return NULL;
}

void instances_close_eldest(struct instances *all, struct instance *instance)
{
    if (instance_elders(instance) == 0) {
        instances_close(all, instance);
        return;
    }
    count(all, instance, false);
    elders_drop_eldest(instance->elders);
    count(all, instance, true);
    if (is_over(all, instance))
        return;
    leave_definition(all, instance);
    instance->older = all->aged;
    all->aged = instance;
}

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
    /* Nearly always it is the thread's own, on top of its chain. */
    if (own && !own->places[0].above && has_values(own, values, count))
        return own;
    uint64_t key = key_begin(all, thread, definition, 0);
    for (size_t i = 0; i < count; i++)
        key = key_add(key, &values[i]);
    for (struct instance *each = map_get(&all->chains, key); each;
         each = place_in(all, each, key)->below) {
        if (is_of(all, each, thread, definition) && has_values(each, values, count))
            return each;
    }
    return NULL;
}

struct instance *instances_own_parent(const struct instances *all,
                                      const struct phase_thread *thread, uint32_t definition)
{
    const struct definition_links *links = &all->links[definition];
    struct instance *best = NULL;
    for (size_t i = 0; thread->count > 0 && i < links->parent_count; i++) {
        const struct parent_link *link = &links->parents[i];
        /* Events of a process without a thread may be of any thread of it. */
        struct instance *last =
            thread->is_process && link->shares ? NULL : thread->last[link->definition];
        if (last && (!best || last->mark.order > best->mark.order))
            best = last;
    }
    return best;
}

static struct instance *parent_by(const struct instances *all, const struct phase_thread *thread,
                                  const struct parent_link *link, const struct field_value *values)
{
    const struct subset *subset = &all->links[link->definition].subsets[link->subset];
    uint64_t key = key_begin(all, thread, link->definition, link->subset);
    for (size_t i = 0; i < subset->count; i++)
        key = key_add(key, &values[link->own[i]]);
    for (struct instance *each = map_get(&all->chains, key); each;
         each = place_in(all, each, key)->below) {
        size_t equal = 0;
        while (is_of(all, each, thread, link->definition) && equal < subset->count &&
               field_value_equal(&each->values[subset->at[equal]], &values[link->own[equal]]))
            equal++;
        if (equal == subset->count)
            return each;
    }
    return NULL;
}

struct instance *instances_parent_by_match(const struct instances *all,
                                           const struct phase_thread *thread, uint32_t definition,
                                           const struct field_value *values)
{
    const struct definition_links *links = &all->links[definition];
    struct instance *best = NULL;
    for (size_t i = 0; i < links->parent_count; i++) {
        struct instance *each =
            links->parents[i].shares ? parent_by(all, thread, &links->parents[i], values) : NULL;
        if (each && (!best || each->mark.order > best->mark.order))
            best = each;
    }
    return best;
}

size_t instances_parent_count(const struct instances *all, uint32_t definition)
{
    return all->links[definition].parent_count;
}

uint32_t instances_parent(const struct instances *all, uint32_t definition, size_t at)
{
    return all->links[definition].parents[at].definition;
}

bool instances_share_fields(const struct instances *all, uint32_t definition)
{
    const struct definition_links *links = &all->links[definition];
    for (size_t i = 0; i < links->parent_count; i++)
        if (links->parents[i].shares)
            return true;
    return false;
}
