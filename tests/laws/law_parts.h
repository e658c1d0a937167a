/* tests/laws/law_parts.h -- pieces of a trace, mapped one at a time. */
#ifndef TESTS_LAWS_LAW_PARTS_H
#define TESTS_LAWS_LAW_PARTS_H

#include "law.h"
#include "wire/partial_codec.h"

/* Maps piece `index` of the trace as attempt `attempt`; the last piece ends the session. */
void law_map_piece(const struct law_trace *trace, struct law_cuts cuts, size_t index,
                   uint64_t attempt, struct record_sink sink);

#endif
