#include "health/metrics.h"

#include <assert.h>
#include <dirent.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "spanmill_version.h"

/* One value, or one histogram, of one word of a label. */
struct series {
    char *word;             /* NULL without a label */
    _Atomic int64_t value;  /* of a histogram: the sum */
    _Atomic uint64_t *ends; /* of a histogram: values at or below end i and above end i - 1 */
};

struct family {
    struct series *at;
    size_t count;
    unsigned first, buckets; /* ends are 2^first ... ; the last bucket has none */
};

struct refreshing {
    void (*refresh)(void *context);
    void *context;
};

struct metrics {
    const struct metric_row *rows;
    struct family *families;
    size_t count;
    double begin;         /* s since 1970 */
    pthread_mutex_t lock; /* of what follows, and while it runs */
    struct refreshing *refreshing;
    size_t refreshing_count, refreshing_room;
};

/* The least k with value <= 2^k. */
static unsigned power_above(uint64_t value)
{
    return value < 2 ? 0 : 64u - (unsigned)__builtin_clzll(value - 1);
}

static void add_series(struct family *family, char *word)
{
    struct series *series = &family->at[family->count++];
    series->word = word;
    if (family->buckets)
        series->ends = memory_new(family->buckets * sizeof *series->ends);
}

static void add_words(struct family *family, const char *words)
{
    size_t room = 1;
    for (const char *at = words; *at; at++)
        room += *at == ' ';
    family->at = memory_new(room * sizeof *family->at);
    for (const char *at = words; *at;) {
        size_t length = strcspn(at, " ");
        add_series(family, memory_string((struct text){at, length}));
        at += length + strspn(at + length, " ");
    }
}

static void init_family(struct family *family, const struct metric_row *row, unsigned threads)
{
    if (row->type == METRIC_HISTOGRAM) {
        assert(row->least && row->most >= row->least);
        family->first = power_above(row->least);
        family->buckets = power_above(row->most) - family->first + 2;
    }
    if (row->label) {
        add_words(family, row->words);
        return;
    }
    unsigned count = row->per_thread ? threads : 1;
    family->at = memory_new(count * sizeof *family->at);
    for (unsigned i = 0; i < count; i++)
        add_series(family, row->per_thread ? memory_format("%u", i) : NULL);
}

struct metrics *metrics_new(const struct metric_row *rows, size_t count, unsigned threads)
{
    struct metrics *metrics = memory_new(sizeof *metrics);
    metrics->begin = clock_s(CLOCK_REALTIME);
    metrics->rows = rows;
    metrics->count = count;
    pthread_mutex_init(&metrics->lock, NULL);
    metrics->families = memory_new(count * sizeof *metrics->families);
    for (size_t i = 0; i < count; i++)
        init_family(&metrics->families[i], &rows[i], threads);
    return metrics;
}

void metrics_free(struct metrics *metrics)
{
    if (!metrics)
        return;
    for (size_t i = 0; i < metrics->count; i++) {
        struct family *family = &metrics->families[i];
        for (size_t word = 0; word < family->count; word++) {
            free(family->at[word].word);
            free(family->at[word].ends);
        }
        free(family->at);
    }
    free(metrics->families);
    free(metrics->refreshing);
    pthread_mutex_destroy(&metrics->lock);
    free(metrics);
}

void metrics_refresh(struct metrics *metrics, void (*refresh)(void *context), void *context)
{
    pthread_mutex_lock(&metrics->lock);
    metrics->refreshing = memory_grow(metrics->refreshing, &metrics->refreshing_room,
                                      metrics->refreshing_count + 1, sizeof *metrics->refreshing);
    metrics->refreshing[metrics->refreshing_count++] = (struct refreshing){refresh, context};
    pthread_mutex_unlock(&metrics->lock);
}

void metrics_refresh_end(struct metrics *metrics, void *context)
{
    pthread_mutex_lock(&metrics->lock);
    size_t kept = 0;
    for (size_t i = 0; i < metrics->refreshing_count; i++)
        if (metrics->refreshing[i].context != context)
            metrics->refreshing[kept++] = metrics->refreshing[i];
    metrics->refreshing_count = kept;
    pthread_mutex_unlock(&metrics->lock);
}

static void refresh_all(struct metrics *metrics)
{
    pthread_mutex_lock(&metrics->lock);
    for (size_t i = 0; i < metrics->refreshing_count; i++)
        metrics->refreshing[i].refresh(metrics->refreshing[i].context);
    pthread_mutex_unlock(&metrics->lock);
}

static struct series *series_of(const struct metrics *metrics, size_t row, size_t word)
{
    assert(row < metrics->count && word < metrics->families[row].count);
    return &metrics->families[row].at[word];
}

/* Nothing is read after a number because of that number: no order is needed. */

void metrics_add(struct metrics *metrics, size_t row, size_t word, uint64_t more)
{
    atomic_fetch_add_explicit(&series_of(metrics, row, word)->value, (int64_t)more,
                              memory_order_relaxed);
}

void metrics_set(struct metrics *metrics, size_t row, size_t word, int64_t value)
{
    assert(metrics->rows[row].type == METRIC_GAUGE);
    atomic_store_explicit(&series_of(metrics, row, word)->value, value, memory_order_relaxed);
}

