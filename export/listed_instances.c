#include "export/listed_instances.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/map.h"
#include "results/report.h"

static int by_begin(const void *a, const void *b)
{
    const struct listed_instance *left = a, *right = b;
    if (left->begin_ns != right->begin_ns)
        return left->begin_ns < right->begin_ns ? -1 : 1;
    return (left->order > right->order) - (left->order < right->order);
}

/* --- time --- */

static void add_blocked(struct listed_instance *one, struct text call, uint64_t ns,
                        struct arena *arena)
{
    if (ns == 0)
        return;
    one->blocked_ns += (int64_t)ns;
    for (size_t i = 0; i < one->blocked_count; i++)
        if (text_equal(one->blocked[i].call, call)) {
            one->blocked[i].ns += (int64_t)ns;
            return;
        }
    struct listed_blocked *more = arena_take(arena, (one->blocked_count + 1) * sizeof *more);
    if (one->blocked_count > 0)
        memcpy(more, one->blocked, one->blocked_count * sizeof *more);
    more[one->blocked_count++] = (struct listed_blocked){call, (int64_t)ns};
    one->blocked = more;
}

/* Any of these may be negative, in a correction. */
static void add_time(struct listed_instance *one, const struct export_interval *interval,
                     const struct result *result, struct arena *arena)
{
    const struct time_vector *time = &result->instance->ended.time;
    one->user_ns += (int64_t)time->user_ns;
    one->sys_ns += (int64_t)time->sys_ns;
    one->runnable_ns += (int64_t)time->runnable_ns;
    one->unknown_ns += (int64_t)time->unknown_ns;
    struct interrupted taken = time->interrupted;
    interrupted_by_others(&taken, one->thread_name);
    one->irq_ns += (int64_t)taken.irq_ns;
    one->softirq_ns += (int64_t)taken.softirq_ns;
    add_blocked(one, (struct text){"", 0}, time->blocked_ns, arena);
    for (uint32_t i = 0; i < time->blocked_count; i++)
        add_blocked(one, result_call_name(result, time->blocked_in[i].call), time->blocked_in[i].ns,
                    arena);
    struct text call;
    bool in_call = entities_call_before(interval->entities, result->thread, result->stretch, &call);
    *(in_call ? &one->sys_ns : &one->user_ns) += (int64_t)time->before_running_ns;
    add_blocked(one, call, time->before_blocked_ns, arena);
}

/* --- waits --- */

/* A thread's name, or another waker or reason in parentheses. */
static struct text name_of_wait(const struct export_interval *interval, uint64_t who,
                                struct arena *arena)
{
    enum wait_kind kind = wait_kind_of(who);
    char room[VIEW_NAME_ROOM], whole[2 * VIEW_NAME_ROOM], digits[16];
    if (wait_is_by_thread(kind)) {
        const struct entity *thread = entities_find(interval->entities, wait_by(who));
        return thread && thread->name != NAMES_NONE
                   ? names_text(&interval->entities->names, thread->name)
                   : text_of("(unknown thread)");
    }
    const char *name = NULL;
    if (wait_is_by_handler(kind)) {
        snprintf(digits, sizeof digits, "%" PRId32, (int32_t)wait_by(who));
        name = wait_handler_name(kind, wait_by(who), room);
        name = name ? name : digits;
    }
    snprintf(whole, sizeof whole, "(%s%s%s)", wait_kind_name(kind), name ? " " : "",
             name ? name : "");
    return text_of(arena_string(arena, text_of(whole)));
}

static void add_wait(struct listed_instance *one, struct listed_wait wait)
{
    for (size_t i = 0; i < one->wait_count; i++)
        if (one->waits[i].is_of_blocked == wait.is_of_blocked &&
            text_equal(one->waits[i].by, wait.by)) {
            one->waits[i].ns += wait.ns;
            return;
        }
    one->waits[one->wait_count++] = wait;
}

static void add_waits(struct listed_instance *one, const struct export_interval *interval,
                      struct arena *arena)
{
    const struct ended_instance *ended = &one->content->ended;
    one->waits = arena_take(arena, (ended->wait_count + 1) * sizeof *one->waits);
    for (size_t i = 0; i < ended->wait_count; i++) {
        const struct instance_wait *wait = &ended->waits[i];
        add_wait(one, (struct listed_wait){wait_is_of_blocked(wait_kind_of(wait->who)),
                                           name_of_wait(interval, wait->who, arena),
                                           (int64_t)wait->total_ns});
    }
}

/* --- identity --- */

