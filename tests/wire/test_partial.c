/* Items of all kinds, with all that they may have: what is decoded and encoded again has the same
 * bytes, and of damaged ones nothing is read that is not there. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "wire/partial_codec.h"

enum { RECORDS_MAX = 16 };

struct records {
    struct bytes at[RECORDS_MAX]; /* owned */
    size_t count;
};

static void take(void *context, struct text key, struct bytes record)
{
    struct records *records = context;
    cr_assert(key.count > 0);
    uint8_t *copy = memory_new(record.count);
    memcpy(copy, record.at, record.count);
    records->at[records->count++] = (struct bytes){copy, record.count};
}

static void drop(struct records *records)
{
    for (size_t i = 0; i < records->count; i++)
        free((void *)(uintptr_t)records->at[i].at);
}

static struct durations durations(size_t count, const uint64_t *ns)
{
    struct durations cell = {.count = 0};
    for (size_t i = 0; i < count; i++)
        durations_add(&cell, ns[i]);
    return cell;
}

static const uint64_t NS[] = {700, 0, 12345678901, 5, 800, 1, 1ull << 60};
static const int64_t INTS[] = {1, -2, INT64_MIN, INT64_MAX};
static const struct field_value NO_FIELDS[] = {{.type = FIELD_ABSENT}};

/* One of each kind, all of process 7. Returns how many. */
static size_t samples(struct schema *schema, struct item *items, struct piece_call *calls,
                      struct error_count *errors, struct blocked_in *blocked)
{
    const struct syscall *read = schema_call(schema, text_of("read"));
    const struct syscall *close = schema_call(schema, text_of("close"));
    const struct event_class *class =
        schema_class(schema, DOMAIN_KERNEL, text_of("sched_process_fork"));
    size_t count = 0;

    struct item *event = &items[count++];
    event->kind = ITEM_EVENT;
    event->event.tid = 4711;
    event->event.elsewhere = true;
    event->event.event = (struct event){.time_ns = 1000000,
                                        .class = class,
                                        .cpu = 3,
                                        .kind = class->kind,
                                        .has = EVENT_HAS_TID | EVENT_HAS_PID | EVENT_HAS_VTID |
                                               EVENT_HAS_VPID | EVENT_HAS_PROCNAME,
                                        .present = UINT8_MAX,
                                        .int_count = 4,
                                        .value = {1, -1, INT64_MIN, INT64_MAX, 0, 300},
                                        .text = {text_of("parent"), text_of("child")},
                                        .tid = -1,
                                        .pid = INT32_MAX,
                                        .vtid = INT32_MIN,
                                        .vpid = 0,
                                        .procname = text_of("comm"),
                                        .ints = INTS,
                                        .fields = NO_FIELDS};
    items[count] = items[count - 1];
    items[count].event.tid = TID_NOBODY;
    items[count].event.elsewhere = false;
    items[count++].event.event =
        (struct event){.time_ns = 999, .class = class, .cpu = -1, .kind = class->kind};

