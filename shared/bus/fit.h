/* bus/fit.h -- checks that topics match: a partition of partials needs one of state. */
#ifndef BUS_FIT_H
#define BUS_FIT_H

#include <stdint.h>

#include "base/failure.h"
#include "bus/bus_settings.h"

/* OK, or REJECT: partials have more partitions than state; `why` gives the consequence and the fix.
 * */
MUST_CHECK enum status bus_fit_check(const struct bus_settings *settings, int32_t partials,
                                     int32_t state, struct failure *why);

#endif
