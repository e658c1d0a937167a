/* Joining: descriptor tables of processes, and of threads that have separated from their
 * process. */
#include "base/memory.h"
#include "base/crash.h"
#include "core/descriptors.h"

const struct left_out nothing_left_out = {.first = 1, .last = 0};

static struct table *table_make(struct core *core, uint64_t process)
{
    struct table *table = memory_new(sizeof *table);
    table->refs = table->holds = 1;
    table->process = process;
    table->changed = core->changed;
    changes_note(&core->changed->tables, &table->change);
    table->next = core->tables;
    table->back = &core->tables;
    if (table->next)
        table->next->back = &table->next;
    core->tables = table;
    return table;
}

static void let_go(struct table *table)
{
    if (--table->holds > 0)
        return;
    *table->back = table->next;
    if (table->next)
        table->next->back = table->back;
    map_clear(&table->places);
    changes_forget(&table->changed->tables, &table->change);
    free(table);
}

struct table *table_of_process(struct core *core, struct process *process)
{
    if (!process->table) {
        process->table = table_make(core, process->id);
        process_touch(process);
    }
    return process->table;
}

struct table *life_table(struct core *core, const struct life *life)
{
    if (!life->process)
        return NULL;
    return life->own_table ? life->own_table : table_of_process(core, life->process);
}

struct descriptor *table_alive(const struct table *table, int32_t fd)
{
    return descriptor_touch(map_get(&table->places, (uint64_t)fd));
}

struct descriptor *table_place(struct core *core, struct table *table, int32_t fd)
{
    struct descriptor *descriptor = memory_new(sizeof *descriptor);
    changes_note(&core->changed->descriptors, &descriptor->change);
    descriptor->table = table;
    table->holds++;
    descriptor->fd = fd;
    descriptor->refs = 1;
    descriptor->closing_ns = TIME_NONE;
    map_put(&table->places, (uint64_t)fd, descriptor);
    return descriptor;
}

/* No call in progress is left that could prove them. (For a use without a duration, a call at the
 * same instant may follow.) */
static void forget_doubtful(struct descriptor *descriptor)
{
    size_t kept = 0;
    for (size_t i = 0; i < descriptor->doubtful_count; i++)
        if (descriptor->doubtful[i].ns == 0)
            descriptor->doubtful[kept++] = descriptor->doubtful[i];
    descriptor->doubtful_count = kept;
}

void descriptor_drop(struct descriptor *descriptor)
{
    if (!descriptor)
        return;
    descriptor_touch(descriptor);
    if (--descriptor->refs > 0) {
        if (descriptor->refs == 1 && !descriptor->gone && descriptor->doubtful_count > 0)
            forget_doubtful(descriptor);
        return;
    }
    changes_forget(&descriptor->table->changed->descriptors, &descriptor->change);
    descriptor_unpublish(descriptor);
    let_go(descriptor->table);
    free(descriptor->doubtful);
    shared_text_drop(descriptor->name);
    free(descriptor);
}

/* A descriptor whose number is created again ends there, soft; or hard, at the entry of a close of
 * it that is in progress (docs/RESULTS.md, section 8). */
void table_end_replaced(struct core *core, struct table *table, int32_t fd, uint64_t time_ns)
{
    struct descriptor *old = table_alive(table, fd);
    if (!old)
        return;
    bool closing = old->closing_ns != TIME_NONE;
    descriptor_end(core, old, closing ? old->closing_ns : time_ns, closing);
}

struct descriptor *table_create(struct core *core, struct table *table, int32_t fd,
                                uint64_t time_ns)
{
    table_end_replaced(core, table, fd, time_ns);
    struct descriptor *descriptor = table_place(core, table, fd);
    descriptor_prove(core, descriptor, time_ns);
    descriptor->begin_hard = true;
    return descriptor;
}

static int compare_descriptors(const void *a, const void *b)
{
    const struct descriptor *const *left = a, *const *right = b;
    return (*left)->fd < (*right)->fd ? -1 : (*left)->fd > (*right)->fd;
}

struct descriptor **table_all(const struct table *table, size_t *count)
{
    struct descriptor **all = memory_new((table->places.count + 1) * sizeof *all);
    struct descriptor *each;
    *count = 0;
    for (size_t at = 0; (each = map_next(&table->places, &at));)
        all[(*count)++] = descriptor_touch(each);
    qsort(all, *count, sizeof(struct descriptor *), compare_descriptors);
    return all;
}

static void copy_all(struct core *core, const struct table *from, struct table *to,
                     const struct left_out *out, uint64_t time_ns)
{
    size_t count;
    struct descriptor **all = table_all(from, &count);
    for (size_t i = 0; i < count; i++) {
        uint64_t fd = (uint64_t)all[i]->fd;
        if (!all[i]->proven || (out->cloexec && all[i]->cloexec) ||
            (fd >= out->first && fd <= out->last))
            continue;
        struct descriptor *copy = table_create(core, to, all[i]->fd, time_ns);
        copy->kind = all[i]->kind;
        copy->cloexec = all[i]->cloexec;
        copy->name = shared_text_hold(all[i]->name);
    }
    free(all);
}

