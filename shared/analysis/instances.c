#include "analysis/instances.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/instances_parts.h"
#include "analysis/segments.h"
#include "base/memory.h"

/* Texts of an instance with at most this many bytes in total are stored in its own memory. */
enum { TEXT_ROOM = 48 };

void instances_init(struct instances *all, const struct phase_set *set)
{
    *all = (struct instances){.count = 0};
    links_use(all, set);
}

void instances_clear(struct instances *all)
{
    assert(all->count == 0);
    links_leave(all);
    chains_clear(&all->chains);
    struct thread_group *thread_group;
    for (size_t at = 0; (thread_group = map_next(&all->thread_groups, &at));)
        free(thread_group);
    map_clear(&all->thread_groups);
    *all = (struct instances){.count = 0};
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

/* Inserts it after those of its list that began before it. Usually, it becomes the last. */
#define INSERT(top, instance, below, above)                                                        \
    do {                                                                                           \
        struct instance *under = *(top), *over = NULL;                                             \
        while (under && under->mark.order > (instance)->mark.order) {                              \
            over = under;                                                                          \
            under = under->below;                                                                  \
        }                                                                                          \
        LINK(top, instance, below, above, under, over);                                            \
    } while (0)

/* Moves it to its position by another mark. */
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

/* A new instance with copies of the values. */
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

/* Its memory is reused for another instance of the definition. */
static void drop(struct instances *all, struct instance *instance)
{
    if (instance->request)
        segment_lose(all->changes, instance);
    if (instance->segments)
        segments_free(all->changes, instance);
    free_texts(instance, value_count(all, instance->definition));
    time_vector_drop(&instance->mark.total_at);
    if (instance->older_begins)
        older_begins_free(instance->older_begins);
    if (all->changes)
        changes_forget(all->changes, &instance->change);
    instance->below = all->links[instance->definition].unused;
    all->links[instance->definition].unused = instance;
}

/* Instances that pass to the past arrive in ascending runs, each of which may start anywhere: the
 * search starts at the previous position. */
static void enter_definition(struct instances *all, struct instance *instance)
{
    uint32_t definition = instance->definition;
    struct instance *under = all->entered[definition];
    if (!under)
        under = all->newest[definition];
    uint64_t order = instance_oldest(instance)->order;
    while (under && instance_oldest(under)->order > order)
        under = under->older;
    while (under && under->newer && instance_oldest(under->newer)->order < order)
        under = under->newer;
    struct instance *over = under ? under->newer : all->oldest[definition];
    instance->older = under;
    instance->newer = over;
    *(under ? &under->newer : &all->oldest[definition]) = instance;
    *(over ? &over->older : &all->newest[definition]) = instance;
    all->entered[definition] = instance;
}

bool instances_has_twin(const struct instance *instance)
{
    const struct instance *older = instance->older, *newer = instance->newer;
    uint64_t order = instance_oldest(instance)->order;
    return (older && instance_oldest(older)->order == order) ||
           (newer && instance_oldest(newer)->order == order);
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
    thread_group_link(all, instance);
    thread->count += 1 + instance_older_count(instance);
    all->count += 1 + instance_older_count(instance);
    all->structs++;
}

static void leave(struct instances *all, struct instance *instance)
{
    struct phase_thread *thread = instance->thread;
    uint32_t definition = instance->definition;
    leave_definition(all, instance);
    REMOVE(&thread->top, instance, below, above);
    REMOVE(&thread->last[definition], instance, below_like, above_like);
    thread_group_unlink(all, instance);
    thread->count -= 1 + instance_older_count(instance);
    all->count -= 1 + instance_older_count(instance);
    all->structs--;
}

/* Its thread's time and calls so far do not belong to it. */
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
    changes_note(all->changes, &instance->change);
    enter(all, instance);
    return instance;
}

/* --- older begins --- */

static void move(struct instance *instance)
{
    struct phase_thread *thread = instance->thread;
    MOVE(&thread->top, instance, below, above);
    MOVE(&thread->last[instance->definition], instance, below_like, above_like);
}

static void count(struct instances *all, const struct instance *instance, bool adds)
{
    size_t these = 1 + instance_older_count(instance);
    all->count += adds ? these : 0 - these;
    instance->thread->count += adds ? these : 0 - these;
}

