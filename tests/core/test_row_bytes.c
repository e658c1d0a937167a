/* Truncated or damaged bytes of rows and state: never decoded to something that joining does not
 * accept. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/analyses.h"
#include "core/core.h"
#include "core/row_bytes.h"
#include "laws/random_trace.h"
#include "laws/saved_state.h"
#include "reducer/joiner.h"

struct world {
    struct phase_definitions phases;
    struct schema *schema;
    struct law_trace trace;
    struct columns_out out;
};

static void world_init(struct world *world, uint64_t seed)
{
    struct failure why;
    struct bytes yaml = {(const uint8_t *)random_trace_phases, strlen(random_trace_phases)};
    *world = (struct world){.schema = NULL};
    phases_init(&world->phases);
    cr_assert(eq(int, phases_add_yaml(&world->phases, "random", yaml, &why), STATUS_OK));
    world->schema = schema_new_with(&world->phases, analyses_event_row, analyses_count);
    world->trace.schema = world->schema;
    random_trace(&world->trace, seed,
                 &(struct random_trace_options){.events = 150, .lies = 4, .losses = 5});
    struct row row = {.count = 0};
    struct core_mapping mapping = {.facts = {true, true}, .end_ns = UINT64_MAX};
    struct core *core = core_new_mapping(world->schema, &mapping, &row);
    core_map(core, world->trace.events, world->trace.count);
    core_map_end(core);
    core_free(core);
    row_write(&row, world->schema, &world->out);
    row_clear(&row);
}

static void world_clear(struct world *world)
{
    columns_clear(&world->out);
    law_trace_clear(&world->trace);
    schema_free(world->schema);
    phases_clear(&world->phases);
}

static enum status read(const struct world *world, const uint8_t *at, size_t count, struct row *row)
{
    struct failure why;
    return row_read((struct bytes){at, count}, world->schema, schema_own_set(world->schema), row,
                    &why);
}

Test(row_bytes, written_again_are_the_same)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct world world;
        world_init(&world, seed);
        struct row row = {.count = 0};
        struct columns_out again = {.count = 0};
        cr_assert(eq(int, read(&world, world.out.at, world.out.count, &row), STATUS_OK));
        row_write(&row, world.schema, &again);
        cr_expect(eq(sz, again.count, world.out.count));
        cr_expect(memcmp(again.at, world.out.at, again.count) == 0);
        columns_clear(&again);
        row_clear(&row);
        world_clear(&world);
    }
}

/* Later records with names, places, and labels do not need the records that introduced them. */
Test(row_bytes, written_in_steps_are_the_same)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct world world;
        world_init(&world, seed);
        const struct law_trace *trace = &world.trace;
        struct row row = {.count = 0};
        struct columns_out steps = {.count = 0};
        struct core_mapping mapping = {.facts = {true, true}, .end_ns = UINT64_MAX};
        struct core *core = core_new_mapping(world.schema, &mapping, &row);
        for (size_t at = 0, some; at < trace->count; at += some) {
            some = trace->count - at < seed ? trace->count - at : seed;
            core_map(core, trace->events + at, some);
            row_write_some(&row, world.schema, &steps);
        }
        core_map_end(core);
        row_write_rest(&row, world.schema, &steps);
        core_free(core);
        cr_expect(eq(sz, steps.count, world.out.count));
        cr_expect(memcmp(steps.at, world.out.at, steps.count) == 0);
        columns_clear(&steps);
        row_clear(&row);
        world_clear(&world);
    }
}

Test(row_bytes, cut_off_are_refused)
{
    struct world world;
    world_init(&world, 3);
    for (size_t count = 0; count < world.out.count; count++) {
        struct row row = {.count = 0};
        uint8_t *cut = malloc(count + 1);
        memcpy(cut, world.out.at, count);
        cr_expect(eq(int, read(&world, cut, count, &row), STATUS_REJECT), "%zu", count);
        row_clear(&row);
        free(cut);
    }
    world_clear(&world);
}

