#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "mapper/decode/stream_parts.h"

/* Ids below this are looked up directly. */
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
    const struct quick_header *usual = &QUICK_USUAL;
    bool is_usual = is_usable && time_bit == usual->time_shift && header->align == usual->align &&
                    header->bytes == usual->bytes && header->id_mask == usual->id_mask &&
                    header->time_mask == usual->time_mask;
    return (struct quick_header){.is_usable = is_usable,
                                 .is_usual = is_usual,
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
    bool has_first = bound->first.mask != 0;
    if (op->left != op->right || op->big_endian || bound->value_count == EVENT_VALUES - 1)
        return false;
    struct quick_value *value = has_first ? &bound->values[bound->value_count++] : &bound->first;
    *value = (struct quick_value){op->at, op->to, UINT64_MAX >> op->left, op->sign};
    if (op->at + 8 > *reach)
        *reach = op->at + 8;
    return true;
}

/* Takes the data for the quick path from the plan; false if the plan needs another path. */
static bool make_quick(struct bound *bound)
{
    const struct plan *plan = bound->plan;
    uint32_t reach = 0; /* the plan has it */
    if (!plan->is_quick)
        return false;
    for (unsigned i = 0; i < plan->value_count; i++)
        if (!take_value(bound, &plan->ops[i], &reach))
            return false;
    bound->text_count = plan->text_count;
    bound->text_ops = plan->ops + plan->value_count;
    return true;
}

/* --- lists of quick ops --- */

/* Limit of a plan; longer ones use the slow path. Then a run and the end are added. */
enum { QUICK_OPS_MAX = 64, QUICK_LIST_MAX = QUICK_OPS_MAX + 2 };

struct quick_maker {
    struct quick_op ops[QUICK_LIST_MAX];
    size_t count;
    struct quick_op *run; /* the last one */
};

static struct quick_op *add_op(struct quick_maker *maker, enum quick_code code, uint32_t to)
{
    assert(maker->count < QUICK_LIST_MAX);
    struct quick_op *op = &maker->ops[maker->count++];
    *op = (struct quick_op){.code = (uint8_t)code, .to = to};
    return op;
}

static void add_run(struct quick_maker *maker, uint32_t bytes)
{
    maker->run = add_op(maker, QUICK_RUN, 0);
    maker->run->bytes = maker->run->reach = bytes;
}

static bool add_number(struct quick_maker *maker, const struct plan_op *from, enum quick_code code,
                       uint32_t to, enum field_type type)
{
    if (from->left != from->right || from->big_endian)
        return false;
    struct quick_op *op = add_op(maker, code, to);
    op->type = (uint8_t)type;
    op->at = from->at;
    op->mask = UINT64_MAX >> from->left;
    op->sign = from->sign;
    if (op->at + 8 > maker->run->reach)
        maker->run->reach = op->at + 8;
    return true;
}

static bool add_chars(struct quick_maker *maker, const struct plan_op *from, enum quick_code code,
                      uint32_t to)
{
    struct quick_op *op = add_op(maker, code, to);
    op->at = from->at;
    op->bytes = from->count;
    return true;
}

static uint32_t text_at(uint8_t index)
{
    return (uint32_t)(offsetof(struct event, text) + index * sizeof(struct text));
}

/* Adds an op that puts the integer or text of `from` where `op` puts it. */
static bool add_put(struct quick_maker *maker, const struct plan_op *from, const struct plan_op *op)
{
    static const uint32_t CONTEXT[] = {[PLAN_TO_TID] = offsetof(struct event, tid),
                                       [PLAN_TO_PID] = offsetof(struct event, pid),
                                       [PLAN_TO_VTID] = offsetof(struct event, vtid),
                                       [PLAN_TO_VPID] = offsetof(struct event, vpid),
                                       [PLAN_TO_PID_NS] = offsetof(struct event, pid_ns)};
    if (from->code == PLAN_LOAD) {
        switch (op->code) {
        case PLAN_TO_VALUE: return add_number(maker, from, QUICK_VALUE, op->to, FIELD_ABSENT);
        case PLAN_TO_TID:
        case PLAN_TO_PID:
        case PLAN_TO_VTID:
        case PLAN_TO_VPID:
        case PLAN_TO_PID_NS:
            return add_number(maker, from, QUICK_CONTEXT, CONTEXT[op->code], FIELD_ABSENT);
        case PLAN_TO_INT: return add_number(maker, from, QUICK_FIELD, op->from, FIELD_INT);
        case PLAN_TO_UINT: return add_number(maker, from, QUICK_FIELD, op->from, FIELD_UINT);
        default: return false;
        }
    }
    bool is_field = op->code == PLAN_TO_FIELD_TEXT;
    uint32_t to = is_field                       ? op->from
                  : op->code == PLAN_TO_PROCNAME ? (uint32_t)offsetof(struct event, procname)
                                                 : text_at(op->to);
    if (!is_field && op->code != PLAN_TO_PROCNAME && op->code != PLAN_TO_TEXT)
        return false;
    if (from->code == PLAN_CHARS)
        return add_chars(maker, from, is_field ? QUICK_FIELD_CHARS : QUICK_CHARS, to);
    if (from->code != PLAN_STRING || maker->ops[maker->count - 1].code != QUICK_STRING)
        return false; /* it has two destinations */
    maker->ops[maker->count - 1].code = is_field ? QUICK_FIELD_TEXT : QUICK_TEXT;
    maker->ops[maker->count - 1].to = to;
    return true;
}

