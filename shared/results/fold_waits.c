/* Waits of threads, by who ended them or had the CPU. A cell is under the id of that thread until the fold forgets
 * it, and under its name from there on: a thread that waits lives longer than many that wake it. */
#include <stdlib.h>
#include <string.h>

#include "analysis/view.h"
#include "base/memory.h"
#include "results/fold_rows.h"

/* In the kind of a cell, beside enum wait_kind: its name is that of a thread, not an id. */
enum { KIND_NAMED = 1 << 7 };

const char *wait_kind_name(unsigned kind)
{
    static const char *const names[WAIT_KINDS] = {
        [WAKER_UNKNOWN] = "unknown", [WAKER_IDLE] = "idle",       [WAKER_THREAD] = "thread",
        [WAKER_IRQ] = "irq",         [WAKER_SOFTIRQ] = "softirq", [WAKER_TIMER] = "timer",
        [WAKER_VECTOR] = "vector",   [RAN_UNKNOWN] = "unknown",   [RAN_IDLE] = "idle",
        [RAN_THREAD] = "thread",     [RAN_EARLIER] = "earlier"};
    return names[kind];
}

const char *wait_handler_name(unsigned kind, uint32_t number, char room[VIEW_NAME_ROOM])
{
    const struct atom_kind *each;
    for (size_t i = 0; (each = analyses_shown(i)) && strcmp(each->name, wait_kind_name(kind));)
        i++;
    return each && each->view->name ? each->view->name(number, room) : NULL;
}

void fold_take_waits(struct fold *fold, const struct result *result)
{
    const struct cell_key key = {.type = CELL_WAITS,
                                 .kind = (uint8_t)wait_kind_of(result->wait_who),
                                 .path = fold_name_id(fold, result->phase),
                                 .name = wait_by(result->wait_who)};
    wait_cell_merge(&fold_cell_of_thread(fold, &key, result->thread)->wait, &result->wait);
}

/* --- threads that go --- */

struct moving {
    struct cell **cells;
    size_t count, room;
};

static void settle_group(struct fold *fold, struct cell_group *group,
                         bool (*goes)(const struct fold *fold, uint64_t thread))
{
    struct moving moving = {0};
    struct cell *cell;
    for (size_t at = 0; (cell = map_next(&group->cells, &at));)
        for (; cell; cell = cell->next)
            if (cell->key.type == CELL_WAITS && wait_is_by_thread(cell->key.kind) &&
                goes(fold, cell->key.name)) {
                moving.cells =
                    memory_grow(moving.cells, &moving.room, moving.count + 1, sizeof *moving.cells);
                moving.cells[moving.count++] = cell;
            }
    for (size_t i = 0; i < moving.count; i++) {
        cell = moving.cells[i];
        const struct folded_thread *by = fold_thread(fold, cell->key.name);
        fold_take_out(group, cell);
        cell->key.kind |= KIND_NAMED;
        cell->key.name = by ? by->name : NO_NAME;
        fold_move_cell(fold, group, cell);
    }
    free(moving.cells);
}

void fold_settle_waits(struct fold *fold, bool (*goes)(const struct fold *fold, uint64_t thread))
{
    struct cell_group *group;
    for (size_t at = 0; (group = map_next(&fold->groups, &at));)
        settle_group(fold, group, goes);
    const struct folded_thread *thread;
    for (struct id_walk walk = {0}; (thread = id_map_next(&fold->threads, &walk));)
        if (thread->waits)
            settle_group(fold, thread->group, goes);
}

/* --- rows --- */

static bool is_waker(const struct wait_row *row)
{
    return wait_is_of_blocked(row->kind);
}

static int compare_names(const char *a, const char *b)
{
    return !a || !b ? (a != NULL) - (b != NULL) : strcmp(a, b);
}