Test(row_bytes, with_other_bits_are_refused_or_can_be_written)
{
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct world world;
        world_init(&world, seed);
        uint64_t random = seed;
        uint8_t *bytes = malloc(world.out.count + 1);
        for (unsigned round = 0; round < 2000; round++) {
            memcpy(bytes, world.out.at, world.out.count);
            for (unsigned flips = 1 + round % 3; flips > 0; flips--)
                bytes[law_random(&random) % world.out.count] ^=
                    (uint8_t)(1 << law_random(&random) % 8);
            struct row row = {.count = 0};
            if (read(&world, bytes, world.out.count, &row) == STATUS_OK) {
                struct columns_out again = {.count = 0};
                row_write(&row, world.schema, &again);
                columns_clear(&again);
            }
            row_clear(&row);
        }
        free(bytes);
        world_clear(&world);
    }
}

/* --- joining decoded rows --- */

enum { PIECES = 3 };

/* A simulated machine whose trace is mapped in pieces. */
struct pieces {
    struct world world;
    struct columns_out at[PIECES];
    struct interval_end ends[PIECES];
};

static void map_piece(const struct law_trace *trace, size_t piece, struct columns_out *out,
                      struct interval_end *end)
{
    size_t first = trace->count * piece / PIECES, last = trace->count * (piece + 1) / PIECES;
    while (first > 0 && first < last &&
           trace->events[first].time_ns == trace->events[first - 1].time_ns)
        first++;
    while (last < trace->count && trace->events[last].time_ns == trace->events[last - 1].time_ns)
        last++;
    struct core_mapping mapping = {.facts = {true, true},
                                   .begin_ns = piece > 0 ? trace->events[first].time_ns : 0,
                                   .end_ns = last < trace->count ? trace->events[last].time_ns
                                                                 : UINT64_MAX};
    struct row row = {.count = 0};
    struct core *core = core_new_mapping(trace->schema, &mapping, &row);
    core_map(core, trace->events + first, last - first);
    core_map_end(core);
    core_free(core);
    row_write(&row, trace->schema, out);
    row_clear(&row);
    *end = trace->facts;
    end->chunk = piece;
    end->begin_ns = mapping.begin_ns;
    end->end_ns = mapping.end_ns;
    end->first_ns = trace->events[first].time_ns;
    end->last_ns = trace->events[last - 1].time_ns;
    end->events = last - first;
    end->phases = schema_own_set(trace->schema);
}

static void pieces_init(struct pieces *pieces, uint64_t seed)
{
    *pieces = (struct pieces){.at = {{.count = 0}}};
    world_init(&pieces->world, seed);
    for (size_t i = 0; i < PIECES; i++)
        map_piece(&pieces->world.trace, i, &pieces->at[i], &pieces->ends[i]);
}

static void pieces_clear(struct pieces *pieces)
{
    for (size_t i = 0; i < PIECES; i++)
        columns_clear(&pieces->at[i]);
    world_clear(&pieces->world);
}

static unsigned rounds_of_each(void)
{
    const char *rounds = getenv("ROW_ROUNDS");
    return rounds ? (unsigned)strtoul(rounds, NULL, 10) : 300;
}

/* Damage that the marks report. */
static void take(void *context, const struct result *result)
{
    unsigned *damaged = context;
    if (result->type == RESULT_INTERVAL)
        *damaged += result->interval->damage.count > 0;
}

static struct joiner *restarted(struct joiner *joiner, struct schema *schema,
                                struct result_sink sink)
{
    struct saved_state saved = {.count = 0};
    struct joiner *again;
    struct failure why;
    uint64_t oldest;
    if (joiner_oldest_chunk(joiner, &oldest))
        return joiner;
    joiner_save(joiner, saved_state_sink(&saved));
    joiner_free(joiner);
    enum status status = joiner_restore(schema, sink, saved.records, saved.count, &again, &why);
    cr_assert(eq(int, status, STATUS_OK), "%s", why.text);
    saved_state_clear(&saved);
    return again;
}

/* Any decoded interval can be joined, emitted, saved, and restored. Returns the number of intervals
 * with damage. */
