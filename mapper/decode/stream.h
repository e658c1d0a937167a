/* mapper/decode/stream.h -- decodes one stream of a trace from its packets in memory.
 *
 * A stream always knows its next event or loss, and its time: its head. Runs of events are decoded
 * up to the head of another stream. If a packet is inconsistent, the rest of it is lost, and
 * decoding continues with the next packet. */
#ifndef MAPPER_DECODE_STREAM_H
#define MAPPER_DECODE_STREAM_H

#include "chunk/packet_row.h"
#include "mapper/decode/plan_cache.h"
#include "mapper/decode/scratch.h"
#include "trace/damage.h"
#include "trace/event.h"
#include "trace/schema.h"

/* A value of whole bytes, little-endian, in the run of a quick plan. */
struct quick_value {
    uint32_t at; /* bytes from the begin of the run; loaded as 8 bytes */
    uint32_t to;
    uint64_t mask, sign; /* as in struct plan_op */
};

/* An op for an event of runs, strings between them, contexts, and fields: a list up to QUICK_END.
 * The list ends with a run, which may be empty. */
enum quick_code {
    QUICK_END,
    QUICK_RUN,     /* a run of `bytes` begins here; `at` counts from its begin; then its integers */
    QUICK_STRING,  /* skips a string up to its NUL */
    QUICK_CONTEXT, /* an integer of the run, into the 32 bits at byte `to` of the event */
    QUICK_VALUE,   /* likewise, into value[to] */
    QUICK_FIELD,   /* likewise, into fields[to], as `type` */
    /* A text, into the one at byte `to` of the event, or into fields[to]: */
    QUICK_CHARS, /* of up to `bytes` of the run */
    QUICK_FIELD_CHARS,
    QUICK_TEXT, /* up to the NUL */
    QUICK_FIELD_TEXT
};

struct quick_op {
    uint8_t code; /* enum quick_code */
    uint8_t type; /* enum field_type */
    uint32_t to;
    uint32_t at, bytes;
    uint32_t reach; /* of a run's loads; of the last run, also of the next header */
    uint8_t contexts, values, fields; /* of a run: how many of these ops follow, in this order */
    uint64_t mask, sign;              /* as in struct plan_op */
};

/* An event class with everything that its events have in common. What most events need comes
 * first, without gaps. */
struct bound {
    /* Of the plan, if it is quick. */
    struct quick_value first; /* mask 0: it has no values */
    uint32_t reach;           /* of its loads and those of the next header; UINT32_MAX: not quick */
    uint32_t run_bytes;
    bool has_more;       /* than one value, or it is not plain */
    bool is_plain;       /* it sets nothing after the values */
    bool has_rest;       /* `blank` is not all 0 after the values */
    bool fills_fields;   /* `ops` sets all of them */
    uint8_t value_count; /* without the first */
    uint8_t text_count;
    struct event blank; /* its values are 0 */
    const struct plan *plan;
    const struct quick_op *ops; /* NULL: quick without ops, or not quick */
    const struct plan_op *text_ops;
    struct quick_value values[EVENT_VALUES - 1]; /* after the first */
};

/* The header of almost all events: number and time in one little-endian word. */
struct quick_header {
    bool is_usable;
    bool is_usual; /* it is QUICK_USUAL, except `last_id` */
    uint8_t time_shift;
    uint32_t align, bytes, reach;
    uint64_t id_mask, time_mask; /* the id is in the low bits */
    uint64_t last_id;
};

/* What LTTng writes for most channels (event_header_large, in its short form): the compiler makes a
 * loop with these constants. */
static const struct quick_header QUICK_USUAL = {
    .time_shift = 16, .align = 1, .bytes = 6, .id_mask = UINT16_MAX, .time_mask = UINT32_MAX};

/* The data of an event class that is needed to reach the next event: available without the
 * class. */
struct quick_size {
    uint32_t run_bytes, reach; /* as in struct bound; 0 if not seen yet */
};

