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

Test(nearest, finds_nothing_when_nothing_is_near)
{
    cr_expect(nearest("") == NULL);
    cr_expect(nearest("colour") == NULL);
    cr_expect(nearest("a_very_long_word_that_goes_on_and_on_and_never_does_end") == NULL);
}
