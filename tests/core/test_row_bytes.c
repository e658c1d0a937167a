/* Rows as bytes that are cut off, or not what was written: never taken for something that joining cannot take. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/analyses.h"
#include "core/core.h"
#include "core/row_bytes.h"
#include "laws/random_trace.h"

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
    world->schema = schema_new_with(&world->phases, analyses_event_row);
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
