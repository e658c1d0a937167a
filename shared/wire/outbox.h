/* wire/outbox.h -- a queue of records to send. */
#ifndef WIRE_OUTBOX_H
#define WIRE_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "wire/partial_codec.h"

struct outbox_record {
    struct text key;
    struct bytes value;
    bool tombstone; /* no value: deletes the key */
};

/* All zero is empty. */
struct outbox {
    struct arena arena;
    struct outbox_record *records;
    size_t count, room;
    size_t bytes; /* of keys and values */
};

/* Copies records; a value at NULL is a tombstone. */
struct record_sink outbox_sink(struct outbox *outbox);
/* Empties it; keeps the memory for records. */
void outbox_reset(struct outbox *outbox);
void outbox_clear(struct outbox *outbox);

#endif
