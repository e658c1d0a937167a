/* archive/metadata.h -- what a trace's metadata (CTF 1.8 or CTF 2, as LTTng writes it) says about the
 * trace as a whole: who recorded it, on which clock, and how the headers of its packets are laid
 * out.
 *
 * Not a reader of events: it knows just enough to find packets in files, so that seams can be cut
 * and losses counted where no CTF library is at hand. */
#ifndef ARCHIVE_METADATA_H
#define ARCHIVE_METADATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/failure.h"

/* LTTng's own with every event enabled is below half a megabyte. */
#define METADATA_BYTES_MAX ((size_t)64 << 20)

/* The fields of packet header and packet context that are of use. */
enum packet_field {
    PACKET_MAGIC,
    PACKET_STREAM_ID,
    PACKET_INSTANCE, /* stream_instance_id; none before LTTng 2.8 */
    PACKET_BEGIN,
    PACKET_END,
    PACKET_CONTENT_SIZE,
    PACKET_SIZE,
    PACKET_SEQUENCE, /* packet_seq_num; none before LTTng 2.8 */
    PACKET_DISCARDED,
    PACKET_CPU,
    PACKET_FIELDS
};

struct packet_place {
    uint16_t offset; /* bytes from the packet's begin */
    uint8_t size;    /* bytes; 0: the packets have no such field */
    bool big_endian;
};

/* The packets of one stream class. */
struct packet_layout {
    uint64_t stream_id;
    struct packet_place place[PACKET_FIELDS];
    size_t size; /* bytes of header and context */
};

struct metadata {
    struct arena arena; /* owns what follows */
    struct text text;   /* without the headers of its packets */
    bool is_ctf2;
    /* Of `env`; empty if not told. */
    struct text hostname;
    struct text domain; /* "kernel", "ust" */
    struct text session;
    struct text created;
    bool has_vpid; /* a trace of one process */
    int32_t vpid;
    struct text procname;
    /* Of the clock. */
    uint8_t clock_uuid[16]; /* zeros if not told */
    uint64_t frequency;
    int64_t offset_ns;
    struct packet_layout *layouts; /* by their place in the text */
    size_t layout_count;
    struct text *names; /* of the declared events, with the backslashes of the text */
    size_t name_count;
    /* room of the growing arrays, on the heap until metadata_clear() */
    size_t layout_room, name_room;
};

/* Reads the file `metadata`; nothing of `file` is kept. Whether OK or not, *out is to be cleared.
 * REJECT: empty, no CTF, or cut where that shows. */
MUST_CHECK enum status metadata_read(struct bytes file, struct metadata *out, struct failure *why);
void metadata_clear(struct metadata *metadata);

/* NULL if no stream class has that id. */
const struct packet_layout *metadata_layout(const struct metadata *metadata, uint64_t stream_id);

/* Clock cycles to nanoseconds, rounded down. */
uint64_t metadata_ns(const struct metadata *metadata, uint64_t cycles);

#endif
