/* Joining: the effects of system calls and state dumps on descriptors. */
#include "base/memory.h"
#include "core/descriptors.h"

enum { ERRNO_EBADF = 9, F_DUPFD = 0, F_SETFD = 2, F_DUPFD_CLOEXEC = 1030, FD_CLOEXEC = 1 };

/* --- results --- */

/* `name`: its name, if it is emitted. */
static void emit_fact(struct core *core, const struct descriptor *descriptor,
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
    core_emit(core, &fact);
}

void descriptor_emit_fact(struct core *core, const struct descriptor *descriptor)
{
    struct text name = shared_text_text(descriptor->name);
    emit_fact(core, descriptor, descriptor->name ? &name : NULL);
}

void descriptor_emit_uses(struct core *core, const struct descriptor *descriptor, life_name thread,
                          uint32_t label, const struct use_cell *cell, bool lasts)
{
    struct result result = {.type = RESULT_USES,
                            .lasts = lasts,
                            .pid = (int32_t)(uint32_t)descriptor->table->process,
                            .descriptor = descriptor->id,
                            .thread = thread,
                            .phase = names_text(&core->paths, label),
                            .uses = cell};
    core_emit(core, &result);
}

/* --- begin and end --- */

static void prove(struct core *core, struct descriptor *descriptor, uint64_t begin_ns)
{
    descriptor->proven = true;
    descriptor->begin_ns = begin_ns;
    descriptor->id = ++core->last_descriptor;
}

/* Counts the doubtful uses that an earlier begin has proven. */
static void settle_doubtful(struct core *core, struct descriptor *descriptor)
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
        descriptor_emit_uses(core, descriptor, use->thread, use->label, &cell, false);
    }
    descriptor->doubtful_count = kept;
}

void descriptor_prove(struct core *core, struct descriptor *descriptor, uint64_t begin_ns)
{
    bool news = true;
    descriptor_touch(descriptor);
    if (!descriptor->proven)
        prove(core, descriptor, begin_ns);
    else if (!descriptor->begin_hard && begin_ns < descriptor->begin_ns)
        descriptor->begin_ns = begin_ns;
    else
        news = false;
    if (news)
        descriptor_not_published(descriptor);
    if (news && descriptor->gone)
        descriptor_emit_fact(core, descriptor);
    if (descriptor->doubtful_count)
        settle_doubtful(core, descriptor);
}

void descriptor_end(struct core *core, struct descriptor *descriptor, uint64_t time_ns, bool hard)
{
    bool was_gone = descriptor->gone;
    descriptor_touch(descriptor);
    descriptor->gone = descriptor->ended = true;
    descriptor->end_ns = time_ns;
    descriptor->end_hard = hard;
    if (descriptor->proven)
        descriptor_emit_fact(core, descriptor);
    if (was_gone)
        return;
    map_remove(&descriptor->table->places, (uint64_t)descriptor->fd);
    descriptor_drop(descriptor);
}

void descriptor_set_name(struct descriptor *descriptor, struct text name)
{
    if (descriptor->name)
        return;
    descriptor->name = shared_text_new(name);
    descriptor_touch(descriptor);
    descriptor_not_published(descriptor);
}

void descriptor_dumped(struct core *core, struct table *table, const struct event *event)
{
    int32_t fd = (int32_t)event->value[2];
    struct descriptor *descriptor = table_alive(table, fd);
    if (!descriptor)
        descriptor = table_place(core, table, fd);
    if (!descriptor->proven)
        descriptor_prove(core, descriptor, event->time_ns);
    if (!descriptor->name && descriptor->kind == DESCRIPTOR_UNKNOWN)
        descriptor->kind = (uint8_t)descriptor_kind_of_name(event->text[0]);
    descriptor_set_name(descriptor, event->text[0]);
}

