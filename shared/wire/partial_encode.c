#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "base/memory.h"
#include "partial.pb-c.h"
#include "wire/format.h"
#include "wire/partial_codec.h"
#include "wire/phases_message.h"

/* A row's bytes are split above this, so that a record stays far below a broker's limit. The level:
 * 5 took 1.3 times the time of all encoding for 1 % fewer bytes. */
enum { RECORD_BYTES = 600 << 10, ZSTD_LEVEL = 1 };
static_assert((int)RECORD_BYTES <= (int)PARTIAL_BYTES_MAX, "reducers refuse more");

/* Shorter rows are not compressed: starting a frame takes as long as encoding the row, for a few
 * bytes less. */
enum { COMPRESSED_MIN = 1024 };

/* Sets an optional field if its value is not the default. */
#define SET(message, field, number)                                                                \
    ((message)->has_##field = (number) != 0, (message)->field = (number))
#define SET_ALWAYS(message, field, number)                                                         \
    ((message)->has_##field = true, (message)->field = (number))

static ProtobufCBinaryData binary(struct text text)
{
    return (ProtobufCBinaryData){text.count, (uint8_t *)(uintptr_t)text.at};
}

/* The records of an attempt being sent. */
struct attempt {
    const struct record_meta *meta;
    struct record_sink sink;
    uint64_t records;
};

/* All records of a session go to one partition. */
static void send_record(struct attempt *attempt, Spanmill__Record *record)
{
    const struct record_meta *meta = attempt->meta;
    record->format = RECORD_FORMAT;
    record->session = binary(meta->session);
    record->chunk = meta->chunk;
    SET(record, first_chunk, meta->first_chunk);
    record->attempt = meta->attempt;
    record->index = attempt->records++;
    size_t size = spanmill__record__get_packed_size(record);
    uint8_t *packed = memory_new(size);
    spanmill__record__pack(record, packed);
    char *key = memory_format("%.*s/host", (int)meta->session.count, meta->session.at);
    attempt->sink.take(attempt->sink.context, text_of(key), (struct bytes){packed, size});
    free(key);
    free(packed);
}

/* The caller frees it with one free(). */
static Spanmill__Damage **encode_damage(struct damages from)
{
    size_t pointers = from.count * sizeof(Spanmill__Damage *);
    Spanmill__Damage **out = memory_new(pointers + from.count * sizeof **out);
    Spanmill__Damage *items = (Spanmill__Damage *)(void *)(out + from.count);
    for (size_t i = 0; i < from.count; i++) {
        const struct damage *damage = &from.at[i];
        Spanmill__Damage *item = out[i] = &items[i];
        spanmill__damage__init(item);
        item->scope = damage_scope_tag(damage->scope);
        item->cause = damage_cause_tag(damage->cause);
        SET(item, chunk, damage->chunk);
        SET(item, count, damage->count);
        SET(item, bytes, damage->bytes);
        item->name = binary(damage->name);
        item->text = binary(damage->text);
    }
    return out;
}

static void encode_end(struct attempt *attempt, const struct interval_end *end)
{
    Spanmill__IntervalEnd out;
    spanmill__interval_end__init(&out);
    out.records = attempt->records;
    out.items = end->items;
    out.begin_ns = end->begin_ns;
    out.end_ns = end->end_ns;
    SET(&out, has_traces, end->has_traces);
    SET(&out, has_kernel, end->has_kernel);
    SET(&out, has_user, end->has_user);
    SET(&out, counts_switches, end->counts_switches);
    SET(&out, no_calls, end->no_calls);
    SET(&out, gap_before, end->gap_before);
    SET(&out, events, end->events);
    SET(&out, single_events, end->single_events);
    uint64_t tallies[TALLY_PAIRS_MAX];
    out.tallies = tallies;
    out.n_tallies = tallies_pack(&end->tallies, tallies);
    out.damage = encode_damage(end->damage);
    out.n_damage = end->damage.count;
    SET(&out, damage_more, end->damage.more);
    struct bytes uses = phase_uses_pack(end->uses);
    out.has_phase_uses = uses.count > 0;
    out.phase_uses = binary((struct text){(const char *)uses.at, uses.count});
    if (end->knows_seam) {
        SET_ALWAYS(&out, left_events, end->left_events);
        SET_ALWAYS(&out, seam_events, end->seam_events);
    }
    if (end->first_ns != TIME_NONE) {
        SET_ALWAYS(&out, first_ns, end->first_ns);
        SET_ALWAYS(&out, last_ns, end->last_ns);
    }
    if (end->has_offset)
        SET_ALWAYS(&out, offset_ns, end->offset_ns);
    out.cpus = memory_new(end->cpu_count * sizeof *out.cpus);
    for (size_t i = 0; i < end->cpu_count; i++)
        out.cpus[out.n_cpus++] = (uint32_t)end->cpus[i];
    out.has_host = out.has_session = out.has_created = true;
    out.host = binary(end->host);
    out.session = binary(end->session);
    out.created = binary(end->created);
    struct arena arena = {.first = NULL};
    if (end->phases && !phase_set_is_empty(end->phases))
        out.phases = phases_to_message(end->phases, &arena);
    SET(&out, raw_bytes, end->raw_bytes);
    static const uint8_t no_clock[sizeof end->clock_uuid];
    if (memcmp(end->clock_uuid, no_clock, sizeof no_clock) != 0) {
        out.has_clock_uuid = true;
        out.clock_uuid = binary((struct text){(const char *)end->clock_uuid, sizeof no_clock});
    }
    SET(&out, final, end->final);

    Spanmill__Record record;
    spanmill__record__init(&record);
    record.end = &out;
    send_record(attempt, &record);
    free(out.cpus);
    free(out.damage);
    arena_clear(&arena);
    free((void *)(uintptr_t)uses.at);
}

static ZSTD_CCtx *new_compressor(void)
{
    ZSTD_CCtx *zstd = ZSTD_createCCtx();
    (void)ZSTD_CCtx_setParameter(zstd, ZSTD_c_compressionLevel, ZSTD_LEVEL);
    /* Literals are times and sums, which hardly compress. Level 1 is strategy ZSTD_fast: with a
     * target length above 0 it stores literals, and from 2 on it searches in larger steps. 4
     * reduces compression time to a third, for 20 % more bytes. Source: zstd.h,
     * ZSTD_c_targetLength. */
    (void)ZSTD_CCtx_setParameter(zstd, ZSTD_c_targetLength, 4);
    return zstd;
}

/* Compresses into `room`, of ZSTD_compressBound(); false if that is not smaller, or `zstd` is
 * NULL. */
static bool compress(ZSTD_CCtx *zstd, struct bytes part, uint8_t *room, size_t *count)
{
    if (!zstd || part.count < COMPRESSED_MIN)
        return false;
    *count = ZSTD_compress2(zstd, room, ZSTD_compressBound(part.count), part.at, part.count);
    return !ZSTD_isError(*count) && *count < part.count;
}

static void encode_part(struct attempt *attempt, ZSTD_CCtx *zstd, struct bytes part, uint8_t *room)
{
    Spanmill__Record record;
    spanmill__record__init(&record);
    size_t count;
    if (compress(zstd, part, room, &count)) {
        record.has_zstd_partial = true;
        record.zstd_partial = (ProtobufCBinaryData){count, room};
    } else {
        record.has_partial = true;
        record.partial = (ProtobufCBinaryData){part.count, (uint8_t *)(uintptr_t)part.at};
    }
    send_record(attempt, &record);
}

void partial_encode(struct bytes row, const struct record_meta *meta,
                    const struct interval_end *end, bool compresses, struct record_sink sink)
{
    struct attempt attempt = {.meta = meta, .sink = sink};
    ZSTD_CCtx *zstd = compresses ? new_compressor() : NULL;
    uint8_t *room = compresses ? memory_new(ZSTD_compressBound(RECORD_BYTES)) : NULL;
    for (size_t at = 0; at < row.count; at += RECORD_BYTES) {
        size_t left = row.count - at;
        encode_part(&attempt, zstd,
                    (struct bytes){row.at + at, left < RECORD_BYTES ? left : RECORD_BYTES}, room);
    }
    encode_end(&attempt, end);
    free(room);
    ZSTD_freeCCtx(zstd);
}

void partial_encode_gap(const struct record_meta *meta, const struct gap *gap,
                        struct record_sink sink)
{
    struct attempt attempt = {.meta = meta, .sink = sink};
    Spanmill__Gap out;
    spanmill__gap__init(&out);
    out.cause = gap->cause;
    out.has_reason = gap->reason.count > 0;
    out.reason = binary(gap->reason);
    SET(&out, final, gap->final);
    Spanmill__Record record;
    spanmill__record__init(&record);
    record.gap = &out;
    send_record(&attempt, &record);
}
