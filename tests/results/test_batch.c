#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "results/batch.h"
#include "results/fold.h"

static void take(struct result_batch *batch, struct result result)
{
    struct result_sink sink = result_batch_sink(batch);
    sink.take(sink.context, &result);
}

static struct result thread_fact(uint64_t id, uint64_t process, int32_t tid, const char *name)
{
    struct result result = {.type = RESULT_THREAD};
    result.thread_fact = (struct thread_fact){.id = id, .process = process, .tid = tid};
    if (name)
        result.thread_fact.name = text_of(name);
    return result;
}

static struct result latency(uint64_t thread, int32_t pid, int32_t tid,
                             const struct durations *cell)
{
    return (struct result){
        .type = RESULT_LATENCY, .pid = pid, .tid = tid, .thread = thread, .latency = cell};
}

static struct result mark(const struct interval_fact *fact)
{
    return (struct result){.type = RESULT_INTERVAL, .interval = fact};
}

Test(batch, files_results_by_process_then_thread_then_host)
{
    struct result_batch *batch = result_batch_new();
    struct durations cell = {.count = 0};
    durations_add(&cell, 5);
    struct interval_fact first = {.chunk = 1, .events = 1}, second = {.chunk = 2, .events = 1};
    take(batch, mark(&first));
    take(batch, (struct result){.type = RESULT_CPU, .cpu = 1, .ran = {.busy_ns = 2}});
    take(batch, latency(3, 0, 30, &cell));
    take(batch, latency(2, 20, 21, &cell));
    take(batch, latency(1, 10, 10, &cell));
    take(batch, thread_fact(2, 20, 21, "b"));
    take(batch, thread_fact(4, 0, 5, NULL));
    take(batch, mark(&second));
    const struct result_group *groups;
    cr_assert(eq(sz, result_batch_groups(batch, &groups), 5));
    static const int32_t pids[] = {10, 20, 0, 0, 0}, tids[] = {0, 0, 5, 30, 0};
    static const size_t counts[] = {1, 2, 1, 1, 3};
    for (size_t i = 0; i < 5; i++) {
        cr_expect(eq(i32, groups[i].pid, pids[i]), "group %zu", i);
        cr_expect(eq(i32, groups[i].tid, tids[i]), "group %zu", i);
        cr_expect(eq(sz, groups[i].count, counts[i]), "group %zu", i);
    }
    cr_expect(eq(int, groups[1].results[0].type, RESULT_THREAD), "facts come before cells");
    cr_expect(eq(int, groups[1].results[1].type, RESULT_LATENCY));
    cr_expect(eq(int, groups[4].results[0].type, RESULT_CPU), "and marks come last");
    cr_expect(eq(u64, groups[4].results[1].interval->chunk, 1));
    cr_expect(eq(u64, groups[4].results[2].interval->chunk, 2));
    result_batch_clear(batch);
    cr_expect(eq(sz, result_batch_groups(batch, &groups), 0));
    result_batch_free(batch);
}

Test(batch, keeps_the_newest_fact_and_adds_cells_up)
{
    struct result_batch *batch = result_batch_new();
    struct durations cell = {.count = 0};
    durations_add(&cell, 5);
    char name[] = "first";
    take(batch, thread_fact(1, 0, 10, name));
    take(batch, latency(1, 0, 10, &cell));
    name[0] = 'F'; /* its input was borrowed */
    take(batch, thread_fact(1, 10, 10, "second"));
    durations_add(&cell, 9);
    take(batch, latency(1, 10, 10, &cell));
    take(batch, latency(1, 0, 0, &cell));
    const struct result_group *groups;
    cr_assert(eq(sz, result_batch_groups(batch, &groups), 1));
    cr_expect(eq(i32, groups[0].pid, 10), "what was told last counts");
    cr_assert(eq(sz, groups[0].count, 2));
    cr_expect(text_equal(groups[0].results[0].thread_fact.name, text_of("second")));
    const struct durations *sum = groups[0].results[1].latency;
    cr_expect(eq(u64, sum->count, 5));
    cr_expect(eq(u64, sum->total_ns, 33));
    cr_expect(eq(u64, sum->min_ns, 5));
    cr_expect(eq(u64, sum->max_ns, 9));
    result_batch_free(batch);
}

