#include "analysis/opens.h"

#include <stdlib.h>

#include "base/memory.h"

/* All have this size, so memory is reused for any kind. */
enum { OPEN_BYTES = 128 };

static void free_all(struct atom *first)
{
    for (struct atom *next; first; first = next) {
        next = first->next;
        free(first);
    }
}

void opens_clear(struct opens *opens)
{
    for (size_t i = 0; i < opens->count; i++)
        free(opens->at[i]);
    free_all(opens->spare);
    free(opens->at);
    map_clear(&opens->by_key);
    *opens = (struct opens){.count = 0};
}

static uint32_t open_hash(const struct atom_kind *kind, const struct atom *key)
{
    return (uint32_t)atom_key_hash(kind, key);
}

/* Addresses differ in higher bits. */
static struct atom **recent_of(struct opens *opens, const struct atom_kind *kind,
                               const struct atom *key)
{
    uint64_t sum = atom_key_sum(kind, key);
    return &opens->recent[(sum ^ sum >> 6 ^ sum >> 12) % OPENS_RECENT];
}

static bool is_of(const struct atom *open, const struct atom_kind *kind, const struct atom *key)
{
    return open->kind == kind && atom_has_key(open, kind, key);
}

/* Inserts it by time among those of its key. */
static void put(struct opens *opens, struct atom *open)
{
    uint64_t since = open_since(open);
    open->hash = open_hash(open->kind, open);
    struct atom **at = (struct atom **)map_place(&opens->by_key, open->hash);
    while (*at && open_since(*at) > since)
        at = &(*at)->next;
    open->next = *at;
    *at = open;
}

static void leave_recent(struct opens *opens, struct atom **recent)
{
    if (*recent)
        put(opens, *recent);
    *recent = NULL;
}

struct atom *opens_newest(struct opens *opens, const struct atom_kind *kind, const struct atom *key)
{
    struct atom *recent = *recent_of(opens, kind, key);
    if (recent && is_of(recent, kind, key))
        return recent;
    if (opens->by_key.count == 0)
        return NULL;
    struct atom *open = map_get(&opens->by_key, open_hash(kind, key));
    while (open && !is_of(open, kind, key))
        open = open->next;
    return open;
}

struct atom *opens_same_key(struct opens *opens, const struct atom *from)
{
    if (open_since(from) > opens->latest_ns)
        return NULL;
    leave_recent(opens, recent_of(opens, from->kind, from));
    struct atom *open = map_get(&opens->by_key, open_hash(from->kind, from));
    while (open && (open_since(open) != open_since(from) || !is_of(open, from->kind, from)))
        open = open->next;
    return open;
}

static struct atom *new_atom(struct opens *opens, const struct atom *from)
{
    assert(from->kind->size <= OPEN_BYTES);
    struct atom *open = opens->spare;
    if (open)
        opens->spare = open->next;
    else
        open = memory_new(OPEN_BYTES);
    memcpy(open, from, from->kind->size);
    open->known = true;
    open->dirty = false;
    open->change = (struct change){0, 0};
    changes_note(opens->changes, &open->change);
    return open;
}

struct atom *opens_add(struct opens *opens, const struct atom *from)
{
    struct atom *open = new_atom(opens, from);
    uint64_t since = open_since(open);
    struct atom **recent = recent_of(opens, open->kind, open);
    leave_recent(opens, recent);
    if (since > opens->latest_ns && open->kind->key_texts == 0)
        *recent = open;
    else
        put(opens, open);
    opens->latest_ns = since > opens->latest_ns ? since : opens->latest_ns;
    opens->at = memory_grow(opens->at, &opens->room, opens->count + 1, sizeof(struct atom *));
    assert(opens->count < UINT32_MAX);
    open->place = (uint32_t)opens->count;
    opens->at[opens->count++] = open;
    return open;
}

static void take_from_map(struct opens *opens, struct atom *open)
{
    struct atom *first = map_get(&opens->by_key, open->hash);
    if (first == open && open->next)
        map_put(&opens->by_key, open->hash, open->next);
    else if (first == open)
        map_remove(&opens->by_key, open->hash);
    while (first != open && first->next != open)
        first = first->next;
    if (first != open)
        first->next = open->next;
}

void opens_take_out(struct opens *opens, struct atom *open)
{
    struct atom **recent = recent_of(opens, open->kind, open);
    if (*recent == open)
        *recent = NULL;
    else
        take_from_map(opens, open);
    struct atom *last = opens->at[--opens->count];
    last->place = open->place;
    opens->at[open->place] = last;
    changes_forget(opens->changes, &open->change);
    open->next = opens->spare;
    opens->spare = open;
}

static int by_time(const void *a, const void *b)
{
    const struct atom *left = *(const struct atom *const *)a;
    const struct atom *right = *(const struct atom *const *)b;
    uint64_t since = open_since(left), other = open_since(right);
    return since != other ? (since < other ? -1 : 1) : atom_compare(left, right);
}

void opens_sort(struct opens *opens)
{
    if (opens->count > 1)
        qsort(opens->at, opens->count, sizeof(struct atom *), by_time);
    for (size_t i = 0; i < opens->count; i++)
        opens->at[i]->place = (uint32_t)i;
}