    errors[0] = (struct error_count){2, UINT64_C(1) << 40};
    errors[1] = (struct error_count){4095, 1};
    calls[0] = (struct piece_call){.call = read,
                                   .cell = {.complete = durations(7, NS),
                                            .bytes = UINT64_MAX,
                                            .begin_unknown = 1,
                                            .end_unknown = 2,
                                            .refused = 3,
                                            .slowest_entry_ns = 12345,
                                            .errors = errors,
                                            .error_count = 2}};
    calls[1] = (struct piece_call){.call = close, .cell = {.complete = durations(3, NS)}};
    /* More than 32 bits count: so many calls take a day. */
    for (unsigned i = 0; i < 33; i++) {
        struct durations same = {0};
        durations_merge(&same, &calls[0].cell.complete);
        durations_merge(&calls[0].cell.complete, &same);
        durations_clear(&same);
    }
    blocked[0] = (struct blocked_in){read->id, 77};
    blocked[1] = (struct blocked_in){close->id, UINT64_MAX};
    static struct piece_phase phases[2];
    phases[0] = (struct piece_phase){
        .label = 1, .cell = {.complete = durations(5, NS), .hopped = 2, .over = 4}};
    phases[0].cell.time = (struct time_vector){.as_before_ns = 9, .unknown_ns = 1};
    phases[1] = (struct piece_phase){
        .label = 2, .cell = {.begin_unknown = 1, .end_unknown = 2, .syscalls = UINT64_MAX}};
    static struct piece_closing closings[] = {
        {.label = 1, .order = 65537, .pid = 5, .begin_ns = 1999000, .end_ns = 2000000}};
    static struct field_value values[] = {{.type = FIELD_UINT, .u = UINT64_MAX},
                                          {.type = FIELD_TEXT, .text = {"a.mp4", 5}},
                                          {.type = FIELD_ABSENT}};
    static struct piece_ended ended[] = {
        {.label = 1,
         .definition = 1,
         .ended = {.rank = {.ns = 1000, .begin_ns = 1999000, .order = 65537},
                   .pid = 5,
                   .end_tid = 8,
                   .calls = 3,
                   .values = values,
                   .value_count = 3}},
        {.label = 2, .ended = {.rank = {.ns = 0, .begin_ns = 1, .order = 1}}}};
    ended[0].ended.time = (struct time_vector){.user_ns = 1, .before_blocked_ns = 999};
    static struct piece_credit credits[] = {{2, 7}};
    calls[1].label = 2;
    struct item *thread = &items[count++];
    thread->kind = ITEM_THREAD;
    thread->thread = (struct thread_piece){.tid = 7,
                                           .last_ns = 2000001,
                                           .named_ns = 1999999,
                                           .state_known = true,
                                           .state = STATE_BLOCKED,
                                           .from_ns = 1000000,
                                           .until_ns = 2000000,
                                           .state_since_ns = 1500000,
                                           .wake_ns = 1600000,
                                           .call_register = CALL_OPEN,
                                           .open = {.call = read,
                                                    .entry_ns = 1400000,
                                                    .present = 0x4f,
                                                    .value = {1, 2, -3, 4},
                                                    .text = text_of("/tmp/x")},
                                           .cpu_ns = 1,
                                           .switches = 2,
                                           .latency = durations(2, NS),
                                           .time = {1, 2, 3, 4, 5, 6, 7, 0, blocked, 2, 2},
                                           .calls = calls,
                                           .call_count = 2,
                                           .open_label = 3,
                                           .phases = phases,
                                           .phase_count = 2,
                                           .ended = ended,
                                           .ended_count = 2,
                                           .closings = closings,
                                           .closing_count = 1,
                                           .credits = credits,
                                           .credit_count = 1,
                                           .kernel_named = true,
                                           .user_named = true,
                                           .kernel_name = text_of("kernel's"),
                                           .user_name = text_of("own")};
    struct item *other = &items[count++];
    other->kind = ITEM_THREAD;
    other->thread = (struct thread_piece){
        .tid = 8, .last_ns = 17, .named_ns = 18, .wake_ns = TIME_NONE, .call_register = CALL_NONE};
    items[count].kind = ITEM_CPU;
    items[count++].cpu = (struct cpu_piece){
        .cpu = 7, .current = 0, .run_begin_ns = 5, .run_whole = true, .last_ns = 6, .busy_ns = 1};
    items[count].kind = ITEM_CPU;
    items[count++].cpu = (struct cpu_piece){.cpu = 65536, .current = TID_NOBODY};
    items[count].kind = ITEM_USES;
    items[count++].uses = (struct uses_piece){
        .tid = 7,
        .fd = INT32_MAX,
        .proven_ns = 5,
        .cell = {.calls = durations(4, NS), .read_bytes = 1, .write_bytes = UINT64_MAX}};
    items[count].kind = ITEM_DESCRIPTOR_CALL;
    items[count++].descriptor_call = (struct descriptor_call){.tid = 8,
                                                              .call = close,
                                                              .entry_ns = 100,
                                                              .exit_ns = 101,
                                                              .ret = -9,
                                                              .present = 0x41,
                                                              .value = {1000},
                                                              .text = text_of("argument"),
                                                              .pair = {5, -6},
                                                              .has_pair = true};
    items[count].kind = ITEM_LIFE;
    items[count++].life =
        (struct life_piece){.tid = 7,
                            .fd = 3,
                            .begin_ns = 50,
                            .named = true,
                            .name = text_of("/etc/passwd"),
                            .kind = 1,
                            .cloexec = true,
                            .ended = true,
                            .end_ns = 60,
                            .cell = {.calls = durations(1, NS), .read_bytes = 1, .write_bytes = 2}};
    items[count].kind = ITEM_LABEL;
    items[count++].label =
        (struct label_piece){.kind = LABEL_TOP, .tid = 7, .time_ns = 1234567, .name = text_of("")};
    items[count].kind = ITEM_LABEL;
    items[count++].label = (struct label_piece){.kind = LABEL_PARENT,
                                                .tid = 7,
                                                .time_ns = 1234568,
                                                .definition = 1,
                                                .under = 1,
                                                .name = text_of("")};
    items[count].kind = ITEM_LABEL;
    items[count++].label =
        (struct label_piece){.kind = LABEL_CHILD, .under = 2, .name = text_of("parse")};
    static struct field_value match[] = {{.type = FIELD_INT, .i = -5},
                                         {.type = FIELD_TEXT, .text = {"r1", 2}}};
    items[count].kind = ITEM_INSTANCE;
    items[count++].instance = (struct instance_piece){.tid = 7,
                                                      .definition = 1,
                                                      .label = 3,
                                                      .by_user = true,
                                                      .in_call = true,
                                                      .begin_ns = 1000,
                                                      .until_ns = 1500,
                                                      .event = 77,
                                                      .calls = 3,
                                                      .time = {.runnable_ns = 500},
                                                      .values = match,
                                                      .value_count = 2};
    for (size_t i = 0; i < count; i++)
        items[i].key_pid = 7;
    return count;
}

