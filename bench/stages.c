/* bench/stages.c -- the cost of each stage of mapping, in nanoseconds of CPU time per event.
 *
 *     bench_stages [--rounds N] [--reader NAME] [--phases FILE] [--map-only] [--user-only] PATH...
 *
 * PATH as for `spanmill report`; archives are decompressed, folders are not. Prints the best of
 * several rounds for each stage. With --map-only no other stage runs: for profilers.
 *
 *     unpack   a chunk's archive in memory (digest, zstd, tar), or mapping its files
 *     open     metadata (known from the previous chunk, except for the first), packets, and events
 *              before the chunk's interval
 *     decode   each stream separately, to events
 *     merge    the additional time for all streams in one sequence
 *     core     the additional time for states, spans and sums
 *     write    the row to bytes
 *     encode   bytes to records: protobuf, zstd; and the rest of mapping
 *     map      a whole chunk to encoded partials, with all of the above
 *     join     bytes of a row to results, as if each chunk were the only one of its session */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "analysis/analyses.h"
#include "base/memory.h"
#include "chunk/chunk.h"
#include "core/row_bytes.h"
#include "core/settle.h"
#include "mapper/decode/plan_cache.h"
#include "mapper/decode/reader.h"
#include "mapper/map_chunk.h"
#include "mapper/readers/readers.h"
#include "publish/publisher.h"
#include "trace/phases.h"

enum stage { COUNT, UNPACK, OPEN, DECODE, MERGED, CORED, WRITTEN, MAP, JOINED, STAGES };

struct bench {
    struct chunk_list list;
    struct phase_definitions phases;
    struct reader_choice choice;
    struct archive_room room;
    uint8_t *frame; /* the current archive, as fetched by a mapper */
    size_t frame_count, frame_room;
    bool map_only, user_only;
    uint64_t events, bytes;
    uint64_t mapped, raw_bytes, items,
        encoded; /* of the current round, from the statistics of mapping */
    uint64_t records, row_bytes, core_singles, chunk_events;
    struct row *row; /* being joined; with this many records */
    size_t joined;
    double seconds[STAGES]; /* of the current round */
    double best[STAGES];
};

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void drop_result(void *context, const struct result *result)
{
    (void)context;
    (void)result;
}

static int32_t settle(void *context, const struct core *core, int32_t cpu, uint64_t first_ns)
{
    const struct bench *bench = context;
    struct settle_search search = {.cpu = cpu, .first_ns = first_ns};
    size_t end = bench->joined;
    for (; end < bench->row->count && !search.over; end++)
        settle_look(&search, bench->row->at[end]);
    return settle_found(&search, core);
}

/* Joins it as the only chunk of its session, from its bytes. */
static void join_row(struct bench *bench, struct schema *schema, struct row *row)
{
    double begin_s = now_s();
    struct columns_out bytes = {.count = 0};
    struct failure why;
    row_write(row, schema, &bytes);
    bench->row_bytes += bytes.count;
    bench->seconds[WRITTEN] += now_s() - begin_s;
    row_clear(row);
    begin_s = now_s();
    if (row_read((struct bytes){bytes.at, bytes.count}, schema, schema_own_set(schema), row,
                 &why) != STATUS_OK)
        fprintf(stderr, "%s\n", why.text);
    bench->row = row;
    struct core *core = core_new(schema, (struct result_sink){.take = drop_result},
                                 (struct core_settle_source){settle, bench});
    core_begin(
        core,
        (struct core_facts){.has_kernel = !bench->user_only, .counts_switches = !bench->user_only},
        schema_own_set(schema));
    for (bench->joined = 0; bench->joined < row->count; bench->joined++)
        if (!core_join(core, row->at[bench->joined]))
            fprintf(stderr, "a record contradicts those before it\n");
    core_end(core, bench->chunk_events);
    core_finish(core);
    core_free(core);
    columns_clear(&bytes);
    bench->seconds[JOINED] += now_s() - begin_s;
}

/* Reads the events of `set` in the interval, as mapping does; counts them if `events` is not NULL;
 * for CORED, creates a row and joins it. */
