/* The slowest instances, as rows. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "results/fold_rows.h"

/* Assigns the time before the first call of the thread's stretch, if that call is known. */
static void resolve_before(struct time_vector *time, const struct folded_thread *thread,
                           uint32_t stretch)
{
    const struct before before = {.stretch = stretch,
                                  .running_ns = time->before_running_ns,
                                  .blocked_ns = time->before_blocked_ns,
                                  .interrupted_ns = time->interrupted.before_ns};
    if (!time_vector_has_before(time))
        return;
    time->before_running_ns = time->before_blocked_ns = time->interrupted.before_ns = 0;
    fold_add_before(time, thread, &before);
}

void fold_settle_instance(const struct fold *fold, struct slow_instance *instance)
{
    const struct folded_thread *thread = fold_thread(fold, instance->thread);
    instance->tid = thread->fact.id ? thread->fact.tid : TID_UNKNOWN;
    instance->name = thread->name;
    resolve_before(&instance->content.ended.time, thread, instance->stretch);
    instance->thread = 0;
}

static struct field_value copy_value(struct arena *arena, struct field_value value)
{
    if (value.type == FIELD_TEXT)
        value.text.at = arena_string(arena, value.text);
    return value;
}

/* The values from `from` to `to`, each name once. */
static struct named_values values_of(const struct fold_rows *rows,
                                     const struct instance_result *content, size_t from, size_t to)
{
    struct named_value *at = arena_take(rows->arena, (to - from + 1) * sizeof *at);
    size_t count = 0;
    for (size_t i = from; i < to; i++) {
        size_t same = from;
        while (!text_equal(content->names[same], content->names[i]))
            same++;
        if (same == i)
            at[count++] = (struct named_value){arena_string(rows->arena, content->names[i]),
                                               copy_value(rows->arena, content->ended.values[i])};
    }
    return (struct named_values){at, count};
}

static void fill_time(const struct fold_rows *rows, const struct slow_instance *instance,
                      const struct folded_thread *thread, struct instance_row *row)
{
    struct time_vector time = {0};
    time_vector_merge(&time, &instance->content.ended.time);
    if (thread)
        resolve_before(&time, thread, instance->stretch);
    row->user_cpu_ns = time.user_ns;
    row->sys_cpu_ns = time.sys_ns;
    row->interrupted = fold_rows_interrupted(&time, text_of(row->name ? row->name : ""));
    row->runnable_ns = time.runnable_ns;
    row->unknown_ns = time.unknown_ns;
    row->blocked_by = fold_rows_blocked(rows, &time, &row->blocked_ns);
    time_vector_free(&time);
}

static int64_t tid_or_none(int32_t tid)
{
    return tid > 0 ? tid : REPORT_NONE;
}

static void fill_row(const struct fold_rows *rows, int64_t pid, uint32_t path,
                     const struct slow_instance *instance, struct instance_row *row)
{
    const struct ended_instance *ended = &instance->content.ended;
    const struct folded_thread *thread =
        instance->thread ? fold_thread(rows->fold, instance->thread) : NULL;
    bool is_known = thread && thread->fact.id;
    *row = (struct instance_row){
        .pid = pid == PID_NONE ? REPORT_NONE : pid,
        .phase = fold_rows_text(rows, path),
        .order = ended->rank.order,
        .tid = tid_or_none(thread ? (is_known ? thread->fact.tid : TID_UNKNOWN) : instance->tid),
        .name = fold_rows_text(rows, thread ? thread->name : instance->name),
        .begin_ns = fold_rows_wall(rows->fold, ended->rank.begin_ns),
        .end_ns = fold_rows_wall(rows->fold, ended->rank.begin_ns + ended->rank.ns),
        .total_ns = ended->rank.ns,
        .queued_ns = ended->queued_ns,
        .parallel_ns = ended->parallel_ns,
        .syscalls = ended->calls};
    row->end_tid = ended->end_tid ? tid_or_none(ended->end_tid) : row->tid;
    row->process = fold_rows_process(rows, row->pid);
    const struct instance_result *values = &instance->content;
    row->match = values_of(rows, values, 0, values->match_count);
    row->captured = values_of(rows, values, values->match_count, ended->value_count);
    fill_time(rows, instance, thread, row);
    fold_rows_instance_waits(rows, instance, row);
}

