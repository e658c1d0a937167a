#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

#include "analysis/analyses.h"
#include "base/memory.h"
#include "random_trace.h"

/* Results of analyses for random traces, compared with counts that are as simple as possible. */

enum { CPUS = 3, VECS = 3, SEEDS = 100, CUTS = 9 };

/* --- softirqs --- */

struct pair {
    uint64_t raised, entered; /* times; 0: none */
    uint64_t raises, repeats, latencies, latency_ns, runs, run_ns;
    uint64_t raise_unknown, entry_unknown, begin_unknown, end_unknown;
};

static void lose(struct pair *pair)
{
    pair->entry_unknown += pair->raised != 0;
    pair->end_unknown += pair->entered != 0;
    pair->raised = pair->entered = 0;
}

static void count(struct pair *pair, const char *name, uint64_t now)
{
    if (strcmp(name, "irq_softirq_raise") == 0) {
        pair->raises++;
        pair->repeats += pair->raised != 0;
        if (pair->raised == 0)
            pair->raised = now;
    } else if (strcmp(name, "irq_softirq_entry") == 0) {
        pair->latencies += pair->raised != 0;
        pair->latency_ns += pair->raised ? now - pair->raised : 0;
        pair->raise_unknown += pair->raised == 0;
        pair->end_unknown += pair->entered != 0;
        pair->raised = 0;
        pair->entered = now;
    } else {
        pair->runs += pair->entered != 0;
        pair->run_ns += pair->entered ? now - pair->entered : 0;
        pair->begin_unknown += pair->entered == 0;
        pair->entered = 0;
    }
}

static void count_all(const struct law_trace *trace, struct pair pairs[CPUS][VECS])
{
    for (size_t i = 0; i < trace->count; i++) {
        const struct event *event = &trace->events[i];
        if (event->kind == EVENT_LOSS && event->domain == DOMAIN_KERNEL)
            for (size_t vec = 0; vec < VECS; vec++)
                lose(&pairs[event->cpu][vec]);
        else if (strncmp(event->class->name, "irq_softirq_", 12) == 0)
            count(&pairs[event->cpu][event->value[0]], event->class->name, event->time_ns);
    }
    for (size_t cpu = 0; cpu < CPUS; cpu++)
        for (size_t vec = 0; vec < VECS; vec++)
            lose(&pairs[cpu][vec]);
}

static uint64_t number(const json_t *object, const char *name)
{
    return (uint64_t)json_integer_value(json_object_get(object, name));
}

static void check_row(const json_t *row, const struct pair *pair, uint64_t seed)
{
    const json_t *latency = json_object_get(row, "latency"), *run = json_object_get(row, "run");
    const uint64_t both[][2] = {{number(row, "raises"), pair->raises},
                                {number(row, "repeats"), pair->repeats},
                                {number(latency, "count"), pair->latencies},
                                {number(latency, "total_ns"), pair->latency_ns},
                                {number(run, "count"), pair->runs},
                                {number(run, "total_ns"), pair->run_ns},
                                {number(row, "raise_unknown"), pair->raise_unknown},
                                {number(row, "entry_unknown"), pair->entry_unknown},
                                {number(row, "begin_unknown"), pair->begin_unknown},
                                {number(row, "end_unknown"), pair->end_unknown}};
    for (size_t i = 0; i < sizeof both / sizeof *both; i++)
        cr_expect(eq(u64, both[i][0], both[i][1]), "seed %" PRIu64 ", number %zu", seed, i);
}

/* Each row once, and none is missing. */
static void check(char *report, struct pair pairs[CPUS][VECS], uint64_t seed)
{
    size_t rows = 0, wanted = 0;
    for (char *line = strtok(report, "\n"); line; line = strtok(NULL, "\n")) {
        if (!strstr(line, "\"type\":\"softirq\""))
            continue;
        json_t *row = json_loads(line, 0, NULL);
        check_row(row, &pairs[number(row, "cpu")][number(row, "vec")], seed);
        json_decref(row);
        rows++;
    }
    for (size_t i = 0; i < CPUS * VECS; i++) {
        const struct pair *pair = &pairs[i / VECS][i % VECS];
        wanted += pair->raises + pair->raise_unknown + pair->latencies + pair->runs +
                      pair->begin_unknown >
                  0;
    }
    cr_expect(eq(sz, rows, wanted), "seed %" PRIu64, seed);
}

/* --- interrupts --- */

enum { IRQS = 2, NAMES = 3 };
static const char *const names[NAMES] = {"", "ahci", "eth0"};

