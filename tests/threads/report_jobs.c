/* tests/threads/report_jobs.c -- a report with one job and with four: the same bytes. For TSan,
 * under which Criterion does not run. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "cli/commands.h"

/* The output of `spanmill report -j JOBS`; the caller frees it. */
static char *report(const char *jobs, size_t *count)
{
    char path[] = "/tmp/spanmill-jobs-XXXXXX";
    int file = mkstemp(path);
    FILE *out = file < 0 ? NULL : fdopen(file, "r");
    if (!out) {
        perror(path);
        exit(1);
    }
    const char *const words[] = {
        "report", "--format", "json",     "--phases", TEST_DATA "/thumbnails/phases.yaml",
        "--jobs", jobs,       "--output", path,       TEST_DATA "/thumbnails"};
    enum { COUNT = sizeof words / sizeof *words };
    char *argv[COUNT + 1] = {NULL};
    for (int i = 0; i < COUNT; i++)
        argv[i] = memory_string(text_of(words[i]));
    if (cmd_report(COUNT, argv) != 0)
        exit(1);
    for (int i = 0; i < COUNT; i++)
        free(argv[i]);

    /* The report may now be another file of that name. */
    out = freopen(path, "r", out);
    char *text = NULL;
    size_t room = 0;
    *count = 0;
    do {
        text = memory_grow(text, &room, *count + 4096, 1);
        *count += fread(text + *count, 1, 4096, out);
    } while (!feof(out) && !ferror(out));
    fclose(out);
    remove(path);
    return text;
}

int main(void)
{
    size_t one_count, four_count;
    char *one = report("1", &one_count);
    char *four = report("4", &four_count);
    if (one_count == 0 || one_count != four_count || memcmp(one, four, one_count) != 0) {
        fprintf(stderr, "-j1 and -j4 differ: %zu and %zu bytes\n", one_count, four_count);
        return 1;
    }
    free(one);
    free(four);
    return 0;
}
