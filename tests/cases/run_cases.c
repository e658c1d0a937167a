/* tests/cases/run_cases.c -- maps every case cut in many ways and compares each report with what
 * the case expects, and with the report of the case uncut.
 *
 *     run_cases [--uncut] [--pairs N] PATH...
 *
 * PATH is a case or a folder of them. --uncut leaves the cuts out. --pairs N: so many cuts in two
 * places per case at the most, evenly chosen, in place of PAIRS_MAX. */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "case_file.h"
#include "case_report.h"
#include "expectation.h"

enum {
    CASE_BYTES_MAX = 1 << 20,
    PAIRS_MAX = 1000,  /* cuts in two places, per case: all pairs of about 45 times */
    RANDOM_SETS = 40,  /* cuts in any number of places */
    FAILURES_SHOWN = 3 /* per case */
};

/* Distinct times at which a case may be cut, ascending. */
struct instants {
    uint64_t *at;
    size_t count, room;
};

struct options {
    bool uncut_only;
    size_t pairs_max; /* cuts in two places, per case; not 0 */
};

struct run {
    const struct case_file *file;
    struct instants instants;
    char *uncut; /* its report */
    size_t cuts_tried, failures;
};

static void add_instant(struct instants *instants, uint64_t at)
{
    if (instants->count && instants->at[instants->count - 1] >= at)
        return;
    instants->at =
        memory_grow(instants->at, &instants->room, instants->count + 1, sizeof *instants->at);
    instants->at[instants->count++] = at;
}

/* Before and after each event, and in the middle between it and the next one. */
static void find_instants(struct run *run)
{
    const struct case_file *file = run->file;
    for (size_t i = 0; i < file->event_count; i++) {
        uint64_t time = file->events[i].time_ns;
        add_instant(&run->instants, time);
        add_instant(&run->instants, time + 1);
        if (i + 1 < file->event_count)
            add_instant(&run->instants, time + (file->events[i + 1].time_ns - time) / 2);
    }
}

/* The part that does not depend on cuts: everything except the number of chunks in the summary. */
static bool same_report(const char *a, const char *b)
{
    const char *field = "\"chunks\":";
    const char *in_a = strstr(a, field), *in_b = strstr(b, field);
    if (!in_a || !in_b || in_a - a != in_b - b || memcmp(a, b, (size_t)(in_a - a)) != 0)
        return strcmp(a, b) == 0;
    in_a += strlen(field);
    in_b += strlen(field);
    return strcmp(in_a + strspn(in_a, " 0123456789"), in_b + strspn(in_b, " 0123456789")) == 0;
}

static void tell_cuts(const uint64_t *cuts, size_t count)
{
    printf("    cut at");
    for (size_t i = 0; i < count; i++)
        printf(" %" PRIu64, cuts[i]);
    printf("\n");
}

/* Shows the first line in which the two differ. */
static void tell_difference(const char *uncut, const char *cut)
{
    size_t line = 0;
    for (size_t i = 0; uncut[i] && uncut[i] == cut[i]; i++)
        if (uncut[i] == '\n')
            line = i + 1;
    printf("    uncut: %.*s\n    cut:   %.*s\n", (int)strcspn(uncut + line, "\n"), uncut + line,
           (int)strcspn(cut + line, "\n"), cut + line);
}

static void try_cuts(struct run *run, const uint64_t *cuts, size_t count)
{
    struct failure why;
    char *report = NULL;
    run->cuts_tried++;
    if (!case_report(run->file, cuts, count, &report, &why)) {
        if (run->failures++ < FAILURES_SHOWN) {
            printf("    %s: %s\n", run->file->name, why.text);
            tell_cuts(cuts, count);
        }
        return;
    }
    bool shown = run->failures < FAILURES_SHOWN;
    char *said = NULL;
    size_t said_count = 0;
    FILE *out = open_memstream(&said, &said_count);
    if (!out)
        abort();
    bool good = expectation_check(run->file, report, out);
    fclose(out);
    bool same = !run->uncut || same_report(run->uncut, report);
    if ((!good || !same) && shown) {
        tell_cuts(cuts, count);
        printf("%s", said);
        if (!same)
            tell_difference(run->uncut, report);
    }
    run->failures += !good || !same;
    free(said);
    if (run->uncut)
        free(report);
    else
        run->uncut = report;
}

