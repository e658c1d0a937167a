/* model/model.h -- the kernel as its events tell it, with everything known that was told so far.
 *
 * One automaton per session. It takes the items of the session's intervals in order: events as
 * they were, and pieces, which are what many events would have come to. What settles goes to
 * the sink as results. docs/RESULTS.md says what is counted, docs/DESIGN.md how. */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "results/result.h"
#include "trace/partial.h"
#include "trace/schema.h"

struct model;

/* `schema` made every class and call of the items; borrowed until model_free(). */
struct model *model_new(struct schema *schema, struct result_sink sink);
void model_free(struct model *model); /* NULL is fine */

/* Whether its CPU's current thread must be settled before this event: the first kernel event of
 * a CPU, or the first after a border there. */
bool model_is_unsettled(const struct model *model, const struct event *event);
/* `tid` runs on `cpu` from `first_ns`, its first event there; TID_NOBODY until its next switch. */
void model_settle(struct model *model, int32_t cpu, int32_t tid, uint64_t first_ns);
/* The CPU on which `tid` is thought current, -1 if none. */
int32_t model_cpu_of(const struct model *model, int32_t tid);

/* What the interval that was begun last was mapped with. */
const struct phase_set *model_phases(const struct model *model);

/* The trace's time is `now_ns`, which is that of an event whose CPU is not looked at yet: what is over
 * for long is forgotten, and phases that have timed out end. */
void model_tick(struct model *model, uint64_t now_ns);
/* An event: after a model_tick() of its time. */
void model_item(struct model *model, const struct item *item);

/* An interval opens: in one without a kernel trace nobody is current anywhere, and phases that are
 * open of definitions that it was not mapped with end softly. */
void model_begin(struct model *model, const struct interval_end *interval);
/* An interval that never came: a border on every CPU, and every call and state unknown. */
void model_gap(struct model *model, uint64_t begin_ns, uint64_t end_ns);
/* An interval is done; `interval` becomes a mark in the results. */
/* Tells of a chunk that is not there, or of none: no interval is joined with it. */
void model_note(struct model *model, uint64_t chunk, const struct tallies *tallies,
                struct damages damage);
void model_end(struct model *model, const struct interval_end *interval);
/* The session is over: what is open ends, and all is told. */
void model_finish(struct model *model);

#endif
