/* mapper/decode/phase_survey.h -- whether a trace's metadata declares what phase definitions name. */
#ifndef MAPPER_DECODE_PHASE_SURVEY_H
#define MAPPER_DECODE_PHASE_SURVEY_H

#include "ctf/layout.h"
#include "trace/phase_use.h"
#include "trace/phases.h"

/* Of both sides of each definition (`phases` may be NULL), in `arena`; texts are also those of the
 * definitions and the layout. */
struct phase_uses phase_survey(const struct layout *layout, const struct phase_definitions *phases,
                               struct arena *arena);

/* Of metadata that is not understood: any definition may match. */
struct phase_uses phase_survey_unknown(const struct phase_definitions *phases, struct arena *arena);

#endif
