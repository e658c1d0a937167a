/* spanmill-agent -- publishes rotated chunks of this host to Kafka. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/agent.h"
#include "chunk/archive.h"
#include "base/memory.h"

static const struct config_row rows[] = {
    LIST_ROW("session", 0, "NAME", "LTTng session to follow; repeatable; default: all"),
    LIST_ROW("watch", 0, "DIR",
             "follow the sessions that a relay daemon writes to DIR,\n"
             "instead of the local session daemon; repeatable"),
    DURATION_ROW("rotate-every", 0, "TIME", NULL, 100, 86400000,
                 "request a rotation every TIME; default: none"),
    BYTES_ROW("rotate-size", 0, "SIZE", NULL, 4096, 1ll << 40,
              "request a rotation when the chunk reaches SIZE"),
    INTEGER_ROW("statedump-every", 0, "N", "0", 0, 1000000,
                "request a state dump at every Nth rotation; 0: never"),
    DURATION_ROW("end-after", 0, "TIME", "0", 0, 365ll * 86400000,
                 "consider a watched session ended if it has no new chunk\n"
                 "for TIME; 0: never"),
    TEXT_ROW("state-dir", 0, "DIR", "/var/lib/spanmill", "folder for the list of published chunks"),
    INTEGER_ROW("level", 0, "N", "1", 1, ARCHIVE_LEVEL_MAX, "zstd level, 1 to 22"),
    INTEGER_ROW("zstd-threads", 0, "N", "0", 0, ARCHIVE_THREADS_MAX,
                "additional threads for compression; 0: none"),
    TEXT_ROW("store-root", 0, "DIR", NULL, "shared folder for archives larger than 64 MiB"),
    FLAG_ROW("by-reference", 0, "store all archives in --store-root"),
    BYTES_ROW("spool-limit", 0, "SIZE", "4G", 1, 1ll << 50,
              "limit for a session's chunks that wait for the broker;\n"
              "above it, delete the oldest and announce them as lost"),
    INTEGER_ROW("keep", 0, "N", NULL, 0, 1000000,
                "keep the last N published chunks, delete older ones;\n"
                "default: keep all"),
    BYTES_ROW("keep-bytes", 0, "SIZE", NULL, 0, 1ll << 50,
              "delete the oldest published chunks above SIZE"),
};
static const struct config_section own = {"Sessions", rows, sizeof rows / sizeof *rows};
static const struct config_section *const sections[] = {&own, &service_kafka_section,
                                                        &service_section};
static const struct config_program program = {
    .command = "spanmill-agent",
    .block = "agent",
    .about = "Publishes the chunks that LTTng session rotations archive on this host.",
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
                        "Times that publishing was postponed."},
    [METRIC_SESSIONS] = {METRIC_GAUGE, "spanmill_agent_sessions", "Sessions followed."},
    [METRIC_WAITING] = {METRIC_GAUGE, "spanmill_agent_waiting_chunks",
                        "Chunks waiting to be published."},
    [METRIC_WAITING_BYTES] = {METRIC_GAUGE, "spanmill_agent_waiting_bytes",
                              "Bytes of the chunks waiting to be published."},
    [METRIC_UNREADABLE] = {METRIC_GAUGE, "spanmill_agent_unreadable_paths",
                           "Folders and files that the agent has no permission to read."},
    [METRIC_OLDEST] = {METRIC_GAUGE, "spanmill_agent_blocked_seconds",
                       "Longest time that a session could not be published; 0 if none is blocked.",
                       .unit = METRIC_SINCE_MS},
    [METRIC_PACK_TIME] = {METRIC_HISTOGRAM, "spanmill_agent_pack_seconds", "Time to pack a chunk.",
                          .unit = METRIC_MS, .least = 1, .most = 1 << 16},
    [METRIC_PUBLISH_TIME] = {METRIC_HISTOGRAM, "spanmill_agent_publish_seconds",
                             "Time to store and announce a chunk.", .unit = METRIC_MS, .least = 1,
                             .most = 1 << 16},
    [METRIC_ROTATIONS] = {METRIC_COUNTER, "spanmill_agent_rotations_total", "Rotations requested."},
    [METRIC_NOTIFICATIONS] = {METRIC_COUNTER, "spanmill_agent_notifications_total",
                              "Rotation notifications received."},
};

enum { LOOK_MS = 100, WATCH_MS = 500, DELIVERY_MS = 30000 };
enum { BROKER_LEAST_MS = 200, BROKER_MOST_MS = 10000 };

/* True if there may be new chunks. */
static bool look_at_daemon(struct agent *agent)
{
    agent->looked_ms = service_now_ms();
    return agent->lttng && lttng_look(agent);
}

/* The oldest time since when publishing has failed: of a session, or of the chunk being sent. */
static void emit_blocked(struct agent *agent, uint64_t since_ms)
{
    for (size_t i = 0; i < agent->count; i++) {
        uint64_t blocked_ms = agent->sessions[i]->blocked_ms;
        if (blocked_ms != 0 && (since_ms == 0 || blocked_ms < since_ms))
            since_ms = blocked_ms;
    }
    metrics_set(service_metrics(agent->service), METRIC_OLDEST, 0, (int64_t)since_ms);
}

/* Called while waiting for a delivery: requests rotations that are due. */
static bool is_over(void *context)
{
    struct agent *agent = context;
    health_turn(service_health(agent->service));
    emit_blocked(agent, agent->trying_ms);
    if (service_now_ms() - agent->looked_ms >= LOOK_MS && look_at_daemon(agent))
        spool_view_update(agent->view, agent);
    return service_drain_left_ms(agent->service) == 0;
}

