/* bus/error_status.h -- classifies errors of librdkafka and brokers, in one table. Private to this
 * folder. */
#ifndef BUS_ERROR_STATUS_H
#define BUS_ERROR_STATUS_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>

#include "base/failure.h"

/* OK      no error.
 * END     the offset was deleted by retention.
 * RETRY   temporary: unavailable brokers, elections, timeouts, and all that the table does not
 * list. REJECT  permanent: missing, not allowed, or never accepted by a broker.
 * STOP    fatal: the handle is unusable. */
enum status error_status(rd_kafka_resp_err_t code);

/* Whether the topic or partition does not exist. A broker with old metadata reports this for new
 * ones, too: confirm it with another query. */
bool verdict_is_missing(rd_kafka_resp_err_t code);

#endif
