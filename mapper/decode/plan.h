/* mapper/decode/plan.h -- how to decode one class of events: a short program, made once per
 * metadata, that loads the needed fields of the event and skips the rest.
 *
 * docs/READER.md shows one. Consecutive fields of fixed size are one run: its size is checked once,
 * and the needed fields are loaded from fixed offsets. Strings and sequences are measured,
 * everything else is walked (ctf/walk.h). */
#ifndef MAPPER_DECODE_PLAN_H
#define MAPPER_DECODE_PLAN_H

#include "base/arena.h"
#include "ctf/layout.h"
#include "trace/schema.h"

enum plan_code {
    PLAN_END,
    /* From the current run, whose fields are all there: */
    PLAN_VALUE, /* an integer into value[to] */
    PLAN_TEXT,  /* up to `count` bytes into text[to] */
    /* Position. */
    PLAN_RUN,   /* `count` bytes are needed; `at` of the following ops counts from here */
    PLAN_ALIGN, /* to the next multiple of `count` bytes from the packet's begin */
    /* Load into the hand: a number, a text, or an array of numbers. */
    PLAN_LOAD,     /* an integer of the run */
    PLAN_CHARS,    /* up to `count` bytes of the run */
    PLAN_STRING,   /* up to the NUL */
    PLAN_SEQUENCE, /* nothing: skips slots[from] times `count` bytes */
    PLAN_NUMBERS,  /* the array of the run at `at` */
    /* The same, by walking `field`. */
    PLAN_WALK, /* nothing */
    PLAN_WALK_NUMBER,
    PLAN_WALK_TEXT,
    PLAN_WALK_NUMBERS,
    PLAN_WALK_ALIGN, /* to the next multiple of `count` bits */
    /* From the hand. */
    PLAN_TO_SLOT, /* slots[from], for later lengths and tags */
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

/* An integer is in the eight bytes at `at`, read as a number in its byte order: it is the result of
 * a left shift, then a right shift. */
struct plan_op {
    uint8_t code;        /* enum plan_code */
    uint8_t to;          /* index of a value or text */
    uint8_t left, right; /* bits */
    bool big_endian;
    uint8_t bit; /* arrays: bit offset of their begin from `at` */
    uint32_t at; /* bytes from the begin of the run */
    uint32_t count;
    uint32_t from; /* slot, or index in fields[] */
    uint64_t sign; /* of a signed integer, the sign bit; else 0 */
    const struct layout_field *field;
};

/* The integer that `op` extracts from the word at its place. */
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
    bool unknown_call;                /* with payload: determined by number and arguments */
    /* Bit by bit: all ops are PLAN_WALK* and PLAN_TO_*. */
    bool walked;
    /* If the event is one run: its size in bytes; `ops` begins after PLAN_RUN. */
    bool is_run;
    /* A single run, of which only little-endian values, then texts, are needed. */
    bool is_quick;
    uint8_t value_count, text_count;
    uint32_t run_bytes;
    uint32_t reach; /* bytes that the loads access, at least run_bytes */
};

/* The usual form of event headers: a number and the low bits of the time at fixed offsets; for some
 * numbers (LTTng: the highest) another form, which is walked. */
struct plan_header {
    bool by_bytes; /* headers begin on bytes; the rest of an event's last byte is padding */
    bool ragged;   /* headers may end within a byte, where the event continues */
    bool is_short; /* the following fields are valid */
    bool big_endian;
    bool has_time;
    uint8_t id_shift, id_bits, time_shift, time_bits;
    uint64_t id_mask, time_mask;
    uint32_t id_at, time_at; /* bytes from the begin; each is loaded as 8 bytes */
    uint32_t reach;          /* bytes that the loads access */
    uint32_t bytes;          /* of the header */
    uint32_t align;          /* bytes */
    uint64_t low, high;      /* ids of the short form */
    uint32_t save;           /* slot of the id, if an event needs it, or LAYOUT_NONE */
};

/* The type of a payload field for a phase: `n`, a number; `t`, text; 0: unusable. */
char plan_field_letter(const struct layout_field *field);

struct plan_header plan_header(const struct layout_stream *stream);

/* Allocated in `arena`; `stream` and everything it points to is borrowed as long. `class` defines
 * the needed fields of `event`, an event of `stream`, whose header is `header`; all fields if
 * `shown`. */
const struct plan *plan_new(struct arena *arena, const struct layout_stream *stream,
                            const struct layout_event *event, const struct event_class *class,
                            const struct plan_header *header, bool shown);

/* At which bits of a byte a field may end that begins at one of the bits `from`: both are sets, bit
 * 0 for the begin of the byte. */
enum { PLAN_ON_BYTE = 1 };
uint8_t plan_ends(const struct layout_field *field, uint8_t from);

#endif
