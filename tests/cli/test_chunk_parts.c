#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/cli/parts_report.h"

enum { MANY = 12 };

/* Returns in how many parts it was mapped. */
static size_t expect_same(const char *path, const char *phase_file, unsigned jobs)
{
    struct seen whole = parts_report(path, phase_file, 1);
    struct seen parts = parts_report(path, phase_file, jobs);
    cr_expect(whole.size == parts.size && memcmp(whole.json, parts.json, whole.size) == 0,
              "%s: the report of parts differs", path);
    cr_expect(eq(sz, parts.warnings, whole.warnings), "%s", path);
    cr_expect(eq(sz, parts.failed, whole.failed), "%s", path);
    cr_expect(eq(sz, whole.parts, 0));
    free(whole.json);
    free(parts.json);
    return parts.parts;
}

Test(chunk_parts, report_is_that_of_whole_chunks, .timeout = 300)
{
    size_t parts = expect_same(TEST_DATA "/thumbnails", TEST_DATA "/thumbnails/phases.yaml", MANY);
    cr_expect(parts >= 8, "%zu parts", parts);
    expect_same(TEST_DATA "/user-space", NULL, MANY);
    const char *extra = getenv("PART_TRACE"); /* a larger recording */
    if (extra)
        printf("%s: %zu parts\n", extra, expect_same(extra, getenv("PART_PHASES"), MANY));
}

/* A trace without rotations: it could be recorded still. */
Test(chunk_parts, report_is_that_of_a_plain_trace, .timeout = 300)
{
    char folder[] = "/tmp/chunk-parts-XXXXXX";
    cr_assert(mkdtemp(folder) != NULL);
    char *copy = memory_format("cp -r %s/thumbnails/archives/*-1/* %s/", TEST_DATA, folder);
    cr_assert(eq(int, system(copy), 0));
    size_t parts = expect_same(folder, TEST_DATA "/thumbnails/phases.yaml", MANY);
    cr_expect(parts >= 8, "%zu parts", parts);
    parts = expect_same(folder, TEST_DATA "/thumbnails/phases.yaml", 2);
    cr_expect(parts >= 2, "%zu parts", parts);
    char *clean = memory_format("rm -r %s", folder);
    cr_assert(eq(int, system(clean), 0));
    free(clean);
    free(copy);
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Changes a byte of a stream, or cuts off its end. */
static void damage(const char *stream, uint64_t *random)
{
    FILE *file = fopen(stream, "r+b");
    cr_assert(file != NULL, "%s", stream);
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    long at = (long)(next_random(random) % (uint64_t)size);
    if (next_random(random) % 4 == 0) {
        cr_assert(eq(int, ftruncate(fileno(file), at), 0));
    } else {
        fseek(file, at, SEEK_SET);
        fputc((int)(next_random(random) & 0xff), file);
    }
    fclose(file);
}

/* A damaged chunk is mapped as a whole: damage is reported once, with the same numbers. */
Test(chunk_parts, report_is_that_of_whole_chunks_when_damaged, .timeout = 300)
{
    static const char *const streams[] = {"kernel/kchan_0", "kernel/kchan_2",
                                          "ust/uid/0/64-bit/uchan_1"};
    const char *rounds = getenv("PART_ROUNDS");
    uint64_t random = 20;
    for (int round = rounds ? atoi(rounds) : 6; round > 0; round--) {
        char folder[] = "/tmp/chunk-parts-XXXXXX";
        cr_assert(mkdtemp(folder) != NULL);
        char *copy = memory_format("cp -r %s/thumbnails/archives %s/", TEST_DATA, folder);
        cr_assert(eq(int, system(copy), 0));
        for (int i = 0; i < 2; i++) {
            char *stream =
                memory_format("%s/archives/20261122T230948+0000-20261122T231003+0000-1/%s", folder,
                              streams[next_random(&random) % (sizeof streams / sizeof *streams)]);
            damage(stream, &random);
            free(stream);
        }
        expect_same(folder, TEST_DATA "/thumbnails/phases.yaml", MANY);
        char *clean = memory_format("rm -r %s", folder);
        cr_assert(eq(int, system(clean), 0));
        free(clean);
        free(copy);
    }
}
