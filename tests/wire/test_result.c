#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "results/fold.h"
#include "wire/result_codec.h"

/* The records of an encoder. */
struct taken {
    struct arena arena;
    struct text keys[4096];
    struct bytes records[4096];
    size_t count;
};

static void take(void *context, struct text key, struct bytes record)
{
    struct taken *taken = context;
    cr_assert(lt(sz, taken->count, 4096));
    uint8_t *copy = arena_take(&taken->arena, record.count);
    memcpy(copy, record.at, record.count);
    taken->keys[taken->count] = (struct text){arena_string(&taken->arena, key), key.count};
    taken->records[taken->count++] = (struct bytes){copy, record.count};
}

static const struct result_meta meta = {
    .session = {"web1/shop/20261122", 18}, .chunk = 17, .clock_uuid = {1, 2, 3}};

static void encode(struct taken *taken, const struct result_group *groups, size_t count)
{
    *taken = (struct taken){.count = 0};
    result_encode(&meta, groups, count, (struct record_sink){take, taken});
}

static struct result_record decoded(struct taken *taken, size_t index)
{
    struct result_record record;
    struct failure why;
    enum status status = result_decode(taken->records[index], &taken->arena, &record, &why);
    cr_assert(eq(int, status, STATUS_OK), "%s", why.text);
    return record;
}

/* One of each kind, with numbers at their limits. */
struct one_of_each {
    struct call_cell calls;
    struct error_count errors[2];
    struct phase_cell phase;
    struct blocked_in blocked_in[2];
    struct use_cell uses;
    struct durations latency;
    struct time_vector time;
    struct text names[3];
    struct result results[11];
};

static void fill_cells(struct one_of_each *all)
{
    for (uint64_t ns = 1; ns < UINT64_C(1) << 50; ns *= 3)
        durations_add(&all->calls.complete, ns);
    all->errors[0] = (struct error_count){2, 5};
    all->errors[1] = (struct error_count){4095, UINT64_C(1) << 40};
    all->calls.errors = all->errors;
    all->calls.error_count = 2;
    all->calls.bytes = UINT64_MAX;
    all->calls.begin_unknown = 1;
    all->calls.end_unknown = 2;
    all->calls.refused = 3;
    for (unsigned i = 0; i < 33; i++) { /* counts of more than 32 bits */
        struct durations same = {0};
        durations_merge(&same, &all->calls.complete);
        durations_merge(&all->calls.complete, &same);
        durations_clear(&same);
    }
    all->calls.slowest_entry_ns = 99;
    durations_add(&all->phase.complete, 0);
    durations_add(&all->phase.complete, 7);
    durations_add(&all->phase.complete, 5);
    all->phase.syscalls = 3;
    all->phase.time = (struct time_vector){.user_ns = (uint64_t)-5,
                                           .sys_ns = INT64_MAX,
                                           .runnable_ns = (uint64_t)INT64_MIN,
                                           .unknown_ns = 4,
                                           .blocked_ns = 3,
                                           .before_running_ns = 2,
                                           .before_blocked_ns = 1,
                                           .blocked_in = all->blocked_in,
                                           .blocked_count = 2};
    all->blocked_in[0] = (struct blocked_in){2, 1000};
    all->blocked_in[1] = (struct blocked_in){1, (uint64_t)-1000};
    durations_add(&all->uses.calls, 12);
    all->uses.read_bytes = 1;
    all->uses.write_bytes = 2;
    durations_add(&all->latency, 5);
    durations_add(&all->latency, 9);
    all->time.user_ns = 77;
}

static const struct interval_fact the_mark = {
    .chunk = 17,
    .chunks = 1,
    .gap = true,
    .events = 1000,
    .tallies.at = {[TALLY_DISCARDED] = 3, [TALLY_LOSS_BORDERS] = 2},
    .any_event = true,
    .first_ns = 1,
    .last_ns = 2,
    .offset_ns = -5,
    .kernel = true,
    .host = {"web1", 4}};

