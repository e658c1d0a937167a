/* tests/laws/law.h -- the law: cut a sequence of events anywhere, map the pieces, join them: the
 * report is byte-identical to the uncut one.
 *
 * Works on event streams, so cuts can be anywhere: inside system calls, between a dup and its use,
 * inside phases. */
#ifndef TESTS_LAWS_LAW_H
#define TESTS_LAWS_LAW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "trace/partial.h"
#include "trace/schema.h"

/* Events in order, and facts of their traces. Classes belong to `schema`. */
struct law_trace {
    struct schema *schema;
    struct arena arena;
    struct event *events;
    size_t count, room;
    struct interval_end facts; /* has_kernel, counts_switches, offset, host, cpus */
    char session[1024];
    /* From an instant on, pieces are mapped with the definitions of another schema (borrowed);
     * ascending. Cuts have to be at these instants, too. */
    struct law_change {
        uint64_t at_ns;
        struct schema *schema;
    } changes[8];
    size_t change_count;
};

void law_trace_clear(struct law_trace *trace); /* not its schema */
void law_trace_add(struct law_trace *trace, const struct event *event);

/* Cuts at these times, ascending: an event at a cut is after it. */
struct law_cuts {
    const uint64_t *at;
    size_t count;
};

struct law_figures {
    uint64_t items, bytes; /* sent, encoded */
};

/* The report as JSON Lines; the caller frees it. `shuffle` (0: none) is the seed for the order in
 * which pieces are mapped and the number of threads, for the piece that is mapped twice, and, if
 * odd, for the pieces after which the joiner is saved, ended, and restored. */
char *law_report(const struct law_trace *trace, struct law_cuts cuts, unsigned shuffle,
                 struct law_figures *figures);
/* The same without mapping: events are joined directly. Analyses and counts of the summary only
 * come from mapping. */
char *law_unmapped_report(const struct law_trace *trace);
/* The names of threads, processes, and descriptors, from events that are joined directly: all of
 * them, or only what names need. The caller frees it. */
char *law_names(const struct law_trace *trace, bool all);
/* The objects of a report that both have. The caller frees it. */
char *law_core_part(const char *report);

/* The results topic of the trace: what was written after each interval, and finally after the end
 * of the session; cuts.count + 2 times. */
struct law_log {
    struct arena arena;
    struct law_log_record {
        struct text key;
        struct bytes value;
        size_t interval;
    } * records;
    size_t count, room;
    size_t intervals;
};

/* After interval i, the live entities of part i modulo `turns` are sent again; 0: never. */
void law_log_make(struct law_log *log, const struct law_trace *trace, struct law_cuts cuts,
                  unsigned turns);
void law_log_clear(struct law_log *log);
/* A fold's report as JSON Lines; the caller frees it. */
struct fold;
char *law_fold_report(const struct fold *fold);

/* The report of a pool for the trace, whose last piece is the session's end: its records come from
 * many attempts, in any order; its reducer is killed and restored from its state at random, and
 * continues from its committed offset. JSON Lines; the caller frees it. */
char *law_pool_report(const struct law_trace *trace, struct law_cuts cuts, uint64_t seed);

/* xorshift64*: the same numbers everywhere. */
uint64_t law_random(uint64_t *state);
/* `count` ascending instants among the trace's events, including all at which definitions change.
 */
void law_random_cuts(const struct law_trace *trace, uint64_t *state, uint64_t *at, size_t count);
/* The first different line, in `room`; false if there is none. */
bool law_difference(const char *expected, const char *found, char *room, size_t size);

#endif
