/* Mapping: the effects of system calls on places. */
#include "core/places.h"

enum { ERRNO_EBADF = 9, F_DUPFD = 0, F_SETFD = 2, F_DUPFD_CLOEXEC = 1030, FD_CLOEXEC = 1 };

/* --- entries --- */

/* Introduces a name for the past's descriptor of the number. */
NEVER_INLINE static struct place *let_place(struct core *core, struct life *life, int32_t fd)
{
    place_emit_created(core, number_at(core, life, fd)->created);
    place_leave_number(core, life, fd);
    struct place *place = place_new(core, life, fd);
    place->name = ++core->row->places;
    place_fill(place);
    row_add(core->row, RECORD_LET_PLACE)->place_let =
        (struct place_let){.place = place->name, .life = life->name, .fd = fd};
    return place;
}

static inline struct place *place_at(struct core *core, struct life *life, int32_t fd)
{
    struct place *place = place_of(life, fd);
    return place && is_fresh(place) ? place : let_place(core, life, fd);
}

static inline struct place *bind(struct core *core, struct life *life, int32_t fd)
{
    struct place *place = place_at(core, life, fd);
    if (life->open_call->role->op == CALL_CLOSE) {
        place->closing_ns = life->entry_ns;
        place->next_closing = place->group->closing;
        place->group->closing = place;
    }
    return place;
}

void places_bind(struct core *core, struct life *life)
{
    struct call_descriptors fds =
        call_descriptors(life->open_call, life->open_present, life->open_value);
    if (fds.first >= 0)
        life->bound[0] = bind(core, life, fds.first);
    if (fds.second >= 0)
        life->bound[1] = bind(core, life, fds.second);
}

void places_drop(struct core *core, struct life *life)
{
    if (life->open_call->role->op == CALL_CLOSE && life->bound[0])
        place_write_closing(core, life->bound[0]);
    life->bound[0] = life->bound[1] = NULL;
}

void places_name_used(struct core *core, struct life *life, place_name used[2])
{
    for (unsigned i = 0; i < 2; i++) {
        struct place *place = life->bound[i];
        if (place && place->name == 0)
            place_emit_created(core, place);
        used[i] = place ? place->name : 0;
    }
    enum call_op op = life->open_call->role->op;
    bool is_alone = !life->bound[0] && !life->bound[1];
    life->ends_here = op == CALL_PLAIN || (is_alone && (op == CALL_CLONE || op == CALL_EXEC));
    if (!life->ends_here)
        places_drop(core, life);
}

/* --- uses --- */

NEVER_INLINE static struct use_cell *cell_of_other(struct place *place, uint32_t label)
{
    if (place->cell.calls.count == 0) {
        place->label = label;
        return &place->cell;
    }
    for (struct more_uses *each = place->more; each; each = each->next)
        if (each->label == label)
            return &each->cell;
    return NULL;
}

static struct use_cell *cell_at(struct core *core, struct place *place, uint32_t label)
{
    if (place->label == label)
        return &place->cell;
    struct use_cell *cell = cell_of_other(place, label);
    if (cell)
        return cell;
    struct more_uses *more = arena_take(&core->numbers->arena, sizeof *more);
    more->label = label;
    more->next = place->more;
    place->more = more;
    return &more->cell;
}

static void prove(struct place *place, uint64_t entry_ns)
{
    if (entry_ns >= place->proven_ns)
        return;
    place->proven_ns = entry_ns;
    if (place->listed || place->created)
        return;
    place->listed = true;
    place->next_unproven = place->group->unproven;
    place->group->unproven = place;
}

/* A use of a descriptor that may no longer be under its number, or that nothing here proves. */
NEVER_INLINE static void write_use(struct core *core, const struct life *life,
                                   const struct place *place, const struct use_step *use)
{
    place_emit_created(core, number_at(core, place->owner, place->fd)->created);
    struct use_step *step = &row_add(core->row, RECORD_USE)->use;
    *step = *use;
    step->place = place->name;
    step->label = life->open_label;
}

static inline void add_use(struct use_cell *cell, uint64_t ns, unsigned bucket, uint64_t read_bytes,
                           uint64_t write_bytes)
{
    durations_add_in(&cell->calls, ns, bucket);
    cell->read_bytes += read_bytes;
    cell->write_bytes += write_bytes;
}