static void fill(struct one_of_each *all)
{
    *all = (struct one_of_each){.names = {text_of("unused"), text_of("futex"), text_of("read")}};
    fill_cells(all);
    struct text phase = text_of("request/query"), call = text_of("read");
    size_t i = 0;
    all->results[i].type = RESULT_PROCESS;
    all->results[i++].process = (struct process_fact){
        .id = UINT64_C(3) << 32 | 42, .pid = 42, .ppid = 1, .fork_ns = 5, .fork_seen = true};
    all->results[i].type = RESULT_THREAD;
    all->results[i++].thread_fact = (struct thread_fact){.id = UINT64_MAX,
                                                         .process = UINT64_C(3) << 32 | 42,
                                                         .tid = 43,
                                                         .begin_ns = 6,
                                                         .end_ns = UINT64_MAX,
                                                         .begin_hard = true,
                                                         .kernel_named = true,
                                                         .name = text_of("w\xc3\xb6rker")};
    all->results[i].type = RESULT_DESCRIPTOR;
    all->results[i++].descriptor_fact = (struct descriptor_fact){.id = 9,
                                                                 .process = 42,
                                                                 .fd = 5,
                                                                 .begin_ns = 8,
                                                                 .end_ns = 10,
                                                                 .end_hard = true,
                                                                 .ended = true,
                                                                 .named = true,
                                                                 .kind = DESCRIPTOR_SOCKET,
                                                                 .name = text_of("")};
    all->results[i++] = (struct result){.type = RESULT_FIRST_CALL,
                                        .thread = 4,
                                        .stretch = 2,
                                        .call = text_of("poll"),
                                        .in_call = true};
    all->results[i++] = (struct result){
        .type = RESULT_CALLS, .thread = 4, .phase = phase, .call = call, .calls = &all->calls};
    all->results[i++] = (struct result){.type = RESULT_PHASE,
                                        .thread = 4,
                                        .stretch = 7,
                                        .phase = phase,
                                        .call_names = all->names,
                                        .phase_cell = &all->phase};
    all->results[i++] = (struct result){
        .type = RESULT_USES, .descriptor = 9, .thread = 4, .phase = phase, .uses = &all->uses};
    all->results[i++] =
        (struct result){.type = RESULT_LATENCY, .thread = 4, .latency = &all->latency};
    all->results[i] = (struct result){.type = RESULT_RUN, .thread = 4};
    all->results[i].run.cpu_ns = 70;
    all->results[i].run.switches = 6;
    all->results[i++].run.time = &all->time;
    all->results[i++] = (struct result){.type = RESULT_CPU, .cpu = 3, .ran = {1234, 567}};
    all->results[i].type = RESULT_INTERVAL;
    all->results[i++].interval = &the_mark;
    cr_assert(eq(sz, i, 11));
}

static bool same_time(const struct result *a, const struct time_vector *x, const struct result *b,
                      const struct time_vector *y)
{
    bool same = x->user_ns == y->user_ns && x->sys_ns == y->sys_ns &&
                x->runnable_ns == y->runnable_ns && x->unknown_ns == y->unknown_ns &&
                x->blocked_ns == y->blocked_ns && x->before_running_ns == y->before_running_ns &&
                x->before_blocked_ns == y->before_blocked_ns &&
                x->blocked_count == y->blocked_count;
    for (uint32_t i = 0; same && i < x->blocked_count; i++)
        same = x->blocked_in[i].ns == y->blocked_in[i].ns &&
               text_equal(result_call_name(a, x->blocked_in[i].call),
                          result_call_name(b, y->blocked_in[i].call));
    return same;
}

static bool same_durations(const struct durations *a, const struct durations *b)
{
    struct durations_bucket left = {0}, right = {0};
    size_t i = 0, k = 0;
    bool same = a->count == b->count && a->total_ns == b->total_ns && a->min_ns == b->min_ns &&
                a->max_ns == b->max_ns;
    while (same && durations_next(a, &i, &left))
        same = durations_next(b, &k, &right) && left.bucket == right.bucket &&
               left.count == right.count;
    return same && !durations_next(b, &k, &right);
}