void table_give_copy(struct core *core, struct table *from, struct process *to, uint64_t time_ns)
{
    copy_all(core, from, table_of_process(core, to), &nothing_left_out, time_ns);
}

static struct table *used_once_more(struct table *table)
{
    table->refs++;
    table->holds++;
    return table;
}

void table_give(struct table *from, struct process *to)
{
    to->table = used_once_more(from);
    process_touch(to);
}

/* The life, which has not exited, leaves the table of its process; `take_table` becomes its own. */
static void part(struct life *life, struct table *take_table)
{
    life->own_table = take_table;
    life_touch(life);
    life->process->parted++;
    life->process->leader_parted |= life->tid == life->process->pid;
}

void life_share_table(struct life *parent, struct life *child)
{
    if (parent->own_table && child->process == parent->process)
        part(child, used_once_more(parent->own_table));
}

static void finish(struct core *core, struct table *table)
{
    size_t count;
    struct descriptor **all = table_all(table, &count);
    for (size_t i = 0; i < count; i++) {
        if (all[i]->proven)
            descriptor_emit_fact(core, all[i]);
        map_remove(&table->places, (uint64_t)all[i]->fd);
        all[i]->gone = true;
        descriptor_drop(all[i]);
    }
    free(all);
}

/* Removes a user; with the last one, the descriptors end. */
static void leave(struct core *core, struct table *table, uint64_t time_ns)
{
    if (--table->refs == 0) {
        size_t count;
        struct descriptor **all = table_all(table, &count);
        for (size_t i = 0; i < count; i++)
            descriptor_end(core, all[i], time_ns, true);
        free(all);
    }
    let_go(table);
}

void process_leave_table(struct core *core, struct process *process, uint64_t time_ns)
{
    struct table *table = process->table;
    process->table = NULL;
    process_touch(process);
    if (table)
        leave(core, table, time_ns);
}

/* Removes and returns the table that the life has of its own; NULL if it has none. */
static struct table *take_own(struct life *life)
{
    struct table *own = life->own_table;
    life->own_table = NULL;
    life_touch(life);
    if (own && life->process->parted > 0)
        life->process->parted--;
    return own;
}

void life_leave_table(struct core *core, struct life *life, uint64_t time_ns)
{
    struct table *own = take_own(life);
    if (own)
        leave(core, own, time_ns);
}

void table_lose_user(struct core *core, struct table *table)
{
    if (--table->refs == 0)
        finish(core, table);
    let_go(table);
}

void life_forget_table(struct core *core, struct life *life)
{
    struct table *own = take_own(life);
    if (own)
        table_lose_user(core, own);
}

void life_move_table(struct life *to, struct life *from)
{
    to->own_table = from->own_table;
    from->own_table = NULL;
    life_touch(to);
    life_touch(from);
}

void life_exec_table(struct core *core, struct life *life, uint64_t time_ns)
{
    static const struct left_out closed = {.cloexec = true, .first = 1, .last = 0};
    struct process *process = life->process;
    assert(process);
    struct table *table = take_own(life);
    process->leader_parted = false;
    if (table) {
        process_leave_table(core, process, time_ns);
        process->table = table;
    }
    table = table_of_process(core, process);
    if (table->refs > 1) {
        process->table = NULL;
        copy_all(core, table, table_of_process(core, process), &closed, time_ns);
        table->refs--;
        let_go(table);
        table = process->table;
    }
    size_t count;
    struct descriptor **all = table_all(table, &count);
    for (size_t i = 0; i < count; i++)
        if (all[i]->cloexec && !mutant("forget-close-on-exec"))
            descriptor_end(core, all[i], time_ns, true);
    free(all);
}

/* Whether any other thread is known to use the life's table. */
static bool is_shared(const struct life *life, const struct table *table)
{
    const struct process *process = life->process;
    assert(table && process);
    return table->refs > 1 || (!life->own_table && process->alive > process->parted + 1);
}

bool life_unshare_table(struct core *core, struct life *life, const struct left_out *out,
                        uint64_t time_ns)
{
    struct process *process = life->process;
    struct table *shared = life_table(core, life);
    if (life->exited || !is_shared(life, shared))
        return false;
    struct table *copy = table_make(core, process->id);
    copy_all(core, shared, copy, out, time_ns);
    if (!life->own_table && process->alive > process->parted + 1) {
        part(life, copy); /* other threads of the process keep the old one */
        return true;
    }
    if (life->own_table)
        life->own_table = copy;
    else
        process->table = copy;
    leave(core, shared, time_ns);
    return true;
}

void tables_finish(struct core *core)
{
    struct table *next;
    for (struct table *table = core->tables; table; table = next) {
        table->holds++;
        finish(core, table);
        next = table->next;
        let_go(table);
    }
}
