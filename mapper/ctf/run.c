/* mapper/ctf/run.c -- the way of almost all events: a short header, then a body of which a few
 * fields in known places are wanted.
 *
 * What moves along the stream stays in registers: where it is, its clock, the class of what comes
 * next. Anything else is left to decode.c, event by event. */
#include <string.h>

#include "mapper/ctf/bits.h"
#include "mapper/ctf/stream_parts.h"

/* What a plain event does not touch. */
#define PLAIN_BYTES offsetof(struct event, text)

/* Writes what all events of the class have in common over an older event, whose rest is 0 if it
 * was plain. */
static inline void write_blank(struct event *event, const struct bound *bound)
{
    if (bound->is_plain && event_is_plain(event))
        memcpy(event, &bound->blank, PLAIN_BYTES);
    else
        *event = bound->blank;
}

/* The first of eight bytes that is 0, by its number; 8 if none is. */
static inline size_t first_zero(uint64_t word)
{
    static const uint64_t ONES = UINT64_C(0x0101010101010101);
    uint64_t zeros = (word - ONES) & ~word & ONES << 7;
    return zeros ? (size_t)__builtin_ctzll(zeros) / 8 : 8;
}

/* Names of threads are 16 bytes long. */
static inline struct text chars(const uint8_t *run, const struct plan_op *op)
{
    const uint8_t *at = run + op->at;
    size_t count;
    if (op->count == 16) {
        count = first_zero(bits_word_little(at));
        if (count == 8)
            count += first_zero(bits_word_little(at + 8));
    } else {
        count = strnlen((const char *)at, op->count);
    }
    return (struct text){(const char *)at, count};
}

static inline void fill(struct event *event, const struct stream *stream, const struct bound *bound,
                        const uint8_t *run, uint64_t time_ns)
{
    const struct plan_op *op = bound->ops;
    write_blank(event, bound);
    event->time_ns = time_ns;
    event->cpu = stream->cpu;
    event->stream = stream->rank;
    for (unsigned i = 0; i < bound->value_count; i++, op++)
        event->value[op->to] = (int64_t)plan_integer(op, bits_word_little(run + op->at));
    for (unsigned i = 0; i < bound->text_count; i++, op++)
        event->text[op->to] = chars(run, op);
}

static bool has_quick_header(const struct plan_header *header)
{
    return header->is_short && header->has_time && !header->big_endian &&
           header->save == LAYOUT_NONE;
}

/* As stream_run(), from an event at the head on, as long as header and body are quick. `events` may
 * be NULL: they are only counted. */
static inline size_t run_quickly(struct stream *stream, struct event *events, size_t room,
                                 uint64_t last_ns)
{
    const struct bound_stream *class = stream->class;
    const struct plan_header *header = class->header;
    const uint8_t *at = stream->at, *const end = stream->end;
    const struct bound *bound = stream->bound;
    uint64_t clock = stream->clock, time_ns = stream->head_ns, before_ns = stream->last_ns;
    size_t count = 0;
    bool has_head = true; /* `bound` and `time_ns` are those of the next event */
    while ((size_t)(end - at) >= bound->reach) {
        if (events)
            fill(&events[count], stream, bound, at, time_ns);
        count++;
        before_ns = time_ns;
        at += bound->run_bytes;

        const uint8_t *next = at;
        if (header->align > 1)
            next += -(uintptr_t)(at - stream->packet) & (header->align - 1);
        has_head = false;
        if (end - next < (ptrdiff_t)header->reach)
            break;
        uint64_t id = bits_word_little(next + header->id_at) >> header->id_shift & header->id_mask;
        if (id < header->low || id > header->high || id >= class->id_count)
            break;
        const struct bound *coming = class->by_id[id];
        uint64_t mask = header->time_mask;
        uint64_t low = bits_word_little(next + header->time_at) >> header->time_shift & mask;
        uint64_t now = (clock & ~mask) | low;
        if (now < clock)
            now += mask + 1; /* nothing for 64 bits */
        uint64_t now_ns = cycles_ns(now, stream->frequency);
        if (!coming || now_ns < before_ns || now_ns > stream->late_ns)
            break;
        has_head = true;
        clock = now;
        time_ns = now_ns;
        bound = coming;
        at = next + header->bytes;
        if (count == room || time_ns > last_ns)
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

void stream_pass(struct stream *stream, uint64_t last_ns)
{
    while (stream->head == HEAD_EVENT && stream->head_ns <= last_ns) {
        struct event passed;
        scratch_reset(stream->scratch);
        if (!has_quick_header(stream->class->header) ||
            run_quickly(stream, NULL, SIZE_MAX, last_ns) == 0)
            (void)decode_one(stream, &passed);
    }
}

size_t stream_run(struct stream *stream, struct event *events, size_t room, uint64_t last_ns)
{
    size_t count = 0;
    while (count < room && stream->head != HEAD_NONE && stream->head_ns <= last_ns) {
        size_t quick = 0;
        if (stream->head == HEAD_EVENT && has_quick_header(stream->class->header))
            quick = run_quickly(stream, events + count, room - count, last_ns);
        count += quick > 0 ? quick : decode_one(stream, &events[count]);
    }
    return count;
}
