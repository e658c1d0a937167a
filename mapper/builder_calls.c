#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/attrs.h"
#include "base/memory.h"
#include "mapper/builder_state.h"

/* Labels of one thread and number that are kept apart. */
enum { LABELS_MAX = 32 };

enum { ERRNO_EBADF = 9, F_DUPFD = 0, F_SETFD = 2, F_DUPFD_CLOEXEC = 1030, FD_CLOEXEC = 1 };

/* --- groups and slots --- */

struct table_group *builder_new_group(struct partial_builder *builder)
{
    struct table_group *group = memory_new(sizeof *group);
    group->next = builder->groups;
    builder->groups = group;
    return group;
}

static void free_group(struct table_group *group)
{
    struct fd_number *slot;
    for (size_t at = 0; (slot = map_next(&group->slots, &at));)
        free(slot);
    for (size_t fd = 0; fd < FD_LOW; fd++)
        free(group->low[fd]);
    map_clear(&group->slots);
    free(group);
}

void builder_free_new_groups(struct partial_builder *builder)
{
    while (builder->groups != builder->old_group) {
        struct table_group *group = builder->groups;
        builder->groups = group->next;
        free_group(group);
    }
}

void builder_free_groups(struct partial_builder *builder)
{
    builder_free_new_groups(builder);
    if (builder->old_group)
        free_group(builder->old_group);
    builder->groups = builder->old_group = NULL;
}

NEVER_INLINE static struct fd_number *new_slot(struct table_group *group, int32_t fd)
{
    struct fd_number *slot = memory_new(sizeof *slot);
    slot->group = group;
    slot->fd = fd;
    slot->proven_ns = TIME_NONE;
    if (fd < FD_LOW)
        group->low[fd] = slot;
    else
        map_put(&group->slots, (uint64_t)fd, slot);
    return slot;
}

/* `fd` is 0 or more. */
static inline struct fd_number *slot_at(struct table_group *group, int32_t fd)
{
    struct fd_number *slot = fd < FD_LOW ? group->low[fd] : map_get(&group->slots, (uint64_t)fd);
    return slot ? slot : new_slot(group, fd);
}

static void mark_slot(struct fd_number *slot)
{
    if (slot->dirty)
        return;
    slot->dirty = true;
    slot->next_dirty = slot->group->dirty;
    slot->group->dirty = slot;
}

static void use_begins(struct thread_known *thread, unsigned at, struct fd_number *slot)
{
    struct fd_user *user = &thread->user[at];
    user->slot = slot;
    user->next = slot->users;
    user->back = &slot->users;
    if (user->next)
        user->next->back = &user->next;
    slot->users = user;
    mark_slot(slot);
}

static inline void use_ends(struct fd_user *user)
{
    *user->back = user->next;
    if (user->next)
        user->next->back = user->back;
    user->slot = NULL;
}

void builder_release_users(struct thread_known *thread)
{
    for (unsigned i = 0; i < 2; i++)
        if (thread->user[i].slot)
            use_ends(&thread->user[i]);
}

NEVER_INLINE static void tell_life(struct partial_builder *builder, struct fd_number *slot)
{
    struct unsent_life *life = slot->life;
    if (!life)
        return;
    slot->life = NULL;
    *life->back_of_thread = life->next_of_thread;
    if (life->next_of_thread)
        life->next_of_thread->back_of_thread = life->back_of_thread;
    builder_item(builder, ITEM_LIFE, life->owner)->life = life->piece;
    builder_send(builder);
    use_cell_clear(&life->piece.cell);
    life->next_of_thread = builder->free_lives;
    builder->free_lives = life;
}

static void tell_uses(struct partial_builder *builder, const struct unsent_uses *uses)
{
    builder_item(builder, ITEM_USES, uses->thread)->uses =
        (struct uses_piece){.tid = uses->thread->tid,
                            .fd = uses->slot->fd,
                            .label = uses->label,
                            .proven_ns = uses->proven_ns,
                            .cell = uses->cell};
    builder_send(builder);
}

/* All that is unsent of a thread is told before its group changes: a number is one slot. Of several
 * labels the one used last. */
