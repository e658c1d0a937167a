/* wire/phases_message.h -- phase definitions inside another message. Only for this folder. */
#ifndef WIRE_PHASES_MESSAGE_H
#define WIRE_PHASES_MESSAGE_H

#include "phases.pb-c.h"
#include "wire/phases_codec.h"

/* In `arena`, with texts of `set`. */
Spanmill__PhaseDefinitions *phases_to_message(const struct phase_set *set, struct arena *arena);
/* As phases_decode(). */
MUST_CHECK enum status phases_of_message(const Spanmill__PhaseDefinitions *message,
                                         struct arena *arena, struct phase_definitions *out,
                                         struct failure *why);

#endif
