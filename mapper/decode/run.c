/* mapper/decode/run.c -- the way of almost all events: a short header, then a body of which a few
 * fields in known places are wanted.
 *
 * What moves along the stream stays in registers: where it is, its clock, the class of what comes
 * next. Anything else is left to decode.c, event by event. */
#include <string.h>

#include "base/attrs.h"
#include "ctf/bits.h"
#include "mapper/decode/stream_parts.h"

/* So far ahead memory is asked for: streams take turns, and that is more than processors see. */
enum { AHEAD_BYTES = 512 };

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

/* Of few events: not among what the loop has to hold in registers. */
NEVER_INLINE static void fill_rest(struct stream *stream, struct event *event,
                                   const struct bound *bound, const uint8_t *run)
{
    memcpy((char *)event + EVENT_PLAIN_BYTES, (const char *)&bound->blank + EVENT_PLAIN_BYTES,
           sizeof *event - EVENT_PLAIN_BYTES);
    scratch_note_rich(stream->scratch, event);
    for (unsigned i = 0; i < bound->text_count; i++)
        event->text[bound->text_ops[i].to] = chars(run, &bound->text_ops[i]);
}

static inline void fill_values(struct event *event, const struct quick_value *value,
                               const struct quick_value *end, const uint8_t *run)
{
    for (; value < end; value++)
        event->value[value->to] =
            (int64_t)(((bits_word_little(run + value->at) & value->mask) ^ value->sign) -
                      value->sign);
}

/* Writes an event over an older one. Behind its values that one is all 0, or it was noted and will
 * be: whether it was plain is nothing that could be predicted here. */
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

/* Fills in an event with a string, if there is one. Returns what is behind it; NULL if it is not
 * for the quick way: at the packet's end, or past it. */
NEVER_INLINE static const uint8_t *fill_string(struct stream *stream, struct event *event,
                                               const struct bound *bound, const uint8_t *run,
                                               uint64_t time_ns)
{
    const struct quick_string *string = &bound->string;
    size_t left = (size_t)(stream->end - run);
    if (left < string->reach)
        return NULL;
    const uint8_t *text = run + bound->run_bytes;
    const uint8_t *nul = memchr(text, '\0', left - bound->run_bytes);
    if (!nul || (size_t)(stream->end - nul) <= string->behind_reach)
        return NULL;
    const uint8_t *behind = nul + 1;
    if (!event)
        return behind + string->behind_bytes;
    *event = bound->blank;
    event->time_ns = time_ns;
    event->cpu = stream->cpu;
    event->stream = stream->rank;
    const struct quick_value *values = bound->values, *middle = values + string->front_count;
    fill_values(event, values, middle, run);
    fill_values(event, middle, values + bound->value_count, behind);
    if (string->to < EVENT_TEXTS)
        event->text[string->to] = (struct text){(const char *)text, (size_t)(nul - text)};
    if (!bound->is_plain)
        scratch_note_rich(stream->scratch, event);
    return behind + string->behind_bytes;
}

/* As stream_run(), from an event at the head on, as long as header and body are quick. If they are
 * not `kept`, events are only counted.
 *
 * How fast it is depends on how soon it is known where the next event begins: from the bytes of its
 * header to its number, to its size. */
static inline __attribute__((always_inline)) size_t
run_quickly(struct stream *stream, struct event *events, size_t room, uint64_t last_ns, bool kept)
{
    const struct bound_stream *class = stream->class;
    const struct quick_header *header = &class->quick;
    struct bound *const *const by_id = class->by_id;
    const struct quick_size *const size_by_id = class->size_by_id;
    const uint8_t *at = stream->at, *const end = stream->end;
    const struct bound *bound = stream->bound;
    const uint64_t frequency = stream->time.frequency, late_ns = stream->late_ns;
    const uint64_t shift_ns = (uint64_t)stream->time.shift_ns;
    const uint64_t limit_ns = last_ns < late_ns ? last_ns : late_ns;
    const int32_t cpu = stream->cpu;
    const uint32_t rank = stream->rank;
    uint64_t clock = stream->clock, time_ns = stream->head_ns, before_ns = stream->last_ns;
    size_t count = 0;
    bool has_head = true; /* `bound` and `time_ns` are those of the next event */
    /* From here on, time only goes on, but where the head was set back. */
    if (cycles_ns(clock, frequency) + shift_ns != time_ns)
        return 0;
    struct quick_size size = {bound->run_bytes, bound->reach};
    for (;;) {
        if ((size_t)(end - at) >= size.reach) {
            if (kept)
                fill(stream, &events[count], cpu, rank, bound, at, time_ns);
            at += size.run_bytes;
        } else {
            const uint8_t *behind = NULL;
            if (bound->has_string)
                behind = fill_string(stream, kept ? &events[count] : NULL, bound, at, time_ns);
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
        if (id > header->last_id)
            break;
        const struct bound *coming = by_id[id];
        size = size_by_id[id];
        uint64_t now =
            (clock & ~header->time_mask) | (word >> header->time_shift & header->time_mask);
        if (now < clock)
            now += header->time_mask + 1; /* nothing for 64 bits */
        if (!coming || now < clock)
            break;
        uint64_t now_ns = cycles_ns(now, frequency) + shift_ns;
        if (now_ns - time_ns > late_ns - time_ns) /* or it wrapped */
            break;
        has_head = true;
        clock = now;
        time_ns = now_ns;
        bound = coming;
        at = next + header->bytes;
        if (now_ns > limit_ns || count == room)
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

/* Whether the head is in a packet of the chunk before: what is taken at once is of one packet. */
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
