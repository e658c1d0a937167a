#include <assert.h>

#include "ctf/bits.h"
#include "mapper/decode/stream_parts.h"
#include "mapper/decode/stream_rules.h"
#include "ctf/walk.h"
#include "mapper/decode/walk_kept.h"

static const char PAST_END[] = "an event goes past the end of the packet";

static bool fault(struct stream *stream, const char *what)
{
    stream->fault = what;
    return false;
}

/* --- headers --- */

static void walked_to(struct stream *stream, const struct walk *walk)
{
    stream->at = stream->packet + walk->at / 8;
    stream->bit = (uint8_t)(walk->at % 8);
}

/* The rest of the byte is padding. */
static void to_byte(struct stream *stream)
{
    stream->at += stream->bit > 0;
    stream->bit = 0;
}

/* The header is read; `at` is after it. */
static bool settle(struct stream *stream, uint64_t id)
{
    const struct bound_stream *class = stream->class;
    const struct bound *bound = id < class->id_count ? class->by_id[id] : NULL;
    if (!bound) {
        bound = bound_find(stream->trace, class, id);
        if (!bound) {
            stream->fault_id = id;
            return fault(stream, NULL);
        }
    }
    uint64_t time_ns = stream_ns(&stream->time, stream->clock);
    const char *late = stream_time_fault(&stream->time, stream->late_ns, time_ns);
    if (late)
        return fault(stream, late);
    if (time_ns < stream->last_ns) {
        stream_backwards(stream);
        time_ns = stream->last_ns;
    }
    if (!bound->plan->walked)
        to_byte(stream); /* its first field is aligned, or it has none */
    stream->bound = bound;
    stream->head_ns = time_ns;
    stream->head = HEAD_EVENT;
    return true;
}

static struct walk walk_here(const struct stream *stream)
{
    return (struct walk){.packet = stream->packet,
                         .at = stream_bit(stream),
                         .limit = stream->content_bits,
                         .slots = stream->slots};
}

static bool walk_header(struct stream *stream)
{
    const struct layout_stream *layout = stream->class->layout;
    struct walk walk = walk_here(stream);
    struct walk_found found = {.clock = stream->clock};
    walk.found = &found;
    stream->event_bit = walk.at;
    if (layout->event_header && !walk_skip(&walk, layout->event_header))
        return fault(stream, walk.fault);
    walked_to(stream, &walk);
    stream->clock = found.clock;
    if (found.has >> LAYOUT_EVENT_ID & 1)
        return settle(stream, found.value[LAYOUT_EVENT_ID]);
    if (layout->event_count != 1)
        return fault(stream, "an event has no id, but the stream has several event classes");
    return settle(stream, layout->by_id[0]->id);
}

static bool header(struct stream *stream)
{
    const struct plan_header *plan = stream->class->header;
    if (!plan->is_short)
        return walk_header(stream);
    const uint8_t *at = stream->at;
    if (plan->align > 1)
        at = stream->packet + bits_aligned((uint64_t)(at - stream->packet), plan->align);
    if (stream->end - at < (ptrdiff_t)plan->reach)
        return walk_header(stream);
    uint64_t id = bits_word(at + plan->id_at, plan->big_endian) >> plan->id_shift & plan->id_mask;
    if (id < plan->low || id > plan->high)
        return walk_header(stream);
    if (plan->has_time) {
        uint64_t low =
            bits_word(at + plan->time_at, plan->big_endian) >> plan->time_shift & plan->time_mask;
        stream->clock = walk_clock(stream->clock, low, plan->time_bits);
    }
    if (plan->save != LAYOUT_NONE)
        stream->slots[plan->save] = id;
    stream->at = at + plan->bytes;
    return settle(stream, id);
}

bool decode_header(struct stream *stream)
{
    return header(stream);
}

/* --- bodies --- */

/* The last loaded value, and the parts of a call by number. */
struct hand {
    uint64_t number;
    struct text text;
    const int64_t *numbers;
    size_t count;
    uint64_t call_number;
    const int64_t *call_args;
    size_t call_arg_count;
};

/* Member by member: a whole value would be assembled in memory, and loaded before its parts are
 * stored. */
static inline struct field_value *field_of(struct field_value *fields, const struct plan_op *op,
                                           enum field_type type)
{
    assert(fields); /* a plan with such an op has a field_count */
    fields[op->from].type = type;
    return &fields[op->from];
}