static bool add_plan(struct quick_maker *maker, const struct plan *plan)
{
    const struct plan_op *from = NULL; /* the load whose value is in the hand */
    if (plan->is_run)
        add_run(maker, plan->run_bytes);
    for (const struct plan_op *op = plan->ops; op->code != PLAN_END; op++) {
        bool good = true;
        if (maker->count >= QUICK_OPS_MAX)
            return false;
        switch (op->code) {
        case PLAN_RUN: add_run(maker, op->count); break;
        case PLAN_VALUE: good = add_number(maker, op, QUICK_VALUE, op->to, FIELD_ABSENT); break;
        case PLAN_TEXT: good = add_chars(maker, op, QUICK_CHARS, text_at(op->to)); break;
        case PLAN_STRING: (void)add_op(maker, QUICK_STRING, 0); break;
        case PLAN_LOAD:
        case PLAN_CHARS: break;
        default: good = from && add_put(maker, from, op); break;
        }
        if (!good)
            return false;
        if (op->code == PLAN_STRING || op->code == PLAN_LOAD || op->code == PLAN_CHARS)
            from = op;
    }
    return true;
}

static bool is_integer(const struct quick_op *op)
{
    return op->code == QUICK_CONTEXT || op->code == QUICK_VALUE || op->code == QUICK_FIELD;
}

/* Puts the integers of each run right after its op, by code. */
static void group_integers(struct quick_maker *maker)
{
    struct quick_op *run = NULL, *group = NULL; /* the end of its integers so far */
    for (struct quick_op *op = maker->ops; op < maker->ops + maker->count; op++) {
        if (op->code == QUICK_RUN) {
            run = op;
            group = run + 1;
        } else if (is_integer(op)) {
            struct quick_op moved = *op, *to = op;
            while (to > group || (to > run + 1 && to[-1].code > moved.code)) {
                *to = to[-1];
                to--;
            }
            *to = moved;
            group++;
            uint8_t *count = moved.code == QUICK_CONTEXT ? &run->contexts
                             : moved.code == QUICK_VALUE ? &run->values
                                                         : &run->fields;
            ++*count;
        }
    }
}

static bool fills_fields(const struct quick_maker *maker, uint32_t field_count)
{
    uint32_t filled = 0;
    for (uint32_t i = 0; i < field_count; i++)
        for (size_t k = 0; k < maker->count; k++) {
            const struct quick_op *op = &maker->ops[k];
            bool is_field = op->code == QUICK_FIELD || op->code == QUICK_FIELD_CHARS ||
                            op->code == QUICK_FIELD_TEXT;
            if (!is_field || op->to != i)
                continue;
            filled++;
            break;
        }
    return filled == field_count;
}

/* For a plan of runs and strings, of which only single integers and texts are needed. */
static void make_list(struct arena *arena, const struct quick_header *header, struct bound *bound)
{
    const struct plan *plan = bound->plan;
    struct quick_maker maker = {.count = 0};
    if (plan->walked || plan->unknown_call || !add_plan(&maker, plan))
        return;
    if (!maker.run || maker.ops[maker.count - 1].code == QUICK_STRING ||
        maker.ops[maker.count - 1].code == QUICK_TEXT ||
        maker.ops[maker.count - 1].code == QUICK_FIELD_TEXT)
        add_run(&maker, 0);
    uint32_t next = maker.run->bytes + header->align - 1 + header->reach;
    if (next > maker.run->reach)
        maker.run->reach = next;
    (void)add_op(&maker, QUICK_END, 0);
    group_integers(&maker);
    struct quick_op *ops = arena_take(arena, maker.count * sizeof *ops);
    memcpy(ops, maker.ops, maker.count * sizeof *ops);
    bound->ops = ops;
    bound->fills_fields = fills_fields(&maker, plan->field_count);
}

/* --- binding --- */

/* Whether it is all 0 after its values. */
static bool rest_is_zero(const struct event *blank)
{
    static const struct event zero;
    return memcmp((const char *)blank + EVENT_PLAIN_BYTES, (const char *)&zero + EVENT_PLAIN_BYTES,
                  sizeof zero - EVENT_PLAIN_BYTES) == 0;
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
    bound->blank.class = class;
    bound->blank.kind = class->kind;
    bound->blank.call = class->call;
    bound->blank.has |= plan->has;
    bound->blank.present = plan->present;
    bound->blank.field_count = plan->field_count;
    bound->blank.shapes = plan->shapes;
    bound->has_rest = !rest_is_zero(&bound->blank);
    bound->is_plain = event_is_plain(&bound->blank) && !bound->has_rest;
    uint32_t next = plan->run_bytes + header->align - 1 + header->reach;
    if (header->is_usable && make_quick(bound))
        bound->reach = next > plan->reach ? next : plan->reach;
    else if (header->is_usable)
        make_list(&trace->arena, header, bound);
    bound->has_more = bound->value_count > 0 || !bound->is_plain;
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
