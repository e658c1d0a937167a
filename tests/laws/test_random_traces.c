#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/analyses.h"
#include "base/memory.h"
#include "random_trace.h"

enum { CUTS_MAX = 63, CHANGES_MAX = 5, SEEDS = 80, CUTTINGS = 3 };

struct world {
    struct phase_definitions phases, other_phases[RANDOM_TRACE_OTHERS];
    struct schema *other_schemas[RANDOM_TRACE_OTHERS];
    struct law_trace trace;
};

static void read_phases(struct phase_definitions *phases, const char *text, uint64_t seed)
{
    struct failure why;
    char *with_counts =
        memory_format("%s%s", text, random_trace_counts[seed % RANDOM_TRACE_COUNTS]);
    phases_init(phases);
    struct bytes yaml = {(const uint8_t *)with_counts, strlen(with_counts)};
    cr_assert(eq(int, phases_add_yaml(phases, "random", yaml, &why), STATUS_OK), "%s", why.text);
    free(with_counts);
}

/* At random times, mappers change from some definitions to others, and back. */
static void change_phases(struct world *world, uint64_t seed)
{
    struct law_trace *trace = &world->trace;
    uint64_t random = seed + 5, at[CHANGES_MAX];
    size_t count = 1 + law_random(&random) % CHANGES_MAX;
    law_random_cuts(trace, &random, at, count);
    for (size_t i = 0; i < count; i++) {
        size_t other = law_random(&random) % (RANDOM_TRACE_OTHERS + 2);
        struct schema *schema =
            other < RANDOM_TRACE_OTHERS ? world->other_schemas[other] : trace->schema;
        trace->changes[i].at_ns = at[i];
        trace->changes[i].schema = schema;
    }
    trace->change_count = count;
}

static void world_init(struct world *world, uint64_t seed,
                       const struct random_trace_options *options)
{
    *world = (struct world){0};
    read_phases(&world->phases,
                options->handed > 0 ? random_trace_handed_phases : random_trace_phases, seed);
    world->trace.schema = schema_new_with(&world->phases, analyses_event_row, analyses_count);
    struct random_trace_options chosen = *options;
    if (seed % 10 == 0) {
        chosen.wide = seed % 20 == 0;
        chosen.events *= 4;
    }
    random_trace(&world->trace, seed, &chosen);
    for (size_t i = 0; i < RANDOM_TRACE_OTHERS; i++) {
        read_phases(&world->other_phases[i], random_trace_other_phases[i], seed + i);
        world->other_schemas[i] =
            schema_new_with(&world->other_phases[i], analyses_event_row, analyses_count);
    }
    if (options->changes)
        change_phases(world, seed);
}

static void world_clear(struct world *world)
{
    law_trace_clear(&world->trace);
    schema_free(world->trace.schema);
    phases_clear(&world->phases);
    for (size_t i = 0; i < RANDOM_TRACE_OTHERS; i++) {
        schema_free(world->other_schemas[i]);
        phases_clear(&world->other_phases[i]);
    }
}

static bool quiet; /* while a trace is reduced */

static bool same(uint64_t seed, size_t cuts, const char *how, const char *expected, char *found)
{
    char difference[4096];
    bool differs = law_difference(expected, found, difference, sizeof difference);
    if (differs && !quiet)
        cr_log_error("seed %llu, %zu cuts%s: %s", (unsigned long long)seed, cuts, how, difference);
    free(found);
    return !differs;
}

static bool holds(const struct world *world, uint64_t seed, const char *expected,
                  struct law_cuts cuts)
{
    return same(seed, cuts.count, "", expected,
                law_report(&world->trace, cuts, (unsigned)seed, NULL));
}

/* The same, by a pool whose reducer is killed and restarted. */
static bool pool_holds(const struct world *world, uint64_t seed, const char *expected,
                       struct law_cuts cuts)
{
    return same(seed, cuts.count, ", by a pool", expected,
                law_pool_report(&world->trace, cuts, seed));
}

/* Everything is compared with the uncut trace (cut only where definitions change), and that with
 * its events joined directly. */
static bool trace_holds(const struct world *world, uint64_t seed)
{
    const char *cuttings = getenv("LAW_CUTTINGS");
    unsigned rounds = cuttings ? (unsigned)strtoul(cuttings, NULL, 10) : CUTTINGS;
    const struct law_trace *trace = &world->trace;
    size_t least = trace->change_count;
    uint64_t changes[CHANGES_MAX];
    for (size_t i = 0; i < least; i++)
        changes[i] = trace->changes[i].at_ns;
    struct law_cuts uncut = {changes, least};
    char *expected = law_report(trace, uncut, 0, NULL), *part = law_core_part(expected);
    char *unmapped = law_unmapped_report(trace), *joined = law_core_part(unmapped);
    bool good = same(seed, least, ", mapped", joined, part);
    char *names = law_names(trace, true), *learned = law_names(trace, false);
    good = same(seed, least, ", for names", names, learned) && good;

    uint64_t random = seed + 77, at[CUTS_MAX];
    for (unsigned round = 0; good && round < rounds; round++) {
        struct law_cuts cuts = {at, least + 1 + law_random(&random) % (CUTS_MAX - least)};
        law_random_cuts(trace, &random, at, cuts.count);
        good = holds(world, seed, expected, cuts);
    }
    for (unsigned round = 0; good && round < 2; round++) {
        struct law_cuts cuts = {at, least + 1 + law_random(&random) % 12};
        law_random_cuts(trace, &random, at, cuts.count);
        good = pool_holds(world, seed + 1000 * round, expected, cuts);
    }
    free(expected);
    free(unmapped);
    free(joined);
    free(names);
    return good;
}

