#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "mapper/map_chunk.h"
#include "chunk/pack.h"
#include "reducer/reducer.h"
#include "trace/given_phases.h"

enum { CHUNK = 2, TID = 999999, PID = 999998 };

static void take(void *reducer, struct text key, struct bytes record)
{
    (void)key;
    struct failure why;
    cr_assert(eq(int, reducer_add(reducer, record, &why), STATUS_OK), "%s", why.text);
}

static struct bytes pack_with(const struct thread_directory *threads)
{
    char path[] = "/tmp/test-threads-XXXXXX";
    int fd = mkstemp(path);
    cr_assert(ge(int, fd, 0));
    struct chunk_list list = {.at = NULL};
    cr_assert(eq(int, chunk_list_add(&list, TEST_DATA "/thumbnails", NULL), STATUS_OK));
    cr_assert(eq(int, chunk_list_finish(&list, NULL), STATUS_OK));
    cr_assert(eq(int,
                 pack_ref(&list.at[CHUNK], CHUNK, true, threads, path,
                          (struct archive_effort){.level = 1}, NULL, NULL),
                 STATUS_OK));
    chunk_list_clear(&list);
    FILE *file = fopen(path, "rb");
    fseek(file, 0, SEEK_END);
    size_t size = (size_t)ftell(file);
    rewind(file);
    uint8_t *archive = memory_new(size);
    cr_assert(eq(sz, fread(archive, 1, size, file), size));
    fclose(file);
    close(fd);
    unlink(path);
    return (struct bytes){archive, size};
}

/* What a report says of a chunk whose thread directory alone has the process of a thread. */
struct said {
    uint64_t threads, events, counted, spans, phases, without_cpu;
};

static struct said say(bool from_proc)
{
    static const char yaml[] =
        "phases:\n"
        "  - {name: life, begin: lttng_statedump_process_state, end: sched_process_exit}\n"
        "counts:\n"
        "  - {name: all, event: '*'}\n"
        "spans:\n"
        "  - {name: life, begin: lttng_statedump_process_state, end: sched_process_exit,"
        " match: [tid]}\n";
    struct failure why;
    struct phase_definitions phases;
    given_phases(&phases, yaml);
    struct thread_directory threads = {.from_proc = from_proc};
    struct thread_entry *ghost = thread_directory_add(&threads, TID);
    ghost->pid = PID;
    thread_entry_name(ghost, text_of("ghost"));
    struct bytes archive = pack_with(&threads);
    thread_directory_clear(&threads);

    struct reducer *reducer = reducer_new();
    struct map_place place = {.session = text_of("labvm/thumb/now"),
                              .chunk = CHUNK,
                              .first_chunk = CHUNK,
                              .attempt = 7,
                              .final = true};
    struct map_options options = {.phases = &phases, .window = {0, INTERVAL_OPEN}};
    struct map_stats stats = {.events = 0};
    cr_assert(eq(int,
                 map_archive(archive, &place, &options, NULL, (struct record_sink){take, reducer},
                             &stats, &why),
                 STATUS_OK),
              "%s", why.text);
    free((void *)(uintptr_t)archive.at);
    reducer_finish(reducer);
    struct report report;
    reducer_report(reducer, 1, &report);
    cr_assert(eq(sz, report.session_count, 1));
    const struct session_report *session = &report.sessions[0];
    struct said said = {.events = stats.events,
                        .spans = session->span_count,
                        .phases = session->phase_count,
                        .without_cpu = session->tallies.at[TALLY_KERNEL_NO_CPU]};
    for (size_t i = 0; i < session->process_count; i++)
        if (session->processes[i].pid == PID)
            said.threads = session->processes[i].threads;
    for (size_t i = 0; i < session->count_count; i++)
        said.counted += session->counts[i].cell.count;
    report_clear(&report);
    reducer_free(reducer);
    phases_clear(&phases);
    return said;
}

Test(archive_threads, of_proc_count_as_a_state_dump)
{
    struct said with = say(true), without = say(false);
    cr_expect(eq(u64, with.threads, 1));
    cr_expect(eq(u64, without.threads, 0), "what the trace told changes no result");
}

Test(archive_threads, are_no_events)
{
    struct said with = say(true), without = say(false);
    cr_expect(eq(u64, with.events, without.events));
    cr_expect(gt(u64, without.counted, 0));
    cr_expect(eq(u64, with.counted, without.counted));
    cr_expect(eq(u64, with.spans, without.spans));
    cr_expect(eq(u64, with.phases, without.phases));
    cr_expect(eq(u64, with.without_cpu, without.without_cpu));
}
