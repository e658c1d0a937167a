/* mapper/decode/walk_kept.h -- values of walked fields that have to be converted, and are valid as
 * long as the batch of their event: arrays of numbers, and text of other encodings as UTF-8. */
#ifndef MAPPER_DECODE_WALK_KEPT_H
#define MAPPER_DECODE_WALK_KEPT_H

#include "ctf/walk.h"
#include "mapper/decode/scratch.h"

/* LAYOUT_ARRAY or LAYOUT_SEQUENCE of LAYOUT_INTEGER or LAYOUT_VARINT. Walks all elements and keeps
 * the first `most`: `*out` is valid until scratch_reset(). */
MUST_CHECK bool walk_numbers(struct walk *walk, const struct layout_field *field, size_t most,
                             struct scratch *scratch, const int64_t **out, size_t *count);

/* A field with a `unit`; ends at its first character 0. Invalid characters become U+FFFD. */
MUST_CHECK bool walk_wide(struct walk *walk, const struct layout_field *field,
                          struct scratch *scratch, struct text *out);

#endif
