/* core/core.h -- the state machine that interprets kernel events for threads and CPUs: one
 * implementation with two modes.
 *
 * When joining, all earlier state is known: an event changes the state, and ended items are emitted
 * as results. When mapping, only this interval is known. If an event needs unknown state, the core
 * writes the data of the entities concerned and the unchanged event to the row. The reducer, which
 * has the earlier state ("the past"), applies the records in order and gets the same results.
 *
 * core/state.h describes how to write an analysis in the core. */
#ifndef CORE_CORE_H
#define CORE_CORE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/core_row.h"
#include "results/result.h"
#include "trace/event.h"
#include "trace/schema.h"
#include "trace/tally.h"

struct core;

/* Facts about a recording from its metadata. */
struct core_facts {
    bool has_kernel;
    bool counts_switches; /* sched_switch is recorded */
    bool no_calls;        /* no system call is */
};

void core_free(struct core *core); /* NULL is fine */

/* --- mapping --- */

struct core_mapping {
    struct core_facts facts;
    uint64_t begin_ns, end_ns; /* of the interval; events outside are ignored */
    bool names_no_calls;       /* the architecture is unknown */
};
/* Records go to `row` (borrowed), in their order. */
struct core *core_new_mapping(struct schema *schema, const struct core_mapping *mapping,
                              struct row *row);
/* Events and losses, in order. */
void core_map(struct core *core, const struct event *events, size_t count);
/* An EVENT_DUMP_PROCESS in the interval that is in no trace. It only says what a thread is: it gets
 * no number, and neither begins a phase nor counts, because each further chunk brings it again. */
void core_map_thread(struct core *core, const struct event *event);
/* The end of the interval: writes all unwritten data to the row. */
void core_map_end(struct core *core);
struct core_counts {
    uint64_t events;        /* of the interval */
    uint64_t single_events; /* written to the row unchanged */
    struct tallies tallies;
    uint64_t first_ns, last_ns; /* TIME_NONE without any event */
    uint32_t first_trace;       /* of the first event; index in reader_info.traces */
};
struct core_counts core_counts(const struct core *core);

/* --- joining --- */

/* Determines the current thread of `cpu`, whose first event since its state was unknown is at
 * `first_ns`: a tid, 0 (idle), or TID_SETTLED_UNKNOWN. `tid_runs_on`: core_cpu_of(). */
struct core_settle_source {
    int32_t (*settle)(void *context, const struct core *core, int32_t cpu, uint64_t first_ns);
    void *context;
};

struct core *core_new(struct schema *schema, struct result_sink sink,
                      struct core_settle_source settle_source);
/* The CPU on which the thread is considered current; -1 if on none. */
int32_t core_cpu_of(const struct core *core, int32_t tid);
/* Begins an interval with these facts and phase definitions (NULL: none). */
void core_begin(struct core *core, struct core_facts facts, const struct phase_set *phases);
/* One event of the interval, without any sums from mapping. */
void core_event(struct core *core, const struct event *event);
/* The same for a core of which only the names of threads, processes, and descriptors are needed,
 * with their begins and ends. */
void core_event_for_names(struct core *core, const struct event *event);
/* One record of its row. False if it contradicts earlier records: the record is ignored, and the
 * rest of the row must not be joined. */
MUST_CHECK bool core_join(struct core *core, const struct record *record);
/* Whether an interval may have so many events: those of a session are numbered below
 * SESSION_EVENTS_MAX. */
bool core_has_room(const struct core *core, uint64_t events);
/* Ends the interval, which had `events`, for which there is room: emits its sums. */
void core_end(struct core *core, uint64_t events);
/* Whether the current interval has a kernel trace. */
bool core_has_kernel(const struct core *core);
enum core_gap_of { GAP_OF_ALL, GAP_OF_KERNEL };
/* A missing interval, or one with a missing kernel trace: the state of all CPUs and threads is
 * unknown. Spans whose end may be lost are lost. */
void core_gap(struct core *core, enum core_gap_of of, uint64_t begin_ns);
/* Emits the mark of the interval to the results; after core_end(). */
void core_mark(struct core *core, const struct interval_end *interval);
/* Reports a missing chunk, or damage without a chunk: no interval is joined with it. */
void core_note(struct core *core, uint64_t chunk, const struct tallies *tallies,
               struct damages damage);
/* Whether the current thread of the CPU is not determined yet. */
bool core_is_unsettled(const struct core *core, int32_t cpu);
/* The phase definitions of the current interval. */
const struct phase_set *core_phases(const struct core *core);
/* Emits live entities: everything known of those with id % turns == turn; of the others only
 * changes since the last call. After `turns` calls, the log again contains all live entities for
 * new readers. */
void core_republish(struct core *core, uint64_t turn, uint64_t turns);
/* Ends the session: emits everything. */
void core_finish(struct core *core);

#endif
