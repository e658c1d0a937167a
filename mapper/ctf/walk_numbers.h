/* mapper/ctf/walk_numbers.h -- arrays of numbers, kept for as long as the batch of their event. */
#ifndef MAPPER_CTF_WALK_NUMBERS_H
#define MAPPER_CTF_WALK_NUMBERS_H

#include "ctf/walk.h"
#include "mapper/ctf/scratch.h"

/* LAYOUT_ARRAY or LAYOUT_SEQUENCE of LAYOUT_INTEGER or LAYOUT_VARINT. All are passed, the first
 * `most` are kept: `*out` is valid until scratch_reset(). */
MUST_CHECK bool walk_numbers(struct walk *walk, const struct layout_field *field, size_t most,
                             struct scratch *scratch, const int64_t **out, size_t *count);

#endif
