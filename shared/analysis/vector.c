/* Interrupts of x86 that no device raises (the local timer, and those between CPUs), by CPU and
 * vector: how long their handlers ran. Handlers of one vector do not nest on a CPU.
 * Source: arch/x86/include/asm/trace/irq_vectors.h, irq_vectors.h. */
#include "analysis/rule.h"
#include "analysis/view.h"

#define VECTOR(T, KEY, REG, SUM)                                                                   \
    KEY(T, 1, cpu, cpu, "CPU")                                                                     \
    KEY(T, 2, number, vector, "vector")                                                            \
    REG(T, 3, time, entered_ns, "time of the handler's begin; 0: not running")                     \
    SUM(T, 4, durations, run, "from the handler's begin to its end")                               \
    SUM(T, 5, count, begin_unknown, "runs without a begin in the trace")                           \
    SUM(T, 6, count, end_unknown, "runs without an end in the trace")
ATOM_DEFINE(vector, VECTOR)

static const char *vector_name(uint64_t vector, char room[VIEW_NAME_ROOM])
{
    (void)room;
    static const char *const names[] = {
        [0xec] = "local_timer",          [0xf4] = "deferred_error_apic", [0xf6] = "irq_work",
        [0xf7] = "x86_platform_ipi",     [0xf9] = "threshold_apic",      [0xfa] = "thermal_apic",
        [0xfb] = "call_function_single", [0xfc] = "call_function",       [0xfd] = "reschedule",
        [0xfe] = "error_apic",           [0xff] = "spurious_apic"};
    return vector < sizeof names / sizeof *names ? names[vector] : NULL;
}

static void lose(struct engine *engine, struct atom *atom)
{
    (void)engine;
    struct vector *vector = (struct vector *)atom;
    vector->end_unknown += vector->entered_ns != 0;
}

static const struct atom_view view = {
    .title = "Interrupts of CPUs",
    .named = "vector",
    .label = "name",
    .name = vector_name,
    .columns = {{"CPU", "cpu", VIEW_VALUE}, {"Vector", "vector", VIEW_NAME}, VIEW_OF_RUNS},
    .by = {NULL, "run", VIEW_TOTAL},
    .unknown = {"begin_unknown", "end_unknown"}};

static const struct atom_kind vector_kind = {
    .tag = 43, ATOM_COLUMNS_OF(vector), .lose = lose, .view = &view};

static void find(struct found *found, const struct event *event)
{
    const struct vector_key key = {.cpu = (uint64_t)event->cpu,
                                   .vector = (uint64_t)event->value[0]};
    if (event->cpu >= 0)
        found_atom(found, &vector_kind, &key.atom);
}

static void apply_entry(struct atom *const *atoms, const struct event *event)
{
    struct vector *vector = (struct vector *)atoms[0];
    run_enter(&vector->entered_ns, &vector->end_unknown, event->time_ns);
}

static void apply_exit(struct atom *const *atoms, const struct event *event)
{
    struct vector *vector = (struct vector *)atoms[0];
    run_exit(&vector->entered_ns, &vector->run, &vector->begin_unknown, event->time_ns);
}

ANALYSIS_RULE(entry, find, apply_entry, DEFINES(0))
ANALYSIS_RULE(exit, find, apply_exit, DEFINES(0))

#define PAIR(name, number)                                                                         \
    {{"x86_irq_vectors_" name "_entry", {{"vector", SLOT_VALUE, 0}}, 1},                           \
     .tag = number,                                                                                \
     ANALYSIS_RULE_OF(entry)},                                                                     \
    {                                                                                              \
        {"x86_irq_vectors_" name "_exit", {{"vector", SLOT_VALUE, 0}}, 1}, .tag = (number) + 1,    \
                                                                           ANALYSIS_RULE_OF(exit)  \
    }

static const struct rule rules[] = {
    PAIR("local_timer", 24),          PAIR("reschedule", 26),    PAIR("call_function", 28),
    PAIR("call_function_single", 30), PAIR("irq_work", 32),      PAIR("x86_platform_ipi", 34),
    PAIR("error_apic", 36),           PAIR("spurious_apic", 38), PAIR("threshold_apic", 40),
    PAIR("deferred_error_apic", 42),  PAIR("thermal_apic", 44),
};

static const struct atom_kind *const kinds[] = {&vector_kind};
const struct analysis vector_analysis = {"vector", kinds, 1, rules, sizeof rules / sizeof *rules,
                                         NULL};