static inline struct unsent_uses *find_uses(const struct thread_known *thread,
                                            const struct fd_number *slot)
{
    return slot->fd < FD_LOW ? thread->low_uses[slot->fd]
                             : map_get(&thread->high_uses, (uint64_t)slot->fd);
}

static void set_uses(struct thread_known *thread, const struct fd_number *slot,
                     struct unsent_uses *first)
{
    if (slot->fd < FD_LOW)
        thread->low_uses[slot->fd] = first;
    else if (first)
        map_put(&thread->high_uses, (uint64_t)slot->fd, first);
    else
        (void)map_remove(&thread->high_uses, (uint64_t)slot->fd);
}

static void drop_uses(struct partial_builder *builder, struct unsent_uses *uses)
{
    use_cell_clear(&uses->cell);
    *uses->back_of_slot = uses->next_of_slot;
    if (uses->next_of_slot)
        uses->next_of_slot->back_of_slot = uses->back_of_slot;
    *uses->back_of_thread = uses->next_of_thread;
    if (uses->next_of_thread)
        uses->next_of_thread->back_of_thread = uses->back_of_thread;
    struct unsent_uses *first = find_uses(uses->thread, uses->slot);
    if (first == uses) {
        set_uses(uses->thread, uses->slot, uses->next_label);
    } else {
        while (first->next_label != uses)
            first = first->next_label;
        first->next_label = uses->next_label;
    }
    uses->next_of_slot = builder->free_uses;
    builder->free_uses = uses;
}

static void tell_unsent(struct partial_builder *builder, struct fd_number *slot)
{
    tell_life(builder, slot);
    struct unsent_uses *next_uses;
    for (struct unsent_uses *uses = slot->uses; uses; uses = next_uses) {
        next_uses = uses->next_of_slot;
        tell_uses(builder, uses);
        drop_uses(builder, uses);
    }
}

/* Tells all that is unsent of the number, and passes the calls in progress that use it, but that
 * of `except`, to whoever knows the past. */
static void tell_slot(struct partial_builder *builder, struct fd_number *slot,
                      const struct thread_known *except)
{
    tell_unsent(builder, slot);
    struct fd_user *next;
    for (struct fd_user *user = slot->users; user; user = next) {
        next = user->next;
        while (next && next->thread == user->thread)
            next = next->next;
        if (user->thread != except)
            builder_tell_thread(builder, user->thread);
    }
}

/* Nothing that was proven of the number holds after an operation on it. */
static void reset_slot(struct fd_number *slot)
{
    slot->proven_ns = TIME_NONE;
}

void builder_tell_group(struct partial_builder *builder, struct table_group *group)
{
    while (group->dirty) {
        struct fd_number *slot = group->dirty;
        group->dirty = slot->next_dirty;
        slot->dirty = false;
        tell_slot(builder, slot, NULL);
        reset_slot(slot);
    }
}

/* Tells the descriptors that were created here. */
static void tell_lives(struct partial_builder *builder, const struct table_group *group)
{
    for (struct fd_number *slot = group->dirty; slot; slot = slot->next_dirty)
        if (slot->life)
            tell_life(builder, slot);
}

void builder_tell_proofs(struct partial_builder *builder, struct table_group *group)
{
    struct fd_number **at = &group->dirty;
    while (*at) {
        struct fd_number *slot = *at;
        tell_unsent(builder, slot);
        if (slot->users) {
            at = &slot->next_dirty;
            continue;
        }
        *at = slot->next_dirty;
        slot->dirty = false;
    }
}

void builder_tell_all_groups(struct partial_builder *builder)
{
    for (struct table_group *group = builder->groups; group; group = group->next)
        builder_tell_group(builder, group);
}

/* Of whom it is not sure any more that they share a table. */
void builder_part(struct partial_builder *builder, const struct thread_known *thread,
                  const struct event *event)
{
    if (event->kind != EVENT_CALL_EXIT ||
        (event->call->role->op != CALL_UNSHARE && event->call->role->op != CALL_CLOSE_RANGE))
        return;
    for (struct table_group *group = builder->groups; group; group = group->next)
        if (!thread || thread->group == group)
            group->certain = false;
}

void builder_tell_uses_of_thread(struct partial_builder *builder, struct thread_known *thread)
{
    while (thread->lives) {
        struct fd_number *slot = slot_at(thread->group, thread->lives->piece.fd);
        tell_life(builder, slot);
    }
    while (thread->uses) {
        struct unsent_uses *uses = thread->uses;
        tell_uses(builder, uses);
        drop_uses(builder, uses);
    }
}

