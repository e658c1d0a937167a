#include "layout_draft.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"

/* Up to this many members, linear search is fast enough. */
enum { MEMBERS_FEW = 16 };

const char *draft_string(struct draft *draft, struct text text)
{
    return arena_string(draft->into, text);
}

struct draft_type *draft_type_new(struct draft *draft, enum layout_type type, const char *place)
{
    struct draft_type *made = arena_take(&draft->arena, sizeof *made);
    made->type = type;
    made->align = 1;
    made->base = 10;
    made->clock = LAYOUT_NONE;
    made->place = place;
    return made;
}

struct draft_stream *draft_add_stream(struct draft *draft, const char *place)
{
    draft->streams = memory_grow(draft->streams, &draft->stream_room, draft->stream_count + 1,
                                 sizeof *draft->streams);
    struct draft_stream *stream = &draft->streams[draft->stream_count++];
    *stream = (struct draft_stream){.clock = LAYOUT_NONE, .place = place};
    return stream;
}

struct draft_event *draft_add_event(struct draft *draft, const char *place)
{
    draft->events = memory_grow(draft->events, &draft->event_room, draft->event_count + 1,
                                sizeof *draft->events);
    struct draft_event *event = &draft->events[draft->event_count++];
    *event = (struct draft_event){.log_level = -1, .place = place};
    return event;
}

struct layout_env *draft_add_env(struct draft *draft, struct text name)
{
    draft->env =
        memory_grow(draft->env, &draft->env_room, draft->env_count + 1, sizeof *draft->env);
    struct layout_env *env = &draft->env[draft->env_count++];
    *env = (struct layout_env){.name = draft_string(draft, name)};
    return env;
}

const struct layout_env *draft_env(const struct draft *draft, const char *name)
{
    for (size_t i = 0; i < draft->env_count; i++)
        if (strcmp(draft->env[i].name, name) == 0)
            return &draft->env[i];
    return NULL;
}

uint32_t draft_clock(struct draft *draft, struct text name, const char *place)
{
    uint32_t id = names_id(&draft->names, name);
    for (size_t i = 0; i < draft->clock_count; i++)
        if (draft->clocks[i].name == id)
            return (uint32_t)i;
    if (draft->clock_count == DRAFT_CLOCKS_MAX)
        return LAYOUT_NONE;
    draft->clocks = memory_grow(draft->clocks, &draft->clock_room, draft->clock_count + 1,
                                sizeof *draft->clocks);
    draft->clocks[draft->clock_count] = (struct draft_clock){
        .name = id,
        .clock = {.name = draft_string(draft, name), .frequency = UINT64_C(1000000000)},
        .place = place,
    };
    return (uint32_t)draft->clock_count++;
}

/* --- members by name --- */

/* (name, index), packed to sort as one number. */
static int by_number(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

static void index_members(struct draft *draft, struct draft_type *type)
{
    uint64_t *keys = memory_new(type->count * sizeof *keys);
    for (uint32_t i = 0; i < type->count; i++)
        keys[i] = (uint64_t)type->members[i].name << 32 | i;
    qsort(keys, type->count, sizeof *keys, by_number);
    type->by_name = arena_take(&draft->arena, type->count * sizeof *type->by_name);
    for (uint32_t i = 0; i < type->count; i++)
        type->by_name[i] = (uint32_t)keys[i];
    free(keys);
}

/* A member with the name of an earlier one; LAYOUT_NONE if all differ. */
static uint32_t find_double(const struct draft_type *type)
{
    const struct draft_member *members = type->members;
    if (type->by_name != NULL) {
        for (uint32_t i = 1; i < type->count; i++)
            if (members[type->by_name[i - 1]].name == members[type->by_name[i]].name)
                return type->by_name[i];
        return LAYOUT_NONE;
    }
    for (uint32_t i = 1; i < type->count; i++)
        for (uint32_t j = 0; j < i; j++)
            if (members[i].name == members[j].name)
                return i;
    return LAYOUT_NONE;
}

enum status draft_members_done(struct draft *draft, struct draft_type *type, struct failure *why)
{
    if (type->count > MEMBERS_FEW)
        index_members(draft, type);
    uint32_t twice = find_double(type);
    /* Options of CTF 2 may have no name. */
    if (twice == LAYOUT_NONE || names_text(&draft->names, type->members[twice].name).count == 0)
        return STATUS_OK;
    return draft_fail(draft, type->members[twice].place, why, "two members are named \"%s\"",
                      names_text(&draft->names, type->members[twice].name).at);
}

uint32_t draft_member(const struct draft_type *type, uint32_t name)
{
    if (type->by_name == NULL) {
        for (uint32_t i = 0; i < type->count; i++)
            if (type->members[i].name == name)
                return i;
        return LAYOUT_NONE;
    }
    uint32_t low = 0, high = type->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (type->members[type->by_name[middle]].name < name)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == type->count || type->members[type->by_name[low]].name != name)
        return LAYOUT_NONE;
    return type->by_name[low];
}

/* --- labels by name --- */

static int by_label(const void *a, const void *b)
{
    const struct draft_range *left = a, *right = b;
    return left->label < right->label ? -1 : left->label > right->label;
}

void draft_labels_done(struct draft *draft, struct draft_type *type)
{
    qsort(type->labels, type->label_count, sizeof *type->labels, by_label);
    type->label_ranges = arena_take(draft->into, type->label_count * sizeof *type->label_ranges);
    for (uint32_t i = 0; i < type->label_count; i++)
        type->label_ranges[i] = type->labels[i].range;
}

/* The first label that is not less than `name`. */
static uint32_t label_at(const struct draft_type *type, uint64_t name)
{
    uint32_t low = 0, high = type->label_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (type->labels[middle].label < name)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct layout_range *draft_label(const struct draft_type *type, uint32_t name,
                                       uint32_t *count)
{
    uint32_t begin = label_at(type, name);
    *count = label_at(type, (uint64_t)name + 1) - begin;
    return type->label_ranges + begin;
}

/* --- the rest --- */

void draft_clear(struct draft *draft)
{
    free(draft->streams);
    free(draft->events);
    free(draft->clocks);
    free(draft->env);
    names_clear(&draft->names);
    arena_clear(&draft->arena);
}

static void prefix_place(const struct draft *draft, const char *place, struct failure *why)
{
    if (place == NULL) {
        failure_prefix(why, "metadata");
        return;
    }
    if (draft->text == NULL) {
        failure_prefix(why, "metadata: %s", place);
        return;
    }
    unsigned line = 1, column = 1;
    for (const char *at = draft->text; at < place; at++) {
        column = *at == '\n' ? 1 : column + 1;
        line += *at == '\n';
    }
    failure_prefix(why, "metadata:%u:%u", line, column);
}

enum status draft_fail(const struct draft *draft, const char *place, struct failure *why,
                       const char *format, ...)
{
    if (why != NULL) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(why->text, sizeof why->text, format, arguments);
        va_end(arguments);
        prefix_place(draft, place, why);
    }
    return STATUS_REJECT;
}
