#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "analysis/analyses.h"
#include "base/map.h"
#include "base/memory.h"
#include "laws/random_trace.h"
#include "laws/recorded_trace.h"
#include "results/fold.h"
#include "wire/result_codec.h"

enum { CUTS_MAX = 31, TURNS = 4, SEEDS = 60 };

/* A trace, with its phase definitions. */
struct world {
    struct phase_definitions phases;
    struct law_trace trace;
};

static void add_phases(struct phase_definitions *phases, struct bytes yaml)
{
    struct failure why;
    phases_init(phases);
    enum status status = phases_add_yaml(phases, "test", yaml, &why);
    cr_assert(eq(int, status, STATUS_OK), "%s", why.text);
}

static void random_world(struct world *world, uint64_t seed,
                         const struct random_trace_options *options)
{
    *world = (struct world){.trace = {.schema = NULL}};
    add_phases(&world->phases,
               (struct bytes){(const uint8_t *)random_trace_phases, strlen(random_trace_phases)});
    world->trace.schema = schema_new_with(&world->phases, analyses_event_row, analyses_count);
    random_trace(&world->trace, seed, options);
}

static void recorded_world(struct world *world)
{
    static uint8_t yaml[1 << 16];
    FILE *file = fopen(TEST_DATA "/thumbnails/phases.yaml", "rb");
    cr_assert(ne(ptr, file, NULL));
    size_t count = fread(yaml, 1, sizeof yaml, file);
    fclose(file);
    *world = (struct world){.trace = {.schema = NULL}};
    add_phases(&world->phases, (struct bytes){yaml, count});
    world->trace.schema = schema_new_with(&world->phases, analyses_event_row, analyses_count);
    struct failure why;
    enum status status = recording_read(&world->trace, TEST_DATA "/thumbnails", &why);
    cr_assert(eq(int, status, STATUS_OK), "%s", why.text);
}

static void world_clear(struct world *world)
{
    law_trace_clear(&world->trace);
    schema_free(world->trace.schema);
    phases_clear(&world->phases);
}

/* --- folding --- */

static struct result_record decode(const struct law_log_record *from, struct arena *arena)
{
    struct result_record record;
    struct failure why;
    enum status status = result_decode(from->value, arena, &record, &why);
    cr_assert(eq(int, status, STATUS_OK), "%s", why.text);
    return record;
}

/* Folds the records of intervals `first` up to, and without, `end`. */
static void fold_log(struct fold *fold, const struct law_log *log, size_t first, size_t end,
                     bool forget)
{
    for (size_t i = 0; i < log->count; i++) {
        const struct law_log_record *from = &log->records[i];
        if (from->interval < first || from->interval >= end)
            continue;
        struct arena arena = {.first = NULL};
        struct result_record record = decode(from, &arena);
        fold_set_chunk(fold, record.meta.chunk);
        for (size_t k = 0; k < record.count; k++)
            fold_take(fold, &record.results[k]);
        if (forget && record.last)
            fold_forget(fold);
        arena_clear(&arena);
    }
}

static char *folded(const struct law_log *log, size_t first, size_t end, bool forget)
{
    struct fold *fold = fold_new(text_of("random//"));
    fold_log(fold, log, first, end, forget);
    char *json = law_fold_report(fold);
    fold_free(fold);
    return json;
}

/* The report of the whole log, under the trace's own name. */
static char *folded_whole(const struct law_log *log, const struct law_trace *trace)
{
    struct fold *fold = fold_new(text_of(trace->session));
    fold_log(fold, log, 0, log->intervals, false);
    char *json = law_fold_report(fold);
    fold_free(fold);
    return json;
}

static const struct random_trace_options kinds[] = {
    {.events = 400},
    {.events = 300, .lies = 8, .losses = 20},
    {.events = 300, .contexts = true, .lies = 4, .losses = 20},
    {.events = 300, .user_only = true},
};

enum { KINDS = sizeof kinds / sizeof *kinds };

