/* reducer/worker/reducer_settings.h -- the options of a reducer. */
#ifndef REDUCER_WORKER_REDUCER_SETTINGS_H
#define REDUCER_WORKER_REDUCER_SETTINGS_H

#include "config/config.h"

extern const struct config_program reducer_program;

#endif