static struct listed_instance one_of(const struct export_interval *interval,
                                     const struct result *result)
{
    const struct ended_instance *ended = &result->instance->ended;
    struct listed_instance one = {.order = ended->rank.order,
                                  .thread = result->thread,
                                  .phase = result->phase,
                                  .begin_ns = (int64_t)ended->rank.begin_ns + interval->offset_ns,
                                  .process =
                                      entities_process_name(interval->entities, result->thread),
                                  .pid = ended->pid,
                                  .end_tid = ended->end_tid,
                                  .content = result->instance,
                                  .syscalls = ended->calls};
    one.end_ns = one.begin_ns + (int64_t)ended->rank.ns;
    const struct entity *thread = entities_find(interval->entities, result->thread);
    if (!thread)
        return one;
    one.tid = thread->tid;
    if (thread->name != NAMES_NONE)
        one.thread_name = names_text(&interval->entities->names, thread->name);
    if (one.pid == 0)
        one.pid = (int32_t)(uint32_t)thread->process;
    return one;
}

/* --- parents --- */

static bool is_parent_path(struct text path, struct text of)
{
    return of.count > path.count + 1 && of.at[path.count] == '/' &&
           memcmp(of.at, path.at, path.count) == 0 &&
           !memchr(of.at + path.count + 1, '/', of.count - path.count - 1);
}

static bool value_equal(const struct field_value *a, const struct field_value *b)
{
    if (a->type == FIELD_TEXT || b->type == FIELD_TEXT)
        return a->type == b->type && text_equal(a->text, b->text);
    return a->u == b->u; /* numbers, of any type */
}

/* The number of common match fields; -1: one of them differs. */
static int agree(const struct instance_result *a, const struct instance_result *b)
{
    int common = 0;
    for (size_t i = 0; i < a->match_count; i++)
        for (size_t j = 0; j < b->match_count; j++) {
            if (!text_equal(a->names[i], b->names[j]))
                continue;
            if (!value_equal(&a->ended.values[i], &b->ended.values[j]))
                return -1;
            common++;
        }
    return common;
}

/* docs/RESULTS.md, paths: a parent began on the same thread, or its match fields agree. */
static bool may_be_parent(const struct listed_instance *parent, const struct listed_instance *one)
{
    if (parent->end_ns < one->end_ns || parent->pid != one->pid ||
        !is_parent_path(parent->phase, one->phase))
        return false;
    int common = agree(parent->content, one->content);
    return common > 0 || (common == 0 && parent->thread == one->thread);
}

static void find_parents(struct listed_instances *all, struct arena *arena)
{
    const struct listed_instance **open = arena_take(arena, (all->count + 1) * sizeof *open);
    size_t open_count = 0;
    for (size_t i = 0; i < all->count; i++) {
        struct listed_instance *one = &all->at[i];
        size_t kept = 0;
        for (size_t j = 0; j < open_count; j++)
            if (open[j]->end_ns >= one->begin_ns)
                open[kept++] = open[j];
        open_count = kept;
        for (size_t j = open_count; j > 0 && !one->parent; j--)
            if (may_be_parent(open[j - 1], one))
                one->parent = open[j - 1];
        open[open_count++] = one;
    }
}

/* --- the whole --- */

struct listing {
    const struct export_interval *interval;
    struct arena *arena;
    struct listed_instances *out;
    struct map by_order;
};

static void each(struct listing *listing,
                 void (*take)(struct listing *listing, const struct result *result))
{
    const struct export_interval *interval = listing->interval;
    for (size_t i = 0; i < interval->record_count; i++)
        for (size_t j = 0; j < interval->records[i].count; j++)
            if (interval->records[i].results[j].type == RESULT_INSTANCE)
                take(listing, &interval->records[i].results[j]);
}

static void count_one(struct listing *listing, const struct result *result)
{
    listing->out->count += !result->instance->is_correction;
}

static void take_one(struct listing *listing, const struct result *result)
{
    if (result->instance->is_correction)
        return;
    struct listed_instance *one = &listing->out->at[listing->out->count++];
    *one = one_of(listing->interval, result);
    add_waits(one, listing->interval, listing->arena);
}

static void take_time(struct listing *listing, const struct result *result)
{
    struct listed_instance *one = map_get(&listing->by_order, result->instance->ended.rank.order);
    if (one)
        add_time(one, listing->interval, result, listing->arena);
    else
        listing->out->late++;
}

void listed_instances_of(const struct export_interval *interval, struct arena *arena,
                         struct listed_instances *out)
{
    *out = (struct listed_instances){.count = 0};
    struct listing listing = {.interval = interval, .arena = arena, .out = out};
    each(&listing, count_one);
    out->at = arena_take(arena, (out->count + 1) * sizeof *out->at);
    out->count = 0;
    if (interval->any_time) /* else there are no listed instances */
        each(&listing, take_one);
    qsort(out->at, out->count, sizeof *out->at, by_begin);
    for (size_t i = 0; i < out->count; i++)
        map_put(&listing.by_order, out->at[i].order, &out->at[i]);
    each(&listing, take_time);
    map_clear(&listing.by_order);
    find_parents(out, arena);
}
