/* core/counts.h -- counts of events that users define, and sums of spans, in both modes; for the files of
 * the core.
 *
 * An event is counted as things are before it: in the phase and the call that its thread is in when it
 * comes. Sums are by the life; they go to the row with its lines, as its name holds until it is retired. */
#ifndef CORE_COUNTS_H
#define CORE_COUNTS_H

#include "core/state.h"

/* What is counted together. */
struct count_key {
    uint32_t definition; /* its place in the set */
    uint8_t whose;       /* enum count_whose */
    struct life *life;   /* COUNT_OF_LIFE, if the definition asks for its thread or process */
    uint64_t epoch;      /* mapping: of the life's lines */
    int32_t cpu;         /* -1: of no CPU, or not asked for */
    uint32_t phase;      /* label; joining, a path */
    /* Mapping: of a call that only the past knows; joining: its name among paths. */
    uint32_t call_label;
    const struct syscall *call; /* mapping */
    /* Joining, in place of a life that may be over for long: what results tell of it. */
    uint64_t thread;
    int32_t tid, pid;
    bool no_place; /* joining: neither phase nor call are known */
    struct field_value *values;
    size_t value_count;
};

/* What the event is counted under, by the definition at that place; its values, up to COUNT_BY_MAX, go to
 * `values`, and their texts are the event's. */
struct count_key counts_key(struct core *core, const struct event *event, struct life *life,
                            bool idle, uint32_t at, struct field_value *values);
/* Whether it matters to the definition whose an event is. */
bool counts_asks_whose(const struct count_definition *definition);
/* What is counted under the key, to be added to. */
struct count_cell *counts_cell(struct core *core, const struct count_key *key);
/* A key as a row tells it, without what is counted; into the row's arena. */
struct count_line counts_line(struct core *core, const struct count_key *key);
/* The contrary; it borrows the line's values. False: nobody is named as it says. */
bool counts_read_line(struct core *core, const struct count_line *line, struct count_key *key);
/* A value of one form for each number, and of a text no more than is kept. */
struct field_value counts_value(const struct event *event, const char *field);

/* Of an event of nobody, whether it is the idle thread's. */
bool counts_is_idle(const struct cpu *cpu, const struct event *event);
void counts_add(struct core *core, const struct event *event, struct life *life, bool idle);
/* `life` NULL: the event is nobody's, or (`idle`) the idle thread's. */
static inline void counts_take(struct core *core, const struct event *event, struct life *life,
                               bool idle)
{
    if (event_class_is_counted(event->class))
        counts_add(core, event, life, idle);
}
/* Mapping: the sums of a life go to the row, before its name may be another's; all sums. */
void counts_write_of(struct core *core, struct life *life);
void counts_write(struct core *core);
/* Joining: all sums are told. */
void counts_tell(struct core *core);
/* False: nobody is named as it says. */
bool join_count(struct core *core, const struct count_line *line);
void counts_free(struct counts *counts);

#endif
