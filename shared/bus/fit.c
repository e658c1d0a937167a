#include "bus/fit.h"

enum status bus_fit_check(const struct bus_settings *settings, int32_t partials, int32_t state,
                          struct failure *why)
{
    char partials_name[BUS_NAME_MAX], state_name[BUS_NAME_MAX];
    if (partials <= state)
        return STATUS_OK;
    bus_topic_name(settings, BUS_PARTIALS, partials_name);
    bus_topic_name(settings, BUS_STATE, state_name);
    return fail(
        why, STATUS_REJECT,
        "%s has %d partitions, but %s has %d: partitions %d and above of %s are unused. To fix "
        "this, when no session is running: kafka-topics.sh --bootstrap-server %s --alter "
        "--topic %s --partitions %d",
        partials_name, (int)partials, state_name, (int)state, (int)state, partials_name,
        settings->brokers, state_name, (int)partials);
}
