/* wire/phases_codec.h -- phase definitions as they travel with what was mapped with them. The format
 * is proto/phases.proto. */
#ifndef WIRE_PHASES_CODEC_H
#define WIRE_PHASES_CODEC_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/failure.h"
#include "trace/schema.h"

/* The message, in `arena`. */
struct bytes phases_encode(const struct phase_set *set, struct arena *arena);

/* Reads the message into *out, all of which is in `arena`: never to be cleared. REJECT: it
 * contradicts itself. */
MUST_CHECK enum status phases_decode(struct bytes message, struct arena *arena,
                                     struct phase_definitions *out, struct failure *why);
/* The set of what was read. STOP: it has more built-in counts than this program. */
MUST_CHECK enum status phases_set(const struct phase_definitions *phases, struct schema *schema,
                                  const struct phase_set **out, struct failure *why);

#endif
