#include "metadata_parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* CTF 1.8, 7.1: metadata packets. */
enum { METADATA_HEADER = 37 };
static const uint32_t METADATA_MAGIC = UINT32_C(0x75D11D57);

/* --- the packets of the file --- */

static uint32_t swapped(uint32_t value)
{
    return value >> 24 | (value >> 8 & 0xff00) | (value << 8 & 0xff0000) | value << 24;
}

static uint32_t word_at(const uint8_t *at, bool swap)
{
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return swap ? swapped(value) : value;
}

static enum status unpacked_text(struct bytes file, struct metadata *metadata, struct failure *why)
{
    char *text = arena_take(&metadata->arena, file.count + 1);
    bool swap = word_at(file.at, false) == swapped(METADATA_MAGIC);
    size_t used = 0;
    for (size_t offset = 0; offset < file.count;) {
        const uint8_t *packet = file.at + offset;
        size_t left = file.count - offset;
        if (left < METADATA_HEADER)
            return fail(why, STATUS_REJECT, "metadata: cut inside the packet at %zu", offset);
        if (word_at(packet, swap) != METADATA_MAGIC)
            return fail(why, STATUS_REJECT, "metadata: no packet at %zu", offset);
        size_t content = word_at(packet + 24, swap) / 8;
        size_t size = word_at(packet + 28, swap) / 8;
        if (content < METADATA_HEADER || content > size)
            return fail(why, STATUS_REJECT, "metadata: packet at %zu: content of %zu in %zu bytes",
                        offset, content, size);
        if (size > left)
            return fail(why, STATUS_REJECT,
                        "metadata: cut inside the packet at %zu: %zu of %zu bytes", offset, left,
                        size);
        if (packet[32] != 0 || packet[33] != 0)
            return fail(why, STATUS_REJECT, "metadata: compressed or encrypted");
        memcpy(text + used, packet + METADATA_HEADER, content - METADATA_HEADER);
        used += content - METADATA_HEADER;
        offset += size;
    }
    metadata->text = (struct text){text, used};
    return STATUS_OK;
}

/* --- for those who read the text --- */

void metadata_take_uuid(struct text text, uint8_t uuid[16])
{
    size_t digits = 0;
    uint8_t out[16] = {0};
    for (size_t i = 0; i < text.count; i++) {
        char c = text.at[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0 || digits == 32)
            continue;
        out[digits / 2] = (uint8_t)(out[digits / 2] << 4 | digit);
        digits++;
    }
    if (digits == 32)
        memcpy(uuid, out, sizeof out);
}

int64_t metadata_scaled_ns(uint64_t cycles, uint64_t frequency)
{
    return (int64_t)(cycles / frequency * METADATA_NS_PER_S +
                     cycles % frequency * METADATA_NS_PER_S / frequency);
}

void metadata_add_layout(struct metadata *metadata, const struct packet_layout *layout)
{
    metadata->layouts = memory_grow(metadata->layouts, &metadata->layout_room,
                                    metadata->layout_count + 1, sizeof *metadata->layouts);
    metadata->layouts[metadata->layout_count++] = *layout;
}

void metadata_add_name(struct metadata *metadata, struct text name)
{
    metadata->names = memory_grow(metadata->names, &metadata->name_room, metadata->name_count + 1,
                                  sizeof *metadata->names);
    metadata->names[metadata->name_count++] = name;
}

/* --- the file --- */

enum status metadata_read(struct bytes file, struct metadata *out, struct failure *why)
{
    *out = (struct metadata){.frequency = METADATA_NS_PER_S};
    if (file.count < 8)
        return fail(why, STATUS_REJECT, "metadata: %s", file.count == 0 ? "empty" : "too short");
    if (file.count > METADATA_BYTES_MAX)
        return fail(why, STATUS_REJECT, "metadata: %zu bytes, over the limit", file.count);
    uint32_t magic = word_at(file.at, false);
    if (magic == METADATA_MAGIC || magic == swapped(METADATA_MAGIC)) {
        enum status status = unpacked_text(file, out, why);
        if (status != STATUS_OK)
            return status;
    } else {
        out->text = (struct text){
            arena_string(&out->arena, (struct text){(const char *)file.at, file.count}),
            file.count};
    }
    out->is_ctf2 = out->text.count > 0 && out->text.at[0] == METADATA_SEPARATOR;
    enum status status = out->is_ctf2 ? metadata_read_ctf2(out, why) : metadata_read_tsdl(out, why);
    if (status != STATUS_OK)
        return status;
    if (out->layout_count == 0)
        return fail(why, STATUS_REJECT, "metadata: declares no stream whose packets can be found");
    return STATUS_OK;
}

void metadata_clear(struct metadata *metadata)
{
    free(metadata->layouts);
    free(metadata->names);
    arena_clear(&metadata->arena);
    *metadata = (struct metadata){.layouts = NULL};
}

const struct packet_layout *metadata_layout(const struct metadata *metadata, uint64_t stream_id)
{
    for (size_t i = 0; i < metadata->layout_count; i++)
        if (metadata->layouts[i].stream_id == stream_id)
            return &metadata->layouts[i];
    return NULL;
}

uint64_t metadata_ns(const struct metadata *metadata, uint64_t cycles)
{
    if (metadata->frequency == METADATA_NS_PER_S)
        return cycles;
    return (uint64_t)metadata_scaled_ns(cycles, metadata->frequency);
}