static inline void count_use(struct core *core, struct life *life, struct place *place, unsigned at,
                             const struct event *exit, unsigned bucket)
{
    uint8_t flags = life->open_call->role->flags;
    int64_t ret = exit->value[0];
    uint64_t ns = exit->time_ns - life->entry_ns, bytes = ret > 0 ? (uint64_t)ret : 0;
    bool bad = ret == -ERRNO_EBADF, transfer = flags & CALL_TRANSFER;
    /* Branch prediction fails here: both are added, one of them masked out. */
    bool reads = transfer ? at == 0 : (flags & CALL_READS) != 0;
    bool writes = transfer ? at == 1 : (flags & CALL_WRITES) != 0;
    uint64_t read_bytes = bytes & -(uint64_t)reads, write_bytes = bytes & -(uint64_t)writes;
    bool certain = !bad || place->created || place->proven_ns <= life->entry_ns;
    if (!certain || !is_fresh(place)) {
        write_use(core, life, place,
                  &(struct use_step){.bad = bad,
                                     .entry_ns = life->entry_ns,
                                     .ns = ns,
                                     .read_bytes = read_bytes,
                                     .write_bytes = write_bytes});
        return;
    }
    add_use(cell_at(core, place, life->open_label), ns, bucket, read_bytes, write_bytes);
    if (!bad)
        prove(place, life->entry_ns);
}

/* --- operations --- */

/* --- free numbers --- */

/* The past has no descriptor under the number in the table of the life: that of the place was
 * there, and has ended here. */
static void note_free(struct core *core, const struct place *place)
{
    const struct group *group = place->group;
    struct places *places = place->owner->places;
    int32_t fd = place->fd;
    place_unfill(place);
    if (fd >= LOW_NUMBERS)
        return;
    if (!places->free)
        places->free = arena_take(&core->numbers->arena, LOW_NUMBERS * sizeof *places->free);
    if (places->free_of != group || places->free_steps != group->steps) {
        memset(places->free, 0, LOW_NUMBERS * sizeof *places->free);
        places->free_of = group;
        places->free_steps = group->steps;
    }
    places->free[fd] = place->number->fill + 1;
}

static bool is_free(const struct group *group, const struct number *number, const struct life *life,
                    int32_t fd)
{
    const struct places *places = life->places;
    return places && fd < LOW_NUMBERS && places->free_of == group &&
           places->free_steps == group->steps && places->free[fd] == number->fill + 1;
}

/* Drops the life's place of the number, which another descriptor takes. A descriptor created there
 * ends as stated. */
static void clear_number(struct core *core, struct life *life, int32_t fd, uint64_t end_ns,
                         bool hard)
{
    struct number *number = number_at(core, life, fd);
    struct place *created = number->created;
    if (created && created->owner == life) {
        place_end_created(core, created, end_ns, hard);
        note_free(core, created);
    } else {
        place_emit_created(core, created);
    }
    place_leave_number(core, life, fd);
    number->epoch++;
}

/* Ends the descriptor that another one replaces. */
static void replace(struct core *core, struct life *life, int32_t fd, uint64_t time_ns, bool onto)
{
    const struct place *created = number_at(core, life, fd)->created;
    bool closing = !onto && created && created->closing_ns != TIME_NONE;
    group_write_closings(core, place_group(core, life), number_at(core, life, fd));
    clear_number(core, life, fd, closing ? created->closing_ns : time_ns, closing || onto);
}

static struct place *create(struct core *core, struct life *life, int64_t fd, uint64_t time_ns,
                            bool onto)
{
    bool passes =
        is_free(place_group(core, life), number_at(core, life, (int32_t)fd), life, (int32_t)fd);
    replace(core, life, (int32_t)fd, time_ns, onto);
    struct place *place = place_new(core, life, (int32_t)fd);
    struct group *group = place->group;
    place->created = true;
    place->passes = passes;
    place->onto = onto;
    place->begin_ns = time_ns;
    place_fill(place);
    place->number->created = place;
    place->next_created = group->created;
    place->back_created = &group->created;
    if (place->next_created)
        place->next_created->back_created = &place->next_created;
    group->created = place;
    return place;
}