/* Without a session daemon, silence ends sessions. */
static void end_silent(struct agent *agent)
{
    uint64_t after_ms = config_duration_ms(agent->config, "end-after");
    for (size_t i = 0; i < agent->count && after_ms > 0 && !agent->lttng; i++) {
        struct session *session = agent->sessions[i];
        if (!session->over && session->first >= 0 &&
            service_now_ms() - session->seen_ms >= after_ms)
            session->over = folder_is_still(session->folder, after_ms);
    }
}

static void look_at_folders(struct agent *agent)
{
    const char *const *folders;
    size_t count = config_list(agent->config, "watch", &folders);
    for (size_t i = 0; i < count; i++)
        agent_watch(agent, folders[i]);
    access_round(agent);
    end_silent(agent);
    struct failure why;
    if (agent_forget(agent) && agent_save(agent, &why) != STATUS_OK)
        log_say(service_log(agent->service), LOG_ERROR, "state", log_text("what", why.text));
    for (size_t i = 0; i < agent->count; i++) {
        if (agent->broker.until_ms != 0)
            spool_limit(agent, agent->sessions[i]);
        spool_tidy(agent, agent->sessions[i]);
    }
    spool_view_update(agent->view, agent);
}

static void put_off(struct agent *agent, struct session *session, const char *why)
{
    metrics_add(service_metrics(agent->service), METRIC_RETRIES, 0, 1);
    agent_say(agent, LOG_WARNING, "not published yet", session, session->next, why);
    if (session->blocked_ms == 0)
        session->blocked_ms = agent->trying_ms;
    /* Otherwise the failure is not specific to this session. */
    if (agent->broker.until_ms == 0)
        session->pause.until_ms = service_now_ms() + backoff_next_ms(&session->pause.backoff);
}

/* Publishes one chunk of each session; *more: there may be others. */
static enum status publish_round(struct agent *agent, bool *more, struct failure *why)
{
    *more = false;
    for (size_t i = 0; i < agent->count && !service_stopping(agent->service); i++) {
        struct session *session = agent->sessions[i];
        uint64_t now_ms = service_now_ms();
        health_turn(service_health(agent->service));
        if (now_ms < agent->broker.until_ms)
            return STATUS_OK;
        if (now_ms < session->pause.until_ms)
            continue;
        bool more_of_it = false;
        agent->broker.until_ms = 0;
        agent->trying_ms = now_ms;
        enum status status = chunks_publish(agent, session, &more_of_it, why);
        if (status == STATUS_STOP)
            return status;
        if (status == STATUS_OK) {
            session->pause.until_ms = 0;
            backoff_reset(&session->pause.backoff);
            session->blocked_ms = 0;
            *more |= more_of_it;
        } else {
            put_off(agent, session, why->text);
        }
        agent->trying_ms = 0;
        emit_blocked(agent, 0);
        if (more_of_it)
            spool_view_update(agent->view, agent);
    }
    return STATUS_OK;
}

static enum status run(struct agent *agent, struct failure *why)
{
    uint64_t watched_ms = 0;
    enum status status = STATUS_OK;
    bool more = false;
    while (status == STATUS_OK && !service_stopping(agent->service)) {
        health_turn(service_health(agent->service));
        bool look = look_at_daemon(agent) || more;
        if (service_now_ms() - watched_ms >= WATCH_MS) {
            look_at_folders(agent);
            watched_ms = service_now_ms();
            look = true;
        }
        if (look)
            status = publish_round(agent, &more, why);
        if (!more)
            service_sleep(agent->service, LOOK_MS);
    }
    return status;
}

static enum status open_all(struct agent *agent, struct failure *why)
{
    agent->identities = identities_new();
    agent->access = access_new();
    enum status status = agent_load(agent, config_text(agent->config, "state-dir"), why);
    if (status != STATUS_OK)
        return status;
    agent->view = spool_view_new(agent->service);
    agent->broker.backoff = backoff_make(BROKER_LEAST_MS, BROKER_MOST_MS, service_now_ms());
    struct publisher_options options = {.bus = service_bus(agent->service),
                                        .store_root = config_text(agent->config, "store-root"),
                                        .by_reference = config_flag(agent->config, "by-reference"),
                                        .patience = {is_over, agent},
                                        .timeout_ms = DELIVERY_MS};
    if (options.by_reference && !options.store_root)
        return fail(why, STATUS_REJECT, "--by-reference needs a --store-root");
    agent->publisher = publisher_new(&options);
    const char *const *folders;
    if (config_list(agent->config, "watch", &folders) > 0)
        return STATUS_OK;
    struct failure away;
    if (lttng_open(&agent->lttng, &away) != STATUS_OK)
        log_say(service_log(agent->service), LOG_WARNING, "session daemon",
                log_text("what", away.text));
    return STATUS_OK;
}

int main(int argc, char **argv)
{
    struct agent agent = {.lock_fd = -1};
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
        service_say_end(agent.service, config, &why);
    spool_view_free(agent.view);
    lttng_close(agent.lttng);
    publisher_free(agent.publisher);
    agent_free_sessions(&agent);
    identities_free(agent.identities);
    access_free(agent.access);
    free(agent.state_path);
    free(agent.archive_path);
    if (agent.lock_fd >= 0)
        close(agent.lock_fd);
    service_close(agent.service);
    config_free(config);
    return service_exit_code(status);
}