Test(result, of_each_kind_comes_back_as_it_was)
{
    struct one_of_each all;
    fill(&all);
    struct result_group group = {.pid = 42, .results = all.results, .count = 11};
    struct taken taken;
    encode(&taken, &group, 1);
    cr_assert(eq(sz, taken.count, 1));
    cr_expect(text_equal(taken.keys[0], text_of("web1/shop/20261122/42")));
    struct result_record record = decoded(&taken, 0);
    cr_expect(text_equal(record.meta.session, meta.session));
    cr_expect(eq(u64, record.meta.chunk, 17));
    cr_expect(memcmp(record.meta.clock_uuid, meta.clock_uuid, 16) == 0);
    cr_expect(record.last);
    cr_assert(eq(sz, record.count, 11));
    const struct result *r = record.results;
    for (size_t i = 0; i < 11; i++) {
        cr_expect(eq(int, r[i].type, all.results[i].type));
        cr_expect(eq(u64, r[i].thread, all.results[i].thread));
        cr_expect(eq(u64, r[i].descriptor, all.results[i].descriptor));
        cr_expect(eq(u32, r[i].stretch, all.results[i].stretch));
        cr_expect(text_equal(r[i].phase, all.results[i].phase));
        cr_expect(text_equal(r[i].call, all.results[i].call));
    }
    struct process_fact process = all.results[0].process;
    cr_expect(r[0].process.id == process.id && r[0].process.pid == 42 && r[0].process.ppid == 1 &&
              r[0].process.fork_ns == 5 && r[0].process.fork_seen);
    const struct thread_fact *thread = &r[1].thread_fact;
    cr_expect(thread->id == UINT64_MAX && thread->process == process.id && thread->tid == 43 &&
              thread->begin_ns == 6 && thread->end_ns == UINT64_MAX && thread->begin_hard &&
              !thread->end_hard && thread->kernel_named &&
              text_equal(thread->name, text_of("w\xc3\xb6rker")));
    const struct descriptor_fact *descriptor = &r[2].descriptor_fact;
    cr_expect(descriptor->id == 9 && descriptor->process == 42 && descriptor->fd == 5 &&
              descriptor->begin_ns == 8 && descriptor->end_ns == 10 && descriptor->end_hard &&
              !descriptor->begin_hard && descriptor->ended && descriptor->named &&
              descriptor->kind == DESCRIPTOR_SOCKET && descriptor->name.count == 0);
    cr_expect(r[3].in_call);
    cr_expect(same_durations(&r[4].calls->complete, &all.calls.complete));
    cr_expect(r[4].calls->bytes == UINT64_MAX && r[4].calls->begin_unknown == 1 &&
              r[4].calls->end_unknown == 2 && r[4].calls->refused == 3 &&
              r[4].calls->slowest_entry_ns == 99 && r[4].calls->error_count == 2 &&
              memcmp(r[4].calls->errors, all.errors, sizeof all.errors) == 0);
    cr_expect(same_durations(&r[5].phase_cell->complete, &all.phase.complete));
    cr_expect(eq(u64, r[5].phase_cell->syscalls, 3));
    cr_expect(same_time(&r[5], &r[5].phase_cell->time, &all.results[5], &all.phase.time));
    cr_expect(same_durations(&r[6].uses->calls, &all.uses.calls));
    cr_expect(r[6].uses->read_bytes == 1 && r[6].uses->write_bytes == 2);
    cr_expect(same_durations(r[7].latency, &all.latency));
    cr_expect(r[8].run.cpu_ns == 70 && r[8].run.switches == 6);
    cr_expect(same_time(&r[8], r[8].run.time, &all.results[8], &all.time));
    cr_expect(r[9].cpu == 3 && r[9].ran.busy_ns == 1234 && r[9].ran.idle_ns == 567);
    const struct interval_fact *mark = r[10].interval;
    cr_expect(mark->chunk == 17 && mark->chunks == 1 && mark->gap && mark->events == 1000 &&
              mark->tallies.at[TALLY_DISCARDED] == 3 && mark->tallies.at[TALLY_LOSS_BORDERS] == 2 &&
              mark->any_event && mark->first_ns == 1 && mark->last_ns == 2 &&
              mark->offset_ns == -5 && mark->kernel && !mark->user &&
              text_equal(mark->host, text_of("web1")));
    durations_clear(&all.calls.complete);
    arena_clear(&taken.arena);
}

