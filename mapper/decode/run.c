/* mapper/decode/run.c -- the fast path for almost all events: a short header, then a body of which
 * a few fields at known offsets are needed.
 *
 * The position, the clock, and the class of the next event stay in registers. decode.c handles
 * everything else, event by event. */
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

/* For few events: kept out of the registers of the loop. */
NEVER_INLINE static void fill_rest(struct stream *stream, struct event *event,
                                   const struct bound *bound, const uint8_t *run)
{
    memcpy((char *)event + EVENT_PLAIN_BYTES, (const char *)&bound->blank + EVENT_PLAIN_BYTES,
           sizeof *event - EVENT_PLAIN_BYTES);
    scratch_note_rich(stream->scratch, event);
    for (unsigned i = 0; i < bound->text_count; i++)
        event->text[bound->text_ops[i].to] =
            chars(run + bound->text_ops[i].at, bound->text_ops[i].count);
}

static inline uint64_t integer(const uint8_t *at, uint64_t mask, uint64_t sign)
{
    return ((bits_word_little(at) & mask) ^ sign) - sign;
}

static inline void fill_values(struct event *event, const struct quick_value *value,
                               const struct quick_value *end, const uint8_t *run)
{
    for (; value < end; value++)
        event->value[value->to] = (int64_t)integer(run + value->at, value->mask, value->sign);
}

/* Writes an event over an older one. After its values, that one is all 0, or it was noted and will
 * be zeroed: whether it was plain would be an unpredictable branch here. */
static inline void fill(struct stream *stream, struct event *event, int32_t cpu, uint32_t rank,
                        const struct bound *bound, const uint8_t *run, uint64_t time_ns)
{
    memcpy(event, &bound->blank, EVENT_PLAIN_BYTES);
    event->time_ns = time_ns;
    event->cpu = cpu;
    event->stream = rank;
    fill_values(event, bound->values, bound->values + bound->value_count, run);
    if (!bound->is_plain)
        fill_rest(stream, event, bound, run);
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
    memcpy(event, &bound->blank, EVENT_PLAIN_BYTES);
    event->time_ns = time_ns;
    event->cpu = stream->cpu;
    event->stream = stream->rank;
    if (bound->has_rest)
        memcpy((char *)event + EVENT_PLAIN_BYTES, (const char *)&bound->blank + EVENT_PLAIN_BYTES,
               sizeof *event - EVENT_PLAIN_BYTES);
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

/* Implements stream_run(), from an event at the head on, as long as header and body are quick. If
 * they are not `kept`, events are only counted.
 *
 * The critical path is the begin of the next event: from the bytes of its header to its number, to
 * its size. */
static inline __attribute__((always_inline)) size_t
run_by_header(struct stream *stream, struct event *events, size_t room, uint64_t last_ns, bool kept,
              const struct quick_header *header, uint64_t frequency)
{
    const struct bound_stream *class = stream->class;
    const uint64_t last_id = class->quick.last_id;
    struct bound *const *const by_id = class->by_id;
    const struct quick_size *const size_by_id = class->size_by_id;
    const uint8_t *at = stream->at, *const end = stream->end;
    const struct bound *bound = stream->bound;
    const uint64_t late_ns = stream->late_ns;
    const uint64_t shift_ns = (uint64_t)stream->time.shift_ns;
    const uint64_t limit_ns = last_ns < late_ns ? last_ns : late_ns;
    const int32_t cpu = stream->cpu;
    const uint32_t rank = stream->rank;
    uint64_t clock = stream->clock, time_ns = stream->head_ns, before_ns = stream->last_ns;
    size_t count = 0;
    bool has_head = true; /* `bound` and `time_ns` are those of the next event */
    /* From here on, time only increases, unless the head was set back. */
    if (cycles_ns(clock, frequency) + shift_ns != time_ns || time_ns > limit_ns)
        return 0;
    struct quick_size size = {bound->run_bytes, bound->reach};
    for (;;) {
        if ((size_t)(end - at) >= size.reach) {
            if (kept)
                fill(stream, &events[count], cpu, rank, bound, at, time_ns);
            at += size.run_bytes;
        } else {
            const uint8_t *behind = NULL;
            if (bound->ops)
                behind = fill_listed(stream, kept ? &events[count] : NULL, bound, at, time_ns);
            if (!behind)
                break;
            at = behind;
        }
        count++;
        before_ns = time_ns;

        const uint8_t *next = at;
        if (header->align > 1)
            next += -(uintptr_t)(at - stream->packet) & (header->align - 1);
        has_head = false;
        __builtin_prefetch(next + AHEAD_BYTES);
        uint64_t word = bits_word_little(next);
        uint64_t id = word & header->id_mask;
        if (id > last_id)
            break;
        const struct bound *coming = by_id[id];
        size = size_by_id[id];
        uint64_t now =
            (clock & ~header->time_mask) | (word >> header->time_shift & header->time_mask);
        if (now < clock) {
            now += header->time_mask + 1; /* does nothing for 64 bits */
            if (now < clock)
                break;
        }
        if (!coming)
            break;
        uint64_t now_ns = cycles_ns(now, frequency) + shift_ns;
        bool is_last = now_ns - time_ns > limit_ns - time_ns;
        if (is_last && now_ns - time_ns > late_ns - time_ns) /* or the clock wrapped */
            break;
        has_head = true;
        clock = now;
        time_ns = now_ns;
        bound = coming;
        at = next + header->bytes;
        if (is_last || count == room)
            break;
    }
    stream->at = at;
    stream->clock = clock;
    stream->last_ns = before_ns;
    stream->head_ns = time_ns;
    stream->bound = bound;
    if (!has_head)
        decode_next(stream);
    return count;
}

static inline __attribute__((always_inline)) size_t
run_quickly(struct stream *stream, struct event *events, size_t room, uint64_t last_ns, bool kept)
{
    const struct quick_header *header = &stream->class->quick;
    return header->is_usual && stream->time.frequency == CYCLES_NS_PER_S
               ? run_by_header(stream, events, room, last_ns, kept, &QUICK_USUAL, CYCLES_NS_PER_S)
               : run_by_header(stream, events, room, last_ns, kept, header, stream->time.frequency);
}

/* Whether the head is in a packet of the previous chunk: the events of one call are from one
 * packet. */
static bool in_seam(const struct stream *stream)
{
    return stream->packet_next > 0 && stream->packets.at[stream->packet_next - 1].of_seam;
}

void stream_pass(struct stream *stream, uint64_t last_ns)
{
    while (stream->head == HEAD_EVENT && stream->head_ns <= last_ns) {
        struct event passed;
        scratch_reset(stream->scratch);
        bool seam = in_seam(stream);
        size_t count = 0;
        if (stream->class->quick.is_usable)
            count = run_quickly(stream, NULL, SIZE_MAX, last_ns, false);
        if (count == 0)
            count = decode_one(stream, &passed);
        stream->early += seam ? 0 : count;
    }
    scratch_reset(stream->scratch); /* it notes `passed` */
}

size_t stream_run(struct stream *stream, struct event *events, size_t room, uint64_t last_ns)
{
    size_t count = 0;
    while (count < room && stream->head != HEAD_NONE && stream->head_ns <= last_ns) {
        bool seam = in_seam(stream);
        size_t taken = 0;
        if (stream->head == HEAD_EVENT && stream->class->quick.is_usable)
            taken = run_quickly(stream, events + count, room - count, last_ns, true);
        if (taken == 0)
            taken = decode_one(stream, &events[count]);
        for (size_t i = 0; i < taken && seam; i++)
            events[count + i].seam = true;
        count += taken;
    }
    return count;
}