/* By the key: rows that compare as equal are one. */
static int compare_waits(const void *a, const void *b)
{
    const struct wait_row *left = a, *right = b;
    int order = is_waker(right) - is_waker(left);
    if (order == 0)
        order = fold_rows_compare(left->pid, right->pid);
    if (order == 0)
        order = strcmp(left->phase, right->phase);
    if (order == 0)
        order = strcmp(wait_kind_name(left->kind), wait_kind_name(right->kind));
    if (order == 0)
        order = fold_rows_compare(left->by_pid, right->by_pid);
    if (order == 0)
        order = fold_rows_compare(left->by_tid, right->by_tid);
    if (order == 0)
        order = compare_names(left->by_name, right->by_name);
    return order ? order : fold_rows_compare(left->number, right->number);
}

static void name_thread(const struct fold_rows *rows, const struct cell *cell, struct wait_row *row)
{
    if (cell->key.kind & KIND_NAMED) {
        row->by_name = fold_rows_text(rows, cell->key.name);
        return;
    }
    const struct folded_thread *by = fold_thread(rows->fold, cell->key.name);
    if (!by || !by->fact.id)
        return;
    row->by_tid = by->fact.tid;
    row->by_pid = fold_rows_pid(by->fact.process);
    row->by_name = fold_rows_text(rows, by->name);
    row->by_process = fold_rows_process(rows, row->by_pid);
}

static void add_row(const struct fold_rows *rows, const struct cell *cell, int64_t pid,
                    struct wait_row *row)
{
    *row = (struct wait_row){.pid = pid == PID_NONE ? REPORT_NONE : pid,
                             .phase = fold_rows_text(rows, cell->key.path),
                             .kind = (uint8_t)(cell->key.kind % KIND_NAMED),
                             .by_pid = REPORT_NONE,
                             .by_tid = REPORT_NONE,
                             .number = REPORT_NONE,
                             .cell = cell->wait};
    row->process = fold_rows_process(rows, row->pid);
    if (wait_is_by_thread(row->kind))
        name_thread(rows, cell, row);
    if (wait_is_by_handler(row->kind)) {
        char room[VIEW_NAME_ROOM];
        const char *name = wait_handler_name(row->kind, cell->key.name, room);
        row->number = (int32_t)cell->key.name;
        row->by_name = name ? arena_string(rows->arena, text_of(name)) : NULL;
    }
}

static size_t count_cells(const struct cell_group *const *groups, size_t count)
{
    size_t cells = 0;
    for (size_t i = 0; i < count; i++) {
        const struct cell *cell;
        for (size_t at = 0; (cell = map_next(&groups[i]->cells, &at));)
            for (; cell; cell = cell->next)
                cells += cell->key.type == CELL_WAITS;
    }
    return cells;
}

/* Those of several lives of a number, or of threads whose process nothing tells. */
static size_t merge_rows(struct wait_row *rows, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (kept > 0 && compare_waits(&rows[kept - 1], &rows[i]) == 0)
            wait_cell_merge(&rows[kept - 1].cell, &rows[i].cell);
        else
            rows[kept++] = rows[i];
    }
    return kept;
}

void fold_rows_waits(struct fold_rows *rows, struct session_report *out)
{
    size_t group_count, count = 0;
    const struct cell_group *const *groups = fold_groups(rows->fold, rows->arena, &group_count);
    struct wait_row *all =
        arena_take(rows->arena, (count_cells(groups, group_count) + 1) * sizeof *all);
    for (size_t i = 0; i < group_count; i++) {
        const struct cell *cell;
        for (size_t at = 0; (cell = map_next(&groups[i]->cells, &at));)
            for (; cell; cell = cell->next)
                if (cell->key.type == CELL_WAITS)
                    add_row(rows, cell, groups[i]->pid, &all[count++]);
    }
    qsort(all, count, sizeof *all, compare_waits);
    count = merge_rows(all, count);
    out->wakers = all;
    while (out->waker_count < count && is_waker(&all[out->waker_count]))
        out->waker_count++;
    out->ran_instead = all + out->waker_count;
    out->ran_instead_count = count - out->waker_count;
}
