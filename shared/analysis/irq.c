/* Hardware interrupts, by CPU, number, and name of the handler: how long it ran.
 *
 * Devices that share an interrupt have a handler each, which run one after the other: an entry has
 * the name, an exit only the number. Handlers of one number do not nest on a CPU.
 * Source: kernel/irq/handle.c, __handle_irq_event_percpu(). */
#include "analysis/rule.h"
#include "analysis/view.h"

#define IRQ(T, KEY, REG, SUM)                                                                      \
    KEY(T, 1, cpu, cpu, "CPU")                                                                     \
    KEY(T, 2, number, irq, "interrupt")                                                            \
    KEY(T, 3, text, name, "name of the handler; empty: unknown")                                   \
    SUM(T, 4, durations, run, "from the handler's begin to its end")                               \
    SUM(T, 5, count, begin_unknown, "runs without a begin in the trace")                           \
    SUM(T, 6, count, end_unknown, "runs without an end in the trace")
ATOM_DEFINE(irq, IRQ)

/* The running handler. */
#define IRQ_OPEN(T, KEY, REG, SUM)                                                                 \
    KEY(T, 1, cpu, cpu, "CPU")                                                                     \
    KEY(T, 2, number, irq, "interrupt")                                                            \
    REG(T, 3, time, entered_ns, "time of the begin; 0: not running")                               \
    REG(T, 4, text, name, "name of the handler")
ATOM_DEFINE(irq_open, IRQ_OPEN)

static const struct atom_view view = {.title = "Interrupts",
                                      .columns = {{"CPU", "cpu", VIEW_VALUE},
                                                  {"IRQ", "irq", VIEW_VALUE},
                                                  {"Handler", "name", VIEW_VALUE},
                                                  VIEW_OF_RUNS},
                                      .by = {NULL, "run", VIEW_TOTAL},
                                      .unknown = {"begin_unknown", "end_unknown"}};

static const struct atom_kind irq_kind = {.tag = 33, ATOM_COLUMNS_OF(irq), .view = &view};

static struct irq_key of_handler(const struct irq_open *open)
{
    return (struct irq_key){.cpu = open->cpu, .irq = open->irq, .name = open->name};
}

static void lose(struct engine *engine, struct atom *atom)
{
    const struct irq_key key = of_handler((const struct irq_open *)atom);
    ((struct irq *)lost_atom(engine, &irq_kind, &key.atom))->end_unknown++;
}

static const struct atom_kind irq_open_kind = {.tag = 34, ATOM_COLUMNS_OF(irq_open), .lose = lose};

/* Adds the running handler, and then its sums if `always`, or if one runs. */
static void find_running(struct found *found, const struct event *event, bool always)
{
    if (event->cpu < 0)
        return;
    const struct irq_open_key key = {.cpu = (uint64_t)event->cpu, .irq = (uint64_t)event->value[0]};
    const struct irq_open *open =
        (const struct irq_open *)found_atom(found, &irq_open_kind, &key.atom);
    if (!open || (!always && open->entered_ns == 0))
        return;
    const struct irq_key handler = of_handler(open);
    found_atom(found, &irq_kind, &handler.atom);
}

static void find_entry(struct found *found, const struct event *event)
{
    find_running(found, event, false);
}

static void find_exit(struct found *found, const struct event *event)
{
    find_running(found, event, true);
}

static void apply_entry(struct atom *const *atoms, const struct event *event)
{
    struct irq_open *open = (struct irq_open *)atoms[0];
    if (open->entered_ns != 0)
        ((struct irq *)atoms[1])->end_unknown++;
    open->entered_ns = event->time_ns;
    open->name = event_has_text(event, 0) ? event->text[0] : text_of("");
}

static void apply_exit(struct atom *const *atoms, const struct event *event)
{
    struct irq_open *open = (struct irq_open *)atoms[0];
    struct irq *irq = (struct irq *)atoms[1];
    if (irq && open->entered_ns != 0)
        durations_add(&irq->run, event->time_ns - open->entered_ns);
    else if (irq)
        irq->begin_unknown++;
    open->entered_ns = 0;
    open->name = text_of("");
}

ANALYSIS_RULE(entry, find_entry, apply_entry, DEFINES(0))
ANALYSIS_RULE(exit, find_exit, apply_exit, DEFINES(0))

static const struct rule rules[] = {
    {{"irq_handler_entry", {{"irq", SLOT_VALUE, 0}, {"name", SLOT_TEXT, 0}}, 1},
     .tag = 4,
     ANALYSIS_RULE_OF(entry)},
    {{"irq_handler_exit", {{"irq", SLOT_VALUE, 0}}, 1}, .tag = 5, ANALYSIS_RULE_OF(exit)},
};

static const struct atom_kind *const kinds[] = {&irq_kind, &irq_open_kind};
const struct analysis irq_analysis = {"irq", kinds, 2, rules, sizeof rules / sizeof *rules, NULL};
