/* Joining: descriptor records of rows. */
#include "base/memory.h"
#include "core/descriptors.h"

/* The place of one life, which may be over by now: uses of the place belong to it. */
struct named_place {
    struct descriptor *descriptor; /* a reference; NULL: the life has none */
    life_name thread;
};

/* A row introduces names in order, each once; other names of an inconsistent row are ignored. */
static void name(struct core *core, place_name name, life_name life, struct descriptor *descriptor)
{
    size_t next = core->place_count > 0 ? core->place_count : 1;
    if (name != next)
        return;
    core->places =
        memory_grow(core->places, &core->place_room, (size_t)name + 1, sizeof *core->places);
    for (; core->place_count <= name; core->place_count++)
        core->places[core->place_count] = (struct named_place){NULL, 0};
    if (!descriptor)
        return;
    core->places[name] = (struct named_place){descriptor, join_life_of(core, life)->name};
    descriptor->refs++;
}

static struct named_place named(const struct core *core, place_name name)
{
    if (name >= core->place_count)
        return (struct named_place){NULL, 0};
    (void)descriptor_touch(core->places[name].descriptor);
    return core->places[name];
}

void join_places_end(struct core *core)
{
    for (size_t i = 0; i < core->place_count; i++)
        descriptor_drop(core->places[i].descriptor);
    core->place_count = 0;
}

static struct table *table_at(struct core *core, life_name name)
{
    struct life *life = join_life_of(core, name);
    return life ? life_table(core, life) : NULL;
}

void join_let_place(struct core *core, const struct place_let *let)
{
    struct table *table = table_at(core, let->life);
    struct descriptor *descriptor = table ? table_alive(table, let->fd) : NULL;
    if (table && !descriptor)
        descriptor = table_place(core, table, let->fd);
    name(core, let->place, let->life, descriptor);
}

void join_bind(struct core *core, struct life *life, const place_name used[2])
{
    for (unsigned i = 0; i < 2; i++) {
        life->used[i] = named(core, used[i]).descriptor;
        if (life->used[i])
            life->used[i]->refs++;
    }
}

void join_place(struct core *core, const struct place_line *line)
{
    struct table *table = table_at(core, line->life);
    if (!table) {
        name(core, line->place, line->life, NULL);
        return;
    }
    life_name thread = join_life_of(core, line->life)->name;
    if (line->onto)
        table_end_onto(core, table, line->fd, line->begin_ns);
    if (line->ended && line->place == 0) {
        table_end_replaced(core, table, line->fd, line->begin_ns);
        descriptor_pass(core, table,
                        &(struct passed){.fd = line->fd,
                                         .kind = line->kind,
                                         .named = line->named,
                                         .end_hard = line->end_hard,
                                         .begin_ns = line->begin_ns,
                                         .end_ns = line->end_ns,
                                         .name = line->name,
                                         .uses = line->cell},
                        thread, join_labeled(core, line->label));
        return;
    }
    struct descriptor *created = table_create(core, table, line->fd, line->begin_ns);
    created->kind = line->kind;
    created->cloexec = line->cloexec;
    created->closing_ns = line->closing_ns;
    if (line->named)
        descriptor_set_name(created, line->name);
    name(core, line->place, line->life, created);
    if (line->cell.calls.count)
        descriptor_emit_uses(core, created, thread, join_labeled(core, line->label), &line->cell,
                             true);
    if (line->ended)
        descriptor_end(core, created, line->end_ns, line->end_hard);
}

void join_passed(struct core *core, const struct passed_line *line)
{
    struct table *table = table_at(core, line->life);
    if (!table)
        return;
    life_name thread = join_life_of(core, line->life)->name;
    uint32_t path = join_labeled(core, line->label);
    struct bytes bytes = {(const uint8_t *)line->bytes.at, line->bytes.count};
    if (core->sink.take_passed) {
        struct passed_result content = {.first = core->last_descriptor + 1,
                                        .process = table->process,
                                        .thread = thread,
                                        .phase = names_text(&core->paths, path),
                                        .count = line->count,
                                        .bytes = bytes};
        core->sink.take_passed(core->sink.context, &content);
        core->last_descriptor += line->count;
        return;
    }
    struct passed_in in = passed_in(bytes);
    struct arena arena = {.first = NULL};
    struct passed each;
    while (passed_take(&in, &arena, &each))
        descriptor_pass(core, table, &each, thread, path);
    arena_clear(&arena);
}

void join_uses(struct core *core, const struct uses_line *line)
{
    struct named_place place = named(core, line->place);
    struct descriptor *used = place.descriptor;
    if (!used)
        return;
    if (line->proven_ns != TIME_NONE)
        descriptor_prove(core, used, line->proven_ns);
    /* First its end: readers keep uses of a descriptor separately until they know it. */
    if (line->closed && !used->ended)
        descriptor_end(core, used, line->close_ns, line->close_hard);
    if (line->cell.calls.count && used->proven)
        descriptor_emit_uses(core, used, place.thread, join_labeled(core, line->label), &line->cell,
                             true);
}

void join_use(struct core *core, const struct use_step *step)
{
    struct named_place place = named(core, step->place);
    struct use use = {.thread = place.thread,
                      .label = join_labeled(core, step->label),
                      .entry_ns = step->entry_ns,
                      .bad = step->bad,
                      .cell = {.read_bytes = step->read_bytes, .write_bytes = step->write_bytes}};
    if (!place.descriptor)
        return;
    durations_add(&use.cell.calls, step->ns);
    descriptor_count_use(core, place.descriptor, &use);
}

static void join_dup(struct core *core, const struct change_step *step)
{
    struct table *table = table_at(core, step->life);
    struct descriptor *copy = NULL;
    if (table && step->onto)
        table_end_onto(core, table, step->fd, step->time_ns);
    if (table)
        copy = table_duplicate(core, table, step->from, step->fd, step->flag, step->time_ns);
    name(core, step->place, step->life, copy);
}

void join_change(struct core *core, const struct change_step *step)
{
    struct descriptor *place = named(core, step->place).descriptor;
    switch ((enum place_change)step->change) {
    case CHANGE_DUP: join_dup(core, step); return;
    case CHANGE_CLOSING:
        /* The last of several in progress, which may be recorded in any order. */
        if (place && (place->closing_ns == TIME_NONE || place->closing_ns < step->time_ns))
            place->closing_ns = step->time_ns;
        return;
    case CHANGE_CLOEXEC:
        if (place)
            place->cloexec = step->flag;
        return;
    }
}
