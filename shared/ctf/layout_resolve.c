#include "layout_builder.h"

#include <assert.h>
#include <stdio.h>

#include "base/memory.h"

/* Fields that may be the same length or tag, each in another option. */
enum { TARGETS_MAX = 64 };

/* Over all searches; LTTng's kernel needs some thousand. */
enum { STEPS_MAX = 1 << 24 };

/* Marks a slot of packets or event headers that has no final number yet. */
#define SLOT_SHARED (UINT32_C(1) << 31)

struct place {
    struct layout_field *field;
    const struct draft_type *type;
};

struct search {
    struct builder *builder;
    enum draft_scope scope; /* of the current position */
    struct place found[TARGETS_MAX];
    uint32_t count;
    bool too_many;
};

static struct layout_field *children(const struct layout_field *field)
{
    /* Fields under construction may be modified. */
    return (struct layout_field *)(uintptr_t)field->fields;
}

/* The child that is being built; LAYOUT_NONE if the whole field is finished. */
static uint32_t current_of(const struct builder *builder, const struct layout_field *field)
{
    for (uint32_t i = 0; i < builder->depth; i++)
        if (builder->frames[i].field == field)
            return builder->frames[i].current;
    return LAYOUT_NONE;
}

static void walk(struct search *search, struct place at, const uint32_t *names, uint32_t count);

static void walk_options(struct search *search, struct place at, const uint32_t *names,
                         uint32_t count)
{
    uint32_t current = current_of(search->builder, at.field);
    /* CTF 1.8 does not search options; inside of one, the others do not exist. */
    if (current == LAYOUT_NONE && search->builder->draft->layout->version == 1)
        return;
    for (uint32_t i = 0; i < at.type->count; i++)
        if (current == LAYOUT_NONE || current == i)
            walk(search, (struct place){children(at.field) + i, at.type->members[i].type}, names,
                 count);
}

static void found(struct search *search, struct place at)
{
    if (search->count == TARGETS_MAX)
        search->too_many = true;
    else
        search->found[search->count++] = at;
}

/* From `at` along `names`: structures are entered by name; other containers stand for the child
 * that a reader would be in. */
static void walk(struct search *search, struct place at, const uint32_t *names, uint32_t count)
{
    if (search->too_many || at.field->align == 0)
        return;
    search->too_many = ++search->builder->steps > STEPS_MAX;
    switch ((enum layout_type)at.field->type) {
    case LAYOUT_STRUCT: {
        uint32_t member = count > 0 ? draft_member(at.type, names[0]) : LAYOUT_NONE;
        if (member != LAYOUT_NONE)
            walk(search, (struct place){children(at.field) + member, at.type->members[member].type},
                 names + 1, count - 1);
        return;
    }
    case LAYOUT_VARIANT: walk_options(search, at, names, count); return;
    case LAYOUT_OPTIONAL:
        walk(search, (struct place){children(at.field), at.type->element}, names, count);
        return;
    case LAYOUT_ARRAY:
    case LAYOUT_SEQUENCE:
        if (current_of(search->builder, at.field) != LAYOUT_NONE)
            walk(search, (struct place){children(at.field), at.type->element}, names, count);
        return;
    case LAYOUT_INTEGER:
    case LAYOUT_VARINT:
        if (count == 0)
            found(search, at);
        return;
    case LAYOUT_FLOAT:
    case LAYOUT_STRING:
    case LAYOUT_WIDE:
    case LAYOUT_STRING_FIXED:
    case LAYOUT_STRING_SIZED:
    case LAYOUT_BLOB_FIXED:
    case LAYOUT_BLOB_SIZED: return;
    }
}

static void search_root(struct search *search, enum draft_scope scope,
                        const struct draft_path *path)
{
    const struct builder *builder = search->builder;
    search->scope = scope;
    if (builder->roots[scope] != NULL)
        walk(search, (struct place){builder->roots[scope], builder->root_types[scope]}, path->names,
             path->count);
}

/* CTF 1.8, 7.3.2: the enclosing structures, from inside out, then the earlier scopes. */
static void search_outward(struct search *search, const struct draft_path *path)
{
    const struct builder *builder = search->builder;
    search->scope = builder->scope;
    for (uint32_t i = builder->depth; i-- > 0 && search->count == 0;) {
        const struct frame *frame = &builder->frames[i];
        if (frame->field->type == LAYOUT_STRUCT)
            walk(search, (struct place){frame->field, frame->type}, path->names, path->count);
    }
    for (int scope = (int)builder->scope - 1; scope >= 0 && search->count == 0; scope--)
        search_root(search, (enum draft_scope)scope, path);
}

/* CTF 2: the enclosing structure; one further out for each DRAFT_PARENT at the begin of the
 * path. */