void descriptor_pass(struct core *core, struct table *table, const struct passed *passed,
                     life_name thread, uint32_t label)
{
    const struct descriptor described = {.table = table,
                                         .id = ++core->last_descriptor,
                                         .fd = passed->fd,
                                         .proven = true,
                                         .begin_hard = true,
                                         .ended = true,
                                         .end_hard = passed->end_hard,
                                         .kind = passed->kind,
                                         .begin_ns = passed->begin_ns,
                                         .end_ns = passed->end_ns};
    emit_fact(core, &described, passed->named ? &passed->name : NULL);
    if (passed->uses.calls.count)
        descriptor_emit_uses(core, &described, thread, label, &passed->uses, false);
}

/* --- uses --- */

static struct open_call open_of(const struct life *life)
{
    struct open_call open = {.call = life->open_call,
                             .entry_ns = life->entry_ns,
                             .present = life->open_present,
                             .text = life->open_text};
    memcpy(open.value, life->open_value, sizeof open.value);
    return open;
}

void descriptors_bind(struct core *core, struct life *life)
{
    struct table *table = life_table(core, life);
    if (!table)
        return;
    struct open_call open = open_of(life);
    struct call_descriptors fds = call_descriptors(open.call, open.present, open.value);
    const int32_t fd[] = {fds.first, fds.second};
    for (unsigned i = 0; i < 2; i++) {
        if (fd[i] < 0)
            continue;
        struct descriptor *used = table_alive(table, fd[i]);
        if (!used)
            used = table_place(core, table, fd[i]);
        used->refs++;
        life->used[i] = used;
        if (open.call->role->op == CALL_CLOSE)
            used->closing_ns = open.entry_ns;
    }
}

void descriptors_release(struct life *life)
{
    for (unsigned i = 0; i < 2; i++) {
        descriptor_drop(life->used[i]);
        life->used[i] = NULL;
    }
}

/* A later begin cannot prove older doubtful uses. */
static void forget_older(struct descriptor *descriptor, uint64_t entry_ns)
{
    size_t kept = 0;
    for (size_t i = 0; i < descriptor->doubtful_count; i++)
        if (descriptor->doubtful[i].entry_ns >= entry_ns)
            descriptor->doubtful[kept++] = descriptor->doubtful[i];
    descriptor->doubtful_count = kept;
}

static void doubt(struct descriptor *descriptor, const struct doubtful_use *use)
{
    unsigned others = descriptor->refs - (descriptor->gone ? 0u : 1u);
    descriptor_touch(descriptor);
    if (others <= 1) /* no other call in progress */
        forget_older(descriptor, use->entry_ns);
    descriptor->doubtful = memory_grow(descriptor->doubtful, &descriptor->doubtful_room,
                                       descriptor->doubtful_count + 1, sizeof *use);
    descriptor->doubtful[descriptor->doubtful_count++] = *use;
}

void descriptor_count_use(struct core *core, struct descriptor *descriptor, const struct use *use)
{
    /* Entered after a close that has returned meanwhile: a race, and the events do not show which
     * descriptor was used. */
    if (descriptor->ended && use->entry_ns > descriptor->end_ns)
        return;
    if (!use->bad)
        descriptor_prove(core, descriptor, use->entry_ns);
    if (descriptor->proven && use->entry_ns >= descriptor->begin_ns)
        descriptor_emit_uses(core, descriptor, use->thread, use->label, &use->cell, false);
    else if (use->bad)
        doubt(descriptor, &(struct doubtful_use){.entry_ns = use->entry_ns,
                                                 .ns = use->cell.calls.max_ns,
                                                 .thread = use->thread,
                                                 .label = use->label});
}

