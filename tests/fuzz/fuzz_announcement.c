/* Any bytes as an announcement, a segment, and the header of a session's state: accepted ones can
 * be written and read again. */
#include <assert.h>
#include <stdlib.h>

#include "wire/chunk_codec.h"
#include "wire/session_header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void announcement(struct bytes record)
{
    struct arena arena = {.first = NULL};
    struct chunk_ready ready, again;
    if (chunk_ready_decode(record, &arena, &ready, NULL) == STATUS_OK) {
        assert(ready.segment_count <= CHUNK_SEGMENTS_MAX);
        enum status status =
            chunk_ready_decode(chunk_ready_encode(&ready, &arena), &arena, &again, NULL);
        assert(status == STATUS_OK && again.chunk == ready.chunk &&
               text_equal(again.session, ready.session) &&
               (ready.lost || again.length == ready.length) &&
               again.segment_count == ready.segment_count);
    }
    arena_clear(&arena);
}

static void segment(struct bytes record)
{
    struct arena arena = {.first = NULL};
    struct archive_segment part, again;
    if (archive_segment_decode(record, &arena, &part, NULL) == STATUS_OK) {
        enum status status =
            archive_segment_decode(archive_segment_encode(&part, &arena), &arena, &again, NULL);
        assert(status == STATUS_OK && again.index == part.index &&
               again.bytes.count == part.bytes.count);
    }
    arena_clear(&arena);
}

static void header(struct bytes record)
{
    struct session_header header, again;
    if (session_header_decode(record, &header, NULL) != STATUS_OK)
        return;
    struct bytes written = session_header_encode(&header);
    enum status status = session_header_decode(written, &again, NULL);
    assert(status == STATUS_OK && again.next == header.next && again.end_ns == header.end_ns);
    free((void *)(uintptr_t)written.at);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes record = {data, size};
    announcement(record);
    segment(record);
    header(record);
    return 0;
}