void metrics_observe(struct metrics *metrics, size_t row, size_t word, uint64_t value)
{
    assert(metrics->rows[row].type == METRIC_HISTOGRAM);
    struct series *series = series_of(metrics, row, word);
    const struct family *family = &metrics->families[row];
    unsigned power = power_above(value);
    unsigned bucket = power <= family->first ? 0 : power - family->first;
    if (bucket >= family->buckets)
        bucket = family->buckets - 1;
    atomic_fetch_add_explicit(&series->ends[bucket], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&series->value, (int64_t)value, memory_order_relaxed);
}

static int64_t load(const struct series *series)
{
    return atomic_load_explicit(&series->value, memory_order_relaxed);
}

int64_t metrics_value(const struct metrics *metrics, size_t row, size_t word)
{
    const struct series *series = series_of(metrics, row, word);
    if (!series->ends)
        return load(series);
    uint64_t count = 0;
    for (unsigned i = 0; i < metrics->families[row].buckets; i++)
        count += atomic_load_explicit(&series->ends[i], memory_order_relaxed);
    return (int64_t)count;
}

/* ---- the text ---- */

static const char *const type_names[] = {"counter", "gauge", "histogram"};

static void put_head(FILE *out, const char *name, enum metric_type type, const char *help)
{
    fprintf(out, "# HELP %s ", name);
    for (; *help; help++) {
        if (*help == '\\' || *help == '\n')
            fprintf(out, "\\%c", *help == '\n' ? 'n' : '\\');
        else
            fputc(*help, out);
    }
    fprintf(out, "\n# TYPE %s %s\n", name, type_names[type]);
}

/* In the unit that is shown. */
static void put_number(FILE *out, enum metric_unit unit, double number)
{
    switch (unit) {
    case METRIC_ONE: break;
    case METRIC_NS: number /= 1e9; break;
    case METRIC_MS: number /= 1e3; break;
    case METRIC_SINCE_MS:
        number = number > 0 && (double)clock_ms(CLOCK_MONOTONIC) > number
                     ? ((double)clock_ms(CLOCK_MONOTONIC) - number) / 1e3
                     : 0;
        break;
    }
    fprintf(out, "%.15g", number);
}

/* `label="word"`, or nothing; true if it was something. */
static bool put_label(FILE *out, const struct metric_row *row, const struct series *series)
{
    if (series->word)
        fprintf(out, "%s=\"%s\"", row->per_thread ? "thread" : row->label, series->word);
    return series->word != NULL;
}

/* `name{label="word"} number`. */
static void put_sample(FILE *out, const struct metric_row *row, const char *suffix,
                       const struct series *series, enum metric_unit unit, double number)
{
    fprintf(out, "%s%s", row->name, suffix);
    if (series->word) {
        fputc('{', out);
        put_label(out, row, series);
        fputc('}', out);
    }
    fputc(' ', out);
    put_number(out, unit, number);
    fputc('\n', out);
}

static void put_histogram(FILE *out, const struct metric_row *row, const struct family *family,
                          const struct series *series)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < family->buckets; i++) {
        sum += atomic_load_explicit(&series->ends[i], memory_order_relaxed);
        fprintf(out, "%s_bucket{", row->name);
        fputs(put_label(out, row, series) ? ",le=\"" : "le=\"", out);
        if (i + 1 < family->buckets)
            put_number(out, row->unit, (double)(UINT64_C(1) << (family->first + i)));
        else
            fputs("+Inf", out);
        fprintf(out, "\"} %" PRIu64 "\n", sum);
    }
    put_sample(out, row, "_sum", series, row->unit, (double)load(series));
    put_sample(out, row, "_count", series, METRIC_ONE, (double)sum);
}

static void put_one(FILE *out, const char *name, enum metric_type type, const char *help,
                    double value)
{
    put_head(out, name, type, help);
    fprintf(out, "%s %.15g\n", name, value);
}

static double open_files(void)
{
    DIR *folder = opendir("/proc/self/fd");
    if (!folder)
        return 0;
    double count = -3; /* . and .., and the folder itself */
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

static double resident_bytes(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    if (!file)
        return 0;
    unsigned long pages = 0;
    if (fscanf(file, "%*u %lu", &pages) != 1)
        pages = 0;
    fclose(file);
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

/* Under the names that Prometheus' own client libraries give them. */
static void put_process(const struct metrics *metrics, FILE *out)
{
    put_one(out, "process_cpu_seconds_total", METRIC_COUNTER, "User and system CPU time.",
            clock_s(CLOCK_PROCESS_CPUTIME_ID));
    put_one(out, "process_resident_memory_bytes", METRIC_GAUGE, "memory in RAM", resident_bytes());
    put_one(out, "process_open_fds", METRIC_GAUGE, "open descriptors", open_files());
    put_one(out, "process_start_time_seconds", METRIC_GAUGE, "begin, since 1970", metrics->begin);
    put_head(out, "spanmill_build_info", METRIC_GAUGE, "1, with the version");
    fprintf(out, "spanmill_build_info{version=\"%s\"} 1\n", SPANMILL_VERSION);
}

void metrics_write(struct metrics *metrics, FILE *out)
{
    refresh_all(metrics);
    for (size_t i = 0; i < metrics->count; i++) {
        const struct metric_row *row = &metrics->rows[i];
        const struct family *family = &metrics->families[i];
        put_head(out, row->name, row->type, row->help);
        for (size_t word = 0; word < family->count; word++) {
            const struct series *series = &family->at[word];
            if (row->type == METRIC_HISTOGRAM)
                put_histogram(out, row, family, series);
            else
                put_sample(out, row, "", series, row->unit, (double)load(series));
        }
    }
    put_process(metrics, out);
}