Test(result, an_instance_comes_back_as_it_was)
{
    struct text names[] = {text_of("id"), text_of("path"), text_of("size")};
    struct field_value values[] = {{.type = FIELD_INT, .i = INT64_MIN},
                                   {.type = FIELD_TEXT, .text = text_of("a.mp4")},
                                   {.type = FIELD_ABSENT}};
    struct text calls[] = {text_of("futex")};
    struct blocked_in blocked = {0, 3};
    struct instance_wait waits[] = {{wait_who(WAKER_THREAD, UINT32_MAX), 2, 3},
                                    {wait_who(WAKER_UNKNOWN, 0), 1, 1},
                                    {wait_who(WAKER_IRQ, 45), 1, UINT64_MAX}};
    const struct instance_result content = {
        .ended = {.rank = {.ns = 5, .begin_ns = 6, .order = 65537},
                  .pid = 42,
                  .end_tid = 7,
                  .calls = 2,
                  .queued_ns = 4,
                  .parallel_ns = 1,
                  .time = {.user_ns = 2, .blocked_in = &blocked, .blocked_count = 1},
                  .values = values,
                  .value_count = 3,
                  .waits = waits,
                  .wait_count = 3},
        .rule = {.count = 10, .over_ns = 500},
        .names = names,
        .match_count = 1};
    struct instance_result correction = {.ended = {.rank = {.order = 65537}, .pid = 42},
                                         .is_correction = true};
    correction.ended.time.user_ns = (uint64_t)-2;
    struct result results[2] = {{.type = RESULT_INSTANCE,
                                 .thread = 4,
                                 .stretch = 1,
                                 .phase = text_of("request"),
                                 .call_names = calls,
                                 .instance = &content},
                                {.type = RESULT_INSTANCE,
                                 .thread = 4,
                                 .phase = text_of("request"),
                                 .instance = &correction}};
    struct result_group group = {.pid = 42, .results = results, .count = 2};
    struct taken taken;
    encode(&taken, &group, 1);
    struct result_record record = decoded(&taken, 0);
    cr_assert(eq(sz, record.count, 2));
    const struct instance_result *again = record.results[0].instance;
    cr_expect(text_equal(record.results[0].phase, text_of("request")));
    cr_expect(record.results[0].thread == 4 && record.results[0].stretch == 1);
    cr_expect(again->ended.rank.ns == 5 && again->ended.rank.begin_ns == 6 &&
              again->ended.rank.order == 65537 && again->ended.pid == 42 &&
              again->ended.end_tid == 7 && again->ended.calls == 2 && again->ended.queued_ns == 4 &&
              again->ended.parallel_ns == 1);
    cr_expect(same_time(&record.results[0], &again->ended.time, &results[0], &content.ended.time));
    cr_expect(again->rule.count == 10 && again->rule.over_ns == 500 && !again->is_correction);
    cr_assert(again->ended.value_count == 3 && again->match_count == 1);
    for (size_t i = 0; i < 3; i++)
        cr_expect(text_equal(again->names[i], names[i]) &&
                  again->ended.values[i].type == values[i].type);
    cr_expect(again->ended.values[0].i == INT64_MIN &&
              text_equal(again->ended.values[1].text, text_of("a.mp4")));
    cr_assert(again->ended.wait_count == 3);
    for (size_t i = 0; i < 3; i++)
        cr_expect(again->ended.waits[i].who == waits[i].who &&
                  again->ended.waits[i].count == waits[i].count &&
                  again->ended.waits[i].total_ns == waits[i].total_ns);
    const struct instance_result *corrected = record.results[1].instance;
    cr_expect(corrected->is_correction && corrected->ended.rank.order == 65537 &&
              corrected->ended.time.user_ns == (uint64_t)-2 && corrected->ended.value_count == 0);
    arena_clear(&taken.arena);
}

