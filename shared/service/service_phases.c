#include "service/service_phases.h"

enum status service_phases(const struct config *config, struct phase_definitions *phases,
                           struct failure *why)
{
    const char *const *texts;
    size_t count = config_list(config, "phases", &texts);
    enum status status = STATUS_OK;
    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        status = phases_add_file(phases, texts[i], why);
    count = config_list(config, "phase", &texts);
    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        status = phases_add_period(phases, text_of(texts[i]), why);
    return status;
}