static unsigned join(const struct pieces *pieces, size_t changed, const uint8_t *bytes)
{
    unsigned damaged = 0;
    struct result_sink sink = {.take = take, .context = &damaged};
    struct joiner *joiner = joiner_new(pieces->world.schema, sink);
    for (size_t i = 0; i < PIECES; i++) {
        struct row row = {.count = 0};
        if (read(&pieces->world, i == changed ? bytes : pieces->at[i].at, pieces->at[i].count,
                 &row) == STATUS_OK) {
            joiner_add(joiner, &row, &pieces->ends[i]);
        } else {
            row_clear(&row);
            joiner_missing(joiner, i, DAMAGE_BY_REFUSED, text_of("cannot be read"));
        }
        joiner_republish(joiner, i, PIECES);
        joiner = restarted(joiner, pieces->world.schema, sink);
    }
    joiner_finish(joiner);
    joiner_free(joiner);
    return damaged;
}

Test(row_bytes, with_other_bits_are_refused_or_can_be_joined)
{
    unsigned refused = 0;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        struct pieces pieces;
        pieces_init(&pieces, seed);
        cr_expect(eq(uint, join(&pieces, PIECES, NULL), 0));
        uint64_t random = seed;
        for (unsigned round = 0; round < rounds_of_each(); round++) {
            size_t changed = law_random(&random) % PIECES, count = pieces.at[changed].count;
            uint8_t *bytes = malloc(count + 1);
            memcpy(bytes, pieces.at[changed].at, count);
            for (unsigned flips = 1 + round % 3; flips > 0; flips--)
                bytes[law_random(&random) % count] ^= (uint8_t)(1 << law_random(&random) % 8);
            refused += join(&pieces, changed, bytes) > 0;
            free(bytes);
        }
        pieces_clear(&pieces);
    }
    cr_expect(ne(uint, refused, 0));
}

/* --- state --- */

static void flip(struct saved_state *saved, uint64_t *random)
{
    const struct kept_record *record = &saved->records[law_random(random) % saved->count];
    uint8_t *bytes = (uint8_t *)(uintptr_t)record->record.at;
    if (record->record.count > 0)
        bytes[law_random(random) % record->record.count] ^= (uint8_t)(1 << law_random(random) % 8);
}

/* Any restored state can continue and is saved again. Returns whether it was restored. */
static bool go_on(const struct pieces *pieces, const struct saved_state *saved)
{
    unsigned damaged = 0;
    struct result_sink sink = {.take = take, .context = &damaged};
    struct joiner *joiner;
    struct failure why;
    if (joiner_restore(pieces->world.schema, sink, saved->records, saved->count, &joiner, &why) !=
        STATUS_OK)
        return false;
    joiner_republish(joiner, 0, 1);
    joiner = restarted(joiner, pieces->world.schema, sink);
    struct row row = {.count = 0};
    size_t last = PIECES - 1;
    cr_assert(eq(int, read(&pieces->world, pieces->at[last].at, pieces->at[last].count, &row),
                 STATUS_OK));
    joiner_add(joiner, &row, &pieces->ends[last]);
    joiner_finish(joiner);
    joiner_free(joiner);
    return true;
}

Test(row_bytes, of_state_with_other_bits_are_refused_or_restored)
{
    unsigned refused = 0;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        struct pieces pieces;
        pieces_init(&pieces, seed);
        unsigned damaged = 0;
        struct joiner *joiner = joiner_new(pieces.world.schema,
                                           (struct result_sink){.take = take, .context = &damaged});
        for (size_t i = 0; i + 1 < PIECES; i++) {
            struct row row = {.count = 0};
            cr_assert(
                eq(int, read(&pieces.world, pieces.at[i].at, pieces.at[i].count, &row), STATUS_OK));
            joiner_add(joiner, &row, &pieces.ends[i]);
        }
        uint64_t random = seed;
        for (unsigned round = 0; round < rounds_of_each(); round++) {
            struct saved_state saved = {.count = 0};
            joiner_save(joiner, saved_state_sink(&saved));
            for (unsigned flips = round == 0 ? 0 : 1 + round % 3; flips > 0; flips--)
                flip(&saved, &random);
            bool restored = go_on(&pieces, &saved);
            cr_expect(restored || round > 0);
            refused += !restored;
            saved_state_clear(&saved);
        }
        joiner_free(joiner);
        pieces_clear(&pieces);
    }
    cr_expect(ne(uint, refused, 0));
}
