#include "wire/chunk_codec.h"

#include <string.h>

#include "chunk.pb-c.h"
#include "wire/in_arena.h"

enum { CHUNK_FORMAT = 1 };

static ProtobufCBinaryData binary(struct text text)
{
    return (ProtobufCBinaryData){text.count, (uint8_t *)(uintptr_t)text.at};
}

static ProtobufCBinaryData binary_bytes(struct bytes bytes)
{
    return (ProtobufCBinaryData){bytes.count, (uint8_t *)(uintptr_t)bytes.at};
}

static struct text text(ProtobufCBinaryData data)
{
    return (struct text){data.len ? (const char *)data.data : "", data.len};
}

struct bytes chunk_ready_encode(const struct chunk_ready *ready, struct arena *arena)
{
    Spanmill__ChunkReady out;
    spanmill__chunk_ready__init(&out);
    out.format = CHUNK_FORMAT;
    out.session = binary(ready->session);
    out.chunk = ready->chunk;
    out.has_first_chunk = out.has_begin_ns = out.has_end_ns = out.has_published_ms = true;
    out.first_chunk = ready->first_chunk;
    out.has_clock_uuid = true;
    out.clock_uuid = binary_bytes((struct bytes){ready->clock_uuid, sizeof ready->clock_uuid});
    out.begin_ns = ready->begin_ns;
    out.end_ns = ready->end_ns;
    out.has_final = out.final = ready->final;
    out.has_lost = ready->lost;
    out.lost = binary(ready->lost_reason);
    out.has_length = out.has_digest = !ready->lost;
    out.length = ready->length;
    out.digest = ready->digest;
    out.has_inline_archive = ready->archive.at != NULL;
    out.inline_archive = binary_bytes(ready->archive);
    Spanmill__Segment *segments = arena_take(arena, ready->segment_count * sizeof *segments);
    out.segments = arena_take(arena, ready->segment_count * sizeof *out.segments);
    for (; out.n_segments < ready->segment_count; out.n_segments++) {
        Spanmill__Segment *segment = &segments[out.n_segments];
        spanmill__segment__init(segment);
        segment->partition = (uint32_t)ready->segments[out.n_segments].partition;
        segment->offset = (uint64_t)ready->segments[out.n_segments].offset;
        out.segments[out.n_segments] = segment;
    }
    out.has_uri = ready->uri.count > 0;
    out.uri = binary(ready->uri);
    out.has_upload = ready->segment_count > 0;
    out.upload = ready->upload;
    out.published_ms = (uint64_t)ready->published_ms;
    size_t count = spanmill__chunk_ready__get_packed_size(&out);
    uint8_t *record = arena_take(arena, count);
    spanmill__chunk_ready__pack(&out, record);
    return (struct bytes){record, count};
}

static enum status check(const struct chunk_ready *ready, struct failure *why)
{
    int places = (ready->archive.at != NULL) + (ready->segment_count > 0) + (ready->uri.count > 0);
    if (ready->session.count == 0)
        return fail(why, STATUS_REJECT, "the announcement names no session");
    if (ready->lost ? places != 0 : places != 1)
        return fail(why, STATUS_REJECT,
                    "the archive must be exactly one of inline, in segments, at a URI, or lost");
    if (ready->segment_count > CHUNK_SEGMENTS_MAX)
        return fail(why, STATUS_REJECT, "%zu segments", ready->segment_count);
    if (ready->archive.at && ready->archive.count != ready->length)
        return fail(why, STATUS_REJECT, "the archive has %zu bytes instead of %llu",
                    ready->archive.count, (unsigned long long)ready->length);
    if (ready->begin_ns > ready->end_ns)
        return fail(why, STATUS_REJECT, "the interval ends before it begins");
    return STATUS_OK;
}

enum status chunk_ready_decode(struct bytes record, struct arena *arena, struct chunk_ready *out,
                               struct failure *why)
{
    *out = (struct chunk_ready){.chunk = 0};
    ProtobufCAllocator allocator = in_arena(arena);
    const Spanmill__ChunkReady *from =
        spanmill__chunk_ready__unpack(&allocator, record.count, record.at);
    if (!from)
        return fail(why, STATUS_REJECT, "not an announcement: %zu bytes", record.count);
    if (from->format > CHUNK_FORMAT)
        return fail(why, STATUS_STOP,
                    "format %u of an announcement is newer than this program supports (%d)",
                    from->format, CHUNK_FORMAT);
    *out = (struct chunk_ready){.session = text(from->session),
                                .chunk = from->chunk,
                                .first_chunk = from->first_chunk,
                                .begin_ns = from->begin_ns,
                                .end_ns = from->has_end_ns ? from->end_ns : UINT64_MAX,
                                .final = from->final,
                                .lost = from->has_lost,
                                .lost_reason = text(from->lost),
                                .length = from->length,
                                .digest = from->digest,
                                .uri = text(from->uri),
                                .upload = from->upload,
                                .published_ms = (int64_t)from->published_ms};
    if (from->clock_uuid.len == sizeof out->clock_uuid)
        memcpy(out->clock_uuid, from->clock_uuid.data, sizeof out->clock_uuid);
    if (from->has_inline_archive) {
        static const uint8_t empty;
        out->archive = (struct bytes){from->inline_archive.len ? from->inline_archive.data : &empty,
                                      from->inline_archive.len};
    }
    struct segment_place *places = arena_take(arena, from->n_segments * sizeof *places);
    for (size_t i = 0; i < from->n_segments; i++)
        places[i] = (struct segment_place){(int32_t)from->segments[i]->partition,
                                           (int64_t)from->segments[i]->offset};
    out->segments = places;
    out->segment_count = from->n_segments;
    return check(out, why);
}

struct bytes archive_segment_encode(const struct archive_segment *segment, struct arena *arena)
{
    Spanmill__ArchiveSegment out;
    spanmill__archive_segment__init(&out);
    out.format = CHUNK_FORMAT;
    out.session = binary(segment->session);
    out.chunk = segment->chunk;
    out.upload = segment->upload;
    out.index = segment->index;
    out.bytes = binary_bytes(segment->bytes);
    size_t count = spanmill__archive_segment__get_packed_size(&out);
    uint8_t *record = arena_take(arena, count);
    spanmill__archive_segment__pack(&out, record);
    return (struct bytes){record, count};
}

enum status archive_segment_decode(struct bytes record, struct arena *arena,
                                   struct archive_segment *out, struct failure *why)
{
    ProtobufCAllocator allocator = in_arena(arena);
    const Spanmill__ArchiveSegment *from =
        spanmill__archive_segment__unpack(&allocator, record.count, record.at);
    if (!from)
        return fail(why, STATUS_REJECT, "not a segment of an archive: %zu bytes", record.count);
    if (from->format > CHUNK_FORMAT)
        return fail(why, STATUS_STOP,
                    "format %u of a segment is newer than this program supports (%d)", from->format,
                    CHUNK_FORMAT);
    *out = (struct archive_segment){.session = text(from->session),
                                    .chunk = from->chunk,
                                    .upload = from->upload,
                                    .index = from->index,
                                    .bytes = {from->bytes.data, from->bytes.len}};
    return STATUS_OK;
}