static void count_uses(struct core *core, struct life *life, const struct event *exit)
{
    uint8_t flags = life->open_call->role->flags;
    int64_t ret = exit->value[0];
    uint64_t bytes = ret > 0 ? (uint64_t)ret : 0;
    for (unsigned i = 0; i < 2; i++) {
        if (!life->used[i])
            continue;
        struct use use = {.thread = life->name,
                          .label = life->open_label,
                          .entry_ns = life->entry_ns,
                          .bad = ret == -ERRNO_EBADF};
        durations_add(&use.cell.calls, exit->time_ns - life->entry_ns);
        bool transfer = flags & CALL_TRANSFER;
        if (transfer ? i == 0 : (flags & CALL_READS) != 0)
            use.cell.read_bytes = bytes;
        if (transfer ? i == 1 : (flags & CALL_WRITES) != 0)
            use.cell.write_bytes = bytes;
        descriptor_count_use(core, life->used[i], &use);
    }
}

/* --- operations --- */

bool call_closes_on_exec(const struct life *life)
{
    const struct call_role *role = life->open_call->role;
    if (role->flags & CALL_CLOEXEC)
        return true;
    return role->cloexec_flag && (life->open_present & 4) &&
           ((uint64_t)life->open_value[2] & role->cloexec_flag);
}

static struct descriptor *created(struct core *core, struct table *table, int64_t fd,
                                  const struct life *life, uint64_t time_ns)
{
    struct descriptor *created = table_create(core, table, (int32_t)fd, time_ns);
    created->kind = life->open_call->role->kind;
    created->cloexec = call_closes_on_exec(life);
    return created;
}

struct descriptor *table_duplicate(struct core *core, struct table *table, int64_t from, int64_t to,
                                   bool cloexec, uint64_t time_ns)
{
    const struct descriptor *source = table_alive(table, (int32_t)from);
    /* Held now: the source may end with what the copy replaces. */
    struct shared_text *name = shared_text_hold(source ? source->name : NULL);
    uint8_t kind = source ? source->kind : DESCRIPTOR_UNKNOWN;
    struct descriptor *copy = table_create(core, table, (int32_t)to, time_ns);
    copy->name = name;
    copy->kind = kind;
    copy->cloexec = cloexec;
    return copy;
}

void table_end_onto(struct core *core, struct table *table, int64_t fd, uint64_t time_ns)
{
    struct descriptor *onto = table_alive(table, (int32_t)fd);
    if (onto)
        descriptor_end(core, onto, time_ns, true);
}

static void close_range(struct core *core, struct life *life, uint64_t exit_ns)
{
    uint64_t first = (uint32_t)life->open_value[0], last = (uint32_t)life->open_value[1];
    int64_t flags = life->open_present & 4 ? life->open_value[2] : 0;
    bool mark = flags & CALL_CLOSE_RANGE_CLOEXEC;
    /* A copy without the range is equivalent to closing the range in a copy. */
    struct left_out range = {.first = first, .last = last};
    bool copied = (flags & CALL_CLOSE_RANGE_UNSHARE) &&
                  life_unshare_table(core, life, mark ? &nothing_left_out : &range, exit_ns);
    if (copied && !mark)
        return;
    size_t count;
    struct descriptor **all = table_all(life_table(core, life), &count);
    for (size_t i = 0; i < count; i++) {
        uint64_t fd = (uint64_t)all[i]->fd;
        if (fd < first || fd > last)
            continue;
        if (mark)
            all[i]->cloexec = true;
        else if (!all[i]->proven || all[i]->begin_ns <= life->entry_ns)
            descriptor_end(core, all[i], life->entry_ns, true);
    }
    free(all);
}

static void on_fcntl(struct core *core, struct life *life, struct table *table,
                     const struct event *exit)
{
    int64_t command = life->open_value[1], ret = exit->value[0];
    if (!(life->open_present & 2) || ret_is_error(ret))
        return;
    if (is_descriptor_number(ret) && (command == F_DUPFD || command == F_DUPFD_CLOEXEC))
        table_duplicate(core, table, life->open_value[0], ret, command == F_DUPFD_CLOEXEC,
                        exit->time_ns);
    else if (command == F_SETFD && life->used[0] && (life->open_present & 8))
        descriptor_touch(life->used[0])->cloexec = life->open_value[3] & FD_CLOEXEC;
}

