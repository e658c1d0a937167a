#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "analysis/analyses.h"
#include "tests/laws/recorded_trace.h"

enum { CUTS_MAX = 63 };

static unsigned rounds(void)
{
    const char *count = getenv("LAW_ROUNDS");
    return count ? (unsigned)strtoul(count, NULL, 10) : 8;
}

/* The phases of the server, by segments; all requests are listed. */
static const char segmented[] = "phases:\n"
                                "  - name: request\n"
                                "    begin: thumbnailer:request_begin\n"
                                "    end: thumbnailer:request_end\n"
                                "    match: [id]\n"
                                "    segments: $phase\n"
                                "    keep: 200\n"
                                "  - name: $phase\n"
                                "    begin: thumbnailer:phase_begin\n"
                                "    end: thumbnailer:phase_end\n"
                                "    match: [id, phase]\n";

static struct bytes read_phases(void)
{
    static uint8_t yaml[1 << 16];
    FILE *file = fopen(TEST_DATA "/thumbnails/phases.yaml", "rb");
    cr_assert(ne(ptr, file, NULL));
    size_t count = fread(yaml, 1, sizeof yaml, file);
    fclose(file);
    return (struct bytes){yaml, count};
}

static void load_phases(struct phase_definitions *phases, struct bytes yaml)
{
    struct failure why;
    phases_init(phases);
    cr_assert(eq(int, phases_add_yaml(phases, "phases.yaml", yaml, &why), STATUS_OK));
}

static void expect_same(unsigned round, size_t cuts, const char *expected, const char *found)
{
    char difference[4096];
    bool differs = law_difference(expected, found, difference, sizeof difference);
    cr_expect(not(differs), "round %u, %zu cuts: %s", round, cuts, difference);
}

/* Cut into 1 to 64 intervals at random times, mapped by several threads in random order, some
 * twice: the report is always that of the events joined directly. */
static void check_law(const char *path, struct bytes yaml)
{
    struct phase_definitions phases;
    load_phases(&phases, yaml);
    struct law_trace trace = {.schema =
                                  schema_new_with(&phases, analyses_event_row, analyses_count)};
    struct failure why;
    enum status status = recording_read(&trace, path, &why);
    cr_assert(eq(int, status, STATUS_OK), "%s", why.text);

    struct law_cuts uncut = {NULL, 0};
    char *expected = law_report(&trace, uncut, 0, NULL), *part = law_core_part(expected);
    char *unmapped = law_unmapped_report(&trace), *other = law_core_part(unmapped);
    expect_same(0, 0, other, part);
    uint64_t random = 1, at[CUTS_MAX];
    for (unsigned round = 0; round < rounds(); round++) {
        struct law_cuts cuts = {at, round ? 1 + law_random(&random) % CUTS_MAX : 0};
        law_random_cuts(&trace, &random, at, cuts.count);
        char *found = law_report(&trace, cuts, round, NULL);
        expect_same(round, cuts.count, expected, found);
        free(found);
    }
    free(expected);
    free(part);
    free(unmapped);
    free(other);
    law_trace_clear(&trace);
    schema_free(trace.schema);
    phases_clear(&phases);
}

/* A recording that is too large for the repository: under $SPANMILL_RECORDINGS, unpacked. */
static void check_law_of_large(const char *name)
{
    const char *folder = getenv("SPANMILL_RECORDINGS");
    char path[4096];
    snprintf(path, sizeof path, "%s/%s/trace", folder ? folder : "", name);
    if (!folder || access(path, R_OK) != 0)
        cr_skip_test("no recording %s under $SPANMILL_RECORDINGS", name);
    check_law(path, read_phases());
}

Test(recordings, cut_anywhere_report_the_same)
{
    check_law(TEST_DATA "/thumbnails", read_phases());
}

Test(recordings, with_segments_cut_anywhere_report_the_same)
{
    check_law(TEST_DATA "/thumbnails",
              (struct bytes){(const uint8_t *)segmented, sizeof segmented - 1});
}

Test(recordings, of_a_server_cut_anywhere_report_the_same)
{
    check_law_of_large("A1");
}

Test(recordings, with_losses_cut_anywhere_report_the_same)
{
    check_law_of_large("A4");
}
