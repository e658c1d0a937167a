#include <stdlib.h>
#include <string.h>

#include "base/crash.h"
#include "base/memory.h"
#include "model/state.h"

enum { ERRNO_EBADF = 9, F_DUPFD = 0, F_SETFD = 2, F_DUPFD_CLOEXEC = 1030, FD_CLOEXEC = 1 };

static void tell_fact(struct model *model, const struct descriptor *descriptor,
                      const struct text *name)
{
    struct result fact = {.type = RESULT_DESCRIPTOR,
                          .descriptor_fact = {.id = descriptor->id,
                                              .process = descriptor->table->process,
                                              .fd = descriptor->fd,
                                              .begin_ns = descriptor->begin_ns,
                                              .begin_hard = descriptor->begin_hard,
                                              .end_ns = descriptor->end_ns,
                                              .end_hard = descriptor->end_hard,
                                              .ended = descriptor->ended,
                                              .named = name != NULL,
                                              .kind = descriptor->kind}};
    if (name)
        fact.descriptor_fact.name = *name;
    model_tell(model, &fact);
}

void descriptor_tell(struct model *model, const struct descriptor *descriptor)
{
    struct text name = text_of(descriptor->name ? descriptor->name : "");
    tell_fact(model, descriptor, descriptor->name ? &name : NULL);
}

void descriptor_free(struct descriptor *descriptor)
{
    table_unref(descriptor->table);
    free(descriptor->doubtful);
    free(descriptor->name);
    free(descriptor);
}

struct table *table_make(struct model *model, uint64_t process)
{
    struct table *table = memory_new(sizeof *table);
    table->serial = ++model->last_serial;
    table->refs = table->holds = 1;
    table->process = process;
    table_link(model, table);
    return table;
}

void table_link(struct model *model, struct table *table)
{
    table->next = model->tables;
    table->back = &model->tables;
    if (table->next)
        table->next->back = &table->next;
    model->tables = table;
}

void table_unref(struct table *table)
{
    if (--table->holds > 0)
        return;
    *table->back = table->next;
    if (table->next)
        table->next->back = table->back;
    map_clear(&table->places);
    free(table);
}

static struct descriptor *alive(const struct table *table, int32_t fd)
{
    return map_get(&table->places, (uint64_t)fd);
}

/* A new one under a number that is free. */
static struct descriptor *place(struct model *model, struct table *table, int32_t fd)
{
    struct descriptor *descriptor = memory_new(sizeof *descriptor);
    descriptor->serial = ++model->last_serial;
    descriptor->table = table;
    table->holds++;
    descriptor->fd = fd;
    descriptor->refs = 1;
    descriptor->closing_ns = TIME_NONE;
    map_put(&table->places, (uint64_t)fd, descriptor);
    return descriptor;
}

static void prove(struct model *model, struct descriptor *descriptor, uint64_t begin_ns)
{
    descriptor->proven = true;
    descriptor->begin_ns = begin_ns;
    descriptor->id = ++model->last_descriptor_id;
}

static void end(struct model *model, struct descriptor *descriptor, uint64_t time_ns, bool hard)
{
    map_remove(&descriptor->table->places, (uint64_t)descriptor->fd);
    descriptor->ended = true;
    descriptor->end_ns = time_ns;
    descriptor->end_hard = hard;
    if (descriptor->proven)
        descriptor_tell(model, descriptor);
    if (--descriptor->refs == 0)
        descriptor_free(descriptor);
}

/* "If its number is created again without any of these, it ends there, soft (with a close of it
 * in progress: hard, at that close's entry)." */
static void end_replaced(struct model *model, struct table *table, int32_t fd, uint64_t time_ns)
{
    struct descriptor *old = alive(table, fd);
    if (!old)
        return;
    if (old->closing_ns != TIME_NONE)
        end(model, old, old->closing_ns, true);
    else
        end(model, old, time_ns, false);
}

static struct descriptor *create(struct model *model, struct table *table, int32_t fd,
                                 uint64_t time_ns)
{
    end_replaced(model, table, fd, time_ns);
    struct descriptor *descriptor = place(model, table, fd);
    prove(model, descriptor, time_ns);
    descriptor->begin_hard = true;
    return descriptor;
}

