#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <dlfcn.h>
#include <inttypes.h>

#include "chunk/chunk.h"
#include "mapper/decode/plan_cache.h"
#include "mapper/decode/reader.h"
#include "mapper/readers/readers.h"
#include "tests/chunk/fake_trace.h"

/* A leak in a closed plugin has no symbol to suppress it by. */
__attribute__((constructor)) static void keep_plugin(void)
{
    const char *path = getenv("BT2_PLUGIN");
    if (path)
        (void)dlopen(path, RTLD_NOW | RTLD_NODELETE);
}

#ifndef TEST_DATA
#define TEST_DATA "tests/data"
#endif

/* --- output of a reader as text: one line per event --- */

struct reading {
    struct fake_file text;
    size_t warnings;
    char warning[FAILURE_TEXT_MAX]; /* the first */
};

static void note(void *context, const char *sentence)
{
    struct reading *reading = context;
    if (reading->warnings++ == 0)
        snprintf(reading->warning, sizeof reading->warning, "%s", sentence);
}

static void put_line(struct fake_file *text, const struct event *event)
{
    char line[256];
    int count;
    if (event->kind == EVENT_LOSS)
        count =
            snprintf(line, sizeof line,
                     "%" PRIu64 " cpu%d lost %" PRId64 " %" PRId64 " missing %" PRId64 "\n",
                     event->time_ns, event->cpu, event->value[0], event->value[1], event->value[3]);
    else if (event->kind == EVENT_EXIT)
        count =
            snprintf(line, sizeof line, "%" PRIu64 " cpu%d exit %" PRId64 " %.*s\n", event->time_ns,
                     event->cpu, event->value[0], (int)event->text[0].count, event->text[0].at);
    else
        count = snprintf(line, sizeof line, "%" PRIu64 " cpu%d %s\n", event->time_ns, event->cpu,
                         event->class->name);
    fake_put(text, line, (size_t)count);
}

static enum status read_kind(const struct reader_kind *kind, const struct trace_set *set,
                             struct reading *reading)
{
    struct schema *schema = schema_new(NULL);
    struct reader_choice choice = {.kind = kind};
    struct reader_warnings warnings = {.say = note, .context = reading};
    struct reader *reader;
    struct failure why = {.text = ""};
    *reading = (struct reading){.warnings = 0};
    enum status status = reader_open_as(&choice, set, schema, &warnings, &reader, &why);
    while (status == STATUS_OK) {
        const struct event *events;
        size_t count;
        status = reader_next(reader, &events, &count, &why);
        for (size_t i = 0; status == STATUS_OK && i < count; i++)
            put_line(&reading->text, &events[i]);
    }
    fake_number(&reading->text, 0, 1);
    reader_close(reader);
    schema_free(schema);
    return status;
}

/* The output of the default reader; all others give the same. */
static enum status read_set(const struct trace_set *set, struct reading *reading)
{
    size_t count;
    const struct reader_kind *const *kinds = readers(&count);
    enum status status = read_kind(NULL, set, reading);
    for (size_t i = 0; i < count; i++) {
        struct reading other;
        const char *name = reader_kind_name(kinds[i]);
        cr_expect(eq(int, read_kind(kinds[i], set, &other), status), "%s", name);
        cr_expect(eq(str, (char *)other.text.at, (char *)reading->text.at), "%s", name);
        cr_expect(eq(sz, other.warnings, reading->warnings), "%s: %s", name, other.warning);
        fake_clear(&other.text);
    }
    return status;
}

static void expect_reading(const struct trace_set *set, const char *expected)
{
    struct reading reading;
    cr_expect(eq(int, read_set(set, &reading), STATUS_END));
    cr_expect(eq(str, (char *)reading.text.at, (char *)(uintptr_t)expected));
    fake_clear(&reading.text);
}

/* --- traces of up to four streams --- */

struct fake_trace {
    char *metadata;
    struct fake_file files[4], seams[4];
    struct stream_file streams[4];
    struct trace_files files_of;
    struct trace_set set;
};

