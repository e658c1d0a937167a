#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>

#include "random_trace.h"

enum { CUTS_MAX = 63, SEEDS = 200 };

struct world {
    struct phase_definitions phases;
    struct law_trace trace;
};

static void world_init(struct world *world, uint64_t seed,
                       const struct random_trace_options *options)
{
    struct failure why;
    *world = (struct world){0};
    phases_init(&world->phases);
    struct bytes yaml = {(const uint8_t *)random_trace_phases, strlen(random_trace_phases)};
    cr_assert(eq(int, phases_add_yaml(&world->phases, "random", yaml, &why), STATUS_OK), "%s",
              why.text);
    world->trace.schema = schema_new(&world->phases);
    random_trace(&world->trace, seed, options);
}

static void world_clear(struct world *world)
{
    law_trace_clear(&world->trace);
    schema_free(world->trace.schema);
    phases_clear(&world->phases);
}

static bool holds(const struct world *world, uint64_t seed, const char *expected,
                  struct law_cuts cuts, bool all_single)
{
    char *found = law_report(&world->trace, cuts, all_single, (unsigned)seed, NULL);
    char difference[4096];
    bool differs = law_difference(expected, found, difference, sizeof difference);
    if (differs)
        cr_log_error("seed %llu, %zu cuts%s: %s", (unsigned long long)seed, cuts.count,
                     all_single ? ", all single" : "", difference);
    free(found);
    return !differs;
}

/* The same, by a pool whose reducer dies and comes again. */
static bool pool_holds(const struct world *world, uint64_t seed, const char *expected,
                       struct law_cuts cuts)
{
    char *found = law_pool_report(&world->trace, cuts, &world->phases, seed);
    char difference[4096];
    bool differs = law_difference(expected, found, difference, sizeof difference);
    if (differs)
        cr_log_error("seed %llu, %zu cuts, by a pool: %s", (unsigned long long)seed, cuts.count,
                     difference);
    free(found);
    return !differs;
}

/* Uncut and unsummed is what all else is compared with. */
static bool law_holds(uint64_t seed, const struct random_trace_options *options)
{
    struct world world;
    world_init(&world, seed, options);
    struct law_cuts uncut = {NULL, 0};
    char *expected = law_report(&world.trace, uncut, true, 0, NULL);
    bool good = holds(&world, seed, expected, uncut, false);

    uint64_t random = seed + 77, at[CUTS_MAX];
    for (unsigned round = 0; good && round < 3; round++) {
        struct law_cuts cuts = {at, 1 + law_random(&random) % CUTS_MAX};
        law_random_cuts(&world.trace, &random, at, cuts.count);
        good =
            holds(&world, seed, expected, cuts, false) && holds(&world, seed, expected, cuts, true);
    }
    for (unsigned round = 0; good && round < 2; round++) {
        struct law_cuts cuts = {at, 1 + law_random(&random) % 12};
        law_random_cuts(&world.trace, &random, at, cuts.count);
        good = pool_holds(&world, seed + 1000 * round, expected, cuts);
    }
    free(expected);
    world_clear(&world);
    return good;
}

static void check(const struct random_trace_options *options)
{
    const char *first = getenv("LAW_SEED"), *count = getenv("LAW_SEEDS");
    uint64_t seed = first ? strtoull(first, NULL, 10) : 1;
    uint64_t end = seed + (count ? strtoull(count, NULL, 10) : SEEDS);
    unsigned broken = 0;
    for (; seed < end && broken < 3; seed++)
        broken += !law_holds(seed, options);
    cr_expect(eq(uint, broken, 0));
}

Test(random_traces, of_an_honest_machine)
{
    check(&(struct random_trace_options){.events = 400});
}

Test(random_traces, of_a_machine_that_lies)
{
    check(&(struct random_trace_options){.events = 300, .lies = 8});
}

Test(random_traces, with_losses)
{
    check(&(struct random_trace_options){.events = 400, .losses = 20});
}

Test(random_traces, with_lies_and_losses)
{
    check(&(struct random_trace_options){.events = 200, .lies = 10, .losses = 30});
}

Test(random_traces, with_contexts)
{
    check(&(struct random_trace_options){.events = 300, .contexts = true});
}

Test(random_traces, with_contexts_lies_and_losses)
{
    check(&(struct random_trace_options){.events = 200, .contexts = true, .lies = 8, .losses = 20});
}

/* As of a session that tracks one process, or filters its switches. */
Test(random_traces, with_filtered_switches)
{
    check(&(struct random_trace_options){.events = 300, .filtered = 50});
}

Test(random_traces, with_filtered_switches_contexts_and_losses)
{
    check(&(struct random_trace_options){
        .events = 300, .filtered = 50, .contexts = true, .losses = 10});
}

Test(random_traces, without_switches)
{
    check(&(struct random_trace_options){.events = 300, .contexts = true, .no_switches = true});
}

Test(random_traces, with_numbers_of_namespaces)
{
    check(&(struct random_trace_options){.events = 300, .numbers = true, .lies = 4, .losses = 10});
}

Test(random_traces, with_numbers_of_namespaces_without_switches)
{
    check(&(struct random_trace_options){.events = 300, .numbers = true, .no_switches = true});
}

Test(random_traces, of_user_space_alone_with_numbers_of_namespaces)
{
    check(&(struct random_trace_options){.events = 300, .numbers = true, .user_only = true});
}

Test(random_traces, of_user_space_alone)
{
    check(&(struct random_trace_options){.events = 300, .user_only = true});
}
