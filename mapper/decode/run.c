/* mapper/decode/run.c -- the fast path for almost all events: a short header, then a body of which
 * a few fields at known offsets are needed.
 *
 * The position, the clock, and the class of the next event stay in registers. decode.c handles
 * everything else, event by event. */
#include <assert.h>
#include <string.h>

#include "base/attrs.h"
#include "ctf/bits.h"
#include "mapper/decode/stream_parts.h"

/* Prefetch distance: streams take turns, and there are more than hardware prefetchers track. */
enum { AHEAD_BYTES = 512 };

/* The index of the first zero byte of eight; 8 if there is none. */
static inline size_t first_zero(uint64_t word)
{
    static const uint64_t ONES = UINT64_C(0x0101010101010101);
    uint64_t zeros = (word - ONES) & ~word & ONES << 7;
    return zeros ? (size_t)__builtin_ctzll(zeros) / 8 : 8;
}

/* Names of threads are 16 or 17 bytes long. */
static inline struct text chars(const uint8_t *at, uint32_t most)
{
    uint32_t count = 0;
    for (; most - count >= 8; count += 8) {
        uint32_t here = (uint32_t)first_zero(bits_word_little(at + count));
        if (here < 8)
            return (struct text){(const char *)at, count + here};
    }
    while (count < most && at[count] != 0)
        count++;
    return (struct text){(const char *)at, count};
}

static inline uint64_t integer(const uint8_t *at, uint64_t mask, uint64_t sign)
{
    return ((bits_word_little(at) & mask) ^ sign) - sign;
}

static inline void fill_value(struct event *event, const struct quick_value *value,
                              const uint8_t *run)
{
    event->value[value->to] = (int64_t)integer(run + value->at, value->mask, value->sign);
}

static inline void fill_rest(struct event *event, const struct bound *bound)
{
    if (bound->has_rest) /* else both are 0 there */
        memcpy((char *)event + EVENT_PLAIN_BYTES, (const char *)&bound->blank + EVENT_PLAIN_BYTES,
               sizeof *event - EVENT_PLAIN_BYTES);
}

/* For few events: kept out of the registers of the loop. */
NEVER_INLINE static void fill_more(const struct stream *stream, struct event *event,
                                   const struct bound *bound, const uint8_t *run)
{
    for (unsigned i = 0; i < bound->value_count; i++)
        fill_value(event, &bound->values[i], run);
    if (bound->is_plain)
        return;
    fill_rest(event, bound);
    scratch_note_rich(stream->scratch, event);
    for (unsigned i = 0; i < bound->text_count; i++)
        event->text[bound->text_ops[i].to] =
            chars(run + bound->text_ops[i].at, bound->text_ops[i].count);
}

/* Writes an event over an older one, without its values. After its values, that one is all 0, or it
 * was noted and will be zeroed: whether it was plain would be an unpredictable branch here. */
static inline void fill_plain(const struct stream *stream, struct event *event,
                              const struct bound *bound, uint64_t time_ns)
{
    const struct event *blank = &bound->blank;
    event->time_ns = time_ns;
    event->class = blank->class;
    event->call = blank->call;
    event->cpu = stream->cpu;
    event->stream = stream->rank;
    memcpy((char *)event + offsetof(struct event, trace),
           (const char *)blank + offsetof(struct event, trace),
           offsetof(struct event, value) - offsetof(struct event, trace));
    memset(event->value, 0, sizeof event->value);
}

/* The number of values is unpredictable: nearly all events have one, or none. */
static inline void fill(const struct stream *stream, struct event *event, const struct bound *bound,
                        const uint8_t *run, uint64_t time_ns)
{
    fill_plain(stream, event, bound, time_ns);
    fill_value(event, &bound->first, run);
    if (bound->has_more)
        fill_more(stream, event, bound, run);
}

/* Returns the end of an event of a list; NULL as below. */
static const uint8_t *pass_list(const struct quick_op *op, const uint8_t *at, const uint8_t *end)
{
    for (; op->code != QUICK_END; op++) {
        bool is_string =
            op->code == QUICK_STRING || op->code == QUICK_TEXT || op->code == QUICK_FIELD_TEXT;
        if (is_string) {
            const uint8_t *nul = memchr(at, '\0', (size_t)(end - at));
            if (!nul)
                return NULL;
            at = nul + 1;
        } else if (op->code == QUICK_RUN) {
            if ((size_t)(end - at) < op->reach)
                return NULL;
            at += op->bytes;
        }
    }
    return at;
}

