#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "base/map.h"
#include "base/memory.h"
#include "partial.pb-c.h"
#include "wire/format.h"
#include "wire/partial_codec.h"
#include "wire/partial_file.h"
#include "wire/phases_message.h"

/* A file's items are split above this, so that a record stays well below a broker's limit. The
 * level: 5 took 1.3 times the time of all encoding for 1 % fewer bytes. */
enum { RECORD_BYTES = 600 << 10, ZSTD_LEVEL = 1 };

/* What is shorter than this is left as it is: to begin a frame takes as long as to write the items,
 * for a few bytes less. */
enum { COMPRESSED_MIN = 1024 };

/* A partial that is complete. */
struct frame {
    uint8_t *at; /* owned */
    size_t count;
    bool is_zstd;
};

/* All records of one key. */
struct filed {
    int64_t key; /* pid; below 0: -tid of a thread without; 0: the host */
    struct partial_file file;
    struct frame *frames;
    size_t frame_count, frame_room;
};

struct partial_encoder {
    const struct schema *schema;
    struct map by_key; /* of struct filed */
    struct filed *last;
    struct shared_names names;
    uint64_t items;
    /* for frames and records */
    ZSTD_CCtx *zstd;
    struct writer plain, packed;
};

struct partial_encoder *partial_encoder_new(const struct schema *schema)
{
    struct partial_encoder *encoder = memory_new(sizeof *encoder);
    encoder->schema = schema;
    encoder->zstd = ZSTD_createCCtx();
    (void)ZSTD_CCtx_setParameter(encoder->zstd, ZSTD_c_compressionLevel, ZSTD_LEVEL);
    /* Literals are times and sums, which hardly compress: without, compressing takes two thirds of
     * the time, for 10 % more bytes. Level 1 is strategy ZSTD_fast, where a target length of 1
     * changes nothing else. Source: zstd.h, ZSTD_c_targetLength. */
    (void)ZSTD_CCtx_setParameter(encoder->zstd, ZSTD_c_targetLength, 1);
    return encoder;
}

void partial_encoder_free(struct partial_encoder *encoder)
{
    if (!encoder)
        return;
    struct filed *filed;
    for (size_t at = 0; (filed = map_next(&encoder->by_key, &at));) {
        partial_file_clear(&filed->file);
        for (size_t i = 0; i < filed->frame_count; i++)
            free(filed->frames[i].at);
        free(filed->frames);
        free(filed);
    }
    map_clear(&encoder->by_key);
    shared_names_clear(&encoder->names);
    ZSTD_freeCCtx(encoder->zstd);
    free(encoder->plain.at);
    free(encoder->packed.at);
    free(encoder);
}

/* --- items --- */

static struct filed *filed_under(struct partial_encoder *encoder, int64_t key)
{
    if (encoder->last && encoder->last->key == key)
        return encoder->last;
    struct filed *filed = map_get(&encoder->by_key, (uint64_t)key);
    if (!filed) {
        filed = memory_new(sizeof *filed);
        filed->key = key;
        map_put(&encoder->by_key, (uint64_t)key, filed);
    }
    return encoder->last = filed;
}

static struct frame frame_of(const struct writer *bytes, bool is_zstd)
{
    struct frame frame = {memory_new(bytes->count), bytes->count, is_zstd};
    memcpy(frame.at, bytes->at, bytes->count);
    return frame;
}

/* Makes a frame of what the file holds, compressed if that makes it smaller. */
static void close_frame(struct partial_encoder *encoder, struct filed *filed)
{
    struct writer *plain = &encoder->plain, *packed = &encoder->packed;
    partial_file_take(&filed->file, &encoder->names, plain);
    packed->count = 0;
    writer_need(packed, ZSTD_compressBound(plain->count));
    size_t count =
        plain->count < COMPRESSED_MIN
            ? plain->count
            : ZSTD_compress2(encoder->zstd, packed->at, packed->room, plain->at, plain->count);
    bool is_smaller = !ZSTD_isError(count) && count < plain->count;
    packed->count = is_smaller ? count : 0;
    filed->frames = memory_grow(filed->frames, &filed->frame_room, filed->frame_count + 1,
                                sizeof *filed->frames);
    filed->frames[filed->frame_count++] = frame_of(is_smaller ? packed : plain, is_smaller);
}