Test(batch, of_a_process_keeps_who_forked_it_and_else_who_was_told_first)
{
    struct result_batch *batch = result_batch_new();
    struct result fact = {.type = RESULT_PROCESS};
    fact.process = (struct process_fact){.id = 7, .pid = 7, .ppid = 1};
    take(batch, fact);
    fact.process.ppid = 2;
    take(batch, fact);
    const struct result_group *groups;
    result_batch_groups(batch, &groups);
    cr_expect(eq(i32, groups[0].results[0].process.ppid, 1));
    fact.process =
        (struct process_fact){.id = 7, .pid = 7, .ppid = 3, .fork_ns = 99, .fork_seen = true};
    take(batch, fact);
    fact.process = (struct process_fact){.id = 7, .pid = 7, .ppid = 4};
    take(batch, fact);
    result_batch_groups(batch, &groups);
    cr_expect(eq(i32, groups[0].results[0].process.ppid, 3));
    cr_expect(eq(u64, groups[0].results[0].process.fork_ns, 99));
    result_batch_free(batch);
}

/* It cannot change in the life of a thread; an inconsistent log is folded in the same way. */
Test(batch, of_a_thread_the_process_told_first_holds)
{
    struct result_batch *batch = result_batch_new();
    struct fold *fold = fold_new(text_of("h/s/t"));
    take(batch, thread_fact(1, 7, 8, "a"));
    take(batch, thread_fact(1, 9, 8, "b"));
    const struct result_group *groups;
    cr_assert(eq(sz, result_batch_groups(batch, &groups), 1));
    cr_expect(eq(u64, groups[0].results[0].thread_fact.process, 7));
    cr_expect(text_equal(groups[0].results[0].thread_fact.name, text_of("b")));
    struct result fact = thread_fact(1, 7, 8, "a");
    fold_take(fold, &fact);
    fact = thread_fact(1, 9, 8, "b");
    fold_take(fold, &fact);
    struct arena arena = {.first = NULL};
    struct session_report report;
    fold_report(fold, &arena, &report);
    cr_expect(eq(i64, report.threads[0].pid, 7));
    arena_clear(&arena);
    fold_free(fold);
    result_batch_free(batch);
}

static struct result descriptor_fact(uint64_t id, const char *name, bool ended)
{
    struct result result = {.type = RESULT_DESCRIPTOR};
    result.descriptor_fact = (struct descriptor_fact){
        .id = id, .process = 7, .fd = 3, .named = name != NULL, .ended = ended};
    if (name)
        result.descriptor_fact.name = text_of(name);
    return result;
}

Test(batch, of_a_descriptor_tells_the_newest_word)
{
    struct result_batch *batch = result_batch_new();
    take(batch, descriptor_fact(1, NULL, false));
    take(batch, descriptor_fact(1, "/etc/passwd", true));
    const struct result_group *groups;
    cr_assert(eq(sz, result_batch_groups(batch, &groups), 1));
    cr_assert(eq(sz, groups[0].count, 1));
    cr_expect(groups[0].results[0].descriptor_fact.ended);
    cr_expect(text_equal(groups[0].results[0].descriptor_fact.name, text_of("/etc/passwd")));
    result_batch_free(batch);
}

