/* core/row_sound.h -- whether what was read as a record of a row says something that joining can take. */
#ifndef CORE_ROW_SOUND_H
#define CORE_ROW_SOUND_H

#include "core/core_row.h"

/* `index`: of the record in its row: no name in it is far beyond the names that so many records can have
 * given. `phases`: whose definitions it speaks of. */
bool record_is_sound(const struct record *record, size_t index, const struct phase_set *phases);

#endif
