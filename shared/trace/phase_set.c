#include "trace/phase_set.h"

#include <assert.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/memory.h"

void phase_sets_clear(struct phase_sets *sets)
{
    arena_clear(&sets->arena);
    free(sets->at);
    free(sets->digests);
    *sets = (struct phase_sets){.count = 0};
}

/* --- copies --- */

static const char *copy_string(struct arena *arena, const char *string)
{
    return string ? arena_string(arena, text_of(string)) : NULL;
}

static const struct phase_filter *copy_filters(struct arena *arena, const struct phase_filter *from,
                                               size_t count)
{
    struct phase_filter *to = arena_take(arena, count * sizeof *to);
    for (size_t i = 0; i < count; i++) {
        to[i] = from[i];
        to[i].field = copy_string(arena, from[i].field);
        if (from[i].constant.type == FIELD_TEXT)
            to[i].constant.text.at = arena_string(arena, from[i].constant.text);
        to[i].inner = copy_filters(arena, from[i].inner, from[i].inner_count);
    }
    return to;
}

static struct phase_match *copy_match(struct arena *arena, const struct phase_match *from,
                                      size_t count)
{
    struct phase_match *to = arena_take(arena, count * sizeof *to);
    for (size_t i = 0; i < count; i++) {
        const char *begin = from[i].begin_field, *end = from[i].end_field;
        to[i].begin_field = copy_string(arena, begin);
        to[i].end_field = end == begin ? to[i].begin_field : copy_string(arena, end);
    }
    return to;
}

static const struct phase_definition *copy_definition(struct arena *arena,
                                                      const struct phase_definition *from)
{
    struct phase_definition *to = arena_take(arena, sizeof *to);
    *to = *from;
    to->name = copy_string(arena, from->name);
    to->parent = copy_string(arena, from->parent);
    to->segments = copy_string(arena, from->segments);
    to->begin_event = copy_string(arena, from->begin_event);
    to->end_event = copy_string(arena, from->end_event);
    struct phase_match *match = copy_match(arena, from->match, from->match_count);
    for (size_t i = 0; i < from->match_count; i++)
        if (from->name == from->match[i].begin_field)
            to->name = match[i].begin_field;
    to->match = match;
    const char **capture = arena_take(arena, from->capture_count * sizeof *capture);
    for (size_t i = 0; i < from->capture_count; i++)
        capture[i] = copy_string(arena, from->capture[i]);
    to->capture = capture;
    to->begin_filter = copy_filters(arena, from->begin_filter, from->begin_filter_count);
    to->end_filter = copy_filters(arena, from->end_filter, from->end_filter_count);
    return to;
}

static const struct span_pair *copy_span(struct arena *arena, const struct span_pair *from)
{
    struct span_pair *to = arena_copy(arena, from, sizeof *from);
    to->end = copy_string(arena, from->end);
    to->where = copy_filters(arena, from->where, from->where_count);
    to->match = copy_match(arena, from->match, from->match_count);
    return to;
}

static const struct count_definition *copy_count(struct arena *arena,
                                                 const struct count_definition *from)
{
    struct count_definition *to = arena_take(arena, sizeof *to);
    *to = *from;
    to->name = copy_string(arena, from->name);
    to->event = copy_string(arena, from->event);
    to->where = copy_filters(arena, from->where, from->where_count);
    struct count_by *by = arena_take(arena, from->by_count * sizeof *by);
    for (size_t i = 0; i < from->by_count; i++)
        by[i] = (struct count_by){.word = from->by[i].word,
                                  .field = copy_string(arena, from->by[i].field)};
    to->by = by;
    to->value = copy_string(arena, from->value);
    to->span = from->span ? copy_span(arena, from->span) : NULL;
    return to;
}

/* --- sets --- */

static const struct phase_set *find(const struct phase_sets *sets, uint64_t digest)
{
    for (size_t i = 0; i < sets->count; i++)
        if (sets->at[i]->digest == digest)
            return sets->at[i];
    return NULL;
}

/* The id of the definition with that digest that is not among the `taken` ids; a new one if there
 * is none. */
static uint32_t id_of(struct phase_sets *sets, uint64_t digest, const uint32_t *taken, size_t count)
{
    for (size_t id = 0; id < sets->definition_count; id++) {
        bool free_one = sets->digests[id] == digest;
        for (size_t i = 0; free_one && i < count; i++)
            free_one = taken[i] != id;
        if (free_one)
            return (uint32_t)id;
    }
    sets->digests = memory_grow(sets->digests, &sets->definition_room, sets->definition_count + 1,
                                sizeof *sets->digests);
    sets->digests[sets->definition_count] = digest;
    return (uint32_t)sets->definition_count++;
}

const struct phase_set *phase_sets_add(struct phase_sets *sets,
                                       const struct phase_definitions *phases,
                                       size_t built_in_count, bool borrow)
{
    static const struct phase_definitions none = {.count = 0};
    assert(built_in_count <= sets->built_in_count);
    if (!phases)
        phases = &none;
    uint64_t digest = phases_digest(phases);
    if (built_in_count > 0)
        digest = hash_number(digest ^ built_in_count);
    const struct phase_set *known = find(sets, digest);
    if (known)
        return known;
    struct phase_set *set = arena_take(&sets->arena, sizeof *set);
    const struct phase_definition **at = arena_take(&sets->arena, phases->count * sizeof *at);
    uint32_t *ids = arena_take(&sets->arena, phases->count * sizeof *ids);
    for (size_t i = 0; i < phases->count; i++) {
        at[i] = borrow ? &phases->at[i] : copy_definition(&sets->arena, &phases->at[i]);
        ids[i] = id_of(sets, phase_digest(&phases->at[i]), ids, i);
    }
    size_t count_count = phases->count_count + built_in_count;
    const struct count_definition **counts = arena_take(&sets->arena, count_count * sizeof *counts);
    for (size_t i = 0; i < phases->count_count; i++)
        counts[i] = borrow ? &phases->counts[i] : copy_count(&sets->arena, &phases->counts[i]);
    for (size_t i = 0; i < built_in_count; i++)
        counts[phases->count_count + i] = sets->built_in[i];
    *set = (struct phase_set){.digest = digest,
                              .index = (uint32_t)sets->count,
                              .count = phases->count,
                              .at = at,
                              .ids = ids,
                              .counts = counts,
                              .count_count = count_count,
                              .built_in_count = built_in_count};
    sets->at = memory_grow(sets->at, &sets->room, sets->count + 1, sizeof *sets->at);
    sets->at[sets->count++] = set;
    return set;
}

bool phase_set_has(const struct phase_set *set, uint32_t id)
{
    for (size_t i = 0; i < set->count; i++)
        if (set->ids[i] == id)
            return true;
    return false;
}
