#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "trace/phase_set.h"

static void add(struct phase_definitions *phases, const char *period)
{
    struct failure why;
    cr_assert(eq(int, phases_add_period(phases, text_of(period), &why), STATUS_OK), "%s", why.text);
}

#define PERIOD(name, event) name ": $evt.$name == \"" event "\""

static const struct phase_set *set_of(struct phase_sets *sets, const char *first,
                                      const char *second, const char *third)
{
    struct phase_definitions phases;
    phases_init(&phases);
    const char *all[] = {first, second, third};
    for (size_t i = 0; i < 3; i++)
        if (all[i])
            add(&phases, all[i]);
    const struct phase_set *set = phase_sets_add(sets, &phases, 0, false);
    phases_clear(&phases);
    return set;
}

Test(phase_set, equal_definitions_have_one_id_wherever_they_stand)
{
    struct phase_sets sets = {.count = 0};
    const struct phase_set *one = set_of(&sets, PERIOD("a", "x"), PERIOD("b", "y"), NULL);
    const struct phase_set *two =
        set_of(&sets, PERIOD("c", "z"), PERIOD("b", "y"), PERIOD("a", "other"));
    cr_assert(eq(sz, one->count, 2));
    cr_assert(eq(sz, two->count, 3));
    cr_expect(eq(u32, one->ids[1], two->ids[1]));
    cr_expect(phase_set_has(two, one->ids[1]) && !phase_set_has(two, one->ids[0]));
    cr_expect(eq(sz, sets.definition_count, 4));
    cr_expect(strcmp(two->at[2]->name, "a") == 0 && strcmp(two->at[2]->begin_event, "other") == 0);
    cr_expect(one == set_of(&sets, PERIOD("a", "x"), PERIOD("b", "y"), NULL), "each set once");
    phase_sets_clear(&sets);
}

Test(phase_set, without_definitions_is_a_set_too)
{
    struct phase_sets sets = {.count = 0};
    const struct phase_set *none = phase_sets_add(&sets, NULL, 0, false);
    cr_expect(none->count == 0 && set_of(&sets, NULL, NULL, NULL) == none);
    phase_sets_clear(&sets);
}