static inline void put(const struct plan_op *op, struct hand *hand, uint64_t *slots,
                       struct field_value *fields, struct event *event)
{
    switch (op->code) {
    case PLAN_TO_SLOT: slots[op->from] = hand->number; break;
    case PLAN_TO_VALUE: event->value[op->to] = (int64_t)hand->number; break;
    case PLAN_TO_TEXT: event->text[op->to] = hand->text; break;
    case PLAN_TO_INTS:
        event->ints = hand->numbers;
        event->int_count = (uint16_t)hand->count;
        break;
    case PLAN_TO_TID: event->tid = (int32_t)hand->number; break;
    case PLAN_TO_PID: event->pid = (int32_t)hand->number; break;
    case PLAN_TO_VTID: event->vtid = (int32_t)hand->number; break;
    case PLAN_TO_VPID: event->vpid = (int32_t)hand->number; break;
    case PLAN_TO_PID_NS: event->pid_ns = (uint32_t)hand->number; break;
    case PLAN_TO_PROCNAME: event->procname = hand->text; break;
    case PLAN_TO_INT: field_of(fields, op, FIELD_INT)->i = (int64_t)hand->number; break;
    case PLAN_TO_UINT: field_of(fields, op, FIELD_UINT)->u = hand->number; break;
    case PLAN_TO_FIELD_TEXT: field_of(fields, op, FIELD_TEXT)->text = hand->text; break;
    case PLAN_TO_CALL_NUMBER: hand->call_number = hand->number; break;
    case PLAN_TO_CALL_ARGS:
        hand->call_args = hand->numbers;
        hand->call_arg_count = hand->count;
        break;
    default: break;
    }
}

static bool walk_op(struct walk *walk, const struct plan_op *op, struct scratch *scratch,
                    struct hand *hand)
{
    if (op->code == PLAN_WALK_NUMBER)
        return walk_number(walk, op->field, &hand->number);
    if (op->code == PLAN_WALK_TEXT)
        return op->field->unit > 0 ? walk_wide(walk, op->field, scratch, &hand->text)
                                   : walk_text(walk, op->field, &hand->text);
    if (op->code == PLAN_WALK_NUMBERS)
        return walk_numbers(walk, op->field, UINT16_MAX, scratch, &hand->numbers, &hand->count);
    if (op->code == PLAN_WALK)
        return walk_skip(walk, op->field);
    walk->fault = PAST_END;
    return walk_align(walk, op->count);
}

/* Walks a field from `at` on; returns its end, or NULL. */
static const uint8_t *walk_from(struct stream *stream, const uint8_t *at, const struct plan_op *op,
                                struct hand *hand)
{
    struct walk walk = {.packet = stream->packet,
                        .at = (uint64_t)(at - stream->packet) * 8,
                        .limit = stream->content_bits,
                        .slots = stream->slots};
    if (walk_op(&walk, op, stream->scratch, hand))
        return stream->packet + (walk.at + 7) / 8;
    stream->fault = walk.fault;
    return NULL;
}

/* The array of a run whose fields are all there. */
static void numbers_of_run(struct stream *stream, const uint8_t *run, const struct plan_op *op,
                           struct hand *hand)
{
    struct walk walk = {.packet = stream->packet,
                        .at = (uint64_t)(run + op->at - stream->packet) * 8 + op->bit,
                        .limit = stream->content_bits + 7,
                        .slots = stream->slots};
    if (!walk_numbers(&walk, op->field, UINT16_MAX, stream->scratch, &hand->numbers, &hand->count))
        hand->count = 0;
}

/* The eight bytes at `at`; bytes after `end` are 0. */
static uint64_t word_before(const uint8_t *at, const uint8_t *end, bool big_endian)
{
    if (end - at >= 8)
        return bits_word(at, big_endian);
    unsigned left = (unsigned)(end - at);
    return big_endian ? bits_big(at, left) << (64 - 8 * left) : bits_little(at, left);
}

static uint64_t loaded(const uint8_t *run, const uint8_t *end, const struct plan_op *op)
{
    return plan_integer(op, word_before(run + op->at, end, op->big_endian));
}

static struct text chars(const uint8_t *run, const struct plan_op *op)
{
    const char *at = (const char *)run + op->at;
    return (struct text){at, strnlen(at, op->count)};
}

/* Executes `op` up to PLAN_END, on a run that was checked. Returns the end of the event, or
 * NULL. */
static const uint8_t *follow(struct stream *stream, const struct plan_op *op, const uint8_t *run,
                             const uint8_t *at, struct hand *hand, struct field_value *fields,
                             struct event *event)
{
    const uint8_t *end = stream->end, *nul;
    uint64_t count;
    for (;; op++) {
        switch (op->code) {
        case PLAN_END: return at;
        case PLAN_RUN:
            if ((size_t)(end - at) < op->count)
                goto past_end;
            run = at;
            at += op->count;
            break;
        case PLAN_ALIGN:
            at = stream->packet + bits_aligned((uint64_t)(at - stream->packet), op->count);
            if (at > end)
                goto past_end;
            break;
        case PLAN_VALUE: event->value[op->to] = (int64_t)loaded(run, end, op); break;
        case PLAN_TEXT: event->text[op->to] = chars(run, op); break;
        case PLAN_LOAD: hand->number = loaded(run, end, op); break;
        case PLAN_CHARS: hand->text = chars(run, op); break;
        case PLAN_STRING:
            nul = memchr(at, '\0', (size_t)(end - at));
            if (!nul)
                goto past_end;
            hand->text = (struct text){(const char *)at, (size_t)(nul - at)};
            at = nul + 1;
            break;
        case PLAN_SEQUENCE:
            count = stream->slots[op->from];
            if (count > (uint64_t)(end - at) / op->count)
                goto past_end;
            at += count * op->count;
            break;
        case PLAN_NUMBERS: numbers_of_run(stream, run, op, hand); break;
        case PLAN_WALK:
        case PLAN_WALK_NUMBER:
        case PLAN_WALK_TEXT:
        case PLAN_WALK_NUMBERS:
        case PLAN_WALK_ALIGN:
            at = walk_from(stream, at, op, hand);
            if (!at)
                return NULL;
            break;
        default: put(op, hand, stream->slots, fields, event); break;
        }
    }
past_end:
    stream->fault = PAST_END;
    return NULL;
}

