#include "core_law.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "core/keep.h"
#include "core/row_bytes.h"
#include "core/settle.h"
#include "results/fold.h"

/* --- who ran on a CPU, by what comes --- */

struct place {
    const struct law_trace *trace;
    size_t at, count; /* of events, or records */
    struct record **records;
};

static int32_t settle(void *context, const struct core *core, int32_t cpu, uint64_t first_ns)
{
    const struct place *place = context;
    struct settle_search search = {.cpu = cpu, .first_ns = first_ns};
    size_t end = place->at;
    for (; end < place->count && !search.over; end++) {
        if (place->records)
            settle_look(&search, place->records[end]);
        else
            settle_look_at(&search, &place->trace->events[end]);
    }
    int32_t tid = settle_found(&search, core);
    for (size_t i = place->at; i + 1 < end && tid > 0; i++)
        if (place->records ? settle_elsewhere(&search, place->records[i])
                           : settle_names_elsewhere(&search, &place->trace->events[i]))
            return TID_NOBODY;
    return tid;
}

/* --- reports --- */

static void take(void *fold, const struct result *result)
{
    fold_take(fold, result);
}

static struct core_facts facts_of(const struct law_trace *trace)
{
    return (struct core_facts){trace->facts.has_kernel, trace->facts.counts_switches};
}

static char *report(const struct law_trace *trace, struct core *core, struct fold *fold,
                    const struct core_counts *counts)
{
    core_finish(core);
    for (size_t i = 0; i < trace->facts.cpu_count; i++) {
        struct result busy = {.type = RESULT_CPU, .cpu = trace->facts.cpus[i]};
        fold_take(fold, &busy);
    }
    struct result mark = {.type = RESULT_INTERVAL,
                          .interval = {.chunks = 1,
                                       .events = counts->events,
                                       .tallies = counts->tallies,
                                       .any_event = counts->first_ns != TIME_NONE,
                                       .first_ns = counts->first_ns,
                                       .last_ns = counts->last_ns,
                                       .user = trace->facts.has_user,
                                       .offset_ns = trace->facts.offset_ns,
                                       .kernel = trace->facts.has_kernel,
                                       .host = trace->facts.host}};
    struct tallies tallies = core_take_tallies(core);
    tallies_add(&mark.interval.tallies, &tallies);
    fold_take(fold, &mark);
    char *part = law_fold_report(fold);
    core_free(core);
    fold_free(fold);
    return part;
}

static uint64_t events_of(const struct law_trace *trace, size_t begin, size_t end)
{
    uint64_t events = 0;
    for (size_t i = begin; i < end; i++)
        events += trace->events[i].kind != EVENT_LOSS;
    return events;
}

char *core_uncut_report(const struct law_trace *trace)
{
    struct fold *fold = fold_new(text_of(trace->session));
    struct place place = {.trace = trace, .count = trace->count};
    struct core *core = core_new(trace->schema, (struct result_sink){take, fold},
                                 (struct core_settler){settle, &place});
    core_begin(core, facts_of(trace), schema_own_set(trace->schema));
    for (; place.at < trace->count; place.at++)
        core_event(core, &trace->events[place.at]);
    core_end(core, events_of(trace, 0, trace->count));
    return report(trace, core, fold, &(struct core_counts){.events = trace->count});
}

/* The row as a reducer gets it: from bytes, which must come to themselves. */
static void send(const struct law_trace *trace, struct row *row, struct columns_out *bytes)
{
    row_write(row, trace->schema, bytes);
    row_clear(row);
    struct failure why;
    if (row_read((struct bytes){bytes->at, bytes->count}, trace->schema,
                 schema_own_set(trace->schema), row, &why) != STATUS_OK) {
        fprintf(stderr, "core law: %s\n", why.text);
        abort();
    }
}

/* What a core saves. */
struct saved {
    struct arena arena;
    struct kept_record *records;
    size_t count, room;
};

static void keep(void *context, struct text key, struct bytes record)
{
    struct saved *saved = context;
    uint8_t *copy = arena_take(&saved->arena, record.count);
    memcpy(copy, record.at, record.count);
    saved->records =
        memory_grow(saved->records, &saved->room, saved->count + 1, sizeof *saved->records);
    saved->records[saved->count++] =
        (struct kept_record){{arena_string(&saved->arena, key), key.count}, {copy, record.count}};
}

/* Ends the core, and makes another of what it saved, read in any order. */
static struct core *restart(struct core *core, const struct law_trace *trace, struct fold *fold,
                            struct place *place, struct tallies *tallies, uint64_t *random)
{
    struct saved saved = {.count = 0};
    core_save(core, (struct keep_sink){keep, &saved});
    struct tallies told = core_take_tallies(core);
    tallies_add(tallies, &told);
    core_free(core);
    for (size_t i = saved.count; i > 1; i--) {
        size_t other = law_random(random) % i;
        struct kept_record kept = saved.records[i - 1];
        saved.records[i - 1] = saved.records[other];
        saved.records[other] = kept;
    }
    struct failure why;
    if (core_restore(trace->schema, schema_own_set(trace->schema), (struct result_sink){take, fold},
                     (struct core_settler){settle, place}, saved.records, saved.count, &core,
                     &why) != STATUS_OK) {
        fprintf(stderr, "core law: %s\n", why.text);
        abort();
    }
    arena_clear(&saved.arena);
    free(saved.records);
    return core;
}

static void count(struct core_figures *figures, const struct row *row)
{
    for (size_t i = 0; figures && i < row->count; i++) {
        enum record_kind kind = row->at[i]->kind;
        figures->records++;
        figures->steps += kind == RECORD_EVENT;
        figures->lets += kind <= RECORD_AGAIN;
        figures->lines += kind == RECORD_LIFE || kind == RECORD_CPU;
    }
}

