/* service/service_phases.h -- reads the phase definitions in the settings of
 * service_phases_section. */
#ifndef SERVICE_SERVICE_PHASES_H
#define SERVICE_SERVICE_PHASES_H

#include "base/failure.h"
#include "config/config.h"
#include "trace/phases.h"

/* Adds all to `phases`. REJECT: a file or a definition is invalid. */
MUST_CHECK enum status service_phases(const struct config *config, struct phase_definitions *phases,
                                      struct failure *why);

#endif
