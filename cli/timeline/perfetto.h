/* cli/timeline/perfetto.h -- a trace file for ui.perfetto.dev and its trace processor: a sequence
 * of TracePackets. It uses a part of the published format: tracks with slices, instants and
 * counters, and the kernel's switches, wakeups and interrupts as ftrace events.
 *
 * Times are nanoseconds since the Unix epoch. Packets may be in any time order; those of one track
 * with equal times are read in the order in which they were written. */
#ifndef CLI_TIMELINE_PERFETTO_H
#define CLI_TIMELINE_PERFETTO_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/bytes.h"
#include "cli/story/line.h"

/* Empty if all zero except `out`. free(packets.at). */
struct perfetto {
    FILE *out;
    struct line packets; /* buffered */
    uint64_t last_track;
    bool is_broken; /* the output */
};

/* An annotation of a slice or an instant. */
struct perfetto_note {
    const char *name;
    struct text text;
    int64_t number;   /* if text.at is NULL */
    bool is_unsigned; /* `number` has the bits of a uint64_t */
};
struct perfetto_notes {
    const struct perfetto_note *at;
    size_t count;
};

/* Declares that times are Unix time; call it first. */
void perfetto_clock(struct perfetto *file, int64_t at_ns);
/* Writes the buffer; false if not all could be written. */
bool perfetto_flush(struct perfetto *file);

/* Tracks; each returns its id. `parent` 0: none. */
uint64_t perfetto_process(struct perfetto *file, int64_t pid, const char *name);
uint64_t perfetto_thread(struct perfetto *file, int64_t pid, int32_t tid, const char *name);
uint64_t perfetto_track(struct perfetto *file, uint64_t parent, const char *name);
uint64_t perfetto_counter(struct perfetto *file, const char *name);

/* Slices of one track nest; an end belongs to the last begun. */
void perfetto_begin(struct perfetto *file, uint64_t track, int64_t at_ns, const char *category,
                    struct text name, struct perfetto_notes notes);
void perfetto_end(struct perfetto *file, uint64_t track, int64_t at_ns,
                  struct perfetto_notes notes);
void perfetto_instant(struct perfetto *file, uint64_t track, int64_t at_ns, const char *category,
                      struct text name, struct perfetto_notes notes);
void perfetto_count(struct perfetto *file, uint64_t track, int64_t at_ns, int64_t value);

struct perfetto_task {
    int32_t tid; /* 0: the idle thread */
    struct text comm;
};
/* `prev_state` as the kernel's TASK_REPORT: 0 runnable, 1 interruptible sleep, 2
 * uninterruptible. */
void perfetto_switch(struct perfetto *file, int32_t cpu, int64_t at_ns, struct perfetto_task prev,
                     int64_t prev_state, struct perfetto_task next);
/* The context of a wakeup: `waker`, or an interrupt of it. */
enum perfetto_context { BY_THREAD, BY_IRQ, BY_SOFTIRQ };
void perfetto_waking(struct perfetto *file, int32_t cpu, int64_t at_ns, int32_t waker,
                     enum perfetto_context context, struct perfetto_task woken);
enum perfetto_irq { IRQ_ENTRY, IRQ_EXIT, SOFTIRQ_ENTRY, SOFTIRQ_EXIT };
void perfetto_interrupt(struct perfetto *file, int32_t cpu, int64_t at_ns, enum perfetto_irq what,
                        int64_t number, struct text name);

#endif