/* --- cells of calls --- */

static uint64_t cell_key(const struct piece_call *cell)
{
    return (uint64_t)cell->label << 32 | cell->call->id;
}

/* From here on, cells are found by their index. */
static void index_cells(struct thread_known *thread)
{
    bool is_new;
    for (size_t i = 0; i < thread->call_count; i++)
        (void)cell_index_at(&thread->call_index, cell_key(&thread->calls[i]), &is_new);
}

NEVER_INLINE static struct call_cell *new_cell(struct partial_builder *builder,
                                               struct thread_known *thread, uint32_t label,
                                               const struct syscall *call)
{
    if (thread->call_index.count == 0 && thread->call_count > 0 && thread->calls[0].label != label)
        index_cells(thread);
    if (call->id >= thread->call_at_count) {
        size_t count = schema_call_count(builder->schema) + 64;
        thread->call_at = memory_resize(thread->call_at, count, sizeof *thread->call_at);
        memset(thread->call_at + thread->call_at_count, 0,
               (count - thread->call_at_count) * sizeof *thread->call_at);
        thread->call_at_count = count;
    }
    struct piece_call cell = {.label = label, .call = call};
    size_t at = thread->call_count;
    bool is_new = true;
    if (thread->call_index.count > 0)
        at = cell_index_at(&thread->call_index, cell_key(&cell), &is_new);
    thread->call_at[call->id] = (struct call_place){label, (uint32_t)at + 1};
    if (!is_new)
        return &thread->calls[at].cell;
    thread->calls = memory_grow(thread->calls, &thread->call_room, thread->call_count + 1,
                                sizeof *thread->calls);
    thread->calls[at] = cell;
    thread->call_count++;
    builder_mark(builder, thread);
    return &thread->calls[at].cell;
}

static inline struct call_cell *cell_of(struct partial_builder *builder,
                                        struct thread_known *thread, uint32_t label,
                                        const struct syscall *call)
{
    struct call_place place = {0};
    if (call->id < thread->call_at_count)
        place = thread->call_at[call->id];
    return place.at && place.label == label ? &thread->calls[place.at - 1].cell
                                            : new_cell(builder, thread, label, call);
}

/* --- entry --- */

NEVER_INLINE static void entry_alone(struct partial_builder *builder, struct thread_known *thread,
                                     const struct event *event)
{
    uint32_t label = builder_label(builder, thread);
    builder_tell_thread(builder, thread);
    builder->call_label = label;
    builder_single(builder, event, thread->tid, thread);
    thread->seen = true;
}

/* What an entry uses is looked up at the entry: tells what is unsent of those numbers. */
static void tell_numbers_of(struct partial_builder *builder, struct thread_known *thread,
                            const struct event *event)
{
    struct open_call open = {.call = event->call, .present = event->present};
    memcpy(open.value, event->value, sizeof open.value);
    int32_t fd[2];
    open_call_descriptors(&open, fd);
    for (unsigned i = 0; i < 2; i++)
        if (fd[i] >= 0)
            tell_slot(builder, slot_at(thread->group, fd[i]), thread);
}

/* An entry of which something before it has to be told: the call before it did not end, or is not
 * known. True if that was all. */
NEVER_INLINE static bool entry_specially(struct partial_builder *builder,
                                         struct thread_known *thread, const struct event *event)
{
    /* A close that never returns is remembered: its number may be created again. */
    if (thread->call == CALL_KNOWN_OPEN && thread->open.call->role->op == CALL_CLOSE)
        builder_tell_thread(builder, thread);
    if (thread->call == CALL_UNKNOWN || thread->call == CALL_TOLD) {
        if (thread->call == CALL_UNKNOWN)
            builder_pass_instances(builder, thread);
        builder_call_over(builder, thread, false);
        tell_numbers_of(builder, thread, event);
        builder_book(thread, event->time_ns);
        if (thread->state_known)
            builder_mark(builder, thread);
        entry_alone(builder, thread, event);
        thread->call = event->call->role->op == CALL_SIGRETURN ? CALL_KNOWN_NONE : CALL_TOLD;
        thread->open.call = event->call;
        thread->open.entry_ns = event->time_ns;
        return true;
    }
    builder_book(thread, event->time_ns);
    if (thread->call == CALL_KNOWN_OPEN) {
        cell_of(builder, thread, thread->open_label, thread->open.call)->end_unknown++;
        builder_call_over(builder, thread, false);
        builder_release_users(thread);
        thread->call = CALL_KNOWN_NONE;
    }
    builder_mark(builder, thread);
    if (event->call->role->op != CALL_SIGRETURN)
        return false;
    cell_of(builder, thread, builder_label(builder, thread), event->call)->end_unknown++;
    return true;
}

