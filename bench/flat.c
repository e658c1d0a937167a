/* bench/flat.c -- whether the cost of an event depends on the number of events and threads.
 *
 *     bench_flat [--rounds N]
 *
 * Writes kernel traces of four CPUs to a temporary folder, in LTTng's layout: threads alternate;
 * each reads ten times from one of four descriptors and gives its CPU to the next. Maps each trace
 * to encoded partials; prints the best of several rounds, in nanoseconds of CPU time per event. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "chunk/chunk.h"
#include "mapper/decode/plan_cache.h"
#include "mapper/map_chunk.h"
#include "trace/phases.h"

enum { CPUS = 4, READS = 10, PACKET_BYTES = 256 << 10, FIRST_TID = 1000, STEP_NS = 700 };
enum { ID_SWITCH, ID_ENTRY, ID_EXIT };

static const char METADATA[] =
    "/* CTF 1.8 */\n"
    "typealias integer { size = 8; align = 8; signed = false; } := uint8_t;\n"
    "typealias integer { size = 16; align = 8; signed = false; } := uint16_t;\n"
    "typealias integer { size = 32; align = 8; signed = false; } := uint32_t;\n"
    "typealias integer { size = 64; align = 8; signed = false; } := uint64_t;\n"
    "typealias integer { size = 32; align = 8; signed = true; } := int32_t;\n"
    "typealias integer { size = 64; align = 8; signed = true; } := int64_t;\n"
    "typealias integer { size = 8; align = 8; signed = true; encoding = UTF8; } := char_t;\n"
    "trace { major = 1; minor = 8; uuid = \"00000000-0000-0000-0000-000000000000\"; byte_order = "
    "le;\n"
    "  packet.header := struct { uint32_t magic; uint8_t uuid[16]; uint32_t stream_id;\n"
    "    uint64_t stream_instance_id; }; };\n"
    "env { hostname = \"bench\"; domain = \"kernel\"; tracer_name = \"lttng-modules\";\n"
    "  tracer_major = 2; tracer_minor = 13; trace_name = \"flat\";\n"
    "  trace_creation_datetime = \"20260101T000000+0000\"; };\n"
    "clock { name = \"monotonic\"; freq = 1000000000; offset = 1767225600000000000; };\n"
    "typealias integer { size = 32; align = 8; signed = false; map = clock.monotonic.value; } := "
    "clock32_t;\n"
    "typealias integer { size = 64; align = 8; signed = false; map = clock.monotonic.value; } := "
    "clock64_t;\n"
    "stream { id = 0;\n"
    "  packet.context := struct { clock64_t timestamp_begin; clock64_t timestamp_end;\n"
    "    uint64_t content_size; uint64_t packet_size; uint64_t packet_seq_num;\n"
    "    uint64_t events_discarded; uint32_t cpu_id; };\n"
    "  event.header := struct { enum : uint16_t { compact = 0 ... 65534, extended = 65535 } id;\n"
    "    variant <id> { struct { clock32_t timestamp; } compact;\n"
    "      struct { uint32_t id; clock64_t timestamp; } extended; } v; } align(8); };\n"
    "event { name = \"sched_switch\"; id = 0; stream_id = 0; fields := struct {\n"
    "  char_t _prev_comm[16]; int32_t _prev_tid; int32_t _prev_prio; int64_t _prev_state;\n"
    "  char_t _next_comm[16]; int32_t _next_tid; int32_t _next_prio; }; };\n"
    "event { name = \"syscall_entry_read\"; id = 1; stream_id = 0; fields := struct {\n"
    "  uint32_t _fd; uint64_t _count; }; };\n"
    "event { name = \"syscall_exit_read\"; id = 2; stream_id = 0; fields := struct {\n"
    "  int64_t _ret; uint64_t _buf; }; };\n";

struct output {
    FILE *file;
    unsigned cpu;
    uint8_t packet[PACKET_BYTES];
    size_t count;
    uint64_t begin_ns, now_ns, sequence;
};

static void put(struct output *out, const void *bytes, size_t count)
{
    memcpy(out->packet + out->count, bytes, count);
    out->count += count;
}

/* Little endian, as in the metadata. */
static void put_number(struct output *out, uint64_t number, size_t bytes)
{
    put(out, &number, bytes);
}

static void put_name(struct output *out, unsigned thread)
{
    char name[16] = "";
    snprintf(name, sizeof name, "thread-%u", thread % 100000);
    put(out, name, sizeof name);
}

static void begin_packet(struct output *out)
{
    static const uint8_t UUID[16];
    out->count = 0;
    out->begin_ns = out->now_ns;
    put_number(out, 0xc1fc1fc1, 4);
    put(out, UUID, sizeof UUID);
    put_number(out, 0, 4);
    put_number(out, out->cpu, 8);
    out->count += 4 * 8; /* end_packet() */
    put_number(out, out->sequence++, 8);
    put_number(out, 0, 8);
    put_number(out, out->cpu, 4);
}

static void end_packet(struct output *out)
{
    uint64_t context[4] = {out->begin_ns, out->now_ns, 8 * out->count, 8 * out->count};
    memcpy(out->packet + 32, context, sizeof context);
    fwrite(out->packet, 1, out->count, out->file);
}

static void begin_event(struct output *out, unsigned id)
{
    if (out->count + 128 > PACKET_BYTES) {
        end_packet(out);
        begin_packet(out);
    }
    out->now_ns += STEP_NS + out->cpu; /* mostly no equal times */
    put_number(out, id, 2);
    put_number(out, out->now_ns, 4);
}