static enum status read_all(struct bench *bench, const struct trace_set *set, enum stage stage,
                            struct interval interval, uint64_t *events, struct failure *why)
{
    struct schema *schema = schema_new_with(&bench->phases, analyses_event_row, analyses_count);
    struct reader *reader;
    double begin_s = now_s(), opened_s;
    bench->choice.begin_ns = interval.begin_ns;
    enum status status = reader_open_as(&bench->choice, set, schema, NULL, &reader, why);
    opened_s = now_s();
    bool has_kernel = !bench->user_only;
    struct row row = {.count = 0};
    if (stage == CORED)
        bench->chunk_events = 0;
    struct core_mapping mapping = {.facts = {has_kernel, has_kernel},
                                   .begin_ns = interval.begin_ns,
                                   .end_ns = interval.end_ns};
    struct core *core = stage == CORED ? core_new_mapping(schema, &mapping, &row) : NULL;
    while (status == STATUS_OK) {
        const struct event *batch;
        size_t count;
        status = reader_next(reader, &batch, &count, why);
        if (status != STATUS_OK)
            break;
        for (size_t i = 0; events && i < count; i++)
            *events += batch[i].kind != EVENT_LOSS && batch[i].time_ns >= interval.begin_ns &&
                       batch[i].time_ns < interval.end_ns;
        if (core) {
            core_map(core, batch, count);
            for (size_t i = 0; i < count; i++)
                bench->chunk_events += batch[i].kind != EVENT_LOSS;
        }
        if (batch[count - 1].time_ns >= interval.end_ns)
            break;
    }
    if (core) {
        core_map_end(core);
        bench->records += row.count;
        bench->core_singles += core_counts(core).single_events;
    }
    bool cored = core != NULL;
    core_free(core);
    bench->seconds[stage] += now_s() - opened_s;
    if (cored)
        join_row(bench, schema, &row);
    row_clear(&row);
    if (stage == MERGED)
        bench->seconds[OPEN] += opened_s - begin_s;
    reader_close(reader);
    schema_free(schema);
    return status == STATUS_END ? STATUS_OK : status;
}

/* Decodes each stream as a separate trace. */
static enum status decode(struct bench *bench, const struct trace_set *set,
                          struct interval interval, struct failure *why)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < set->trace_count; i++) {
        for (size_t j = 0; j < set->traces[i].stream_count && status == STATUS_OK; j++) {
            struct trace_files files = set->traces[i];
            files.streams = &set->traces[i].streams[j];
            files.stream_count = 1;
            status = read_all(bench, &(struct trace_set){&files, 1}, DECODE, interval, NULL, why);
        }
    }
    return status;
}

static void drop(void *context, struct text key, struct bytes record)
{
    (void)key;
    *(uint64_t *)context += record.count;
}

/* Loads an archive, if it is one. */
static enum status load(struct bench *bench, const struct chunk_ref *ref, struct failure *why)
{
    FILE *file = ref->packed ? fopen(ref->path, "rb") : NULL;
    if (ref->packed && !file)
        return fail(why, STATUS_REJECT, "%s: %s", ref->path, strerror(errno));
    bench->frame_count = 0;
    for (size_t count = 1; file && count > 0; bench->frame_count += count) {
        bench->frame =
            memory_grow(bench->frame, &bench->frame_room, bench->frame_count + (1 << 20), 1);
        count = fread(bench->frame + bench->frame_count, 1, 1 << 20, file);
    }
    bool is_read = !file || !ferror(file);
    if (file)
        fclose(file);
    return is_read ? STATUS_OK : fail(why, STATUS_REJECT, "%s: reading", ref->path);
}

static struct bytes frame_of(const struct bench *bench)
{
    return (struct bytes){bench->frame, bench->frame_count};
}

static enum status map_whole(struct bench *bench, const struct chunk_ref *ref, struct failure *why)
{
    uint64_t encoded = 0;
    struct map_options options = {.phases = &bench->phases,
                                  .reader = bench->choice.kind,
                                  .cache = bench->choice.cache,
                                  .room = &bench->room,
                                  .window = {0, INTERVAL_OPEN}};
    struct map_stats stats = {.events = 0};
    struct record_sink sink = {drop, &encoded};
    enum status status = STATUS_OK;
    double begin_s = now_s();
    if (ref->packed) {
        struct map_place place = {.session = text_of("bench"),
                                  .chunk = (uint64_t)ref->number,
                                  .first_chunk = (uint64_t)ref->number,
                                  .attempt = 1 + archive_digest(frame_of(bench))};
        status = map_archive(frame_of(bench), &place, &options, NULL, sink, &stats, why);
    } else {
        status = map_chunk(ref, &options, NULL, sink, &stats, why);
    }
    bench->seconds[MAP] += now_s() - begin_s;
    bench->mapped += stats.events;
    bench->raw_bytes += stats.raw_bytes;
    bench->items += stats.items;
    bench->encoded += encoded;
    return status;
}

static enum status measure(struct bench *bench, const struct chunk_ref *ref, bool first,
                           struct failure *why)
{
    enum status status = load(bench, ref, why);
    if (status != STATUS_OK || bench->map_only)
        return status == STATUS_OK ? map_whole(bench, ref, why) : status;
    struct chunk *chunk;
    double begin_s = now_s();
    if (ref->packed && archive_digest(frame_of(bench)) != 0)
        status = chunk_open_frame(frame_of(bench), ARCHIVE_RAW_MAX, &bench->room, &chunk, why);
    else
        status = chunk_open(ref, &bench->room, &chunk, why);
    bench->seconds[UNPACK] += now_s() - begin_s;
    if (status != STATUS_OK)
        return status;
    bench->bytes += chunk_raw_bytes(chunk);
    struct interval interval = chunk_interval(chunk);
    if (first)
        status = read_all(bench, chunk_traces(chunk), COUNT, interval, &bench->events, why);
    if (status == STATUS_OK)
        status = read_all(bench, chunk_traces(chunk), MERGED, interval, NULL, why);
    if (status == STATUS_OK)
        status = read_all(bench, chunk_traces(chunk), CORED, interval, NULL, why);
    if (status == STATUS_OK)
        status = decode(bench, chunk_traces(chunk), interval, why);
    chunk_close(chunk);
    if (status != STATUS_OK)
        return status;
    return map_whole(bench, ref, why);
}

