/* Functions that the kernel calls from timers, hrtimers, and workqueues, by function.
 *
 * A timer function runs on the CPU where the timer expires, and may be interrupted by that of
 * another timer. Work may sleep, and continue on another CPU.
 * Source: kernel/time/hrtimer.c, __run_hrtimer(); kernel/time/timer.c, call_timer_fn();
 * kernel/workqueue.c, process_one_work(). */
#include "analysis/rule.h"
#include "analysis/view.h"

#define CALLBACK(T, KEY, REG, SUM)                                                                 \
    KEY(T, 1, text, kind, "hrtimer, timer, work")                                                  \
    KEY(T, 2, address, function, "address of the function")                                        \
    SUM(T, 3, durations, run, "from the call of the function to its return")                       \
    SUM(T, 4, count, begin_unknown, "returns without a call in the trace")                         \
    SUM(T, 5, count, end_unknown, "calls without a return in the trace")
ATOM_DEFINE(callback, CALLBACK)

/* The running function: of a timer, or of work, which has no CPU. */
#define TIMER_OPEN(T, KEY, REG, SUM)                                                               \
    KEY(T, 1, cpu, cpu, "CPU")                                                                     \
    KEY(T, 2, address, address, "address of the timer")                                            \
    REG(T, 3, time, called_ns, "time of the call")                                                 \
    REG(T, 4, address, function, "address of the function")                                        \
    REG(T, 5, text, kind, "hrtimer, timer")
#define WORK_OPEN(T, KEY, REG, SUM)                                                                \
    KEY(T, 1, address, address, "address of the work item")                                        \
    REG(T, 2, time, called_ns, "time of the call")                                                 \
    REG(T, 3, address, function, "address of the function")
ATOM_DEFINE(timer_open, TIMER_OPEN)
ATOM_DEFINE(work_open, WORK_OPEN)

static const struct text hrtimer_text = {"hrtimer", 7}, timer_text = {"timer", 5},
                         work_text = {"work", 4};

static const struct atom_view view = {
    .title = "Timers and work",
    .columns = {{"Kind", "kind", VIEW_VALUE}, {"Function", "function", VIEW_VALUE}, VIEW_OF_RUNS},
    .by = {NULL, "run", VIEW_TOTAL},
    .unknown = {"begin_unknown", "end_unknown"},
    .note = "functions are addresses in the kernel: /proc/kallsyms "
            "of the host, read as root until it boots again, "
            "names them"};

static const struct atom_kind callback_kind = {.tag = 39, ATOM_COLUMNS_OF(callback), .view = &view};

static void lose_call(struct engine *engine, struct text kind, uint64_t function)
{
    const struct callback_key key = {.kind = kind, .function = function};
    ((struct callback *)lost_atom(engine, &callback_kind, &key.atom))->end_unknown++;
}

static void lose_timer(struct engine *engine, struct atom *atom)
{
    const struct timer_open *open = (const struct timer_open *)atom;
    lose_call(engine, open->kind, open->function);
}

static void lose_work(struct engine *engine, struct atom *atom)
{
    lose_call(engine, work_text, ((struct work_open *)atom)->function);
}

static const struct atom_kind timer_kind = {
    .tag = 40, ATOM_COLUMNS_OF(timer_open), .lose = lose_timer, .open_ns = UINT64_C(10000000000)};
static const struct atom_kind work_kind = {
    .tag = 41, ATOM_COLUMNS_OF(work_open), .lose = lose_work, .open_ns = UINT64_C(600000000000)};

enum { ADDRESS, FUNCTION };

static uint64_t function_of(const struct event *event)
{
    return event_has_value(event, FUNCTION) ? (uint64_t)event->value[FUNCTION] : 0;
}

static struct timer_open timer_of(const struct event *event, struct text kind)
{
    return (struct timer_open){.cpu = (uint64_t)event->cpu,
                               .address = (uint64_t)event->value[ADDRESS],
                               .called_ns = event->time_ns,
                               .function = function_of(event),
                               .kind = kind};
}

static void find_sums(struct found *found, struct text kind, uint64_t function)
{
    const struct callback_key key = {.kind = kind, .function = function};
    found_atom(found, &callback_kind, &key.atom);
}

static void begin_timer(struct found *found, const struct event *event, struct text kind)
{
    struct timer_open timer = timer_of(event, kind);
    if (event->cpu >= 0)
        found_opening(found, &timer_kind, &timer.atom);
}

