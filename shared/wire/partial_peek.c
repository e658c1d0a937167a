#include "wire/partial_peek.h"

#include "wire/format.h"
#include "wire/partial_tags.h"

struct cursor {
    const uint8_t *at, *end;
    bool bad;
};

static uint64_t varint(struct cursor *cursor)
{
    uint64_t number = 0;
    for (unsigned shift = 0; shift < 64 && cursor->at < cursor->end; shift += 7) {
        uint8_t byte = *cursor->at++;
        number |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return number;
    }
    cursor->bad = true;
    return 0;
}

static struct bytes run(struct cursor *cursor, uint64_t count)
{
    struct bytes bytes = {cursor->at, 0};
    if (cursor->bad || count > (uint64_t)(cursor->end - cursor->at)) {
        cursor->bad = true;
        return bytes;
    }
    bytes.count = (size_t)count;
    cursor->at += count;
    return bytes;
}

static uint64_t fixed(struct cursor *cursor, unsigned count)
{
    struct bytes bytes = run(cursor, count);
    uint64_t number = 0;
    for (size_t i = 0; i < bytes.count; i++)
        number |= (uint64_t)bytes.at[i] << 8 * i;
    return number;
}

/* Reads a field's value: a number, or bytes. */
static uint64_t value(struct cursor *cursor, unsigned wire_type, struct bytes *bytes)
{
    *bytes = (struct bytes){cursor->at, 0};
    switch (wire_type) {
    case WIRE_VARINT: return varint(cursor);
    case WIRE_FIXED64: return fixed(cursor, 8);
    case WIRE_FIXED32: return fixed(cursor, 4);
    case WIRE_BYTES: *bytes = run(cursor, varint(cursor)); return 0;
    default: cursor->bad = true; return 0;
    }
}

enum status partial_peek(struct bytes record, struct record_place *out, struct failure *why)
{
    *out = (struct record_place){.index = 0};
    struct cursor cursor = {record.at, record.at + record.count, false};
    uint64_t format = 0;
    bool is_partial = false;
    while (cursor.at < cursor.end && !cursor.bad) {
        uint64_t tag = varint(&cursor);
        struct bytes bytes;
        uint64_t number = value(&cursor, (unsigned)(tag & 7), &bytes);
        switch (tag >> 3) {
        case TAG_RECORD_FORMAT: format = number; break;
        case TAG_RECORD_SESSION:
            out->meta.session = (struct text){(const char *)bytes.at, bytes.count};
            break;
        case TAG_RECORD_CHUNK: out->meta.chunk = number; break;
        case TAG_RECORD_FIRST_CHUNK: out->meta.first_chunk = number; break;
        case TAG_RECORD_ATTEMPT: out->meta.attempt = number; break;
        case TAG_RECORD_INDEX: out->index = number; break;
        case TAG_RECORD_PARTIAL:
        case TAG_RECORD_ZSTD_PARTIAL: is_partial = true; break;
        case TAG_RECORD_END: out->is_end = true; break;
        case TAG_RECORD_GAP: out->is_gap = true; break;
        default: break;
        }
    }
    if (cursor.bad || format == 0)
        return fail(why, STATUS_REJECT, "not a partial: %zu bytes", record.count);
    if (format > RECORD_FORMAT)
        return fail(why, STATUS_STOP,
                    "format %llu of a partial, newer than this program knows (%d)",
                    (unsigned long long)format, RECORD_FORMAT);
    if (is_partial + out->is_end + out->is_gap != 1)
        return fail(why, STATUS_REJECT, "not one of partial, interval end and gap");
    return STATUS_OK;
}