/* Calls `check` with the logs of random traces, cut at random. */
static void for_random_logs(unsigned turns, size_t cut_count,
                            void (*check)(const struct world *world, const struct law_log *log,
                                          uint64_t seed))
{
    const char *seeds = getenv("LAW_SEEDS");
    uint64_t count = seeds ? strtoull(seeds, NULL, 10) : SEEDS;
    uint64_t *at = memory_new(cut_count * sizeof *at);
    for (uint64_t seed = 1; seed <= count; seed++) {
        struct world world;
        random_world(&world, seed, &kinds[seed % KINDS]);
        uint64_t random = seed + 5;
        law_random_cuts(&world.trace, &random, at, cut_count);
        struct law_log log;
        law_log_make(&log, &world.trace, (struct law_cuts){at, cut_count}, turns);
        check(&world, &log, seed);
        law_log_clear(&log);
        world_clear(&world);
    }
    free(at);
}

static void expect_same(const char *expected, const char *found, const char *what, uint64_t seed)
{
    char difference[4096];
    bool differs = law_difference(expected, found, difference, sizeof difference);
    cr_expect(not(differs), "%s, seed %llu: %s", what, (unsigned long long)seed, difference);
}

static void check_whole(const struct world *world, const struct law_log *log, uint64_t seed)
{
    char *expected = law_report(&world->trace, (struct law_cuts){NULL, 0}, 0, NULL);
    char *found = folded_whole(log, &world->trace);
    expect_same(expected, found, "log", seed);
    free(expected);
    free(found);
}

Test(log, folds_to_the_report)
{
    for_random_logs(0, CUTS_MAX, check_whole);
}

Test(log, in_which_the_living_are_told_again_folds_to_the_report)
{
    for_random_logs(TURNS, CUTS_MAX, check_whole);
}

Test(log, of_a_recording_folds_to_the_report)
{
    struct world world;
    recorded_world(&world);
    uint64_t random = 3, at[CUTS_MAX];
    law_random_cuts(&world.trace, &random, at, CUTS_MAX);
    struct law_log log;
    law_log_make(&log, &world.trace, (struct law_cuts){at, CUTS_MAX}, TURNS);
    check_whole(&world, &log, 0);
    law_log_clear(&log);
    world_clear(&world);
}

/* --- layout of the records --- */

static bool key_is_of_session(struct text key, const char *session)
{
    size_t count = strlen(session);
    return key.count > count && memcmp(key.at, session, count) == 0 && key.at[count] == '/';
}

static void check_layout(const struct world *world, const struct law_log *log, uint64_t seed)
{
    size_t marks = 0;
    uint32_t part = 0;
    for (size_t i = 0; i < log->count; i++) {
        struct arena arena = {.first = NULL};
        const struct law_log_record *from = &log->records[i];
        struct result_record record = decode(from, &arena);
        cr_expect(key_is_of_session(from->key, world->trace.session), "seed %llu: %s",
                  (unsigned long long)seed, from->key.at);
        cr_expect(eq(u64, record.meta.chunk, from->interval));
        cr_expect(text_equal(record.meta.session, text_of(world->trace.session)));
        cr_expect(eq(u32, record.part, part), "seed %llu", (unsigned long long)seed);
        part = record.last ? 0 : part + 1;
        bool next_is_new = i + 1 == log->count || log->records[i + 1].interval != from->interval;
        cr_expect(eq(int, record.last, next_is_new), "the last record of an interval says so");
        for (size_t k = 0; k < record.count; k++) {
            bool mark = record.results[k].type == RESULT_INTERVAL;
            marks += mark;
            bool more = k + 1 < record.count && record.results[k + 1].type != RESULT_INTERVAL;
            cr_expect(not(mark && (more || !record.last)), "a mark comes last of all");
        }
        arena_clear(&arena);
    }
    cr_expect(eq(sz, marks, log->intervals - 1), "a mark for each interval");
}

Test(log, has_facts_then_cells_then_marks_and_counts_its_records)
{
    for_random_logs(TURNS, CUTS_MAX, check_layout);
}

/* --- published names during a session --- */

