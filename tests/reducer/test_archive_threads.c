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

/* The number of threads in the report whose process only the thread directory has; *events is the
 * number in its summary. */
static uint64_t threads_told(bool from_proc, uint64_t *events)
{
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
    struct map_options options = {.window = {0, INTERVAL_OPEN}};
    struct map_stats stats = {.events = 0};
    struct failure why;
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
    uint64_t found = 0;
    for (size_t i = 0; i < session->process_count; i++)
        if (session->processes[i].pid == PID)
            found = session->processes[i].threads;
    *events = stats.events;
    report_clear(&report);
    reducer_free(reducer);
    return found;
}

Test(archive_threads, of_proc_count_as_a_state_dump)
{
    uint64_t with, without;
    cr_expect(eq(u64, threads_told(true, &with), 1));
    cr_expect(eq(u64, threads_told(false, &without), 0), "what the trace told changes no result");
    cr_expect(eq(u64, with, without), "nor are there more events than the trace has");
}
