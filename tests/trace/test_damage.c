#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <stdio.h>

#include "trace/damage.h"

static struct damage packet_of(const char *name)
{
    return (struct damage){.scope = DAMAGE_PACKET,
                           .cause = DAMAGE_BY_DAMAGED,
                           .name = text_of(name),
                           .count = 1,
                           .bytes = 100,
                           .text = text_of("byte 5: a field goes past the end")};
}

Test(damage, of_one_name_and_cause_is_one_item)
{
    struct interval_notes notes = {.count = 0};
    struct damage damage = packet_of("kernel/a_0");
    cr_expect(eq(u64, interval_notes_add(&notes, &damage), 1));
    cr_expect(eq(u64, interval_notes_add(&notes, &damage), 2));
    damage.cause = DAMAGE_BY_CUT;
    cr_expect(eq(u64, interval_notes_add(&notes, &damage), 1));
    struct damages damages = interval_notes_damages(&notes);
    cr_assert(eq(sz, damages.count, 2));
    cr_expect(eq(u64, damages.at[0].count, 2));
    cr_expect(eq(u64, damages.at[0].bytes, 200));
    cr_expect(eq(u64, notes.tallies.at[TALLY_LOST_PACKETS], 3));
    cr_expect(eq(u64, notes.tallies.at[TALLY_LOST_BYTES], 300));
    interval_notes_clear(&notes);
    cr_expect(eq(sz, interval_notes_damages(&notes).count, 0));
}

Test(damage, is_bounded_in_items_but_counted_in_full)
{
    struct interval_notes notes = {.count = 0};
    for (unsigned i = 0; i < DAMAGE_ITEMS_MAX + 5; i++) {
        char name[32];
        snprintf(name, sizeof name, "kernel/a_%u", i);
        struct damage damage = packet_of(name);
        interval_notes_add(&notes, &damage);
    }
    struct damages damages = interval_notes_damages(&notes);
    cr_expect(eq(sz, damages.count, DAMAGE_ITEMS_MAX));
    cr_expect(eq(u64, damages.more, 5));
    cr_expect(eq(u64, notes.tallies.at[TALLY_LOST_PACKETS], DAMAGE_ITEMS_MAX + 5));
    interval_notes_clear(&notes);
}

Test(damage, has_one_order_however_it_is_met)
{
    struct interval_notes notes = {.count = 0};
    for (const char *const *name = (const char *const[]){"b", "ab", "a", NULL}; *name; name++) {
        struct damage damage = packet_of(*name);
        interval_notes_add(&notes, &damage);
    }
    interval_notes_sort(&notes);
    struct damages damages = interval_notes_damages(&notes);
    const char *const ordered[] = {"a", "ab", "b"};
    for (size_t i = 0; i < 3; i++)
        cr_expect(text_equal(damages.at[i].name, text_of(ordered[i])));
    interval_notes_clear(&notes);
}

Test(damage, of_a_newer_program_is_of_some_other_cause)
{
    for (uint8_t i = 0; i < DAMAGE_CAUSE_COUNT; i++)
        cr_expect(eq(u8, damage_cause_of_tag(damage_cause_tag(i)), i));
    for (uint8_t i = 0; i < DAMAGE_SCOPE_COUNT; i++)
        cr_expect(eq(u8, damage_scope_of_tag(damage_scope_tag(i)), i));
    cr_expect(eq(u8, damage_cause_of_tag(1000), DAMAGE_BY_OTHER));
}
