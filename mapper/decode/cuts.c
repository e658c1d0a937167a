#include "mapper/decode/cuts.h"

#include <stdlib.h>

#include "base/memory.h"
#include "mapper/decode/stream_rules.h"

/* A packet counts at its begin: a cut there divides no packet of its stream, whose events before
 * the cut would be decoded twice. The first one of a stream counts at its middle, since the chunk
 * begins with it. */
struct weight {
    uint64_t at_ns;
    size_t bytes;
};

struct weights {
    struct weight *at;
    size_t count, room;
    size_t bytes;
    uint64_t seam_end_ns;
};

static int by_time(const void *a, const void *b)
{
    const struct weight *left = a, *right = b;
    return (left->at_ns > right->at_ns) - (left->at_ns < right->at_ns);
}

static bool has_times(const struct packet_at *packet)
{
    return packet->has_begin && packet->has_end && packet->head.end_ns >= packet->head.begin_ns;
}

/* Whether the stream's packets all have times, and none reports a loss. */
static bool add_packets(struct weights *weights, const struct packet_row *packets)
{
    for (size_t i = 0; i < packets->count; i++) {
        const struct packet_at *packet = &packets->at[i];
        struct packet_loss loss = stream_loss_around(packets, i);
        if (!has_times(packet) || loss.before || loss.after || loss.discarded > 0 ||
            loss.missing > 0)
            return false;
        const struct packet *head = &packet->head;
        if (packet->of_seam) {
            if (head->end_ns > weights->seam_end_ns)
                weights->seam_end_ns = head->end_ns;
            continue;
        }
        weights->at =
            memory_grow(weights->at, &weights->room, weights->count + 1, sizeof *weights->at);
        bool is_first = i == 0 || packet[-1].of_seam;
        uint64_t behind_ns = is_first ? (head->end_ns - head->begin_ns) / 2 : 0;
        weights->at[weights->count++] = (struct weight){head->begin_ns + behind_ns, head->content};
        weights->bytes += head->content;
    }
    return true;
}

static size_t divide(struct weights *weights, size_t parts, uint64_t *cuts)
{
    qsort(weights->at, weights->count, sizeof *weights->at, by_time);
    size_t count = 0, bytes = 0;
    for (size_t i = 0; i < weights->count && count + 1 < parts; i++) {
        const struct weight *weight = &weights->at[i];
        bool is_new = weight->at_ns > (count > 0 ? cuts[count - 1] : weights->seam_end_ns);
        if (is_new && bytes * parts >= weights->bytes * (count + 1))
            cuts[count++] = weight->at_ns;
        bytes += weight->bytes;
    }
    return count;
}

size_t cuts_find(const struct stream *streams, size_t stream_count, size_t parts_max,
                 size_t bytes_min, uint64_t *cuts)
{
    struct weights weights = {.at = NULL};
    bool divisible = true;
    for (size_t i = 0; i < stream_count && divisible; i++)
        divisible = !streams[i].cut && add_packets(&weights, &streams[i].packets);
    size_t parts = weights.bytes / bytes_min < parts_max ? weights.bytes / bytes_min : parts_max;
    size_t count = divisible && parts > 1 ? divide(&weights, parts, cuts) : 0;
    free(weights.at);
    return count;
}

void cuts_skip(struct stream *stream, uint64_t begin_ns)
{
    const struct packet_row *packets = &stream->packets;
    size_t next = stream->packet_next;
    for (; next + 1 < packets->count; next++) {
        const struct packet_at *packet = &packets->at[next], *behind = packet + 1;
        if (!has_times(packet) || packet->head.end_ns >= begin_ns || !has_times(behind) ||
            behind->head.begin_ns < packet->head.end_ns)
            break;
    }
    stream->packet_next = next;
}
