/* wire/writer.h -- protobuf's wire format, written as it goes, without a tree of messages between. (https://protobuf.dev/programming-guides/encoding/) */
#ifndef WIRE_WRITER_H
#define WIRE_WRITER_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "base/row.h"
#include "wire/partial_tags.h"

/* All zero is an empty one. */
struct writer {
    uint8_t *at; /* owned */
    size_t count, room;
};

static inline void writer_need(struct writer *writer, size_t count)
{
    if (writer->room - writer->count < count)
        writer->at = memory_grow(writer->at, &writer->room, writer->count + count, 1);
}

static inline void write_varint(struct writer *writer, uint64_t number)
{
    writer_need(writer, ROW_NUMBER + ROW_SLACK);
    writer->count = (size_t)(row_put(writer->at + writer->count, number) - writer->at);
}

static inline void write_tag(struct writer *writer, unsigned field, enum wire_type type)
{
    write_varint(writer, (uint64_t)field << 3 | (unsigned)type);
}

static inline void write_unsigned(struct writer *writer, unsigned field, uint64_t number)
{
    write_tag(writer, field, WIRE_VARINT);
    write_varint(writer, number);
}

/* An optional field that says nothing if it is 0. */
static inline void write_nonzero(struct writer *writer, unsigned field, uint64_t number)
{
    if (number != 0)
        write_unsigned(writer, field, number);
}

static inline void write_fixed64(struct writer *writer, unsigned field, uint64_t number)
{
    write_tag(writer, field, WIRE_FIXED64);
    writer_need(writer, 8);
    for (unsigned i = 0; i < 8; i++)
        writer->at[writer->count++] = (uint8_t)(number >> 8 * i);
}

static inline void write_raw(struct writer *writer, const void *at, size_t count)
{
    writer_need(writer, count + 1);
    if (count > 0)
        memcpy(writer->at + writer->count, at, count);
    writer->count += count;
}

static inline void write_bytes(struct writer *writer, unsigned field, const void *at, size_t count)
{
    write_tag(writer, field, WIRE_BYTES);
    write_varint(writer, count);
    write_raw(writer, at, count);
}

#endif
