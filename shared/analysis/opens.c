#include "analysis/opens.h"

#include <stdlib.h>

#include "base/memory.h"

/* All are as large, so each place serves any kind. */
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

struct atom *opens_newest(const struct opens *opens, const struct atom_kind *kind,
                          const struct atom *key)
{
    struct atom *open = map_get(&opens->by_key, open_hash(kind, key));
    while (open && (open->kind != kind || !atom_has_key(open, kind, key)))
        open = open->next;
    return open;
}

struct atom *opens_twin(const struct opens *opens, const struct atom *from, uint32_t hash)
{
    struct atom *open = map_get(&opens->by_key, hash);
    while (open && (open->kind != from->kind || open_since(open) != open_since(from) ||
                    !atom_has_key(open, from->kind, from)))
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
    return open;
}

struct atom *opens_add(struct opens *opens, const struct atom *from, uint32_t hash)
{
    struct atom *open = new_atom(opens, from);
    uint64_t since = open_since(open);
    struct atom **at = (struct atom **)map_place(&opens->by_key, hash);
    while (*at && open_since(*at) > since)
        at = &(*at)->next;
    open->next = *at;
    *at = open;
    opens->at = memory_grow(opens->at, &opens->room, opens->count + 1, sizeof(struct atom *));
    assert(opens->count < UINT32_MAX);
    open->hash = hash;
    open->place = (uint32_t)opens->count;
    opens->at[opens->count++] = open;
    return open;
}

void opens_take_out(struct opens *opens, struct atom *open)
{
    uint32_t hash = open->hash;
    struct atom *first = map_get(&opens->by_key, hash);
    if (first == open && open->next)
        map_put(&opens->by_key, hash, open->next);
    else if (first == open)
        map_remove(&opens->by_key, hash);
    while (first != open && first->next != open)
        first = first->next;
    if (first != open)
        first->next = open->next;
    struct atom *last = opens->at[--opens->count];
    last->place = open->place;
    opens->at[open->place] = last;
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