static struct fake_trace *trace_new(const char *domain, size_t streams)
{
    static const char *const NAMES[] = {"channel_0", "channel_1", "channel_2", "channel_3"};
    struct fake_trace *trace = memory_new(sizeof *trace);
    trace->metadata = fake_metadata(domain, "h", "s", "20260101T000000+0000");
    for (size_t i = 0; i < streams; i++)
        trace->streams[i].name = memory_string(text_of(NAMES[i]));
    trace->files_of.name = memory_string(text_of(domain));
    trace->files_of.stream_count = streams;
    return trace;
}

static const struct trace_set *trace_set_of(struct fake_trace *trace)
{
    for (size_t i = 0; i < trace->files_of.stream_count; i++) {
        trace->streams[i].data = fake_data(&trace->files[i]);
        trace->streams[i].seam = fake_data(&trace->seams[i]);
    }
    trace->files_of.metadata = fake_bytes(trace->metadata);
    trace->files_of.streams = trace->streams;
    trace->set = (struct trace_set){&trace->files_of, 1};
    return &trace->set;
}

static void trace_free(struct fake_trace *trace)
{
    for (size_t i = 0; i < 4; i++) {
        fake_clear(&trace->files[i]);
        fake_clear(&trace->seams[i]);
        free(trace->streams[i].name);
    }
    free(trace->files_of.name);
    free(trace->metadata);
    free(trace);
}

Test(reader, merges_streams_by_time_then_cpu)
{
    struct fake_trace *trace = trace_new("kernel", 2);
    fake_add(&trace->files[0], (struct fake_packet){.begin = 1, .end = 90, .cpu = 1},
             (uint64_t[]){10, 20, 20, 40}, 4);
    fake_add(&trace->files[1], (struct fake_packet){.begin = 2, .end = 90, .cpu = 0},
             (uint64_t[]){5, 20, 30}, 3);
    expect_reading(trace_set_of(trace), "5 cpu0 other\n10 cpu1 other\n20 cpu0 other\n"
                                        "20 cpu1 other\n20 cpu1 other\n30 cpu0 other\n"
                                        "40 cpu1 other\n");
    trace_free(trace);
}

Test(reader, puts_kernel_before_user_space_at_one_time)
{
    struct fake_trace *kernel = trace_new("kernel", 1), *ust = trace_new("ust", 1);
    fake_add(&kernel->files[0], (struct fake_packet){.begin = 1, .end = 90, .cpu = 1},
             (uint64_t[]){20}, 1);
    fake_add(&ust->files[0], (struct fake_packet){.begin = 1, .end = 90, .cpu = 0},
             (uint64_t[]){20}, 1);
    trace_set_of(kernel);
    trace_set_of(ust);
    struct trace_files both[2] = {kernel->files_of, ust->files_of};
    expect_reading(&(struct trace_set){both, 2}, "20 cpu1 other\n20 cpu0 other\n");
    trace_free(kernel);
    trace_free(ust);
}

Test(reader, holds_times_that_go_backwards)
{
    struct fake_trace *trace = trace_new("kernel", 1);
    fake_add(&trace->files[0], (struct fake_packet){.begin = 1, .end = 90},
             (uint64_t[]){10, 30, 20, 25, 40}, 5);
    struct reading reading;
    cr_expect(eq(int, read_set(trace_set_of(trace), &reading), STATUS_END));
    cr_expect(eq(str, (char *)reading.text.at,
                 "10 cpu0 other\n30 cpu0 other\n30 cpu0 other\n30 cpu0 other\n40 cpu0 other\n"));
    cr_expect(eq(sz, reading.warnings, 1));
    fake_clear(&reading.text);
    trace_free(trace);
}

