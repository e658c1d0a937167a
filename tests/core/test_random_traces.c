#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/analyses.h"
#include "base/memory.h"
#include "core_law.h"
#include "laws/random_trace.h"

enum { CUTS_MAX = 40, CHANGES_MAX = 5, SEEDS = 200 };

struct world {
    struct phase_definitions phases, other_phases[RANDOM_TRACE_OTHERS];
    struct schema *schema, *other_schemas[RANDOM_TRACE_OTHERS];
    struct law_trace trace;
};

static void read_phases(struct phase_definitions *phases, const char *text)
{
    struct failure why;
    phases_init(phases);
    struct bytes yaml = {(const uint8_t *)text, strlen(text)};
    cr_assert(eq(int, phases_add_yaml(phases, "random", yaml, &why), STATUS_OK), "%s", why.text);
}

/* At random instants, mappers go from some definitions to others, and back. */
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
    *world = (struct world){.schema = NULL};
    read_phases(&world->phases, getenv("LAW_NO_PHASES") ? "phases: []\n" : random_trace_phases);
    for (size_t i = 0; i < RANDOM_TRACE_OTHERS; i++) {
        read_phases(&world->other_phases[i], random_trace_other_phases[i]);
        world->other_schemas[i] = schema_new_with(&world->other_phases[i], analyses_event_row);
    }
    world->schema = schema_new_with(&world->phases, analyses_event_row);
    world->trace = (struct law_trace){.count = 0};
    world->trace.schema = world->schema;
    struct random_trace_options chosen = *options;
    if (seed % 10 == 0) {
        chosen.wide = seed % 20 == 0;
        chosen.events *= 4;
    }
    random_trace(&world->trace, seed, &chosen);
    if (options->changes)
        change_phases(world, seed);
}

static bool quiet;

static bool same(uint64_t seed, const char *what, const char *expected, char *found)
{
    char difference[4096];
    bool differs = law_difference(expected, found, difference, sizeof difference);
    if (differs && !quiet)
        cr_log_error("seed %llu, %s: %s", (unsigned long long)seed, what, difference);
    free(found);
    return !differs;
}

static bool mapped_same(uint64_t seed, const char *what, const char *summary, const char *expected,
                        char *found)
{
    bool good = same(seed, what, summary, core_beside_of(found)) &&
                same(seed, what, expected, core_part_of(found));
    free(found);
    return good;
}

static void dump(const struct law_trace *trace)
{
    for (size_t i = 0; i < trace->change_count; i++)
        fprintf(stderr, "other definitions from %llu\n",
                (unsigned long long)trace->changes[i].at_ns);
    for (size_t i = 0; i < trace->count; i++) {
        const struct event *event = &trace->events[i];
        fprintf(stderr,
                "%zu: %llu cpu%d tid %d pid %d vtid %d vpid %d has %x %s %lld %lld %lld %lld", i,
                (unsigned long long)event->time_ns, event->cpu, event->tid, event->pid, event->vtid,
                event->vpid, event->has, event->class->name, (long long)event->value[0],
                (long long)event->value[1], (long long)event->value[2], (long long)event->value[3]);
        for (size_t k = 0; k < event->field_count; k++)
            if (event->fields[k].type == FIELD_TEXT)
                fprintf(stderr, " '%s'", event->fields[k].text.at);
            else
                fprintf(stderr, " =%llu", (unsigned long long)event->fields[k].u);
        fputc('\n', stderr);
    }
}

/* Whether the models take back what was told of a thread: what it did is known up to its last own event,
 * in the core also if that is its exit told elsewhere, or an event of user space. */
static bool takes_back(const struct law_trace *trace, const struct random_trace_options *options)
{
    if (!options->losses && !options->lies)
        return false;
    for (size_t i = 0; i < trace->count; i++) {
        const struct event *event = &trace->events[i];
        if (event->domain == DOMAIN_UST || event->kind == EVENT_EXIT)
            return true;
    }
    return options->contexts;
}

/* The models do not count a call without a duration that found no descriptor if what shows that it was
 * there has the same instant and comes later. To the core, times alone tell. Here, no such call fails so. */
static void untie(struct law_trace *trace)
{
    uint64_t entry_ns = TIME_NONE;
    for (size_t i = 0; i < trace->count; i++) {
        struct event *event = &trace->events[i];
        if (event->kind == EVENT_CALL_ENTRY)
            entry_ns = event->time_ns;
        if (event->kind == EVENT_CALL_EXIT && event->time_ns == entry_ns && event->value[0] == -9)
            event->value[0] = -4;
    }
}

/* To the models, a thread that is over uses the descriptors of its process for as long as an instance of a
 * phase is open on it. Here, none is. */
