/* Softirqs, by CPU and vector: from the raise to the entry of the handler, and how long it ran.
 *
 * A softirq runs on the CPU that raised it. It may be raised again before its handler begins, and
 * one run serves all: the wait is since the first raise. Entries and exits of one vector do not
 * nest on a CPU.
 * Source: kernel/softirq.c, __raise_softirq_irqoff() and handle_softirqs(). */
#include "analysis/rule.h"
#include "analysis/view.h"

#define SOFTIRQ(T, KEY, REG, SUM)                                                                  \
    KEY(T, 1, cpu, cpu, "CPU")                                                                     \
    KEY(T, 2, number, vec, "vector")                                                               \
    REG(T, 3, time, raised_ns, "time of the raise; 0: not raised")                                 \
    REG(T, 4, time, entered_ns, "time of the handler's begin; 0: not running")                     \
    SUM(T, 5, durations, latency, "from the first raise to the handler's begin")                   \
    SUM(T, 6, durations, run, "from the handler's begin to its end")                               \
    SUM(T, 7, count, raises, "raises")                                                             \
    SUM(T, 8, count, repeats, "raises while it was already raised")                                \
    SUM(T, 9, count, raise_unknown, "runs without a raise in the trace")                           \
    SUM(T, 10, count, entry_unknown, "raises without a run in the trace")                          \
    SUM(T, 11, count, begin_unknown, "runs without a begin in the trace")                          \
    SUM(T, 12, count, end_unknown, "runs without an end in the trace")
ATOM_DEFINE(softirq, SOFTIRQ)

/* Source: enum in include/linux/interrupt.h. */
static const char *vector_name(uint64_t vec, char room[VIEW_NAME_ROOM])
{
    (void)room;
    static const char *const names[] = {"HI",       "TIMER",   "NET_TX", "NET_RX",  "BLOCK",
                                        "IRQ_POLL", "TASKLET", "SCHED",  "HRTIMER", "RCU"};
    return vec < sizeof names / sizeof *names ? names[vec] : NULL;
}

static void lose(struct engine *engine, struct atom *atom)
{
    (void)engine;
    struct softirq *softirq = (struct softirq *)atom;
    softirq->entry_unknown += softirq->raised_ns != 0;
    softirq->end_unknown += softirq->entered_ns != 0;
}

static const struct atom_view view = {
    .title = "Softirqs",
    .named = "vec",
    .label = "name",
    .name = vector_name,
    .columns = {{"CPU", "cpu", VIEW_VALUE},
                {"Softirq", "vec", VIEW_NAME},
                VIEW_OF_RUNS,
                {"Latency p50", "latency", VIEW_P50},
                {"Latency p99", "latency", VIEW_P99},
                {"Latency max", "latency", VIEW_MAX}},
    .by = {NULL, "run", VIEW_TOTAL},
    .unknown = {"raise_unknown", "entry_unknown", "begin_unknown", "end_unknown"}};

static const struct atom_kind softirq_kind = {
    .tag = 32, ATOM_COLUMNS_OF(softirq), .lose = lose, .view = &view};

static void find(struct found *found, const struct event *event)
{
    if (event->cpu < 0)
        return;
    const struct softirq_key key = {.cpu = (uint64_t)event->cpu, .vec = (uint64_t)event->value[0]};
    found_atom(found, &softirq_kind, &key.atom);
}

static void apply_raise(struct atom *const *atoms, const struct event *event)
{
    struct softirq *softirq = (struct softirq *)atoms[0];
    softirq->raises++;
    if (softirq->raised_ns != 0)
        softirq->repeats++;
    else
        softirq->raised_ns = event->time_ns;
}

static void apply_entry(struct atom *const *atoms, const struct event *event)
{
    struct softirq *softirq = (struct softirq *)atoms[0];
    if (softirq->raised_ns != 0)
        durations_add(&softirq->latency, event->time_ns - softirq->raised_ns);
    else
        softirq->raise_unknown++;
    softirq->raised_ns = 0;
    run_enter(&softirq->entered_ns, &softirq->end_unknown, event->time_ns);
}

static void apply_exit(struct atom *const *atoms, const struct event *event)
{
    struct softirq *softirq = (struct softirq *)atoms[0];
    run_exit(&softirq->entered_ns, &softirq->run, &softirq->begin_unknown, event->time_ns);
}

ANALYSIS_RULE(raise, find, apply_raise, DEFINES_NOTHING)
ANALYSIS_RULE(entry, find, apply_entry, DEFINES(0))
ANALYSIS_RULE(exit, find, apply_exit, DEFINES_NOTHING)

static const struct rule rules[] = {
    {{"irq_softirq_raise", {{"vec", SLOT_VALUE, 0}}, 1}, .tag = 1, ANALYSIS_RULE_OF(raise)},
    {{"irq_softirq_entry", {{"vec", SLOT_VALUE, 0}}, 1}, .tag = 2, ANALYSIS_RULE_OF(entry)},
    {{"irq_softirq_exit", {{"vec", SLOT_VALUE, 0}}, 1}, .tag = 3, ANALYSIS_RULE_OF(exit)},
};

static const struct atom_kind *const kinds[] = {&softirq_kind};
const struct analysis softirq_analysis = {"softirq", kinds, 1, rules, sizeof rules / sizeof *rules,
                                          NULL};