Test(reader, reads_on_from_the_seam)
{
    struct fake_trace *trace = trace_new("kernel", 2);
    fake_add(&trace->seams[0], (struct fake_packet){.begin = 1, .end = 50, .sequence = 3},
             (uint64_t[]){10}, 1);
    fake_add(&trace->files[0], (struct fake_packet){.begin = 50, .end = 90, .sequence = 4},
             (uint64_t[]){60}, 1);
    fake_add(&trace->seams[1], (struct fake_packet){.begin = 1, .end = 55, .sequence = 9, .cpu = 1},
             (uint64_t[]){30}, 1);
    expect_reading(trace_set_of(trace), "10 cpu0 other\n30 cpu1 other\n60 cpu0 other\n");
    trace_free(trace);
}

Test(reader, copies_what_events_point_to)
{
    struct fake_trace *trace = trace_new("kernel", 1);
    struct fake_packet packet = {.begin = 1, .end = 90};
    fake_begin(&trace->files[0], &packet);
    fake_exit(&trace->files[0], 10, "first", 7);
    fake_exit(&trace->files[0], 20, "", 8);
    fake_exit(&trace->files[0], 30, "third", 9);
    fake_end(&trace->files[0], &packet);
    expect_reading(trace_set_of(trace), "10 cpu0 exit 7 first\n20 cpu0 exit 8 \n"
                                        "30 cpu0 exit 9 third\n");
    trace_free(trace);
}

/* A packet of 10 ns from `sequence` * 10 on, with one event in it. */
static void add_ten(struct fake_file *file, uint64_t sequence, uint64_t discarded)
{
    fake_add(file,
             (struct fake_packet){.begin = 10 * sequence,
                                  .end = 10 * sequence + 9,
                                  .sequence = sequence,
                                  .discarded = discarded},
             (uint64_t[]){10 * sequence + 5}, 1);
}

Test(reader, puts_two_borders_around_a_packet_that_lost_events)
{
    struct fake_trace *trace = trace_new("kernel", 1);
    add_ten(&trace->files[0], 1, 4);
    add_ten(&trace->files[0], 2, 10);
    add_ten(&trace->files[0], 3, 10);
    expect_reading(trace_set_of(trace), "15 cpu0 other\n19 cpu0 lost 6 1 missing 0\n25 cpu0 other\n"
                                        "29 cpu0 lost 0 1 missing 0\n35 cpu0 other\n");
    trace_free(trace);
}

Test(reader, counts_losses_over_the_seam)
{
    struct fake_trace *trace = trace_new("kernel", 1);
    add_ten(&trace->seams[0], 1, 4);
    add_ten(&trace->files[0], 2, 10);
    expect_reading(trace_set_of(trace), "15 cpu0 other\n19 cpu0 lost 6 1 missing 0\n25 cpu0 other\n"
                                        "29 cpu0 lost 0 1 missing 0\n");
    trace_free(trace);
}

Test(reader, counts_the_first_packet_only_if_its_number_is_zero)
{
    struct fake_trace *trace = trace_new("kernel", 1);
    add_ten(&trace->files[0], 0, 4);
    expect_reading(trace_set_of(trace),
                   "0 cpu0 lost 4 1 missing 0\n5 cpu0 other\n9 cpu0 lost 0 1 missing 0\n");
    trace_free(trace);
}

Test(reader, puts_one_border_where_packets_are_missing)
{
    struct fake_trace *trace = trace_new("kernel", 1);
    add_ten(&trace->files[0], 1, 0);
    add_ten(&trace->files[0], 3, 0);
    expect_reading(trace_set_of(trace),
                   "15 cpu0 other\n19 cpu0 lost 0 1 missing 1\n35 cpu0 other\n");
    trace_free(trace);
}

Test(reader, puts_losses_without_borders_into_user_space)
{
    struct fake_trace *trace = trace_new("ust", 1);
    add_ten(&trace->files[0], 1, 0);
    add_ten(&trace->files[0], 2, 3);
    add_ten(&trace->files[0], 4, 3);
    expect_reading(trace_set_of(trace), "15 cpu0 other\n19 cpu0 lost 3 0 missing 0\n25 cpu0 "
                                        "other\n29 cpu0 lost 0 0 missing 0\n"
                                        "29 cpu0 lost 0 0 missing 1\n45 cpu0 other\n");
    trace_free(trace);
}

