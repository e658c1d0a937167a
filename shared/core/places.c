/* Mapping: what this interval alone tells of descriptors.
 *
 * A place is what a life knows of a number: what the past has under it (it has a name then), or a
 * descriptor that was created here and that the row has not told yet. It is stale once the number, or all
 * of them, may be another's. All lives may share one table. So a number has at most one created
 * descriptor that is untold, and whoever else touches the number tells it before.
 *
 * Uses are summed by place, so they may be told at any time. What ends or changes a place that has a name
 * goes to the row in order. */
#include "base/memory.h"
#include "core/descriptors.h"

enum {
    LOW_NUMBERS = 64,
    ERRNO_EBADF = 9,
    F_DUPFD = 0,
    F_SETFD = 2,
    F_DUPFD_CLOEXEC = 1030,
    FD_CLOEXEC = 1
};

struct number {
    uint32_t epoch; /* another one: what is under it may be another */
    struct place *created;
};

/* Uses under another label than the last. */
struct more_uses {
    struct more_uses *next;
    uint32_t label;
    struct use_cell cell;
};

struct place {
    struct group *group;
    struct number *number;
    uint32_t epoch, generation; /* as of which it is */
    place_name name;            /* 0: created here, untold */
    uint32_t label;             /* of `cell` */
    struct use_cell cell;
    struct life *owner;
    int32_t fd;
    bool created; /* here: any use is of it */
    bool listed;  /* among those whose proof is unsent */
    uint8_t kind;
    bool cloexec, named, onto;
    uint64_t proven_ns, sent_proof_ns;
    uint64_t begin_ns, closing_ns;
    struct text text;
    struct more_uses *more;
    struct place *next_unproven;
    struct place *next_closing;
    struct place *next_created, **back_created;
};

struct places {
    struct place *low[LOW_NUMBERS];
    struct map high;
};

/* Lives that may share a table. All that is not known otherwise is of the common group; a process that is
 * forked here has its own, until a life may be of both. */
struct group {
    struct number low[LOW_NUMBERS];
    struct map high;
    uint32_t generation;    /* of what is known of all its numbers */
    bool merged;            /* into the common one */
    struct place *created;  /* untold */
    struct place *unproven; /* perhaps: whose proof is unsent */
    struct place *closing;  /* by calls in progress; the past knows nothing of it */
    struct group *next;
};

struct numbers {
    struct group common;
    struct group *groups; /* others */
    struct map by_pid;    /* the group of the newest process */
    struct place *unused; /* by next_created */
    struct arena arena;
};

void places_init(struct core *core)
{
    core->numbers = memory_new(sizeof *core->numbers);
}

static void drop_uses(struct place *place)
{
    use_cell_clear(&place->cell);
    for (; place->more; place->more = place->more->next)
        use_cell_clear(&place->more->cell);
}

static void drop_places(struct life *life)
{
    struct places *places = life->places;
    if (!places)
        return;
    for (size_t i = 0; i < LOW_NUMBERS; i++)
        if (places->low[i])
            drop_uses(places->low[i]);
    struct place *place;
    for (size_t at = 0; (place = map_next(&places->high, &at));)
        drop_uses(place);
    map_clear(&places->high);
    free(places);
    life->places = NULL;
}

void places_clear(struct core *core)
{
    for (struct life *life = core->all; life; life = life->next_of_all)
        drop_places(life);
    map_clear(&core->numbers->common.high);
    for (struct group *group = core->numbers->groups; group; group = group->next)
        map_clear(&group->high);
    map_clear(&core->numbers->by_pid);
    arena_clear(&core->numbers->arena);
    free(core->numbers);
    core->numbers = NULL;
}

/* --- finding --- */

static struct group *group_of(const struct core *core, struct life *life)
{
    if (life->group && life->group->merged)
        life->group = NULL;
    return life->group ? life->group : &core->numbers->common;
}

static struct number *number_in(struct core *core, struct group *group, int32_t fd)
{
    assert(fd >= 0);
    if (fd < LOW_NUMBERS)
        return &group->low[fd];
    struct number *number = map_get(&group->high, (uint64_t)fd);
    if (!number) {
        number = arena_take(&core->numbers->arena, sizeof *number);
        map_put(&group->high, (uint64_t)fd, number);
    }
    return number;
}

static struct number *number_at(struct core *core, struct life *life, int32_t fd)
{
    return number_in(core, group_of(core, life), fd);
}