/* Removes the ends of threads and processes: those of live ones change with each event. */
static void cut_ends(char *lines)
{
    char *to = lines;
    for (const char *at = lines; *at;) {
        if (strncmp(at, "\"end_ns\":", 9) == 0)
            at += 9 + strspn(at + 9, "-0123456789");
        else
            *to++ = *at++;
    }
    *to = '\0';
}

/* At any time, the entities published when they were new are all entities that could be
 * published. */
static void check_news(const struct world *world, const struct law_log *log, uint64_t seed)
{
    uint64_t random = seed + 5, at[15];
    law_random_cuts(&world->trace, &random, at, 15);
    struct law_log all;
    law_log_make(&all, &world->trace, (struct law_cuts){at, 15}, 1);
    for (size_t end = 1; end <= log->intervals; end++) {
        char *expected = folded(&all, 0, end, false), *found = folded(log, 0, end, false);
        cut_ends(expected);
        cut_ends(found);
        expect_same(expected, found, "told when it was new", seed);
        free(expected);
        free(found);
    }
    law_log_clear(&all);
}

Test(log, tells_what_is_new_at_once)
{
    for_random_logs(FOLD_ROUND, 15, check_news);
}

/* --- starting in the middle --- */

/* When an id was published, and when something referred to it, by interval. */
struct mention {
    size_t told_first, told_last; /* of those from the reader's first interval on */
    size_t referred;              /* the first of those, SIZE_MAX without */
    size_t ever_last;             /* published, from the begin of the log on */
    bool told;
};

static struct mention *mention(struct map *map, uint64_t id)
{
    struct mention *found = map_get(map, id);
    if (!found) {
        found = memory_new(sizeof *found);
        found->referred = SIZE_MAX;
        map_put(map, id, found);
    }
    return found;
}

struct mentions {
    struct map threads, descriptors;
};

static void tell(struct map *map, uint64_t id, size_t interval, size_t first)
{
    struct mention *found = mention(map, id);
    found->ever_last = interval;
    if (interval < first)
        return;
    if (!found->told)
        found->told_first = interval;
    found->told = true;
    found->told_last = interval;
}

static void refer(struct map *map, uint64_t id, size_t interval, size_t first)
{
    struct mention *found = mention(map, id);
    if (interval >= first && found->referred == SIZE_MAX)
        found->referred = interval;
}

static void note(struct mentions *mentions, const struct result *result, size_t interval,
                 size_t first)
{
    if (result->type == RESULT_THREAD)
        tell(&mentions->threads, result->thread_fact.id, interval, first);
    else if (result->type == RESULT_DESCRIPTOR)
        tell(&mentions->descriptors, result->descriptor_fact.id, interval, first);
    if (result->thread)
        refer(&mentions->threads, result->thread, interval, first);
    if (result->descriptor)
        refer(&mentions->descriptors, result->descriptor, interval, first);
}

static void expect_known(struct map *map, const char *what, size_t first, uint64_t seed, size_t end)
{
    struct mention *each;
    for (size_t at = 0; (each = map_next(map, &at)); free(each)) {
        if (each->referred == SIZE_MAX || each->ever_last < first)
            continue; /* not needed, or it had ended before */
        /* A reader from the begin of the log never waits for republishing. */
        size_t due = each->referred + (first == 0 ? 1 : TURNS);
        cr_expect(each->told && (each->told_first < due || due >= end),
                  "seed %llu: from %zu on, a %s is referred to in interval %zu and told in %zu",
                  (unsigned long long)seed, first, what, each->referred, each->told_first);
    }
    map_clear(map);
}

static void check_names_known(const struct world *world, const struct law_log *log, uint64_t seed)
{
    (void)world;
    for (size_t first = 0; first < log->intervals; first++) {
        struct mentions mentions = {0};
        for (size_t i = 0; i < log->count; i++) {
            struct arena arena = {.first = NULL};
            struct result_record record = decode(&log->records[i], &arena);
            for (size_t k = 0; k < record.count; k++)
                note(&mentions, &record.results[k], log->records[i].interval, first);
            arena_clear(&arena);
        }
        expect_known(&mentions.threads, "thread", first, seed, log->intervals);
        expect_known(&mentions.descriptors, "descriptor", first, seed, log->intervals);
    }
}

