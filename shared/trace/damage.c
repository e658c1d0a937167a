#include "trace/damage.h"

#include <stdlib.h>
#include <string.h>

struct scope_row {
    uint32_t tag;
    const char *name;
    enum tally tally;
};

static const struct scope_row scopes[DAMAGE_SCOPE_COUNT] = {
#define SCOPE_ROW(name, tag, json, tally) [DAMAGE_##name] = {tag, json, tally},
    DAMAGE_SCOPES(SCOPE_ROW)
#undef SCOPE_ROW
};

struct cause_row {
    uint32_t tag;
    const char *name;
};

static const struct cause_row causes[DAMAGE_CAUSE_COUNT] = {
#define CAUSE_ROW(name, tag, json) [DAMAGE_BY_##name] = {tag, json},
    DAMAGE_CAUSES(CAUSE_ROW)
#undef CAUSE_ROW
};

const char *damage_scope_name(uint8_t scope)
{
    return scopes[scope].name;
}

const char *damage_cause_name(uint8_t cause)
{
    return causes[cause].name;
}

uint32_t damage_scope_tag(uint8_t scope)
{
    return scopes[scope].tag;
}

uint32_t damage_cause_tag(uint8_t cause)
{
    return causes[cause].tag;
}

uint8_t damage_scope_of_tag(uint32_t tag)
{
    for (uint8_t i = 0; i < DAMAGE_SCOPE_COUNT; i++)
        if (scopes[i].tag == tag)
            return i;
    return DAMAGE_SCOPE_COUNT - 1;
}

uint8_t damage_cause_of_tag(uint32_t tag)
{
    for (uint8_t i = 0; i < DAMAGE_CAUSE_COUNT; i++)
        if (causes[i].tag == tag)
            return i;
    return DAMAGE_BY_OTHER;
}

/* Increases the tallies that count the item. */
static void damage_tally(const struct damage *damage, struct tallies *tallies)
{
    tallies->at[scopes[damage->scope].tally] += damage->count;
    tallies->at[TALLY_LOST_BYTES] += damage->bytes;
}

static struct text shortened(struct text text, size_t most)
{
    return (struct text){text.at, text.count < most ? text.count : most};
}

static struct text copy(struct arena *arena, struct text text)
{
    return (struct text){arena_string(arena, text), text.count};
}

uint64_t interval_notes_add(struct interval_notes *notes, const struct damage *damage)
{
    struct damage item = *damage;
    item.name = shortened(item.name, DAMAGE_NAME_MAX);
    item.text = shortened(item.text, DAMAGE_TEXT_MAX);
    damage_tally(&item, &notes->tallies);
    for (size_t i = 0; i < notes->count; i++) {
        struct damage *known = &notes->items[i];
        if (known->scope != item.scope || known->cause != item.cause ||
            known->chunk != item.chunk || !text_equal(known->name, item.name))
            continue;
        known->count += item.count;
        known->bytes += item.bytes;
        return known->count;
    }
    if (notes->count == DAMAGE_ITEMS_MAX) {
        notes->more++;
        return UINT64_MAX;
    }
    item.name = copy(&notes->arena, item.name);
    item.text = copy(&notes->arena, item.text);
    notes->items[notes->count++] = item;
    return item.count;
}

static int by_number(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int by_name(const void *a, const void *b)
{
    const struct damage *left = a, *right = b;
    size_t least = left->name.count < right->name.count ? left->name.count : right->name.count;
    int order = by_number(left->chunk, right->chunk);
    if (order == 0)
        order = by_number(left->scope, right->scope);
    if (order == 0 && least > 0)
        order = memcmp(left->name.at, right->name.at, least);
    if (order == 0)
        order = by_number(left->name.count, right->name.count);
    return order != 0 ? order : by_number(left->cause, right->cause);
}

void interval_notes_sort(struct interval_notes *notes)
{
    if (notes->count > 0)
        qsort(notes->items, notes->count, sizeof *notes->items, by_name);
}

struct damages interval_notes_damages(const struct interval_notes *notes)
{
    return (struct damages){notes->items, notes->count, notes->more};
}

void interval_notes_clear(struct interval_notes *notes)
{
    arena_clear(&notes->arena);
    notes->tallies = (struct tallies){.at = {0}};
    notes->uses = (struct phase_uses){NULL, 0};
    notes->count = 0;
    notes->more = 0;
}

struct damages damages_copy(struct arena *arena, struct damages from)
{
    struct damage *items = arena_take(arena, (from.count + 1) * sizeof *items);
    for (size_t i = 0; i < from.count; i++) {
        items[i] = from.at[i];
        items[i].name = copy(arena, from.at[i].name);
        items[i].text = copy(arena, from.at[i].text);
    }
    return (struct damages){items, from.count, from.more};
}
