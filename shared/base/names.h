/* base/names.h -- interned strings, each with a small number. */
#ifndef BASE_NAMES_H
#define BASE_NAMES_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/invariant.h"
#include "base/map.h"

/* All zero is an empty pool. Ids are dense, from 0, in the order of insertion. */
struct names {
    struct arena arena;
    struct text *at; /* by id; terminated */
    size_t count, room;
    struct map ids; /* id + 1, at the hash of the string, or the next free key */
};

uint32_t names_id(struct names *names, struct text text);
/* NAMES_NONE if it is not in the pool. */
#define NAMES_NONE UINT32_MAX
uint32_t names_find(const struct names *names, struct text text);
static inline struct text names_text(const struct names *names, uint32_t id)
{
    invariant(id < names->count);
    return names->at[id];
}
void names_clear(struct names *names);

#endif
