#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "analysis/analyses.h"
#include "core_law.h"
#include "tests/laws/recorded_trace.h"

enum { CUTS_MAX = 63, ROUNDS = 6 };

static void load_phases(struct phase_definitions *phases)
{
    static uint8_t yaml[1 << 16];
    const char *path = getenv("SPANMILL_PHASES");
    FILE *file = fopen(path ? path : TEST_DATA "/thumbnails/phases.yaml", "rb");
    cr_assert(ne(ptr, file, NULL));
    size_t count = fread(yaml, 1, sizeof yaml, file);
    fclose(file);
    struct failure why;
    phases_init(phases);
    cr_assert(eq(int, phases_add_yaml(phases, "phases.yaml", (struct bytes){yaml, count}, &why),
                 STATUS_OK));
}

static void expect_same(const char *what, const char *expected, char *found)
{
    char difference[4096];
    bool differs = law_difference(expected, found, difference, sizeof difference);
    cr_expect(not(differs), "%s: %s", what, difference);
    free(found);
}

/* Joined as it is, as the models tell it; cut anywhere, mapped and joined, the same. */
static void check(const char *path)
{
    struct phase_definitions phases;
    load_phases(&phases);
    struct law_trace trace = {.schema = schema_new_with(&phases, analyses_event_row)};
    struct failure why;
    enum status status = recording_read(&trace, path, &why);
    cr_assert(eq(int, status, STATUS_OK), "%s", why.text);

    struct law_cuts uncut = {NULL, 0};
    char *old = law_report(&trace, uncut, false, 0, NULL), *fds = core_fds_of(old);
    char *joined = core_uncut_report(&trace), *expected = core_part_of(joined);
    char *likewise = core_likewise(old, false);
    expect_same("joined", likewise, core_likewise(joined, false));
    expect_same("descriptors", fds, core_fds_of(joined));
    uint64_t random = 1, at[CUTS_MAX];
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct law_cuts cuts = {at, round ? 1 + law_random(&random) % CUTS_MAX : 0};
        law_random_cuts(&trace, &random, at, cuts.count);
        char *found = core_cut_report(&trace, cuts, NULL), what[40];
        snprintf(what, sizeof what, "in %zu pieces", cuts.count + 1);
        expect_same(what, expected, core_part_of(found));
        free(found);
    }
    free(old);
    free(fds);
    free(joined);
    free(expected);
    free(likewise);
    law_trace_clear(&trace);
    schema_free(trace.schema);
    phases_clear(&phases);
}

/* A recording that is too large for the repository: under $SPANMILL_RECORDINGS, unpacked. */
static void check_large(const char *name)
{
    const char *folder = getenv("SPANMILL_RECORDINGS");
    char path[4096];
    snprintf(path, sizeof path, "%s/%s/trace", folder ? folder : "", name);
    if (!folder || access(path, R_OK) != 0)
        cr_skip_test("no recording %s under $SPANMILL_RECORDINGS", name);
    check(path);
}

Test(recordings, cut_anywhere_report_the_same)
{
    check(TEST_DATA "/thumbnails");
}

Test(recordings, of_a_server_cut_anywhere_report_the_same)
{
    check_large("A1");
}

Test(recordings, with_losses_cut_anywhere_report_the_same)
{
    check_large("A4");
}

Test(recordings, of_many_threads_cut_anywhere_report_the_same)
{
    check_large("A5");
}

Test(recordings, of_user_space_cut_anywhere_report_the_same)
{
    check_large("U2");
}