Test(log, tells_who_is_alive_within_one_round_from_anywhere)
{
    for_random_logs(TURNS, 15, check_names_known);
}

/* The total of calls and phases over all threads. */
static uint64_t numbers_of(const struct law_log *log, size_t first, size_t end)
{
    struct fold *fold = fold_new(text_of("random//"));
    fold_log(fold, log, first, end, false);
    struct arena arena = {.first = NULL};
    struct session_report report;
    fold_report(fold, &arena, &report);
    uint64_t calls = 0;
    for (size_t i = 0; i < report.syscall_count; i++)
        calls += report.syscalls[i].complete.count + report.syscalls[i].begin_unknown +
                 report.syscalls[i].end_unknown;
    for (size_t i = 0; i < report.phase_count; i++)
        calls += report.phases[i].complete.count + report.phases[i].begin_unknown +
                 report.phases[i].end_unknown;
    arena_clear(&arena);
    fold_free(fold);
    return calls;
}

static void check_middle(const struct world *world, const struct law_log *log, uint64_t seed)
{
    (void)world;
    uint64_t whole = numbers_of(log, 0, log->intervals);
    cr_assert(whole > 0);
    for (size_t first = 0; first < log->intervals; first++) {
        uint64_t before = numbers_of(log, 0, first), after = numbers_of(log, first, log->intervals);
        cr_expect(eq(u64, before + after, whole), "seed %llu, from %zu on",
                  (unsigned long long)seed, first);
    }
}

Test(log, read_from_anywhere_loses_no_number)
{
    for_random_logs(TURNS, 15, check_middle);
}

Test(log, of_a_thread_told_late_gives_it_what_was_its_own)
{
    struct fold *fold = fold_new(text_of("h/s/t"));
    struct call_cell cell = {.bytes = 7};
    durations_add(&cell.complete, 100);
    struct result calls = {.type = RESULT_CALLS,
                           .thread = UINT64_C(1) << 40,
                           .phase = text_of(""),
                           .call = text_of("read"),
                           .calls = &cell};
    fold_take(fold, &calls);
    struct use_cell uses = {.read_bytes = 7};
    durations_add(&uses.calls, 100);
    struct result used = {.type = RESULT_USES,
                          .thread = UINT64_C(1) << 40,
                          .descriptor = UINT64_C(1) << 50,
                          .phase = text_of(""),
                          .uses = &uses};
    fold_take(fold, &used);

    struct arena arena = {.first = NULL};
    struct session_report report;
    fold_report(fold, &arena, &report);
    cr_assert(eq(sz, report.syscall_count, 1));
    cr_expect(eq(i64, report.syscalls[0].pid, REPORT_NONE));
    cr_expect(eq(sz, report.thread_count, 0));
    cr_expect(eq(sz, report.fd_count, 0));
    cr_assert(eq(sz, report.file_count, 1));
    cr_expect(eq(ptr, (void *)(uintptr_t)report.files[0].name, NULL));

    struct result thread = {
        .type = RESULT_THREAD,
        .thread_fact = {
            .id = UINT64_C(1) << 40, .process = 42, .tid = 43, .name = text_of("late")}};
    fold_take(fold, &thread);
    struct result descriptor = {.type = RESULT_DESCRIPTOR,
                                .descriptor_fact = {.id = UINT64_C(1) << 50,
                                                    .process = 42,
                                                    .fd = 5,
                                                    .named = true,
                                                    .name = text_of("/etc/passwd")}};
    fold_take(fold, &descriptor);
    fold_report(fold, &arena, &report);
    cr_assert(eq(sz, report.syscall_count, 1));
    cr_expect(eq(i64, report.syscalls[0].pid, 42));
    cr_expect(eq(str, (char *)(uintptr_t)report.syscalls[0].process, "late"));
    cr_assert(eq(sz, report.file_count, 1));
    cr_expect(eq(str, (char *)(uintptr_t)report.files[0].name, "/etc/passwd"));
    cr_expect(eq(i64, report.files[0].pid, 42));
    cr_expect(eq(u64, report.fds[0].read_bytes, 7));
    arena_clear(&arena);
    fold_free(fold);
}

