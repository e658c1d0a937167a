/* health/metrics.h -- numbers about a process, in the text format of Prometheus (0.0.4).
 *
 * A program tells its metrics as a table of rows, and speaks of them by index:
 *
 *     enum { METRIC_CHUNKS, METRIC_MAP_TIME, METRIC_LAG, METRIC_COUNT };
 *     static const struct metric_row rows[METRIC_COUNT] = {
 *         [METRIC_CHUNKS] = {METRIC_COUNTER, "spanmill_mapper_chunks_total", "chunks taken up",
 *                            .label = "outcome", .words = "mapped parked"},
 *         [METRIC_MAP_TIME] = {METRIC_HISTOGRAM, "spanmill_mapper_map_seconds", "time to map one",
 *                              .unit = METRIC_NS, .least = 1 << 20, .most = 1ull << 37},
 *         [METRIC_LAG] = {METRIC_GAUGE, "spanmill_mapper_lag_records", "records behind the end"}};
 *
 *     metrics_add(metrics, METRIC_CHUNKS, MAPPED, 1);
 *     metrics_observe(metrics, METRIC_MAP_TIME, 0, ns);
 *
 * All series are there from the start, with 0. Any thread may update, and any may read. */
#ifndef HEALTH_METRICS_H
#define HEALTH_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

/* What the numbers of the program are; bytes are as they are. All but the first are shown in
 * seconds. METRIC_SINCE_MS is a moment of CLOCK_MONOTONIC, of which the time that went by since then
 * is shown; 0 is none, and shown as 0. */
enum metric_unit { METRIC_ONE, METRIC_NS, METRIC_MS, METRIC_SINCE_MS };

struct metric_row {
    enum metric_type type;
    const char *name; /* with its unit: ..._seconds, ..._bytes; counters end with _total */
    const char *help;
    enum metric_unit unit;
    const char *label; /* NULL: one series */
    const char *words; /* the values of the label, with spaces between: "mapped parked" */
    bool per_thread;   /* in place of a label: `thread`, from 0 on */
    /* Of histograms: powers of two, the upper ends of the first bucket and of the last but one
     * (the last has none). In the program's unit. */
    uint64_t least, most;
};

struct metrics;

/* `rows` are borrowed; words of labels are numbered from 0, and so are the `threads`. */
struct metrics *metrics_new(const struct metric_row *rows, size_t count, unsigned threads);
void metrics_free(struct metrics *metrics); /* NULL is fine */

/* `word` is the number of the label's value, 0 where there is no label. */
void metrics_add(struct metrics *metrics, size_t row, size_t word, uint64_t more);
void metrics_set(struct metrics *metrics, size_t row, size_t word, int64_t value);
void metrics_observe(struct metrics *metrics, size_t row, size_t word, uint64_t value);
/* The number of a counter or a gauge, how many values of a histogram: for tests and log lines. */
int64_t metrics_value(const struct metrics *metrics, size_t row, size_t word);

/* What is only known when it is asked for: `refresh` is called, in the thread of whoever reads the
 * metrics, before they are written, until metrics_refresh_end(): when that returns, it does not run
 * any more. */
void metrics_refresh(struct metrics *metrics, void (*refresh)(void *context), void *context);
void metrics_refresh_end(struct metrics *metrics, void *context);

/* All of them, and those of the process itself (memory, CPU time, open files, version). */
void metrics_write(struct metrics *metrics, FILE *out);

#endif