static struct records encoded(const struct schema *schema, const struct item *items, size_t count)
{
    struct records records = {.count = 0};
    struct partial_encoder *encoder = partial_encoder_new(schema);
    for (size_t i = 0; i < count; i++)
        partial_encoder_add(encoder, &items[i]);
    struct record_meta meta = {.session = text_of("h/s/t"), .chunk = 3, .attempt = 9};
    struct interval_end end = {.items = count, .first_ns = TIME_NONE, .last_ns = TIME_NONE};
    partial_encoder_finish(encoder, &meta, &end, (struct record_sink){take, &records});
    partial_encoder_free(encoder);
    return records;
}

static struct records sample_records(struct schema *schema)
{
    struct item items[RECORDS_MAX] = {{.kind = 0}};
    struct piece_call calls[2];
    struct error_count errors[2];
    struct blocked_in blocked[2];
    size_t count = samples(schema, items, calls, errors, blocked);
    struct records records = encoded(schema, items, count);
    cr_assert(eq(sz, records.count, 2));
    for (size_t i = 0; i < 2; i++)
        durations_clear(&calls[i].cell.complete);
    for (size_t i = 0; i < count; i++)
        if (items[i].kind == ITEM_USES)
            use_cell_clear(&items[i].uses.cell);
    return records;
}