/* Removes events without which the law still breaks. */
static void shrink(struct world *world, uint64_t seed)
{
    struct law_trace *trace = &world->trace;
    struct event *all = memory_new((trace->count + 1) * sizeof *all);
    quiet = true;
    for (size_t size = trace->count / 2; size > 0; size = size > 1 ? size / 2 : 0)
        for (size_t at = 0; at < trace->count;) {
            size_t count = trace->count, cut = size < count - at ? size : count - at;
            memcpy(all, trace->events, count * sizeof *all);
            memmove(trace->events + at, trace->events + at + cut, (count - at - cut) * sizeof *all);
            trace->count = count - cut;
            if (trace->count > 0 && !trace_holds(world, seed))
                continue;
            memcpy(trace->events, all, count * sizeof *all);
            trace->count = count;
            at += cut;
        }
    quiet = false;
    free(all);
    (void)trace_holds(world, seed);
}

static void dump(const struct law_trace *trace)
{
    for (size_t i = 0; i < trace->change_count; i++)
        fprintf(stderr, "other definitions from %llu\n",
                (unsigned long long)trace->changes[i].at_ns);
    for (size_t i = 0; i < trace->count; i++) {
        const struct event *event = &trace->events[i];
        fprintf(stderr, "%zu: %llu cpu%d tid %d pid %d vtid %d vpid %d has %x %s", i,
                (unsigned long long)event->time_ns, event->cpu, event->tid, event->pid, event->vtid,
                event->vpid, event->has, event->class->name);
        for (size_t k = 0; k < 4; k++)
            fprintf(stderr, " %lld", (long long)event->value[k]);
        for (size_t k = 0; k < event->field_count; k++)
            if (event->fields[k].type == FIELD_TEXT)
                fprintf(stderr, " '%s'", event->fields[k].text.at);
            else
                fprintf(stderr, " =%llu", (unsigned long long)event->fields[k].u);
        fputc('\n', stderr);
    }
}

/* LAW_SHRINK, LAW_DUMP: a trace that breaks the law is reduced, and printed. */
static bool law_holds(uint64_t seed, const struct random_trace_options *options)
{
    struct world world;
    world_init(&world, seed, options);
    bool good = trace_holds(&world, seed);
    if (!good && getenv("LAW_SHRINK"))
        shrink(&world, seed);
    if (!good && getenv("LAW_DUMP"))
        dump(&world.trace);
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

/* A thread whose first event is the fork of a process does not belong to it. */
Test(random_traces, of_a_fork_that_is_the_first_event_of_a_thread)
{
    cr_expect(law_holds(
        4022, &(struct random_trace_options){
                  .events = 300, .pauses = 10, .contexts = true, .no_switches = true, .lies = 8}));
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

/* Like a session that tracks one process or filters its switches. */
Test(random_traces, with_filtered_switches)
{
    check(&(struct random_trace_options){.events = 300, .filtered = 50});
}

Test(random_traces, with_filtered_switches_lies_and_losses)
{
    check(&(struct random_trace_options){.events = 300, .filtered = 50, .lies = 8, .losses = 10});
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

/* Between two lives of a tid, enough time passes for the first one to be forgotten. */
Test(random_traces, with_pauses)
{
    check(&(struct random_trace_options){.events = 400, .pauses = 10});
}

Test(random_traces, with_pauses_lies_and_losses)
{
    check(&(struct random_trace_options){.events = 300, .pauses = 15, .lies = 12, .losses = 20});
}

Test(random_traces, with_pauses_contexts_lies_and_losses)
{
    check(&(struct random_trace_options){
        .events = 300, .pauses = 15, .contexts = true, .lies = 12, .losses = 20});
}

Test(random_traces, with_pauses_without_switches)
{
    check(&(struct random_trace_options){
        .events = 300, .pauses = 10, .contexts = true, .no_switches = true, .lies = 8});
}

Test(random_traces, with_pauses_and_numbers_of_namespaces)
{
    check(&(struct random_trace_options){
        .events = 300, .pauses = 10, .numbers = true, .lies = 8, .losses = 10});
}

Test(random_traces, of_requests_that_change_threads)
{
    check(&(struct random_trace_options){.events = 700, .handed = 60});
}

Test(random_traces, of_requests_that_change_threads_without_system_calls)
{
    check(&(struct random_trace_options){.events = 500, .handed = 60, .no_calls = true});
}

Test(random_traces, of_requests_that_change_threads_with_lies_and_losses)
{
    check(&(struct random_trace_options){.events = 500, .handed = 60, .lies = 2, .losses = 4});
}

Test(random_traces, under_phases_that_change)
{
    check(&(struct random_trace_options){.events = 400, .changes = true});
}

Test(random_traces, under_phases_that_change_with_lies_and_losses)
{
    check(&(struct random_trace_options){.events = 300, .lies = 8, .losses = 20, .changes = true});
}

Test(random_traces, under_phases_that_change_with_numbers_of_namespaces)
{
    check(&(struct random_trace_options){.events = 300, .numbers = true, .changes = true});
}