/* Member by member: a whole value would be assembled in memory, and loaded before its parts are
 * stored. */
static inline void put_text(struct text *to, const uint8_t *at, size_t count)
{
    to->at = (const char *)at;
    to->count = count;
}

static inline void put_field_text(struct field_value *to, const uint8_t *at, size_t count)
{
    to->type = FIELD_TEXT;
    put_text(&to->text, at, count);
}

/* Loads the integers of a run. Returns the last of their ops, or `op` if there are none. */
static inline const struct quick_op *load_run(const struct quick_op *op, const uint8_t *run,
                                              struct event *event, struct field_value *fields)
{
    const struct quick_op *contexts = op + op->contexts, *values = contexts + op->values,
                          *last = values + op->fields;
    while (op < contexts) {
        op++;
        *(uint32_t *)((char *)event + op->to) = (uint32_t)integer(run + op->at, op->mask, op->sign);
    }
    while (op < values) {
        op++;
        event->value[op->to] = (int64_t)integer(run + op->at, op->mask, op->sign);
    }
    while (op < last) {
        op++;
        fields[op->to].type = (enum field_type)op->type;
        fields[op->to].u = integer(run + op->at, op->mask, op->sign);
    }
    return op;
}

/* Executes the list, as far as the event is there. */
static inline const uint8_t *follow_list(const struct quick_op *op, const uint8_t *at,
                                         const uint8_t *end, struct event *event,
                                         struct field_value *fields)
{
    const uint8_t *run = at, *nul;
    for (;; op++) {
        switch (op->code) {
        case QUICK_END: return at;
        case QUICK_RUN:
            if ((size_t)(end - at) < op->reach)
                return NULL;
            run = at;
            at += op->bytes;
            op = load_run(op, run, event, fields);
            break;
        case QUICK_CHARS:
            *(struct text *)((char *)event + op->to) = chars(run + op->at, op->bytes);
            break;
        case QUICK_FIELD_CHARS:
            put_field_text(&fields[op->to], run + op->at, chars(run + op->at, op->bytes).count);
            break;
        default:
            nul = memchr(at, '\0', (size_t)(end - at));
            if (!nul)
                return NULL;
            if (op->code == QUICK_TEXT)
                put_text((struct text *)((char *)event + op->to), at, (size_t)(nul - at));
            else if (op->code == QUICK_FIELD_TEXT)
                put_field_text(&fields[op->to], at, (size_t)(nul - at));
            at = nul + 1;
            break;
        }
    }
}

/* Fills in an event by its list (NULL: skips it). Returns its end; NULL if the quick path cannot
 * handle it: at or past the packet's end. */
NEVER_INLINE static const uint8_t *fill_listed(struct stream *stream, struct event *event,
                                               const struct bound *bound, const uint8_t *at,
                                               uint64_t time_ns)
{
    struct field_value *fields = NULL;
    if (!event)
        return pass_list(bound->ops, at, stream->end);
    fill_plain(stream, event, bound, time_ns);
    fill_rest(event, bound);
    if (!bound->is_plain)
        scratch_note_rich(stream->scratch, event);
    if (bound->blank.field_count > 0) {
        size_t bytes = bound->blank.field_count * sizeof *fields;
        fields = scratch_take(stream->scratch, bytes);
        if (!bound->fills_fields)
            memset(fields, 0, bytes);
        event->fields = fields;
    }
    return follow_list(bound->ops, at, stream->end, event, fields);
}

/* Implements stream_run(), from an event at the head on, as long as header and body are quick.
 * Without `events`, they are only counted.
 *
 * The critical path is the begin of the next event: from the bytes of its header to its number, to
 * its size. Runs are short: what fits into no register is read from the stream where it is used,
 * rather than copied first. */
