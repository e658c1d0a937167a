/* mapper/bt2/bt2_lane.h -- one stream read by libbabeltrace2: takes the messages of an output port
 * and returns the next event or loss, by the same rules as mapper/decode/stream.h. */
#ifndef MAPPER_BT2_BT2_LANE_H
#define MAPPER_BT2_BT2_LANE_H

#include "mapper/bt2/bt2_input.h"

enum bt2_head { BT2_NONE, BT2_EVENT, BT2_LOSS };

struct bt2_lane {
    struct bt2_input *input;
    const struct reader_warnings *warnings;
    size_t port;
    const char *name;                  /* of its first file */
    const struct trace_stream *stream; /* NULL: only the library knows it */
    struct stream_time time;
    bool has_clock;
    bool cut;
    bt_message_array_const messages;
    uint64_t message_count, at;
    bool over;               /* no more messages */
    bool backwards;          /* a backward clock was reported */
    bool lies;               /* the rest of the current packet is skipped */
    size_t packet_next;      /* index of the next packet */
    struct packet_loss loss; /* around the current packet */
    uint64_t packet_end_ns;
    uint64_t late_ns; /* latest possible time of an event in this packet */
    int32_t cpu;
    uint32_t rank;  /* event.stream */
    uint32_t order; /* among all streams, for equal times */
    uint64_t last_ns;
    uint8_t head; /* enum bt2_head */
    uint64_t head_ns;
    uint64_t head_discarded, head_missing; /* BT2_LOSS */
};

/* Reads the first messages; `info` and `session` are those of its trace, which may be unknown
 * before.
 * REJECT: its clock is neither that of the session nor comparable. */
MUST_CHECK enum status bt2_lane_open(struct bt2_lane *lane, struct trace_info *info,
                                     const struct layout_clock **session, struct failure *why);
void bt2_lane_clear(struct bt2_lane *lane);

/* Whether the current packet is from the previous chunk. */
bool bt2_lane_in_seam(const struct bt2_lane *lane);

/* Moves the head to the next event or loss. */
void bt2_lane_advance(struct bt2_lane *lane);
/* The event at the head (BT2_EVENT); take it before the next call. */
const bt_event *bt2_lane_event(const struct bt2_lane *lane);
void bt2_lane_pass(struct bt2_lane *lane);

#endif