/* The event classes of a stream class, added when first seen. */
struct bound_stream {
    const struct layout_stream *layout;
    const struct plan_header *header;
    struct quick_header quick;
    struct bound **by_id; /* `id_count` of them; NULL: not seen yet, or none */
    struct quick_size *size_by_id;
    uint64_t id_count;
    struct bound **by_place; /* in the order of layout->by_id, for sparse ids */
};

/* A trace's plans for one schema. */
struct bound_trace {
    const struct plan_set *set;
    struct schema *schema;
    struct arena arena;              /* holds the following */
    struct bound_stream *streams;    /* in the order of layout->streams */
    const struct stream_time *times; /* likewise; borrowed */
    struct event blank;              /* common values of all events */
    bool x86_64;                     /* architecture for numbers of calls without a table entry */
};

/* `set`, `times` (of the layout's streams), `schema` and the text of `origin` are borrowed. */
void bound_trace_init(struct bound_trace *trace, const struct plan_set *set,
                      const struct stream_time *times, struct schema *schema, uint32_t index,
                      bool x86_64, const struct event_origin *origin);
void bound_trace_clear(struct bound_trace *trace);

/* How the headers of a packet are read: event by event, or in runs (run.c): any, or with the usual
 * header and a clock of nanoseconds. */
enum stream_quick { QUICK_NONE, QUICK_ANY, QUICK_NS };

enum stream_head { HEAD_NONE, HEAD_EVENT, HEAD_LOSS };

struct stream {
    /* The position. */
    const uint8_t *at, *end; /* next byte, end of the content */
    const uint8_t *packet;
    const struct bound_stream *class;
    uint64_t clock;            /* cycles */
    uint64_t head_ns;          /* of the head */
    uint64_t last_ns;          /* of the last event */
    uint64_t late_ns;          /* latest possible time of an event in this packet */
    uint64_t least_ns;         /* other streams have been read up to here */
    const struct bound *bound; /* HEAD_EVENT: its class; `at` is after its header */
    struct stream_time time;   /* from `clock` to `head_ns` */
    uint64_t *slots;
    int32_t cpu;
    uint32_t rank; /* event.stream */
    uint8_t bit;   /* of `at`, if events do not begin on bytes */
    uint8_t head;  /* enum stream_head */
    bool in_packet;
    bool in_seam;     /* the current or last packet is of the previous chunk */
    uint8_t quick;    /* enum stream_quick, of the current packet */
    bool backwards;   /* a backward clock was reported */
    bool cut;         /* its end is missing */
    bool strict;      /* an event after the end of its packet is damage, without tolerance */
    uint64_t gone_ns; /* from here on; 0: from its last packet on */
    /* Identity. */
    struct bound_trace *trace;
    struct scratch *scratch; /* for data that events point to */
    struct packet_row packets;
    size_t packet_next;
    uint64_t content_bits;
    uint64_t event_bit; /* begin of the current event, if its header was walked */
    const char *fault;  /* inconsistency of the packet; NULL: no event has the number fault_id */
    uint64_t fault_id;
    struct packet_loss loss; /* around the current packet */
    uint64_t packet_end_ns;
    uint64_t loss_discarded, loss_missing; /* HEAD_LOSS: events, packets */
    uint64_t early;                        /* skipped events of the chunk itself */
    const char *name;                      /* of its first file */
    /* Reports a fault: `damage` without name and text. */
    void (*report)(void *context, const struct stream *stream, struct damage damage,
                   const char *text);
    void *context;
};

/* Takes a stream's packets, at least one, in order; `name` is borrowed. */
void stream_init(struct stream *stream, struct bound_trace *trace, struct packet_row take_packets,
                 const char *name);
void stream_clear(struct stream *stream);

/* Sets the first head; `say` and `scratch` are set before. Skips events before `begin_ns`, but none
 * after a loss. */
void stream_start(struct stream *stream, uint64_t begin_ns);

/* The head is an event or a loss at or before `last_ns`. Fills in up to `room` events from there on
 * that are at or before `last_ns`, but not always all of them, and sets the head after them.
 * Returns their number. They point into the packets and into `scratch`. */
size_t stream_run(struct stream *stream, struct event *events, size_t room, uint64_t last_ns);

#endif
