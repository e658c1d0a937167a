/* analysis/opens.h -- begins whose ends have not come: what the engine keeps of kinds with `open_ns`.
 *
 * A key may be open several times; an end ends the newest of them. So what begins and ends in one
 * interval leaves what the past knows as it was, and the past need not be told of it. */
#ifndef ANALYSIS_OPENS_H
#define ANALYSIS_OPENS_H

#include "analysis/atom.h"
#include "base/map.h"

enum { OPENS_RECENT = 32 };

/* All zero is none. */
struct opens {
    struct atom **at; /* in no order */
    size_t count, room;
    struct map by_key; /* by open_hash(): the newest, and behind it (atom.next) the others */
    /* Of those that began later than all before them, each in a place that its key comes to: there it is the newest
     * of its key, and not in `by_key`. Most end before another begins that needs the place. */
    struct atom *recent[OPENS_RECENT];
    uint64_t latest_ns;      /* none has begun later */
    struct atom *spare;      /* owned: taken out before */
    struct changes *changes; /* borrowed: told of each that comes and goes; NULL: nobody asks */
};

void opens_clear(struct opens *opens);

/* When it began: its first REG, behind its keys. */
static inline uint64_t open_since(const struct atom *open)
{
    return atom_key(open)[open->kind->key_size / sizeof(uint64_t)];
}

/* NULL: none of that key is open. */
struct atom *opens_newest(struct opens *opens, const struct atom_kind *kind,
                          const struct atom *key);
/* One of that key that began when `from` did; NULL: there is none. */
struct atom *opens_twin(struct opens *opens, const struct atom *from);
/* Another one, among those of its key by its time (of one instant, which only a key with texts may have several of,
 * behind none); its keys and REGs are those of
 * `from`, whose texts are borrowed. */
struct atom *opens_add(struct opens *opens, const struct atom *from);
void opens_take_out(struct opens *opens, struct atom *open);
/* Puts them into an order that nothing but they themselves decides: by time, then as atom_compare(). */
void opens_sort(struct opens *opens);

#endif
