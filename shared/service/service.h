/* service/service.h -- what agent, mapper and reducer have in common as processes: settings, log
 * lines, signals, health, the wait for a broker.
 *
 *     struct service *service;
 *     if (service_open(config, rows, row_count, &service, &why) != STATUS_OK) ...
 *     while (!service_stopping(service)) {
 *         health_turn(service_health(service));
 *         ... something that takes a second at most ...
 *     }
 *     ... finish what is in hand within service_drain_left_ms(service) ...
 *     service_close(service);
 */
#ifndef SERVICE_SERVICE_H
#define SERVICE_SERVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/crash.h"
#include "base/failure.h"
#include "bus/bus_settings.h"
#include "config/config.h"
#include "health/health.h"
#include "service/backoff.h"
#include "service/log.h"

/* Rows of all that talk to Kafka, services or not: brokers, prefix, X. */
extern const struct config_section service_kafka_section;
/* Rows of those who need phase definitions: phases, phase. */
extern const struct config_section service_phases_section;
/* Rows of all services: instance, health-listen, stuck-after, unready-after, drain, log-level. */
extern const struct config_section service_section;

struct service;

/* Opens the log, takes SIGTERM and SIGINT for requests to stop (in this thread and those that are
 * made by it later: call it before librdkafka is), ignores SIGPIPE, watches the brokers, and starts
 * the health server with `rows` as its metrics (see health/metrics.h; const, NULL if none).
 * OK      *out is new; service_close() it.
 * REJECT  a setting will not do: of Kafka, or where the health server is to listen.
 * STOP    the system does not give what is needed. */
MUST_CHECK enum status service_open(const struct config *config, const struct metric_row *rows,
                                    size_t count, struct service **out, struct failure *why);
/* Why the program ends that was not asked to: as a line of the log, or (`service` NULL) as a sentence
 * where there is none yet. */
void service_say_end(const struct service *service, const struct config *config,
                     const struct failure *why);
/* What main() returns: 0; 2 after REJECT, where a setting will not do, and starting again would not
 * help; else 1. */
int service_exit_code(enum status status);
/* Signals stay blocked: the process is about to leave. NULL is fine. */
void service_close(struct service *service);

const struct config *service_config(const struct service *service);
const struct log *service_log(const struct service *service);
struct health *service_health(struct service *service);
struct metrics *service_metrics(struct service *service);
/* From service_kafka_section, which must be among the program's tables. Programs that are no
 * services have service/kafka.h. */
const struct bus_settings *service_bus(const struct service *service);

/* --instance, or HOST-PID. Only a given one stays the same over restarts: a static group member
 * (group.instance.id) needs that. */
const char *service_instance(const struct service *service);
bool service_instance_is_given(const struct service *service);

/* Whether a broker has answered when it was asked last. From any thread. */
bool service_brokers_answer(const struct service *service);

/* Has a signal come? Cheap, for any thread. The first signal is logged. */
bool service_stopping(struct service *service);
/* What is left of --drain, from the first signal on (3 s at the most while no broker answers); 0 when
 * it is over, or a second signal came: leave at once. UINT64_MAX without a signal. */
uint64_t service_drain_left_ms(struct service *service);
/* Readable as soon as a signal came: for poll(). */
int service_signal_fd(const struct service *service);
/* Sleeps, which counts as turning; wakes for a signal, and when the time to drain is over. True if
 * the whole time went by. */
bool service_sleep(struct service *service, uint64_t ms);

/* CLOCK_MONOTONIC. */
uint64_t service_now_ms(void);

#endif
