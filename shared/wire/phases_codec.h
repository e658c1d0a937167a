/* wire/phases_codec.h -- encodes and decodes the phase definitions that an interval was mapped
 * with. The format is proto/phases.proto. */
#ifndef WIRE_PHASES_CODEC_H
#define WIRE_PHASES_CODEC_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/failure.h"
#include "trace/schema.h"

/* The message, in `arena`. */
struct bytes phases_encode(const struct phase_set *set, struct arena *arena);

/* Decodes the message into *out, which is all in `arena`: never clear it. REJECT: it is
 * inconsistent. */
MUST_CHECK enum status phases_decode(struct bytes message, struct arena *arena,
                                     struct phase_definitions *out, struct failure *why);
/* The set of decoded definitions. STOP: it has more built-in counts than this program. */
MUST_CHECK enum status phases_set(const struct phase_definitions *phases, struct schema *schema,
                                  const struct phase_set **out, struct failure *why);

#endif
