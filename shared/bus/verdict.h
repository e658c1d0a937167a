/* bus/verdict.h -- what an error of librdkafka or of a broker means: the one table of them. For this
 * folder alone. */
#ifndef BUS_VERDICT_H
#define BUS_VERDICT_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>

#include "base/failure.h"

/* OK      no error.
 * END     the offset is gone: retention was faster.
 * RETRY   passing: brokers away, elections, time-outs, and all that the table does not name.
 * REJECT  permanent: what is asked for is not there, not allowed, or no broker will ever take it.
 * STOP    fatal: the handle is of no use any more. */
enum status verdict_of(rd_kafka_resp_err_t code);

/* Whether the topic, or the partition of it, is not there. A broker that is behind says so of new
 * ones, too: to be confirmed by asking again. */
bool verdict_is_missing(rd_kafka_resp_err_t code);

#endif