static int compare_rows(const void *a, const void *b)
{
    const struct instance_row *left = a, *right = b;
    int order = fold_rows_compare(left->pid, right->pid);
    if (order == 0)
        order = strcmp(left->phase, right->phase);
    if (order)
        return order;
    struct instance_rank x = {left->total_ns, (uint64_t)left->begin_ns, left->order};
    struct instance_rank y = {right->total_ns, (uint64_t)right->begin_ns, right->order};
    return instance_rank_compare(&x, &y);
}

/* With an unknown process, several cells have one row's pid: the instances to keep, as a list in
 * `slowest`, borrowed. */
struct unknown_events {
    struct unknown_events *next; /* of the same path */
    uint32_t path;
    struct slowest slowest;
};

static struct slowest *unknown_events_list(struct fold_rows *rows, struct map *all, uint32_t path,
                                           struct slowest_rule rule)
{
    struct unknown_events *first = map_get(all, path);
    for (struct unknown_events *each = first; each; each = each->next)
        if (slowest_rule_equal(each->slowest.rule, rule))
            return &each->slowest;
    struct unknown_events *made = arena_take(rows->arena, sizeof *made);
    *made = (struct unknown_events){.next = first, .path = path};
    slowest_init(&made->slowest, rule);
    map_put(all, path, made);
    return &made->slowest;
}

/* Rows being made. */
struct rows_made {
    struct instance_row *at; /* owned */
    size_t count, room;
};

static void add_row(const struct fold_rows *rows, int64_t pid, uint32_t path,
                    const struct slow_instance *instance, struct rows_made *made)
{
    made->at = memory_grow(made->at, &made->room, made->count + 1, sizeof *made->at);
    fill_row(rows, pid, path, instance, &made->at[made->count++]);
}

static void add_cell(struct fold_rows *rows, int64_t pid, const struct cell *cell,
                     struct map *unknown_events, struct rows_made *made)
{
    struct slow_instance *instance;
    for (size_t i = 0; (instance = slow_instances_next(&cell->slow, &i));) {
        if (pid != PID_NONE)
            add_row(rows, pid, cell->key.path, instance, made);
        else
            (void)slowest_put(
                unknown_events_list(rows, unknown_events, cell->key.path, instance->content.rule),
                instance->content.ended.rank, instance);
    }
}

static void add_unknown_events(struct fold_rows *rows, struct map *unknown_events,
                               struct rows_made *made)
{
    struct unknown_events *each;
    for (size_t at = 0; (each = map_next(unknown_events, &at));)
        for (; each; each = each->next) {
            for (size_t i = 0; i < each->slowest.count; i++)
                add_row(rows, PID_NONE, each->path, each->slowest.at[i].item, made);
            slowest_clear(&each->slowest);
        }
    map_clear(unknown_events);
}

void fold_rows_instances(struct fold_rows *rows, struct session_report *out)
{
    struct map unknown_events = {.count = 0};
    struct rows_made made = {.count = 0};
    size_t count;
    const struct cell_group **groups = fold_groups(rows->fold, rows->arena, &count);
    for (size_t i = 0; i < count; i++) {
        const struct cell *cell;
        for (size_t at = 0; (cell = map_next(&groups[i]->cells, &at));)
            for (; cell; cell = cell->next)
                if (cell->key.type == CELL_SLOW)
                    add_cell(rows, groups[i]->pid, cell, &unknown_events, &made);
    }
    add_unknown_events(rows, &unknown_events, &made);
    out->instances = arena_take(rows->arena, (made.count + 1) * sizeof *out->instances);
    out->instance_count = made.count;
    if (made.count > 0) {
        qsort(made.at, made.count, sizeof *made.at, compare_rows);
        memcpy(out->instances, made.at, made.count * sizeof *made.at);
    }
    free(made.at);
}