Test(reader, goes_on_with_the_others_where_a_stream_is_cut)
{
    struct fake_trace *trace = trace_new("kernel", 2);
    add_ten(&trace->files[0], 1, 0);
    add_ten(&trace->files[0], 2, 0);
    trace->files[0].count -= 30;
    fake_add(&trace->files[1], (struct fake_packet){.begin = 1, .end = 90, .cpu = 1},
             (uint64_t[]){40}, 1);
    struct reading reading;
    cr_expect(eq(int, read_set(trace_set_of(trace), &reading), STATUS_END));
    cr_expect(eq(str, (char *)reading.text.at,
                 "15 cpu0 other\n19 cpu0 lost 0 1 missing 0\n40 cpu1 other\n"));
    cr_expect(eq(sz, reading.warnings, 1));
    cr_expect(ne(ptr, strstr(reading.warning, "kernel/channel_0: packet at byte "), NULL));
    fake_clear(&reading.text);
    trace_free(trace);
}

Test(reader, goes_on_with_the_others_where_an_event_is_none)
{
    struct fake_trace *trace = trace_new("kernel", 2);
    struct fake_packet packet = {.begin = 1, .end = 90};
    fake_begin(&trace->files[0], &packet);
    fake_other(&trace->files[0], 20, 1);
    fake_event(&trace->files[0], 4711, 30);
    fake_end(&trace->files[0], &packet);
    fake_add(&trace->files[1], (struct fake_packet){.begin = 1, .end = 90, .cpu = 1},
             (uint64_t[]){40}, 1);
    struct reading reading;
    cr_expect(eq(int, read_set(trace_set_of(trace), &reading), STATUS_END));
    cr_expect(eq(str, (char *)reading.text.at,
                 "20 cpu0 other\n20 cpu0 lost 0 1 missing 0\n40 cpu1 other\n"));
    cr_expect(eq(sz, reading.warnings, 1));
    fake_clear(&reading.text);
    trace_free(trace);
}

/* For a trace with this begin of `env`: the facts of its event, and its process. */
static void expect_origin(const char *facts, uint32_t has, int32_t vpid)
{
    struct fake_trace *trace = trace_new("ust", 1);
    char *text = trace->metadata, *env = strstr(text, "env { ");
    cr_assert(ne(ptr, env, NULL));
    trace->metadata = memory_format("%.*senv { %s %s", (int)(env - text), text, facts, env + 6);
    free(text);
    add_ten(&trace->files[0], 1, 0);
    struct schema *schema = schema_new(NULL);
    struct reader *reader;
    const struct event *events;
    size_t count;
    cr_assert(eq(int, reader_open(trace_set_of(trace), schema, NULL, &reader, NULL), STATUS_OK));
    cr_assert(eq(int, reader_next(reader, &events, &count, NULL), STATUS_OK));
    cr_assert(eq(sz, count, 1));
    cr_expect(eq(u32, events[0].has, has));
    if (has & EVENT_HAS_VPID)
        cr_expect(eq(i32, events[0].vpid, vpid));
    if (has & EVENT_HAS_PROGRAM)
        cr_expect(text_equal(events[0].program, text_of("shopd")));
    reader_close(reader);
    schema_free(schema);
    trace_free(trace);
}

Test(reader, takes_the_process_from_a_trace_of_one_process)
{
    expect_origin("vpid = 4711; procname = \"shopd\";", EVENT_HAS_VPID | EVENT_HAS_PROGRAM, 4711);
}

Test(reader, takes_no_number_for_a_process_that_none_can_have)
{
    static const char *const NONE[] = {"vpid = 0;", "vpid = -5;", "vpid = 2147483648;",
                                       "vpid = 99999999999;", "vpid = \"7\";"};
    for (size_t i = 0; i < sizeof NONE / sizeof *NONE; i++)
        expect_origin(NONE[i], 0, 0);
}