Test(batch, keeps_stretches_of_a_thread_apart)
{
    struct result_batch *batch = result_batch_new();
    struct phase_cell cell = {.time = {.before_blocked_ns = 10}};
    struct result phase = {
        .type = RESULT_PHASE, .thread = 1, .phase = text_of("p"), .phase_cell = &cell};
    take(batch, phase);
    phase.stretch = 1;
    take(batch, phase);
    take(batch, phase);
    take(batch, (struct result){.type = RESULT_FIRST_CALL,
                                .thread = 1,
                                .stretch = 1,
                                .call = text_of("read"),
                                .in_call = true});
    struct fold *fold = fold_new(text_of("h/s/t"));
    const struct result_group *groups;
    size_t count = result_batch_groups(batch, &groups);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < groups[i].count; k++)
            fold_take(fold, &groups[i].results[k]);
    struct arena arena = {.first = NULL};
    struct session_report report;
    fold_report(fold, &arena, &report);
    cr_assert(eq(sz, report.phase_count, 1));
    cr_expect(eq(u64, report.phases[0].blocked_ns, 30));
    cr_assert(eq(sz, report.phases[0].blocked_by.count, 2));
    cr_expect(eq(u64, report.phases[0].blocked_by.at[0].number, 10), "in no call");
    cr_expect(eq(u64, report.phases[0].blocked_by.at[1].number, 20), "in read");
    arena_clear(&arena);
    fold_free(fold);
    result_batch_free(batch);
}

static void take_all(struct fold *fold, struct result_batch *batch)
{
    const struct result_group *groups;
    size_t count = result_batch_groups(batch, &groups);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < groups[i].count; k++)
            fold_take(fold, &groups[i].results[k]);
    result_batch_clear(batch);
}

/* One thread per chunk that exists only in that chunk, and one that continues. */
Test(fold, that_forgets_does_not_grow_with_time)
{
    struct fold *fold = fold_new(text_of("h/s/t"));
    struct result_batch *batch = result_batch_new();
    struct durations cell = {.count = 0};
    durations_add(&cell, 5);
    struct call_cell calls = {.complete = cell};
    enum { CHUNKS = 1000 };
    for (uint64_t chunk = 0; chunk < CHUNKS; chunk++) {
        fold_set_chunk(fold, chunk);
        if (chunk % FOLD_ROUND == 1)
            take(batch, thread_fact(1, 10, 10, "lives on"));
        take(batch, thread_fact(chunk + 2, 20 + chunk, (int32_t)(20 + chunk), "short"));
        take(batch, latency(chunk + 2, 20, 20, &cell));
        take(batch, (struct result){.type = RESULT_CALLS,
                                    .thread = chunk + 2,
                                    .phase = text_of(""),
                                    .call = text_of("read"),
                                    .calls = &calls});
        take_all(fold, batch);
        fold_forget(fold);
        struct arena arena = {.first = NULL};
        struct session_report report;
        fold_report(fold, &arena, &report);
        cr_assert(le(sz, report.thread_count, 2 * FOLD_ROUND + 1));
        cr_assert(le(sz, report.process_count, 2 * FOLD_ROUND + 1));
        cr_assert(eq(sz, report.syscall_count, chunk + 1), "sums stay");
        cr_assert(eq(str, (char *)(uintptr_t)report.syscalls[0].process, "short"));
        cr_assert(chunk < 1 || report.threads[0].tid == 10, "who lives, stays");
        arena_clear(&arena);
    }
    result_batch_free(batch);
    fold_free(fold);
}

Test(fold, that_forgets_a_descriptor_keeps_what_was_done_to_its_file)
{
    struct fold *fold = fold_new(text_of("h/s/t"));
    struct result_batch *batch = result_batch_new();
    struct use_cell uses = {.read_bytes = 100};
    durations_add(&uses.calls, 5);
    take(batch, thread_fact(1, 7, 7, "reader"));
    take(batch, descriptor_fact(1, "/etc/passwd", false));
    take(batch, (struct result){.type = RESULT_USES,
                                .descriptor = 1,
                                .thread = 1,
                                .phase = text_of(""),
                                .uses = &uses});
    take_all(fold, batch);
    fold_set_chunk(fold, 2 * FOLD_ROUND);
    fold_forget(fold);
    struct arena arena = {.first = NULL};
    struct session_report report;
    fold_report(fold, &arena, &report);
    cr_expect(eq(sz, report.fd_count, 0));
    cr_expect(eq(sz, report.thread_count, 0));
    cr_assert(eq(sz, report.file_count, 1));
    cr_expect(eq(str, (char *)(uintptr_t)report.files[0].name, "/etc/passwd"));
    cr_expect(eq(str, (char *)(uintptr_t)report.files[0].process, "reader"));
    cr_expect(eq(u64, report.files[0].read_bytes, 100));
    arena_clear(&arena);
    result_batch_free(batch);
    fold_free(fold);
}

