/* tests/cli/parts_report.h -- the report of a recording whose chunks are mapped as they are, or in
 * parts (cli/chunk_run.h). */
#ifndef TESTS_CLI_PARTS_REPORT_H
#define TESTS_CLI_PARTS_REPORT_H

#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "cli/chunk_run.h"
#include "cli/render/json.h"
#include "cli/window.h"

static inline void must(enum status status, const struct failure *why)
{
    if (status == STATUS_OK)
        return;
    fprintf(stderr, "%s\n", why->text);
    exit(1);
}

/* A report, as the user sees it. */
struct seen {
    char *json;
    size_t size;
    size_t warnings, failed, parts;
};

/* Chunks mapped by one thread as they are; by several, in parts of any size. */
static inline struct seen parts_report(const char *path, const char *phase_file, unsigned jobs)
{
    struct failure why;
    struct phase_definitions phases;
    phases_init(&phases);
    if (phase_file)
        must(phases_add_file(&phases, phase_file, &why), &why);
    struct chunk_list list = {.jobs = 1};
    must(chunk_list_add(&list, path, &why), &why);
    must(chunk_list_finish(&list, &why), &why);
    struct chunk_windows windows;
    window_of_chunks(&(struct window){.since = {.kind = TIME_POINT_NONE}}, &list, &windows);
    struct progress progress;
    progress_init(&progress, "test", false);
    char **marks = memory_new(list.count * sizeof *marks);
    struct reducer *reducer = reducer_new();
    struct plan_cache *cache = plan_cache_new();
    struct chunk_run run = {.list = &list,
                            .options = {.phases = &phases, .cache = cache},
                            .windows = windows.at,
                            .marks = (const char *const *)marks,
                            .jobs = jobs,
                            .part_bytes = 1,
                            .reducer = reducer,
                            .progress = &progress};
    chunk_run(&run);
    reducer_finish(reducer);
    struct report report;
    reducer_report(reducer, 1, &report);
    struct seen seen = {.warnings = run.warnings, .failed = run.failed, .parts = run.parts};
    FILE *out = open_memstream(&seen.json, &seen.size);
    report_write_json(out, &report, 1);
    fclose(out);
    report_clear(&report);
    reducer_free(reducer);
    plan_cache_free(cache);
    chunk_windows_clear(&windows);
    free(marks);
    chunk_list_clear(&list);
    phases_clear(&phases);
    return seen;
}

#endif