Test(reader, leaves_out_a_trace_without_metadata)
{
    struct fake_trace *kernel = trace_new("kernel", 1), *ust = trace_new("ust", 1);
    add_ten(&kernel->files[0], 1, 0);
    add_ten(&ust->files[0], 1, 0);
    trace_set_of(kernel);
    trace_set_of(ust);
    struct trace_files both[2] = {kernel->files_of, ust->files_of};
    both[0].metadata = (struct bytes){NULL, 0};
    struct reading reading;
    cr_expect(eq(int, read_set(&(struct trace_set){both, 2}, &reading), STATUS_END));
    cr_expect(eq(str, (char *)reading.text.at, "15 cpu0 other\n"));
    cr_expect(eq(sz, reading.warnings, 1));
    fake_clear(&reading.text);
    cr_expect(eq(int, read_set(&(struct trace_set){both, 1}, &reading), STATUS_REJECT));
    fake_clear(&reading.text);
    trace_free(kernel);
    trace_free(ust);
}

Test(reader, never_hangs_on_metadata_cut_anywhere)
{
    struct fake_trace *trace = trace_new("kernel", 1);
    add_ten(&trace->files[0], 1, 0);
    size_t whole = strlen(trace->metadata), read = 0;
    for (size_t count = 0; count < whole; count += 7) {
        trace_set_of(trace);
        trace->files_of.metadata.count = count;
        struct reading reading;
        read += read_set(&trace->set, &reading) == STATUS_END;
        fake_clear(&reading.text);
    }
    cr_expect(lt(sz, read, whole / 7 / 2));
    trace_free(trace);
}

Test(reader, knows_what_the_metadata_says)
{
    struct fake_trace *trace = trace_new("kernel", 2);
    fake_add(&trace->files[0], (struct fake_packet){.begin = 1, .end = 90, .cpu = 6}, NULL, 0);
    fake_add(&trace->files[1], (struct fake_packet){.begin = 1, .end = 90, .cpu = 2}, NULL, 0);
    struct schema *schema = schema_new(NULL);
    struct reader *reader;
    cr_assert(eq(int, reader_open(trace_set_of(trace), schema, NULL, &reader, NULL), STATUS_OK));
    const struct reader_info *info = reader_info(reader);
    cr_assert(eq(sz, info->trace_count, 1));
    cr_expect(eq(int, strcmp(info->traces[0].hostname, "h"), 0));
    cr_expect(eq(i64, info->traces[0].offset_ns, 5000000007));
    cr_assert(eq(sz, info->cpu_count, 2));
    cr_expect(eq(i32, info->cpus[0], 2));
    cr_expect(eq(i32, info->cpus[1], 6));
    const struct event *events;
    size_t count;
    cr_expect(eq(int, reader_next(reader, &events, &count, NULL), STATUS_END));
    reader_close(reader);
    schema_free(schema);
    trace_free(trace);
}

/* --- the recording --- */

Test(reader, gives_each_event_of_a_recording_once_and_in_order)
{
    struct chunk_list list = {.at = NULL};
    struct schema *schema = schema_new(NULL);
    uint64_t events_in = 0, last_ns = 0, backwards = 0, phases = 0;
    cr_assert(eq(int, chunk_list_add(&list, TEST_DATA "/thumbnails", NULL), STATUS_OK));
    cr_assert(eq(int, chunk_list_finish(&list, NULL), STATUS_OK));
    cr_assert(eq(sz, list.count, 4));
    for (size_t i = 0; i < list.count; i++) {
        struct chunk *chunk;
        struct reader *reader;
        cr_assert(eq(int, chunk_open(&list.at[i], NULL, &chunk, NULL), STATUS_OK));
        cr_assert(
            eq(int, reader_open(chunk_traces(chunk), schema, NULL, &reader, NULL), STATUS_OK));
        const struct event *events;
        size_t count;
        while (reader_next(reader, &events, &count, NULL) == STATUS_OK) {
            for (size_t j = 0; j < count; j++) {
                const struct event *event = &events[j];
                if (event->time_ns < list.at[i].interval.begin_ns ||
                    event->time_ns >= list.at[i].interval.end_ns)
                    continue;
                events_in++;
                if (event->domain == DOMAIN_UST)
                    cr_assert(
                        eq(int, event->has, EVENT_HAS_VPID | EVENT_HAS_VTID | EVENT_HAS_PROCNAME));
                backwards += event->time_ns < last_ns;
                last_ns = event->time_ns;
                phases += strcmp(event->class->name, "thumbnailer:phase_begin") == 0;
            }
        }
        reader_close(reader);
        chunk_close(chunk);
    }
    cr_expect(eq(u64, events_in, 369810));
    cr_expect(eq(u64, backwards, 0));
    cr_expect(gt(u64, phases, 0));
    schema_free(schema);
    chunk_list_clear(&list);
}

