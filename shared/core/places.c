/* Mapping: descriptors of an interval.
 *
 * A place is what a life knows of a number: a name for the past's descriptor, or a descriptor that
 * was created here and is not in the row yet. It is stale when the number, or all numbers, may
 * belong to another descriptor. Lives of one group may share a table. So a number of a group has at
 * most one created descriptor that is not in the row, and any other life that uses the number
 * writes it first.
 *
 * Uses are summed by place, so they can be written at any time. What ends or changes a place with a
 * name is written in order, after the descriptors that were created under its number. */
#include "base/memory.h"
#include "core/places.h"

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
    free(places->passing.out.at);
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

/* --- lookup --- */

struct group *place_group(const struct core *core, struct life *life)
{
    if (life->group && life->group->merged)
        life->group = NULL;
    return life->group ? life->group : &core->numbers->common;
}

struct number *number_in(struct core *core, struct group *group, int32_t fd)
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

void places_ask_for_number(const struct life *life, int32_t fd)
{
    if (life->places && fd >= 0 && fd < LOW_NUMBERS)
        __builtin_prefetch(&life->places->low[fd]);
}

void places_ask_for(const struct life *life, int32_t fd)
{
    const struct place *place =
        life->places && fd >= 0 && fd < LOW_NUMBERS ? life->places->low[fd] : NULL;
    for (size_t at = 0; place && at < sizeof *place; at += 64)
        __builtin_prefetch((const char *)place + at, 1);
}

struct number *number_at(struct core *core, struct life *life, int32_t fd)
{
    return number_in(core, place_group(core, life), fd);
}

static void set_place(struct core *core, struct life *life, int32_t fd, struct place *place)
{
    if (!life->places)
        life->places = arena_take(&core->numbers->arena, sizeof *life->places);
    if (fd < LOW_NUMBERS)
        life->places->low[fd] = place;
    else if (place)
        map_put(&life->places->high, (uint64_t)fd, place);
    else
        map_remove(&life->places->high, (uint64_t)fd);
}

/* --- writing --- */

struct uses_line *place_write_uses(struct core *core, struct place *place, uint32_t label,
                                   struct use_cell *cell)
{
    struct uses_line *line = &row_add(core->row, RECORD_USES)->uses;
    line->place = place->name;
    line->label = label;
    line->close_ns = TIME_NONE;
    line->proven_ns = place->created ? TIME_NONE : place->proven_ns;
    line->cell = *cell;
    *cell = (struct use_cell){0};
    place->sent_proof_ns = place->proven_ns;
    return line;
}

void place_write_more(struct core *core, struct place *place)
{
    for (; place->more; place->more = place->more->next)
        place_write_uses(core, place, place->more->label, &place->more->cell);
}

static void write_uses(struct core *core, struct place *place)
{
    if (place->cell.calls.count)
        place_write_uses(core, place, place->label, &place->cell);
    place_write_more(core, place);
}

static void leave_created(struct place *place)
{
    place->number->created = NULL;
    *place->back_created = place->next_created;
    if (place->next_created)
        place->next_created->back_created = place->back_created;
}

void place_write_created(struct core *core, struct place *place, bool ended, uint64_t end_ns,
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
                                .end_ns = ended ? end_ns : TIME_NONE,
                                .closing_ns = ended ? TIME_NONE : place->closing_ns,
                                .name = place->text,
                                .label = place->label,
                                .cell = place->cell};
    place->cell = (struct use_cell){0};
    place_write_more(core, place);
    leave_created(place);
}

/* --- descriptors that pass --- */

static void write_passing(struct core *core, struct passing *passing)
{
    struct passed_out *out = &passing->out;
    if (out->passed == 0)
        return;
    row_add(core->row, RECORD_PASSED)->passed = (struct passed_line){
        .life = passing->owner->name,
        .label = passing->is_used ? passing->label : 0,
        .count = out->passed,
        .bytes = {arena_copy(&core->row->records, out->at, out->count), out->count}};
    out->count = 0;
    out->passed = out->end_ns = 0;
    passing->is_used = false;
}

static void list_passing(struct group *group, struct passing *passing, struct life *owner)
{
    if (passing->listed)
        return;
    passing->listed = true;
    passing->owner = owner;
    passing->next = group->passing;
    group->passing = passing;
}

