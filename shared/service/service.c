#include "service/service.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "bus/bus_watch.h"
#include "service/kafka.h"

/* Limits of the query interval of brokers; number of ports to try. */
enum { WATCH_LEAST_MS = 100, WATCH_MOST_MS = 5000, HEALTH_MORE_PORTS = 100 };

/* Work that cannot be finished without a broker is not waited for longer than this. */
enum { DRAIN_AWAY_MS = 3000 };

struct service {
    const struct config *config;
    struct log log;
    struct kafka_settings kafka;
    struct metrics *metrics;
    struct health *health; /* NULL: off */
    struct bus_watch *watch;
    char *instance;
    int signal_fd;
    uint64_t drain_ms;
    _Atomic unsigned signals; /* number of received signals */
    _Atomic uint64_t stop_ms; /* time of the first; CLOCK_MONOTONIC */
};

uint64_t service_now_ms(void)
{
    return clock_ms(CLOCK_MONOTONIC);
}

/* Signals are read from a descriptor: no handler, so no interrupted calls. */
static enum status take_signals(struct service *service, struct failure *why)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    service->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (service->signal_fd < 0)
        return fail(why, STATUS_STOP, "signalfd: %s", strerror(errno));
    sigprocmask(SIG_BLOCK, &set, NULL);
    sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
    return STATUS_OK;
}

static char *own_instance(const struct config *config)
{
    const char *given = config_text(config, "instance");
    if (given)
        return memory_string(text_of(given));
    char host[HOST_NAME_MAX + 1] = "";
    if (gethostname(host, sizeof host - 1) != 0 || !*host)
        snprintf(host, sizeof host, "localhost");
    return memory_format("%s-%ld", host, (long)getpid());
}

static void log_brokers(void *context, const char *why, uint64_t away_ms)
{
    const struct service *service = context;
    if (why)
        log_say(&service->log, LOG_WARNING, "no broker answers", log_text("why", why));
    else
        log_say(&service->log, LOG_INFO, "brokers answer again",
                log_real("seconds", (double)away_ms / 1000));
}

/* Queries often enough to notice unready-after in time. */
static enum status watch_brokers(struct service *service, struct failure *why)
{
    uint64_t after_ms = config_duration_ms(service->config, "unready-after");
    uint64_t every_ms = after_ms == 0 || after_ms / 4 > WATCH_MOST_MS ? WATCH_MOST_MS
                        : after_ms / 4 < WATCH_LEAST_MS               ? WATCH_LEAST_MS
                                                                      : after_ms / 4;
    struct bus_watch_options options = {.bus = &service->kafka.bus,
                                        .every_ms = every_ms,
                                        .changed = log_brokers,
                                        .context = service};
    return bus_watch_new(&options, &service->watch, why);
}

static uint64_t away_ms(void *context, const char **why)
{
    const struct service *service = context;
    return bus_watch_away_ms(service->watch, why);
}

static void say_health(const struct service *service, const char *listen)
{
    const char *address = health_address(service->health);
    if (health_gave_way(service->health))
        log_say(&service->log, LOG_WARNING, "health port in use", log_text("wanted", listen),
                log_text("listen", address));
    log_say(&service->log, LOG_INFO, "health", log_text("listen", address));
}

/* A second worker on a machine needs no port setting: it uses the next free port. */
static enum status open_health(struct service *service, struct failure *why)
{
    const struct config *config = service->config;
    const char *listen = config_text(config, "health-listen");
    if (strcmp(listen, "off") == 0)
        return STATUS_OK;
    struct health_settings settings = {.listen = listen,
                                       .stuck_after_ms = config_duration_ms(config, "stuck-after"),
                                       .metrics = service->metrics,
                                       .more_ports = HEALTH_MORE_PORTS,
                                       .away_ms = away_ms,
                                       .context = service,
                                       .unready_after_ms =
                                           config_duration_ms(config, "unready-after")};
    enum status status = health_open(&settings, &service->health, why);
    if (status == STATUS_OK) {
        say_health(service, listen);
        return STATUS_OK;
    }
    if (status == STATUS_RETRY && !config_is_given(config, "health-listen")) {
        log_say(&service->log, LOG_WARNING, "cannot start the health server",
                log_text("reason", why->text));
        return STATUS_OK;
    }
    failure_prefix(why, "health-listen (%s)", config_source(config, "health-listen"));
    return STATUS_REJECT;
}

