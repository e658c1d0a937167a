/* spanmill-agent -- rotated chunks of this host to Kafka. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/agent.h"
#include "archive/archive.h"
#include "base/memory.h"

static const struct config_row rows[] = {
    {.name = "session",
     .type = CONFIG_LIST,
     .argument = "NAME",
     .help = "of LTTng's, repeatable; without one: all"},
    {.name = "watch",
     .type = CONFIG_LIST,
     .argument = "DIR",
     .help = "sessions below it, as a relay daemon puts them there;\n"
             "repeatable; no session daemon is asked then"},
    {.name = "rotate-every",
     .type = CONFIG_DURATION,
     .least = 100,
     .most = 86400000,
     .argument = "TIME",
     .help = "asks for rotations; else others have to"},
    {.name = "rotate-size",
     .type = CONFIG_BYTES,
     .least = 4096,
     .most = 1ll << 40,
     .argument = "SIZE",
     .help = "asks for one when the chunk is as large"},
    {.name = "statedump-every",
     .type = CONFIG_INTEGER,
     .standard = "0",
     .least = 0,
     .most = 1000000,
     .argument = "N",
     .help = "a state dump with every Nth rotation; 0: none"},
    {.name = "end-after",
     .type = CONFIG_DURATION,
     .standard = "0",
     .least = 0,
     .most = 365ll * 86400000,
     .argument = "TIME",
     .help = "a watched session without new chunks for so long has\n"
             "ended; 0: never"},
    {.name = "state-dir",
     .type = CONFIG_TEXT,
     .standard = "/var/lib/spanmill",
     .argument = "DIR",
     .help = "what is published already is known there"},
    {.name = "level",
     .type = CONFIG_INTEGER,
     .standard = "3",
     .least = 1,
     .most = ARCHIVE_LEVEL_MAX,
     .argument = "N",
     .help = "of zstd"},
    {.name = "store-root",
     .type = CONFIG_TEXT,
     .argument = "DIR",
     .help = "where archives of over 64 MiB go; mappers see it, too"},
    {.name = "spool-limit",
     .type = CONFIG_BYTES,
     .standard = "4G",
     .least = 1,
     .most = 1ll << 50,
     .argument = "SIZE",
     .help = "of a session's chunks that wait for the broker; beyond\n"
             "it the oldest are deleted, and their loss announced"},
    {.name = "keep",
     .type = CONFIG_INTEGER,
     .least = 0,
     .most = 1000000,
     .argument = "N",
     .help = "deletes published chunks but the last N; else all stay"},
    {.name = "keep-bytes",
     .type = CONFIG_BYTES,
     .least = 0,
     .most = 1ll << 50,
     .argument = "SIZE",
     .help = "deletes published chunks beyond so many bytes"},
};
static const struct config_section own = {"Sessions", rows, sizeof rows / sizeof *rows};
static const struct config_section *const sections[] = {&own, &service_kafka_section,
                                                        &service_section};
static const struct config_program program = {
    .command = "spanmill-agent",
    .block = "agent",
    .about = "Publishes what LTTng's session rotation archives on this host.",
    .sections = sections,
    .count = sizeof sections / sizeof *sections,
    .examples = "spanmill-agent -b kafka-1:9092 --rotate-every 30s --keep 10\n"
                "spanmill-agent -b kafka-1:9092 --watch /srv/lttng-relay",
};

static const struct metric_row metric_rows[AGENT_METRICS] = {
    [METRIC_CHUNKS] = {METRIC_COUNTER, "spanmill_agent_chunks_total", "Chunks published."},
    [METRIC_BYTES] = {METRIC_COUNTER, "spanmill_agent_archive_bytes_total",
                      "Bytes of the archives published."},
    [METRIC_LOST] = {METRIC_COUNTER, "spanmill_agent_lost_chunks_total",
                     "Chunks announced as lost."},
    [METRIC_RETRIES] = {METRIC_COUNTER, "spanmill_agent_retries_total",
                        "Times that publishing had to be put off."},
    [METRIC_SESSIONS] = {METRIC_GAUGE, "spanmill_agent_sessions", "Sessions that are followed."},
    [METRIC_WAITING] = {METRIC_GAUGE, "spanmill_agent_waiting_chunks",
                        "Chunks that wait to be published."},
    [METRIC_WAITING_BYTES] = {METRIC_GAUGE, "spanmill_agent_waiting_bytes",
                              "Bytes of the chunks that wait to be published."},
    [METRIC_OLDEST] = {METRIC_GAUGE, "spanmill_agent_blocked_seconds",
                       "How long nothing could be published.", .unit = METRIC_MS},
    [METRIC_PACK_TIME] = {METRIC_HISTOGRAM, "spanmill_agent_pack_seconds",
                          "Time to pack a chunk.", .unit = METRIC_MS, .least = 1,
                          .most = 1 << 16},
    [METRIC_PUBLISH_TIME] = {METRIC_HISTOGRAM, "spanmill_agent_publish_seconds",
                             "Time to store and announce a chunk.", .unit = METRIC_MS,
                             .least = 1, .most = 1 << 16},
    [METRIC_ROTATIONS] = {METRIC_COUNTER, "spanmill_agent_rotations_total",
                          "Rotations that were asked for."},
    [METRIC_NOTIFICATIONS] = {METRIC_COUNTER, "spanmill_agent_notifications_total",
                              "Notifications of rotations."},
};

enum { LOOK_MS = 100, WATCH_MS = 500, RETRY_LEAST_MS = 200, RETRY_MOST_MS = 10000 };

static bool is_stopping(void *context)
{
    const struct agent *agent = context;
    health_turn(service_health(agent->service));
    return service_drain_left_ms(agent->service) == 0 || service_stopping(agent->service);
}

/* Where nobody tells that a session is over, its silence may. */
static void end_silent(struct agent *agent)
{
    uint64_t after_ms = config_duration_ms(agent->config, "end-after");
    for (size_t i = 0; i < agent->count && after_ms > 0; i++) {
        struct session *session = agent->sessions[i];
        if (!session->name && session->first >= 0 &&
            service_now_ms() - session->seen_ms >= after_ms)
            session->over = true;
    }
}

