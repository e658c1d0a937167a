/* mapper/decode/phase_survey.h -- whether a trace's metadata declares the events and fields of
 * phase definitions. */
#ifndef MAPPER_DECODE_PHASE_SURVEY_H
#define MAPPER_DECODE_PHASE_SURVEY_H

#include "ctf/layout.h"
#include "trace/phase_use.h"
#include "trace/phases.h"

/* For both sides of each definition (`phases` may be NULL), in `arena`; texts may point into the
 * definitions and the layout. */
struct phase_uses phase_survey(const struct layout *layout, const struct phase_definitions *phases,
                               struct arena *arena);

/* For metadata that is not understood: any definition may match. */
struct phase_uses phase_survey_unknown(const struct phase_definitions *phases, struct arena *arena);

#endif
