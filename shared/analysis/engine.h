/* analysis/engine.h -- the engine that runs analyses: it knows none of them.
 *
 * An analysis is written once, as if all of the past were known (analysis/analyses.h). Its rule for an
 * event has two halves: find() names all atoms that the event may touch, apply() gets these and
 * nothing else. So apply() cannot touch what find() did not name, and it never asks what is known:
 * that is the engine's matter.
 *
 * Joining, all is known. Mapping, the REGs of an atom are not known until an event of the interval
 * defines them. If all that was found is known, the event is applied, and what comes of it is sent as
 * one record: REGs and SUMs. Else the sums of what was found are sent, then the event as it was,
 * and of these atoms nothing is known but what the event itself defines. Whoever knows the past
 * takes records and events in their order and comes to the same. */
#ifndef ANALYSIS_ENGINE_H
#define ANALYSIS_ENGINE_H

#include "analysis/analyses.h"
#include "analysis/atom.h"
#include "base/bytes.h"
#include "base/failure.h"
#include "base/keep_sink.h"
#include "trace/event.h"

struct engine;

/* --- joining --- */

/* `analyses` is borrowed until engine_free(). */
struct engine *engine_new(const struct analyses *analyses);
void engine_free(struct engine *engine); /* NULL is fine */

/* The next record of the row, one that engine_check() accepts. */
void engine_join(struct engine *engine, struct bytes record);

/* OK, or as atom_read(): of records of the row or of state. */
MUST_CHECK enum status engine_check(const struct analyses *analyses, struct bytes record,
                                    struct failure *why);

/* Nothing is known of `cpu` from here on: events of it were lost. */
void engine_lose_cpu(struct engine *engine, int32_t cpu);
/* Of no CPU any more: an interval is missing, or the session is over. */
void engine_lose_all(struct engine *engine);

/* Begins whose end would come too late from `now_ns` on are over. */
void engine_forget(struct engine *engine, uint64_t now_ns);

/* Gives `take` all atoms whose kind has a view and that have added up something, then clears their
 * sums, and forgets atoms that say nothing. */
void engine_tell(struct engine *engine, void (*take)(void *context, const struct atom *atom),
                 void *context);

/* What the atoms remember, as records under keys that begin with ENGINE_KEY, for engine_restore()
 * in any order. Nothing of sums: engine_tell() first. */
#define ENGINE_KEY "analysis/"
void engine_save(struct engine *engine, const struct keep_sink *sink);
/* Takes one such record; OK, or as atom_read(). */
MUST_CHECK enum status engine_restore(struct engine *engine, struct bytes record,
                                      struct failure *why);

/* --- mapping --- */

/* Takes each record of the row as it is sent; borrowed for the call. */
struct engine_sink {
    void (*take)(void *context, struct bytes record);
    void *context;
};

/* `all_single`: every event is sent as it was; what sums are tested against. */
struct engine *engine_new_mapping(const struct analyses *analyses, struct engine_sink sink,
                                  bool all_single);

/* Takes an event whose class has rows. Losses come as engine_lose_cpu() does, in front of what tells
 * the join of them. */
void engine_map(struct engine *engine, const struct event *event);
/* The row's end: sends what is not sent yet. */
void engine_finish(struct engine *engine);
/* Events that were sent as they were. */
uint64_t engine_single_events(const struct engine *engine);

#endif
