#include "reader_bt2.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "mapper/bt2/bt2_lane.h"
#include "mapper/decode/scratch.h"
#include "mapper/decode/trace_facts.h"

/* Events per reader_next(): enough to amortize the call, few enough to stay in the cache. */
enum { BATCH_EVENTS = 512 };

struct reader_bt2 {
    struct reader reader;
    struct reader_warnings warnings;
    struct schema *schema;
    struct bt2_input *inputs;
    size_t input_count;
    bool lost_user;
    const struct layout_clock *clock; /* of the session; NULL: not known yet */
    struct trace_info *infos;
    struct reader_info info;
    int32_t *cpus;
    struct stage *stage;
    struct bt2_lane *lanes;
    size_t lane_count, lane_room;
    struct bt2_lane **heap; /* those with a head, as a min-heap */
    size_t heap_count;
    struct scratch scratch;
    struct event *events; /* BATCH_EVENTS */
};

/* --- streams --- */

static int by_place(const void *a, const void *b)
{
    const struct bt2_lane *left = a, *right = b;
    if (left->input->domain != right->input->domain)
        return left->input->domain < right->input->domain ? -1 : 1;
    if (left->cpu != right->cpu)
        return left->cpu < right->cpu ? -1 : 1;
    int trace = strcmp(left->input->files->name, right->input->files->name);
    return trace != 0 ? trace : strcmp(left->name, right->name);
}

static void rank_lanes(struct reader_bt2 *reader)
{
    if (reader->lane_count == 0)
        return;
    qsort(reader->lanes, reader->lane_count, sizeof *reader->lanes, by_place);
    for (size_t i = 0; i < reader->lane_count; i++) {
        struct bt2_lane *lane = &reader->lanes[i];
        lane->order = (uint32_t)i;
        if (i > 0 && lane[-1].cpu == lane->cpu && lane[-1].input->domain == lane->input->domain)
            lane->rank = lane[-1].rank + 1;
    }
}

/* --- merging all streams: a heap of lanes --- */

static bool before(const struct bt2_lane *a, const struct bt2_lane *b)
{
    return a->head_ns < b->head_ns || (a->head_ns == b->head_ns && a->order < b->order);
}

static void sift_down(struct reader_bt2 *reader, size_t at)
{
    struct bt2_lane **heap = reader->heap;
    for (;;) {
        size_t least = at, left = 2 * at + 1, right = left + 1;
        if (left < reader->heap_count && before(heap[left], heap[least]))
            least = left;
        if (right < reader->heap_count && before(heap[right], heap[least]))
            least = right;
        if (least == at)
            return;
        struct bt2_lane *lane = heap[at];
        heap[at] = heap[least];
        heap[least] = lane;
        at = least;
    }
}

/* The smallest of the others; NULL if there is only one. */
static const struct bt2_lane *second(const struct reader_bt2 *reader)
{
    if (reader->heap_count < 2)
        return NULL;
    if (reader->heap_count == 2 || before(reader->heap[1], reader->heap[2]))
        return reader->heap[1];
    return reader->heap[2];
}

static void emit(struct reader_bt2 *reader, struct bt2_lane *lane, struct event *event)
{
    const struct bt2_input *input = lane->input;
    *event = (struct event){
        .time_ns = lane->head_ns,
        .cpu = lane->cpu,
        .stream = lane->rank,
        .trace = input->index,
        .domain = (uint8_t)input->domain,
        .seam = bt2_lane_in_seam(lane),
    };
    lane->last_ns = lane->head_ns;
    if (lane->head == BT2_LOSS) {
        event->class = schema_loss_class(reader->schema, input->domain);
        event->kind = EVENT_LOSS;
        event->value[0] = (int64_t)lane->head_discarded;
        event->value[1] = input->domain == DOMAIN_KERNEL;
        event->value[3] = (int64_t)lane->head_missing;
        event->present = 1 | 2 | 8;
        return;
    }
    bt2_plans_fill(input->plans, bt2_lane_event(lane), &reader->scratch, event);
    bt2_lane_pass(lane);
}

