#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "service/backoff.h"

Test(backoff, waits_double_up_to_the_limit_and_begin_anew_after_a_success)
{
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct backoff backoff = backoff_make(100, 1500, seed);
        static const uint64_t wholes[] = {100, 200, 400, 800, 1500, 1500};
        for (size_t i = 0; i < sizeof wholes / sizeof *wholes; i++) {
            uint64_t wait = backoff_next_ms(&backoff);
            cr_assert(ge(u64, wait, wholes[i] / 2), "wait %zu", i);
            cr_assert(le(u64, wait, wholes[i]), "wait %zu", i);
        }
        backoff_reset(&backoff);
        cr_assert(le(u64, backoff_next_ms(&backoff), 100));
    }
}

Test(backoff, those_that_fail_together_do_not_wait_alike)
{
    uint64_t least = UINT64_MAX, most = 0;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        struct backoff backoff = backoff_make(1000, 1000, seed);
        uint64_t wait = backoff_next_ms(&backoff);
        least = wait < least ? wait : least;
        most = wait > most ? wait : most;
    }
    cr_expect(lt(u64, least, 550));
    cr_expect(gt(u64, most, 950));
}