static void on_create(struct core *core, struct life *life, struct table *table,
                      const struct event *exit)
{
    const struct call_role *role = life->open_call->role;
    if (role->op == CALL_SIGNALFD && (life->open_present & 8) && (int32_t)life->open_value[3] >= 0)
        return; /* an existing descriptor was passed */
    struct open_call open = open_of(life);
    struct descriptor *new = created(core, table, exit->value[0], life, exit->time_ns);
    if (open_call_names(&open))
        descriptor_set_name(new, open.text);
}

static void on_dup2(struct core *core, struct life *life, struct table *table,
                    const struct event *exit)
{
    int64_t ret = exit->value[0];
    if (ret == life->open_value[0])
        return;
    table_end_onto(core, table, ret, exit->time_ns);
    table_duplicate(core, table, life->open_value[0], ret, call_closes_on_exec(life),
                    exit->time_ns);
}

static void operate(struct core *core, struct life *life, struct table *table,
                    const struct event *exit)
{
    int64_t ret = exit->value[0];
    bool success = !ret_is_error(ret), number = is_descriptor_number(ret);
    switch (life->open_call->role->op) {
    case CALL_SIGNALFD:
    case CALL_CREATE:
        if (number)
            on_create(core, life, table, exit);
        return;
    case CALL_CREATE_PAIR:
        for (unsigned i = 0; success && exit->int_count >= 2 && i < 2; i++)
            if (is_descriptor_number(exit->ints[i]))
                created(core, table, exit->ints[i], life, exit->time_ns);
        return;
    case CALL_DUP:
        if (number)
            table_duplicate(core, table, life->open_value[0], ret, false, exit->time_ns);
        return;
    case CALL_DUP2:
        if (number)
            on_dup2(core, life, table, exit);
        return;
    case CALL_FCNTL: on_fcntl(core, life, table, exit); return;
    case CALL_CLOSE:
        if (life->used[0] && !life->used[0]->ended)
            descriptor_end(core, life->used[0], life->entry_ns, ret != -ERRNO_EBADF);
        return;
    case CALL_CLOSE_RANGE:
        if (success && (life->open_present & 3) == 3)
            close_range(core, life, exit->time_ns);
        return;
    case CALL_UNSHARE:
        if (success && (life->open_present & 4) && (life->open_value[2] & CALL_CLONE_FILES))
            life_unshare_table(core, life, &nothing_left_out, exit->time_ns);
        return;
    case CALL_PLAIN:
    case CALL_EXEC:
    case CALL_CLONE:
    case CALL_SIGRETURN: return;
    }
}

void descriptors_complete(struct core *core, struct life *life, const struct event *exit)
{
    count_uses(core, life, exit);
    struct table *table = life_table(core, life);
    if (table)
        operate(core, life, table, exit);
}

void descriptors_exit_alone(struct core *core, struct life *life, const struct event *exit)
{
    struct table *table = life_table(core, life);
    if (!table)
        return;
    const struct call_role *role = exit->call->role;
    int64_t ret = exit->value[0];
    if (is_descriptor_number(ret) && (role->op == CALL_CREATE || role->op == CALL_SIGNALFD)) {
        table_create(core, table, (int32_t)ret, exit->time_ns)->kind = role->kind;
    } else if (is_descriptor_number(ret) && role->op == CALL_DUP) {
        table_create(core, table, (int32_t)ret, exit->time_ns);
    } else if (is_descriptor_number(ret) && role->op == CALL_DUP2) {
        table_end_onto(core, table, ret, exit->time_ns);
        table_create(core, table, (int32_t)ret, exit->time_ns);
    } else if (role->op == CALL_CREATE_PAIR && ret == 0 && exit->int_count >= 2) {
        for (unsigned i = 0; i < 2; i++)
            if (is_descriptor_number(exit->ints[i]))
                table_create(core, table, (int32_t)exit->ints[i], exit->time_ns)->kind = role->kind;
    }
}