static char *fds_without_phases(const struct world *world, const struct law_trace *untied)
{
    struct law_trace trace = *untied;
    trace.changes[0].at_ns = 0;
    trace.changes[0].schema = world->other_schemas[RANDOM_TRACE_OTHERS - 1];
    trace.change_count = 1;
    char *report = law_report(&trace, (struct law_cuts){.count = 0}, true, 0, NULL);
    char *fds = core_fds_of(report);
    free(report);
    return fds;
}

/* The models are what the core is told by. Returns what both tell from beside it; NULL if they differ. */
static char *summary_of_models(const struct world *world, struct law_cuts uncut, uint64_t seed,
                               bool taken_back)
{
    struct law_trace untied = world->trace;
    untied.events = memory_new((untied.count + 1) * sizeof *untied.events);
    memcpy(untied.events, world->trace.events, untied.count * sizeof *untied.events);
    untie(&untied);
    char *old = law_report(&untied, uncut, true, 0, NULL), *joined = core_uncut_report(&untied);
    char *summary = core_beside_of(old), *likewise = core_likewise(old, taken_back);
    char *fds = core_fds_of(old), *joined_fds = core_fds_of(joined);
    if (strcmp(fds, joined_fds) != 0) {
        free(fds);
        fds = fds_without_phases(world, &untied);
    }
    if (!same(seed, "joined", likewise, core_likewise(joined, taken_back)) ||
        !same(seed, "descriptors", fds, joined_fds)) {
        free(summary);
        summary = NULL;
    }
    free(old);
    free(joined);
    free(likewise);
    free(fds);
    free(untied.events);
    return summary;
}

static bool trace_holds(struct world *world, uint64_t seed,
                        const struct random_trace_options *options)
{
    const struct law_trace *trace = &world->trace;
    uint64_t changes[CHANGES_MAX];
    size_t least = trace->change_count;
    for (size_t i = 0; i < least; i++)
        changes[i] = trace->changes[i].at_ns;
    struct law_cuts uncut = {changes, least};
    char *summary = summary_of_models(world, uncut, seed, takes_back(trace, options));
    char *joined = core_uncut_report(trace), *expected = core_part_of(joined);
    bool good =
        summary && (getenv("LAW_UNCUT") || mapped_same(seed, "mapped", summary, expected,
                                                       core_cut_report(trace, uncut, NULL)));
    free(joined);
    uint64_t random = seed + 77, at[CUTS_MAX];
    for (unsigned round = 0; good && !getenv("LAW_UNCUT") && round < 3; round++) {
        struct law_cuts cuts = {at, least + 1 + law_random(&random) % (CUTS_MAX - least)};
        law_random_cuts(trace, &random, at, cuts.count);
        char what[40];
        snprintf(what, sizeof what, "in %zu pieces", cuts.count + 1);
        good = mapped_same(seed, what, summary, expected, core_cut_report(trace, cuts, NULL));
    }
    free(expected);
    free(summary);
    return good;
}

/* Leaves out what the law does not need to break. */
static void shrink(struct world *world, uint64_t seed, const struct random_trace_options *options)
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
            if (trace->count > 0 && !trace_holds(world, seed, options))
                continue;
            memcpy(trace->events, all, count * sizeof *all);
            trace->count = count;
            at += cut;
        }
    quiet = false;
    free(all);
    (void)trace_holds(world, seed, options);
}

static bool law_holds(uint64_t seed, const struct random_trace_options *options)
{
    struct world world;
    world_init(&world, seed, options);
    bool good = trace_holds(&world, seed, options);
    if (!good && getenv("LAW_SHRINK"))
        shrink(&world, seed, options);
    if (!good && getenv("LAW_DUMP"))
        dump(&world.trace);
    law_trace_clear(&world.trace);
    schema_free(world.schema);
    phases_clear(&world.phases);
    for (size_t i = 0; i < RANDOM_TRACE_OTHERS; i++) {
        schema_free(world.other_schemas[i]);
        phases_clear(&world.other_phases[i]);
    }
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

Test(random_traces, with_filtered_switches)
{
    check(&(struct random_trace_options){.events = 300, .filtered = 50});
}

Test(random_traces, with_filtered_switches_lies_and_losses)
{
    check(&(struct random_trace_options){.events = 300, .filtered = 50, .lies = 8, .losses = 10});
}

Test(random_traces, with_contexts)
{
    check(&(struct random_trace_options){.events = 300, .contexts = true});
}

Test(random_traces, with_contexts_lies_and_losses)
{
    check(&(struct random_trace_options){.events = 200, .contexts = true, .lies = 8, .losses = 20});
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