static void set_name(struct descriptor *descriptor, struct text name)
{
    if (descriptor->name)
        return;
    descriptor->name = memory_string(name);
    descriptor->retold = false;
}

/* --- tables --- */

static int compare_descriptors(const void *a, const void *b)
{
    const struct descriptor *const *left = a, *const *right = b;
    return (*left)->fd < (*right)->fd ? -1 : (*left)->fd > (*right)->fd;
}

/* All places of the table, by number; *count of them, to be freed. */
static struct descriptor **all_of(const struct table *table, size_t *count)
{
    struct descriptor **all = memory_new((table->places.count + 1) * sizeof *all);
    struct descriptor *each;
    *count = 0;
    for (size_t at = 0; (each = map_next(&table->places, &at));)
        all[(*count)++] = each;
    qsort(all, *count, sizeof(struct descriptor *), compare_descriptors);
    return all;
}

/* What a copy of a table lacks. */
struct left_out {
    bool cloexec;         /* descriptors that are closed on exec */
    uint64_t first, last; /* these numbers; none if last < first */
};

static const struct left_out nothing = {.first = 1, .last = 0};

static void copy_all(struct model *model, const struct table *from, struct table *to,
                     const struct left_out *out, uint64_t time_ns)
{
    size_t count;
    struct descriptor **all = all_of(from, &count);
    for (size_t i = 0; i < count; i++) {
        uint64_t fd = (uint64_t)all[i]->fd;
        if (!all[i]->proven || (out->cloexec && all[i]->cloexec) ||
            (fd >= out->first && fd <= out->last))
            continue;
        struct descriptor *copy = create(model, to, all[i]->fd, time_ns);
        copy->kind = all[i]->kind;
        copy->cloexec = all[i]->cloexec;
        if (all[i]->name)
            set_name(copy, text_of(all[i]->name));
    }
    free(all);
}

struct table *table_of(struct model *model, const struct thread *thread)
{
    return thread->own_table ? thread->own_table : process_table(model, thread->process);
}

void table_copy(struct model *model, struct table *from, struct process *to, uint64_t time_ns)
{
    copy_all(model, from, process_table(model, to), &nothing, time_ns);
}

static struct table *used_once_more(struct table *table)
{
    table->refs++;
    table->holds++;
    return table;
}

void table_share(struct table *from, struct process *to)
{
    to->table = used_once_more(from);
}

/* The thread, which is alive, parts from the table of its process; `take_table` is its own. */
static void part(struct thread *thread, struct table *take_table)
{
    thread->own_table = take_table;
    thread->process->parted++;
    thread->process->leader_parted |= thread->tid == thread->process->pid;
}

void table_share_own(struct thread *parent, struct thread *child)
{
    if (parent->own_table && child->process == parent->process)
        part(child, used_once_more(parent->own_table));
}

void table_finish(struct model *model, struct table *table)
{
    size_t count;
    struct descriptor **all = all_of(table, &count);
    for (size_t i = 0; i < count; i++) {
        if (all[i]->proven)
            descriptor_tell(model, all[i]);
        map_remove(&table->places, (uint64_t)all[i]->fd);
        if (--all[i]->refs == 0)
            descriptor_free(all[i]);
    }
    free(all);
}

/* One user less; the last takes the descriptors with it. */
static void leave(struct model *model, struct table *table, uint64_t time_ns)
{
    if (--table->refs == 0) {
        size_t count;
        struct descriptor **all = all_of(table, &count);
        for (size_t i = 0; i < count; i++)
            end(model, all[i], time_ns, true);
        free(all);
    }
    table_unref(table);
}

void table_release(struct model *model, struct process *process, uint64_t time_ns)
{
    struct table *table = process->table;
    process->table = NULL;
    if (table)
        leave(model, table, time_ns);
}

/* What was the thread's own until now; NULL if it had none. */
static struct table *take_own(struct thread *thread)
{
    struct table *own = thread->own_table;
    thread->own_table = NULL;
    if (own && thread->process->parted > 0)
        thread->process->parted--;
    return own;
}