char *core_cut_report(const struct law_trace *trace, struct law_cuts cuts,
                      struct core_figures *figures)
{
    struct row *rows = memory_new((cuts.count + 1) * sizeof *rows);
    struct columns_out *bytes = memory_new((cuts.count + 1) * sizeof *bytes);
    size_t *firsts = memory_new((cuts.count + 2) * sizeof *firsts);
    uint64_t *events = memory_new((cuts.count + 1) * sizeof *events);
    size_t at = 0, all = 0;
    struct core_counts whole = {.first_ns = TIME_NONE, .last_ns = TIME_NONE};
    for (size_t i = 0; i <= cuts.count; i++) {
        size_t begin = at;
        while (at < trace->count && (i == cuts.count || trace->events[at].time_ns < cuts.at[i]))
            at++;
        struct core_mapping mapping = {.facts = facts_of(trace),
                                       .begin_ns = i > 0 ? cuts.at[i - 1] : 0,
                                       .end_ns = i < cuts.count ? cuts.at[i] : UINT64_MAX};
        struct core *core = core_new_mapping(trace->schema, &mapping, &rows[i]);
        core_map(core, trace->events + begin, at - begin);
        core_map_end(core);
        struct core_counts counts = core_counts(core);
        whole.events += counts.events;
        tallies_add(&whole.tallies, &counts.tallies);
        if (whole.first_ns == TIME_NONE)
            whole.first_ns = counts.first_ns;
        if (counts.last_ns != TIME_NONE)
            whole.last_ns = counts.last_ns;
        core_free(core);
        send(trace, &rows[i], &bytes[i]);
        count(figures, &rows[i]);
        events[i] = events_of(trace, begin, at);
        firsts[i] = all;
        all += rows[i].count;
    }
    firsts[cuts.count + 1] = all;
    struct record **records = memory_new((all + 1) * sizeof *records);
    for (size_t i = 0; i <= cuts.count; i++)
        for (size_t k = 0; k < rows[i].count; k++)
            records[firsts[i] + k] = rows[i].at[k];

    struct fold *fold = fold_new(text_of(trace->session));
    uint64_t random = cuts.count + 7;
    struct place place = {.trace = trace, .count = all, .records = records};
    struct core *core = core_new(trace->schema, (struct result_sink){take, fold},
                                 (struct core_settler){settle, &place});
    for (size_t i = 0; i <= cuts.count; i++) {
        core_begin(core, facts_of(trace), schema_own_set(trace->schema));
        for (; place.at < firsts[i + 1]; place.at++)
            core_join(core, records[place.at]);
        core_end(core, events[i]);
        if (cuts.count % 2 == 1 && law_random(&random) % 3 > 0)
            core = restart(core, trace, fold, &place, &whole.tallies, &random);
    }
    char *json = report(trace, core, fold, &whole);
    for (size_t i = 0; i <= cuts.count; i++) {
        row_clear(&rows[i]);
        columns_clear(&bytes[i]);
    }
    free(rows);
    free(bytes);
    free(firsts);
    free(events);
    free(records);
    return json;
}

char *core_summary_of(const char *json)
{
    return memory_string((struct text){json, strcspn(json, "\n") + 1});
}

static bool is_told(const char *line)
{
    static const char *const types[] = {"cpu",   "thread",  "sched", "syscall",
                                        "phase", "process", "fd",    "instance"};
    char head[64];
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (i == 6 && !getenv("LAW_FD"))
            continue; /* not mapped yet */
        int count = snprintf(head, sizeof head, "{\"type\":\"%s\"", types[i]);
        int spaced = snprintf(head, sizeof head, "{\"type\": \"%s\"", types[i]);
        if (strncmp(line, head, (size_t)spaced) == 0)
            return true;
        count = snprintf(head, sizeof head, "{\"type\":\"%s\"", types[i]);
        if (strncmp(line, head, (size_t)count) == 0)
            return true;
    }
    return false;
}

char *core_part_of(const char *json)
{
    char *part = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&part, &size);
    while (*json) {
        size_t count = strcspn(json, "\n");
        count += json[count] == '\n';
        if (is_told(json))
            fwrite(json, 1, count, out);
        json += count;
    }
    fclose(out);
    return part;
}

/* Without the fields from `begin` up to before `end`. */
static size_t put_without(FILE *out, const char *json, size_t count, const char *begin,
                          const char *end)
{
    const char *from = memmem(json, count, begin, strlen(begin));
    const char *to = from ? memmem(from, count - (size_t)(from - json), end, strlen(end)) : NULL;
    if (!to) {
        fwrite(json, 1, count, out);
        return count;
    }
    fwrite(json, 1, (size_t)(from - json), out);
    fwrite(to, 1, count - (size_t)(to - json), out);
    return count;
}

char *core_likewise(const char *json)
{
    static const char phase[] = "{\"type\":\"phase\"", instance[] = "{\"type\":\"instance\"";
    char *part = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&part, &size);
    while (*json) {
        size_t count = strcspn(json, "\n");
        count += json[count] == '\n';
        bool timed = strncmp(json, phase, sizeof phase - 1) == 0 ||
                     strncmp(json, instance, sizeof instance - 1) == 0;
        if (timed)
            put_without(out, json, count, "\"user_cpu_ns\"", "\"syscalls\"");
        else
            fwrite(json, 1, count, out);
        json += count;
    }
    fclose(out);
    return part;
}
