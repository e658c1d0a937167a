/* analysis/engine.h -- the engine that runs analyses, without knowledge of any of them.
 *
 * An analysis is written once, as if all earlier state were known (analysis/analyses.h). Its rule
 * for an event has two halves: find() returns all atoms that the event may touch, apply() gets only
 * these. So apply() cannot touch what find() did not return, and never has to check what is known:
 * the engine does.
 *
 * When joining, everything is known. When mapping, the REGs of an atom are unknown until an event
 * of the interval defines them. If all found atoms are known, the event is applied, and its effects
 * are sent as one record: REGs and SUMs. Otherwise, the sums of the found atoms are sent, then the
 * unchanged event; afterwards only the REGs of these atoms that the event itself defines are known.
 * The join applies records and events in their order and gets the same result. */
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

/* The next record of the row, which engine_check() has accepted. */
void engine_join(struct engine *engine, struct bytes record);

/* Checks a record of a row or of state; OK, or as atom_read(). */
MUST_CHECK enum status engine_check(const struct analyses *analyses, struct bytes record,
                                    struct failure *why);

/* The state of `cpu` is unknown from here on: events of it were lost. */
void engine_lose_cpu(struct engine *engine, int32_t cpu);
/* The same for all CPUs: an interval is missing, or the session is over. */
void engine_lose_all(struct engine *engine);

/* Drops begins whose end would come too late from `now_ns` on. */
void engine_forget(struct engine *engine, uint64_t now_ns);

/* Passes all atoms that have sums and whose kind has a view to `take`, then clears their sums and
 * drops empty atoms. */
void engine_emit(struct engine *engine, void (*take)(void *context, const struct atom *atom),
                 void *context);

/* Saves the REGs of atoms, as records under keys that begin with ENGINE_KEY, for engine_restore()
 * in any order. Sums are not saved: call engine_emit() first. */
#define ENGINE_KEY "analysis/"
void engine_save(struct engine *engine, const struct keep_sink *sink);
/* Restores one such record; OK, or as atom_read(). */
MUST_CHECK enum status engine_restore(struct engine *engine, struct bytes record,
                                      struct failure *why);

/* --- mapping --- */

/* Takes each record of the row when it is sent; borrowed for the call. */
struct engine_sink {
    void (*take)(void *context, struct bytes record);
    void *context;
};

/* `all_single`: every event is sent unchanged, as a reference for tests of the sums. */
struct engine *engine_new_mapping(const struct analyses *analyses, struct engine_sink sink,
                                  bool all_single);

/* Takes an event whose class has rows. Call engine_lose_cpu() for a loss before the record that
 * reports it to the join. */
void engine_map(struct engine *engine, const struct event *event);
/* The end of the row: sends all unsent data. */
void engine_finish(struct engine *engine);
/* The number of events that were sent unchanged. */
uint64_t engine_single_events(const struct engine *engine);

#endif
