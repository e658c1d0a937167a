#include "analysis/opens.h"

#include <stdlib.h>

#include "base/memory.h"

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

struct atom *opens_newest_slowly(const struct opens *opens, const struct atom_kind *kind,
                                 const struct atom *key)
{
    struct atom *open = map_get(&opens->by_key, open_hash(kind, key));
    while (open && !open_is_of(open, kind, key))
        open = open->next;
    return open;
}

struct atom *opens_same_key_slowly(struct opens *opens, const struct atom *from)
{
    leave_recent(opens, &opens->recent[open_index(from->kind, from)]);
    struct atom *open = map_get(&opens->by_key, open_hash(from->kind, from));
    while (open && (open_since(open) != open_since(from) || !open_is_of(open, from->kind, from)))
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

struct atom *opens_add_slowly(struct opens *opens, const struct atom *from)
{
    struct atom *open = new_atom(opens, from);
    uint64_t since = open_since(open);
    unsigned at = open_index(open->kind, open);
    leave_recent(opens, &opens->recent[at]);
    if (since > opens->latest_ns && open->kind->key_texts == 0) {
        opens->recent[at] = open;
        open->hash = at;
    } else {
        put(opens, open);
    }
    opens->latest_ns = since > opens->latest_ns ? since : opens->latest_ns;
    opens->at = memory_grow(opens->at, &opens->room, opens->count + 1, sizeof(struct atom *));
    assert(opens->count < UINT32_MAX);
    open->place = (uint32_t)opens->count;
    opens->at[opens->count++] = open;
    return open;
}

void opens_leave_key(struct opens *opens, struct atom *open)
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
