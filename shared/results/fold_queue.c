#include "results/fold_queue.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/memory.h"

/* So many fit into the processor's cache. */
enum { QUEUED_MAX = 256 };

struct fold_queue {
    struct fold *fold;
    struct arena arena; /* what the results point to, unless it lasts */
    double cpu_s;
    size_t count;
    struct queued {
        enum { QUEUED_RESULT, QUEUED_WAITS, QUEUED_PASSED } what;
        union {
            struct result result;
            struct waits_result waits;
            struct passed_result passed;
        };
    } at[QUEUED_MAX];
};

struct fold_queue *fold_queue_new(struct fold *fold)
{
    struct fold_queue *queue = memory_new(sizeof *queue);
    queue->fold = fold;
    return queue;
}

void fold_queue_free(struct fold_queue *queue)
{
    if (!queue)
        return;
    arena_clear(&queue->arena);
    free(queue);
}

double fold_queue_cpu_s(const struct fold_queue *queue)
{
    return queue->cpu_s;
}

/* --- copies --- */

static struct text copy_text(struct fold_queue *queue, struct text text)
{
    if (text.count > 0)
        text.at = arena_copy(&queue->arena, text.at, text.count);
    return text;
}

static struct time_vector *copy_time(struct arena *arena, const struct time_vector *time)
{
    struct time_vector *copy = arena_copy(arena, time, sizeof *copy);
    if (copy->blocked_count > 0)
        copy->blocked_in =
            arena_copy(arena, time->blocked_in, time->blocked_count * sizeof *time->blocked_in);
    return copy;
}

static const struct call_cell *copy_calls(struct arena *arena, const struct call_cell *calls)
{
    struct call_cell *copy = arena_copy(arena, calls, sizeof *copy);
    copy->complete = durations_copy(arena, &calls->complete);
    if (copy->error_count > 0)
        copy->errors = arena_copy(arena, calls->errors, calls->error_count * sizeof *calls->errors);
    return copy;
}

static const struct use_cell *copy_uses(struct arena *arena, const struct use_cell *uses)
{
    struct use_cell *copy = arena_copy(arena, uses, sizeof *copy);
    copy->calls = durations_copy(arena, &uses->calls);
    return copy;
}

static const struct durations *copy_latency(struct arena *arena, const struct durations *latency)
{
    struct durations copy = durations_copy(arena, latency);
    return arena_copy(arena, &copy, sizeof copy);
}

/* Copies what the result points to; false: it must be taken at once. Its phase and call last. */
static bool make_last(struct fold_queue *queue, struct result *result)
{
    struct arena *arena = &queue->arena;
    if (result->lasts)
        return true;
    switch (result->type) {
    case RESULT_PROCESS:
    case RESULT_FIRST_CALL:
    case RESULT_CPU:
    case RESULT_WAITS: return true;
    case RESULT_THREAD:
        result->thread_fact.name = copy_text(queue, result->thread_fact.name);
        result->thread_fact.program = copy_text(queue, result->thread_fact.program);
        return true;
    case RESULT_DESCRIPTOR:
        result->descriptor_fact.name = copy_text(queue, result->descriptor_fact.name);
        return true;
    case RESULT_CALLS: result->calls = copy_calls(arena, result->calls); return true;
    case RESULT_USES: result->uses = copy_uses(arena, result->uses); return true;
    case RESULT_LATENCY: result->latency = copy_latency(arena, result->latency); return true;
    case RESULT_RUN: result->run.time = copy_time(arena, result->run.time); return true;
    case RESULT_PHASE:
    case RESULT_INSTANCE:
    case RESULT_CELL:
    case RESULT_COUNT:
    case RESULT_INTERVAL: break;
    }
    return false;
}

/* --- input and output --- */

static struct queued *append(struct fold_queue *queue)
{
    if (queue->count == QUEUED_MAX)
        fold_queue_flush(queue);
    return &queue->at[queue->count++];
}

void fold_queue_take(struct fold_queue *queue, const struct result *result)
{
    struct queued *queued = append(queue);
    queued->what = QUEUED_RESULT;
    queued->result = *result;
    if (!make_last(queue, &queued->result))
        fold_queue_flush(queue);
}

void fold_queue_take_waits(struct fold_queue *queue, const struct waits_result *waits)
{
    struct queued *queued = append(queue);
    queued->what = QUEUED_WAITS;
    queued->waits = *waits;
    queued->waits.at = arena_copy(&queue->arena, waits->at, waits->count * sizeof *waits->at);
}

void fold_queue_take_passed(struct fold_queue *queue, const struct passed_result *passed)
{
    struct queued *queued = append(queue);
    queued->what = QUEUED_PASSED;
    queued->passed = *passed;
}

void fold_queue_flush(struct fold_queue *queue)
{
    if (queue->count == 0)
        return;
    double begin_s = clock_s(CLOCK_THREAD_CPUTIME_ID);
    for (size_t i = 0; i < queue->count; i++) {
        const struct queued *queued = &queue->at[i];
        if (queued->what == QUEUED_WAITS)
            fold_take_waits(queue->fold, &queued->waits);
        else if (queued->what == QUEUED_PASSED)
            fold_take_passed(queue->fold, &queued->passed);
        else
            fold_take(queue->fold, &queued->result);
    }
    queue->count = 0;
    arena_reuse(&queue->arena);
    queue->cpu_s += clock_s(CLOCK_THREAD_CPUTIME_ID) - begin_s;
}
