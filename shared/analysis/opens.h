/* analysis/opens.h -- open begins: what the engine stores for kinds with `open_ns`.
 *
 * A key may be open several times; an end ends the newest begin. So a pair within one interval
 * leaves the state of the past unchanged and need not be sent. */
#ifndef ANALYSIS_OPENS_H
#define ANALYSIS_OPENS_H

#include <assert.h>
#include <string.h>

#include "analysis/atom.h"
#include "base/map.h"

enum { OPENS_RECENT = 32, OPEN_BYTES = 128 };

/* All zero is empty. */
struct opens {
    struct atom **at; /* in no order */
    size_t count, room;
    struct map by_key; /* by open_hash(): the newest; the others follow it (atom.next) */
    /* Begins that were later than all before, each at an index from its key: it is the newest of
     * its key and not in `by_key`. Most end before another begin needs the index. */
    struct atom *recent[OPENS_RECENT];
    uint64_t latest_ns;      /* the latest begin so far */
    struct atom *spare;      /* owned: removed earlier, for reuse */
    struct changes *changes; /* borrowed: gets each that is added or removed; NULL: not needed */
};

void opens_clear(struct opens *opens);

/* Its begin time: its first REG, after its keys. */
static inline uint64_t open_since(const struct atom *open)
{
    return atom_key(open)[open->kind->key_size / sizeof(uint64_t)];
}

/* Where a begin of that key may be in `recent`. Addresses differ in higher bits. */
static inline unsigned open_index(const struct atom_kind *kind, const struct atom *key)
{
    uint64_t sum = atom_key_sum(kind, key);
    return (unsigned)(sum ^ sum >> 6 ^ sum >> 12) % OPENS_RECENT;
}

static inline bool open_is_of(const struct atom *open, const struct atom_kind *kind,
                              const struct atom *key)
{
    return open->kind == kind && atom_has_key(open, kind, key);
}

struct atom *opens_newest_slowly(const struct opens *opens, const struct atom_kind *kind,
                                 const struct atom *key);
/* NULL: none of that key is open. */
static inline struct atom *opens_newest(const struct opens *opens, const struct atom_kind *kind,
                                        const struct atom *key)
{
    struct atom *recent = opens->recent[open_index(kind, key)];
    if (recent && open_is_of(recent, kind, key))
        return recent;
    return opens->by_key.count == 0 ? NULL : opens_newest_slowly(opens, kind, key);
}

struct atom *opens_same_key_slowly(struct opens *opens, const struct atom *from);
/* One of that key with the same begin time as `from`; NULL: there is none. */
static inline struct atom *opens_same_key(struct opens *opens, const struct atom *from)
{
    return open_since(from) > opens->latest_ns ? NULL : opens_same_key_slowly(opens, from);
}

struct atom *opens_add_slowly(struct opens *opens, const struct atom *from);
/* Adds a begin of `kind`, ordered by time among those of its key (after those with equal time,
 * which only a key with texts can have); its keys and REGs are those of `from`, whose texts are
 * borrowed. */
static inline struct atom *opens_add(struct opens *opens, const struct atom_kind *kind,
                                     const struct atom *from)
{
    struct atom *open = opens->spare;
    const uint64_t since = open_since(from);
    assert(kind->size <= OPEN_BYTES);
    const unsigned at = open_index(kind, from);
    bool is_usual = open && !opens->changes && since > opens->latest_ns && !opens->recent[at] &&
                    kind->key_texts == 0 && opens->count < opens->room;
    if (!is_usual)
        return opens_add_slowly(opens, from);
    opens->spare = open->next;
    memcpy(open, from, kind->size);
    open->known = true;
    open->dirty = false;
    open->hash = at;
    open->place = (uint32_t)opens->count;
    open->change = (struct change){0, 0};
    opens->latest_ns = since;
    opens->recent[at] = opens->at[opens->count++] = open;
    return open;
}

void opens_leave_key(struct opens *opens, struct atom *open);
static inline void opens_take_out(struct opens *opens, struct atom *open)
{
    struct atom **recent = &opens->recent[open->hash % OPENS_RECENT];
    if (*recent == open)
        *recent = NULL;
    else
        opens_leave_key(opens, open);
    struct atom *last = opens->at[--opens->count];
    last->place = open->place;
    opens->at[open->place] = last;
    if (opens->changes)
        changes_forget(opens->changes, &open->change);
    open->next = opens->spare;
    opens->spare = open;
}
/* Sorts them by time, then as atom_compare(): an order that depends only on their content. */
void opens_sort(struct opens *opens);

#endif