static void try_pairs(struct run *run, size_t pairs_max)
{
    const struct instants *instants = &run->instants;
    size_t pairs = instants->count * (instants->count - 1) / 2;
    size_t step = pairs / pairs_max + 1, at = 0;
    for (size_t i = 0; i < instants->count; i++)
        for (size_t j = i + 1; j < instants->count; j++)
            if (at++ % step == 0)
                try_cuts(run, (uint64_t[]){instants->at[i], instants->at[j]}, 2);
}

/* The same sets in each run. Source: xorshift64*, Vigna 2014. */
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(2685821657736338717);
}

static void try_random(struct run *run)
{
    const struct instants *instants = &run->instants;
    uint64_t state = UINT64_C(0x9e3779b97f4a7c15);
    uint64_t *cuts = memory_new(instants->count * sizeof *cuts);
    for (size_t set = 0; set < RANDOM_SETS; set++) {
        size_t count = 0;
        uint64_t share = 1 + next_random(&state) % 9;
        for (size_t i = 0; i < instants->count; i++)
            if (next_random(&state) % 10 < share)
                cuts[count++] = instants->at[i];
        try_cuts(run, cuts, count);
    }
    free(cuts);
}

static bool run_case(const struct case_file *file, const struct options *options)
{
    struct run run = {.file = file};
    find_instants(&run);
    try_cuts(&run, NULL, 0);
    if (!options->uncut_only && run.uncut) {
        for (size_t i = 0; i < run.instants.count; i++)
            try_cuts(&run, &run.instants.at[i], 1);
        try_cuts(&run, run.instants.at, run.instants.count);
        try_pairs(&run, options->pairs_max);
        try_random(&run);
    }
    if (run.failures)
        printf("FAILED %s: %zu of %zu ways to cut it\n", file->name, run.failures, run.cuts_tried);
    else
        printf("ok %s (%zu ways to cut it)\n", file->name, run.cuts_tried);
    free(run.uncut);
    free(run.instants.at);
    return run.failures == 0;
}

/* The text of a small file, terminated; NULL if it cannot be read. */
static char *read_file(const char *path, size_t *count)
{
    FILE *in = fopen(path, "rb");
    if (!in)
        return NULL;
    char *text = memory_new(CASE_BYTES_MAX + 1);
    *count = fread(text, 1, CASE_BYTES_MAX, in);
    bool good = !ferror(in) && feof(in);
    fclose(in);
    if (good)
        return text;
    free(text);
    return NULL;
}

struct totals {
    size_t cases, failed;
};

static void run_path(const char *path, const struct options *options, struct totals *totals)
{
    const char *slash = strrchr(path, '/');
    size_t count = 0;
    char *text = read_file(path, &count);
    struct case_file file;
    struct failure why;
    totals->cases++;
    if (!text) {
        printf("FAILED %s: cannot be read\n", path);
        totals->failed++;
        return;
    }
    if (case_file_init(&file, slash ? slash + 1 : path, (struct text){text, count}, &why) !=
        STATUS_OK) {
        printf("FAILED %s\n", why.text);
        totals->failed++;
    } else if (!run_case(&file, options)) {
        totals->failed++;
    }
    case_file_clear(&file);
    free(text);
}

static int is_case(const struct dirent *entry)
{
    size_t count = strlen(entry->d_name);
    return count > 5 && strcmp(entry->d_name + count - 5, ".case") == 0;
}

static void run_folder(const char *path, const struct options *options, struct totals *totals)
{
    struct dirent **entries = NULL;
    int count = scandir(path, &entries, is_case, alphasort);
    for (int i = 0; i < count; i++) {
        char *inside = memory_format("%s/%s", path, entries[i]->d_name);
        run_path(inside, options, totals);
        free(inside);
        free(entries[i]);
    }
    free(entries);
}

int main(int argc, char **argv)
{
    struct totals totals = {0};
    struct options options = {.pairs_max = PAIRS_MAX};
    for (int i = 1; i < argc; i++) {
        struct stat info;
        if (strcmp(argv[i], "--uncut") == 0)
            options.uncut_only = true;
        else if (strcmp(argv[i], "--pairs") == 0 && i + 1 < argc && atoi(argv[i + 1]) > 0)
            options.pairs_max = (size_t)atoi(argv[++i]);
        else if (stat(argv[i], &info) == 0 && S_ISDIR(info.st_mode))
            run_folder(argv[i], &options, &totals);
        else
            run_path(argv[i], &options, &totals);
    }
    printf("%zu cases, %zu failed\n", totals.cases, totals.failed);
    return totals.cases == 0 || totals.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
