/* ctf/walk.h -- reads fields bit by bit, according to the layout: packet headers and contexts, and
 * everything that a plan (mapper/decode/plan.h) has no faster way for.
 *
 * Input is not trusted: no bit after `limit` is read, and no length causes more steps than there
 * are bits. */
#ifndef CTF_WALK_H
#define CTF_WALK_H

#include "base/bytes.h"
#include "ctf/bits.h"
#include "ctf/layout.h"

extern const char WALK_PAST_END[];

enum { WALK_MEANINGS = LAYOUT_TIMESTAMP + 1 };

/* The values of fields with a meaning. */
struct walk_found {
    uint64_t value[WALK_MEANINGS]; /* the last one read */
    uint8_t bits[WALK_MEANINGS];   /* of each value */
    uint8_t uuid[16];              /* LAYOUT_UUID */
    uint32_t has;                  /* 1 << enum layout_meaning */
    uint64_t clock;                /* in cycles; advanced by LAYOUT_TIMESTAMP, PACKET_BEGIN */
};

struct walk {
    const uint8_t *packet;    /* alignment is relative to this */
    uint64_t at, limit;       /* bits from there */
    uint64_t *slots;          /* layout->slot_count */
    struct walk_found *found; /* NULL: meanings are ignored */
    const char *fault;        /* why the last call failed; valid until the next */
};

/* Each reads one field, and returns false with a `fault` if that is impossible; `at` is invalid
 * then. */
MUST_CHECK bool walk_skip(struct walk *walk, const struct layout_field *field);
/* LAYOUT_INTEGER or LAYOUT_VARINT, sign-extended if it is signed; or the bits of a LAYOUT_FLOAT. */
MUST_CHECK bool walk_number(struct walk *walk, const struct layout_field *field, uint64_t *out);
/* LAYOUT_STRING*: points into the packet. */
MUST_CHECK bool walk_text(struct walk *walk, const struct layout_field *field, struct text *out);
/* LAYOUT_WIDE or a blob with a `unit`: the bytes of its characters, without the final 0. */
MUST_CHECK bool walk_units(struct walk *walk, const struct layout_field *field, struct text *out);

static inline bool walk_align(struct walk *walk, uint32_t align)
{
    walk->at = bits_aligned(walk->at, align);
    return walk->at <= walk->limit;
}

/* Advances a clock to the next time with these low `size` bits: by less than one period of them. */
static inline uint64_t walk_clock(uint64_t clock, uint64_t low, unsigned size)
{
    uint64_t mask = bits_mask(size);
    uint64_t next = (clock & ~mask) | low;
    return next >= clock || size == 64 ? next : next + mask + 1;
}

#endif
