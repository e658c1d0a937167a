/* core/row_valid.h -- checks that a decoded record of a row is valid for joining. */
#ifndef CORE_ROW_VALID_H
#define CORE_ROW_VALID_H

#include "core/core_row.h"

/* `index`: of the record in its row; bounds the names that it may refer to. `phases`: the
 * definitions that it refers to. */
bool record_is_valid(const struct record *record, size_t index, const struct phase_set *phases);

#endif