static void duplicate(struct core *core, struct life *life, int64_t to, bool cloexec, bool onto,
                      uint64_t time_ns)
{
    int32_t from = (int32_t)life->open_value[0];
    const struct place *source = from >= 0 ? number_at(core, life, from)->created : NULL;
    if (source && source->owner == life && from != (int32_t)to) {
        struct place *copy = create(core, life, to, time_ns, onto);
        copy->kind = source->kind;
        copy->named = source->named;
        copy->text = source->text;
        copy->cloexec = cloexec;
        return;
    }
    if (from >= 0)
        place_emit_created(core, number_at(core, life, from)->created);
    replace(core, life, (int32_t)to, time_ns, onto);
    struct place *copy = place_new(core, life, (int32_t)to);
    copy->created = true;
    place_fill(copy);
    copy->name = ++core->row->places;
    struct change_step *step = place_write_change(core, CHANGE_DUP, copy, time_ns);
    step->from = from;
    step->flag = cloexec;
    step->onto = onto;
}

static void on_fcntl(struct core *core, struct life *life, const struct event *exit)
{
    int64_t command = life->open_value[1], ret = exit->value[0];
    struct place *place = life->bound[0];
    if (!(life->open_present & 2) || ret_is_error(ret))
        return;
    if (is_descriptor_number(ret) && (command == F_DUPFD || command == F_DUPFD_CLOEXEC)) {
        duplicate(core, life, ret, command == F_DUPFD_CLOEXEC, false, exit->time_ns);
    } else if (command == F_SETFD && place && (life->open_present & 8)) {
        place->cloexec = life->open_value[3] & FD_CLOEXEC;
        if (place->name)
            place_write_change(core, CHANGE_CLOEXEC, place, exit->time_ns)->flag = place->cloexec;
    }
}

static void on_close(struct core *core, struct life *life, const struct event *exit)
{
    struct place *place = life->bound[0];
    if (!place)
        return;
    bool hard = exit->value[0] != -ERRNO_EBADF;
    place_leave_closing(place);
    if (place->name == 0) {
        clear_number(core, life, place->fd, life->entry_ns, hard);
        return;
    }
    if (is_fresh(place))
        note_free(core, place);
    else
        place_emit_created(core, number_at(core, life, place->fd)->created);
    place->number->epoch++;
    number_at(core, life, place->fd)->epoch++; /* a different one if the groups have been merged */
    place_write_more(core, place);
    struct uses_line *line = place_write_uses(core, place, place->label, &place->cell);
    line->closed = true;
    line->close_hard = hard;
    line->close_ns = life->entry_ns;
    place_leave(core, life, place);
}

static void on_create(struct core *core, struct life *life, int64_t fd, uint64_t time_ns)
{
    struct open_call open = {
        .call = life->open_call, .present = life->open_present, .text = life->open_text};
    struct place *place = create(core, life, fd, time_ns, false);
    place->kind = life->open_call->role->kind;
    place->cloexec = call_closes_on_exec(life);
    if (open.call->role->op != CALL_CREATE_PAIR && open_call_names(&open)) {
        place->named = true;
        place->text = open.text;
    }
}

static void operate(struct core *core, struct life *life, const struct event *exit)
{
    const struct call_role *role = life->open_call->role;
    int64_t ret = exit->value[0];
    bool number = is_descriptor_number(ret);
    switch (role->op) {
    case CALL_SIGNALFD:
        if ((life->open_present & 8) && (int32_t)life->open_value[3] >= 0)
            return; /* an existing descriptor was passed */
        /* fall through */
    case CALL_CREATE:
        if (number)
            on_create(core, life, ret, exit->time_ns);
        return;
    case CALL_CREATE_PAIR:
        for (unsigned i = 0; !ret_is_error(ret) && exit->int_count >= 2 && i < 2; i++)
            if (is_descriptor_number(exit->ints[i]))
                on_create(core, life, exit->ints[i], exit->time_ns);
        return;
    case CALL_DUP:
        if (number)
            duplicate(core, life, ret, false, false, exit->time_ns);
        return;
    case CALL_DUP2:
        if (number && ret != life->open_value[0])
            duplicate(core, life, ret, call_closes_on_exec(life), true, exit->time_ns);
        return;
    case CALL_FCNTL: on_fcntl(core, life, exit); return;
    case CALL_CLOSE: on_close(core, life, exit); return;
    case CALL_CLOSE_RANGE:
    case CALL_UNSHARE:
    case CALL_PLAIN:
    case CALL_EXEC:
    case CALL_CLONE:
    case CALL_SIGRETURN: return;
    }
}

