#include "trace/tally.h"

const struct tally_row tally_rows[TALLY_COUNT] = {
#define TALLY_ROW(name, tag, json, one, several, hint, flags)                                      \
    [TALLY_##name] = {tag, json, one, several, hint, flags},
    TALLIES(TALLY_ROW)
#undef TALLY_ROW
};

bool tallies_are_strict(const struct tallies *tallies)
{
    for (size_t i = 0; i < TALLY_COUNT; i++)
        if ((tally_rows[i].flags & TALLY_STRICT) && tallies->at[i] > 0)
            return true;
    return false;
}

size_t tallies_pack(const struct tallies *tallies, uint64_t pairs[TALLY_PAIRS_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < TALLY_COUNT; i++) {
        if (tallies->at[i] == 0)
            continue;
        pairs[count++] = tally_rows[i].tag;
        pairs[count++] = tallies->at[i];
    }
    return count;
}

static void unpack_one(struct tallies *tallies, uint64_t tag, uint64_t number)
{
    for (size_t i = 0; i < TALLY_COUNT; i++)
        if (tally_rows[i].tag == tag)
            tallies->at[i] += number;
}

struct tallies tallies_unpack(const uint64_t *pairs, size_t count)
{
    struct tallies tallies = {.at = {0}};
    for (size_t i = 0; i + 1 < count; i += 2)
        unpack_one(&tallies, pairs[i], pairs[i + 1]);
    return tallies;
}
