#include "reducer/stitch.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/memory.h"
#include "model/model.h"

/* How far back before the first switch of a CPU its `prev_tid` is believed to have run. */
#define SETTLE_NS_MAX UINT64_C(10000000000)

/* An interval in the queue. */
struct queued {
    struct arena arena;
    const struct item *const *row;
    size_t count, done;
    bool begun;
    struct interval_end end;
    struct queued *next;
};

struct stitch {
    struct model *model;
    struct queued *first, **last;
    bool finished; /* nothing more will come */
    /* Of the next interval to be added, so much was done before it was saved. */
    bool resumed_begun;
    uint64_t resumed_done;
    uint64_t end_ns; /* of the last interval joined */
};

struct stitch *stitch_new(struct schema *schema, struct result_sink sink)
{
    struct stitch *stitch = memory_new(sizeof *stitch);
    stitch->model = model_new(schema, sink);
    stitch->last = &stitch->first;
    return stitch;
}

/* --- looking ahead: who ran on a CPU --- */

struct search {
    int32_t cpu;
    uint64_t first_ns; /* of the CPU's events to settle */
    bool found;
    int32_t tid;    /* the first switch's prev_tid */
    bool elsewhere; /* as the mapper of that switch knows */
};

/* Whether the event shows `tid` on another CPU, or born. */
static bool names_elsewhere(const struct event *event, int32_t cpu, int32_t tid)
{
    if (event->kind == EVENT_SWITCH)
        return event->cpu != cpu && (event->value[0] == tid || event->value[2] == tid);
    if (event->kind == EVENT_FORK)
        return event->value[2] == tid;
    return event->kind == EVENT_EXEC && event->value[0] == tid && event_has_value(event, 1) &&
           event->value[1] > 0 && event->value[1] != tid;
}

/* Looks for the first switch (or exec) of the CPU in one item; true if the search is over. */
static bool look_at(struct search *search, const struct item *item)
{
    if (item->kind != ITEM_EVENT)
        return false;
    const struct event *event = &item->event.event;
    if (event->time_ns > search->first_ns && event->time_ns - search->first_ns > SETTLE_NS_MAX)
        return true;
    if (event->domain != DOMAIN_KERNEL || event->cpu != search->cpu)
        return false;
    if (event->kind == EVENT_LOSS && event->value[1])
        return true; /* a border comes first: nothing will tell */
    if (event->kind != EVENT_SWITCH && event->kind != EVENT_EXEC)
        return false;
    bool old_tid = event->kind == EVENT_EXEC && event_has_value(event, 1);
    search->found = true;
    search->tid = (int32_t)event->value[old_tid ? 1 : 0];
    search->elsewhere = item->event.elsewhere;
    return true;
}

/* Whether anything up to the switch that was found shows its thread elsewhere. */
static bool shown_elsewhere(const struct search *search, const struct item *item)
{
    if (item->kind == ITEM_EVENT)
        return names_elsewhere(&item->event.event, search->cpu, search->tid);
    return item->kind == ITEM_THREAD && item->thread.tid == search->tid &&
           item->thread.named_ns != TIME_NONE && item->thread.named_ns > search->first_ns;
}

/* Settles who runs on the CPU of the event at the head of the queue; false if what comes yet
 * must tell. */
static bool settle(struct stitch *stitch, const struct event *event)
{
    struct search search = {.cpu = event->cpu, .first_ns = event->time_ns};
    bool over = !stitch->first->end.counts_switches;
    for (const struct queued *queued = stitch->first; queued && !over; queued = queued->next) {
        for (size_t i = queued->done; i < queued->count && !over; i++)
            over = look_at(&search, queued->row[i]);
        uint64_t end_ns = queued->end.end_ns;
        over |= end_ns != UINT64_MAX && end_ns > search.first_ns &&
                end_ns - search.first_ns > SETTLE_NS_MAX;
    }
    if (!over && !stitch->finished)
        return false;

    int32_t tid = search.found ? search.tid : TID_NOBODY;
    int32_t cpu = model_cpu_of(stitch->model, tid);
    if (tid > 0 && (search.elsewhere || (cpu >= 0 && cpu != event->cpu)))
        tid = TID_NOBODY;
    bool stop = false;
    for (const struct queued *queued = stitch->first; queued && tid > 0 && !stop;
         queued = queued->next)
        for (size_t i = queued->done; i < queued->count && !stop; i++) {
            const struct item *item = queued->row[i];
            struct search again = search;
            stop = look_at(&again, item);
            if (!stop && shown_elsewhere(&search, item)) {
                tid = TID_NOBODY;
                stop = true;
            }
        }
    model_settle(stitch->model, event->cpu, tid, event->time_ns);
    return true;
}

/* --- the queue --- */

static void pop(struct stitch *stitch)
{
    struct queued *done = stitch->first;
    stitch->first = done->next;
    if (!stitch->first)
        stitch->last = &stitch->first;
    arena_clear(&done->arena);
    free(done);
}

static void drain(struct stitch *stitch)
{
    while (stitch->first) {
        struct queued *queued = stitch->first;
        if (!queued->begun) {
            queued->begun = true;
            if (queued->end.gap_before)
                model_gap(stitch->model, stitch->end_ns, queued->end.begin_ns);
            model_begin(stitch->model, &queued->end);
        }
        for (; queued->done < queued->count; queued->done++) {
            const struct item *item = queued->row[queued->done];
            if (item->kind == ITEM_EVENT && model_is_unsettled(stitch->model, &item->event.event) &&
                !settle(stitch, &item->event.event))
                return;
            model_item(stitch->model, item);
        }
        model_end(stitch->model, &queued->end);
        stitch->end_ns = queued->end.end_ns;
        pop(stitch);
    }
}

