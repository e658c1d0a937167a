/* model/sound.h -- whether restored records fit each other. For the files of this folder. */
#ifndef MODEL_SOUND_H
#define MODEL_SOUND_H

#include "model/keep.h"

/* Counts the references of everything restored, before anything is linked: each object has as many
 * as its record says, at least one, and points to what points back. What passes can be worked on
 * and freed, whoever wrote it. */
bool model_is_sound(const struct keep *keep);

#endif