static enum status round_of(struct bench *bench, bool first, struct failure *why)
{
    bench->records = bench->row_bytes = bench->core_singles = 0;
    bench->bytes = bench->mapped = bench->raw_bytes = bench->items = bench->encoded = 0;
    memset(bench->seconds, 0, sizeof bench->seconds);
    for (size_t i = 0; i < bench->list.count; i++) {
        enum status status = measure(bench, &bench->list.at[i], first, why);
        if (status != STATUS_OK)
            return status;
    }
    for (int i = 0; i < STAGES; i++)
        if (first || bench->seconds[i] < bench->best[i])
            bench->best[i] = bench->seconds[i];
    return STATUS_OK;
}

static void row(const struct bench *bench, const char *name, double seconds)
{
    printf("  %-8s %8.1f ns/event %9.2f M events/s %9.1f MB/s\n", name,
           seconds * 1e9 / (double)bench->events, (double)bench->events / seconds * 1e-6,
           (double)bench->bytes / seconds * 1e-6);
}

static void print_partials(const struct bench *bench)
{
    double events = (double)bench->mapped;
    printf("  partials %8.4f records/event %7.2f bytes/event, %.1f %% of the trace's\n",
           (double)bench->items / events, (double)bench->encoded / events,
           100 * (double)bench->encoded / (double)bench->raw_bytes);
}

static void print(const struct bench *bench)
{
    const double *best = bench->best;
    if (bench->map_only) {
        printf("map %8.1f ns/event\n", best[MAP] * 1e9 / (double)bench->mapped);
        print_partials(bench);
        return;
    }
    printf("%zu chunks, %.2f M events, %.1f bytes each\n", bench->list.count,
           (double)bench->events * 1e-6, (double)bench->bytes / (double)bench->events);
    row(bench, "unpack", best[UNPACK]);
    row(bench, "open", best[OPEN]);
    row(bench, "decode", best[DECODE]);
    row(bench, "merge", best[MERGED] - best[DECODE]);
    row(bench, "core", best[CORED] - best[MERGED]);
    row(bench, "write", best[WRITTEN]);
    row(bench, "encode", best[MAP] - best[UNPACK] - best[OPEN] - best[CORED] - best[WRITTEN]);
    row(bench, "map", best[MAP]);
    row(bench, "join", best[JOINED]);
    printf("  row      %8.4f records/event %7.2f bytes/event %7.4f single\n",
           (double)bench->records / (double)bench->events,
           (double)bench->row_bytes / (double)bench->events,
           (double)bench->core_singles / (double)bench->events);
    print_partials(bench);
}

static bool take_option(struct bench *bench, int option, int *rounds, enum status *status,
                        struct failure *why)
{
    switch (option) {
    case 'm': bench->map_only = true; return true;
    case 'u': bench->user_only = true; return true;
    case 'n': *rounds = atoi(optarg); return *rounds > 0;
    case 'r': bench->choice.kind = readers_by_name(optarg); return bench->choice.kind != NULL;
    case 'p':
        if (*status == STATUS_OK)
            *status = phases_add_file(&bench->phases, optarg, why);
        return true;
    default: return false;
    }
}

int main(int argc, char **argv)
{
    static const struct option OPTIONS[] = {
        {"rounds", required_argument, NULL, 'n'}, {"reader", required_argument, NULL, 'r'},
        {"phases", required_argument, NULL, 'p'}, {"map-only", no_argument, NULL, 'm'},
        {"user-only", no_argument, NULL, 'u'},    {NULL, 0, NULL, 0}};
    struct bench bench = {.choice.cache = plan_cache_new()};
    int rounds = 3;
    struct failure why;
    enum status status = STATUS_OK;
    phases_init(&bench.phases);
    for (int option; (option = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1;) {
        if (!take_option(&bench, option, &rounds, &status, &why)) {
            fprintf(stderr, "usage: bench_stages [--rounds N] [--reader NAME] [--phases FILE] "
                            "[--map-only] [--user-only] PATH...\n");
            return 2;
        }
    }
    for (int i = optind; i < argc && status == STATUS_OK; i++)
        status = chunk_list_add(&bench.list, argv[i], &why);
    if (status == STATUS_OK)
        status = chunk_list_finish(&bench.list, &why);
    for (int i = 0; i < rounds && status == STATUS_OK; i++)
        status = round_of(&bench, i == 0, &why);
    if (status == STATUS_OK)
        print(&bench);
    else
        fprintf(stderr, "bench_stages: %s\n", why.text);
    chunk_list_clear(&bench.list);
    phases_clear(&bench.phases);
    archive_room_clear(&bench.room);
    free(bench.frame);
    plan_cache_free(bench.choice.cache);
    return status == STATUS_OK ? 0 : 1;
}
