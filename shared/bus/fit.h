/* bus/fit.h -- whether topics fit each other: a partition of partials needs one of state. */
#ifndef BUS_FIT_H
#define BUS_FIT_H

#include <stdint.h>

#include "base/failure.h"
#include "bus/bus_settings.h"

/* OK, or REJECT: partials have more partitions than state; `why` says what that means and how it is
 * cured. */
MUST_CHECK enum status bus_fit_check(const struct bus_settings *settings, int32_t partials,
                                     int32_t state, struct failure *why);

#endif