void partial_encoder_add(struct partial_encoder *encoder, const struct item *item)
{
    int64_t key = item->key_pid > 0 ? item->key_pid : -(int64_t)item->key_tid;
    struct filed *filed = filed_under(encoder, key);
    if (partial_file_bytes(&filed->file) > RECORD_BYTES)
        close_frame(encoder, filed);
    partial_file_add(&filed->file, &encoder->names, encoder->schema, item, encoder->items++);
}

uint64_t partial_encoder_items(const struct partial_encoder *encoder)
{
    return encoder->items;
}

/* --- records --- */

/* Sets an optional field if it says more than its default. */
#define SET(message, field, number)                                                                \
    ((message)->has_##field = (number) != 0, (message)->field = (number))
#define SET_ALWAYS(message, field, number)                                                         \
    ((message)->has_##field = true, (message)->field = (number))

static ProtobufCBinaryData binary(struct text text)
{
    return (ProtobufCBinaryData){text.count, (uint8_t *)(uintptr_t)text.at};
}

/* Where the records of an attempt go. */
struct row {
    const struct record_meta *meta;
    struct record_sink sink;
    uint64_t records;
    struct writer *out;
    unsigned format;
};

static void send_frame(struct row *row, struct text key, const struct frame *frame)
{
    struct writer *out = row->out;
    const struct record_meta *meta = row->meta;
    out->count = 0;
    write_unsigned(out, TAG_RECORD_FORMAT, row->format);
    write_bytes(out, TAG_RECORD_SESSION, meta->session.at, meta->session.count);
    write_unsigned(out, TAG_RECORD_CHUNK, meta->chunk);
    write_nonzero(out, TAG_RECORD_FIRST_CHUNK, meta->first_chunk);
    write_fixed64(out, TAG_RECORD_ATTEMPT, meta->attempt);
    write_unsigned(out, TAG_RECORD_INDEX, row->records++);
    write_bytes(out, frame->is_zstd ? TAG_RECORD_ZSTD_PARTIAL : TAG_RECORD_PARTIAL, frame->at,
                frame->count);
    row->sink.take(row->sink.context, key, (struct bytes){out->at, out->count});
}

static char *key_text(struct text session, int64_t key)
{
    int count = (int)session.count;
    if (key == 0)
        return memory_format("%.*s/host", count, session.at);
    return key > 0 ? memory_format("%.*s/%lld", count, session.at, (long long)key)
                   : memory_format("%.*s/t/%lld", count, session.at, (long long)-key);
}

static void send_filed(struct partial_encoder *encoder, struct row *row, struct filed *filed)
{
    char *key = key_text(row->meta->session, filed->key);
    close_frame(encoder, filed);
    for (size_t i = 0; i < filed->frame_count; i++)
        send_frame(row, text_of(key), &filed->frames[i]);
    free(key);
}

static int compare_filed(const void *a, const void *b)
{
    int64_t left = (*(struct filed *const *)a)->key, right = (*(struct filed *const *)b)->key;
    return left < right ? -1 : left > right;
}

static void send_partials(struct partial_encoder *encoder, struct row *row)
{
    size_t count = encoder->by_key.count, filled = 0;
    struct filed **all = memory_new(count * sizeof *all), *filed;
    for (size_t at = 0; (filed = map_next(&encoder->by_key, &at));)
        all[filled++] = filed;
    qsort(all, count, sizeof *all, compare_filed);
    for (size_t i = 0; i < count; i++)
        send_filed(encoder, row, all[i]);
    free(all);
}

static void pack_for_host(struct row *row, Spanmill__Record *record)
{
    const struct record_meta *meta = row->meta;
    record->format = row->format;
    record->session = binary(meta->session);
    record->chunk = meta->chunk;
    SET(record, first_chunk, meta->first_chunk);
    record->attempt = meta->attempt;
    record->index = row->records++;
    size_t size = spanmill__record__get_packed_size(record);
    uint8_t *packed = memory_new(size);
    spanmill__record__pack(record, packed);
    char *key = key_text(meta->session, 0);
    row->sink.take(row->sink.context, text_of(key), (struct bytes){packed, size});
    free(key);
    free(packed);
}

/* To be freed in one. */
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

static void encode_end(struct row *row, const struct interval_end *end)
{
    Spanmill__IntervalEnd out;
    spanmill__interval_end__init(&out);
    out.records = row->records;
    out.items = end->items;
    out.begin_ns = end->begin_ns;
    out.end_ns = end->end_ns;
    SET(&out, has_traces, end->has_traces);
    SET(&out, has_kernel, end->has_kernel);
    SET(&out, has_user, end->has_user);
    SET(&out, counts_switches, end->counts_switches);
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
    if (end->phases && end->phases->count > 0) {
        SET_ALWAYS(&out, phases_digest, end->phases->digest);
        out.phases = phases_to_message(end->phases, &arena);
    }
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
    pack_for_host(row, &record);
    free(out.cpus);
    free(out.damage);
    arena_clear(&arena);
    free((void *)(uintptr_t)uses.at);
}

void partial_encoder_finish(struct partial_encoder *encoder, const struct record_meta *meta,
                            const struct interval_end *end, struct record_sink sink)
{
    struct writer out = {.at = NULL};
    struct row row = {
        .meta = meta, .sink = sink, .out = &out, .format = RECORD_FORMAT_ROW - 1};
    send_partials(encoder, &row);
    encode_end(&row, end);
    free(out.at);
}

/* The part of the row, compressed if that makes it smaller, into `room`. */
static struct frame pack_row(ZSTD_CCtx *zstd, struct bytes part, struct writer *room)
{
    room->count = 0;
    writer_need(room, ZSTD_compressBound(part.count));
    size_t count = part.count < COMPRESSED_MIN
                       ? part.count
                       : ZSTD_compress2(zstd, room->at, room->room, part.at, part.count);
    if (ZSTD_isError(count) || count >= part.count)
        return (struct frame){(uint8_t *)(uintptr_t)part.at, part.count, false};
    return (struct frame){room->at, count, true};
}

void partial_encode_row(struct bytes bytes, const struct record_meta *meta,
                        const struct interval_end *end, struct record_sink sink)
{
    struct writer out = {.at = NULL}, room = {.at = NULL};
    struct row row = {.meta = meta, .sink = sink, .out = &out, .format = RECORD_FORMAT};
    struct partial_encoder *encoder = partial_encoder_new(NULL);
    char *key = key_text(meta->session, 0);
    for (size_t at = 0; at < bytes.count; at += RECORD_BYTES) {
        size_t left = bytes.count - at;
        struct bytes part = {bytes.at + at, left < RECORD_BYTES ? left : RECORD_BYTES};
        struct frame frame = pack_row(encoder->zstd, part, &room);
        send_frame(&row, text_of(key), &frame);
    }
    encode_end(&row, end);
    free(key);
    free(room.at);
    free(out.at);
    partial_encoder_free(encoder);
}

void partial_encode_gap(const struct record_meta *meta, const struct gap *gap,
                        struct record_sink sink)
{
    struct row row = {.meta = meta, .sink = sink, .format = RECORD_FORMAT};
    Spanmill__Gap out;
    spanmill__gap__init(&out);
    out.cause = gap->cause;
    out.has_reason = gap->reason.count > 0;
    out.reason = binary(gap->reason);
    SET(&out, final, gap->final);
    Spanmill__Record record;
    spanmill__record__init(&record);
    record.gap = &out;
    pack_for_host(&row, &record);
}
