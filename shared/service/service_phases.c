#include "service/service_phases.h"

enum status service_phases(const struct config *config, struct phase_definitions *phases,
                           struct failure *why)
{
    static const char *const files[] = {"definitions", "phases"};
    const char *const *texts;
    size_t count;
    enum status status = STATUS_OK;
    for (size_t k = 0; k < sizeof files / sizeof *files; k++) {
        count = config_list(config, files[k], &texts);
        for (size_t i = 0; i < count && status == STATUS_OK; i++)
            status = phases_add_file(phases, texts[i], why);
    }
    count = config_list(config, "phase", &texts);
    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        status = phases_add_period(phases, text_of(texts[i]), why);
    return status;
}
