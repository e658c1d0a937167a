/* ctf/layout.h -- the declarations of a trace's metadata, in memory: the fields of packets and
 * events in order, their binary layout, and their meaning.
 *
 * The same for CTF 1.8 (TSDL) and CTF 2 (JSON), so decoders do not depend on the version. All
 * names, sizes, and references are checked and resolved here, once. Guarantees:
 *
 * - `align` is a power of two from 1 to LAYOUT_ALIGN_MAX, integers have 1 to 64 bits;
 * - fields nest at most LAYOUT_DEPTH_MAX deep;
 * - a length or tag is an integer before the field that it controls, in the same event or in the
 *   packet around it (see `save` and `from`).
 *
 * The actual size of a field is only in the packets: lengths and tags are not checked here. */
#ifndef CTF_LAYOUT_H
#define CTF_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/failure.h"

/* The largest of LTTng, with every kernel event, is below half a megabyte. */
#define LAYOUT_METADATA_MAX ((size_t)64 << 20)
/* Fields of all classes: LTTng's kernel has some 12,000. Structures that are declared once and used
 * often count at each use. */
enum {
    LAYOUT_FIELDS_MAX = 1 << 20,
    LAYOUT_DEPTH_MAX = 32,
    LAYOUT_ALIGN_MAX = 1 << 15, /* bits */
    LAYOUT_STREAMS_MAX = 4096
};

/* None, for indices and slots. */
#define LAYOUT_NONE UINT32_MAX

enum layout_type {
    LAYOUT_INTEGER, /* `size` bits; also enumerations, booleans, and bit maps */
    LAYOUT_FLOAT,   /* IEEE 754 in `size` bits: 16, 32, 64 or 128 */
    LAYOUT_VARINT,  /* LEB128: seven bits per byte, the lowest first; values of 64 bits */
    LAYOUT_STRING,  /* bytes and a NUL */
    LAYOUT_WIDE,    /* characters of `unit` bytes, up to one that is 0 */
    /* In CTF 1.8, also arrays and sequences of characters, as babeltrace2 reads them. */
    LAYOUT_STRING_FIXED, /* `count` bytes; the text ends at the first NUL or with them */
    LAYOUT_STRING_SIZED, /* slot `from` has the number of bytes; likewise */
    LAYOUT_BLOB_FIXED,   /* `count` bytes; text if it has a `unit` */
    LAYOUT_BLOB_SIZED,   /* slot `from` has the number of bytes; likewise */
    LAYOUT_ARRAY,        /* `count` times fields[0] */
    LAYOUT_SEQUENCE,     /* fields[0]; slot `from` has the number of elements */
    LAYOUT_STRUCT,       /* all of fields[0 .. count) */
    LAYOUT_VARIANT,      /* the first of fields[] with a range that contains the slot `from` */
    LAYOUT_OPTIONAL      /* fields[0] if one of its ranges contains the slot `from`, else nothing */
};

/* The meaning of a field for the reader of packets, by its name (CTF 1.8) or its role (CTF 2).
 * Integers except LAYOUT_UUID. An event header may have the same meaning twice, on its way through
 * a variant: the last value read counts. */
enum layout_meaning {
    LAYOUT_NOTHING,
    LAYOUT_MAGIC,           /* packet header */
    LAYOUT_UUID,            /* packet header: 16 bytes, an array or a blob */
    LAYOUT_STREAM_CLASS_ID, /* packet header */
    LAYOUT_STREAM_ID,       /* packet header: stream_instance_id */
    LAYOUT_PACKET_BEGIN,    /* packet context: of the stream's clock */
    LAYOUT_PACKET_END,      /* packet context: of the stream's clock */
    LAYOUT_CONTENT_BITS,    /* packet context: content_size */
    LAYOUT_PACKET_BITS,     /* packet context: packet_size */
    LAYOUT_SEQUENCE_NUMBER, /* packet context: packet_seq_num */
    LAYOUT_DISCARDED,       /* packet context: events_discarded, a counter that may wrap */
    LAYOUT_CPU,             /* packet context: cpu_id */
    LAYOUT_EVENT_ID,        /* event header */
    /* Event header: the low bits of the stream's clock, `size` of them, or 7 per byte of a
     * LAYOUT_VARINT. */
    LAYOUT_TIMESTAMP
};

/* Both ends are inclusive. Compared as int64_t if the variant or optional `is_signed`. */
struct layout_range {
    uint64_t low, high;
};

struct layout_field {
    const char *name;    /* of a member or option, without a leading underscore; else "" */
    uint32_t name_count; /* bytes of the name */
    uint8_t type;        /* enum layout_type */
    uint8_t meaning;     /* enum layout_meaning */
    uint8_t size;        /* integers, floats: bits */
    uint8_t base;        /* integers: display base 2, 8, 10, or 16 */
    bool is_signed;      /* integers; variants and optionals: their tag */
    bool big_endian;     /* integers, floats: byte order and, in bit fields, bit order */
    bool is_reversed;    /* integers: bits in reverse order */
    uint8_t unit;        /* text of UTF-16 or UTF-32 of that byte order: 2 or 4; else 0 */
    bool is_enum;        /* integers with labels */
    bool is_bool;        /* integers: any value but 0 is true */
    /* Of event contexts and payloads: whether it has the same number of `bits` everywhere, after
     * its alignment, and no value in it is needed to continue. */
    bool is_fixed;
    uint64_t bits;
    /* The field begins at the next multiple of this many bits from the begin of the packet. For
     * structures, includes that of their members; for arrays and sequences, that of their elements
     * (also without elements). Variants and optionals: 1, the chosen field has its own. */
    uint32_t align;
    uint32_t clock; /* integers: index in layout.clocks of the clock they show, or LAYOUT_NONE */
    /* Integers: the slot that keeps the value for later fields, or LAYOUT_NONE. */
    uint32_t save;
    /* Sequences, sized strings and blobs, variants, optionals: the slot of their length or tag. */
    uint32_t from;
    /* Arrays, fixed strings and blobs: elements, bytes. Structures, variants: `fields`. */
    uint32_t count;
    uint32_t range_count; /* options of variants, the field of an optional: its tags */
    const struct layout_range *ranges;
    const struct layout_field *fields; /* one for arrays, sequences and optionals */
};

