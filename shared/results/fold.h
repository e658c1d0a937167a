/* results/fold.h -- folds the results log of one session to the rows of a report. */
#ifndef RESULTS_FOLD_H
#define RESULTS_FOLD_H

#include "results/report.h"
#include "results/result.h"

struct fold;

/* `session` is the session's id, host/name/creation time; copied. */
struct fold *fold_new(struct text session);
void fold_free(struct fold *fold); /* NULL is fine */
/* Before it takes anything: its memory comes from the store, which outlives it. */
void fold_recycle(struct fold *fold, struct arena_store *store);

/* Takes the next record of the log. Reading may start anywhere: the entities of cells are then
 * unknown until they are published again. */
void fold_take(struct fold *fold, const struct result *result);
void fold_take_waits(struct fold *fold, const struct waits_result *waits);

/* Takes a thread or a process of the time before the window (others are ignored): waits of its
 * events are named after it. It gets rows when fold_take() takes it, too. */
void fold_take_earlier(struct fold *fold, const struct result *result);

/* Live entities are published again within this number of chunks. */
enum { FOLD_ROUND = 32 };
/* Limit of the rows of a count, not counting processes: events of further values are summed as
 * others. */
enum { FOLD_COUNT_KEYS = 10000 };

/* Sets the chunk whose join made the following results. */
void fold_set_chunk(struct fold *fold, uint64_t chunk);
/* Drops threads, descriptors, and processes that were not published for two rounds: they have
 * ended. Sums by process, phase, and call are kept, and those by file, except for a call that began
 * that long ago and still ends. For long-running readers of a log, after the last record of a
 * chunk. */
void fold_forget(struct fold *fold);

/* Takes ended descriptors in encoded form: call fold_settle() before a report, and before
 * fold_forget(). */
void fold_take_passed(struct fold *fold, const struct passed_result *passed);
void fold_settle(struct fold *fold);

/* Fills `*out`, whose arrays are in `arena`; names belong to the fold, and are valid until it takes
 * more. */
void fold_report(const struct fold *fold, struct arena *arena, struct session_report *out);
/* The same; `jobs` above 1: several tables in parallel, in its own threads. */
void fold_report_by(const struct fold *fold, struct arena *arena, unsigned jobs,
                    struct session_report *out);

#endif
