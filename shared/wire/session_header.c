#include "wire/session_header.h"

#include <string.h>

#include "base/memory.h"
#include "session.pb-c.h"

enum { HEADER_FORMAT = 1 };

struct bytes session_header_encode(const struct session_header *header)
{
    Spanmill__SessionHeader out;
    spanmill__session_header__init(&out);
    out.format = HEADER_FORMAT;
    out.next = header->next;
    out.has_first_chunk = true;
    out.first_chunk = header->first_chunk;
    out.has_gap = out.gap = header->gap;
    out.has_end_ns = out.has_changed_ms = true;
    out.end_ns = header->end_ns;
    out.changed_ms = (uint64_t)header->changed_ms;
    out.has_ended = out.ended = header->ended;
    uint8_t clock_uuid[sizeof header->clock_uuid];
    memcpy(clock_uuid, header->clock_uuid, sizeof clock_uuid);
    out.has_clock_uuid = true;
    out.clock_uuid = (ProtobufCBinaryData){sizeof clock_uuid, clock_uuid};
    size_t count = spanmill__session_header__get_packed_size(&out);
    uint8_t *record = memory_new(count);
    spanmill__session_header__pack(&out, record);
    return (struct bytes){record, count};
}

enum status session_header_decode(struct bytes record, struct session_header *out,
                                  struct failure *why)
{
    *out = (struct session_header){.next = 0};
    Spanmill__SessionHeader *from = spanmill__session_header__unpack(NULL, record.count, record.at);
    if (!from)
        return fail(why, STATUS_REJECT, "not a session header: %zu bytes", record.count);
    enum status status = STATUS_OK;
    if (from->format > HEADER_FORMAT)
        status = fail(why, STATUS_STOP,
                      "format %u of a session header is newer than this program supports (%d)",
                      from->format, HEADER_FORMAT);
    *out = (struct session_header){.next = from->next,
                                   .first_chunk = from->first_chunk,
                                   .gap = from->gap,
                                   .end_ns = from->end_ns,
                                   .ended = from->ended,
                                   .changed_ms = (int64_t)from->changed_ms};
    if (from->clock_uuid.len == sizeof out->clock_uuid)
        memcpy(out->clock_uuid, from->clock_uuid.data, sizeof out->clock_uuid);
    spanmill__session_header__free_unpacked(from, NULL);
    return status;
}