void table_leave_own(struct model *model, struct thread *thread, uint64_t time_ns)
{
    struct table *own = take_own(thread);
    if (own)
        leave(model, own, time_ns);
}

void table_abandon(struct model *model, struct table *table)
{
    if (--table->refs == 0)
        table_finish(model, table);
    table_unref(table);
}

void table_forget_own(struct model *model, struct thread *thread)
{
    struct table *own = take_own(thread);
    if (own)
        table_abandon(model, own);
}

void table_exec(struct model *model, struct thread *thread, uint64_t time_ns)
{
    static const struct left_out closed = {.cloexec = true, .first = 1, .last = 0};
    struct process *process = thread->process;
    struct table *table = take_own(thread);
    process->leader_parted = false;
    if (table) {
        table_release(model, process, time_ns);
        process->table = table;
    }
    table = process_table(model, process);
    if (table->refs > 1) {
        process->table = NULL;
        copy_all(model, table, process_table(model, process), &closed, time_ns);
        table->refs--;
        table_unref(table);
        table = process->table;
    }
    size_t count;
    struct descriptor **all = all_of(table, &count);
    for (size_t i = 0; i < count; i++)
        if (all[i]->cloexec && !mutant("forget-close-on-exec"))
            end(model, all[i], time_ns, true);
    free(all);
}

/* Whether anybody else is known to use the thread's table. */
static bool is_shared(const struct thread *thread, const struct table *table)
{
    const struct process *process = thread->process;
    return table->refs > 1 ||
           (!thread->own_table && process->alive > process->parted + (thread->exited ? 0u : 1u));
}

/* Gives the thread, or its process if it is alone there, a copy of the table that it shares.
 * False if it shares it with nobody. */
static bool unshare(struct model *model, struct thread *thread, const struct left_out *out,
                    uint64_t time_ns)
{
    struct process *process = thread->process;
    struct table *shared = table_of(model, thread);
    if (thread->exited || !is_shared(thread, shared))
        return false;
    struct table *copy = table_make(model, process->id);
    copy_all(model, shared, copy, out, time_ns);
    if (!thread->own_table && process->alive > process->parted + 1) {
        part(thread, copy); /* other threads of the process go on with the one that was */
        return true;
    }
    if (thread->own_table)
        thread->own_table = copy;
    else
        process->table = copy;
    leave(model, shared, time_ns);
    return true;
}

void descriptor_told(struct model *model, struct table *table, int32_t fd, struct text name,
                     uint64_t time_ns)
{
    struct descriptor *descriptor = alive(table, fd);
    if (!descriptor)
        descriptor = place(model, table, fd);
    if (!descriptor->proven)
        prove(model, descriptor, time_ns);
    if (!descriptor->name && descriptor->kind == DESCRIPTOR_UNKNOWN)
        descriptor->kind = (uint8_t)descriptor_kind_of_name(name);
    set_name(descriptor, name);
}

/* --- uses --- */

void descriptor_bind(struct model *model, struct thread *thread)
{
    struct call_in_progress *call = &thread->call;
    if (!thread->process)
        return;
    call->table = table_of(model, thread);
    call->table->holds++;
    int32_t fd[2];
    open_call_descriptors(&call->open, fd);
    for (unsigned i = 0; i < 2; i++) {
        if (fd[i] < 0)
            continue;
        struct descriptor *used = alive(call->table, fd[i]);
        if (!used)
            used = place(model, call->table, fd[i]);
        used->refs++;
        call->use[i] = used;
        if (call->open.call->role->op == CALL_CLOSE)
            used->closing_ns = call->open.entry_ns;
    }
}

static void tell_uses(struct model *model, const struct descriptor *descriptor, uint64_t thread,
                      uint32_t path, const struct use_cell *cell)
{
    struct result result = {.type = RESULT_USES,
                            .pid = (int32_t)(uint32_t)descriptor->table->process,
                            .descriptor = descriptor->id,
                            .thread = thread,
                            .phase = model_path(model, path),
                            .uses = cell};
    model_tell(model, &result);
}

