/* export/worker/export_settings.h -- what an exporter can be told. */
#ifndef EXPORT_WORKER_EXPORT_SETTINGS_H
#define EXPORT_WORKER_EXPORT_SETTINGS_H

#include "config/config.h"
#include "export/output/output.h"

/* The rows of all outputs are among its tables. */
struct export_settings {
    const struct config_section *sections[OUTPUT_KINDS + 3];
    struct config_program program;
};

void export_settings_init(struct export_settings *settings);

#endif