static inline bool is_fresh(const struct place *place)
{
    return place->epoch == place->number->epoch && place->generation == place->group->generation;
}

static struct place *place_of(const struct life *life, int32_t fd)
{
    if (!life->places)
        return NULL;
    return fd < LOW_NUMBERS ? life->places->low[fd] : map_get(&life->places->high, (uint64_t)fd);
}

static void set_place(struct life *life, int32_t fd, struct place *place)
{
    if (!life->places)
        life->places = memory_new(sizeof *life->places);
    if (fd < LOW_NUMBERS)
        life->places->low[fd] = place;
    else if (place)
        map_put(&life->places->high, (uint64_t)fd, place);
    else
        map_remove(&life->places->high, (uint64_t)fd);
}

/* --- telling --- */

static struct uses_line *write_uses_of(struct core *core, struct place *place, uint32_t label,
                                       struct use_cell *cell)
{
    struct uses_line *line = &row_add(core->row, RECORD_USES)->uses;
    line->place = place->name;
    line->label = label;
    line->proven_ns = place->created ? TIME_NONE : place->proven_ns;
    line->cell = *cell;
    *cell = (struct use_cell){0};
    place->sent_proof_ns = place->proven_ns;
    return line;
}

static void write_more(struct core *core, struct place *place)
{
    for (; place->more; place->more = place->more->next)
        write_uses_of(core, place, place->more->label, &place->more->cell);
}

static void write_uses(struct core *core, struct place *place)
{
    if (place->cell.calls.count)
        write_uses_of(core, place, place->label, &place->cell);
    write_more(core, place);
}

/* What was created here. Behind it, the place has a name if more may be told of it. */
static void write_created(struct core *core, struct place *place, bool ended, uint64_t end_ns,
                          bool hard)
{
    if (!ended || place->more)
        place->name = ++core->row->places;
    struct place_line *line = &row_add(core->row, RECORD_PLACE)->place;
    *line = (struct place_line){.place = place->name,
                                .life = place->owner->name,
                                .fd = place->fd,
                                .kind = place->kind,
                                .onto = place->onto,
                                .cloexec = place->cloexec,
                                .named = place->named,
                                .ended = ended,
                                .end_hard = hard,
                                .begin_ns = place->begin_ns,
                                .end_ns = end_ns,
                                .closing_ns = place->closing_ns,
                                .name = place->text,
                                .label = place->label,
                                .cell = place->cell};
    place->cell = (struct use_cell){0};
    write_more(core, place);
    place->number->created = NULL;
    *place->back_created = place->next_created;
    if (place->next_created)
        place->next_created->back_created = place->back_created;
}

static void tell_created(struct core *core, struct place *place)
{
    if (place)
        write_created(core, place, false, 0, false);
}

static void write_created_of(struct core *core, struct group *group)
{
    while (group->created)
        tell_created(core, group->created);
}

static void write_proofs(struct core *core, struct group *group)
{
    struct place *place = group->unproven;
    group->unproven = NULL;
    for (; place; place = place->next_unproven) {
        place->listed = false;
        if (place->sent_proof_ns != place->proven_ns)
            write_uses_of(core, place, 0, &(struct use_cell){0});
    }
}

static void write_all_of(struct core *core, struct life *life)
{
    if (!life->places)
        return;
    for (size_t i = 0; i < LOW_NUMBERS; i++)
        if (life->places->low[i])
            write_uses(core, life->places->low[i]);
    struct place *place;
    for (size_t at = 0; (place = map_next(&life->places->high, &at));)
        write_uses(core, place);
}

void places_write(struct core *core)
{
    places_write_created(core, NULL);
    for (struct life *life = core->all; life; life = life->next_of_all)
        write_all_of(core, life);
}

/* --- places of a life --- */

static struct place *place_new(struct core *core, struct life *life, int32_t fd)
{
    struct numbers *numbers = core->numbers;
    struct place *place = numbers->unused;
    if (place)
        numbers->unused = place->next_created;
    else
        place = arena_take(&numbers->arena, sizeof *place);
    struct group *group = group_of(core, life);
    struct number *number = number_in(core, group, fd);
    *place = (struct place){.group = group,
                            .number = number,
                            .epoch = number->epoch,
                            .generation = group->generation,
                            .owner = life,
                            .fd = fd,
                            .label = life->open_label,
                            .listed = place->listed,
                            .next_unproven = place->next_unproven,
                            .proven_ns = TIME_NONE,
                            .sent_proof_ns = TIME_NONE,
                            .closing_ns = TIME_NONE};
    set_place(life, fd, place);
    return place;
}

