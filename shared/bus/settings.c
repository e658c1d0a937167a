#include "bus/settings.h"

#include <stdio.h>

void bus_topic_name(const struct bus_settings *settings, enum bus_topic topic,
                    char room[BUS_NAME_MAX])
{
    static const char *const names[BUS_TOPICS] = {
        [BUS_CHUNKS] = "chunks", [BUS_ARCHIVES] = "archives", [BUS_PARTIALS] = "partials",
        [BUS_STATE] = "state",   [BUS_RESULTS] = "results",   [BUS_PARKED] = "parked"};
    snprintf(room, BUS_NAME_MAX, "%s.%s", settings->prefix, names[topic]);
}

void bus_group_name(const struct bus_settings *settings, const char *role, char room[BUS_NAME_MAX])
{
    snprintf(room, BUS_NAME_MAX, "%s-%s", settings->prefix, role);
}