enum status service_open(const struct config *config, const struct metric_row *rows, size_t count,
                         struct service **out, struct failure *why)
{
    *out = NULL;
    struct service *service = memory_new(sizeof *service);
    service->config = config;
    service->log = (struct log){stderr, config_command(config),
                                (enum log_level)config_word(config, "log-level")};
    service->drain_ms = config_duration_ms(config, "drain");
    enum status status = take_signals(service, why);
    if (status != STATUS_OK) {
        free(service);
        return status;
    }
    service->instance = own_instance(config);
    bool has_threads = config_has(config, "threads");
    service->metrics =
        metrics_new(rows, count, has_threads ? (unsigned)config_integer(config, "threads") : 1);
    status = kafka_settings_init(&service->kafka, config, &service->log, why);
    if (status == STATUS_OK)
        status = watch_brokers(service, why);
    if (status == STATUS_OK)
        status = open_health(service, why);
    if (status == STATUS_OK)
        *out = service;
    else
        service_close(service);
    return status;
}

void service_say_end(const struct service *service, const struct config *config,
                     const struct failure *why)
{
    if (service)
        log_say(&service->log, LOG_ERROR, "ended", log_text("reason", why->text));
    else
        fprintf(stderr, "%s: %s\n", config_command(config), why->text);
}

int service_exit_code(enum status status)
{
    return status == STATUS_OK ? 0 : status == STATUS_REJECT ? CONFIG_WRONG : 1;
}

void service_close(struct service *service)
{
    if (!service)
        return;
    health_close(service->health);
    bus_watch_free(service->watch);
    metrics_free(service->metrics);
    kafka_settings_clear(&service->kafka);
    close(service->signal_fd);
    free(service->instance);
    free(service);
}

const struct config *service_config(const struct service *service)
{
    return service->config;
}

const struct log *service_log(const struct service *service)
{
    return &service->log;
}

struct health *service_health(struct service *service)
{
    return service->health;
}

struct metrics *service_metrics(struct service *service)
{
    return service->metrics;
}

const struct bus_settings *service_bus(const struct service *service)
{
    return &service->kafka.bus;
}

const char *service_instance(const struct service *service)
{
    return service->instance;
}

bool service_instance_is_given(const struct service *service)
{
    return config_is_given(service->config, "instance");
}

static void note_signal(struct service *service, const struct signalfd_siginfo *info)
{
    unsigned before = atomic_fetch_add(&service->signals, 1);
    if (before == 0)
        atomic_store(&service->stop_ms, service_now_ms());
    log_say(&service->log, LOG_INFO, before ? "exiting immediately" : "stopping",
            log_text("signal", info->ssi_signo == SIGTERM ? "SIGTERM" : "SIGINT"),
            log_integer("drain_ms", before ? 0 : (int64_t)service->drain_ms));
}

bool service_stopping(struct service *service)
{
    struct signalfd_siginfo info;
    while (read(service->signal_fd, &info, sizeof info) == (ssize_t)sizeof info)
        note_signal(service, &info);
    return atomic_load(&service->signals) > 0;
}

bool service_brokers_answer(const struct service *service)
{
    const char *why;
    return bus_watch_away_ms(service->watch, &why) == 0;
}

uint64_t service_drain_left_ms(struct service *service)
{
    if (!service_stopping(service))
        return UINT64_MAX;
    uint64_t since = service_now_ms() - atomic_load(&service->stop_ms);
    uint64_t drain_ms = service->drain_ms;
    if (drain_ms > DRAIN_AWAY_MS && !service_brokers_answer(service))
        drain_ms = DRAIN_AWAY_MS;
    bool over = atomic_load(&service->signals) > 1 || since >= drain_ms;
    return over ? 0 : drain_ms - since;
}

bool service_sleep(struct service *service, uint64_t ms)
{
    enum { TURN_MS = 500 };
    service_stopping(service);
    unsigned signals = atomic_load(&service->signals);
    uint64_t end = service_now_ms() + ms;
    for (;;) {
        health_turn(service->health);
        uint64_t left = service_drain_left_ms(service); /* reads signals, too */
        uint64_t now = service_now_ms();
        if (now >= end)
            return true;
        if (left == 0 || atomic_load(&service->signals) != signals)
            return false;
        uint64_t wait = end - now < left ? end - now : left;
        struct pollfd poll_fd = {.fd = service->signal_fd, .events = POLLIN};
        poll(&poll_fd, 1, (int)(wait < TURN_MS ? wait : TURN_MS));
    }
}
