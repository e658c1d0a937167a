#include "layout.h"

#include <stdlib.h>

#include "base/memory.h"
#include "ctf2.h"
#include "layout_draft.h"
#include "tsdl.h"

/* CTF 1.8.3, 7.1: metadata packets. magic, uuid, checksum, content_size, packet_size, then a byte
 * each for compression, encryption, checksum scheme, major and minor version. CTF 2 has the
 * same. */
enum {
    PACKET_HEADER = 37,
    PACKET_UUID = 4,
    PACKET_CONTENT_BITS = 24,
    PACKET_BITS = 28,
    PACKET_SCHEMES = 32,
    PACKET_MAJOR = 35,
    PACKET_MINOR = 36
};
static const uint32_t PACKET_MAGIC = UINT32_C(0x75D11D57);

enum { RECORD_SEPARATOR = 0x1E };

struct owner {
    struct layout layout; /* first: the argument of layout_close() */
    struct arena arena;
};

/* --- metadata in packets --- */

static uint32_t word_at(const uint8_t *at, bool big_endian)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < 4; i++)
        value |= (uint32_t)at[i] << 8 * (big_endian ? 3 - i : i);
    return value;
}

static bool is_packet(struct bytes rest, bool big_endian)
{
    return rest.count >= 4 && word_at(rest.at, big_endian) == PACKET_MAGIC;
}

/* Checks the header for encodings that are not supported, and for the version. */
static enum status check_packet(const uint8_t *packet, const uint8_t *first, size_t offset,
                                struct failure *why)
{
    static const char *const SCHEMES[] = {"compression", "encryption", "checksum"};
    unsigned major = packet[PACKET_MAJOR], minor = packet[PACKET_MINOR];
    for (unsigned i = 0; i < sizeof SCHEMES / sizeof *SCHEMES; i++)
        if (packet[PACKET_SCHEMES + i] != 0)
            return fail(why, STATUS_REJECT,
                        "metadata: packet at byte %zu: %s scheme %u is not supported", offset,
                        SCHEMES[i], (unsigned)packet[PACKET_SCHEMES + i]);
    if (!(major == 1 && minor == 8) && !(major == 2 && minor == 0))
        return fail(
            why, STATUS_REJECT,
            "metadata: packet at byte %zu: version %u.%u is not supported; supported: 1.8 and 2.0",
            offset, major, minor);
    if (memcmp(packet + PACKET_UUID, first + PACKET_UUID, 16) != 0)
        return fail(why, STATUS_REJECT,
                    "metadata: packet at byte %zu: its UUID differs from that of the first packet",
                    offset);
    return STATUS_OK;
}

/* The content of the packet at `offset`; *next is the offset of the next one. */
static enum status packet_at(struct bytes file, size_t offset, bool big_endian,
                             struct bytes *content, size_t *next, struct failure *why)
{
    struct bytes rest = {file.at + offset, file.count - offset};
    if (!is_packet(rest, big_endian))
        return fail(why, STATUS_REJECT, "metadata: no packet at byte %zu", offset);
    if (rest.count < PACKET_HEADER)
        return fail(why, STATUS_REJECT,
                    "metadata: truncated: only %zu bytes of the packet at byte %zu", rest.count,
                    offset);
    uint32_t bits = word_at(rest.at + PACKET_CONTENT_BITS, big_endian);
    size_t size = word_at(rest.at + PACKET_BITS, big_endian) / 8;
    if (bits % 8 != 0 || bits / 8 < PACKET_HEADER || bits / 8 > size)
        return fail(
            why, STATUS_REJECT,
            "metadata: packet at byte %zu: content size of %u bits in a packet of %zu bytes",
            offset, (unsigned)bits, size);
    /* Missing padding does not matter. */
    if (bits / 8 > rest.count)
        return fail(why, STATUS_REJECT,
                    "metadata: truncated: only %zu of %zu bytes of the packet at byte %zu",
                    rest.count, size, offset);
    *content = (struct bytes){rest.at + PACKET_HEADER, bits / 8 - PACKET_HEADER};
    *next = size < rest.count ? offset + size : file.count;
    return check_packet(rest.at, file.at, offset, why);
}

/* Concatenates the contents of all packets in `room`, which is as large as `file`. */
static enum status unpack(struct bytes file, char *room, size_t *used, struct failure *why)
{
    bool big_endian = is_packet(file, true);
    *used = 0;
    for (size_t offset = 0; offset < file.count;) {
        struct bytes content = {file.at, 0};
        enum status status = packet_at(file, offset, big_endian, &content, &offset, why);
        if (status != STATUS_OK)
            return status;
        memcpy(room + *used, content.at, content.count);
        *used += content.count;
    }
    return STATUS_OK;
}

