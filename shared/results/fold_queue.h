/* results/fold_queue.h -- results on their way to a fold.
 *
 * It hands them on many at a time and in order, so that a join and what a report does with its
 * results are measured separately: a clock costs more than most results. */
#ifndef RESULTS_FOLD_QUEUE_H
#define RESULTS_FOLD_QUEUE_H

#include "results/fold.h"

struct fold_queue;

/* The fold is borrowed. */
struct fold_queue *fold_queue_new(struct fold *fold);
void fold_queue_free(struct fold_queue *queue); /* NULL is fine; what is in it is dropped */

/* As fold_take(), fold_take_waits(), and fold_take_passed(). Of a result that lasts, only what does not last is copied;
 * the fold has all up to an interval's mark when the call returns. */
void fold_queue_take(struct fold_queue *queue, const struct result *result);
void fold_queue_take_waits(struct fold_queue *queue, const struct waits_result *waits);
void fold_queue_take_passed(struct fold_queue *queue, const struct passed_result *passed);
/* The fold takes all that is in the queue. */
void fold_queue_flush(struct fold_queue *queue);
/* CPU seconds of folding so far. */
double fold_queue_cpu_s(const struct fold_queue *queue);

#endif