/* One pid in several namespaces, all since the same time: the order of a hash table is not
 * visible. */
Test(fold, puts_processes_of_equal_pid_and_begin_into_one_order)
{
    enum { NAMESPACES = 8, PID = 42 };
    struct fold *fold = fold_new(text_of("host/s/t"));
    for (uint64_t i = 0; i < NAMESPACES; i++) {
        struct result thread = {.type = RESULT_THREAD,
                                .thread_fact = {.id = i + 1,
                                                .process = (i + 1) << 32 | PID,
                                                .tid = PID,
                                                .begin_ns = 1000,
                                                .end_ns = 2000 - i}};
        fold_take(fold, &thread);
    }
    struct arena arena = {.first = NULL};
    struct session_report report;
    fold_report(fold, &arena, &report);
    cr_assert(eq(sz, report.process_count, NAMESPACES));
    for (size_t i = 1; i < NAMESPACES; i++)
        cr_expect(lt(i64, report.processes[i - 1].end_ns, report.processes[i].end_ns));
    arena_clear(&arena);
    fold_free(fold);
}

/* --- forgetting --- */

/* The lines of `json` with any of `types`; the caller frees them. */
static char *lines_of(const char *json, const char *const *types)
{
    char *out = memory_new(strlen(json) + 1);
    size_t count = 0;
    for (const char *line = json; *line;) {
        size_t length = strcspn(line, "\n") + 1;
        for (const char *const *type = types; *type; type++) {
            char begin[64];
            snprintf(begin, sizeof begin, "{\"type\":\"%s\"", *type);
            if (strncmp(line, begin, strlen(begin)) == 0) {
                memcpy(out + count, line, length);
                count += length;
            }
        }
        line += length;
    }
    return out;
}

/* Removes the last fields of lines, from "slowest_tid" on: the thread may be forgotten. */
static void cut_slowest(char *lines)
{
    char *to = lines;
    for (const char *line = lines; *line;) {
        size_t length = strcspn(line, "\n") + 1;
        const char *cut = strstr(line, ",\"slowest_tid\"");
        size_t kept = cut && cut < line + length ? (size_t)(cut - line) : length - 1;
        memmove(to, line, kept);
        to[kept] = '\n';
        to += kept + 1;
        line += length;
    }
    *to = '\0';
}

/* The number of lines of `lines` that are not in `others`; the first one is printed. */
static size_t lines_missing(char *lines, const char *others, uint64_t seed)
{
    size_t missing = 0;
    for (char *line = lines; *line;) {
        char *end = strchr(line, '\n');
        *end = '\0';
        if (!strstr(others, line) && missing++ == 0)
            cr_log_error("seed %llu: %s", (unsigned long long)seed, line);
        line = end + 1;
    }
    return missing;
}

/* Of random traces with a kernel; in few, nothing ends. */
static unsigned could_forget, forgot;

static void check_forgetting(const struct world *world, const struct law_log *log, uint64_t seed)
{
    static const char *const sums[] = {"summary", "syscall", "phase", "cpu", "instance", NULL};
    static const char *const entities[] = {"thread", "fd", NULL};
    char *all = folded(log, 0, log->intervals, false);
    char *rest = folded(log, 0, log->intervals, true);
    char *expected = lines_of(all, sums), *found = lines_of(rest, sums);
    cut_slowest(expected);
    cut_slowest(found);
    expect_same(expected, found, "sums", seed);
    char *left = lines_of(rest, entities), *were = lines_of(all, entities);
    could_forget += world->trace.facts.has_kernel;
    forgot += strlen(left) < strlen(were);
    cr_expect(eq(sz, lines_missing(left, were, seed), 0), "what is left is as it was");
    free(left);
    free(were);
    free(expected);
    free(found);
    free(all);
    free(rest);
}

Test(log, of_which_the_dead_are_forgotten_keeps_its_sums)
{
    could_forget = forgot = 0;
    for_random_logs(FOLD_ROUND, 199, check_forgetting);
    cr_expect(forgot > could_forget / 2, "of %u logs, something was forgotten of %u", could_forget,
              forgot);
}