/* The place is the life's no more. What was created there is told. */
static void leave_place(struct core *core, struct life *life, struct place *place)
{
    assert(place->number->created != place);
    if (place->name)
        write_uses(core, place);
    set_place(life, place->fd, NULL);
    /* Its proof is sent. */
    place->sent_proof_ns = place->proven_ns;
    place->next_created = core->numbers->unused;
    core->numbers->unused = place;
}

static void leave_number(struct core *core, struct life *life, int32_t fd)
{
    struct place *place = place_of(life, fd);
    if (place)
        leave_place(core, life, place);
}

/* It may be bound: it is stale. */
static void doubt(struct place *place)
{
    if (place && is_fresh(place))
        place->epoch--;
}

void places_forget(struct life *life)
{
    if (!life->places)
        return;
    for (size_t i = 0; i < LOW_NUMBERS; i++)
        doubt(life->places->low[i]);
    struct place *place;
    for (size_t at = 0; (place = map_next(&life->places->high, &at));)
        doubt(place);
}

/* --- entries --- */

/* Only the past knows what is under the number. */
NEVER_INLINE static struct place *let_place(struct core *core, struct life *life, int32_t fd)
{
    tell_created(core, number_at(core, life, fd)->created);
    leave_number(core, life, fd);
    struct place *place = place_new(core, life, fd);
    place->name = ++core->row->places;
    row_add(core->row, RECORD_LET_PLACE)->place_let =
        (struct place_let){.place = place->name, .life = life->name, .fd = fd};
    return place;
}

static struct change_step *write_change(struct core *core, enum place_change change,
                                        const struct place *place, uint64_t time_ns)
{
    struct change_step *step = &row_add(core->row, RECORD_CHANGE)->change;
    step->change = (uint8_t)change;
    step->place = place->name;
    step->life = place->owner->name;
    step->fd = place->fd;
    step->time_ns = time_ns;
    return step;
}

void places_enter(struct core *core, struct life *life)
{
    int32_t fd[2];
    call_descriptors(life->open_call->role, life->open_present, life->open_value, fd);
    for (unsigned i = 0; i < 2; i++) {
        life->bound[i] = NULL;
        if (fd[i] < 0)
            continue;
        struct place *place = place_of(life, fd[i]);
        if (!place || !is_fresh(place))
            place = let_place(core, life, fd[i]);
        life->bound[i] = place;
        if (life->open_call->role->op != CALL_CLOSE)
            continue;
        place->closing_ns = life->entry_ns;
        place->next_closing = place->group->closing;
        place->group->closing = place;
    }
}

/* The close of the place is over, or the past knows of it. */
static void leave_closing(struct place *place)
{
    struct place **at = &place->group->closing;
    while (*at && *at != place)
        at = &(*at)->next_closing;
    if (*at)
        *at = place->next_closing;
}

static void write_closing(struct core *core, struct place *place)
{
    leave_closing(place);
    if (place->name)
        write_change(core, CHANGE_CLOSING, place, place->closing_ns);
}

/* If closes of the number (NULL: of any) are in progress, what is under it ends with them once it is created
 * again. */
static void write_closings(struct core *core, struct group *group, const struct number *number)
{
    struct place *next;
    for (struct place *place = group->closing; place; place = next) {
        next = place->next_closing;
        if (!number || place->number == number)
            write_closing(core, place);
    }
}

void places_drop(struct core *core, struct life *life)
{
    if (life->open_call->role->op == CALL_CLOSE && life->bound[0])
        write_closing(core, life->bound[0]);
    life->bound[0] = life->bound[1] = NULL;
}