Test(partial, items_come_back_as_they_were)
{
    struct schema *schema = schema_new(NULL);
    struct records records = sample_records(schema);
    struct arena arena = {.first = NULL};
    struct decoded_record decoded;
    struct failure why;
    cr_assert(
        eq(int,
           partial_decode(records.at[0], schema, schema_own_set(schema), &arena, &decoded, &why),
           STATUS_OK),
        "%s", why.text);
    struct item items[RECORDS_MAX];
    for (size_t i = 0; i < decoded.count; i++) {
        cr_expect(eq(u64, decoded.items[i].position, i));
        items[i] = item_copy(&arena, decoded.items[i].item);
        items[i].key_pid = 7;
    }
    struct records again = encoded(schema, items, decoded.count);
    cr_assert(eq(sz, again.at[0].count, records.at[0].count));
    cr_expect(memcmp(again.at[0].at, records.at[0].at, again.at[0].count) == 0);

    /* Encoding and decoding may agree on what is wrong: some values by themselves. */
    const struct event *event = &items[0].event.event;
    cr_expect(eq(i32, items[0].event.tid, 4711));
    cr_expect(event->cpu == 3 && event->vtid == INT32_MIN && event->value[3] == INT64_MAX);
    cr_expect(text_equal(event->text[1], text_of("child")));
    cr_expect(event->int_count == 4 && event->ints[1] == -2);
    cr_expect(eq(i32, items[1].event.tid, TID_NOBODY));
    const struct thread_piece *thread = &items[2].thread;
    cr_expect(thread->from_ns == 1000000 && thread->wake_ns == 1600000);
    uint64_t log2[DURATIONS_POWERS];
    durations_log2(&thread->calls[0].cell.complete, log2);
    cr_expect(eq(u64, log2[0], UINT64_C(2) << 33));
    cr_expect(eq(u64, log2[9], UINT64_C(2) << 33));
    cr_expect(eq(u64, log2[60], UINT64_C(1) << 33));
    cr_expect(eq(u64, thread->calls[0].cell.complete.count, UINT64_C(7) << 33));
    cr_expect(eq(u64, thread->calls[0].cell.errors[0].count, UINT64_C(1) << 40));
    cr_expect(eq(u64, thread->calls[0].cell.refused, 3));
    cr_expect(thread->calls[0].cell.errors[1].number == 4095);
    cr_expect(thread->time.blocked_in[1].ns == UINT64_MAX);
    cr_expect(items[7].descriptor_call.pair[1] == -6 && items[7].descriptor_call.ret == -9);
    cr_expect(items[8].life.end_ns == 60 && items[8].life.cloexec);
    cr_expect(thread->open_label == 3 && thread->calls[0].label == 0 &&
              thread->calls[1].label == 2);
    cr_expect(thread->phases[0].cell.hopped == 2 && thread->phases[1].cell.syscalls == UINT64_MAX);
    cr_expect(thread->closings[0].begin_ns == 1999000 && thread->credits[0].count == 7);
    cr_expect(thread->closings[0].order == 65537 && thread->closings[0].pid == 5);
    cr_expect(thread->phases[0].cell.over == 4 && thread->ended_count == 2);
    const struct ended_instance *ended = &thread->ended[0].ended;
    cr_expect(ended->rank.order == 65537 && ended->rank.begin_ns == 1999000 &&
              ended->rank.ns == 1000 && ended->pid == 5 && ended->end_tid == 8 &&
              ended->calls == 3 && ended->time.before_blocked_ns == 999);
    cr_assert(eq(sz, ended->value_count, 3));
    cr_expect(ended->values[0].u == UINT64_MAX && ended->values[2].type == FIELD_ABSENT &&
              text_equal(ended->values[1].text, text_of("a.mp4")));
    cr_expect(thread->ended[1].label == 2 && thread->ended[1].ended.rank.order == 1);
    cr_expect(items[10].label.definition == 1 && items[10].label.under == 1);
    cr_expect(text_equal(items[11].label.name, text_of("parse")));
    cr_expect(items[12].instance.begin_ns == 1000 && items[12].instance.values[0].i == -5);
    drop(&again);
    drop(&records);
    arena_clear(&arena);
    schema_free(schema);
}

/* In memory of its own, so that whatever is read behind its end is noticed (ASan). */
static enum status decode_copy(struct schema *schema, struct bytes record)
{
    uint8_t *copy = malloc(record.count + 1);
    memcpy(copy, record.at, record.count);
    struct arena arena = {.first = NULL};
    struct decoded_record decoded;
    struct failure why;
    enum status status = partial_decode((struct bytes){copy, record.count}, schema,
                                        schema_own_set(schema), &arena, &decoded, &why);
    arena_clear(&arena);
    free(copy);
    return status;
}

Test(partial, what_is_cut_off_is_no_record)
{
    struct schema *schema = schema_new(NULL);
    struct records records = sample_records(schema);
    for (size_t i = 0; i < records.count; i++)
        for (size_t count = 0; count < records.at[i].count; count++)
            cr_expect(eq(int, decode_copy(schema, (struct bytes){records.at[i].at, count}),
                         STATUS_REJECT),
                      "record %zu, %zu bytes of %zu", i, count, records.at[i].count);
    drop(&records);
    schema_free(schema);
}