/* --- opening --- */

/* CTF 1.8.3, 7.1: the begin of a TSDL text that is not in packets. */
static enum status check_signature(struct text text, struct failure *why)
{
    static const char BEGIN[] = "/* CTF ", VERSION[] = "1.8";
    size_t begin = sizeof BEGIN - 1, version = sizeof VERSION - 1;
    if (text.count < begin || memcmp(text.at, BEGIN, begin) != 0)
        return fail(why, STATUS_REJECT, "metadata:1:1: not CTF: expected \"/* CTF 1.8\"");
    struct text stated = {text.at + begin, text.count - begin};
    if (stated.count > version && memcmp(stated.at, VERSION, version) == 0 &&
        !(stated.at[version] >= '0' && stated.at[version] <= '9'))
        return STATUS_OK;
    size_t count = 0;
    while (count < stated.count && count < 16 &&
           ((stated.at[count] >= '0' && stated.at[count] <= '9') || stated.at[count] == '.'))
        count++;
    return fail(why, STATUS_REJECT,
                "metadata:1:%zu: CTF version \"%.*s\" is not supported; supported: 1.8 and 2",
                begin + 1, (int)count, stated.at);
}

static enum status parse(enum layout_extent extent, struct text text, struct owner *owner,
                         struct failure *why)
{
    struct draft draft = {.into = &owner->arena, .layout = &owner->layout, .extent = extent};
    owner->layout.version = text.count > 0 && text.at[0] == RECORD_SEPARATOR ? 2 : 1;
    enum status status =
        owner->layout.version == 2 ? ctf2_parse(text, &draft, why) : tsdl_parse(text, &draft, why);
    if (status == STATUS_OK)
        status = layout_build(&draft, why);
    draft_clear(&draft);
    return status;
}

enum status layout_open(struct bytes metadata, struct layout **out, struct failure *why)
{
    return layout_open_as(LAYOUT_WHOLE, metadata, out, why);
}

enum status layout_open_as(enum layout_extent extent, struct bytes metadata, struct layout **out,
                           struct failure *why)
{
    *out = NULL;
    if (metadata.count == 0)
        return fail(why, STATUS_REJECT, "metadata: empty");
    if (metadata.count > LAYOUT_METADATA_MAX)
        return fail(why, STATUS_REJECT, "metadata: %zu bytes exceed the limit", metadata.count);
    char *room = memory_new(metadata.count + 1);
    struct text text = {room, metadata.count};
    enum status status = STATUS_OK;
    if (is_packet(metadata, false) || is_packet(metadata, true)) {
        status = unpack(metadata, room, &text.count, why);
    } else {
        memcpy(room, metadata.at, metadata.count);
        if (room[0] != RECORD_SEPARATOR)
            status = check_signature(text, why);
    }

    struct owner *owner = memory_new(sizeof *owner);
    if (status == STATUS_OK)
        status = parse(extent, text, owner, why);
    owner->layout.bytes = sizeof *owner + owner->arena.whole;
    if (status == STATUS_OK)
        *out = &owner->layout;
    else
        layout_close(&owner->layout);
    free(room);
    return status;
}

void layout_close(struct layout *layout)
{
    if (layout == NULL)
        return;
    struct owner *owner = (struct owner *)layout;
    arena_clear(&owner->arena);
    free(owner);
}

/* --- lookup --- */

const struct layout_stream *layout_stream(const struct layout *layout, uint64_t id)
{
    uint32_t low = 0, high = layout->stream_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (layout->streams[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < layout->stream_count && layout->streams[low].id == id ? &layout->streams[low]
                                                                       : NULL;
}

const struct layout_event *layout_event_search(const struct layout_stream *stream, uint64_t id)
{
    uint32_t low = 0, high = stream->event_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (stream->by_id[middle]->id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < stream->event_count && stream->by_id[low]->id == id ? stream->by_id[low] : NULL;
}

const struct layout_field *layout_member(const struct layout_field *field, const char *name)
{
    if (field == NULL || (field->type != LAYOUT_STRUCT && field->type != LAYOUT_VARIANT))
        return NULL;
    for (uint32_t i = 0; i < field->count; i++)
        if (strcmp(field->fields[i].name, name) == 0)
            return &field->fields[i];
    return NULL;
}

const struct layout_env *layout_env(const struct layout *layout, const char *name)
{
    for (uint32_t i = layout->env_count; i-- > 0;)
        if (strcmp(layout->env[i].name, name) == 0)
            return &layout->env[i];
    return NULL;
}
