#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "health/metrics.h"

enum { CHUNKS, LAG, BEHIND, MAP_TIME, SIZE, ROW_COUNT };
enum { MAPPED, PARKED };

static const struct metric_row rows[ROW_COUNT] = {
    [CHUNKS] = {METRIC_COUNTER, "spanmill_test_chunks_total", "chunks, \\ and\nmore",
                .label = "outcome", .words = "mapped parked"},
    [LAG] = {METRIC_GAUGE, "spanmill_test_lag_records", "records behind"},
    [BEHIND] = {METRIC_GAUGE, "spanmill_test_behind_seconds", "behind the hosts", METRIC_MS},
    [MAP_TIME] = {METRIC_HISTOGRAM, "spanmill_test_map_seconds", "time of one", METRIC_NS,
                  .label = "outcome", .words = "mapped parked", .least = 1 << 20,
                  .most = 1ull << 22},
    [SIZE] = {METRIC_HISTOGRAM, "spanmill_test_size_bytes", "size", .least = 1, .most = 4},
};

/* The output of metrics_write(); the caller frees it. */
static char *written(struct metrics *metrics)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    metrics_write(metrics, out);
    fclose(out);
    return text;
}

static void expect_lines(const char *text, const char *lines)
{
    cr_expect(strstr(text, lines) != NULL, "%s\nis not in\n%s", lines, text);
}

Test(metrics, all_series_are_there_from_the_start)
{
    struct metrics *metrics = metrics_new(rows, ROW_COUNT, 1);
    char *text = written(metrics);
    expect_lines(text, "# HELP spanmill_test_chunks_total chunks, \\\\ and\\nmore\n"
                       "# TYPE spanmill_test_chunks_total counter\n"
                       "spanmill_test_chunks_total{outcome=\"mapped\"} 0\n"
                       "spanmill_test_chunks_total{outcome=\"parked\"} 0\n");
    expect_lines(text, "# TYPE spanmill_test_lag_records gauge\nspanmill_test_lag_records 0\n");
    expect_lines(text,
                 "spanmill_test_map_seconds_bucket{outcome=\"parked\",le=\"0.001048576\"} 0\n");
    expect_lines(text, "spanmill_build_info{version=\"");
    free(text);
    metrics_free(metrics);
}

Test(metrics, numbers_appear_in_seconds_and_bytes)
{
    struct metrics *metrics = metrics_new(rows, ROW_COUNT, 1);
    metrics_add(metrics, CHUNKS, MAPPED, 2);
    metrics_add(metrics, CHUNKS, MAPPED, 1);
    metrics_add(metrics, CHUNKS, PARKED, 9007199254740993);
    metrics_set(metrics, LAG, 0, -3);
    metrics_set(metrics, BEHIND, 0, 1250);
    cr_expect(eq(i64, metrics_value(metrics, CHUNKS, MAPPED), 3));
    cr_expect(eq(i64, metrics_value(metrics, LAG, 0), -3));
    char *text = written(metrics);
    expect_lines(text, "_total{outcome=\"mapped\"} 3\n");
    expect_lines(text, "spanmill_test_lag_records -3\n");
    expect_lines(text, "spanmill_test_behind_seconds 1.25\n");
    free(text);
    metrics_free(metrics);
}

