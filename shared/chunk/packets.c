#include "chunk/packets.h"

#include <assert.h>
#include <stdlib.h>

#include "chunk/packet_row.h"
#include "base/memory.h"

/* LTTng, ctf-index.hpp, 1.0 and 1.1: all fields big-endian. */
enum {
    INDEX_HEADER = 16,     /* magic, major, minor, bytes per entry: 4 each */
    INDEX_ENTRY_LEAST = 56 /* seven fields of 8; the first is the packet's offset */
};
static const uint64_t INDEX_MAGIC = UINT64_C(0xC1F1DCC1);

static uint64_t number_at(const uint8_t *at, size_t size, bool big_endian)
{
    assert(size <= sizeof(uint64_t));
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++)
        value = value << 8 | at[big_endian ? i : size - 1 - i];
    return value;
}

/* --- the index --- */

/* Bytes per entry; 0 if it is not an index, or empty. */
static size_t index_entry(struct bytes index)
{
    if (index.count < INDEX_HEADER || number_at(index.at, 4, true) != INDEX_MAGIC)
        return 0;
    uint64_t entry = number_at(index.at + 12, 4, true);
    return entry < INDEX_ENTRY_LEAST || entry > index.count ? 0 : (size_t)entry;
}

size_t packets_index_next(struct bytes index, size_t offset, size_t none)
{
    size_t entry = index_entry(index);
    for (size_t at = INDEX_HEADER; entry != 0 && at <= index.count - entry; at += entry) {
        uint64_t stated = number_at(index.at + at, 8, true);
        if (stated > offset && stated < none)
            return (size_t)stated;
    }
    return none;
}

size_t packets_index_follow(struct bytes index, size_t *at, size_t offset, size_t none)
{
    size_t entry = index_entry(index);
    if (*at == 0)
        *at = INDEX_HEADER;
    for (; entry != 0 && *at <= index.count - entry; *at += entry) {
        uint64_t stated = number_at(index.at + *at, 8, true);
        if (stated > offset)
            return stated < none ? (size_t)stated : none;
    }
    return none;
}

size_t packets_index_end(struct bytes index)
{
    size_t entry = index_entry(index);
    uint64_t end = 0;
    for (size_t at = INDEX_HEADER; entry != 0 && at <= index.count - entry; at += entry) {
        uint64_t offset = number_at(index.at + at, 8, true);
        uint64_t size = number_at(index.at + at + 8, 8, true) / 8;
        end = offset + size > end ? offset + size : end;
    }
    return end < SIZE_MAX ? (size_t)end : SIZE_MAX;
}

enum status packets_scan(const struct metadata *metadata, struct bytes file, struct bytes index,
                         struct packet_list *out, struct failure *why)
{
    struct packet_row row = {.count = 0};
    struct packet_damage damage;
    packet_row_add(&row, metadata->layout, metadata->times, file, index, &damage);
    for (size_t i = 0; i < row.count; i++) {
        out->at = memory_grow(out->at, &out->room, out->count + 1, sizeof *out->at);
        out->at[out->count++] = row.at[i].head;
    }
    packet_row_clear(&row);
    if (damage.holes == 0)
        return STATUS_OK;
    return fail(why, STATUS_REJECT, "%s; %zu bytes left out", damage.first.text, damage.bytes);
}

void packets_clear(struct packet_list *packets)
{
    free(packets->at);
    *packets = (struct packet_list){.at = NULL};
}

/* The increase of a counter with this many bits. One of 64 bits does not wrap: if it decreased, the
 * increase is unknown. */
static uint64_t went_on(uint64_t from, uint64_t to, unsigned bits)
{
    if (bits == 0 || bits >= 64)
        return to > from ? to - from : 0;
    return (to - from) & (UINT64_MAX >> (64 - bits));
}

struct packet_loss packet_loss_of(const struct packet *before, const struct packet *packet)
{
    struct packet_loss loss = {.since_ns = packet->begin_ns};
    bool gap = false;
    if (before != NULL) {
        if (before->end_ns < packet->begin_ns || packet->begin_ns == 0)
            loss.since_ns = before->end_ns;
        loss.discarded = went_on(before->discarded, packet->discarded, packet->discarded_bits);
        uint64_t steps = went_on(before->sequence, packet->sequence, packet->sequence_bits);
        gap = packet->has_sequence && steps != 1;
        loss.missing = gap && steps > 1 ? steps - 1 : 0;
    } else if (packet->has_sequence && packet->sequence == 0) {
        loss.discarded = packet->discarded;
    }
    loss.before = gap || loss.discarded > 0;
    loss.after = loss.discarded > 0;
    return loss;
}

size_t packets_seam(const struct packet_list *packets, uint64_t boundary_ns)
{
    if (packets->count == 0)
        return 0;
    size_t first = packets->count - 1;
    while (first > 0 && packets->at[first - 1].end_ns >= boundary_ns)
        first--;
    const struct packet *packet = &packets->at[first];
    if (first > 0 && packet->end_ns >= boundary_ns && packet->discarded != packet[-1].discarded)
        first--;
    assert(first < packets->count);
    return first;
}
