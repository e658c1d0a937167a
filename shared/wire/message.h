/* wire/message.h -- iterates over the fields of a protobuf message, in place.
 * (https://protobuf.dev/programming-guides/encoding/) */
#ifndef WIRE_MESSAGE_H
#define WIRE_MESSAGE_H

#include "base/bytes.h"
#include "wire/partial_tags.h"
#include "base/row.h"

struct message {
    struct row_reader row; /* bad: not a message */
    uint64_t field;
    uint64_t number;    /* its value, or */
    struct bytes bytes; /* its bytes, or a nested message */
};

static inline struct message message_of(struct bytes bytes)
{
    return (struct message){.row = {bytes.at, bytes.at + bytes.count, false}};
}

static inline struct bytes message_bytes(struct row_reader *row, size_t count)
{
    struct bytes bytes = {row->at, count};
    row->at += count;
    return bytes;
}

static inline uint64_t message_fixed(struct row_reader *row, size_t count)
{
    uint64_t number = 0;
    if (row_left(row) < count) {
        row_refuse_if(row, true);
        return 0;
    }
    for (size_t i = 0; i < count; i++)
        number |= (uint64_t)*row->at++ << 8 * i;
    return number;
}

/* Moves to the next field; false at the end, or on error. */
static inline bool message_next(struct message *message)
{
    struct row_reader *row = &message->row;
    if (row_left(row) == 0)
        return false;
    uint64_t tag = row_take(row);
    message->field = tag >> 3;
    message->number = 0;
    message->bytes = (struct bytes){row->at, 0};
    switch (tag & 7) {
    case WIRE_VARINT: message->number = row_take(row); break;
    case WIRE_FIXED64: message->number = message_fixed(row, 8); break;
    case WIRE_FIXED32: message->number = message_fixed(row, 4); break;
    case WIRE_BYTES: message->bytes = message_bytes(row, row_take_count(row, 1)); break;
    default: row_refuse_if(row, true);
    }
    return !row->bad;
}

#endif
