#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "base/hash.h"
#include "base/map.h"

/* Undoes hash_mix(): both multipliers have inverses modulo 2^64. */
static uint64_t unmix(uint64_t hash)
{
    hash ^= hash >> 33;
    hash *= UINT64_C(0x9cb4b2f8129337db);
    hash ^= hash >> 33;
    hash *= UINT64_C(0x4f74430c22a54005);
    hash ^= hash >> 33;
    return hash;
}

Test(map, chosen_keys_do_not_collide)
{
    enum { KEYS = 1 << 16, PLACES = 1 << 16 };
    static uint16_t taken[PLACES];
    unsigned most = 0;
    for (uint64_t i = 0; i < KEYS; i++) {
        uint64_t key = unmix(i << 32);
        cr_assert(eq(u64, hash_mix(key), i << 32), "not an inverse");
        unsigned count = ++taken[hash_number(key) % PLACES];
        most = count > most ? count : most;
    }
    /* As many balls as bins: the fullest bin has about 8. */
    cr_expect(lt(uint, most, 40), "%u of %d keys in one place", most, KEYS);
}

Test(map, finds_what_was_put_and_not_removed)
{
    struct map map = {0};
    static int values[1000];
    for (uint64_t key = 0; key < 1000; key++)
        map_put(&map, key << 40, &values[key]);
    for (uint64_t key = 0; key < 1000; key += 3)
        cr_expect(eq(ptr, map_remove(&map, key << 40), &values[key]));
    for (uint64_t key = 0; key < 1000; key++)
        cr_expect(eq(ptr, map_get(&map, key << 40), key % 3 ? (void *)&values[key] : NULL));
    size_t count = 0;
    for (size_t at = 0; map_next(&map, &at);)
        count++;
    cr_expect(eq(sz, count, 666));
    map_clear(&map);
}