void builder_call_entry(struct partial_builder *builder, struct thread_known *thread,
                        const struct event *event)
{
    builder_before_descriptors(builder, thread);
    thread->call_epoch = builder->border_epoch;
    if (thread->call != CALL_KNOWN_NONE || event->call->role->op == CALL_SIGRETURN) {
        if (entry_specially(builder, thread, event))
            return;
    } else {
        builder_book(thread, event->time_ns);
        builder_mark(builder, thread);
    }
    thread->call = CALL_KNOWN_OPEN;
    thread->open_label = builder_label(builder, thread);
    struct open_call *open = &thread->open;
    open->call = event->call;
    open->entry_ns = event->time_ns;
    open->present = event->present;
    memcpy(open->value, event->value, sizeof open->value);
    open->text = (struct text){NULL, 0};
    if (event_has_text(event, 0))
        open->text =
            (struct text){arena_string(&builder->arena, event->text[0]), event->text[0].count};
    int32_t fd[2];
    open_call_descriptors(open, fd);
    for (unsigned i = 0; i < 2; i++) {
        if (fd[i] < 0)
            continue;
        struct fd_number *slot = slot_at(thread->group, fd[i]);
        if (slot->life && slot->life->owner != thread)
            tell_life(builder, slot);
        use_begins(thread, i, slot);
    }
}

/* --- exit --- */

/* A complete call as descriptors see it. */
struct complete {
    uint64_t exit_ns, ns;
    unsigned bucket; /* of `ns` */
    int64_t ret;
    bool bad; /* EBADF */
    const struct event *event;
};

/* The call in progress, which this exit ends. */
static inline struct complete complete_at(const struct thread_known *thread,
                                          const struct event *event)
{
    uint64_t ns = event->time_ns - thread->open.entry_ns;
    return (struct complete){.exit_ns = event->time_ns,
                             .ns = ns,
                             .bucket = durations_bucket(ns),
                             .ret = event->value[0],
                             .bad = event->value[0] == -ERRNO_EBADF,
                             .event = event};
}

static void send_descriptor_call(struct partial_builder *builder, struct thread_known *thread,
                                 const struct complete *complete)
{
    const struct open_call *open = &thread->open;
    struct item *item = builder_item(builder, ITEM_DESCRIPTOR_CALL, thread);
    struct descriptor_call *call = &item->descriptor_call;
    *call = (struct descriptor_call){.tid = thread->tid,
                                     .label = thread->open_label,
                                     .call = open->call,
                                     .entry_ns = open->entry_ns,
                                     .exit_ns = complete->exit_ns,
                                     .ret = complete->ret,
                                     .present = open->present,
                                     .text = open->text};
    memcpy(call->value, open->value, sizeof call->value);
    if (complete->event->int_count >= 2) {
        call->has_pair = true;
        call->pair[0] = complete->event->ints[0];
        call->pair[1] = complete->event->ints[1];
    }
    builder->counts.descriptor_calls++;
    builder_send(builder);
}

static inline void add_use(struct use_cell *cell, const struct open_call *open,
                           const struct complete *complete, unsigned at)
{
    uint8_t flags = open->call->role->flags;
    uint64_t bytes = complete->ret > 0 ? (uint64_t)complete->ret : 0;
    bool transfer = flags & CALL_TRANSFER;
    durations_add_in(&cell->calls, complete->ns, complete->bucket);
    /* Which of the two cannot be predicted: both are added, one of them masked out. */
    bool reads = transfer ? at == 0 : (flags & CALL_READS) != 0;
    bool writes = transfer ? at == 1 : (flags & CALL_WRITES) != 0;
    cell->read_bytes += bytes & -(uint64_t)reads;
    cell->write_bytes += bytes & -(uint64_t)writes;
}

