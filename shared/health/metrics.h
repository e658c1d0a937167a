/* health/metrics.h -- metrics of a process, in the text format of Prometheus (0.0.4).
 *
 * A program defines its metrics as a table of rows, and refers to them by index:
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
 * All series exist from the start, with 0. Any thread may update and read them. */
#ifndef HEALTH_METRICS_H
#define HEALTH_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

/* The unit of the program's values; bytes have METRIC_ONE. All other units are shown in seconds.
 * METRIC_SINCE_MS is a time of CLOCK_MONOTONIC, shown as the time that has passed since then; 0:
 * none, shown as 0. */
enum metric_unit { METRIC_ONE, METRIC_NS, METRIC_MS, METRIC_SINCE_MS };

struct metric_row {
    enum metric_type type;
    const char *name; /* with its unit: ..._seconds, ..._bytes; counters end with _total */
    const char *help;
    enum metric_unit unit;
    const char *label; /* NULL: one series */
    const char *words; /* the values of the label, separated by spaces: "mapped parked" */
    bool per_thread;   /* instead of a label: `thread`, from 0 on */
    /* Of histograms: powers of two, the upper bounds of the first bucket and of the last but one
     * (the last has none). In the unit of the program. */
    uint64_t least, most;
};

struct metrics;

/* `rows` are borrowed; label values and `threads` are numbered from 0. */
struct metrics *metrics_new(const struct metric_row *rows, size_t count, unsigned threads);
void metrics_free(struct metrics *metrics); /* NULL is fine */

/* `word` is the number of the label value, 0 without a label. */
void metrics_add(struct metrics *metrics, size_t row, size_t word, uint64_t more);
void metrics_set(struct metrics *metrics, size_t row, size_t word, int64_t value);
void metrics_observe(struct metrics *metrics, size_t row, size_t word, uint64_t value);
/* The value of a counter or gauge, the number of values of a histogram: for tests and log lines. */
int64_t metrics_value(const struct metrics *metrics, size_t row, size_t word);

/* For values that are computed on demand: `refresh` is called in the reading thread before the
 * metrics are written, until metrics_refresh_end(); once that has returned, it does not run. */
void metrics_refresh(struct metrics *metrics, void (*refresh)(void *context), void *context);
void metrics_refresh_end(struct metrics *metrics, void *context);

/* All metrics, and those of the process itself (memory, CPU time, open files, version). */
void metrics_write(struct metrics *metrics, FILE *out);

#endif