/* Counts the doubtful uses that an older begin has made certain. */
static void settle_doubtful(struct model *model, struct descriptor *descriptor)
{
    size_t kept = 0;
    for (size_t i = 0; i < descriptor->doubtful_count; i++) {
        struct doubtful_use *use = &descriptor->doubtful[i];
        if (use->entry_ns < descriptor->begin_ns) {
            descriptor->doubtful[kept++] = *use;
            continue;
        }
        struct use_cell cell = {0};
        durations_add(&cell.calls, use->ns);
        tell_uses(model, descriptor, use->thread, use->path, &cell);
    }
    descriptor->doubtful_count = kept;
}

/* A use by a call entered at `entry_ns` that shows the descriptor was there. */
static void prove_since(struct model *model, struct descriptor *descriptor, uint64_t entry_ns)
{
    if (!descriptor->proven) {
        prove(model, descriptor, entry_ns);
        if (descriptor->ended)
            descriptor_tell(model, descriptor);
    } else if (!descriptor->begin_hard && entry_ns < descriptor->begin_ns) {
        descriptor->begin_ns = entry_ns;
        descriptor->retold = false;
        if (descriptor->ended)
            descriptor_tell(model, descriptor);
    }
    if (descriptor->doubtful_count)
        settle_doubtful(model, descriptor);
}

static void doubt(struct descriptor *descriptor, const struct thread *thread, uint64_t entry_ns,
                  uint64_t ns, uint32_t path)
{
    /* Beside its place and this call, others in progress may still prove it. */
    unsigned others = descriptor->refs - (descriptor->ended ? 0u : 1u);
    if (others <= 1) {
        descriptor->doubtful_count = 0;
        return;
    }
    descriptor->doubtful =
        memory_grow(descriptor->doubtful, &descriptor->doubtful_room,
                    descriptor->doubtful_count + 1, sizeof *descriptor->doubtful);
    descriptor->doubtful[descriptor->doubtful_count++] =
        (struct doubtful_use){entry_ns, ns, thread->id, path};
}

struct use {
    uint64_t entry_ns, ns;
    bool bad; /* EBADF: proves nothing */
    uint32_t path;
    uint64_t read_bytes, write_bytes;
};

static void count_use(struct model *model, struct thread *thread, struct descriptor *descriptor,
                      const struct use *use)
{
    /* Entered after a close that has returned meanwhile: whose number it was by then is a race
     * that the events do not tell. */
    if (descriptor->ended && use->entry_ns > descriptor->end_ns)
        return;
    if (!use->bad)
        prove_since(model, descriptor, use->entry_ns);
    if (!descriptor->proven || use->entry_ns < descriptor->begin_ns) {
        if (use->bad)
            doubt(descriptor, thread, use->entry_ns, use->ns, use->path);
        return;
    }
    struct use_cell cell = {.read_bytes = use->read_bytes, .write_bytes = use->write_bytes};
    durations_add(&cell.calls, use->ns);
    tell_uses(model, descriptor, thread->id, use->path, &cell);
}

static void count_uses(struct model *model, struct thread *thread, struct call_in_progress *call,
                       const struct call_exit *exit)
{
    const struct call_role *role = call->open.call->role;
    uint64_t bytes = exit->ret > 0 ? (uint64_t)exit->ret : 0;
    for (unsigned i = 0; i < 2; i++) {
        if (!call->use[i])
            continue;
        struct use use = {.entry_ns = call->open.entry_ns,
                          .ns = exit->time_ns - call->open.entry_ns,
                          .bad = exit->ret == -ERRNO_EBADF,
                          .path = call->path};
        bool transfer = role->flags & CALL_TRANSFER;
        if (transfer ? i == 0 : (role->flags & CALL_READS) != 0)
            use.read_bytes = bytes;
        if (transfer ? i == 1 : (role->flags & CALL_WRITES) != 0)
            use.write_bytes = bytes;
        count_use(model, thread, call->use[i], &use);
    }
}

/* --- operations --- */

static bool has_cloexec(const struct open_call *open)
{
    const struct call_role *role = open->call->role;
    if (role->flags & CALL_CLOEXEC)
        return true;
    return role->cloexec_flag && (open->present & 4) &&
           ((uint64_t)open->value[2] & role->cloexec_flag);
}

