#include <stdlib.h>

#include "mapper/decode/stream_parts.h"

/* Ids up to here are looked up directly. */
enum { DIRECT_IDS_MAX = 1 << 16 };

/* Little-endian, so that shifts count from the first byte. */
static struct quick_header quick_header(const struct bound_stream *stream)
{
    const struct plan_header *header = stream->header;
    unsigned id_bit = header->id_at * 8 + header->id_shift;
    unsigned time_bit = header->time_at * 8 + header->time_shift;
    uint64_t last = header->high < stream->id_count ? header->high : stream->id_count - 1;
    bool is_usable = header->is_short && header->has_time && !header->big_endian &&
                     header->save == LAYOUT_NONE && id_bit == 0 && header->id_bits <= 64 &&
                     time_bit + header->time_bits <= 64 && stream->id_count > 0 && header->low == 0;
    return (struct quick_header){.is_usable = is_usable,
                                 .time_shift = (uint8_t)time_bit,
                                 .align = header->align,
                                 .bytes = header->bytes,
                                 .reach = header->bytes > 8 ? header->bytes : 8,
                                 .id_mask = header->id_mask,
                                 .time_mask = header->time_mask,
                                 .last_id = last};
}

void bound_trace_init(struct bound_trace *trace, const struct plan_set *set,
                      const struct stream_time *times, struct schema *schema, uint32_t index,
                      bool x86_64, const struct event_origin *origin)
{
    *trace = (struct bound_trace){.set = set, .times = times, .schema = schema, .x86_64 = x86_64};
    trace->blank.trace = index;
    trace->blank.domain = (uint8_t)set->domain;
    event_set_origin(&trace->blank, origin);
    const struct layout *layout = set->layout;
    trace->streams = arena_take(&trace->arena, layout->stream_count * sizeof *trace->streams);
    for (uint32_t i = 0; i < layout->stream_count; i++) {
        const struct layout_stream *stream = &layout->streams[i];
        struct bound_stream *bound = &trace->streams[i];
        *bound = (struct bound_stream){.layout = stream, .header = &set->headers[i]};
        uint64_t last = stream->event_count > 0 ? stream->by_id[stream->event_count - 1]->id : 0;
        if (last < DIRECT_IDS_MAX) {
            bound->id_count = last + 1;
            bound->by_id =
                arena_take(&trace->arena, (size_t)bound->id_count * sizeof *bound->by_id);
            bound->size_by_id =
                arena_take(&trace->arena, (size_t)bound->id_count * sizeof *bound->size_by_id);
        } else {
            bound->by_place =
                arena_take(&trace->arena, stream->event_count * sizeof *bound->by_place);
        }
        bound->quick = quick_header(bound);
    }
}

void bound_trace_clear(struct bound_trace *trace)
{
    arena_clear(&trace->arena);
}

/* Takes a value of a run; false if it does not begin on a byte, or is big-endian. *reach: of the
 * loads of the run. */
static bool take_value(struct bound *bound, const struct plan_op *op, uint32_t *reach)
{
    if (op->left != op->right || op->big_endian || bound->value_count == EVENT_VALUES)
        return false;
    bound->values[bound->value_count++] =
        (struct quick_value){op->at, op->to, UINT64_MAX >> op->left, op->sign};
    if (op->at + 8 > *reach)
        *reach = op->at + 8;
    return true;
}

/* Takes what the quick way needs of the plan; false if it is for another. */
static bool make_quick(struct bound *bound)
{
    const struct plan *plan = bound->plan;
    uint32_t reach = 0; /* which the plan knows */
    if (!plan->is_quick)
        return false;
    for (unsigned i = 0; i < plan->value_count; i++)
        if (!take_value(bound, &plan->ops[i], &reach))
            return false;
    bound->text_count = plan->text_count;
    bound->text_ops = plan->ops + plan->value_count;
    return true;
}

static const struct plan_op *take_run(struct bound *bound, const struct plan_op *op,
                                      uint32_t *bytes, uint32_t *reach)
{
    *bytes = 0;
    if (op->code == PLAN_RUN) {
        *bytes = op->count;
        op++;
    }
    *reach = *bytes;
    while (op->code == PLAN_VALUE && take_value(bound, op, reach))
        op++;
    return op;
}

/* The same for a plan of a run, a string, and a run. */
static bool make_string(struct bound *bound)
{
    const struct plan *plan = bound->plan;
    struct quick_string *string = &bound->string;
    bound->value_count = 0;
    if (plan->walked || plan->is_run || plan->field_count > 0 || plan->unknown_call)
        return false;
    const struct plan_op *op = take_run(bound, plan->ops, &bound->run_bytes, &string->reach);
    string->front_count = bound->value_count;
    if (op->code != PLAN_STRING)
        return false;
    op++;
    string->to = EVENT_TEXTS;
    if (op->code == PLAN_TO_TEXT) {
        string->to = op->to;
        op++;
    }
    op = take_run(bound, op, &string->behind_bytes, &string->behind_reach);
    return op->code == PLAN_END;
}

static struct bound *bind(struct bound_trace *trace, const struct quick_header *header,
                          const struct layout_event *event)
{
    const struct plan *plan = trace->set->plans[event->number];
    const struct event_class *class =
        schema_class(trace->schema, trace->set->domain, text_of(event->name));
    struct bound *bound = arena_take(&trace->arena, sizeof *bound);
    *bound = (struct bound){.blank = trace->blank, .plan = plan, .run_bytes = plan->run_bytes};
    bound->reach = UINT32_MAX;
    uint32_t next = plan->run_bytes + header->align - 1 + header->reach;
    if (header->is_usable && make_quick(bound)) {
        bound->reach = next > plan->reach ? next : plan->reach;
    } else if (header->is_usable && make_string(bound)) {
        struct quick_string *string = &bound->string;
        next = string->behind_bytes + header->align - 1 + header->reach;
        string->behind_reach = next > string->behind_reach ? next : string->behind_reach;
        bound->has_string = true;
    }
    bound->blank.class = class;
    bound->blank.kind = class->kind;
    bound->blank.call = class->call;
    bound->blank.has |= plan->has;
    bound->blank.present = plan->present;
    bound->blank.field_count = plan->field_count;
    bound->is_plain = event_is_plain(&bound->blank);
    return bound;
}

const struct bound *bound_find(struct bound_trace *trace, const struct bound_stream *stream,
                               uint64_t id)
{
    const struct layout_event *event = layout_event(stream->layout, id);
    if (!event)
        return NULL;
    if (stream->by_id) {
        struct bound *bound = stream->by_id[id];
        if (!bound) {
            bound = stream->by_id[id] = bind(trace, &stream->quick, event);
            stream->size_by_id[id] = (struct quick_size){bound->run_bytes, bound->reach};
        }
        return bound;
    }
    size_t low = 0, high = stream->layout->event_count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (stream->layout->by_id[middle]->id <= id)
            low = middle;
        else
            high = middle;
    }
    if (!stream->by_place[low])
        stream->by_place[low] = bind(trace, &stream->quick, event);
    return stream->by_place[low];
}
