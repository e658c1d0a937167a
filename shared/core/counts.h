/* core/counts.h -- user-defined counts of events, and sums of spans, in both modes; for the files
 * of the core.
 *
 * An event is counted with the state before it: phase and call of its thread. Sums are per life;
 * they go to the row with its LINEs, because its name is valid until it is retired. */
#ifndef CORE_COUNTS_H
#define CORE_COUNTS_H

#include "core/state.h"

/* The key of a sum. */
struct count_key {
    uint32_t definition; /* its index in the set */
    uint8_t whose;       /* enum count_whose */
    struct life *life;   /* COUNT_OF_LIFE, if the definition uses its thread or process */
    uint64_t epoch;      /* mapping: of the life's lines */
    int32_t cpu;         /* -1: no CPU, or not used */
    uint32_t phase;      /* label; joining: a path */
    /* Mapping: of a call that only the past knows; joining: its name, as an id of core.paths. */
    uint32_t call_label;
    const struct syscall *call; /* mapping */
    /* Joining, instead of a life that may be over: its identity in results. */
    uint64_t thread;
    int32_t tid, pid;
    bool no_place; /* joining: phase and call are unknown */
    struct field_value *values;
    size_t value_count;
};

/* The key of the event in the definition at index `at`; up to COUNT_BY_MAX values go to `values`,
 * and their texts belong to the event. */
struct count_key counts_key(struct core *core, const struct event *event, struct life *life,
                            bool idle, uint32_t at, struct field_value *values);
/* Whether the definition depends on the thread of an event. */
bool counts_asks_whose(const struct count_definition *definition);
/* The sum of the key, to add to. */
struct count_cell *counts_cell(struct core *core, const struct count_key *key);
/* The key as a line of a row, without the sum; in the row's arena. */
struct count_line counts_line(struct core *core, const struct count_key *key);
/* The reverse; it borrows the line's values. False: it refers to an unknown entity. */
bool counts_read_line(struct core *core, const struct count_line *line, struct count_key *key);

/* For an event without a thread: whether it belongs to the idle thread. */
bool counts_is_idle(const struct cpu *cpu, const struct event *event);
void counts_add(struct core *core, const struct event *event, struct life *life, bool idle);
/* `life` NULL: the event has no thread, or (`idle`) belongs to the idle thread. */
static inline void counts_take(struct core *core, const struct event *event, struct life *life,
                               bool idle)
{
    if (event_class_is_counted(event->class))
        counts_add(core, event, life, idle);
}
/* Mapping: writes the sums of a life to the row, before its name becomes invalid; all sums. */
void counts_write_of(struct core *core, struct life *life);
void counts_write(struct core *core);
/* Joining: emits all sums. */
void counts_emit(struct core *core);
/* False: it refers to an unknown entity. */
bool join_count(struct core *core, const struct count_line *line);
void counts_free(struct counts *counts);

#endif