struct handler {
    uint64_t runs, run_ns, begin_unknown, end_unknown;
};

struct line {
    uint64_t entered; /* 0: nothing runs */
    size_t name;
    struct handler of[NAMES];
};

static void lose_line(struct line *line)
{
    line->of[line->name].end_unknown += line->entered != 0;
    line->entered = 0;
}

static void count_irq(struct line *line, const struct event *event)
{
    if (strcmp(event->class->name, "irq_handler_entry") == 0) {
        lose_line(line);
        line->entered = event->time_ns;
        line->name = 0;
        while (event_has_text(event, 0) && !text_equal(event->text[0], text_of(names[line->name])))
            line->name++;
    } else if (line->entered == 0) {
        line->of[0].begin_unknown++;
    } else {
        line->of[line->name].runs++;
        line->of[line->name].run_ns += event->time_ns - line->entered;
        line->entered = 0;
    }
}

static void count_irqs(const struct law_trace *trace, struct line lines[CPUS][IRQS])
{
    for (size_t i = 0; i < trace->count; i++) {
        const struct event *event = &trace->events[i];
        if (event->kind == EVENT_LOSS && event->domain == DOMAIN_KERNEL)
            for (size_t irq = 0; irq < IRQS; irq++)
                lose_line(&lines[event->cpu][irq]);
        else if (strncmp(event->class->name, "irq_handler_", 12) == 0)
            count_irq(&lines[event->cpu][event->value[0]], event);
    }
    for (size_t i = 0; i < CPUS * IRQS; i++)
        lose_line(&lines[i / IRQS][i % IRQS]);
}

static void check_irq_row(const json_t *row, struct line lines[CPUS][IRQS], uint64_t seed)
{
    const json_t *run = json_object_get(row, "run"), *name = json_object_get(row, "name");
    size_t named = 0;
    while (named < NAMES && json_is_string(name) &&
           strcmp(json_string_value(name), names[named]) != 0)
        named++;
    cr_assert(lt(sz, named, NAMES), "seed %" PRIu64, seed);
    const struct handler *handler = &lines[number(row, "cpu")][number(row, "irq")].of[named];
    cr_expect(eq(u64, number(run, "count"), handler->runs), "seed %" PRIu64, seed);
    cr_expect(eq(u64, number(run, "total_ns"), handler->run_ns), "seed %" PRIu64, seed);
    cr_expect(eq(u64, number(row, "begin_unknown"), handler->begin_unknown), "seed %" PRIu64, seed);
    cr_expect(eq(u64, number(row, "end_unknown"), handler->end_unknown), "seed %" PRIu64, seed);
}

static void check_irqs(char *report, struct line lines[CPUS][IRQS], uint64_t seed)
{
    size_t rows = 0, wanted = 0;
    for (char *line = strtok(report, "\n"); line; line = strtok(NULL, "\n")) {
        if (!strstr(line, "\"type\":\"irq\""))
            continue;
        json_t *row = json_loads(line, 0, NULL);
        check_irq_row(row, lines, seed);
        json_decref(row);
        rows++;
    }
    for (size_t i = 0; i < CPUS * IRQS * NAMES; i++) {
        const struct handler *handler = &lines[i / NAMES / IRQS][i / NAMES % IRQS].of[i % NAMES];
        wanted += handler->runs + handler->begin_unknown + handler->end_unknown > 0;
    }
    cr_expect(eq(sz, rows, wanted), "seed %" PRIu64, seed);
}

static void check_seeds(const struct random_trace_options *options)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct law_trace trace = {.schema =
                                      schema_new_with(NULL, analyses_event_row, analyses_count)};
        random_trace(&trace, seed, options);
        struct pair pairs[CPUS][VECS] = {{{0}}};
        count_all(&trace, pairs);
        uint64_t random = seed, at[CUTS];
        law_random_cuts(&trace, &random, at, CUTS);
        char *report = law_report(&trace, (struct law_cuts){at, CUTS}, (unsigned)seed, NULL);
        char *again = memory_string(text_of(report));
        check(report, pairs, seed);
        struct line lines[CPUS][IRQS] = {{{0}}};
        count_irqs(&trace, lines);
        check_irqs(again, lines, seed);
        free(report);
        free(again);
        law_trace_clear(&trace);
        schema_free(trace.schema);
    }
}

Test(analyses, count_interrupts_of_an_honest_machine)
{
    check_seeds(&(struct random_trace_options){.events = 600});
}

Test(analyses, count_interrupts_among_lies_and_losses)
{
    check_seeds(&(struct random_trace_options){.events = 600, .lies = 20, .losses = 20});
}