static void search_enclosing(struct search *search, const struct draft_path *path)
{
    const struct builder *builder = search->builder;
    uint32_t outward = 0;
    while (outward < path->count && path->names[outward] == DRAFT_PARENT)
        outward++;
    uint32_t skip = outward;
    search->scope = builder->scope;
    for (uint32_t i = builder->depth; i-- > 0;) {
        const struct frame *frame = &builder->frames[i];
        if (frame->field->type != LAYOUT_STRUCT)
            continue;
        if (skip-- > 0)
            continue;
        walk(search, (struct place){frame->field, frame->type}, path->names + outward,
             path->count - outward);
        return;
    }
}

/* --- slots --- */

static void share(struct builder *builder, uint32_t *slot)
{
    builder->shared = memory_grow(builder->shared, &builder->shared_room, builder->shared_count + 1,
                                  sizeof(uint32_t *));
    builder->shared[builder->shared_count++] = slot;
}

/* The slot of one of the targets, or a new one. REJECT: they have different slots. */
static enum status slot_for(const struct search *search, struct builder *builder, const char *place,
                            uint32_t *out)
{
    uint32_t slot = LAYOUT_NONE;
    for (uint32_t i = 0; i < search->count; i++) {
        uint32_t has = search->found[i].field->save;
        if (has != LAYOUT_NONE && slot != LAYOUT_NONE && has != slot)
            return draft_fail(builder->draft, place, builder->why,
                              "options share a length or tag that another field also uses");
        slot = has != LAYOUT_NONE ? has : slot;
    }
    if (slot == LAYOUT_NONE && search->scope >= DRAFT_OWN_CONTEXT)
        slot = builder->event_slots++;
    else if (slot == LAYOUT_NONE)
        slot = SLOT_SHARED | builder->shared_slots++;
    *out = slot;
    return STATUS_OK;
}

static enum status take_slot(const struct search *search, struct builder *builder,
                             const char *place, uint32_t *from)
{
    enum status status = slot_for(search, builder, place, from);
    if (status != STATUS_OK)
        return status;
    bool shared = (*from & SLOT_SHARED) != 0;
    if (shared)
        share(builder, from);
    for (uint32_t i = 0; i < search->count; i++) {
        uint32_t *save = &search->found[i].field->save;
        if (*save == LAYOUT_NONE && shared)
            share(builder, save);
        *save = *from;
    }
    return STATUS_OK;
}

void resolve_number_slots(struct builder *builder)
{
    for (size_t i = 0; i < builder->shared_count; i++)
        assert((*builder->shared[i] & SLOT_SHARED) &&
               (*builder->shared[i] & ~SLOT_SHARED) < builder->shared_slots);
    for (size_t i = 0; i < builder->shared_count; i++)
        *builder->shared[i] = (*builder->shared[i] & ~SLOT_SHARED) + builder->event_slots_most;
}

/* The names of a path, as in the text, for a message. */
static const char *path_words(const struct builder *builder, const struct draft_path *path,
                              char *room, size_t size)
{
    size_t used = 0;
    room[0] = '\0';
    for (uint32_t i = 0; i < path->count && used + 1 < size; i++) {
        const char *name = path->names[i] == DRAFT_PARENT
                               ? "(outward)"
                               : names_text(&builder->draft->names, path->names[i]).at;
        int wrote = snprintf(room + used, size - used, "%s%s", i > 0 ? "." : "", name);
        used += wrote > 0 ? (size_t)wrote : 0;
    }
    return room;
}

enum status resolve_path(struct builder *builder, const struct draft_type *type, uint32_t *from,
                         struct target *out)
{
    struct search search = {.builder = builder};
    if (type->path.from == DRAFT_OUTWARD)
        search_outward(&search, &type->path);
    else if (type->path.from == DRAFT_ENCLOSING)
        search_enclosing(&search, &type->path);
    else
        search_root(&search, type->path.from, &type->path);
    char room[256];
    if (search.too_many)
        return draft_fail(builder->draft, type->place, builder->why, "too many fields match \"%s\"",
                          path_words(builder, &type->path, room, sizeof room));
    if (search.count == 0)
        return draft_fail(builder->draft, type->place, builder->why,
                          "no earlier integer field is \"%s\"",
                          path_words(builder, &type->path, room, sizeof room));
    for (uint32_t i = 1; i < search.count; i++)
        if (search.found[i].field->is_signed != search.found[0].field->is_signed)
            return draft_fail(builder->draft, type->place, builder->why,
                              "\"%s\" matches signed and unsigned fields",
                              path_words(builder, &type->path, room, sizeof room));
    assert(search.found[0].field->type == LAYOUT_INTEGER ||
           search.found[0].field->type == LAYOUT_VARINT);
    *out = (struct target){search.found[0].field, search.found[0].type};
    return take_slot(&search, builder, type->place, from);
}