/* The encoding of fill() in format 2, except that 2^33 is added only to the calls of 2^7 ns. */
Test(result, of_waits_comes_back_as_it_was)
{
    const struct result waits[] = {{.type = RESULT_WAITS,
                                    .thread = 4,
                                    .phase = text_of("work"),
                                    .wait_who = wait_who(WAKER_THREAD, UINT32_MAX),
                                    .wait = {3, 90, 60}},
                                   {.type = RESULT_WAITS,
                                    .thread = 4,
                                    .phase = text_of(""),
                                    .wait_who = wait_who(WAKER_SOFTIRQ, 3),
                                    .wait = {1, 7, 7}},
                                   {.type = RESULT_WAITS,
                                    .thread = 4,
                                    .phase = text_of(""),
                                    .wait_who = wait_who(RAN_EARLIER, 0),
                                    .wait = {1, UINT64_MAX, UINT64_MAX}}};
    enum { COUNT = sizeof waits / sizeof *waits };
    struct result_group group = {.pid = 42, .results = waits, .count = COUNT};
    struct taken taken;
    encode(&taken, &group, 1);
    struct result_record record = decoded(&taken, 0);
    cr_assert(eq(sz, record.count, COUNT));
    for (size_t i = 0; i < COUNT; i++) {
        const struct result *each = &record.results[i];
        cr_expect(eq(int, each->type, RESULT_WAITS));
        cr_expect(eq(u64, each->thread, 4));
        cr_expect(text_equal(each->phase, waits[i].phase));
        cr_expect(eq(u64, each->wait_who, waits[i].wait_who));
        cr_expect(memcmp(&each->wait, &waits[i].wait, sizeof waits[i].wait) == 0);
    }
    arena_clear(&taken.arena);
}

Test(result, of_the_format_before_is_read)
{
    uint8_t kept[1024];
    FILE *file = fopen(TEST_DATA "/formats/result-2.bin", "rb");
    cr_assert(file != NULL);
    struct bytes bytes = {kept, fread(kept, 1, sizeof kept, file)};
    fclose(file);
    struct arena arena = {.first = NULL};
    struct result_record record;
    struct failure why;
    cr_assert(eq(int, result_decode(bytes, &arena, &record, &why), STATUS_OK), "%s", why.text);
    cr_assert(eq(sz, record.count, 11));
    const struct result *r = record.results;
    const struct durations *calls = &r[4].calls->complete;
    uint64_t log2[DURATIONS_POWERS];
    durations_log2(calls, log2);
    struct durations each = {0};
    uint64_t ns = 1;
    for (; ns < UINT64_C(1) << 50; ns *= 3) {
        unsigned power = durations_bucket(ns) / DURATIONS_PARTS;
        cr_expect(log2[power] == 1 || power == 47 || (power == 7 && log2[7] >> 33 == 1), "%u",
                  power);
        durations_add(&each, ns);
    }
    cr_expect(eq(u64, calls->count, each.count + (UINT64_C(1) << 33)));
    cr_expect(eq(u64, calls->total_ns, each.total_ns));
    cr_expect(calls->min_ns == 1 && calls->max_ns == ns / 3);
    durations_clear(&each);
    struct one_of_each all;
    fill(&all);
    cr_expect(same_durations(&r[5].phase_cell->complete, &all.phase.complete));
    cr_expect(same_durations(&r[6].uses->calls, &all.uses.calls));
    cr_expect(same_durations(r[7].latency, &all.latency));
    durations_clear(&all.calls.complete);
    arena_clear(&arena);
}