Test(partial, any_byte_may_be_another)
{
    struct schema *schema = schema_new(NULL);
    struct records records = sample_records(schema);
    for (size_t at = 0; at < records.at[0].count; at++) {
        uint8_t *byte = (uint8_t *)(uintptr_t)&records.at[0].at[at], before = *byte;
        for (unsigned bit = 0; bit < 8; bit++) {
            *byte = (uint8_t)(before ^ 1u << bit);
            enum status status = decode_copy(schema, records.at[0]);
            cr_expect(status == STATUS_OK || status == STATUS_REJECT || status == STATUS_STOP);
        }
        *byte = before;
    }
    drop(&records);
    schema_free(schema);
}

Test(partial, other_formats_are_told_apart)
{
    struct schema *schema = schema_new(NULL);
    struct records records = sample_records(schema);
    uint8_t *format = (uint8_t *)(uintptr_t)&records.at[0].at[1];
    cr_assert(eq(int, *format, 4));
    *format = 1; /* older: of no use */
    cr_expect(eq(int, decode_copy(schema, records.at[0]), STATUS_REJECT));
    *format = 5; /* newer: the program is old, the data is good */
    cr_expect(eq(int, decode_copy(schema, records.at[0]), STATUS_STOP));
    drop(&records);
    schema_free(schema);
}

/* What format 3 made of samples(), but that there 2^33 was added to the reads of 700 ns alone. */
Test(partial, of_the_format_before_is_read)
{
    uint8_t kept[1024];
    FILE *file = fopen(TEST_DATA "/formats/partial-3.bin", "rb");
    cr_assert(file != NULL);
    struct bytes record = {kept, fread(kept, 1, sizeof kept, file)};
    fclose(file);
    struct schema *schema = schema_new(NULL);
    struct arena arena = {.first = NULL};
    struct decoded_record decoded;
    struct failure why;
    cr_assert(eq(int,
                 partial_decode(record, schema, schema_own_set(schema), &arena, &decoded, &why),
                 STATUS_OK),
              "%s", why.text);
    cr_assert(eq(sz, decoded.count, 9));
    const struct durations *reads = &decoded.items[2].item->thread.calls[0].cell.complete;
    uint64_t log2[DURATIONS_POWERS];
    durations_log2(reads, log2);
    cr_expect(eq(u64, reads->count, (UINT64_C(1) << 33) + 7));
    cr_expect(eq(u64, log2[0], 2));
    cr_expect(eq(u64, log2[2], 1));
    cr_expect(eq(u64, log2[9], (UINT64_C(1) << 33) + 2));
    cr_expect(eq(u64, log2[33], 1));
    cr_expect(eq(u64, log2[60], 1));
    cr_expect(eq(u64, reads->min_ns, 0));
    cr_expect(eq(u64, reads->max_ns, UINT64_C(1) << 60));
    struct durations three = {0}, two = {0};
    for (unsigned i = 0; i < 3; i++)
        durations_add(&three, NS[i]);
    for (unsigned i = 0; i < 2; i++)
        durations_add(&two, NS[i]);
    const struct thread_piece *thread = &decoded.items[2].item->thread;
    const struct durations *closes = &thread->calls[1].cell.complete, *waits = &thread->latency;
    cr_expect(closes->count == 3 && closes->total_ns == three.total_ns &&
              closes->middle_ns == three.middle_ns && closes->max_ns == three.max_ns);
    cr_expect(waits->count == 2 && waits->total_ns == two.total_ns);
    cr_expect(eq(u64, decoded.items[8].item->life.cell.calls.total_ns, 700));
    kept[1] = 2; /* such durations were of format 2 as well */
    cr_expect(eq(int, decode_copy(schema, record), STATUS_OK));
    for (size_t count = 0; count < record.count; count++)
        cr_expect(eq(int, decode_copy(schema, (struct bytes){kept, count}), STATUS_REJECT));
    for (size_t at = 2; at < record.count; at++) {
        uint8_t before = kept[at];
        for (unsigned bit = 0; bit < 8; bit++) {
            kept[at] = (uint8_t)(before ^ 1u << bit);
            enum status status = decode_copy(schema, record);
            cr_expect(status == STATUS_OK || status == STATUS_REJECT || status == STATUS_STOP);
        }
        kept[at] = before;
    }
    arena_clear(&arena);
    schema_free(schema);
}
