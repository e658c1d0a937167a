/* tests/laws/law.h -- the one law: cut a row of events anywhere, map the pieces, join them:
 * the same report, byte for byte, as uncut.
 *
 * Works on event streams, so that cuts fall anywhere: inside system calls, between a dup and its
 * use, inside phases. */
#ifndef TESTS_LAWS_LAW_H
#define TESTS_LAWS_LAW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "trace/partial.h"
#include "trace/schema.h"

/* A row of events in order, and what their traces tell. Classes belong to `schema`. */
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

/* Cuts at these instants, ascending: events at or after one come after it. */
struct law_cuts {
    const uint64_t *at;
    size_t count;
};

struct law_figures {
    uint64_t items, bytes; /* that travelled, encoded */
};

/* The report as JSON Lines, to be freed. `shuffle` (0: none) seeds in which order, and by how many
 * threads, the pieces are mapped, which is mapped twice, and, if odd, behind which pieces the joiner is
 * saved, ended and restored. */
char *law_report(const struct law_trace *trace, struct law_cuts cuts, unsigned shuffle,
                 struct law_figures *figures);
/* The same of events joined as they are: nothing is mapped. Analyses, and what the summary counts, come
 * by mapping alone. */
char *law_unmapped_report(const struct law_trace *trace);
/* Of a report, the objects that both have. To be freed. */
char *law_core_part(const char *report);

/* The results topic that the trace comes to: what was written behind each interval, the last time
 * when the session was over; cuts.count + 2 times. */
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

/* Behind interval i, whose turn i modulo `turns` is, of what is alive, is told again; 0: never. */
void law_log_make(struct law_log *log, const struct law_trace *trace, struct law_cuts cuts,
                  unsigned turns);
void law_log_clear(struct law_log *log);
/* A fold's report as JSON Lines, to be freed. */
struct fold;
char *law_fold_report(const struct fold *fold);

/* What a pool makes of the trace whose last piece is the session's end: its records come from many
 * attempts, in any order; its reducer is killed and restored from its state at random, and reads
 * on from the offset that it had committed. JSON Lines, to be freed. */
char *law_pool_report(const struct law_trace *trace, struct law_cuts cuts, uint64_t seed);

/* xorshift64*: the same numbers everywhere. */
uint64_t law_random(uint64_t *state);
/* `count` ascending instants among the trace's events, all at which definitions change among them. */
void law_random_cuts(const struct law_trace *trace, uint64_t *state, uint64_t *at, size_t count);
/* The first line that differs, into `room`; false if none does. */
bool law_difference(const char *expected, const char *found, char *room, size_t size);

#endif
