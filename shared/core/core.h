/* core/core.h -- the automaton: what the kernel's events tell of threads and CPUs, written once and run
 * in two modes.
 *
 * Joining, all of the past is known: an event changes what is remembered, and what is over is told as
 * results. Mapping, only this interval is known: what an event needs and does not find here is the
 * past's matter. The core then writes to the row what it has changed of the subjects concerned, and the
 * event as it was; whoever knows the past takes the records in their order and comes to the same.
 *
 * How an analysis is written on it: core/state.h. */
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

/* What is known of a recording before its events. */
struct core_facts {
    bool has_kernel;
    bool counts_switches; /* sched_switch is recorded */
    bool no_calls;        /* no system call is */
};

void core_free(struct core *core); /* NULL is fine */

/* --- mapping --- */

struct core_mapping {
    struct core_facts facts;
    uint64_t begin_ns, end_ns; /* of the interval: what lies outside is ignored */
    bool names_no_calls;       /* whose architecture nobody tells */
};
/* Records go to `row` (borrowed), in their order. */
struct core *core_new_mapping(struct schema *schema, const struct core_mapping *mapping,
                              struct row *row);
/* Events and losses, in order. */
void core_map(struct core *core, const struct event *events, size_t count);
/* The end of the interval: all that is not written yet goes to the row. */
void core_map_end(struct core *core);
struct core_counts {
    uint64_t events;        /* of the interval */
    uint64_t single_events; /* that went to the row as they were */
    struct tallies tallies;
    uint64_t first_ns, last_ns; /* TIME_NONE without any event */
    uint32_t first_trace;       /* of the first event; index in reader_info.traces */
};
struct core_counts core_counts(const struct core *core);

/* --- joining --- */

/* Who is current on `cpu`, whose first event since nothing was known of it has the time `first_ns`: a
 * thread's number, 0 (idle) or TID_NOBODY. `tid_runs_on`: core_cpu_of(). */
struct core_settler {
    int32_t (*settle)(void *context, const struct core *core, int32_t cpu, uint64_t first_ns);
    void *context;
};

struct core *core_new(struct schema *schema, struct result_sink sink, struct core_settler settler);
/* The CPU on which the thread is thought current; -1 if on none. */
int32_t core_cpu_of(const struct core *core, int32_t tid);
/* An interval begins that was recorded so, and mapped with these definitions; NULL: with none. */
void core_begin(struct core *core, struct core_facts facts, const struct phase_set *phases);
/* One event of it, as if mapping had summed nothing. */
void core_event(struct core *core, const struct event *event);
/* One record of its row. False if it contradicts what was told before: nothing of it is taken, and what
 * follows in the row must not be joined. */
MUST_CHECK bool core_join(struct core *core, const struct record *record);
/* The interval, which had so many, is over: its sums are told. */
void core_end(struct core *core, uint64_t events);
/* Whether the last interval that began has a kernel trace. */
bool core_has_kernel(const struct core *core);
enum core_gap_of { GAP_OF_ALL, GAP_OF_KERNEL };
/* An interval that never came, or the kernel trace of one: nothing is known of any CPU, and of what any
 * thread does. Spans that may have their end in what is lost are lost. */
void core_gap(struct core *core, enum core_gap_of of, uint64_t begin_ns);
/* What the interval comes to, as a mark in the results; behind core_end(). */
void core_mark(struct core *core, const struct interval_end *interval);
/* Tells of a chunk that is not there, or of none: no interval is joined with it. */
void core_note(struct core *core, uint64_t chunk, const struct tallies *tallies,
               struct damages damage);
/* Whether nobody knows yet who is current on the CPU. */
bool core_is_unsettled(const struct core *core, int32_t cpu);
/* What the interval that was begun last was mapped with. */
const struct phase_set *core_phases(const struct core *core);
/* Tells of the living: of those whose turn it is, of ids that are `turn` modulo `turns`, again all that is
 * known; of the others what is new since the last time. What a reader of the results has to know of
 * them is in the log again after `turns` of these. */
void core_retell(struct core *core, uint64_t turn, uint64_t turns);
/* The session is over: all is told. */
void core_finish(struct core *core);
/* What joining alone could count, since the last time. */
struct tallies core_take_tallies(struct core *core);

#endif
