/* service/service.h -- common code of the services: settings, log lines, signals, health, waiting
 * for a broker.
 *
 *     struct service *service;
 *     if (service_open(config, rows, row_count, &service, &why) != STATUS_OK) ...
 *     while (!service_stopping(service)) {
 *         health_turn(service_health(service));
 *         ... something that takes at most a second ...
 *     }
 *     ... finish the current work within service_drain_left_ms(service) ...
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

/* Rows of all programs that use Kafka: brokers, prefix, X. */
extern const struct config_section service_kafka_section;
/* Rows of programs with phase definitions. */
#define SERVICE_PHASE_FILES_ROWS                                                                   \
    LIST_ROW("definitions", 0, "FILE", "phases, counts, and spans (YAML); repeatable"),            \
        LIST_ROW("phases", 'p', "FILE", "older name of --definitions")
#define SERVICE_PHASES_ROWS                                                                        \
    SERVICE_PHASE_FILES_ROWS,                                                                      \
        LIST_ROW("phase", 0, "DEF",                                                                \
                 "define a phase: 'NAME[(PARENT)] : BEGIN [: END]';\nrepeatable")
extern const struct config_section service_phases_section;
/* Rows of all services: instance, health-listen, stuck-after, unready-after, drain, log-level. */
extern const struct config_section service_section;

struct service;

/* Opens the log, handles SIGTERM and SIGINT as requests to stop (in this thread and those that it
 * creates later: call it before librdkafka is used), ignores SIGPIPE, watches the brokers, and
 * starts the health server with `rows` as its metrics (see health/metrics.h; const, NULL if none).
 * OK      *out is new; service_close() it.
 * REJECT  an invalid setting: of Kafka, or the address of the health server.
 * STOP    a system call failed. */
MUST_CHECK enum status service_open(const struct config *config, const struct metric_row *rows,
                                    size_t count, struct service **out, struct failure *why);
/* Reports why the program ends without a request: as a log line, or (`service` NULL) as a sentence
 * before there is a log. */
void service_say_end(const struct service *service, const struct config *config,
                     const struct failure *why);
/* The exit code: 0; 2 after REJECT, because a restart does not fix an invalid setting; else 1. */
int service_exit_code(enum status status);
/* Signals stay blocked: the process is about to exit. NULL is fine. */
void service_close(struct service *service);

const struct config *service_config(const struct service *service);
const struct log *service_log(const struct service *service);
struct health *service_health(struct service *service);
struct metrics *service_metrics(struct service *service);
/* From service_kafka_section, which must be among the program's tables. Programs that are not
 * services use service/kafka.h. */
const struct bus_settings *service_bus(const struct service *service);

/* --instance, or HOST-PID. Only a given one stays the same after a restart, as a static group
 * member (group.instance.id) needs. */
const char *service_instance(const struct service *service);
bool service_instance_is_given(const struct service *service);

/* Whether a broker answered the last query. Thread-safe. */
bool service_brokers_answer(const struct service *service);

/* Whether a signal was received. Cheap and thread-safe. The first signal is logged. */
bool service_stopping(struct service *service);
/* The rest of --drain, from the first signal on (at most 3 s while no broker answers); 0 when it is
 * over or after a second signal: exit at once. UINT64_MAX without a signal. */
uint64_t service_drain_left_ms(struct service *service);
/* Sleeps, which counts as a health_turn(); wakes up at a signal and when the time to drain is over.
 * True if it slept the whole time. */
bool service_sleep(struct service *service, uint64_t ms);

/* CLOCK_MONOTONIC. */
uint64_t service_now_ms(void);

#endif
