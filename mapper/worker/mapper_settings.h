/* mapper/worker/mapper_settings.h -- the options of a mapper. */
#ifndef MAPPER_WORKER_MAPPER_SETTINGS_H
#define MAPPER_WORKER_MAPPER_SETTINGS_H

#include "config/config.h"

extern const struct config_program mapper_program;

#endif
