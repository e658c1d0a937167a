#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/analyses.h"
#include "core_law.h"
#include "laws/random_trace.h"

enum { CUTS_MAX = 40, CHANGES_MAX = 5, SEEDS = 200 };

struct world {
    struct phase_definitions phases, other_phases[RANDOM_TRACE_OTHERS];
    struct schema *schema, *other_schemas[RANDOM_TRACE_OTHERS];
    struct law_trace trace;
};

enum { CPUS_MAX = 8, TIDS_MAX = 64 };

/* What runs, and what has exited, by the events as they come. */
struct running {
    int64_t tid[CPUS_MAX];
    bool exited[TIDS_MAX];
    uint64_t entry_ns[CPUS_MAX]; /* of the last call */
};

/* By what comes. */
static struct running running_at_first(const struct law_trace *trace)
{
    struct running running = {.tid = {0}};
    for (size_t i = trace->count; i-- > 0;) {
        const struct event *event = &trace->events[i];
        if (event->kind == EVENT_SWITCH)
            running.tid[event->cpu] = event->value[0];
        if (event->kind == EVENT_EXEC)
            running.tid[event->cpu] = event->value[1];
    }
    return running;
}

/* Whether a thread that has exited acts: the kernel has it do nothing more. (To the core such a thread
 * has no descriptors, to the models it has.) */
static bool acts_behind_exit(struct running *running, const struct event *event)
{
    if (event->cpu < 0)
        return false;
    int64_t *tid = &running->tid[event->cpu];
    bool exited = running->exited[event->has & EVENT_HAS_TID ? event->tid : *tid];
    switch (event->kind) {
    case EVENT_SWITCH:
        if ((event->value[1] & 240) && !(event->value[1] & 3))
            running->exited[event->value[0]] = false;
        *tid = event->value[2];
        return false;
    case EVENT_EXIT: running->exited[event->value[0]] = true; return false;
    case EVENT_FORK:
        if (exited || running->exited[event->value[0]])
            return true;
        running->exited[event->value[2]] = false;
        return false;
    case EVENT_EXEC:
        if (event->value[1] <= 0)
            return false;
        if (exited || running->exited[event->value[1]])
            return true;
        running->exited[event->value[0]] = false;
        *tid = event->value[0];
        return false;
    case EVENT_CALL_ENTRY:
    case EVENT_CALL_EXIT: return exited;
    default: return false;
    }
}

/* Whether a descriptor that a call without a duration finds missing is shown by another one of the same
 * instant, its time does not tell: here, it is found. */
static void find(struct running *running, struct event *event)
{
    if (event->cpu < 0)
        return;
    if (event->kind == EVENT_CALL_ENTRY)
        running->entry_ns[event->cpu] = event->time_ns;
    if (event->kind == EVENT_CALL_EXIT && event->time_ns == running->entry_ns[event->cpu] &&
        event->value[0] == -9)
        event->value[0] = -4;
}

/* Of each second seed, nothing exits. */
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
    random_trace(&world->trace, seed, options);
    struct running running = running_at_first(&world->trace);
    size_t kept = 0;
    for (size_t i = 0; i < world->trace.count; i++) {
        struct event *event = &world->trace.events[i];
        find(&running, event);
        if (!(seed % 2 == 0 && event->kind == EVENT_EXIT) && !acts_behind_exit(&running, event) &&
            (!(options->losses || options->lies) || seed / 2 % 2 == 0 ||
             event->domain == DOMAIN_KERNEL))
            world->trace.events[kept++] = *event;
    }
    world->trace.count = kept;
    if (options->changes)
        change_phases(world, seed);
}

static bool same(uint64_t seed, const char *what, const char *expected, char *found)
{
    char difference[4096];
    bool differs = law_difference(expected, found, difference, sizeof difference);
    if (differs)
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
static bool takes_back(const struct law_trace *trace)
{
    int64_t current[8] = {0};
    for (size_t i = 0; i < trace->count; i++) {
        const struct event *event = &trace->events[i];
        if (event->domain == DOMAIN_UST)
            return true;
        if (event->kind == EVENT_SWITCH)
            current[event->cpu] = event->value[2];
        if (event->kind == EVENT_EXIT && event->value[0] != current[event->cpu])
            return true;
    }
    return false;
}

/* Who acts behind an exit is not to be told if the trace is not whole. */
static bool has_exit(const struct law_trace *trace)
{
    for (size_t i = 0; i < trace->count; i++)
        if (trace->events[i].kind == EVENT_EXIT)
            return true;
    return false;
}

static bool law_holds(uint64_t seed, const struct random_trace_options *options)
{
    struct world world;
    world_init(&world, seed, options);
    uint64_t changes[CHANGES_MAX];
    size_t least = world.trace.change_count;
    for (size_t i = 0; i < least; i++)
        changes[i] = world.trace.changes[i].at_ns;
    struct law_cuts uncut = {changes, least};
    char *old = law_report(&world.trace, uncut, true, 0, NULL), *part = core_part_of(old);
    char *joined = core_uncut_report(&world.trace), *expected = core_part_of(joined);
    char *summary = core_beside_of(old);
    char *likewise = core_likewise(part);
    bool partly = options->losses || options->lies;
    bool hidden = partly || options->filtered || options->no_switches;
    /* A context tells of a thread that it is elsewhere, too. */
    bool good = (partly && options->contexts) || (partly && takes_back(&world.trace)) ||
                (hidden && has_exit(&world.trace)) ||
                same(seed, "joined", likewise, core_likewise(expected));
    good = good && (getenv("LAW_UNCUT") ||
                    mapped_same(seed, "mapped", summary, expected,
                                core_cut_report(&world.trace, uncut, NULL)));
    free(old);
    free(joined);
    free(part);
    free(likewise);
    uint64_t random = seed + 77, at[CUTS_MAX];
    for (unsigned round = 0; good && !getenv("LAW_UNCUT") && round < 3; round++) {
        struct law_cuts cuts = {at, least + 1 + law_random(&random) % (CUTS_MAX - least)};
        law_random_cuts(&world.trace, &random, at, cuts.count);
        char what[40];
        snprintf(what, sizeof what, "in %zu pieces", cuts.count + 1);
        good = mapped_same(seed, what, summary, expected,
                           core_cut_report(&world.trace, cuts, NULL));
    }
    if (!good && getenv("LAW_DUMP"))
        dump(&world.trace);
    free(expected);
    free(summary);
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
