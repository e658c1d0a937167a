#include "ctf/metadata_text.h"

#include <string.h>

#include "ctf/bits.h"

/* A packet of metadata. Source: CTF 1.8.3, 7.1. */
enum {
    PACKET_HEADER = 37,
    PACKET_CONTENT = 24, /* content_size, bits, 4 bytes */
    PACKET_SIZE = 28     /* packet_size, bits, 4 bytes */
};
static const uint64_t PACKET_MAGIC = 0x75D11D57;

static uint64_t word_at(const uint8_t *at, enum metadata_division division)
{
    return division == METADATA_BIG ? bits_big(at, 4) : bits_little(at, 4);
}

/* The text of the packet at `*offset`, and the offset of the next one; false if it is not a
 * packet. */
static bool next_text(struct bytes file, enum metadata_division division, size_t *offset,
                      struct bytes *text)
{
    const uint8_t *packet = file.at + *offset;
    size_t left = file.count - *offset;
    if (left < PACKET_HEADER)
        return false;
    uint64_t content = word_at(packet + PACKET_CONTENT, division) / 8;
    uint64_t size = word_at(packet + PACKET_SIZE, division) / 8;
    if (content < PACKET_HEADER || content > size || size > left)
        return false;
    *text = (struct bytes){packet + PACKET_HEADER, (size_t)content - PACKET_HEADER};
    *offset += (size_t)size;
    return true;
}

enum metadata_division metadata_division_of(struct bytes file, size_t *text_count)
{
    *text_count = file.count;
    if (file.count < PACKET_HEADER)
        return METADATA_WHOLE;
    enum metadata_division division = bits_little(file.at, 4) == PACKET_MAGIC ? METADATA_LITTLE
                                      : bits_big(file.at, 4) == PACKET_MAGIC  ? METADATA_BIG
                                                                              : METADATA_WHOLE;
    size_t count = 0, offset = 0;
    while (division != METADATA_WHOLE && offset < file.count) {
        struct bytes text;
        if (!next_text(file, division, &offset, &text))
            return METADATA_WHOLE;
        count += text.count;
    }
    if (division != METADATA_WHOLE)
        *text_count = count;
    return division;
}

bool metadata_has_text(struct bytes file, enum metadata_division division, struct bytes text)
{
    size_t done = 0, offset = 0;
    struct bytes part;
    if (division == METADATA_WHOLE)
        return memcmp(text.at, file.at, text.count) == 0;
    while (done < text.count && next_text(file, division, &offset, &part)) {
        if (part.count > text.count - done || memcmp(text.at + done, part.at, part.count) != 0)
            return false;
        done += part.count;
    }
    return done == text.count;
}

void metadata_copy_text(struct bytes file, enum metadata_division division, uint8_t *into)
{
    size_t offset = 0;
    struct bytes part;
    if (division == METADATA_WHOLE)
        memcpy(into, file.at, file.count);
    while (division != METADATA_WHOLE && offset < file.count &&
           next_text(file, division, &offset, &part)) {
        memcpy(into, part.at, part.count);
        into += part.count;
    }
}