static void append(struct stitch *stitch, struct queued *queued)
{
    queued->begun = stitch->resumed_begun;
    queued->done =
        stitch->resumed_done < queued->count ? (size_t)stitch->resumed_done : queued->count;
    stitch->resumed_begun = false;
    stitch->resumed_done = 0;
    *stitch->last = queued;
    stitch->last = &queued->next;
    drain(stitch);
}

void stitch_add(struct stitch *stitch, const struct item *items, size_t count,
                const struct interval_end *end)
{
    struct queued *queued = memory_new(sizeof *queued);
    struct item *copies = arena_take(&queued->arena, count * sizeof *copies);
    const struct item **row = arena_take(&queued->arena, count * sizeof *row);
    for (size_t i = 0; i < count; i++) {
        copies[i] = item_copy(&queued->arena, &items[i]);
        row[i] = &copies[i];
    }
    queued->row = row;
    queued->count = count;
    queued->end = *end;
    int32_t *cpus = arena_take(&queued->arena, end->cpu_count * sizeof *cpus);
    for (size_t i = 0; i < end->cpu_count; i++)
        cpus[i] = end->cpus[i];
    queued->end.cpus = cpus;
    queued->end.host.at = arena_string(&queued->arena, end->host);
    queued->end.session.at = arena_string(&queued->arena, end->session);
    queued->end.created.at = arena_string(&queued->arena, end->created);
    append(stitch, queued);
}

void stitch_add_owned(struct stitch *stitch, struct arena *arena, const struct item *const *row,
                      size_t count, const struct interval_end *end)
{
    struct queued *queued = memory_new(sizeof *queued);
    *queued = (struct queued){.arena = *arena, .row = row, .count = count, .end = *end};
    *arena = (struct arena){.first = NULL};
    append(stitch, queued);
}

void stitch_finish(struct stitch *stitch)
{
    stitch->finished = true;
    drain(stitch);
    model_finish(stitch->model);
}

/* --- saving --- */

bool stitch_oldest_chunk(const struct stitch *stitch, uint64_t *chunk)
{
    if (!stitch->first)
        return false;
    *chunk = stitch->first->end.chunk;
    return true;
}

size_t stitch_queued_bytes(const struct stitch *stitch)
{
    size_t bytes = 0;
    for (const struct queued *queued = stitch->first; queued; queued = queued->next)
        bytes += sizeof *queued + queued->arena.whole;
    return bytes;
}

/* The record of the queue's head, of fixed size. */
enum { HEAD_FORMAT = 1, HEAD_BYTES = 2 + 8 + 8 };
static const char head_key[] = "stitch";

static void put_u64(uint8_t *at, uint64_t number)
{
    for (unsigned i = 0; i < 8; i++)
        at[i] = (uint8_t)(number >> 8 * i);
}

static uint64_t get_u64(const uint8_t *at)
{
    uint64_t number = 0;
    for (unsigned i = 0; i < 8; i++)
        number |= (uint64_t)at[i] << 8 * i;
    return number;
}

void stitch_save(struct stitch *stitch, struct state_sink sink)
{
    uint8_t head[HEAD_BYTES] = {HEAD_FORMAT,
                                stitch->first ? stitch->first->begun : stitch->resumed_begun};
    put_u64(head + 2, stitch->first ? stitch->first->done : stitch->resumed_done);
    put_u64(head + 10, stitch->end_ns);
    sink.take(sink.context, text_of(head_key), (struct bytes){head, sizeof head});
    model_save(stitch->model, sink);
}

static enum status restore_head(struct stitch *stitch, const struct state_record *records,
                                size_t count, struct failure *why)
{
    for (size_t i = 0; i < count; i++) {
        if (!text_equal(records[i].key, text_of(head_key)))
            continue;
        struct bytes head = records[i].record;
        if (head.count > 0 && head.at[0] > HEAD_FORMAT)
            return fail(why, STATUS_STOP, "format %u of state, newer than this program knows",
                        head.at[0]);
        if (head.count != HEAD_BYTES)
            break;
        stitch->resumed_begun = head.at[1] != 0;
        stitch->resumed_done = get_u64(head.at + 2);
        stitch->end_ns = get_u64(head.at + 10);
        return STATUS_OK;
    }
    return fail(why, STATUS_REJECT, "the record %s is missing or damaged", head_key);
}

enum status stitch_restore(struct schema *schema, struct result_sink sink,
                           const struct state_record *records, size_t count, struct stitch **out,
                           struct failure *why)
{
    *out = NULL;
    struct stitch *stitch = memory_new(sizeof *stitch);
    stitch->last = &stitch->first;
    enum status status = restore_head(stitch, records, count, why);
    struct state_record *rest = memory_new((count + 1) * sizeof *rest);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (!text_equal(records[i].key, text_of(head_key)))
            rest[kept++] = records[i];
    if (status == STATUS_OK)
        status = model_restore(schema, sink, rest, kept, &stitch->model, why);
    free(rest);
    if (status == STATUS_OK)
        *out = stitch;
    else
        free(stitch);
    return status;
}

void stitch_retell(struct stitch *stitch, uint64_t turn, uint64_t turns)
{
    model_retell(stitch->model, turn, turns);
}

void stitch_free(struct stitch *stitch)
{
    if (!stitch)
        return;
    while (stitch->first)
        pop(stitch);
    model_free(stitch->model);
    free(stitch);
}
