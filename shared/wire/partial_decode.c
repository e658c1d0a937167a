#include <string.h>
#include <zstd.h>

#include "base/cpu_number.h"
#include "partial.pb-c.h"
#include "wire/format.h"
#include "wire/in_arena.h"
#include "wire/message.h"
#include "wire/partial_codec.h"
#include "wire/partial_peek.h"
#include "wire/phases_message.h"

/* --- partials --- */

/* A block of a zstd frame: its least size, and its largest unpacked size. Source: RFC 8878,
 * 3.1.1.2. */
enum { BLOCK_LEAST = 4, BLOCK_MOST = 128 << 10 };

/* The number of row bytes in a partial: no more than its size can unpack to. */
static enum status measure(const struct record_place *place, size_t *count, struct failure *why)
{
    struct bytes body = place->body;
    unsigned long long size =
        place->is_zstd ? ZSTD_getFrameContentSize(body.at, body.count) : body.count;
    if (size > PARTIAL_BYTES_MAX) /* or an error: these are the largest numbers */
        return fail(why, STATUS_REJECT, "the compressed partial has no size, or exceeds %d bytes",
                    PARTIAL_BYTES_MAX);
    if (place->is_zstd && size > (body.count / BLOCK_LEAST + 1) * BLOCK_MOST)
        return fail(why, STATUS_REJECT, "damaged compressed partial of %zu bytes", body.count);
    *count = (size_t)size;
    return STATUS_OK;
}

/* Writes them, `count` in all, to a buffer of that size. */
static enum status unpack(const struct record_place *place, uint8_t *to, size_t count,
                          struct failure *why)
{
    struct bytes body = place->body;
    if (!place->is_zstd) {
        if (count > 0)
            memcpy(to, body.at, count);
        return STATUS_OK;
    }
    size_t done = ZSTD_decompress(to, count, body.at, body.count);
    if (ZSTD_isError(done) || done != count)
        return fail(why, STATUS_REJECT, "damaged compressed partial of %zu bytes", body.count);
    return STATUS_OK;
}

static enum status decode_partial(const struct record_place *place, struct arena *arena,
                                  struct bytes *out, struct failure *why)
{
    size_t count = 0;
    enum status status = measure(place, &count, why);
    if (status != STATUS_OK)
        return status;
    uint8_t *plain = arena_buffer(arena, count);
    *out = (struct bytes){plain, count};
    return unpack(place, plain, count, why);
}

enum status partial_decode_row(const struct bytes *records, size_t count, struct arena *arena,
                               struct bytes *out, struct failure *why)
{
    struct record_place *places = arena_take(arena, (count + 1) * sizeof *places);
    size_t *counts = arena_take(arena, (count + 1) * sizeof *counts), whole = 0;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        status = partial_peek(records[i], &places[i], why);
        if (status == STATUS_OK && (places[i].is_gap || places[i].is_end))
            status = fail(why, STATUS_REJECT, "record %zu is not part of a row", i);
        if (status == STATUS_OK)
            status = measure(&places[i], &counts[i], why);
        whole += counts[i];
    }
    if (status != STATUS_OK)
        return status;
    uint8_t *all = arena_buffer(arena, whole + 1), *at = all;
    for (size_t i = 0; i < count && status == STATUS_OK; at += counts[i++])
        status = unpack(&places[i], at, counts[i], why);
    *out = (struct bytes){all, whole};
    return status;
}

/* --- ends and gaps --- */

static struct text copy(struct arena *arena, ProtobufCBinaryData bytes)
{
    return (struct text){arena_string(arena, (struct text){(const char *)bytes.data, bytes.len}),
                         bytes.len};
}

static struct damages decode_damage(const Spanmill__IntervalEnd *from, struct arena *arena)
{
    struct damage *items = arena_take(arena, (from->n_damage + 1) * sizeof *items);
    for (size_t i = 0; i < from->n_damage; i++) {
        const Spanmill__Damage *item = from->damage[i];
        items[i] = (struct damage){.scope = damage_scope_of_tag(item->scope),
                                   .cause = damage_cause_of_tag(item->cause),
                                   .chunk = item->chunk,
                                   .name = copy(arena, item->name),
                                   .count = item->count,
                                   .bytes = item->bytes,
                                   .text = copy(arena, item->text)};
    }
    return (struct damages){items, from->n_damage, from->damage_more};
}

