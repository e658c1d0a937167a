/* service/kafka.h -- from the rows of service_kafka_section to what the bus wants to know. */
#ifndef SERVICE_KAFKA_H
#define SERVICE_KAFKA_H

#include "base/failure.h"
#include "bus/bus_settings.h"
#include "config/config.h"
#include "service/log.h"

struct kafka_settings {
    struct bus_settings bus;
    struct bus_pair *pairs; /* those of `bus` */
};

/* What it gives lives until kafka_settings_clear(), and no longer than `config` and `log`, which
 * gets the lines of librdkafka.
 * REJECT  a prefix that no topic can have, brokers that are none, or a setting that librdkafka does
 *         not take or that is not the user's to set; `why` names it and where it comes from. */
MUST_CHECK enum status kafka_settings_init(struct kafka_settings *settings,
                                           const struct config *config, const struct log *log,
                                           struct failure *why);
void kafka_settings_clear(struct kafka_settings *settings);

#endif