static void end_timer(struct found *found, const struct event *event, struct text kind)
{
    if (event->cpu < 0)
        return;
    const struct timer_open key = timer_of(event, kind);
    const struct timer_open *timer =
        (const struct timer_open *)found_ending(found, &timer_kind, &key.atom);
    find_sums(found, kind, timer ? timer->function : 0);
}

static void find_hrtimer_entry(struct found *found, const struct event *event)
{
    begin_timer(found, event, hrtimer_text);
}

static void find_hrtimer_exit(struct found *found, const struct event *event)
{
    end_timer(found, event, hrtimer_text);
}

static void find_timer_entry(struct found *found, const struct event *event)
{
    begin_timer(found, event, timer_text);
}

static void find_timer_exit(struct found *found, const struct event *event)
{
    end_timer(found, event, timer_text);
}

static struct work_open work_of(const struct event *event)
{
    return (struct work_open){.address = (uint64_t)event->value[ADDRESS],
                              .called_ns = event->time_ns,
                              .function = function_of(event)};
}

static void find_work_start(struct found *found, const struct event *event)
{
    struct work_open work = work_of(event);
    found_opening(found, &work_kind, &work.atom);
}

static void find_work_end(struct found *found, const struct event *event)
{
    const struct work_open key = work_of(event);
    const struct work_open *work =
        (const struct work_open *)found_ending(found, &work_kind, &key.atom);
    find_sums(found, work_text, work ? work->function : function_of(event));
}

static void apply_nothing(struct atom *const *atoms, const struct event *event)
{
    (void)atoms;
    (void)event;
}

static void add_run(struct atom *sums, const struct event *event, const uint64_t *called_ns)
{
    struct callback *callback = (struct callback *)sums;
    if (called_ns)
        durations_add(&callback->run, event->time_ns - *called_ns);
    else
        callback->begin_unknown++;
}

static void apply_timer_exit(struct atom *const *atoms, const struct event *event)
{
    const struct timer_open *timer = (const struct timer_open *)atoms[0];
    add_run(atoms[1], event, timer ? &timer->called_ns : NULL);
}

static void apply_work_end(struct atom *const *atoms, const struct event *event)
{
    const struct work_open *work = (const struct work_open *)atoms[0];
    add_run(atoms[1], event, work ? &work->called_ns : NULL);
}

ANALYSIS_RULE(hrtimer_entry, find_hrtimer_entry, apply_nothing, DEFINES_NOTHING)
ANALYSIS_RULE(hrtimer_exit, find_hrtimer_exit, apply_timer_exit, DEFINES_NOTHING)
ANALYSIS_RULE(timer_entry, find_timer_entry, apply_nothing, DEFINES_NOTHING)
ANALYSIS_RULE(timer_exit, find_timer_exit, apply_timer_exit, DEFINES_NOTHING)
ANALYSIS_RULE(work_start, find_work_start, apply_nothing, DEFINES_NOTHING)
ANALYSIS_RULE(work_end, find_work_end, apply_work_end, DEFINES_NOTHING)

#define OF(field) {{field, SLOT_VALUE, ADDRESS}, {"function", SLOT_VALUE, FUNCTION}}, 1 << ADDRESS

static const struct rule rules[] = {
    {{"timer_hrtimer_expire_entry", OF("hrtimer")}, .tag = 16, ANALYSIS_RULE_OF(hrtimer_entry)},
    {{"timer_hrtimer_expire_exit", OF("hrtimer")}, .tag = 17, ANALYSIS_RULE_OF(hrtimer_exit)},
    {{"timer_expire_entry", OF("timer")}, .tag = 18, ANALYSIS_RULE_OF(timer_entry)},
    {{"timer_expire_exit", OF("timer")}, .tag = 19, ANALYSIS_RULE_OF(timer_exit)},
    {{"workqueue_execute_start", OF("work")}, .tag = 20, ANALYSIS_RULE_OF(work_start)},
    {{"workqueue_execute_end", OF("work")}, .tag = 21, ANALYSIS_RULE_OF(work_end)},
};

static const struct atom_kind *const kinds[] = {&callback_kind, &timer_kind, &work_kind};
const struct analysis callback_analysis = {
    "callback", kinds, 3, rules, sizeof rules / sizeof *rules, NULL};