static inline __attribute__((always_inline)) size_t
run_by_header(struct stream *stream, struct event *events, size_t room, uint64_t last_ns, bool kept,
              const struct quick_header *header, uint64_t frequency)
{
    const struct bound_stream *class = stream->class;
    const uint8_t *at = stream->at;
    const struct bound *bound = stream->bound;
    const uint64_t limit_ns = last_ns < stream->late_ns ? last_ns : stream->late_ns;
    uint64_t clock = stream->clock, time_ns = stream->head_ns;
    const uint64_t first_ns = time_ns, span_ns = limit_ns - first_ns;
    struct event *event = events;
    const struct event *const full = events + room;
    size_t passed = 0;
    uint64_t passed_ns = 0; /* of the last one */
    bool has_head = true;   /* `bound` and `time_ns` are those of the next event */
    /* From here on, time only increases, unless the head was set back. */
    if (cycles_ns(clock, frequency) + (uint64_t)stream->time.shift_ns != time_ns ||
        time_ns > limit_ns)
        return 0;
    struct quick_size size = {bound->run_bytes, bound->reach};
    for (;;) {
        if ((size_t)(stream->end - at) >= size.reach) {
            if (kept)
                fill(stream, event, bound, at, time_ns);
            at += size.run_bytes;
        } else {
            const uint8_t *behind = NULL;
            if (bound->ops)
                behind = fill_listed(stream, kept ? event : NULL, bound, at, time_ns);
            if (!behind)
                break;
            at = behind;
        }
        if (kept) {
            event++;
        } else {
            passed++;
            passed_ns = time_ns;
        }

        const uint8_t *next = at;
        if (header->align > 1)
            next += -(uintptr_t)(at - stream->packet) & (header->align - 1);
        has_head = false;
        __builtin_prefetch(next + AHEAD_BYTES);
        uint64_t word = bits_word_little(next);
        uint64_t id = word & header->id_mask;
        if (id > class->quick.last_id)
            break;
        const struct bound *coming = class->by_id[id];
        size = class->size_by_id[id];
        uint64_t now =
            (clock & ~header->time_mask) | (word >> header->time_shift & header->time_mask);
        if (now < clock) {
            now += header->time_mask + 1; /* does nothing for 64 bits */
            if (now < clock)
                break;
        }
        if (!coming)
            break;
        uint64_t now_ns = cycles_ns(now, frequency) + (uint64_t)stream->time.shift_ns;
        /* Without a division, it cannot wrap from the first event on. */
        bool is_last = frequency == CYCLES_NS_PER_S ? now_ns - first_ns > span_ns
                                                    : now_ns - time_ns > limit_ns - time_ns;
        if (is_last && now_ns - time_ns > stream->late_ns - time_ns) /* or the clock wrapped */
            break;
        has_head = true;
        clock = now;
        time_ns = now_ns;
        bound = coming;
        at = next + header->bytes;
        if (is_last || (kept && event == full))
            break;
    }
    stream->at = at;
    stream->clock = clock;
    if (kept && event > events)
        stream->last_ns = event[-1].time_ns;
    else if (passed > 0)
        stream->last_ns = passed_ns;
    stream->head_ns = time_ns;
    stream->bound = bound;
    if (!has_head)
        decode_next(stream);
    return kept ? (size_t)(event - events) : passed;
}

static inline __attribute__((always_inline)) size_t
run_quickly(struct stream *stream, struct event *events, size_t room, uint64_t last_ns, bool kept)
{
    if (stream->quick == QUICK_NS)
        return run_by_header(stream, events, room, last_ns, kept, &QUICK_USUAL, CYCLES_NS_PER_S);
    if (stream->quick == QUICK_ANY)
        return run_by_header(stream, events, room, last_ns, kept, &stream->class->quick,
                             stream->time.frequency);
    return 0;
}

void stream_pass(struct stream *stream, uint64_t last_ns)
{
    while (stream->head == HEAD_EVENT && stream->head_ns <= last_ns) {
        struct event passed;
        scratch_reset(stream->scratch);
        bool seam = stream->in_seam;
        size_t count = run_quickly(stream, NULL, 0, last_ns, false);
        if (count == 0)
            count = decode_one(stream, &passed);
        stream->early += seam ? 0 : count;
    }
    scratch_reset(stream->scratch); /* it notes `passed` */
}

size_t stream_run(struct stream *stream, struct event *events, size_t room, uint64_t last_ns)
{
    bool seam = stream->in_seam; /* the events of one call are from one packet */
    size_t count = 0;
    assert(room > 0 && stream->head_ns <= last_ns);
    if (stream->head == HEAD_EVENT)
        count = run_quickly(stream, events, room, last_ns, true);
    if (count == 0)
        count = decode_one(stream, events);
    for (size_t i = 0; seam && i < count; i++)
        events[i].seam = true;
    return count;
}
