/* mapper/decode/stream.h -- one stream of a trace, from its packets to events, in the memory where
 * the packets lie.
 *
 * A stream always knows its next event, or loss, and when it is: its head. Runs of events are
 * decoded up to the head of another stream. A packet that lies ends at the lie: what comes behind
 * it in the packet is lost, and the next packet goes on. */
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

/* What is done with an event of runs, strings between them, contexts and fields: a list up to QUICK_END.
 * It ends with a run, which may be empty. */
enum quick_code {
    QUICK_END,
    QUICK_RUN,     /* `bytes` of a run begin here; `at` counts from its begin */
    QUICK_STRING,  /* what is here up to its NUL, which nobody wants */
    QUICK_VALUE,   /* an integer of the run, into value[to] */
    QUICK_CONTEXT, /* likewise, into the 32 bits at byte `to` of the event */
    QUICK_FIELD,   /* likewise, into fields[to], as `type` */
    /* A text, into that at byte `to` of the event, or into fields[to]: */
    QUICK_CHARS, /* of up to `bytes` of the run */
    QUICK_FIELD_CHARS,
    QUICK_TEXT, /* what is here up to its NUL */
    QUICK_FIELD_TEXT
};

struct quick_op {
    uint8_t code; /* enum quick_code */
    uint8_t type; /* enum field_type */
    uint32_t to;
    uint32_t at, bytes;
    uint32_t reach;      /* of a run: of its loads; of the last, of those of the next header, too */
    uint64_t mask, sign; /* as in struct plan_op */
};

/* An event class with what is the same in all its events. */
struct bound {
    struct event blank;
    const struct plan *plan;
    /* Of the plan, if it is quick. */
    uint32_t reach; /* of its loads, and of those of the next header; UINT32_MAX: it is not */
    uint32_t run_bytes;
    uint8_t value_count, text_count;
    bool is_plain;              /* nothing of it behind its values is set */
    bool has_rest;              /* nor is it all 0 in `blank` */
    bool fills_fields;          /* `ops` set all of them */
    const struct quick_op *ops; /* NULL: it is quick without, or not at all */
    const struct plan_op *text_ops;
    struct quick_value values[EVENT_VALUES];
};

/* The header of almost all events: number and time in one word of little-endian bytes. */
struct quick_header {
    bool is_usable;
    uint8_t time_shift;
    uint32_t align, bytes, reach;
    uint64_t id_mask, time_mask; /* the id is in front */
    uint64_t last_id;
};

/* Of an event class, what comes to the next one: to be had without the class. */
struct quick_size {
    uint32_t run_bytes, reach; /* as in struct bound; 0 if it was not met yet */
};

/* The event classes of a stream class, as they are met. */
struct bound_stream {
    const struct layout_stream *layout;
    const struct plan_header *header;
    struct quick_header quick;
    struct bound **by_id; /* `id_count` of them; NULL: not met yet, or none */
    struct quick_size *size_by_id;
    uint64_t id_count;
    struct bound **by_place; /* in the order of layout->by_id, where ids are far apart */
};

/* A trace's plans for one schema. */
struct bound_trace {
    const struct plan_set *set;
    struct schema *schema;
    struct arena arena;              /* holds what follows */
    struct bound_stream *streams;    /* in the order of layout->streams */
    const struct stream_time *times; /* likewise; borrowed */
    struct event blank;              /* what all events share */
    bool x86_64;                     /* whose numbers calls without a table entry have */
};

/* `set`, `times` (of the layout's streams), `schema` and the text of `origin` are borrowed. */
void bound_trace_init(struct bound_trace *trace, const struct plan_set *set,
                      const struct stream_time *times, struct schema *schema, uint32_t index,
                      bool x86_64, const struct event_origin *origin);
void bound_trace_clear(struct bound_trace *trace);

enum stream_head { HEAD_NONE, HEAD_EVENT, HEAD_LOSS };

struct stream {
    /* Where it is. */
    const uint8_t *at, *end; /* what comes next, end of the content */
    const uint8_t *packet;
    const struct bound_stream *class;
    uint64_t clock;            /* cycles */
    uint64_t head_ns;          /* of what comes next */
    uint64_t last_ns;          /* of what came last */
    uint64_t late_ns;          /* no event of this packet can be later */
    uint64_t least_ns;         /* other streams have been read up to here */
    const struct bound *bound; /* HEAD_EVENT: its class; `at` is behind its header */
    struct stream_time time;   /* from `clock` to `head_ns` */
    uint64_t *slots;
    int32_t cpu;
    uint32_t rank; /* event.stream */
    uint8_t bit;   /* of `at`, where events do not begin on bytes */
    uint8_t head;  /* enum stream_head */
    bool in_packet;
    bool backwards;   /* said that its clock went backwards */
    bool cut;         /* its end is missing */
    uint64_t gone_ns; /* and it is from here on; 0: from its last packet on */
    /* What it is. */
    struct bound_trace *trace;
    struct scratch *scratch; /* for what events point to */
    struct packet_row packets;
    size_t packet_next;
    uint64_t content_bits;
    uint64_t event_bit; /* where the event in hand begins, if its header was walked */
    const char *fault;  /* why the packet lies; NULL: no event has the number fault_id */
    uint64_t fault_id;
    struct packet_loss loss; /* around the packet in hand */
    uint64_t packet_end_ns;
    uint64_t loss_discarded, loss_missing; /* HEAD_LOSS: events, packets */
    uint64_t early;                        /* events of the chunk itself that were passed over */
    const char *name;                      /* of its first file */
    /* What is wrong with it: `damage` without name and text. */
    void (*report)(void *context, const struct stream *stream, struct damage damage,
                   const char *text);
    void *context;
};

/* Takes a stream's packets, at least one, in their order; `name` is borrowed. */
void stream_init(struct stream *stream, struct bound_trace *trace, struct packet_row take_packets,
                 const char *name);
void stream_clear(struct stream *stream);

/* Sets the first head; `say` and `scratch` are set by then. Events before `begin_ns`, but none
 * behind a loss, are passed over. */
void stream_start(struct stream *stream, uint64_t begin_ns);

/* Fills up to `room` events, as long as the head is at or before `last_ns`, and sets the head
 * behind them. Returns how many. What they point to lies in the packets and in `scratch`. */
size_t stream_run(struct stream *stream, struct event *events, size_t room, uint64_t last_ns);

#endif