static void duplicate(struct model *model, struct table *table, int64_t from, int64_t to,
                      bool cloexec, uint64_t time_ns)
{
    const struct descriptor *source = alive(table, (int32_t)from);
    char *name = source && source->name ? memory_string(text_of(source->name)) : NULL;
    uint8_t kind = source ? source->kind : DESCRIPTOR_UNKNOWN;
    struct descriptor *copy = create(model, table, (int32_t)to, time_ns);
    copy->name = name;
    copy->kind = kind;
    copy->cloexec = cloexec;
}

static void close_range(struct model *model, struct thread *thread, uint64_t exit_ns)
{
    const struct open_call *open = &thread->call.open;
    uint64_t first = (uint32_t)open->value[0], last = (uint32_t)open->value[1];
    int64_t flags = open->present & 4 ? open->value[2] : 0;
    bool mark = flags & CALL_CLOSE_RANGE_CLOEXEC;
    /* A copy that lacks the range is what closing it there would leave. */
    struct left_out range = {.first = first, .last = last};
    bool copied = (flags & CALL_CLOSE_RANGE_UNSHARE) &&
                  unshare(model, thread, mark ? &nothing : &range, exit_ns);
    if (copied && !mark)
        return;
    const struct table *table = table_of(model, thread);
    size_t count;
    struct descriptor **all = all_of(table, &count);
    for (size_t i = 0; i < count; i++) {
        uint64_t fd = (uint64_t)all[i]->fd;
        if (fd < first || fd > last)
            continue;
        if (mark)
            all[i]->cloexec = true;
        else if (!all[i]->proven || all[i]->begin_ns <= open->entry_ns)
            end(model, all[i], open->entry_ns, true);
    }
    free(all);
}

static void operate(struct model *model, struct thread *thread, struct table *table,
                    const struct call_exit *exit)
{
    const struct open_call *open = &thread->call.open;
    const struct call_role *role = open->call->role;
    bool success = !ret_is_error(exit->ret);
    bool number = success && exit->ret >= 0 && exit->ret <= INT32_MAX;
    switch (role->op) {
    case CALL_SIGNALFD:
        if ((open->present & 8) && (int32_t)open->value[3] >= 0)
            return;
        /* fall through */
    case CALL_CREATE:
        if (number) {
            struct descriptor *created = create(model, table, (int32_t)exit->ret, exit->time_ns);
            created->kind = role->kind;
            created->cloexec = has_cloexec(open);
            if (open_call_names(open))
                set_name(created, open->text);
        }
        return;
    case CALL_CREATE_PAIR:
        for (unsigned i = 0; success && exit->pair && i < 2; i++) {
            if (exit->pair[i] < 0 || exit->pair[i] > INT32_MAX)
                continue;
            struct descriptor *created =
                create(model, table, (int32_t)exit->pair[i], exit->time_ns);
            created->kind = role->kind;
            created->cloexec = has_cloexec(open);
        }
        return;
    case CALL_DUP:
        if (number)
            duplicate(model, table, open->value[0], exit->ret, false, exit->time_ns);
        return;
    case CALL_DUP2:
        if (number && exit->ret != open->value[0]) {
            struct descriptor *onto = alive(table, (int32_t)exit->ret);
            if (onto)
                end(model, onto, exit->time_ns, true);
            duplicate(model, table, open->value[0], exit->ret, has_cloexec(open), exit->time_ns);
        }
        return;
    case CALL_FCNTL:
        if (!(open->present & 2) || !success)
            return;
        if (number && (open->value[1] == F_DUPFD || open->value[1] == F_DUPFD_CLOEXEC))
            duplicate(model, table, open->value[0], exit->ret, open->value[1] == F_DUPFD_CLOEXEC,
                      exit->time_ns);
        else if (open->value[1] == F_SETFD && thread->call.use[0] && (open->present & 8))
            thread->call.use[0]->cloexec = open->value[3] & FD_CLOEXEC;
        return;
    case CALL_CLOSE: {
        struct descriptor *closed = thread->call.use[0];
        if (closed && !closed->ended)
            end(model, closed, open->entry_ns, exit->ret != -ERRNO_EBADF);
        return;
    }
    case CALL_CLOSE_RANGE:
        if (success && (open->present & 3) == 3)
            close_range(model, thread, exit->time_ns);
        return;
    case CALL_UNSHARE:
        if (success && (open->present & 4) && (open->value[2] & CALL_CLONE_FILES))
            unshare(model, thread, &nothing, exit->time_ns);
        return;
    case CALL_PLAIN:
    case CALL_EXEC:
    case CALL_CLONE:
    case CALL_SIGRETURN: return;
    }
}

