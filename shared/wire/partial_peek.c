#include "wire/partial_peek.h"

#include "wire/format.h"
#include "wire/message.h"
#include "wire/partial_tags.h"

enum status partial_peek(struct bytes record, struct record_place *out, struct failure *why)
{
    *out = (struct record_place){.index = 0};
    struct message message = message_of(record);
    uint64_t format = 0;
    unsigned bodies = 0;
    while (message_next(&message)) {
        uint64_t number = message.number;
        struct bytes bytes = message.bytes;
        switch (message.field) {
        case TAG_RECORD_FORMAT: format = number; break;
        case TAG_RECORD_SESSION:
            out->meta.session = (struct text){(const char *)bytes.at, bytes.count};
            break;
        case TAG_RECORD_CHUNK: out->meta.chunk = number; break;
        case TAG_RECORD_FIRST_CHUNK: out->meta.first_chunk = number; break;
        case TAG_RECORD_ATTEMPT: out->meta.attempt = number; break;
        case TAG_RECORD_INDEX: out->index = number; break;
        case TAG_RECORD_PARTIAL:
        case TAG_RECORD_ZSTD_PARTIAL:
        case TAG_RECORD_END:
        case TAG_RECORD_GAP:
            out->body = bytes;
            out->is_zstd = message.field == TAG_RECORD_ZSTD_PARTIAL;
            out->is_end = message.field == TAG_RECORD_END;
            out->is_gap = message.field == TAG_RECORD_GAP;
            bodies++;
            break;
        default: break;
        }
    }
    if (message.row.bad || format == 0)
        return fail(why, STATUS_REJECT, "not a partial: %zu bytes", record.count);
    if (format > RECORD_FORMAT)
        return fail(why, STATUS_STOP,
                    "format %llu of a partial is newer than this program supports (%d)",
                    (unsigned long long)format, RECORD_FORMAT);
    if (format < RECORD_FORMAT_OLDEST)
        return fail(why, STATUS_REJECT,
                    "format %llu of a partial is older than this program supports (%d): map its "
                    "chunk again",
                    (unsigned long long)format, RECORD_FORMAT_OLDEST);
    out->format = (unsigned)format;
    if (bodies != 1)
        return fail(why, STATUS_REJECT, "neither a partial, an interval end, nor a gap");
    return STATUS_OK;
}