static struct unsent_uses *new_uses(struct partial_builder *builder)
{
    struct unsent_uses *uses = builder->free_uses;
    if (!uses)
        return arena_take(&builder->arena, sizeof *uses);
    builder->free_uses = uses->next_of_slot;
    memset(uses, 0, sizeof *uses);
    return uses;
}

static struct unsent_life *new_life(struct partial_builder *builder)
{
    struct unsent_life *life = builder->free_lives;
    if (!life)
        return arena_take(&builder->arena, sizeof *life);
    builder->free_lives = life->next_of_thread;
    memset(life, 0, sizeof *life);
    return life;
}

NEVER_INLINE static struct unsent_uses *
begin_uses(struct partial_builder *builder, struct thread_known *thread, struct fd_number *slot)
{
    struct unsent_uses *uses = new_uses(builder);
    uses->thread = thread;
    uses->slot = slot;
    uses->proven_ns = TIME_NONE;
    uses->next_of_slot = slot->uses;
    uses->back_of_slot = &slot->uses;
    if (uses->next_of_slot)
        uses->next_of_slot->back_of_slot = &uses->next_of_slot;
    slot->uses = uses;
    uses->next_of_thread = thread->uses;
    uses->back_of_thread = &thread->uses;
    if (uses->next_of_thread)
        uses->next_of_thread->back_of_thread = &uses->next_of_thread;
    thread->uses = uses;
    uses->label = thread->open_label;
    uses->next_label = find_uses(thread, slot);
    set_uses(thread, slot, uses);
    mark_slot(slot);
    return uses;
}

/* The uses under another label than the last. */
NEVER_INLINE static struct unsent_uses *
uses_of_other(struct partial_builder *builder, struct thread_known *thread, struct fd_number *slot)
{
    unsigned labels = 0;
    struct unsent_uses *uses = find_uses(thread, slot);
    for (; uses && uses->label != thread->open_label; uses = uses->next_label)
        labels++;
    if (uses)
        return uses;
    for (; labels >= LABELS_MAX; labels--) {
        struct unsent_uses *told = find_uses(thread, slot);
        tell_uses(builder, told);
        drop_uses(builder, told);
    }
    return begin_uses(builder, thread, slot);
}

static inline struct unsent_uses *uses_of(struct partial_builder *builder,
                                          struct thread_known *thread, struct fd_number *slot)
{
    struct unsent_uses *uses = find_uses(thread, slot);
    assert(!uses || uses->slot == slot);
    if (uses && uses->label == thread->open_label)
        return uses;
    return uses_of_other(builder, thread, slot);
}

/* Over all labels. */
static uint64_t proven_by_uses(const struct thread_known *thread, const struct fd_number *slot)
{
    uint64_t proven_ns = TIME_NONE;
    for (const struct unsent_uses *uses = find_uses(thread, slot); uses; uses = uses->next_label)
        if (uses->proven_ns < proven_ns)
            proven_ns = uses->proven_ns;
    return proven_ns;
}

/* Since when the number was certainly alive for this thread; TIME_NONE if nothing here tells. */
static uint64_t proven_since(const struct thread_known *thread, const struct fd_number *slot)
{
    if (slot->group->certain)
        return slot->proven_ns;
    return proven_by_uses(thread, slot);
}

static bool is_certain_use(const struct thread_known *thread, const struct fd_number *slot,
                           const struct complete *complete)
{
    if (!complete->bad)
        return true;
    if (slot->life)
        return true;
    uint64_t since = proven_since(thread, slot);
    return since != TIME_NONE && since <= thread->open.entry_ns;
}

static inline void count_use(struct partial_builder *builder, struct thread_known *thread,
                             unsigned at, const struct complete *complete)
{
    struct fd_number *slot = thread->user[at].slot;
    if (slot->life && slot->life->piece.label != thread->open_label)
        tell_life(builder, slot);
    if (slot->life) {
        add_use(&slot->life->piece.cell, &thread->open, complete, at);
        return;
    }
    struct unsent_uses *uses = uses_of(builder, thread, slot);
    add_use(&uses->cell, &thread->open, complete, at);
    uint64_t since = complete->bad ? proven_since(thread, slot) : thread->open.entry_ns;
    if (uses->proven_ns == TIME_NONE || since < uses->proven_ns)
        uses->proven_ns = since;
    if (slot->proven_ns == TIME_NONE || since < slot->proven_ns)
        slot->proven_ns = since;
}