/* False if something has to be tried again. */
static enum status publish_all(struct agent *agent, bool *blocked, struct failure *why)
{
    *blocked = false;
    for (size_t i = 0; i < agent->count; i++) {
        health_turn(service_health(agent->service));
        enum status status = agent_publish(agent, agent->sessions[i], why);
        if (status == STATUS_STOP)
            return status;
        if (status == STATUS_OK)
            continue;
        *blocked = true;
        metrics_add(service_metrics(agent->service), METRIC_RETRIES, 0, 1);
        log_say(service_log(agent->service), LOG_WARNING, "not published yet",
                log_text("session", agent->sessions[i]->folder), log_text("why", why->text));
    }
    agent_tell_waiting(agent);
    return STATUS_OK;
}

static enum status run(struct agent *agent, struct failure *why)
{
    const char *const *folders;
    size_t count = config_list(agent->config, "watch", &folders);
    struct backoff backoff = backoff_make(RETRY_LEAST_MS, RETRY_MOST_MS, service_now_ms());
    uint64_t blocked_since = 0, pause_ms = 0, paused_ms = 0, watched_ms = 0;
    enum status status = STATUS_OK;
    health_ready(service_health(agent->service), true, "");
    while (status == STATUS_OK && !service_stopping(agent->service)) {
        health_turn(service_health(agent->service));
        bool look = agent->lttng && lttng_look(agent);
        if (look || service_now_ms() - watched_ms >= WATCH_MS) {
            watched_ms = service_now_ms();
            for (size_t i = 0; i < count; i++)
                agent_watch(agent, folders[i]);
            end_silent(agent);
            look = true;
        }
        if (look && service_now_ms() - paused_ms >= pause_ms) {
            bool blocked;
            status = publish_all(agent, &blocked, why);
            paused_ms = service_now_ms();
            pause_ms = blocked ? backoff_next_ms(&backoff) : 0;
            if (!blocked)
                backoff_reset(&backoff);
            blocked_since = !blocked ? 0 : blocked_since ? blocked_since : paused_ms;
            metrics_set(service_metrics(agent->service), METRIC_OLDEST, 0,
                        blocked_since ? (int64_t)(paused_ms - blocked_since) : 0);
        }
        service_sleep(agent->service, LOOK_MS);
    }
    return status;
}

static enum status open_all(struct agent *agent, struct failure *why)
{
    const char *folder = config_text(agent->config, "state-dir");
    if (mkdir(folder, 0755) != 0 && errno != EEXIST)
        return fail(why, STATUS_STOP, "%s: %s", folder, strerror(errno));
    agent->state_path = memory_format("%s/agent.state", folder);
    agent->archive_path = memory_format("%s/agent.tar.zst", folder);
    enum status status = agent_load(agent, why);
    if (status != STATUS_OK)
        return status;
    struct publisher_options options = {
        .bus = service_bus(agent->service),
        .store_root = config_text(agent->config, "store-root"),
        .patience = {is_stopping, agent}};
    agent->publisher = publisher_new(&options);
    const char *const *folders;
    if (config_list(agent->config, "watch", &folders) > 0)
        return STATUS_OK;
    struct failure away;
    if (lttng_open(agent, &agent->lttng, &away) != STATUS_OK)
        log_say(service_log(agent->service), LOG_WARNING, "session daemon",
                log_text("what", away.text));
    return STATUS_OK;
}

int main(int argc, char **argv)
{
    struct agent agent = {.count = 0};
    struct config *config;
    enum config_outcome outcome = config_load(&program, argc, argv, stdout, stderr, &config);
    if (outcome != CONFIG_RUN)
        return (int)outcome;
    agent.config = config;
    struct failure why;
    enum status status = service_open(config, metric_rows, AGENT_METRICS, &agent.service, &why);
    if (status == STATUS_OK)
        status = open_all(&agent, &why);
    if (status == STATUS_OK)
        status = run(&agent, &why);
    if (status != STATUS_OK)
        fprintf(stderr, "%s: %s\n", config_command(config), why.text);
    lttng_close(agent.lttng);
    publisher_free(agent.publisher);
    agent_free_sessions(&agent);
    free(agent.state_path);
    free(agent.archive_path);
    service_close(agent.service);
    config_free(config);
    return status == STATUS_OK ? 0 : 1;
}