/* The same for a plan that is executed bit by bit. */
static bool follow_walked(struct stream *stream, const struct plan_op *op, struct hand *hand,
                          struct field_value *fields, struct event *event)
{
    struct walk walk = walk_here(stream);
    for (; op->code != PLAN_END; op++) {
        if (op->code >= PLAN_TO_SLOT)
            put(op, hand, stream->slots, fields, event);
        else if (!walk_op(&walk, op, stream->scratch, hand))
            return fault(stream, walk.fault);
    }
    if (walk.at > walk.limit)
        return fault(stream, PAST_END);
    walked_to(stream, &walk);
    if (stream->class->header->by_bytes)
        to_byte(stream);
    return true;
}

/* The part of the event that consists of bytes. */
static bool take_bytes(struct stream *stream, const struct plan *plan, struct hand *hand,
                       struct field_value *fields, struct event *event)
{
    const uint8_t *run = stream->at, *at = run;
    if (plan->is_run) {
        if ((size_t)(stream->end - at) < plan->run_bytes)
            return fault(stream, PAST_END);
        at += plan->run_bytes;
    }
    at = follow(stream, plan->ops, run, at, hand, fields, event);
    if (!at)
        return false;
    stream->at = at;
    return true;
}

/* Fills in the event at the head; false if the packet is inconsistent. */
static bool take(struct stream *stream, struct event *event)
{
    const struct plan *plan = stream->bound->plan;
    struct hand hand = {.call_number = UINT64_MAX};
    struct field_value *fields = NULL;
    *event = stream->bound->blank;
    scratch_note_rich(stream->scratch, event);
    event->time_ns = stream->head_ns;
    event->cpu = stream->cpu;
    event->stream = stream->rank;
    if (plan->field_count > 0) {
        fields = scratch_take(stream->scratch, plan->field_count * sizeof *fields);
        memset(fields, 0, plan->field_count * sizeof *fields);
        event->fields = fields;
    }
    bool taken = plan->walked ? follow_walked(stream, plan->ops, &hand, fields, event)
                              : take_bytes(stream, plan, &hand, fields, event);
    if (!taken)
        return false;
    if (plan->unknown_call)
        event_set_unknown_call(stream->trace->schema, event, hand.call_number,
                               stream->trace->x86_64, hand.call_args, hand.call_arg_count);
    if (stream->class->header->is_short || stream_bit(stream) > stream->event_bit)
        return true;
    return fault(stream, "an event has a size of 0 bits");
}

/* --- runs --- */

static void put_loss(struct stream *stream, struct event *event)
{
    bool kernel = stream->trace->set->domain == DOMAIN_KERNEL;
    *event =
        (struct event){.trace = stream->trace->blank.trace, .domain = stream->trace->blank.domain};
    scratch_note_rich(stream->scratch, event);
    event->time_ns = stream->head_ns;
    event->cpu = stream->cpu;
    event->stream = stream->rank;
    event->class = schema_loss_class(stream->trace->schema, stream->trace->set->domain);
    event->kind = EVENT_LOSS;
    event->value[0] = (int64_t)stream->loss_discarded;
    event->value[1] = kernel;
    event->value[3] = (int64_t)stream->loss_missing;
    event->present = 1 | 2 | 8;
}

void decode_next(struct stream *stream)
{
    if (stream_packet_over(stream))
        stream_next_packet(stream);
    else if (!header(stream))
        stream_bad_packet(stream);
}

size_t decode_one(struct stream *stream, struct event *event)
{
    if (stream->head == HEAD_LOSS) {
        stream->last_ns = stream->head_ns;
        put_loss(stream, event);
        stream_next_packet(stream);
        return 1;
    }
    if (!take(stream, event)) {
        event_make_plain(event); /* it was filled in part, and the slot is reused */
        stream_bad_packet(stream);
        return 0;
    }
    stream->last_ns = stream->head_ns;
    decode_next(stream);
    return 1;
}