/* --- fallback to another reader --- */

struct sayings {
    size_t count;
    char last[FAILURE_TEXT_MAX];
};

static void keep_saying(void *context, const char *sentence)
{
    struct sayings *sayings = context;
    sayings->count++;
    snprintf(sayings->last, sizeof sayings->last, "%s", sentence);
}

/* Structures nested deeper than layouts allow, which libbabeltrace2 accepts. */
static void nest_deeply(struct fake_trace *trace)
{
    enum { DEPTH = 40 };
    char *text = trace->metadata, *field = strstr(text, FAKE_INT32 " _n;"), *out = NULL;
    size_t size = 0;
    cr_assert(ne(ptr, field, NULL));
    FILE *file = open_memstream(&out, &size);
    fprintf(file, "%.*s", (int)(field - text), text);
    for (int i = 0; i < DEPTH; i++)
        fprintf(file, "struct { ");
    fprintf(file, FAKE_INT32 " _n; ");
    for (int i = 0; i < DEPTH; i++)
        fprintf(file, "} _s%d; ", i);
    fprintf(file, "%s", field + strlen(FAKE_INT32 " _n;"));
    fclose(file);
    free(text);
    trace->metadata = out;
}

Test(reader, what_ours_does_not_understand_is_read_by_the_library_and_said_once)
{
    struct fake_trace *trace = trace_new("kernel", 1);
    nest_deeply(trace);
    add_ten(&trace->files[0], 1, 0);
    trace_set_of(trace);
    struct plan_cache *cache = plan_cache_new();
    struct sayings sayings = {.count = 0};
    struct reader_warnings warnings = {.say = keep_saying, .context = &sayings};
    struct reader_choice choice = {.cache = cache, .other = readers_other()};
    for (int chunk = 0; chunk < 3; chunk++) {
        struct schema *schema = schema_new(NULL);
        struct reader *reader;
        const struct event *events;
        size_t count;
        cr_assert(eq(int, reader_open_as(&choice, &trace->set, schema, &warnings, &reader, NULL),
                     STATUS_OK));
        cr_assert(eq(int, reader_next(reader, &events, &count, NULL), STATUS_OK));
        cr_expect(eq(sz, count, 1));
        cr_expect(eq(u64, events[0].time_ns, 15));
        reader_close(reader);
        schema_free(schema);
    }
    cr_expect(eq(sz, sayings.count, 1));
    cr_expect(eq(int, strncmp(sayings.last, "kernel: metadata:", 17), 0), "%s", sayings.last);
    cr_expect(ne(ptr, strstr(sayings.last, "; babeltrace2 reads it instead"), NULL), "%s",
              sayings.last);
    plan_cache_free(cache);
    trace_free(trace);
}

Test(reader, who_asks_for_ours_gets_no_other)
{
    struct fake_trace *trace = trace_new("kernel", 1);
    nest_deeply(trace);
    add_ten(&trace->files[0], 1, 0);
    struct schema *schema = schema_new(NULL);
    struct reader *reader;
    struct reader_choice choice = {.kind = readers_by_name("spanmill")};
    cr_expect(eq(int, reader_open_as(&choice, trace_set_of(trace), schema, NULL, &reader, NULL),
                 STATUS_REJECT));
    schema_free(schema);
    trace_free(trace);
}