Test(result, three_durations_come_back_though_their_sum_does_not_fit)
{
    struct durations three = {0};
    for (unsigned i = 0; i < 3; i++)
        durations_add(&three, UINT64_MAX - i);
    struct result latency = {.type = RESULT_LATENCY, .thread = 1, .latency = &three};
    struct result_group group = {.pid = 42, .results = &latency, .count = 1};
    struct taken taken;
    encode(&taken, &group, 1);
    struct result_record record = decoded(&taken, 0);
    cr_expect(same_durations(record.results[0].latency, &three));
    cr_expect(eq(u64, record.results[0].latency->middle_ns, UINT64_MAX - 1));
    arena_clear(&taken.arena);
}

Test(result, is_keyed_by_process_or_thread_or_host)
{
    struct result cpu = {.type = RESULT_CPU, .cpu = 0};
    struct result_group groups[] = {{.pid = 7, .results = &cpu, .count = 1},
                                    {.tid = 8, .results = &cpu, .count = 1},
                                    {.results = &cpu, .count = 1}};
    struct taken taken;
    encode(&taken, groups, 3);
    cr_assert(eq(sz, taken.count, 3));
    cr_expect(text_equal(taken.keys[0], text_of("web1/shop/20261122/7")));
    cr_expect(text_equal(taken.keys[1], text_of("web1/shop/20261122/t/8")));
    cr_expect(text_equal(taken.keys[2], text_of("web1/shop/20261122/host")));
    for (uint32_t i = 0; i < 3; i++) {
        struct result_record record = decoded(&taken, i);
        cr_expect(eq(u32, record.part, i));
        cr_expect(eq(int, record.last, i == 2));
    }
    arena_clear(&taken.arena);
}

/* Descriptors with names as long as they may be, and longer. */
Test(result, records_stay_below_their_limit)
{
    enum { COUNT = 300 };
    static struct result results[COUNT];
    char *name = memory_new(2 * RESULT_NAME_MAX);
    memset(name, 'x', 2 * RESULT_NAME_MAX);
    struct arena arena = {.first = NULL};
    for (size_t i = 0; i < COUNT; i++) {
        size_t count = i % 3 == 0 ? RESULT_NAME_MAX : i % 3 == 1 ? 2 * RESULT_NAME_MAX : 40000;
        snprintf(name, 8, "%zu", i);
        results[i].type = RESULT_DESCRIPTOR;
        results[i].descriptor_fact = (struct descriptor_fact){
            .id = i + 1,
            .named = true,
            .name = {arena_string(&arena, (struct text){name, count}), count}};
    }
    struct result_group group = {.pid = 7, .results = results, .count = COUNT};
    struct taken taken;
    encode(&taken, &group, 1);
    cr_expect(gt(sz, taken.count, 20), "it takes more than one");
    uint64_t next = 1;
    for (size_t i = 0; i < taken.count; i++) {
        cr_expect(lt(sz, taken.records[i].count, RESULT_RECORD_MAX));
        struct result_record record = decoded(&taken, i);
        for (size_t k = 0; k < record.count; k++) {
            cr_expect(eq(u64, record.results[k].descriptor_fact.id, next++));
            cr_expect(le(sz, record.results[k].descriptor_fact.name.count, RESULT_NAME_MAX));
        }
        cr_expect(eq(int, record.last, i + 1 == taken.count));
    }
    cr_expect(eq(u64, next, COUNT + 1));
    free(name);
    arena_clear(&arena);
    arena_clear(&taken.arena);
}

static enum status decode_bytes(const uint8_t *bytes, size_t count)
{
    struct arena arena = {.first = NULL};
    struct result_record record;
    struct failure why;
    enum status status = result_decode((struct bytes){bytes, count}, &arena, &record, &why);
    arena_clear(&arena);
    return status;
}