/* Whether the call changes the table as a whole. */
static bool changes_table(const struct life *life, int64_t ret)
{
    enum call_op op = life->open_call->role->op;
    if (ret_is_error(ret))
        return false;
    if (op == CALL_CLOSE_RANGE)
        return (life->open_present & 3) == 3;
    return op == CALL_UNSHARE && (life->open_present & 4) &&
           (life->open_value[2] & CALL_CLONE_FILES);
}

bool places_exit_of(struct core *core, struct life *life, const struct event *exit, unsigned bucket)
{
    if (life->open_call->role->op != CALL_PLAIN && changes_table(life, exit->value[0]))
        return false;
    if (life->bound[0])
        count_use(core, life, life->bound[0], 0, exit, bucket);
    if (life->bound[1])
        count_use(core, life, life->bound[1], 1, exit, bucket);
    if (life->open_call->role->op != CALL_PLAIN)
        operate(core, life, exit);
    life->bound[0] = life->bound[1] = NULL;
    return true;
}

NEVER_INLINE static void whole_call_slowly(struct core *core, struct life *life,
                                           const struct event *entry, const struct event *exit,
                                           unsigned bucket)
{
    struct call_descriptors fds = call_descriptors(entry->call, entry->present, entry->value);
    struct place *first = fds.first >= 0 ? place_at(core, life, fds.first) : NULL;
    struct place *second = fds.second >= 0 ? place_at(core, life, fds.second) : NULL;
    if (first)
        count_use(core, life, first, 0, exit, bucket);
    if (second)
        count_use(core, life, second, 1, exit, bucket);
}

/* Most calls use one descriptor with a small number, which was used under the same label before. */
void places_whole_call(struct core *core, struct life *life, const struct event *entry,
                       const struct event *exit, unsigned bucket)
{
    const struct syscall *call = entry->call;
    const uint8_t flags = call->role->flags;
    const uint64_t fd = (uint64_t)entry->value[0];
    const int64_t ret = exit->value[0];
    bool uses_one = (call->uses & entry->present) == 1 && !(flags & (CALL_MAPS | CALL_TRANSFER)) &&
                    life->places;
    struct place *place = uses_one && fd < LOW_NUMBERS ? life->places->low[fd] : NULL;
    if (!place || !is_fresh(place) || place->label != life->open_label ||
        place->proven_ns > life->entry_ns || ret == -ERRNO_EBADF) {
        whole_call_slowly(core, life, entry, exit, bucket);
        return;
    }
    uint64_t bytes = ret > 0 ? (uint64_t)ret : 0;
    add_use(&place->cell, exit->time_ns - life->entry_ns, bucket,
            bytes & -(uint64_t)((flags & CALL_READS) != 0),
            bytes & -(uint64_t)((flags & CALL_WRITES) != 0));
}

void places_exit_alone(struct core *core, struct life *life, const struct event *exit)
{
    const struct call_role *role = exit->call->role;
    int64_t ret = exit->value[0];
    bool number = is_descriptor_number(ret);
    if (number && (role->op == CALL_CREATE || role->op == CALL_SIGNALFD))
        create(core, life, ret, exit->time_ns, false)->kind = role->kind;
    else if (number && (role->op == CALL_DUP || role->op == CALL_DUP2))
        create(core, life, ret, exit->time_ns, role->op == CALL_DUP2);
    else if (role->op == CALL_CREATE_PAIR && ret == 0 && exit->int_count >= 2)
        for (unsigned i = 0; i < 2; i++)
            if (is_descriptor_number(exit->ints[i]))
                create(core, life, exit->ints[i], exit->time_ns, false)->kind = role->kind;
}