/* The definitions the interval was mapped with; absent means none. */
static enum status decode_phases(const Spanmill__IntervalEnd *from, struct schema *schema,
                                 struct arena *arena, const struct phase_set **out,
                                 struct failure *why)
{
    struct phase_definitions phases = {.count = 0};
    enum status status =
        from->phases ? phases_of_message(from->phases, arena, &phases, why) : STATUS_OK;
    if (schema && status == STATUS_OK)
        status = phases_set(&phases, schema, out, why);
    return status;
}

static enum status decode_end(struct bytes bytes, struct schema *schema, struct arena *arena,
                              struct decoded_record *out, struct failure *why)
{
    ProtobufCAllocator allocator = in_arena(arena);
    const Spanmill__IntervalEnd *from =
        spanmill__interval_end__unpack(&allocator, bytes.count, bytes.at);
    if (!from)
        return fail(why, STATUS_REJECT, "damaged interval end of %zu bytes", bytes.count);
    out->is_end = true;
    out->records = from->records;
    int32_t *cpus = arena_take(arena, from->n_cpus * sizeof *cpus);
    for (size_t i = 0; i < from->n_cpus; i++) {
        if (from->cpus[i] > CPU_NUMBER_MAX)
            return fail(why, STATUS_REJECT, "CPU %u", from->cpus[i]);
        cpus[i] = (int32_t)from->cpus[i];
    }
    out->end = (struct interval_end){.chunk = out->meta.chunk,
                                     .begin_ns = from->begin_ns,
                                     .end_ns = from->end_ns,
                                     .items = from->items,
                                     .has_traces = from->has_traces,
                                     .has_kernel = from->has_kernel,
                                     .has_user = from->has_user,
                                     .counts_switches = from->counts_switches,
                                     .no_calls = from->no_calls,
                                     .gap_before = from->gap_before,
                                     .events = from->events,
                                     .single_events = from->single_events,
                                     .tallies = tallies_unpack(from->tallies, from->n_tallies),
                                     .first_ns = from->has_first_ns ? from->first_ns : TIME_NONE,
                                     .last_ns = from->has_last_ns ? from->last_ns : TIME_NONE,
                                     .has_offset = from->has_offset_ns,
                                     .offset_ns = from->offset_ns,
                                     .cpus = cpus,
                                     .cpu_count = from->n_cpus,
                                     .host = copy(arena, from->host),
                                     .session = copy(arena, from->session),
                                     .created = copy(arena, from->created),
                                     .raw_bytes = from->raw_bytes,
                                     .final = from->final};
    out->end.damage = decode_damage(from, arena);
    struct text uses = copy(arena, from->phase_uses);
    out->end.uses = phase_uses_unpack(arena, (struct bytes){(const uint8_t *)uses.at, uses.count});
    out->end.knows_seam = from->has_left_events && from->has_seam_events;
    out->end.left_events = from->left_events;
    out->end.seam_events = from->seam_events;
    if (from->clock_uuid.len == sizeof out->end.clock_uuid)
        memcpy(out->end.clock_uuid, from->clock_uuid.data, sizeof out->end.clock_uuid);
    return decode_phases(from, schema, arena, &out->end.phases, why);
}

static enum status decode_gap(struct bytes bytes, struct arena *arena, struct decoded_record *out,
                              struct failure *why)
{
    ProtobufCAllocator allocator = in_arena(arena);
    const Spanmill__Gap *gap = spanmill__gap__unpack(&allocator, bytes.count, bytes.at);
    if (!gap)
        return fail(why, STATUS_REJECT, "damaged gap of %zu bytes", bytes.count);
    out->is_gap = true;
    out->gap =
        (struct gap){.cause = gap->cause, .reason = copy(arena, gap->reason), .final = gap->final};
    return STATUS_OK;
}

/* --- records --- */

enum status partial_decode(struct bytes bytes, struct schema *schema, struct arena *arena,
                           struct decoded_record *out, struct failure *why)
{
    *out = (struct decoded_record){0};
    struct record_place place;
    enum status status = partial_peek(bytes, &place, why);
    if (status != STATUS_OK)
        return status;
    out->meta = place.meta;
    out->index = place.index;
    struct text session = place.meta.session;
    out->meta.session = (struct text){arena_string(arena, session), session.count};
    if (place.is_gap)
        return decode_gap(place.body, arena, out, why);
    if (place.is_end)
        return decode_end(place.body, schema, arena, out, why);
    return decode_partial(&place, arena, &out->row, why);
}