Test(result, of_a_newer_format_stops_the_reader)
{
    /* format 3, session "s", chunk 0, part 0, and an unknown field */
    static const uint8_t newer[] = {8, 4, 18, 1, 's', 24, 0, 32, 0, 0xa0, 6, 1};
    static const uint8_t known[] = {8, 3, 18, 1, 's', 24, 0, 32, 0, 0xa0, 6, 1};
    static const uint8_t none[] = {8, 0, 18, 1, 's', 24, 0, 32, 0};
    cr_expect(eq(int, decode_bytes(newer, sizeof newer), STATUS_STOP));
    cr_expect(eq(int, decode_bytes(known, sizeof known), STATUS_OK));
    cr_expect(eq(int, decode_bytes(none, sizeof none), STATUS_REJECT));
    cr_expect(eq(int, decode_bytes(newer, 5), STATUS_REJECT), "cut short");
    cr_expect(eq(int, decode_bytes((const uint8_t *)"{}", 2), STATUS_REJECT));
    cr_expect(eq(int, decode_bytes(NULL, 0), STATUS_REJECT));
}

Test(result, of_a_kind_that_nobody_knows_yet_is_passed_over)
{
    /* results: one with field 99 (of 2 bytes), one that is CPU 5 */
    static const uint8_t bytes[] = {8,    2, 18, 1, 's', 24, 0, 32, 0, 66, 5,
                                    0x9a, 6, 2,  8, 1,   66, 4, 82, 2, 8,  5};
    struct arena arena = {.first = NULL};
    struct result_record record;
    struct failure why;
    enum status status = result_decode((struct bytes){bytes, sizeof bytes}, &arena, &record, &why);
    cr_assert(eq(int, status, STATUS_OK), "%s", why.text);
    cr_assert(eq(sz, record.count, 1));
    cr_expect(eq(int, record.results[0].type, RESULT_CPU));
    cr_expect(eq(int, record.results[0].cpu, 5));
    arena_clear(&arena);
}

Test(result, that_names_what_is_not_there_is_refused)
{
    /* CPU 5 million; a first call whose name has index 3, of none */
    static const uint8_t cpu[] = {8,  2, 18, 1, 's', 24,   0,    32,   0,
                                  66, 6, 82, 4, 8,   0xc0, 0x96, 0xb1, 2};
    static const uint8_t name[] = {8, 2, 18, 1, 's', 24, 0, 32, 0, 66, 6, 50, 4, 8, 1, 24, 3};
    cr_expect(eq(int, decode_bytes(cpu, sizeof cpu), STATUS_REJECT));
    cr_expect(eq(int, decode_bytes(name, sizeof name), STATUS_REJECT));
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* For any bytes, decoding returns a status; accepted records can be folded. */
Test(result, damaged_anywhere_never_breaks_the_reader)
{
    struct one_of_each all;
    fill(&all);
    struct result_group group = {.pid = 42, .results = all.results, .count = 11};
    struct taken taken;
    encode(&taken, &group, 1);
    struct bytes whole = taken.records[0];
    uint8_t *bytes = memory_new(whole.count);
    uint64_t random = 88172645463325252u;
    size_t taken_ones = 0, refused = 0;
    for (int round = 0; round < 60000; round++) {
        memcpy(bytes, whole.at, whole.count);
        size_t count = whole.count;
        for (uint64_t changes = 1 + next_random(&random) % 4; changes > 0; changes--)
            bytes[next_random(&random) % count] = (uint8_t)next_random(&random);
        if (round % 5 == 0)
            count = next_random(&random) % count;
        struct arena arena = {.first = NULL};
        struct result_record record;
        struct failure why;
        enum status status = result_decode((struct bytes){bytes, count}, &arena, &record, &why);
        if (status == STATUS_OK) {
            taken_ones++;
            struct fold *fold = fold_new(record.meta.session);
            for (size_t i = 0; i < record.count; i++)
                fold_take(fold, &record.results[i]);
            fold_forget(fold);
            struct session_report report;
            fold_report(fold, &arena, &report);
            fold_free(fold);
        } else {
            refused++;
            cr_assert(status == STATUS_REJECT || status == STATUS_STOP);
        }
        arena_clear(&arena);
    }
    cr_expect(gt(sz, taken_ones, 1000), "some damage is not seen");
    cr_expect(gt(sz, refused, 1000));
    free(bytes);
    durations_clear(&all.calls.complete);
    arena_clear(&taken.arena);
}
