/* mapper/decode/plan.h -- how to take one class of events out of a packet: a short program, made once
 * per metadata, that fetches what spanmill wants of the event and steps over the rest.
 *
 * docs/READER.md shows one. Fields of fixed size that follow each other are one run: its size is
 * checked at once, and what is wanted of it is loaded from known places. Strings and sequences are
 * measured, whatever else is walked (ctf/walk.h). */
#ifndef MAPPER_DECODE_PLAN_H
#define MAPPER_DECODE_PLAN_H

#include "base/arena.h"
#include "ctf/layout.h"
#include "trace/schema.h"

enum plan_code {
    PLAN_END,
    /* From the run in hand, whose fields are all there: */
    PLAN_VALUE, /* an integer into value[to] */
    PLAN_TEXT,  /* up to `count` bytes into text[to] */
    /* Where to be. */
    PLAN_RUN,   /* `count` bytes are needed; `at` of what follows counts from here */
    PLAN_ALIGN, /* to the next multiple of `count` bytes, from the packet's begin */
    /* Into the hand: a number, a text, or an array of numbers. */
    PLAN_LOAD,     /* an integer of the run */
    PLAN_CHARS,    /* up to `count` bytes of the run */
    PLAN_STRING,   /* what is here up to its NUL */
    PLAN_SEQUENCE, /* nothing: steps over slots[from] times `count` bytes */
    PLAN_NUMBERS,  /* the array of the run at `at` */
    /* The same, walked: `field` is here. */
    PLAN_WALK, /* nothing */
    PLAN_WALK_NUMBER,
    PLAN_WALK_TEXT,
    PLAN_WALK_NUMBERS,
    PLAN_WALK_ALIGN, /* to the next multiple of `count` bits */
    /* Out of the hand. */
    PLAN_TO_SLOT, /* slots[from], for lengths and tags behind */
    PLAN_TO_VALUE,
    PLAN_TO_TEXT,
    PLAN_TO_INTS,
    PLAN_TO_TID,
    PLAN_TO_PID,
    PLAN_TO_VTID,
    PLAN_TO_VPID,
    PLAN_TO_PID_NS,
    PLAN_TO_PROCNAME,
    PLAN_TO_INT, /* fields[from] */
    PLAN_TO_UINT,
    PLAN_TO_FIELD_TEXT,
    PLAN_TO_CALL_NUMBER, /* of a call without a table entry */
    PLAN_TO_CALL_ARGS
};

/* An integer is in the eight bytes from `at` on, taken as a number in its byte order: what is left
 * after a shift to the left, then one to the right. */
struct plan_op {
    uint8_t code;        /* enum plan_code */
    uint8_t to;          /* index of a value or text */
    uint8_t left, right; /* bits */
    bool big_endian;
    uint8_t bit; /* arrays: how far behind `at` they begin */
    uint32_t at; /* bytes from the begin of the run */
    uint32_t count;
    uint32_t from; /* slot, or index in fields[] */
    uint64_t sign; /* of a signed integer, the bit that tells; else 0 */
    const struct layout_field *field;
};

/* The integer that `op` finds in the word at its place. */
static inline uint64_t plan_integer(const struct plan_op *op, uint64_t word)
{
    return ((word << op->left >> op->right) ^ op->sign) - op->sign;
}

struct plan {
    const struct plan_op *ops;        /* up to PLAN_END */
    uint8_t has;                      /* EVENT_HAS_* */
    uint8_t present;                  /* as in struct event */
    uint16_t field_count;             /* likewise */
    const struct field_shape *shapes; /* likewise */
    bool unknown_call;                /* with payload: to be told by number and arguments */
    /* Bit by bit: all ops are PLAN_WALK* and PLAN_TO_*. */
    bool walked;
    /* If the event is one run: bytes of it, and `ops` begins behind PLAN_RUN. */
    bool is_run;
    /* One run, of which nothing is wanted but so many little-endian values, then texts. */
    bool is_quick;
    uint8_t value_count, text_count;
    uint32_t run_bytes;
    uint32_t reach; /* bytes that loads touch, at least run_bytes */
};

/* The usual shape of event headers: a number and the low bits of the time in known places, and
 * for some numbers (LTTng: the highest) another way, which is walked. */
struct plan_header {
    bool by_bytes; /* headers begin on bytes; what is left of an event's last one is padding */
    bool ragged;   /* they may end within a byte, where the event goes on */
    bool is_short; /* what follows is of use */
    bool big_endian;
    bool has_time;
    uint8_t id_shift, id_bits, time_shift, time_bits;
    uint64_t id_mask, time_mask;
    uint32_t id_at, time_at; /* bytes from the begin; each is loaded as 8 bytes */
    uint32_t reach;          /* bytes that must be there: those of the loads */
    uint32_t bytes;          /* of the header */
    uint32_t align;          /* bytes */
    uint64_t low, high;      /* ids of the short way */
    uint32_t save;           /* slot of the id, if an event wants it, or LAYOUT_NONE */
};

/* How a phase takes a payload field: `n`, a number; `t`, text; 0: not at all. */
char plan_field_letter(const struct layout_field *field);

struct plan_header plan_header(const struct layout_stream *stream);

/* Made in `arena`; `stream` and what hangs on it is borrowed as long. `class` says what is wanted of
 * `event`, one of `stream`, whose header is `header`; if it is to be `shown`, all fields are. */
const struct plan *plan_new(struct arena *arena, const struct layout_stream *stream,
                            const struct layout_event *event, const struct event_class *class,
                            const struct plan_header *header, bool shown);

/* Where in a byte a field may end that begins at one of the bits `from` of a byte: both are sets,
 * bit 0 for its begin. */
enum { PLAN_ON_BYTE = 1 };
uint8_t plan_ends(const struct layout_field *field, uint8_t from);

#endif
