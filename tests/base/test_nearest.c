#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "base/nearest.h"

static const char *const words[] = {"begin", "end", "match", "name", "capture"};

static const char *nearest(const char *wrong)
{
    return nearest_word(text_of(wrong), words, sizeof words / sizeof *words);
}

Test(nearest, finds_a_word_with_a_letter_dropped_added_changed_or_swapped)
{
    cr_expect(eq(ptr, (void *)(uintptr_t)nearest("begn"), (void *)(uintptr_t)words[0]));
    cr_expect(eq(ptr, (void *)(uintptr_t)nearest("beggin"), (void *)(uintptr_t)words[0]));
    cr_expect(eq(ptr, (void *)(uintptr_t)nearest("emd"), (void *)(uintptr_t)words[1]));
    cr_expect(eq(ptr, (void *)(uintptr_t)nearest("mathc"), (void *)(uintptr_t)words[2]));
    cr_expect(eq(ptr, (void *)(uintptr_t)nearest("capturs"), (void *)(uintptr_t)words[4]));
}

Test(nearest, finds_names_of_other_case_long_ones_and_those_that_lack_their_provider)
{
    static const char *const EVENTS[] = {
        "store:end", "shop:begin",
        "a_provider_with_a_long_name:and_an_event_whose_name_is_still_longer_than_that_begin",
        "a_provider_with_a_long_name:and_an_event_whose_name_is_still_longer_than_that_end"};
    static const struct {
        const char *wrong;
        size_t right;
    } NAMES[] = {
        {"SHOP:BEGIN", 1},
        {"begin", 1},
        {"a_provider_with_a_long_name:and_an_event_whose_name_is_still_longer_than_that_edn", 3},
    };
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
        cr_expect(nearest_word(text_of(NAMES[i].wrong), EVENTS, 4) == EVENTS[NAMES[i].right]);
}

Test(nearest, finds_nothing_when_nothing_is_near)
{
    cr_expect(nearest("") == NULL);
    cr_expect(nearest("colour") == NULL);
    cr_expect(nearest("a_very_long_word_that_goes_on_and_on_and_never_does_end") == NULL);
}
