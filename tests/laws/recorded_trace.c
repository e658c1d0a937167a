#include "tests/laws/recorded_trace.h"

#include <stdio.h>
#include <string.h>

#include "chunk/chunk.h"
#include "mapper/decode/reader.h"

static void take_facts(struct law_trace *trace, const struct reader_info *info)
{
    struct interval_end *facts = &trace->facts;
    for (size_t i = 0; i < info->trace_count; i++) {
        const struct trace_info *each = &info->traces[i];
        if (each->domain == DOMAIN_KERNEL) {
            facts->has_kernel = true;
            facts->counts_switches = each->declared.sched_switch;
            facts->no_calls = !each->declared.syscalls;
        } else {
            facts->has_user = true;
        }
        if (each->domain == DOMAIN_KERNEL || !facts->has_offset) {
            facts->has_offset = true;
            facts->offset_ns = each->offset_ns;
        }
        facts->host = text_of(arena_string(&trace->arena, text_of(each->hostname)));
        snprintf(trace->session, sizeof trace->session, "%s/%s/%s", each->hostname, each->session,
                 each->created);
    }
    int32_t *cpus = arena_take(&trace->arena, info->cpu_count * sizeof *cpus);
    if (info->cpu_count)
        memcpy(cpus, info->cpus, info->cpu_count * sizeof *cpus);
    facts->cpus = cpus;
    facts->cpu_count = info->cpu_count;
}

static enum status read_chunk(struct law_trace *trace, const struct chunk *chunk,
                              struct failure *why)
{
    struct reader *reader;
    enum status status = reader_open(chunk_traces(chunk), trace->schema, NULL, &reader, why);
    if (status != STATUS_OK)
        return status;
    take_facts(trace, reader_info(reader));
    struct interval interval = chunk_interval(chunk);
    const struct event *events;
    size_t count;
    while ((status = reader_next(reader, &events, &count, why)) == STATUS_OK)
        for (size_t i = 0; i < count; i++)
            if (events[i].time_ns >= interval.begin_ns && events[i].time_ns < interval.end_ns)
                law_trace_add(trace, &events[i]);
    reader_close(reader);
    return status == STATUS_END ? STATUS_OK : status;
}

enum status recording_read(struct law_trace *trace, const char *path, struct failure *why)
{
    trace->facts = (struct interval_end){.first_ns = TIME_NONE, .last_ns = TIME_NONE};
    struct chunk_list list = {0};
    enum status status = chunk_list_add(&list, path, why);
    if (status == STATUS_OK)
        status = chunk_list_finish(&list, why);
    for (size_t i = 0; status == STATUS_OK && i < list.count; i++) {
        struct chunk *chunk;
        status = chunk_open(&list.at[i], NULL, &chunk, why);
        if (status != STATUS_OK)
            break;
        status = read_chunk(trace, chunk, why);
        chunk_close(chunk);
    }
    chunk_list_clear(&list);
    return status;
}