/* A reader that starts late receives it within one round of republishing. */
Test(fold, that_forgets_waits_for_the_name_of_a_waker)
{
    struct fold *fold = fold_new(text_of("h/s/t"));
    struct result_batch *batch = result_batch_new();
    take(batch, thread_fact(1, 7, 7, "sleeper"));
    take(batch, (struct result){.type = RESULT_WAITS,
                                .thread = 1,
                                .phase = text_of(""),
                                .wait_who = wait_who(WAKER_THREAD, 2),
                                .wait = {1, 100, 100}});
    take_all(fold, batch);
    fold_forget(fold);
    fold_set_chunk(fold, FOLD_ROUND - 1);
    take(batch, thread_fact(2, 8, 8, "waker"));
    take_all(fold, batch);
    fold_forget(fold);
    struct arena arena = {.first = NULL};
    struct session_report report;
    fold_report(fold, &arena, &report);
    cr_assert(eq(sz, report.waker_count, 1));
    cr_assert(eq(i64, report.wakers[0].by_tid, 8));
    cr_expect(eq(str, (char *)(uintptr_t)report.wakers[0].by_name, "waker"));
    arena_clear(&arena);
    result_batch_free(batch);
    fold_free(fold);
}

/* 40,000 calls per second reach this number in thirty hours. */
Test(batch, counts_beyond_32_bits)
{
    enum { TWICE = 2 };
    const uint64_t many = UINT64_C(1) << 32;
    struct error_count error = {11, many - 1};
    const struct durations_bucket bucket = {many, (uint16_t)durations_bucket(700)};
    struct call_cell cell = {.refused = many, .errors = &error, .error_count = 1};
    cr_assert(durations_of_buckets(&cell.complete, &bucket, 1, 700 * many, 700, 700));
    struct result_batch *batch = result_batch_new();
    struct fold *fold = fold_new(text_of("h/s/t"));
    for (int i = 0; i < TWICE; i++) {
        take(batch, thread_fact(1, 10, 10, NULL));
        take(batch, (struct result){.type = RESULT_CALLS,
                                    .thread = 1,
                                    .phase = text_of(""),
                                    .call = text_of("read"),
                                    .calls = &cell});
        take(batch, (struct result){.type = RESULT_CALLS,
                                    .thread = 1,
                                    .phase = text_of(""),
                                    .call = text_of("read"),
                                    .calls = &cell});
        const struct result_group *groups;
        size_t count = result_batch_groups(batch, &groups);
        for (size_t group = 0; group < count; group++)
            for (size_t k = 0; k < groups[group].count; k++)
                fold_take(fold, &groups[group].results[k]);
        result_batch_clear(batch);
    }
    struct arena arena = {.first = NULL};
    struct session_report report;
    fold_report(fold, &arena, &report);
    cr_assert(eq(sz, report.syscall_count, 1));
    const struct syscall_row *row = &report.syscalls[0];
    cr_expect(eq(u64, row->complete.count, 4 * many));
    cr_expect(eq(u64, row->refused, 4 * many));
    cr_expect(eq(u64, row->errors.at[0].number, 4 * (many - 1)));
    uint64_t log2[DURATIONS_POWERS];
    durations_log2(&row->complete, log2);
    cr_expect(eq(u64, log2[9], 4 * many));
    fold_free(fold);
    arena_clear(&arena);
    result_batch_free(batch);
}