static void begin_life(struct partial_builder *builder, struct thread_known *thread, int64_t fd,
                       const struct complete *complete)
{
    if (fd < 0 || fd > INT32_MAX)
        return;
    const struct open_call *open = &thread->open;
    const struct call_role *role = open->call->role;
    struct fd_number *slot = slot_at(thread->group, (int32_t)fd);
    tell_slot(builder, slot, thread);
    reset_slot(slot);
    struct unsent_life *life = new_life(builder);
    life->owner = thread;
    life->next_of_thread = thread->lives;
    life->back_of_thread = &thread->lives;
    if (life->next_of_thread)
        life->next_of_thread->back_of_thread = &life->next_of_thread;
    thread->lives = life;
    bool flagged = role->cloexec_flag && (open->present & 4) &&
                   ((uint64_t)open->value[2] & role->cloexec_flag);
    life->piece = (struct life_piece){.tid = thread->tid,
                                      .fd = (int32_t)fd,
                                      .label = thread->open_label,
                                      .begin_ns = complete->exit_ns,
                                      .kind = role->kind,
                                      .cloexec = flagged || (role->flags & CALL_CLOEXEC)};
    if (open_call_names(open)) {
        life->piece.named = true;
        life->piece.name = open->text;
    }
    slot->life = life;
    mark_slot(slot);
}

/* A duplicate of a descriptor that was created here by the same thread: it has its name and kind
 * here too. False if the call is none. */
static bool duplicate_life(struct partial_builder *builder, struct thread_known *thread,
                           const struct complete *complete)
{
    const struct open_call *open = &thread->open;
    const struct fd_number *slot = thread->user[0].slot;
    enum call_op op = open->call->role->op;
    bool by_fcntl = op == CALL_FCNTL && (open->present & 2) &&
                    (open->value[1] == F_DUPFD || open->value[1] == F_DUPFD_CLOEXEC);
    if ((op != CALL_DUP && !by_fcntl) || !slot || !slot->life || complete->ret < 0 ||
        complete->ret > INT32_MAX || complete->ret == slot->fd)
        return false;
    struct life_piece source = slot->life->piece;
    count_use(builder, thread, 0, complete);
    begin_life(builder, thread, complete->ret, complete);
    struct life_piece *copy = &slot_at(thread->group, (int32_t)complete->ret)->life->piece;
    copy->named = source.named;
    copy->name = source.name;
    copy->kind = source.kind;
    copy->cloexec = by_fcntl && open->value[1] == F_DUPFD_CLOEXEC;
    return true;
}

/* A close whose descriptor was created here by the same thread, and touched by no other. */
static bool end_life(struct partial_builder *builder, struct thread_known *thread,
                     const struct complete *complete)
{
    struct fd_number *slot = thread->user[0].slot;
    if (!slot || !slot->life || slot->life->piece.label != thread->open_label || complete->bad)
        return false;
    for (const struct fd_user *user = slot->users; user; user = user->next)
        if (user->thread != thread)
            return false;
    if (slot->uses)
        return false;
    count_use(builder, thread, 0, complete);
    slot->life->piece.ended = true;
    slot->life->piece.end_ns = thread->open.entry_ns;
    tell_life(builder, slot);
    reset_slot(slot);
    return true;
}

/* Whether the call, which succeeded, may give its thread a table of its own. */
static bool parts(const struct open_call *open)
{
    int64_t flags = open->present & 4 ? open->value[2] : 0;
    enum call_op op = open->call->role->op;
    return (op == CALL_UNSHARE && (flags & CALL_CLONE_FILES)) ||
           (op == CALL_CLOSE_RANGE && (flags & CALL_CLOSE_RANGE_UNSHARE));
}