void descriptor_complete(struct model *model, struct thread *thread, const struct call_exit *exit)
{
    struct call_in_progress *call = &thread->call;
    if (call->table)
        count_uses(model, thread, call, exit);
    if (thread->process)
        operate(model, thread, table_of(model, thread), exit);
}

void descriptor_exit_alone(struct model *model, struct thread *thread, const struct syscall *call,
                           const struct call_exit *exit)
{
    if (!thread->process)
        return;
    const struct call_role *role = call->role;
    struct table *table = table_of(model, thread);
    bool number = exit->ret >= 0 && exit->ret <= INT32_MAX;
    if (number && (role->op == CALL_CREATE || role->op == CALL_SIGNALFD))
        create(model, table, (int32_t)exit->ret, exit->time_ns)->kind = role->kind;
    else if (number && role->op == CALL_DUP)
        create(model, table, (int32_t)exit->ret, exit->time_ns);
    else if (number && role->op == CALL_DUP2) {
        struct descriptor *onto = alive(table, (int32_t)exit->ret);
        if (onto)
            end(model, onto, exit->time_ns, true);
        create(model, table, (int32_t)exit->ret, exit->time_ns);
    } else if (role->op == CALL_CREATE_PAIR && exit->ret == 0 && exit->pair)
        for (unsigned i = 0; i < 2; i++)
            if (exit->pair[i] >= 0 && exit->pair[i] <= INT32_MAX)
                create(model, table, (int32_t)exit->pair[i], exit->time_ns)->kind = role->kind;
}

/* --- pieces --- */

void descriptor_uses(struct model *model, struct thread *thread, const struct uses_piece *uses)
{
    if (!thread->process)
        return;
    struct table *table = table_of(model, thread);
    struct descriptor *used = alive(table, uses->fd);
    if (!used)
        used = place(model, table, uses->fd);
    if (uses->proven_ns != TIME_NONE)
        prove_since(model, used, uses->proven_ns);
    if (used->proven)
        tell_uses(model, used, thread->id, phase_of_call(model, thread, uses->label), &uses->cell);
}

/* One that has ended takes no place: it is told at once. */
static void tell_whole_life(struct model *model, const struct thread *thread, struct table *table,
                            const struct life_piece *life)
{
    end_replaced(model, table, life->fd, life->begin_ns);
    struct descriptor whole = {.serial = ++model->last_serial,
                               .id = ++model->last_descriptor_id,
                               .table = table,
                               .fd = life->fd,
                               .begin_hard = true,
                               .begin_ns = life->begin_ns,
                               .kind = life->kind,
                               .ended = true,
                               .end_hard = true,
                               .end_ns = life->end_ns};
    tell_fact(model, &whole, life->named ? &life->name : NULL);
    if (life->cell.calls.count)
        tell_uses(model, &whole, thread->id, phase_of_call(model, thread, life->label),
                  &life->cell);
}

void descriptor_life(struct model *model, struct thread *thread, const struct life_piece *life)
{
    if (!thread->process)
        return;
    struct table *table = table_of(model, thread);
    if (life->ended) {
        tell_whole_life(model, thread, table, life);
        return;
    }
    struct descriptor *created = create(model, table, life->fd, life->begin_ns);
    created->kind = life->kind;
    created->cloexec = life->cloexec;
    if (life->named)
        set_name(created, life->name);
    if (life->cell.calls.count)
        tell_uses(model, created, thread->id, phase_of_call(model, thread, life->label),
                  &life->cell);
}