Test(metrics, buckets_hold_what_is_at_or_below_their_end)
{
    struct metrics *metrics = metrics_new(rows, ROW_COUNT, 1);
    static const uint64_t values[] = {0, 1, 2, 3, 4, 5, 1000};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        metrics_observe(metrics, SIZE, 0, values[i]);
    cr_expect(eq(i64, metrics_value(metrics, SIZE, 0), 7));
    char *text = written(metrics);
    expect_lines(text, "spanmill_test_size_bytes_bucket{le=\"1\"} 2\n"
                       "spanmill_test_size_bytes_bucket{le=\"2\"} 3\n"
                       "spanmill_test_size_bytes_bucket{le=\"4\"} 5\n"
                       "spanmill_test_size_bytes_bucket{le=\"+Inf\"} 7\n"
                       "spanmill_test_size_bytes_sum 1015\n"
                       "spanmill_test_size_bytes_count 7\n");
    free(text);
    metrics_observe(metrics, MAP_TIME, PARKED, 3000000);
    metrics_observe(metrics, MAP_TIME, PARKED, UINT64_C(1) << 22);
    metrics_observe(metrics, MAP_TIME, PARKED, (UINT64_C(1) << 22) + 1);
    text = written(metrics);
    expect_lines(text, "_bucket{outcome=\"parked\",le=\"0.002097152\"} 0\n");
    expect_lines(text, "_bucket{outcome=\"parked\",le=\"0.004194304\"} 2\n");
    expect_lines(text, "_bucket{outcome=\"parked\",le=\"+Inf\"} 3\n");
    expect_lines(text, "_sum{outcome=\"parked\"} 0.011388609\n");
    expect_lines(text, "_count{outcome=\"mapped\"} 0\n");
    free(text);
    metrics_free(metrics);
}

/* The lint of Prometheus' own tool, over names, units, types and the form of the text. */
static int promtool(const char *text)
{
    FILE *tool = popen("promtool check metrics >&2", "w");
    cr_assert(tool != NULL);
    fputs(text, tool);
    return pclose(tool);
}

Test(metrics, prometheus_finds_nothing_to_complain_about)
{
    struct metrics *metrics = metrics_new(rows, ROW_COUNT, 1);
    metrics_observe(metrics, MAP_TIME, MAPPED, 3000000);
    char *text = written(metrics);
    cr_expect(eq(int, promtool(text), 0));
    /* A check of the check: a counter without _total. */
    cr_expect(ne(int, promtool("# HELP a_seconds b\n# TYPE a_seconds counter\na_seconds 1\n"), 0));
    free(text);
    metrics_free(metrics);
}

static void count_up(void *context)
{
    metrics_add(context, CHUNKS, MAPPED, 1);
}

Test(metrics, what_is_only_known_when_asked_for_is_refreshed_whenever_they_are_read)
{
    struct metrics *metrics = metrics_new(rows, ROW_COUNT, 1);
    metrics_refresh(metrics, count_up, metrics);
    for (int i = 1; i <= 2; i++) {
        char *text = written(metrics), wanted[64];
        snprintf(wanted, sizeof wanted, "_total{outcome=\"mapped\"} %d\n", i);
        expect_lines(text, wanted);
        free(text);
    }
    metrics_refresh_end(metrics, metrics);
    free(written(metrics));
    cr_expect(eq(i64, metrics_value(metrics, CHUNKS, MAPPED), 2));
    metrics_free(metrics);
}

Test(metrics, an_age_grows_until_it_is_read_and_threads_have_their_own)
{
    static const struct metric_row own[] = {{METRIC_GAUGE, "spanmill_test_age_seconds", "age",
                                             .unit = METRIC_SINCE_MS, .per_thread = true}};
    struct metrics *metrics = metrics_new(own, 1, 3);
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    metrics_set(metrics, 0, 1, (int64_t)now.tv_sec * 1000 - 5000);
    metrics_set(metrics, 0, 2, (int64_t)now.tv_sec * 1000 + 60000); /* nothing has gone by yet */
    double ages[2];
    for (int i = 0; i < 2; i++) {
        char *text = written(metrics);
        expect_lines(text, "spanmill_test_age_seconds{thread=\"0\"} 0\n");
        expect_lines(text, "spanmill_test_age_seconds{thread=\"2\"} 0\n");
        ages[i] = strtod(strstr(text, "{thread=\"1\"} ") + strlen("{thread=\"1\"} "), NULL);
        free(text);
        nanosleep(&(struct timespec){0, 20000000}, NULL);
    }
    cr_expect(ge(dbl, ages[0], 5));
    cr_expect(lt(dbl, ages[0], 60));
    cr_expect(gt(dbl, ages[1], ages[0]));
    metrics_free(metrics);
}
