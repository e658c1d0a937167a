/* results/fold.h -- the results log of one session, folded into the rows of a report. */
#ifndef RESULTS_FOLD_H
#define RESULTS_FOLD_H

#include "results/report.h"
#include "results/result.h"

struct fold;

/* `session` is the session's id, host/name/creation time; copied. */
struct fold *fold_new(struct text session);
void fold_free(struct fold *fold); /* NULL is fine */

/* Takes the next record of the log. It may be read from anywhere: what cells refer to is unknown
 * until it is told again. */
void fold_take(struct fold *fold, const struct result *result);

/* What is alive is told again within so many chunks. */
enum { FOLD_ROUND = 32 };
/* Rows that a count has, but for processes: what more different values have is among the others. */
enum { FOLD_COUNT_KEYS = 10000 };

/* What is taken from now on came about by joining this chunk. */
void fold_set_chunk(struct fold *fold, uint64_t chunk);
/* Forgets threads, descriptors and processes of which nothing was told for two rounds: they are
 * over. Sums by process, phase and call stay, and those by file, unless a call that began so long
 * ago still ends. For those who follow a log for long, behind the last record of a chunk. */
void fold_forget(struct fold *fold);

/* Takes descriptors that have ended as they are: fold_settle() before a report, or before anything is
 * forgotten. */
void fold_take_passed(struct fold *fold, const struct passed_told *passed);
void fold_settle(struct fold *fold);

/* Fills `*out`, whose arrays live in `arena`; names are the fold's own, good as long as it takes
 * nothing more. */
void fold_report(const struct fold *fold, struct arena *arena, struct session_report *out);
/* The same; `jobs` above 1: several tables at once, by threads of its own. */
void fold_report_by(const struct fold *fold, struct arena *arena, unsigned jobs,
                    struct session_report *out);

#endif