/* Number of `fields`. */
static inline uint32_t layout_part_count(const struct layout_field *field)
{
    bool many = field->type == LAYOUT_STRUCT || field->type == LAYOUT_VARIANT;
    return field->fields == NULL ? 0 : many ? field->count : 1;
}

/* Slots: a reader has `uint64_t slots[layout->slot_count]` per stream, zeroed once; an integer with
 * `save` stores its value there (sign-extended if `is_signed`) when it is read, and fields with
 * `from` use it. Slots of packet header and context are valid for the whole packet, those of an
 * event until the next one; events of different classes share theirs. If the intended value has not
 * been read (it was inside an option not chosen), an old value is used, which is handled like a
 * wrong length. */

struct layout_event {
    const char *name; /* never NULL */
    uint64_t id;
    uint32_t number;                    /* index in layout.events */
    const struct layout_field *context; /* own context; a structure, or NULL */
    const struct layout_field *payload; /* likewise */
    int32_t log_level;                  /* -1 if unknown */
};

struct layout_stream {
    uint64_t id;
    uint32_t clock; /* index in layout.clocks, or LAYOUT_NONE */
    /* Structures, or NULL. */
    const struct layout_field *packet_context;
    const struct layout_field *event_header;
    const struct layout_field *event_context; /* common to all its events */
    /* By id, ascending, each once. If the ids have no gaps, by_id[i]->id == i. */
    const struct layout_event *const *by_id;
    uint32_t event_count;
};

struct layout_clock {
    const char *name;
    bool has_uuid;
    uint8_t uuid[16];
    uint64_t frequency; /* never 0 */
    int64_t offset_s;   /* + offset_cycles / frequency: its zero, relative to the origin */
    uint64_t offset_cycles;
    uint64_t precision; /* cycles */
    bool is_unix;       /* the origin is that of Unix time */
};

struct layout_env {
    const char *name;
    const char *text; /* NULL: a number */
    int64_t number;
};

struct layout {
    int version;     /* 1: CTF 1.8, 2: CTF 2 */
    bool big_endian; /* of the trace, if it has one */
    bool has_uuid;
    uint8_t uuid[16];
    const struct layout_env *env; /* in the order of the text */
    uint32_t env_count;
    const struct layout_clock *clocks;
    uint32_t clock_count;
    const struct layout_field *packet_header; /* a structure, or NULL */
    const struct layout_stream *streams;      /* by id, ascending, each once */
    uint32_t stream_count;
    const struct layout_event *events; /* of all streams; layout_event.number counts here */
    uint32_t event_count;
    uint32_t slot_count;
    size_t bytes; /* memory used */
};

/* Parses the file `metadata` (TSDL as text or in packets, or CTF 2's JSON sequence); does not keep
 * it.
 * OK      *out is new; the caller closes it.
 * REJECT  not understood, wrong, truncated, or over a limit; *out is NULL, and `why` begins with
 *         "metadata:LINE:COLUMN: " (CTF 2: "metadata: fragment N: LINE:COLUMN: ") if the
 *         error has a position in the text.
 * Source: CTF 1.8.3; CTF2-SPEC-2.0. */
MUST_CHECK enum status layout_open(struct bytes metadata, struct layout **out, struct failure *why);

/* How much to parse. */
enum layout_extent {
    LAYOUT_WHOLE,
    /* Packet headers and contexts, headers and names of events; the contexts and fields of events
     * are NULL and not parsed. */
    LAYOUT_HEADS,
    /* The same without events, whose declarations are not checked. */
    LAYOUT_PACKETS
};
MUST_CHECK enum status layout_open_as(enum layout_extent extent, struct bytes metadata,
                                      struct layout **out, struct failure *why);
void layout_close(struct layout *layout); /* NULL is fine */

/* NULL if there is none. Packets without a stream class id are of the only stream class. */
const struct layout_stream *layout_stream(const struct layout *layout, uint64_t id);

const struct layout_event *layout_event_search(const struct layout_stream *stream, uint64_t id);
/* NULL if the stream has no such event. */
static inline const struct layout_event *layout_event(const struct layout_stream *stream,
                                                      uint64_t id)
{
    if (id < stream->event_count && stream->by_id[id]->id == id)
        return stream->by_id[id];
    return layout_event_search(stream, id);
}

/* The member or option `name` of a structure or variant; NULL if there is none (or no `field`). */
const struct layout_field *layout_member(const struct layout_field *field, const char *name);
/* NULL if it is not in the environment; the last entry counts. */
const struct layout_env *layout_env(const struct layout *layout, const char *name);

#endif
