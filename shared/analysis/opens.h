/* analysis/opens.h -- open begins: what the engine stores for kinds with `open_ns`.
 *
 * A key may be open several times; an end ends the newest begin. So a pair within one interval
 * leaves the state of the past unchanged and need not be sent. */
#ifndef ANALYSIS_OPENS_H
#define ANALYSIS_OPENS_H

#include "analysis/atom.h"
#include "base/map.h"

enum { OPENS_RECENT = 32 };

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

/* NULL: none of that key is open. */
struct atom *opens_newest(struct opens *opens, const struct atom_kind *kind,
                          const struct atom *key);
/* One of that key with the same begin time as `from`; NULL: there is none. */
struct atom *opens_same_key(struct opens *opens, const struct atom *from);
/* Adds a begin, ordered by time among those of its key (after those with equal time, which only a
 * key with texts can have); its keys and REGs are those of `from`, whose texts are borrowed. */
struct atom *opens_add(struct opens *opens, const struct atom *from);
void opens_take_out(struct opens *opens, struct atom *open);
/* Sorts them by time, then as atom_compare(): an order that depends only on their content. */
void opens_sort(struct opens *opens);

#endif
