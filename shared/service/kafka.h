/* service/kafka.h -- converts the settings of service_kafka_section to those of the bus. */
#ifndef SERVICE_KAFKA_H
#define SERVICE_KAFKA_H

#include "base/failure.h"
#include "bus/bus_settings.h"
#include "config/config.h"
#include "service/log.h"

struct kafka_settings {
    struct bus_settings bus;
    struct bus_pair *pairs; /* of `bus` */
};

/* `settings` borrows `config` and `log`, which receives the log lines of librdkafka, until
 * kafka_settings_clear().
 * REJECT  an invalid topic prefix, invalid brokers, or a property that librdkafka does not accept
 *         or that users must not set; `why` has its name and source. */
MUST_CHECK enum status kafka_settings_init(struct kafka_settings *settings,
                                           const struct config *config, const struct log *log,
                                           struct failure *why);
void kafka_settings_clear(struct kafka_settings *settings);

#endif
