/* Any bytes as a record of results: an accepted one can be folded, and has the same sums after a
 * batch and its encoding. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "results/fold.h"
#include "wire/result_codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take_again(void *context, struct text key, struct bytes value)
{
    (void)key;
    struct arena arena = {.first = NULL};
    struct result_record record;
    struct failure why;
    enum status status = result_decode(value, &arena, &record, &why);
    assert(status == STATUS_OK && value.count < RESULT_RECORD_MAX);
    for (size_t i = 0; i < record.count; i++)
        fold_take(context, &record.results[i]);
    arena_clear(&arena);
}

/* The fold of a log that may be inconsistent: if a thread is reported in two processes, the results
 * in between count for either. */
static void summarize(const struct fold *fold, char room[512])
{
    struct arena arena = {.first = NULL};
    struct session_report report;
    fold_report(fold, &arena, &report);
    uint64_t calls = 0, total_ns = 0, bytes = 0;
    for (size_t i = 0; i < report.syscall_count; i++) {
        calls += report.syscalls[i].complete.count + report.syscalls[i].end_unknown;
        total_ns += report.syscalls[i].complete.total_ns;
        bytes += report.syscalls[i].bytes;
    }
    for (size_t i = 0; i < report.phase_count; i++)
        total_ns += report.phases[i].user_cpu_ns + 3 * report.phases[i].blocked_ns;
    for (size_t i = 0; i < report.file_count; i++)
        bytes += 5 * report.files[i].read_bytes;
    for (size_t i = 0; i < report.thread_count; i++)
        total_ns += 7 * report.threads[i].cpu_ns;
    snprintf(room, 512, "%zu %zu %zu %zu %llu %llu %llu %llu", report.thread_count, report.fd_count,
             report.cpu_count, report.sched_count, (unsigned long long)report.events,
             (unsigned long long)calls, (unsigned long long)total_ns, (unsigned long long)bytes);
    arena_clear(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {.first = NULL};
    struct result_record record;
    struct failure why;
    if (result_decode((struct bytes){data, size}, &arena, &record, &why) == STATUS_OK) {
        struct fold *fold = fold_new(text_of("s")), *again = fold_new(text_of("s"));
        struct result_batch *batch = result_batch_new();
        struct result_sink sink = result_batch_sink(batch);
        for (size_t i = 0; i < record.count; i++) {
            fold_take(fold, &record.results[i]);
            sink.take(sink.context, &record.results[i]);
        }
        result_flush(&record.meta, batch, (struct record_sink){take_again, again});
        char expected[512], found[512];
        summarize(fold, expected);
        summarize(again, found);
        assert(strcmp(expected, found) == 0);
        result_batch_free(batch);
        fold_forget(fold);
        fold_free(fold);
        fold_free(again);
    }
    arena_clear(&arena);
    return 0;
}