void place_end_created(struct core *core, struct place *place, uint64_t end_ns, bool hard)
{
    if (!place->passes || place->onto || place->more) {
        place_write_created(core, place, true, end_ns, hard);
        return;
    }
    struct passing *passing = &place->owner->places->passing;
    bool is_used = place->cell.calls.count > 0;
    list_passing(place->group, passing, place->owner);
    if (is_used && passing->is_used && passing->label != place->label)
        write_passing(core, passing);
    if (is_used) {
        passing->is_used = true;
        passing->label = place->label;
    }
    passed_put(&passing->out, &(struct passed){.fd = place->fd,
                                               .kind = place->kind,
                                               .named = place->named,
                                               .end_hard = hard,
                                               .begin_ns = place->begin_ns,
                                               .end_ns = end_ns,
                                               .name = place->text,
                                               .uses = place->cell});
    use_cell_clear(&place->cell);
    leave_created(place);
}

void place_emit_created(struct core *core, struct place *place)
{
    if (place)
        place_write_created(core, place, false, 0, false);
}

void group_write_open(struct core *core, struct group *group)
{
    while (group->created)
        place_emit_created(core, group->created);
}

void places_write_passing(struct core *core, struct life *life)
{
    if (life->places)
        write_passing(core, &life->places->passing);
}

void group_write_created(struct core *core, struct group *group)
{
    group_write_open(core, group);
    for (; group->passing; group->passing = group->passing->next) {
        write_passing(core, group->passing);
        group->passing->listed = false;
    }
}

static void give_back(struct core *core, struct place *place)
{
    place->next_created = core->numbers->unused;
    core->numbers->unused = place;
}

void group_write_proofs(struct core *core, struct group *group)
{
    struct place *next = group->unproven;
    group->unproven = NULL;
    for (struct place *place; (place = next);) {
        next = place->next_unproven;
        place->listed = false;
        if (place->left)
            give_back(core, place);
        else if (place->sent_proof_ns != place->proven_ns)
            place_write_uses(core, place, 0, &(struct use_cell){0});
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

struct place *place_new(struct core *core, struct life *life, int32_t fd)
{
    struct numbers *numbers = core->numbers;
    struct place *place = numbers->unused;
    if (place)
        numbers->unused = place->next_created;
    else
        place = arena_take(&numbers->arena, sizeof *place);
    struct group *group = place_group(core, life);
    struct number *number = number_in(core, group, fd);
    *place = (struct place){.group = group,
                            .number = number,
                            .epoch = number->epoch,
                            .generation = group->generation,
                            .owner = life,
                            .fd = fd,
                            .label = life->open_label,
                            .proven_ns = TIME_NONE,
                            .sent_proof_ns = TIME_NONE,
                            .closing_ns = TIME_NONE};
    set_place(core, life, fd, place);
    return place;
}

/* Removes the place from its life. A descriptor created there has been written. */
void place_leave(struct core *core, struct life *life, struct place *place)
{
    assert(place->number->created != place);
    if (place->name)
        write_uses(core, place);
    set_place(core, life, place->fd, NULL);
    place->left = true;
    if (!place->listed)
        give_back(core, place);
}

void place_leave_number(struct core *core, struct life *life, int32_t fd)
{
    struct place *place = place_of(life, fd);
    if (place)
        place_leave(core, life, place);
}

/* Makes it stale instead of dropping it: an open call may use it. */
static void doubt(struct place *place)
{
    if (place && is_fresh(place))
        place->epoch--;
}

void places_forget(struct life *life)
{
    if (!life->places)
        return;
    life->places->free_of = NULL;
    for (size_t i = 0; i < LOW_NUMBERS; i++)
        doubt(life->places->low[i]);
    struct place *place;
    for (size_t at = 0; (place = map_next(&life->places->high, &at));)
        doubt(place);
}

/* --- closes in progress --- */

struct change_step *place_write_change(struct core *core, enum place_change change,
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

/* The close of the place is over, or is in the row. */
void place_leave_closing(struct place *place)
{
    struct place **at = &place->group->closing;
    while (*at && *at != place)
        at = &(*at)->next_closing;
    if (*at)
        *at = place->next_closing;
}

void place_write_closing(struct core *core, struct place *place)
{
    place_leave_closing(place);
    if (place->name)
        place_write_change(core, CHANGE_CLOSING, place, place->closing_ns);
}

/* If closes of the number (NULL: of any) are in progress, its descriptor ends with them when the
 * number is created again. */
void group_write_closings(struct core *core, struct group *group, const struct number *number)
{
    struct place *next;
    for (struct place *place = group->closing; place; place = next) {
        next = place->next_closing;
        if (!number || place->number == number)
            place_write_closing(core, place);
    }
}