void places_name_used(struct core *core, struct life *life, place_name used[2])
{
    for (unsigned i = 0; i < 2; i++) {
        struct place *place = life->bound[i];
        if (place && place->name == 0)
            tell_created(core, place);
        used[i] = place ? place->name : 0;
    }
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

/* A use of what may be under its number no more, or that nothing here proves. */
NEVER_INLINE static void write_use(struct core *core, const struct life *life,
                                   const struct place *place, const struct use_step *use)
{
    tell_created(core, number_at(core, place->owner, place->fd)->created);
    struct use_step *step = &row_add(core->row, RECORD_USE)->use;
    *step = *use;
    step->place = place->name;
    step->label = life->open_label;
}

static inline void count_use(struct core *core, struct life *life, unsigned at,
                             const struct event *exit)
{
    struct place *place = life->bound[at];
    uint8_t flags = life->open_call->role->flags;
    int64_t ret = exit->value[0];
    uint64_t ns = exit->time_ns - life->entry_ns, bytes = ret > 0 ? (uint64_t)ret : 0;
    bool bad = ret == -ERRNO_EBADF, transfer = flags & CALL_TRANSFER;
    /* Which of the two cannot be predicted: both are added, one of them masked out. */
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
    struct use_cell *cell = cell_at(core, place, life->open_label);
    durations_add(&cell->calls, ns);
    cell->read_bytes += read_bytes;
    cell->write_bytes += write_bytes;
    if (!bad)
        prove(place, life->entry_ns);
}

/* --- operations --- */

/* What the life knows of the number is over: it is another's. What it has created there ends as told. */
static void clear_number(struct core *core, struct life *life, int32_t fd, uint64_t end_ns,
                         bool hard)
{
    struct number *number = number_at(core, life, fd);
    struct place *created = number->created;
    if (created && created->owner == life)
        write_created(core, created, true, end_ns, hard);
    else
        tell_created(core, created);
    leave_number(core, life, fd);
    number->epoch++;
}

/* The end of what is replaced by another. */
static void replace(struct core *core, struct life *life, int32_t fd, uint64_t time_ns, bool onto)
{
    const struct place *created = number_at(core, life, fd)->created;
    bool closing = !onto && created && created->closing_ns != TIME_NONE;
    write_closings(core, group_of(core, life), number_at(core, life, fd));
    clear_number(core, life, fd, closing ? created->closing_ns : time_ns, closing || onto);
}

static struct place *create(struct core *core, struct life *life, int64_t fd, uint64_t time_ns,
                            bool onto)
{
    replace(core, life, (int32_t)fd, time_ns, onto);
    struct place *place = place_new(core, life, (int32_t)fd);
    struct group *group = place->group;
    place->created = true;
    place->onto = onto;
    place->begin_ns = time_ns;
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
        tell_created(core, number_at(core, life, from)->created);
    replace(core, life, (int32_t)to, time_ns, onto);
    struct place *copy = place_new(core, life, (int32_t)to);
    copy->created = true;
    copy->name = ++core->row->places;
    struct change_step *step = write_change(core, CHANGE_DUP, copy, time_ns);
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
            write_change(core, CHANGE_CLOEXEC, place, exit->time_ns)->flag = place->cloexec;
    }
}