static enum status bt2_next(struct reader *base, const struct event **events, size_t *count,
                            struct failure *why)
{
    (void)why;
    struct reader_bt2 *reader = (struct reader_bt2 *)base;
    size_t filled = 0;
    scratch_reset(&reader->scratch);
    while (filled < BATCH_EVENTS && reader->heap_count > 0) {
        struct bt2_lane *lane = reader->heap[0];
        const struct bt2_lane *next = second(reader);
        do { /* runs are long: stay with the stream while it is first */
            emit(reader, lane, &reader->events[filled++]);
            bt2_lane_advance(lane);
        } while (filled < BATCH_EVENTS && lane->head != BT2_NONE &&
                 (next == NULL || before(lane, next)));
        if (lane->head == BT2_NONE)
            reader->heap[0] = reader->heap[--reader->heap_count];
        sift_down(reader, 0);
    }
    *events = reader->events;
    *count = filled;
    return filled > 0 ? STATUS_OK : STATUS_END;
}

static const struct reader_info *bt2_info(const struct reader *base)
{
    return &((const struct reader_bt2 *)base)->info;
}

static void bt2_close(struct reader *base)
{
    struct reader_bt2 *reader = (struct reader_bt2 *)base;
    for (size_t i = 0; i < reader->lane_count; i++)
        bt2_lane_clear(&reader->lanes[i]);
    for (size_t i = 0; i < reader->input_count; i++)
        bt2_input_clear(&reader->inputs[i]);
    stage_close(reader->stage);
    scratch_clear(&reader->scratch);
    free(reader->events);
    free(reader->heap);
    free(reader->lanes);
    free(reader->cpus);
    free(reader->infos);
    free(reader->inputs);
    free(reader);
}

/* --- opening --- */

static void add_lanes(struct reader_bt2 *reader, struct bt2_input *input, struct trace_info *info)
{
    size_t count = input->graph != NULL ? bt2_graph_stream_count(input->graph) : 0;
    for (size_t i = 0; i < count; i++) {
        struct failure why;
        struct bt2_lane lane = {
            .input = input, .warnings = &reader->warnings, .port = i, .name = "stream", .cpu = -1};
        if (bt2_lane_open(&lane, info, &reader->clock, &why) != STATUS_OK) {
            struct damage damage = {.scope = DAMAGE_STREAM, .cause = DAMAGE_BY_CLOCK, .count = 1};
            failure_prefix(&why, "left out");
            trace_report(&reader->warnings, input->files, lane.name, damage, why.text);
            bt2_lane_clear(&lane);
            continue;
        }
        if (!lane.has_clock && !lane.over)
            reader_say(&reader->warnings,
                       "%s: %s: its events have no clock: they are counted, but have no time",
                       trace_shown(input->files), lane.name);
        reader->lanes = memory_grow(reader->lanes, &reader->lane_room, reader->lane_count + 1,
                                    sizeof *reader->lanes);
        reader->lanes[reader->lane_count++] = lane;
    }
}

/* Adds the trace, or leaves it out with a warning; `first` keeps the first reason. */
static void add_input(struct reader_bt2 *reader, const struct reader_choice *choice,
                      const struct trace_set *set, const struct trace_files *files,
                      struct failure *first)
{
    struct failure why;
    struct bt2_input *input = &reader->inputs[reader->input_count];
    struct trace_info *info = &reader->infos[reader->input_count];
    if (trace_is_empty(files) || trace_report_gone(&reader->warnings, files))
        return;
    if (bt2_input_open(input, set, files, choice, reader->schema, &reader->clock, &reader->stage,
                       &reader->warnings, info, &why) != STATUS_OK) {
        trace_report_left_out(&reader->warnings, files, why.text);
        reader->lost_user |= trace_is_of_user(files);
        if (first->text[0] == '\0')
            *first = why;
        return;
    }
    add_lanes(reader, input, info);
    trace_report_state(&reader->warnings, files, info);
    input->index = (uint32_t)reader->input_count++;
    input->plans = bt2_plans_new(
        reader->schema, input->domain,
        declared_names_architecture(&info->declared) == ARCHITECTURE_X86_64, &input->origin);
}

