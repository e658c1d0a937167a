/* Waits of threads, by who ended them or had the CPU. The key has the id of that thread until the
 * fold drops it, then its name: waiting threads often live longer than their wakers.
 *
 * Most keys occur in few results. So the fold only appends them, and merges equal ones whenever the
 * room is used up, or for a report. */
#include <stdlib.h>
#include <string.h>

#include "analysis/view.h"
#include "base/hash.h"
#include "base/memory.h"
#include "results/fold.h"
#include "results/fold_rows.h"

/* Kinds besides enum wait_kind: the other side is a dropped thread. */
enum { WAKER_GONE = 14, RAN_GONE };
static_assert((int)WAIT_KINDS <= (int)WAKER_GONE && RAN_GONE < 1 << WAIT_KIND_BITS,
              "kinds of their own");

static bool is_gone(unsigned kind)
{
    return kind == WAKER_GONE || kind == RAN_GONE;
}

/* `who`, a thread by its id, when that thread is dropped: `by` then stands for it. */
static uint64_t gone_who(uint64_t who, uint32_t by)
{
    assert(wait_is_by_thread(wait_kind_of(who)));
    unsigned kind = wait_kind_of(who) == WAKER_THREAD ? WAKER_GONE : RAN_GONE;
    return (uint64_t)by << WAIT_KIND_BITS | kind;
}

/* The kind when the thread was not dropped yet. */
static unsigned kind_of(uint64_t who)
{
    unsigned kind = (unsigned)wait_kind_of(who);
    return kind == WAKER_GONE ? WAKER_THREAD : kind == RAN_GONE ? RAN_THREAD : kind;
}

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

/* --- sums --- */

/* Waits of which the first room is. */
enum { WAITS_FIRST = 1 << 16 };

static uint64_t hash_of(const struct folded_wait *wait)
{
    uint64_t whose = wait->thread ? wait->thread : (uint64_t)(uint32_t)wait->pid << 32;
    return hash_number(wait->who ^ (uint64_t)wait->path << WAIT_WHO_BITS ^ hash_mix(whose));
}

static bool is_same(const struct folded_wait *a, const struct folded_wait *b)
{
    return a->who == b->who && a->path == b->path && a->pid == b->pid && a->thread == b->thread;
}

static void give_to(struct folded_wait *wait, const struct folded_thread *thread)
{
    wait->pid = (int32_t)fold_pid_of(thread);
    wait->thread = 0;
}

/* Those of a thread become those of its process once that is known. */
static void give_to_process(const struct fold *fold, struct folded_wait *wait)
{
    const struct folded_thread *thread = wait->thread ? fold_thread(fold, wait->thread) : NULL;
    if (thread && thread->fact.process)
        give_to(wait, thread);
}

/* Merges those with one key. */
static void sum_up(const struct fold *fold, struct folded_waits *waits)
{
    size_t places = 16, kept = 0;
    while (places < 2 * waits->count)
        places *= 2;
    assert(waits->count < UINT32_MAX);
    uint32_t *index = memory_new(places * sizeof *index); /* by hash: the position + 1 */
    for (size_t i = 0; i < waits->count; i++) {
        struct folded_wait *wait = &waits->at[i];
        give_to_process(fold, wait);
        size_t at = (size_t)hash_of(wait) & (places - 1);
        while (index[at] > 0 && !is_same(&waits->at[index[at] - 1], wait))
            at = (at + 1) & (places - 1);
        if (index[at] > 0) {
            wait_cell_merge(&waits->at[index[at] - 1].cell, &wait->cell);
            continue;
        }
        waits->at[kept++] = *wait;
        index[at] = (uint32_t)kept;
    }
    waits->count = kept;
    free(index);
}

static void make_room(const struct fold *fold, struct folded_waits *waits)
{
    sum_up(fold, waits);
    if (2 * waits->count >= waits->room)
        waits->at = memory_grow(waits->at, &waits->room,
                                waits->room > 0 ? 2 * waits->room : WAITS_FIRST, sizeof *waits->at);
}

void fold_take_waits(struct fold *fold, const struct waits_result *from)
{
    struct folded_waits *waits = &fold->waits;
    struct folded_thread *thread = fold_thread_at(fold, from->thread);
    struct folded_wait wait = {.thread = thread->fact.process ? 0 : thread->id,
                               .pid = (int32_t)fold_pid_of(thread),
                               .path = fold_name_id(fold, from->phase)};
    thread->result_chunk = fold->chunk;
    for (size_t i = 0; i < from->count; i++) {
        fold_expect_thread(fold, from->at[i].who);
        if (waits->count == waits->room)
            make_room(fold, waits);
        wait.who = from->at[i].who;
        wait.cell = from->at[i].cell;
        waits->at[waits->count++] = wait;
    }
}

/* --- threads to be dropped --- */

void fold_settle_waits(struct fold *fold, bool (*goes)(const struct fold *fold, uint64_t thread))
{
    for (size_t i = 0; i < fold->waits.count; i++) {
        struct folded_wait *wait = &fold->waits.at[i];
        if (wait->thread && goes(fold, wait->thread))
            give_to(wait, fold_thread(fold, wait->thread));
        if (!wait_is_by_thread(wait_kind_of(wait->who)) || !goes(fold, wait_by(wait->who)))
            continue;
        const struct folded_thread *by = fold_thread(fold, wait_by(wait->who));
        wait->who = gone_who(wait->who, by ? by->name : NO_NAME);
    }
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

static void add_row(const struct fold_rows *rows, const struct folded_wait *wait,
                    struct wait_row *row)
{
    unsigned kind = wait_kind_of(wait->who);
    uint32_t by = wait_by(wait->who);
    *row = (struct wait_row){.pid = wait->pid == PID_NONE ? REPORT_NONE : wait->pid,
                             .phase = fold_rows_text(rows, wait->path),
                             .kind = (uint8_t)kind_of(wait->who),
                             .cell = wait->cell};
    row->process = fold_rows_process(rows, row->pid);
    const struct gone_thread gone = {REPORT_NONE, REPORT_NONE, by};
    name_who(rows, by, is_gone(kind) ? &gone : NULL, row);
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
    struct folded_waits waits = rows->fold->waits;
    if (waits.count > 0) {
        waits.at = arena_copy(rows->arena, waits.at, waits.count * sizeof *waits.at);
        sum_up(rows->fold, &waits);
    }
    size_t count = waits.count;
    struct wait_row *all = arena_take(rows->arena, (count + 1) * sizeof *all);
    for (size_t i = 0; i < count; i++)
        add_row(rows, &waits.at[i], &all[i]);
    qsort(all, count, sizeof *all, compare_waits);
    count = merge_rows(all, count);
    out->wakers = all;
    while (out->waker_count < count && is_waker(&all[out->waker_count]))
        out->waker_count++;
    out->ran_instead = all + out->waker_count;
    out->ran_instead_count = count - out->waker_count;
}

/* --- waits of an instance --- */

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
    wait->who = gone_who(wait->who, (uint32_t)at);
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
        const struct gone_thread *gone =
            is_gone(wait_kind_of(wait->who)) ? &instance->gone[wait_by(wait->who)] : NULL;
        all[i] = (struct wait_row){.kind = (uint8_t)kind_of(wait->who),
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
