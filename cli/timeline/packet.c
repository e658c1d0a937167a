#include "cli/timeline/packet.h"

#include <assert.h>

#include "base/utf8.h"

/* Wire types. Source: protobuf.dev/programming-guides/encoding. */
enum { WIRE_VARINT = 0, WIRE_BYTES = 2 };
enum { VARINT_MAX = 10, LENGTH_BYTES = 4, SEVEN = 0x7f, MORE = 0x80 };

static void varint(struct line *out, uint64_t number)
{
    char *to = line_room(out, VARINT_MAX);
    size_t count = 0;
    while (number > SEVEN) {
        to[count++] = (char)(number | MORE);
        number >>= 7;
    }
    to[count++] = (char)number;
    out->count += count;
}

static void tag(struct line *out, unsigned field, unsigned type)
{
    varint(out, (uint64_t)field << 3 | type);
}

void packet_number(struct line *out, unsigned field, uint64_t number)
{
    tag(out, field, WIRE_VARINT);
    varint(out, number);
}

void packet_text(struct line *out, unsigned field, struct text text)
{
    bool is_ascii = true;
    for (size_t i = 0; i < text.count && is_ascii; i++)
        is_ascii = !((unsigned char)text.at[i] & MORE);
    if (is_ascii) {
        tag(out, field, WIRE_BYTES);
        varint(out, text.count);
        line_text(out, text);
        return;
    }
    size_t place = packet_open(out, field);
    while (text.count > 0) {
        uint32_t character = utf8_take(&text);
        out->count += utf8_put(character, line_room(out, 4));
    }
    packet_close(out, place);
}

size_t packet_open(struct line *out, unsigned field)
{
    tag(out, field, WIRE_BYTES);
    line_room(out, LENGTH_BYTES);
    out->count += LENGTH_BYTES;
    return out->count;
}

void packet_close(struct line *out, size_t place)
{
    size_t length = out->count - place;
    assert(length < (size_t)1 << (7 * LENGTH_BYTES));
    char *to = out->at + place - LENGTH_BYTES;
    for (unsigned i = 0; i < LENGTH_BYTES; i++)
        to[i] = (char)((length >> (7 * i) & SEVEN) | (i + 1 < LENGTH_BYTES ? MORE : 0));
}
