/* trace/tally.h -- the counters of an interval: lost, skipped, and unknown data.
 *
 * A row defines a counter completely: it is sent from the mapper (wire/partial_codec.h) or from the
 * join to the interval's mark (results/result.h), summed in the fold, and shown in the report, in
 * the JSON `summary`, in metrics, and through `--strict`. Tags are never reused. */
#ifndef TRACE_TALLY_H
#define TRACE_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* `--strict` fails if it is not 0. */
#define TALLY_STRICT 1u
/* Shown in the report even if it is 0. */
#define TALLY_ALWAYS 2u

/* ROW(name, tag on the wire, name in JSON and metrics, singular, plural, hint, flags). Hint: a
 * sentence that ends a line of its own in the report; or NULL: it is on the line of losses. */
#define TALLIES(ROW)                                                                               \
    ROW(DISCARDED, 1, "discarded", "event lost", "events lost", NULL, TALLY_STRICT | TALLY_ALWAYS) \
    ROW(LOSS_BORDERS, 2, "loss_borders", "gap in the kernel streams",                              \
        "gaps in the kernel streams", NULL, TALLY_STRICT)                                          \
    ROW(CONTRADICTED_SWITCHES, 20, "contradicted_switches",                                        \
        "switch out of a thread that was not running",                                             \
        "switches out of threads that were not running",                                           \
        "sched_switch seems to be filtered (lttng track or an event filter): numbers by thread "   \
        "are unreliable. Record all switches, or use lttng add-context --kernel --type=tid",       \
        TALLY_STRICT)                                                                              \
    ROW(UNSEEN_SWITCHES, 21, "events_behind_unseen_switches",                                      \
        "call or switch of a thread that was not running, by its tid context",                     \
        "calls or switches of threads that were not running, by their tid contexts",               \
        "they are counted for the right thread, but sched_switch seems to be filtered (lttng "     \
        "track or an event filter): thread states and CPU times are unreliable. Record all "       \
        "switches",                                                                                \
        0)                                                                                         \
    ROW(LOST_CHUNKS, 3, "lost_intervals", "chunk missing or unreadable",                           \
        "chunks missing or unreadable", NULL, TALLY_STRICT)                                        \
    ROW(LOST_TRACES, 4, "lost_traces", "trace left out", "traces left out", NULL, TALLY_STRICT)    \
    ROW(LOST_STREAMS, 5, "lost_streams", "stream damaged", "streams damaged", NULL, TALLY_STRICT)  \
    ROW(LOST_PACKETS, 6, "lost_packets", "packet damaged", "packets damaged", NULL, TALLY_STRICT)  \
    ROW(LOST_BYTES, 7, "lost_bytes", "byte not read", "bytes not read", NULL, TALLY_STRICT)        \
    ROW(DROPPED_EVENTS, 8, "dropped_events", "event dropped between chunks",                       \
        "events dropped between chunks", NULL, TALLY_STRICT)                                       \
    ROW(MISSING_PACKETS, 9, "missing_packets", "packet missing", "packets missing", NULL,          \
        TALLY_STRICT)                                                                              \
    ROW(UNNAMED_CALLS, 30, "unnamed_calls", "system call without a name",                          \
        "system calls without a name",                                                             \
        "the trace does not name its architecture; names are known for x86-64 only", TALLY_STRICT) \
    ROW(USER_NO_THREAD, 40, "user_events_without_thread",                                          \
        "user-space event of an unknown thread and process (no vtid, no vpid)",                    \
        "user-space events of unknown threads and processes (no vtid, no vpid)",                   \
        "record with lttng add-context --userspace --type=vtid --type=vpid", TALLY_STRICT)         \
    ROW(USER_PROCESS, 41, "user_events_by_process",                                                \
        "user-space event counted by process, thread unknown (no vtid)",                           \
        "user-space events counted by process, threads unknown (no vtid)",                         \
        "to know the thread, record with lttng add-context --userspace --type=vtid", 0)            \
    ROW(KERNEL_NO_CPU, 42, "kernel_events_without_cpu",                                            \
        "kernel switch, call, or phase event of an unknown thread (no CPU in its packet)",         \
        "kernel switches, calls, or phase events of unknown threads (no CPU in their packets)",    \
        "record with lttng add-context --kernel --type=tid", TALLY_STRICT)                         \
    ROW(KERNEL_NO_SWITCHES, 43, "kernel_events_without_switches",                                  \
        "kernel call or phase event of an unknown thread (no sched_switch recorded)",              \
        "kernel calls or phase events of unknown threads (no sched_switch recorded)",              \
        "record with lttng enable-event --kernel sched_switch, or with lttng add-context "         \
        "--kernel --type=tid",                                                                     \
        TALLY_STRICT)                                                                              \
    ROW(KERNEL_NO_THREAD, 44, "kernel_events_without_thread",                                      \
        "kernel call or phase event on a CPU whose current thread is unknown",                     \
        "kernel calls or phase events on CPUs whose current thread is unknown",                    \
        "to know the thread, record with lttng add-context --kernel --type=tid", 0)                \
    ROW(KERNEL_PROCESS, 46, "kernel_events_by_process",                                            \
        "kernel phase event counted by process, thread unknown",                                   \
        "kernel phase events counted by process, threads unknown",                                 \
        "to know the thread, record with lttng add-context --kernel --type=tid", 0)                \
    ROW(KERNEL_NAMESPACE, 45, "kernel_events_of_unknown_namespace",                                \
        "kernel call or phase event whose vtid may be of several pid namespaces",                  \
        "kernel calls or phase events whose vtid may be of several pid namespaces",                \
        "record with lttng add-context --kernel --type=tid, or --type=pid_ns", TALLY_STRICT)       \
    ROW(PHASES_CHANGED, 50, "phases_changed",                                                      \
        "open phase whose definition was changed or removed",                                      \
        "open phases whose definitions were changed or removed", "their ends are unknown", 0)

enum tally {
#define TALLY_ID(name, tag, json, one, several, hint, flags) TALLY_##name,
    TALLIES(TALLY_ID)
#undef TALLY_ID
        TALLY_COUNT
};

struct tallies {
    uint64_t at[TALLY_COUNT];
};

struct tally_row {
    uint32_t tag;
    const char *json;
    const char *one, *several;
    const char *hint; /* or NULL */
    unsigned flags;
};

extern const struct tally_row tally_rows[TALLY_COUNT];

/* The names of all in one string, as labels of metrics (health/metrics.h). */
#define TALLY_WORD(name, tag, json, one, several, hint, flags) json " "
#define TALLY_WORDS TALLIES(TALLY_WORD)

static inline void tallies_add(struct tallies *to, const struct tallies *more)
{
    for (size_t i = 0; i < TALLY_COUNT; i++)
        to->at[i] += more->at[i];
}

/* Whether a tally that `--strict` fails on is not 0. */
bool tallies_are_strict(const struct tallies *tallies);

/* On the wire: pairs of a tag and a number other than 0. */
enum { TALLY_PAIRS_MAX = 2 * TALLY_COUNT };
size_t tallies_pack(const struct tallies *tallies, uint64_t pairs[TALLY_PAIRS_MAX]);
/* Skips unknown tags, of newer programs. */
struct tallies tallies_unpack(const uint64_t *pairs, size_t count);

#endif