/* Tells what is unsent of every number the call names, then the call itself. */
static void send_operation(struct partial_builder *builder, struct thread_known *thread,
                           const struct complete *complete)
{
    const struct open_call *open = &thread->open;
    struct table_group *group = thread->group;
    builder_release_users(thread);
    int64_t numbers[3] = {-1, -1, -1};
    if (open->present & 1)
        numbers[0] = open->value[0];
    if ((open->present & 2) && open->call->role->op == CALL_DUP2)
        numbers[1] = open->value[1];
    if (!ret_is_error(complete->ret))
        numbers[2] = complete->ret;
    for (unsigned i = 0; i < 3; i++) {
        if (numbers[i] < 0 || numbers[i] > INT32_MAX)
            continue;
        struct fd_number *slot = slot_at(group, (int32_t)numbers[i]);
        tell_slot(builder, slot, thread);
        reset_slot(slot);
    }
    if (open->call->role->op == CALL_CLOSE_RANGE || open->call->role->op == CALL_UNSHARE)
        builder_tell_group(builder, group);
    if (parts(open))
        group->certain = false;
    send_descriptor_call(builder, thread, complete);
}

/* True if the call's uses and operations are summed, or have gone out. */
static void complete_descriptors(struct partial_builder *builder, struct thread_known *thread,
                                 const struct complete *complete)
{
    const struct open_call *open = &thread->open;
    const struct call_role *role = open->call->role;
    bool success = !ret_is_error(complete->ret);
    if (duplicate_life(builder, thread, complete))
        return;
    bool changes = false;
    switch (role->op) {
    case CALL_CLOSE:
        if (end_life(builder, thread, complete))
            return;
        changes = (open->present & 1) != 0;
        break;
    case CALL_DUP:
    case CALL_DUP2:
    case CALL_CLOSE_RANGE: changes = success; break;
    case CALL_UNSHARE: changes = success && parts(open); break;
    case CALL_FCNTL:
        changes = success && (open->present & 2) &&
                  (open->value[1] == F_DUPFD || open->value[1] == F_DUPFD_CLOEXEC ||
                   open->value[1] == F_SETFD);
        if (changes && open->value[1] == F_SETFD && thread->user[0].slot &&
            thread->user[0].slot->life && (open->present & 8)) {
            thread->user[0].slot->life->piece.cloexec = open->value[3] & FD_CLOEXEC;
            changes = false;
        }
        break;
    case CALL_PLAIN:
    case CALL_CREATE:
    case CALL_CREATE_PAIR:
    case CALL_SIGNALFD:
    case CALL_EXEC:
    case CALL_CLONE:
    case CALL_SIGRETURN: break;
    }
    for (unsigned i = 0; i < 2 && !changes; i++)
        if (thread->user[i].slot && !is_certain_use(thread, thread->user[i].slot, complete))
            changes = true;
    if (changes) {
        for (unsigned i = 0; i < 2; i++)
            if (thread->user[i].slot)
                tell_slot(builder, thread->user[i].slot, thread);
        send_operation(builder, thread, complete);
        return;
    }
    for (unsigned i = 0; i < 2; i++)
        if (thread->user[i].slot)
            count_use(builder, thread, i, complete);
    if (!success)
        return;
    bool given = role->op == CALL_SIGNALFD && (open->present & 8) && (int32_t)open->value[3] >= 0;
    if ((role->op == CALL_CREATE || role->op == CALL_SIGNALFD) && !given)
        begin_life(builder, thread, complete->ret, complete);
    else if (role->op == CALL_CREATE_PAIR && complete->event->int_count >= 2)
        for (unsigned i = 0; i < 2; i++)
            begin_life(builder, thread, complete->event->ints[i], complete);
}

/* Tells what was created under the numbers that the call in progress, which the past knows, may use:
 * whether it counts depends on what became of them since. */
static void tell_used(struct partial_builder *builder, const struct thread_known *thread,
                      const struct event *exit)
{
    if (thread->call != CALL_TOLD || thread->open.call != exit->call) {
        tell_lives(builder, thread->group);
        return;
    }
    int32_t fd[2];
    open_call_descriptors(&thread->open, fd);
    for (unsigned i = 0; i < 2; i++)
        if (fd[i] >= 0 && slot_at(thread->group, fd[i])->life)
            tell_life(builder, slot_at(thread->group, fd[i]));
}

