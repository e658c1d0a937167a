/* Waits of threads, by who ended them or had the CPU. The key has the id of that thread until the
 * fold drops it, then its name: waiting threads often live longer than their wakers. */
#include <stdlib.h>
#include <string.h>

#include "analysis/view.h"
#include "base/memory.h"
#include "results/fold_rows.h"

/* In the kind of a cell, besides enum wait_kind: `who` is the name of a thread, not an id. */
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

/* --- threads to be dropped --- */

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

/* By the key: rows that compare as equal are merged. */
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

static void name_thread(const struct fold_rows *rows, uint32_t id, struct wait_row *row)
{
    const struct folded_thread *by = fold_thread(rows->fold, id);
    if (!by || !by->fact.id)
        return;
    row->by_tid = by->fact.tid;
    row->by_pid = fold_rows_pid(by->fact.process);
    row->by_name = fold_rows_text(rows, by->name);
    row->by_process = fold_rows_process(rows, row->by_pid);
}

/* Sets the other side from `by`; `gone`, if not NULL, has more than its id. */
static void name_who(const struct fold_rows *rows, uint32_t by, const struct gone_thread *gone,
                     struct wait_row *row)
{
    row->by_pid = row->by_tid = row->number = REPORT_NONE;
    if (wait_is_by_thread(row->kind) && gone) {
        row->by_pid = gone->pid;
        row->by_tid = gone->tid;
        row->by_name = fold_rows_text(rows, gone->name);
        row->by_process = fold_rows_process(rows, gone->pid);
    } else if (wait_is_by_thread(row->kind)) {
        name_thread(rows, by, row);
    }
    if (wait_is_by_handler(row->kind)) {
        char room[VIEW_NAME_ROOM];
        const char *name = wait_handler_name(row->kind, by, room);
        row->number = (int32_t)by;
        row->by_name = name ? arena_string(rows->arena, text_of(name)) : NULL;
    }
}

