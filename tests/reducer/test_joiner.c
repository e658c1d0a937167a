#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "laws/saved_state.h"
#include "reducer/joiner.h"
#include "trace/schema.h"

/* The sums of all marks, and the last reported damage. */
struct seen {
    struct tallies tallies;
    size_t items;
    struct damage last;
    char text[128];
};

static void take(void *context, const struct result *result)
{
    struct seen *seen = context;
    if (result->type != RESULT_INTERVAL)
        return;
    const struct interval_fact *mark = result->interval;
    tallies_add(&seen->tallies, &mark->tallies);
    seen->items += mark->damage.count;
    if (mark->damage.count == 0)
        return;
    seen->last = mark->damage.at[mark->damage.count - 1];
    snprintf(seen->text, sizeof seen->text, "%.*s", (int)seen->last.text.count, seen->last.text.at);
}

struct joining {
    struct schema *schema;
    struct joiner *joiner;
    struct seen seen;
};

static struct joining *joining_new(void)
{
    struct joining *joining = memory_new(sizeof *joining);
    joining->schema = schema_new(NULL);
    joining->joiner =
        joiner_new(joining->schema, (struct result_sink){.take = take, .context = &joining->seen});
    return joining;
}

static void joining_free(struct joining *joining)
{
    joiner_finish(joining->joiner);
    joiner_free(joining->joiner);
    schema_free(joining->schema);
    free(joining);
}

static void add(struct joining *joining, uint64_t chunk, uint64_t begin_ns, uint64_t end_ns,
                uint64_t seam, uint64_t left)
{
    struct interval_end end = {.chunk = chunk,
                               .begin_ns = begin_ns,
                               .end_ns = end_ns,
                               .first_ns = TIME_NONE,
                               .last_ns = TIME_NONE,
                               .knows_seam = true,
                               .seam_events = seam,
                               .left_events = left,
                               .host = text_of(""),
                               .session = text_of(""),
                               .created = text_of("")};
    struct row row = {.count = 0};
    joiner_add(joining->joiner, &row, &end);
}

#define EXPECT_TALLY(joining, tally, number)                                                       \
    cr_expect(eq(u64, (joining)->seen.tallies.at[tally], number))

Test(joiner, says_nothing_of_intervals_that_tile_and_balance)
{
    struct joining *joining = joining_new();
    add(joining, 0, 0, 100, 0, 7);
    add(joining, 1, 100, 100, 0, 0); /* an empty chunk: the events left to it wait for the next
                                      * one */
    add(joining, 2, 100, 200, 7, 1);
    add(joining, 3, 200, UINT64_MAX, 1, 0);
    cr_expect(eq(sz, joining->seen.items, 0));
    joining_free(joining);
}

/* Unless they are not needed. */
Test(joiner, counts_what_is_missing_before_the_first_chunk)
{
    struct joining *joining = joining_new();
    add(joining, 3, 0, 100, 0, 0);
    EXPECT_TALLY(joining, TALLY_LOST_CHUNKS, 3);
    cr_expect(joining->seen.last.cause == DAMAGE_BY_MISSING && joining->seen.last.chunk == 2);
    add(joining, 4, 100, 200, 0, 0);
    EXPECT_TALLY(joining, TALLY_LOST_CHUNKS, 3);
    joining_free(joining);

    joining = joining_new();
    joiner_expect(joining->joiner, 3);
    add(joining, 3, 0, 100, 0, 0);
    cr_expect(eq(sz, joining->seen.items, 0));
    joining_free(joining);

    joining = joining_new();
    add(joining, 1000000, 0, UINT64_MAX, 0, 0);
    EXPECT_TALLY(joining, TALLY_LOST_CHUNKS, 1000000);
    joining_free(joining);
}

Test(joiner, counts_events_that_one_chunk_left_and_the_next_did_not_take)
{
    struct joining *joining = joining_new();
    add(joining, 0, 0, 100, 0, 7);
    add(joining, 1, 100, 200, 4, 2);
    EXPECT_TALLY(joining, TALLY_DROPPED_EVENTS, 3);
    cr_expect(joining->seen.last.cause == DAMAGE_BY_SEAM && joining->seen.last.chunk == 1);
    add(joining, 2, 200, 300, 5, 0);
    EXPECT_TALLY(joining, TALLY_DROPPED_EVENTS, 6);
    joining_free(joining);
}

Test(joiner, takes_a_hole_between_intervals_for_a_gap)
{
    struct joining *joining = joining_new();
    add(joining, 0, 0, 100, 0, 0);
    add(joining, 1, 150, 200, 0, 0);
    EXPECT_TALLY(joining, TALLY_LOST_CHUNKS, 1);
    cr_expect(eq(int, joining->seen.last.cause, DAMAGE_BY_ORDER));
    joining_free(joining);
}

Test(joiner, counts_every_chunk_that_is_missing)
{
    struct joining *joining = joining_new();
    add(joining, 0, 0, 100, 0, 2);
    joiner_missing(joining->joiner, 1, DAMAGE_BY_UNREADABLE, text_of("contains no trace"));
    EXPECT_TALLY(joining, TALLY_LOST_CHUNKS, 1);
    cr_expect(eq(str, joining->seen.text, (char *)"contains no trace"));
    struct interval_end end = {.chunk = 5,
                               .begin_ns = 400,
                               .end_ns = 500,
                               .gap_before = true,
                               .first_ns = TIME_NONE,
                               .last_ns = TIME_NONE,
                               .host = text_of(""),
                               .session = text_of(""),
                               .created = text_of("")};
    struct row row = {.count = 0};
    joiner_add(joining->joiner, &row, &end);
    EXPECT_TALLY(joining, TALLY_LOST_CHUNKS, 4); /* 1, and 2 to 4 */
    EXPECT_TALLY(joining, TALLY_DROPPED_EVENTS, 2);
    joining_free(joining);
}

/* Also if nothing before or after them is usable. */
Test(joiner, counts_what_is_missing_before_a_chunk_that_cannot_be_used)
{
    struct joining *joining = joining_new();
    joiner_missing(joining->joiner, 3, DAMAGE_BY_UNREADABLE, text_of("contains no trace"));
    EXPECT_TALLY(joining, TALLY_LOST_CHUNKS, 4); /* 3, and 0 to 2 */
    joiner_missing(joining->joiner, 5, DAMAGE_BY_UNREADABLE, text_of("contains no trace"));
    EXPECT_TALLY(joining, TALLY_LOST_CHUNKS, 6);
    joiner_missing(joining->joiner, 6, DAMAGE_BY_MISSING, text_of(""));
    EXPECT_TALLY(joining, TALLY_LOST_CHUNKS, 7);
    joining_free(joining);
}

/* --- across a restart --- */

Test(joiner, compares_across_a_restart_too)
{
    struct joining *joining = joining_new();
    add(joining, 0, 0, 100, 0, 7);
    struct saved_state kept = {.count = 0};
    joiner_save(joining->joiner, saved_state_sink(&kept));
    joiner_free(joining->joiner);
    struct failure why;
    cr_assert(eq(int,
                 joiner_restore(joining->schema,
                                (struct result_sink){.take = take, .context = &joining->seen},
                                kept.records, kept.count, &joining->joiner, &why),
                 STATUS_OK),
              "%s", why.text);
    add(joining, 1, 100, 200, 6, 0);
    EXPECT_TALLY(joining, TALLY_DROPPED_EVENTS, 1);
    saved_state_clear(&kept);
    joining_free(joining);
}