static void on_close(struct core *core, struct life *life, const struct event *exit)
{
    struct place *place = life->bound[0];
    if (!place)
        return;
    bool hard = exit->value[0] != -ERRNO_EBADF;
    leave_closing(place);
    if (place->name == 0) {
        clear_number(core, life, place->fd, life->entry_ns, hard);
        return;
    }
    if (!is_fresh(place))
        tell_created(core, number_at(core, life, place->fd)->created);
    place->number->epoch++;
    number_at(core, life, place->fd)->epoch++; /* another one if the groups have been merged */
    write_more(core, place);
    struct uses_line *line = write_uses_of(core, place, place->label, &place->cell);
    line->closed = true;
    line->close_hard = hard;
    line->close_ns = life->entry_ns;
    leave_place(core, life, place);
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
            return; /* it was given one */
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

bool places_exit(struct core *core, struct life *life, const struct event *exit)
{
    if (life->open_call->role->op != CALL_PLAIN && changes_table(life, exit->value[0]))
        return false;
    for (unsigned i = 0; i < 2; i++)
        if (life->bound[i])
            count_use(core, life, i, exit);
    if (life->open_call->role->op != CALL_PLAIN)
        operate(core, life, exit);
    life->bound[0] = life->bound[1] = NULL;
    return true;
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

/* --- steps --- */

static void renew_number(struct core *core, struct group *group, int64_t fd)
{
    if (is_descriptor_number(fd))
        number_in(core, group, (int32_t)fd)->epoch++;
}

/* The past has the call whose exit this is. */
static void before_exit(struct core *core, struct group *group, const struct event *event)
{
    switch ((int)event->call->role->op) {
    case CALL_PLAIN:
    case CALL_EXEC:
    case CALL_CLONE: return;
    case CALL_CREATE:
    case CALL_SIGNALFD:
    case CALL_DUP:
    case CALL_DUP2:
    case CALL_FCNTL:
    case CALL_CREATE_PAIR:
        write_closings(core, group, NULL);
        renew_number(core, group, event->value[0]);
        for (unsigned i = 0; i < 2 && i < event->int_count; i++)
            renew_number(core, group, event->ints[i]);
        return;
    case CALL_CLOSE_RANGE:
    case CALL_UNSHARE: write_proofs(core, group); break;
    default: break;
    }
    group->generation++;
}

static void before_step(struct core *core, struct group *group, const struct event *event)
{
    write_created_of(core, group);
    if (event->kind == EVENT_FORK || event->kind == EVENT_EXEC)
        write_proofs(core, group);
    if (event->kind == EVENT_EXEC)
        group->generation++;
    if (event->kind == EVENT_CALL_EXIT)
        before_exit(core, group, event);
}

static void before_step_of(struct core *core, struct life *life, const struct event *event)
{
    if (life) {
        before_step(core, group_of(core, life), event);
        return;
    }
    before_step(core, &core->numbers->common, event);
    for (struct group *group = core->numbers->groups; group; group = group->next)
        before_step(core, group, event);
}

void places_before_step(struct core *core, const struct event *event, struct life *actor)
{
    struct life *named = NULL;
    switch (event->kind) {
    case EVENT_FORK: {
        struct life *child = map_life(core, (int32_t)event->value[2]);
        if (child)
            before_step_of(core, child, event); /* whoever had its number */
    }
        /* fall through */
    case EVENT_EXIT:
    case EVENT_TOLD_PROCESS: named = map_life(core, (int32_t)event->value[0]); break;
    case EVENT_EXEC:
        if (!event_has_value(event, 1) || event->value[1] == event->value[0])
            named = map_life(core, (int32_t)event->value[0]);
        break;
    case EVENT_CALL_EXIT:
    case EVENT_CALL_ENTRY: named = actor; break;
    case EVENT_TOLD_FD: break;
    default:
        if (!(core->step_parts & STEP_BY_CPU))
            return;
    }
    before_step_of(core, core->step_parts & STEP_BY_CPU ? NULL : named, event);
}

/* --- groups --- */

void places_write_created(struct core *core, struct life *life)
{
    if (life) {
        write_created_of(core, group_of(core, life));
        return;
    }
    write_created_of(core, &core->numbers->common);
    for (struct group *group = core->numbers->groups; group; group = group->next)
        write_created_of(core, group);
}

static void merge(struct core *core, struct group *group)
{
    if (group->merged)
        return;
    write_created_of(core, group);
    write_closings(core, group, NULL);
    write_proofs(core, group);
    group->generation++;
    group->merged = true;
}

void places_doubt(struct core *core)
{
    struct numbers *numbers = core->numbers;
    write_created_of(core, &numbers->common);
    for (struct group *group = numbers->groups; group; group = group->next)
        merge(core, group);
    map_clear(&numbers->by_pid);
    numbers->common.generation++;
}

void places_told(struct core *core, struct life *life, int32_t pid)
{
    struct group *group = pid > 0 ? map_get(&core->numbers->by_pid, (uint64_t)pid) : NULL;
    if (group && group != group_of(core, life)) {
        merge(core, group);
        map_remove(&core->numbers->by_pid, (uint64_t)pid);
    }
    if (!life->has_process && (life->tid == 0 || core->let_cpus > 0))
        places_doubt(core);
    else if (!life->has_process)
        places_forget(life);
    life->has_process = pid > 0;
}

/* Whether the life is known to be in no clone that shares its table. */
static bool shares_nothing(const struct life *life)
{
    if (life->in == IN_NONE)
        return true;
    if (life->in == IN_UNKNOWN)
        return false;
    return strcmp(life->open_call->name, "clone") != 0 || !(life->open_present & 4) ||
           !(life->open_value[2] & CALL_CLONE_FILES);
}

struct group *places_group_of_child(struct core *core, struct life *parent,
                                    const struct event *event)
{
    struct numbers *numbers = core->numbers;
    uint64_t pid = (uint64_t)(uint32_t)event->value[3];
    if (event->value[2] != event->value[3])
        return map_get(&numbers->by_pid, pid);
    struct group *group = parent ? group_of(core, parent) : &numbers->common;
    if (parent && core->let_cpus == 0 && shares_nothing(parent)) {
        group = arena_take(&numbers->arena, sizeof *group);
        group->next = numbers->groups;
        numbers->groups = group;
    }
    if (group == &numbers->common) {
        map_remove(&numbers->by_pid, pid);
        return NULL;
    }
    map_put(&numbers->by_pid, pid, group);
    return group;
}
