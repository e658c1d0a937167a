#include <stdlib.h>

#include "mapper/ctf/stream_parts.h"

/* Ids up to here are looked up directly. */
enum { DIRECT_IDS_MAX = 1 << 16 };

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
        } else {
            bound->by_place =
                arena_take(&trace->arena, stream->event_count * sizeof *bound->by_place);
        }
    }
}

void bound_trace_clear(struct bound_trace *trace)
{
    arena_clear(&trace->arena);
}

static struct bound *bind(struct bound_trace *trace, const struct layout_event *event)
{
    const struct plan *plan = trace->set->plans[event->number];
    const struct event_class *class =
        schema_class(trace->schema, trace->set->domain, text_of(event->name));
    struct bound *bound = arena_take(&trace->arena, sizeof *bound);
    *bound = (struct bound){.blank = trace->blank,
                            .plan = plan,
                            .ops = plan->ops,
                            .reach = plan->is_quick ? plan->reach : UINT32_MAX,
                            .run_bytes = plan->run_bytes,
                            .value_count = plan->value_count,
                            .text_count = plan->text_count};
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
        if (!stream->by_id[id])
            stream->by_id[id] = bind(trace, event);
        return stream->by_id[id];
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
        stream->by_place[low] = bind(trace, event);
    return stream->by_place[low];
}