static void write_turn(struct output *out, unsigned before, unsigned thread)
{
    begin_event(out, ID_SWITCH);
    put_name(out, before);
    put_number(out, FIRST_TID + before, 4);
    put_number(out, 20, 4);
    put_number(out, 0, 8);
    put_name(out, thread);
    put_number(out, FIRST_TID + thread, 4);
    put_number(out, 20, 4);
    for (unsigned i = 0; i < READS; i++) {
        begin_event(out, ID_ENTRY);
        put_number(out, 3 + i % 4, 4);
        put_number(out, 4096, 8);
        begin_event(out, ID_EXIT);
        put_number(out, 100 * i, 8);
        put_number(out, 0x1000, 8);
    }
}

static bool write_stream(const char *folder, unsigned cpu, uint64_t events, unsigned threads)
{
    char *path = memory_format("%s/channel0_%u", folder, cpu);
    struct output *out = memory_new(sizeof *out);
    out->file = fopen(path, "wb");
    free(path);
    bool written = out->file != NULL;
    if (written) {
        out->cpu = cpu;
        out->now_ns = 1000000000;
        begin_packet(out);
        unsigned own = threads / CPUS, turn = 0; /* of this CPU: cpu, cpu + CPUS, ... */
        for (uint64_t count = 0; count < events / CPUS; count += 1 + 2 * READS, turn++)
            write_turn(out, cpu + CPUS * (turn % own), cpu + CPUS * ((turn + 1) % own));
        end_packet(out);
        written = fclose(out->file) == 0;
    }
    free(out);
    return written;
}

static enum status write_trace(const char *folder, uint64_t events, unsigned threads,
                               struct failure *why)
{
    char *path = memory_format("%s/metadata", folder);
    FILE *file = fopen(path, "w");
    bool written = file && fputs(METADATA, file) >= 0;
    if (file)
        written = fclose(file) == 0 && written;
    free(path);
    for (unsigned cpu = 0; cpu < CPUS && written; cpu++)
        written = write_stream(folder, cpu, events, threads);
    return written ? STATUS_OK
                   : fail(why, STATUS_REJECT, "writing below %s: %s", folder, strerror(errno));
}

static void drop(void *context, struct text key, struct bytes record)
{
    (void)context, (void)key, (void)record;
}

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* Maps the whole trace; returns the time per event. */
static enum status map_trace(const char *folder, double *ns, struct failure *why)
{
    struct phase_definitions phases;
    phases_init(&phases);
    struct chunk_list list = {.at = NULL};
    struct map_stats stats = {.events = 0};
    struct map_options options = {
        .phases = &phases, .cache = plan_cache_new(), .window = {0, INTERVAL_OPEN}};
    enum status status = chunk_list_add(&list, folder, why);
    if (status == STATUS_OK)
        status = chunk_list_finish(&list, why);
    double begin_s = now_s();
    for (size_t i = 0; i < list.count && status == STATUS_OK; i++)
        status =
            map_chunk(&list.at[i], &options, NULL, (struct record_sink){drop, NULL}, &stats, why);
    double took_s = now_s() - begin_s;
    *ns = stats.events > 0 ? took_s * 1e9 / (double)stats.events : 0;
    plan_cache_free(options.cache);
    chunk_list_clear(&list);
    phases_clear(&phases);
    return status;
}

static void remove_trace(const char *folder)
{
    char *path = memory_format("%s/metadata", folder);
    remove(path);
    free(path);
    for (unsigned cpu = 0; cpu < CPUS; cpu++) {
        path = memory_format("%s/channel0_%u", folder, cpu);
        remove(path);
        free(path);
    }
}

static enum status measure(const char *folder, uint64_t events, unsigned threads, int rounds,
                           struct failure *why)
{
    double best = 0;
    enum status status = write_trace(folder, events, threads, why);
    for (int i = 0; i < rounds && status == STATUS_OK; i++) {
        double ns;
        status = map_trace(folder, &ns, why);
        if (i == 0 || ns < best)
            best = ns;
    }
    if (status == STATUS_OK)
        printf("  %10" PRIu64 " events  %6u threads %8.1f ns/event\n", events, threads, best);
    remove_trace(folder);
    return status;
}

int main(int argc, char **argv)
{
    static const struct option OPTIONS[] = {{"rounds", required_argument, NULL, 'n'},
                                            {NULL, 0, NULL, 0}};
    static const struct {
        uint64_t events;
        unsigned threads;
    } CASES[] = {{100000, 100},  {1000000, 100},   {10000000, 100},
                 {10000000, 12}, {10000000, 1000}, {10000000, 10000}};
    int rounds = 5;
    for (int option; (option = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1;)
        if (option != 'n' || (rounds = atoi(optarg)) <= 0) {
            fprintf(stderr, "usage: bench_flat [--rounds N]\n");
            return 2;
        }
    const char *parent = getenv("TMPDIR");
    char *root = memory_format("%s/spanmill-flat.XXXXXX", parent ? parent : "/tmp");
    if (!mkdtemp(root)) {
        fprintf(stderr, "bench_flat: %s: %s\n", root, strerror(errno));
        return 1;
    }
    char *folder = memory_format("%s/kernel", root);
    struct failure why = {.text = ""};
    enum status status = STATUS_OK;
    if (mkdir(folder, 0700) != 0)
        status = fail(&why, STATUS_REJECT, "%s: %s", folder, strerror(errno));
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES && status == STATUS_OK; i++)
        status = measure(folder, CASES[i].events, CASES[i].threads, rounds, &why);
    if (status != STATUS_OK)
        fprintf(stderr, "bench_flat: %s\n", why.text);
    rmdir(folder);
    rmdir(root);
    free(folder);
    free(root);
    return status == STATUS_OK ? 0 : 1;
}
