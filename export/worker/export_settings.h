/* export/worker/export_settings.h -- the settings of an exporter. */
#ifndef EXPORT_WORKER_EXPORT_SETTINGS_H
#define EXPORT_WORKER_EXPORT_SETTINGS_H

#include "config/config.h"
#include "export/output/output.h"

/* Its tables include the rows of all outputs. */
struct export_settings {
    const struct config_section *sections[OUTPUT_KINDS + 3];
    struct config_program program;
};

void export_settings_init(struct export_settings *settings);

#endif
