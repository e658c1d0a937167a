#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "base/id_map.h"

enum { VALUES = 1000 };

Test(id_map, finds_what_was_put_and_not_removed)
{
    struct id_map map = {0};
    static int values[VALUES];
    /* Two runs of ids, far from each other. */
    for (uint64_t i = VALUES; i-- > 0;)
        id_map_put(&map, i % 2 ? i : i << 40, &values[i]);
    cr_assert(eq(sz, map.count, VALUES));
    for (uint64_t i = 0; i < VALUES; i += 3)
        cr_expect(eq(ptr, id_map_remove(&map, i % 2 ? i : i << 40), &values[i]));
    cr_expect(eq(ptr, id_map_remove(&map, 0), NULL));
    for (uint64_t i = 0; i < VALUES; i++) {
        void *expected = i % 3 ? &values[i] : NULL;
        cr_expect(eq(ptr, id_map_find(&map, i % 2 ? i : i << 40), expected));
        cr_expect(eq(ptr, id_map_get(&map, i % 2 ? i : i << 40), expected));
    }
    cr_expect(eq(ptr, id_map_get(&map, UINT64_MAX), NULL));
    id_map_clear(&map);
    cr_expect(eq(sz, map.count, 0));
}

Test(id_map, gives_all_by_their_ids_or_in_any_order)
{
    struct id_map map = {0};
    static int values[VALUES];
    for (uint64_t i = VALUES; i-- > 0;)
        id_map_put(&map, 1 + 77 * i, &values[i]);
    id_map_remove(&map, 1);
    void *all[VALUES];
    id_map_all(&map, all);
    for (size_t i = 1; i < VALUES; i++)
        cr_expect(eq(ptr, all[i - 1], &values[i]));
    size_t count = 0;
    const int *each;
    for (struct id_walk walk = {0}; (each = id_map_next(&map, &walk));)
        count += each != &values[0];
    cr_expect(eq(sz, count, VALUES - 1));
    id_map_clear(&map);
}

Test(id_map, an_empty_one_has_nothing)
{
    struct id_map map = {0};
    struct id_walk walk = {0};
    cr_expect(eq(ptr, id_map_next(&map, &walk), NULL));
    cr_expect(eq(ptr, id_map_find(&map, 0), NULL));
    id_map_all(&map, NULL);
    id_map_clear(&map);
}
