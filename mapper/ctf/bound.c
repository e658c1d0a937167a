#include <stdlib.h>

#include "mapper/ctf/stream_parts.h"

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

void bound_trace_init(struct bound_trace *trace, const struct plan_set *set, struct schema *schema,
                      uint32_t index, bool x86_64, const int32_t *vpid)
{
    *trace = (struct bound_trace){.set = set, .schema = schema, .x86_64 = x86_64};
    trace->blank.trace = index;
    trace->blank.domain = (uint8_t)set->domain;
    if (vpid) {
        trace->blank.has = EVENT_HAS_VPID;
        trace->blank.vpid = *vpid;
    }
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

/* Takes what the quick way needs of the plan; false if a value does not begin on a byte. */
static bool make_quick(struct bound *bound)
{
    const struct plan *plan = bound->plan;
    for (unsigned i = 0; i < plan->value_count; i++) {
        const struct plan_op *op = &plan->ops[i];
        if (op->left != op->right)
            return false;
        bound->values[i] = (struct quick_value){op->at, op->to, UINT64_MAX >> op->left, op->sign};
    }
    bound->value_count = plan->value_count;
    bound->text_count = plan->text_count;
    bound->text_ops = plan->ops + plan->value_count;
    return true;
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
    if (plan->is_quick && make_quick(bound) && header->is_usable)
        bound->reach = next > plan->reach ? next : plan->reach;
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
