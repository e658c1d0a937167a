/* base/hash.h -- hashes for tables in memory, seeded, so that input cannot contain keys chosen to
 * collide. They differ between processes, so they must not be in files or messages, and no result
 * may depend on the order of a table. The last one is for ids that leave the process. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stdint.h>

#include "base/bytes.h"

/* Random from the kernel (AT_RANDOM), set before main(), constant afterwards. */
extern uint64_t hash_seed;

/* Mixes all bits of `key` into all bits of the result (the finalizer of MurmurHash3). Not
 * seeded. */
static inline uint64_t hash_mix(uint64_t key)
{
    key ^= key >> 33;
    key *= UINT64_C(0xff51afd7ed558ccd);
    key ^= key >> 33;
    key *= UINT64_C(0xc4ceb9fe1a85ec53);
    key ^= key >> 33;
    return key;
}

static inline uint64_t hash_number(uint64_t key)
{
    return hash_mix(key ^ hash_seed);
}

/* XXH3, 64 bits. */
uint64_t hash_text(struct text text);
uint64_t hash_bytes(struct bytes bytes);

/* XXH3, 128 bits, not seeded: the same in every process and every version. `out` is in canonical
 * form. */
void hash_for_ever(struct bytes bytes, uint8_t out[16]);

#endif