/* An exit whose call only the past knows, or that has none and does something. */
static void exit_alone(struct partial_builder *builder, struct thread_known *thread,
                       const struct event *event)
{
    const struct call_role *role = event->call->role;
    bool uses_alone = role->op == CALL_PLAIN || role->op == CALL_CLONE || role->op == CALL_EXEC;
    if (uses_alone && event->value[0] != -ERRNO_EBADF)
        tell_used(builder, thread, event);
    else
        builder_tell_group(builder, thread->group);
    builder_part(builder, thread, event);
    if (thread->call == CALL_UNKNOWN)
        builder_pass_instances(builder, thread);
    builder_book(thread, event->time_ns);
    if (thread->state_known)
        builder_mark(builder, thread);
    bool completes = thread->call == CALL_TOLD && thread->open.call == event->call;
    bool was_in_one = thread->call != CALL_KNOWN_NONE;
    entry_alone(builder, thread, event);
    thread->call = CALL_KNOWN_NONE;
    if (was_in_one)
        builder_call_over(builder, thread, completes);
}

/* The call in progress is over. */
static inline void complete_call(struct partial_builder *builder, struct thread_known *thread,
                                 const struct complete *complete)
{
    const struct syscall *call = thread->open.call;
    call_cell_add(cell_of(builder, thread, thread->open_label, call), thread->open.entry_ns,
                  complete->ns, complete->bucket, complete->ret,
                  call->role->flags & (CALL_READS | CALL_WRITES));
    thread->call = CALL_KNOWN_NONE;
    if (thread->phases.count > 0 || thread->credit_count > 0)
        builder_call_over(builder, thread, true);
}

/* Most calls: known from their entry, they use descriptors and change none. False if it is
 * another. */
static inline bool exit_plainly(struct partial_builder *builder, struct thread_known *thread,
                                const struct event *event)
{
    if (thread->call != CALL_KNOWN_OPEN || thread->open.call != event->call ||
        event->call->role->op != CALL_PLAIN || event->value[0] == -ERRNO_EBADF || thread->late)
        return false;
    struct complete complete = complete_at(thread, event);
    thread->call_epoch = builder->border_epoch;
    builder_book(thread, event->time_ns);
    builder_mark(builder, thread);
    for (unsigned i = 0; i < 2; i++) {
        if (!thread->user[i].slot)
            continue;
        count_use(builder, thread, i, &complete);
        use_ends(&thread->user[i]);
    }
    complete_call(builder, thread, &complete);
    return true;
}

/* Any other exit. */
NEVER_INLINE static void exit_specially(struct partial_builder *builder,
                                        struct thread_known *thread, const struct event *event)
{
    const struct syscall *call = event->call;
    if (call->role->op == CALL_SIGRETURN)
        return;
    builder_before_descriptors(builder, thread);
    bool was_seen = thread->call_epoch == builder->border_epoch;
    thread->call_epoch = builder->border_epoch;
    if (thread->call == CALL_UNKNOWN || thread->call == CALL_TOLD ||
        (thread->call == CALL_KNOWN_OPEN && thread->open.call != call)) {
        exit_alone(builder, thread, event);
        return;
    }
    int64_t ret = event->value[0];
    if (thread->call == CALL_KNOWN_NONE) {
        if (ret == 0 && call->role->op == CALL_CLONE)
            return;
        bool plain = call->role->op == CALL_PLAIN || call->role->op == CALL_EXEC;
        if (!plain && !ret_is_error(ret)) {
            exit_alone(builder, thread, event);
            return;
        }
        uint32_t label = builder_label(builder, thread);
        if (was_seen && ret_is_error(ret))
            call_cell_add_refused(cell_of(builder, thread, label, call), ret);
        else
            cell_of(builder, thread, label, call)->begin_unknown++;
        builder_mark(builder, thread);
        return;
    }
    builder_book(thread, event->time_ns);
    builder_mark(builder, thread);
    struct complete complete = complete_at(thread, event);
    complete_descriptors(builder, thread, &complete);
    builder_release_users(thread);
    complete_call(builder, thread, &complete);
}

void builder_call_exit(struct partial_builder *builder, struct thread_known *thread,
                       const struct event *event)
{
    if (!exit_plainly(builder, thread, event))
        exit_specially(builder, thread, event);
}