struct older_begins *instances_go_below(struct instances *all, struct instance *instance)
{
    assert(!instance->in_call && all->set->at[instance->definition]->match_count == 0);
    count(all, instance, false);
    if (!instance->older_begins)
        instance->older_begins = older_begins_new(all->changes);
    older_begins_push(instance->older_begins, &instance->mark);
    return instance->older_begins;
}

void instances_go_on_top(struct instances *all, struct instance *instance,
                         const struct instance_begin *begin)
{
    assert(begin->order > instance->older_begins->youngest.order);
    instance->in_call = begin->in_call;
    set_mark(instance, begin->begin_ns, begin->order);
    count(all, instance, true);
    move(instance);
}

/* Whether only their begins differ, and their orders do not indicate that one of them began under
 * another set of definitions. */
static bool is_like(const struct instance *instance, const struct phase_thread *thread,
                    const struct instance_begin *begin, size_t value_count)
{
    return !instance->in_call && instance->path == begin->path &&
           instance->by_user == begin->by_user && instance->after_exit == thread->exited &&
           instance->mark.order < begin->order &&
           (begin->order - instance->mark.order) % (1 << EVENT_SHIFT) == 0 &&
           has_values(instance, begin->values, value_count);
}

/* Instances begun within one call become older begins only after it: maximum number of instances to
 * check. */
enum { LIKE_MOST = 16 };

/* Merges `upper`, which has no older begins, into the struct `lower`. */
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

/* The struct to whose older begins the new instance is added; NULL: none. */
static struct instance *find_older(struct instances *all, const struct phase_thread *thread,
                                   const struct instance_begin *begin)
{
    struct instance *like[LIKE_MOST];
    size_t values = value_count(all, begin->definition), found = 0, seen = 0;
    bool may_have = thread->last_of == all->set &&
                    all->set->at[begin->definition]->match_count == 0 &&
                    thread->total.blocked_count < OLDER_BEGIN_CALLS_MAX;
    struct instance *each = may_have ? thread->last[begin->definition] : NULL;
    for (; each && seen < LIKE_MOST; seen++, each = each->below_like) {
        if (!is_like(each, thread, begin, values))
            continue;
        if (found > 0 && like[found - 1]->mark.order == each->mark.order)
            break; /* the row is inconsistent */
        like[found++] = each;
        if (instance_older_count(each) > 0)
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
    struct instance *older_begin = find_older(all, thread, begin);
    if (!older_begin)
        return instances_open(all, thread, begin);
    (void)instances_go_below(all, older_begin);
    instances_go_on_top(all, older_begin, begin);
    return older_begin;
}

/* --- all instances --- */

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

/* Copies it for another set with the same definition; the old one is freed. */
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
    segments_move(to, instance);
    changes_move(all->changes, &to->change, &instance->change);
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
    links_leave(all);
    links_use(all, set);
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
    time_vector_difference(time, &thread->total, &mark->total_at);
    return thread->calls - mark->calls_at;
}

uint64_t instances_spent(const struct instance *instance, struct time_vector *time)
{
    return instances_spent_since(instance->thread, &instance->mark, time);
}

void instances_close_with_older(struct instances *all, struct instance *instance)
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
    if (instance_older_count(instance) == 0) {
        instances_close_with_older(all, instance);
        return;
    }
    count(all, instance, false);
    older_begins_pop(instance->older_begins, &instance->mark);
    instance->in_call = false;
    count(all, instance, true);
    move(instance);
}

void instances_close_all(struct instances *all)
{
    for (size_t i = 0; all->links && i < all->set->count; i++)
        while (all->newest[i])
            instances_close_with_older(all, all->newest[i]);
}

/* --- timeouts --- */

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
    return is_late(all, instance, instance_oldest(instance)->begin_ns, all->now_ns);
}

static int by_eldest(const void *a, const void *b)
{
    uint64_t left = instance_oldest(*(const struct instance *const *)a)->order;
    uint64_t right = instance_oldest(*(const struct instance *const *)b)->order;
    return left < right ? -1 : left > right;
}

/* Inserts instances with a new oldest into the order of their definition: each search starts at the
 * previous position. */
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
    if (instance_older_count(instance) == 0) {
        instances_close(all, instance);
        return;
    }
    count(all, instance, false);
    older_begins_drop_oldest(instance->older_begins);
    count(all, instance, true);
    if (is_over(all, instance))
        return;
    leave_definition(all, instance);
    instance->older = all->aged;
    all->aged = instance;
}
