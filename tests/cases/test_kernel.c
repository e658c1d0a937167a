/* The law, and the contract, as properties of a kernel that keeps its own books. A failure is
 * shrunk: to the fewest steps, then to the fewest events that still differ when they are cut. What
 * is left is printed as a case. KERNEL_SEED and KERNEL_SEEDS choose others than the usual. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/crash.h"
#include "base/memory.h"
#include "case_report.h"
#include "expectation.h"
#include "kernel.h"
#include "laws/law.h"

enum { STEPS = 400, SEEDS = 150, CUT_SETS = 6, CUTS_MAX = 24 };

/* What is wrong with a case. */
enum fault { FAULT_NONE, FAULT_TEXT, FAULT_NUMBERS, FAULT_LAW };

static size_t random_cuts(const struct case_file *file, uint64_t *random, uint64_t at[CUTS_MAX])
{
    struct law_trace trace = {.events = file->events, .count = file->event_count};
    size_t count = 1 + law_random(random) % CUTS_MAX;
    law_random_cuts(&trace, random, at, count);
    return count;
}

static bool differs(const char *uncut, const char *cut)
{
    char line[4096];
    return law_difference(uncut, cut, line, sizeof line);
}

static enum fault fault_of_file(const struct case_file *file, uint64_t seed, FILE *said)
{
    char *uncut = NULL, *cut = NULL;
    struct failure why;
    if (!case_report(file, NULL, 0, &uncut, &why))
        return FAULT_TEXT;
    enum fault fault = expectation_check(file, uncut, said) ? FAULT_NONE : FAULT_NUMBERS;
    for (unsigned i = 0; i < CUT_SETS && fault == FAULT_NONE; i++) {
        uint64_t at[CUTS_MAX];
        size_t count = random_cuts(file, &seed, at);
        if (!case_report(file, at, count, &cut, &why) || differs(uncut, cut))
            fault = FAULT_LAW;
        free(cut);
        cut = NULL;
    }
    free(uncut);
    return fault;
}

static enum fault fault_of(const char *text, uint64_t seed)
{
    struct case_file file;
    struct failure why;
    char *said = NULL;
    size_t size = 0;
    enum fault fault = FAULT_TEXT;
    FILE *out = open_memstream(&said, &size);
    if (case_file_init(&file, "kernel", text_of(text), &why) == STATUS_OK && file.event_count > 0)
        fault = fault_of_file(&file, seed, out);
    case_file_clear(&file);
    fclose(out);
    free(said);
    return fault;
}

static char *without(const char *text, const char *line, const char *end)
{
    size_t before = (size_t)(line - text);
    char *shorter = memory_new(strlen(text) + 1);
    memcpy(shorter, text, before);
    strcpy(shorter + before, end);
    return shorter;
}

/* Removes every event without which the law still fails; `take_text` without expectations. */
static char *fewest_events(char *take_text, uint64_t seed)
{
    bool smaller = true;
    while (smaller) {
        smaller = false;
        char *line = strstr(take_text, "events:\n") + strlen("events:\n");
        while (*line && strncmp(line, "expect:", 7) != 0) {
            char *end = strchr(line, '\n') + 1;
            char *shorter = without(take_text, line, end);
            if (fault_of(shorter, seed) == FAULT_LAW) {
                line = shorter + (line - take_text);
                free(take_text);
                take_text = shorter;
                smaller = true;
            } else {
                free(shorter);
                line = end;
            }
        }
    }
    return take_text;
}

/* The smallest case with the same fault; the caller frees it. */
static char *shrunk(uint64_t seed, enum fault fault)
{
    char *text = NULL;
    for (size_t steps = 1; steps <= STEPS; steps++) {
        free(text);
        text = kernel_case(seed, steps);
        if (fault_of(text, seed) == fault)
            break;
    }
    if (fault != FAULT_LAW)
        return text;
    char *expect = strstr(text, "expect:\n");
    expect[strlen("expect:\n")] = '\0';
    return fewest_events(text, seed);
}

static unsigned lines_of(const char *text)
{
    unsigned lines = 0;
    for (const char *at = text; (at = strchr(at, '\n')); at++)
        lines++;
    return lines;
}

Test(kernel, and_report_agree_however_it_is_cut)
{
    const char *first = getenv("KERNEL_SEED"), *count = getenv("KERNEL_SEEDS");
    uint64_t seed = first ? strtoull(first, NULL, 10) : 1;
    uint64_t end = seed + (count ? strtoull(count, NULL, 10) : SEEDS);
    for (; seed < end; seed++) {
        char *text = kernel_case(seed, STEPS);
        enum fault fault = fault_of(text, seed);
        free(text);
        if (fault == FAULT_NONE)
            continue;
        char *small = shrunk(seed, fault);
        cr_log_error("kernel %llu: %s:\n%s", (unsigned long long)seed,
                     fault == FAULT_LAW       ? "not the same when it is cut"
                     : fault == FAULT_NUMBERS ? "other numbers than its own"
                                              : "no case",
                     small);
        free(small);
        cr_assert(eq(int, fault, FAULT_NONE), "kernel %llu", (unsigned long long)seed);
    }
}

/* A core that forgets close-on-exec is found, and the case that shows it is short. */
Test(kernel, shrinks_what_a_mutant_does_wrong)
{
    setenv("SPANMILL_MUTANT", "forget-close-on-exec", 1);
    if (!mutant("forget-close-on-exec"))
        cr_skip("built without SPANMILL_CRASH_POINTS");
    enum fault fault = FAULT_NONE;
    uint64_t seed = 0;
    while (fault == FAULT_NONE && seed < SEEDS) {
        char *text = kernel_case(++seed, STEPS);
        fault = fault_of(text, seed);
        free(text);
    }
    cr_assert(ne(int, fault, FAULT_NONE));
    char *whole = kernel_case(seed, STEPS), *small = shrunk(seed, fault);
    cr_expect(lt(uint, lines_of(small), lines_of(whole)));
    cr_expect(eq(int, fault_of(small, seed), fault));
    free(whole);
    free(small);
}
