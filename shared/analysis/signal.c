/* Signals: the threads and processes that they were generated for, the results, and the number of
 * deliveries.
 *
 * The event of the generation has the name of the target thread; a delivery belongs to the current
 * thread, and its event only has the number.
 * Source: kernel/signal.c, __send_signal_locked(), get_signal(). */
#include <stdio.h>

#include "analysis/rule.h"
#include "analysis/view.h"

#define SIGNAL(T, KEY, REG, SUM)                                                                   \
    KEY(T, 1, number, sig, "number of the signal")                                                 \
    KEY(T, 2, text, target, "name of the target thread; empty: a delivery")                        \
    SUM(T, 3, count, generated, "signals generated")                                               \
    SUM(T, 4, count, ignored, "signals that the target ignores")                                   \
    SUM(T, 5, count, pending, "signals that were already pending")                                 \
    SUM(T, 6, count, lost,                                                                         \
        "signals lost, completely or without their data, because the queue was full")              \
    SUM(T, 7, count, delivered, "signals delivered")
ATOM_DEFINE(signal, SIGNAL)

/* Source: include/uapi/asm-generic/signal.h, which most architectures have. */
static const char *signal_name(uint64_t sig, char room[VIEW_NAME_ROOM])
{
    static const char *const names[] = {
        NULL,   "HUP",  "INT",  "QUIT", "ILL",    "TRAP",   "ABRT",  "BUS",  "FPE",  "KILL", "USR1",
        "SEGV", "USR2", "PIPE", "ALRM", "TERM",   "STKFLT", "CHLD",  "CONT", "STOP", "TSTP", "TTIN",
        "TTOU", "URG",  "XCPU", "XFSZ", "VTALRM", "PROF",   "WINCH", "IO",   "PWR",  "SYS"};
    enum { RTMIN = 34, RTMAX = 64 }; /* as current libcs number them */
    if (sig < sizeof names / sizeof *names && names[sig])
        snprintf(room, VIEW_NAME_ROOM, "SIG%s", names[sig]);
    else if (sig >= RTMIN && sig <= RTMAX)
        snprintf(room, VIEW_NAME_ROOM, "SIGRTMIN+%u", (unsigned)sig - RTMIN);
    else
        return NULL;
    return room;
}

static const struct atom_view view = {.title = "Signals",
                                      .named = "sig",
                                      .label = "name",
                                      .name = signal_name,
                                      .columns = {{"Signal", "sig", VIEW_NAME},
                                                  {"For", "target", VIEW_VALUE},
                                                  {"Generated", "generated", VIEW_VALUE},
                                                  {"Ignored", "ignored", VIEW_VALUE},
                                                  {"Pending", "pending", VIEW_VALUE},
                                                  {"Lost", "lost", VIEW_VALUE},
                                                  {"Delivered", "delivered", VIEW_VALUE}},
                                      .by = {NULL, "generated", VIEW_VALUE},
                                      .plus = {NULL, "delivered", VIEW_VALUE},
                                      .note = "rows without a target (For) count deliveries, whose "
                                              "events do not name the target"};

static const struct atom_kind signal_kind = {.tag = 42, ATOM_COLUMNS_OF(signal), .view = &view};

enum { SIG, RESULT };

static void find(struct found *found, const struct event *event)
{
    const struct signal_key key = {.sig = (uint64_t)event->value[SIG],
                                   .target =
                                       event_has_text(event, 0) ? event->text[0] : text_of("")};
    found_atom(found, &signal_kind, &key.atom);
}

static void apply_generate(struct atom *const *atoms, const struct event *event)
{
    /* Source: enum in include/trace/events/signal.h. */
    enum { IGNORED = 1, ALREADY_PENDING, OVERFLOW_FAIL, LOSE_INFO };
    struct signal *signal = (struct signal *)atoms[0];
    int64_t result = event_has_value(event, RESULT) ? event->value[RESULT] : 0;
    signal->generated++;
    signal->ignored += result == IGNORED;
    signal->pending += result == ALREADY_PENDING;
    signal->lost += result == OVERFLOW_FAIL || result == LOSE_INFO;
}

static void apply_deliver(struct atom *const *atoms, const struct event *event)
{
    (void)event;
    ((struct signal *)atoms[0])->delivered++;
}

ANALYSIS_RULE(generate, find, apply_generate, DEFINES_NOTHING)
ANALYSIS_RULE(deliver, find, apply_deliver, DEFINES_NOTHING)

static const struct rule rules[] = {
    {{"signal_generate",
      {{"sig", SLOT_VALUE, SIG}, {"result", SLOT_VALUE, RESULT}, {"comm", SLOT_TEXT, 0}},
      1 << SIG},
     .tag = 22,
     ANALYSIS_RULE_OF(generate)},
    {{"signal_deliver", {{"sig", SLOT_VALUE, SIG}}, 1 << SIG},
     .tag = 23,
     ANALYSIS_RULE_OF(deliver)},
};

static const struct atom_kind *const kinds[] = {&signal_kind};
const struct analysis signal_analysis = {"signal", kinds, 1, rules, sizeof rules / sizeof *rules,
                                         NULL};