/* Events without a clock are counted, but have no time: they precede all others. */
static void place_timeless(struct reader_bt2 *reader, uint64_t begin_ns)
{
    uint64_t first_ns = UINT64_MAX;
    for (size_t i = 0; i < reader->lane_count; i++) {
        const struct trace_stream *stream = reader->lanes[i].stream;
        if (stream != NULL && stream->packets.at[0].has_begin &&
            stream->packets.at[0].head.begin_ns < first_ns)
            first_ns = stream->packets.at[0].head.begin_ns;
    }
    if (first_ns == UINT64_MAX || first_ns < begin_ns)
        first_ns = begin_ns;
    for (size_t i = 0; i < reader->lane_count; i++)
        if (!reader->lanes[i].has_clock)
            reader->lanes[i].time.shift_ns = (int64_t)first_ns;
}

static void fill_heap(struct reader_bt2 *reader)
{
    reader->heap = memory_new(reader->lane_count * sizeof *reader->heap);
    for (size_t i = 0; i < reader->lane_count; i++) {
        bt2_lane_advance(&reader->lanes[i]);
        if (reader->lanes[i].head != BT2_NONE)
            reader->heap[reader->heap_count++] = &reader->lanes[i];
    }
    for (size_t i = reader->heap_count / 2; i-- > 0;)
        sift_down(reader, i);
}

static void list_cpus(struct reader_bt2 *reader)
{
    size_t count = 0;
    reader->cpus = memory_new(reader->lane_count * sizeof *reader->cpus);
    for (size_t i = 0; i < reader->lane_count; i++) { /* ordered by domain and CPU */
        const struct bt2_lane *lane = &reader->lanes[i];
        if (lane->input->domain != DOMAIN_KERNEL || lane->cpu < 0)
            continue;
        if (count == 0 || reader->cpus[count - 1] != lane->cpu)
            reader->cpus[count++] = lane->cpu;
    }
    reader->info = (struct reader_info){
        .traces = reader->infos,
        .trace_count = reader->input_count,
        .cpus = reader->cpus,
        .cpu_count = count,
        .lost_user = reader->lost_user,
        .seam_end_ns = UINT64_MAX,
    };
}

static enum status bt2_open(const struct reader_choice *choice, const struct trace_set *set,
                            struct schema *schema, const struct reader_warnings *warnings,
                            struct reader **out, struct failure *why)
{
    *out = NULL;
    struct failure first = {.text = ""};
    struct reader_bt2 *reader = memory_new(sizeof *reader);
    reader->reader.kind = &reader_bt2;
    reader->schema = schema;
    if (warnings != NULL)
        reader->warnings = *warnings;
    reader->inputs = memory_new(set->trace_count * sizeof *reader->inputs);
    reader->infos = memory_new(set->trace_count * sizeof *reader->infos);
    for (size_t i = 0; i < set->trace_count; i++)
        add_input(reader, choice, set, &set->traces[i], &first);
    if (reader->input_count == 0) {
        bt2_close(&reader->reader);
        return fail(why, STATUS_REJECT, "%s",
                    first.text[0] != '\0' ? first.text : "contains no trace");
    }
    rank_lanes(reader);
    list_cpus(reader);
    place_timeless(reader, choice->begin_ns);
    fill_heap(reader);
    reader->events = memory_new(BATCH_EVENTS * sizeof *reader->events);
    *out = &reader->reader;
    return STATUS_OK;
}

const struct reader_kind reader_bt2 = {
    .name = "babeltrace2",
    .open = bt2_open,
    .info = bt2_info,
    .next = bt2_next,
    .close = bt2_close,
};
