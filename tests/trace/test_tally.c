#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <string.h>

#include "trace/tally.h"

Test(tally, travels_as_pairs_of_tag_and_number)
{
    struct tallies tallies = {.at = {[TALLY_DISCARDED] = 7, [TALLY_LOST_CHUNKS] = UINT64_MAX}};
    uint64_t pairs[TALLY_PAIRS_MAX];
    size_t count = tallies_pack(&tallies, pairs);
    cr_expect(eq(sz, count, 4));
    struct tallies back = tallies_unpack(pairs, count);
    cr_expect(memcmp(&back, &tallies, sizeof back) == 0);
}

Test(tally, of_a_newer_program_is_passed_over)
{
    uint64_t pairs[] = {tally_rows[TALLY_DISCARDED].tag, 2, 100000, 5, 1};
    struct tallies back = tallies_unpack(pairs, 5);
    cr_expect(eq(u64, back.at[TALLY_DISCARDED], 2));
    back.at[TALLY_DISCARDED] = 0;
    struct tallies none = {.at = {0}};
    cr_expect(memcmp(&back, &none, sizeof none) == 0);
}

Test(tally, has_a_tag_and_a_name_of_its_own)
{
    for (size_t i = 0; i < TALLY_COUNT; i++)
        for (size_t j = 0; j < i; j++)
            cr_expect(tally_rows[i].tag != tally_rows[j].tag &&
                          strcmp(tally_rows[i].json, tally_rows[j].json) != 0,
                      "%s and %s", tally_rows[i].json, tally_rows[j].json);
}

Test(tally, fails_strictly_only_if_it_says_so)
{
    for (size_t i = 0; i < TALLY_COUNT; i++) {
        struct tallies tallies = {.at = {0}};
        cr_expect(tallies_are_strict(&tallies) == false);
        tallies.at[i] = 1;
        cr_expect(eq(int, tallies_are_strict(&tallies), (tally_rows[i].flags & TALLY_STRICT) != 0));
    }
}