static void add_row(const struct fold_rows *rows, const struct cell *cell, int64_t pid,
                    struct wait_row *row)
{
    *row = (struct wait_row){.pid = pid == PID_NONE ? REPORT_NONE : pid,
                             .phase = fold_rows_text(rows, cell->key.path),
                             .kind = (uint8_t)(cell->key.kind % KIND_NAMED),
                             .cell = cell->wait};
    row->process = fold_rows_process(rows, row->pid);
    const struct gone_thread gone = {REPORT_NONE, REPORT_NONE, cell->key.name};
    name_who(rows, cell->key.name, cell->key.kind & KIND_NAMED ? &gone : NULL, row);
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

/* Merges those of several lives with one number, or of threads with unknown processes. */
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

/* --- waits of an instance --- */

/* Of dropped threads, in the `who` of a wait. Not in enum wait_kind. */
enum { WAKER_GONE = 14, RAN_GONE };
static_assert((int)WAIT_KINDS <= (int)WAKER_GONE && RAN_GONE < 1 << WAIT_KIND_BITS,
              "kinds of their own");

static void settle_wait(const struct fold *fold, struct slow_instance *instance,
                        struct instance_wait *wait)
{
    const struct folded_thread *by = fold_thread(fold, wait_by(wait->who));
    struct gone_thread gone = {REPORT_NONE, REPORT_NONE, by ? by->name : NO_NAME};
    if (by && by->fact.id) {
        gone.pid = fold_rows_pid(by->fact.process);
        gone.tid = by->fact.tid;
    }
    size_t at = instance->gone_count++;
    instance->gone = memory_resize(instance->gone, instance->gone_count, sizeof *instance->gone);
    instance->gone[at] = gone;
    wait->who = (uint64_t)at << WAIT_KIND_BITS |
                (wait_kind_of(wait->who) == WAKER_THREAD ? WAKER_GONE : RAN_GONE);
}

void fold_settle_instance_waits(const struct fold *fold, struct slow_instance *instance,
                                bool (*goes)(const struct fold *fold, uint64_t thread))
{
    struct ended_instance *ended = &instance->content.ended;
    for (size_t i = 0; i < ended->wait_count; i++)
        if (wait_is_by_thread(wait_kind_of(ended->waits[i].who)) &&
            goes(fold, wait_by(ended->waits[i].who)))
            settle_wait(fold, instance, &ended->waits[i]);
}

static int compare_largest(const void *a, const void *b)
{
    const struct wait_row *left = a, *right = b;
    if (is_waker(left) != is_waker(right) || left->cell.total_ns == right->cell.total_ns)
        return compare_waits(a, b);
    return left->cell.total_ns > right->cell.total_ns ? -1 : 1;
}

void fold_rows_instance_waits(const struct fold_rows *rows, const struct slow_instance *instance,
                              struct instance_row *row)
{
    const struct ended_instance *ended = &instance->content.ended;
    size_t count = ended->wait_count;
    struct wait_row *all = arena_take(rows->arena, (count + 1) * sizeof *all);
    for (size_t i = 0; i < count; i++) {
        const struct instance_wait *wait = &ended->waits[i];
        unsigned kind = wait_kind_of(wait->who);
        const struct gone_thread *gone = NULL;
        if (kind == WAKER_GONE || kind == RAN_GONE) {
            gone = &instance->gone[wait_by(wait->who)];
            kind = kind == WAKER_GONE ? WAKER_THREAD : RAN_THREAD;
        }
        all[i] = (struct wait_row){.kind = (uint8_t)kind,
                                   .phase = "",
                                   .pid = REPORT_NONE,
                                   .cell = {.count = wait->count, .total_ns = wait->total_ns}};
        name_who(rows, wait_by(wait->who), gone, &all[i]);
    }
    qsort(all, count, sizeof *all, compare_waits);
    count = merge_rows(all, count);
    qsort(all, count, sizeof *all, compare_largest);
    row->wakers = row->ran_instead = all;
    while (row->waker_count < count && is_waker(&all[row->waker_count]))
        row->waker_count++;
    row->ran_instead += row->waker_count;
    row->ran_instead_count = count - row->waker_count;
}

/* --- interrupts --- */

/* The names of the handlers of an interrupt, separated by commas; NULL: unknown. */
static const char *name_of_irq(const struct session_report *session, struct arena *arena,
                               uint64_t irq)
{
    const struct atom_kind *kind;
    for (size_t i = 0; (kind = analyses_shown(i)) && strcmp(kind->name, "irq") != 0;)
        i++;
    if (!kind)
        return NULL;
    const struct cells_of_kind cells = session_report_cells(session, kind);
    const struct atom_column *number = atom_kind_column(kind, "irq"),
                             *column = atom_kind_column(kind, "name");
    char *names = NULL;
    for (size_t i = 0; i < cells.count; i++) {
        const struct text name = *atom_text_at(cells.at[i], column);
        bool is_new = *atom_number_at(cells.at[i], number) == irq && name.count > 0;
        for (size_t k = 0; k < i && is_new; k++)
            is_new = *atom_number_at(cells.at[k], number) != irq ||
                     !text_equal(*atom_text_at(cells.at[k], column), name);
        if (!is_new)
            continue;
        char *longer = names ? memory_format("%s, %.*s", names, (int)name.count, name.at)
                             : memory_string(name);
        free(names);
        names = longer;
    }
    const char *kept = names ? arena_string(arena, text_of(names)) : NULL;
    free(names);
    return kept;
}

/* Of waits by the thousand, few are of different interrupts. */
struct irq_names {
    const struct session_report *session;
    struct arena *arena;
    struct map known; /* by number + 1; "" is none */
};

static const char *known_name_of_irq(struct irq_names *names, uint64_t irq)
{
    const char *name = map_get(&names->known, irq + 1);
    if (!name) {
        name = name_of_irq(names->session, names->arena, irq);
        map_put(&names->known, irq + 1, (void *)(uintptr_t)(name ? name : ""));
    }
    return name && *name ? name : NULL;
}

static void name_irqs(struct irq_names *names, struct wait_row *waits, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (waits[i].kind == WAKER_IRQ)
            waits[i].by_name = known_name_of_irq(names, (uint64_t)waits[i].number);
}

void session_report_name_irqs(struct session_report *session, struct arena *arena)
{
    struct irq_names names = {.session = session, .arena = arena};
    name_irqs(&names, session->wakers, session->waker_count);
    for (size_t i = 0; i < session->instance_count; i++)
        name_irqs(&names, session->instances[i].wakers, session->instances[i].waker_count);
    map_clear(&names.known);
}
