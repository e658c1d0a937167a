#include "cli/render/report_longest.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

typedef uint64_t weight_of_row(const void *row);

static uint64_t process_weight(const void *row)
{
    return ((const struct process_row *)row)->cpu_ns;
}

static uint64_t thread_weight(const void *row)
{
    return ((const struct thread_row *)row)->cpu_ns;
}

static uint64_t syscall_weight(const void *row)
{
    return ((const struct syscall_row *)row)->complete.total_ns;
}

static uint64_t phase_weight(const void *row)
{
    return ((const struct phase_row *)row)->complete.total_ns;
}

static uint64_t instance_weight(const void *row)
{
    return ((const struct instance_row *)row)->total_ns;
}

static uint64_t file_weight(const void *row)
{
    return ((const struct file_row *)row)->calls.total_ns;
}

static uint64_t count_weight(const void *row)
{
    return ((const struct count_row *)row)->cell.count;
}

static uint64_t wait_weight(const void *row)
{
    return ((const struct wait_row *)row)->cell.total_ns;
}

static uint64_t sched_weight(const void *row)
{
    return ((const struct sched_row *)row)->latency.total_ns;
}

static int larger_first(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left < right) - (left > right);
}

/* A copy of the rows with the greatest weight; of equal ones, the first. */
static void *heaviest(const void *rows, size_t *count, size_t size, weight_of_row *weight,
                      size_t most, size_t *left_out)
{
    const uint8_t *at = rows;
    size_t there = *count, kept = 0;
    *left_out = there > most ? there - most : 0;
    uint8_t *out = memory_buffer((there < most ? there : most) * size);
    if (there <= most) {
        if (there > 0)
            memcpy(out, rows, there * size);
        return out;
    }
    uint64_t *weights = memory_buffer(there * sizeof *weights);
    for (size_t i = 0; i < there; i++)
        weights[i] = weight(at + i * size);
    qsort(weights, there, sizeof *weights, larger_first);
    uint64_t least = weights[most - 1];
    size_t equal = most; /* number of rows kept with the least weight */
    for (size_t i = 0; i < most; i++)
        equal -= weights[i] > least;
    free(weights);
    for (size_t i = 0; i < there; i++) {
        uint64_t of_row = weight(at + i * size);
        if (of_row < least || (of_row == least && equal == 0))
            continue;
        equal -= of_row == least;
        memcpy(out + kept++ * size, at + i * size, size);
    }
    *count = kept;
    return out;
}

/* A table in struct session_report and struct report_left_out. */
#define LONGEST(session, rows, count, weight, most, left_out)                                      \
    (session)->rows = heaviest((session)->rows, &(session)->count, sizeof *(session)->rows,        \
                               weight, most, &(left_out)->rows)

struct session_report session_longest(const struct session_report *session, size_t most,
                                      struct report_left_out *left_out)
{
    struct session_report longest = *session;
    *left_out = (struct report_left_out){.fds = session->fd_count};
    longest.fds = NULL;
    longest.fd_count = 0;
    LONGEST(&longest, processes, process_count, process_weight, most, left_out);
    LONGEST(&longest, threads, thread_count, thread_weight, most, left_out);
    LONGEST(&longest, syscalls, syscall_count, syscall_weight, most, left_out);
    LONGEST(&longest, phases, phase_count, phase_weight, most, left_out);
    LONGEST(&longest, instances, instance_count, instance_weight, most, left_out);
    LONGEST(&longest, files, file_count, file_weight, most, left_out);
    LONGEST(&longest, counts, count_count, count_weight, most, left_out);
    LONGEST(&longest, spans, span_count, count_weight, most, left_out);
    LONGEST(&longest, scheds, sched_count, sched_weight, most, left_out);
    LONGEST(&longest, wakers, waker_count, wait_weight, most, left_out);
    LONGEST(&longest, ran_instead, ran_instead_count, wait_weight, most, left_out);
    return longest;
}

void session_longest_free(struct session_report *longest)
{
    free(longest->processes);
    free(longest->threads);
    free(longest->syscalls);
    free(longest->phases);
    free(longest->instances);
    free(longest->files);
    free(longest->counts);
    free(longest->spans);
    free(longest->scheds);
    free(longest->wakers);
    free(longest->ran_instead);
}
