/* results/fold.h -- the results log of one session, folded into the rows of a report. */
#ifndef RESULTS_FOLD_H
#define RESULTS_FOLD_H

#include "results/report.h"
#include "results/result.h"

struct fold;

/* `session` is the session's id, host/name/creation time; copied. */
struct fold *fold_new(struct text session);
void fold_free(struct fold *fold); /* NULL is fine */

/* Takes the next record of the log. */
void fold_take(struct fold *fold, const struct result *result);

/* Fills `*out`, whose arrays live in `arena`; names and histograms are the fold's own, good as long
 * as it takes nothing more. `distributions`: also histograms and
 * file rows, which the contract's JSON does without. */
void fold_report(const struct fold *fold, struct arena *arena, bool distributions,
                 struct session_report *out);

#endif
