#include <errno.h>
#include <lttng/lttng.h>
#include <lttng/rotation.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "base/clock.h"
#include "base/crash.h"
#include "base/memory.h"
#include "chunk/chunk.h"

/* A session that is no longer listed is still written for a while; data that is not archived after
 * REST_MS never will be. */
enum { GONE_MS = 1000, REST_MS = 5000 };

/* A requested rotation, until its chunk exists. */
struct asked {
    char *folder; /* of the session */
    struct lttng_rotation_handle *handle;
    uint64_t boundary_ns;            /* CLOCK_MONOTONIC, before the request */
    struct thread_directory threads; /* then */
};

/* A subscription, for unsubscribing. */
struct subscription {
    char *name;
    struct lttng_condition *condition;
    struct lttng_trigger *trigger;
};

struct lttng {
    struct lttng_notification_channel *channel; /* NULL: must be opened again */
    struct asked *asked;
    size_t asked_count, asked_room;
    struct subscription *subscriptions;
    size_t subscription_count, subscription_room;
    bool said_away;
};

static void say(struct agent *agent, enum log_level level, const char *event, const char *name,
                const char *what)
{
    log_say(service_log(agent->service), level, event, log_text("session", name),
            log_text("what", what));
}

enum status lttng_open(struct lttng **out, struct failure *why)
{
    struct lttng *lttng = memory_new(sizeof *lttng);
    lttng->channel = lttng_notification_channel_create(lttng_session_daemon_notification_endpoint);
    *out = lttng;
    return lttng->channel ? STATUS_OK
                          : fail(why, STATUS_RETRY,
                                 "no session daemon answers; scanning folders until one does");
}

/* The trigger stays registered, for another run of the agent: a session daemon of LTTng 2.13.9
 * whose trigger of a rotation is unregistered crashes at the next rotation, and the recording is
 * lost. */
static void clear_subscription(struct subscription *subscription)
{
    lttng_trigger_destroy(subscription->trigger);
    lttng_condition_destroy(subscription->condition);
    free(subscription->name);
}

static void clear_asked(struct asked *asked)
{
    lttng_rotation_handle_destroy(asked->handle);
    thread_directory_clear(&asked->threads);
    free(asked->folder);
}

void lttng_close(struct lttng *lttng)
{
    if (!lttng)
        return;
    for (size_t i = 0; i < lttng->subscription_count; i++)
        clear_subscription(&lttng->subscriptions[i]);
    for (size_t i = 0; i < lttng->asked_count; i++)
        clear_asked(&lttng->asked[i]);
    lttng_notification_channel_destroy(lttng->channel);
    free(lttng->subscriptions);
    free(lttng->asked);
    free(lttng);
}

/* --- notifications: they only shorten the wait for the next query --- */

static void subscribe(struct agent *agent, const char *name)
{
    struct lttng *lttng = agent->lttng;
    for (size_t i = 0; i < lttng->subscription_count; i++)
        if (strcmp(lttng->subscriptions[i].name, name) == 0)
            return;
    if (!lttng->channel)
        return;
    struct lttng_condition *condition = lttng_condition_session_rotation_completed_create();
    struct lttng_action *action = lttng_action_notify_create();
    struct lttng_trigger *trigger = NULL;
    if (condition && action &&
        lttng_condition_session_rotation_set_session_name(condition, name) ==
            LTTNG_CONDITION_STATUS_OK)
        trigger = lttng_trigger_create(condition, action);
    /* A trigger registered by an earlier run of this agent has the same name, and works as well. */
    char *trigger_name = memory_format("spanmill-agent:%s", name);
    enum lttng_error_code code =
        trigger ? lttng_register_trigger_with_name(trigger, trigger_name) : LTTNG_ERR_NOMEM;
    free(trigger_name);
    bool registered = code == LTTNG_OK || code == LTTNG_ERR_TRIGGER_EXISTS;
    if (registered && lttng_notification_channel_subscribe(lttng->channel, condition) !=
                          LTTNG_NOTIFICATION_CHANNEL_STATUS_OK)
        registered = false;
    lttng_action_destroy(action);
    if (!registered) {
        say(agent, LOG_WARNING, "no notifications", name, lttng_strerror(-(int)code));
        lttng_trigger_destroy(trigger);
        lttng_condition_destroy(condition);
        return;
    }
    lttng->subscriptions = memory_grow(lttng->subscriptions, &lttng->subscription_room,
                                       lttng->subscription_count + 1, sizeof *lttng->subscriptions);
    lttng->subscriptions[lttng->subscription_count++] =
        (struct subscription){memory_string(text_of(name)), condition, trigger};
}

/* Reads notifications; true if there were any, or the daemon dropped some. */
static bool take_notifications(struct agent *agent)
{
    struct lttng *lttng = agent->lttng;
    bool any = false, pending = lttng->channel != NULL;
    while (pending) {
        if (lttng_notification_channel_has_pending_notification(lttng->channel, &pending) !=
            LTTNG_NOTIFICATION_CHANNEL_STATUS_OK)
            break;
        if (!pending)
            return any;
        struct lttng_notification *notification = NULL;
        enum lttng_notification_channel_status status =
            lttng_notification_channel_get_next_notification(lttng->channel, &notification);
        lttng_notification_destroy(notification);
        if (status != LTTNG_NOTIFICATION_CHANNEL_STATUS_OK &&
            status != LTTNG_NOTIFICATION_CHANNEL_STATUS_NOTIFICATIONS_DROPPED)
            break;
        any = true;
        metrics_add(service_metrics(agent->service), METRIC_NOTIFICATIONS, 0, 1);
    }
    if (!lttng->channel)
        return any;
    /* The daemon has ended; another may start. */
    for (size_t i = 0; i < lttng->subscription_count; i++)
        clear_subscription(&lttng->subscriptions[i]);
    lttng->subscription_count = 0;
    lttng_notification_channel_destroy(lttng->channel);
    lttng->channel = NULL;
    return any;
}

/* --- rotations --- */

static void ask_rotation(struct agent *agent, struct session *session)
{
    struct lttng *lttng = agent->lttng;
    struct asked asked = {.boundary_ns = clock_ns(CLOCK_MONOTONIC)};
    session->rotated_ms = service_now_ms();
    int code = lttng_rotate_session(session->name, NULL, &asked.handle);
    if (code < 0) {
        if (code != -LTTNG_ERR_ROTATION_PENDING && code != -LTTNG_ERR_SESSION_NOT_STARTED &&
            code != -LTTNG_ERR_ROTATION_AFTER_STOP_CLEAR &&
            code != -LTTNG_ERR_ROTATION_MULTIPLE_AFTER_STOP)
            say(agent, LOG_WARNING, "rotation refused", session->name, lttng_strerror(code));
        return;
    }
    proc_threads(&asked.threads, asked.boundary_ns);
    session->is_rotating = true;
    asked.folder = memory_string(text_of(session->folder));
    lttng->asked =
        memory_grow(lttng->asked, &lttng->asked_room, lttng->asked_count + 1, sizeof *lttng->asked);
    lttng->asked[lttng->asked_count++] = asked;
    metrics_add(service_metrics(agent->service), METRIC_ROTATIONS, 0, 1);
    session->rotations++;
    uint64_t every = (uint64_t)config_integer(agent->config, "statedump-every");
    if (every > 0 && session->rotations % every == 0 &&
        (code = lttng_regenerate_statedump(session->name)) < 0)
        say(agent, LOG_WARNING, "no state dump", session->name, lttng_strerror(code));
}

/* The archive folder of the rotation; NULL if unknown. Valid as long as the handle. */
static const char *archived_path(struct lttng_rotation_handle *handle)
{
    const struct lttng_trace_archive_location *location;
    const char *path;
    if (lttng_rotation_handle_get_archive_location(handle, &location) != LTTNG_ROTATION_STATUS_OK ||
        lttng_trace_archive_location_get_type(location) !=
            LTTNG_TRACE_ARCHIVE_LOCATION_TYPE_LOCAL ||
        lttng_trace_archive_location_local_get_absolute_path(location, &path) !=
            LTTNG_TRACE_ARCHIVE_LOCATION_STATUS_OK)
        return NULL;
    return path;
}

static int64_t chunk_of_path(const char *path)
{
    const char *slash = strrchr(path, '/');
    return chunk_number_of_name(slash ? slash + 1 : path);
}

static void rotation_done(struct agent *agent, struct session *session, struct asked *asked)
{
    const char *path = archived_path(asked->handle);
    int64_t chunk = path ? chunk_of_path(path) : -1;
    if (chunk < session->next)
        return;
    struct failure why;
    if (boundary_decide(agent, session, chunk, path, asked->boundary_ns, &why) != STATUS_OK)
        say(agent, LOG_ERROR, "state", session->name, why.text);
    crash_point("agent-rotated");
    session->complete = chunk;
    const struct boundary *boundary = session_boundary(session, chunk);
    if (!boundary || boundary->end_ns != asked->boundary_ns)
        return; /* the threads are from another time */
    thread_directory_clear(&session->threads);
    session->threads = asked->threads;
    session->threads_chunk = chunk + 1;
    asked->threads = (struct thread_directory){.at = NULL};
}

/* True if one has ended. */
static bool follow_rotations(struct agent *agent)
{
    struct lttng *lttng = agent->lttng;
    bool any = false;
    size_t kept = 0;
    for (size_t i = 0; i < lttng->asked_count; i++) {
        struct asked *asked = &lttng->asked[i];
        enum lttng_rotation_state state = LTTNG_ROTATION_STATE_ERROR;
        if (lttng_rotation_handle_get_state(asked->handle, &state) == LTTNG_ROTATION_STATUS_OK &&
            state == LTTNG_ROTATION_STATE_ONGOING) {
            lttng->asked[kept++] = *asked;
            continue;
        }
        agent_meet_chunks(agent, asked->folder);
        struct session *session = agent_find_session(agent, asked->folder);
        if (session && state == LTTNG_ROTATION_STATE_COMPLETED)
            rotation_done(agent, session, asked);
        if (session)
            session->is_rotating = false;
        any = true;
        clear_asked(asked);
    }
    lttng->asked_count = kept;
    return any;
}

static uint64_t growing_bytes(const struct session *session)
{
    int64_t number;
    char *path = session_growing(session, &number);
    uint64_t bytes = path ? folder_bytes(path) : 0;
    free(path);
    return bytes;
}

static void rotate_due(struct agent *agent, struct session *session)
{
    bool by_time = config_is_given(agent->config, "rotate-every");
    bool by_size = config_is_given(agent->config, "rotate-size");
    if ((!by_time && !by_size) || session->is_rotating)
        return;
    uint64_t passed = service_now_ms() - session->rotated_ms;
    bool due = by_time && passed >= config_duration_ms(agent->config, "rotate-every");
    if (!due && by_size && passed >= 1000)
        due = growing_bytes(session) >= config_bytes(agent->config, "rotate-size");
    if (due)
        ask_rotation(agent, session);
}

/* --- sessions --- */

static bool is_wanted(const struct agent *agent, const char *name)
{
    const char *const *names;
    size_t count = config_list(agent->config, "session", &names);
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return count == 0;
}

static void meet(struct agent *agent, const struct lttng_session *from)
{
    char *real = from->path[0] == '/' ? realpath(from->path, NULL) : NULL;
    bool wanted = is_wanted(agent, from->name);
    if (!real && wanted && from->path[0] == '/' && errno != ENOENT)
        access_trouble(agent, from->path, errno);
    if (!real)
        return; /* not on this host, or not yet */
    char *archives = memory_format("%s/archives", real);
    if (wanted && access_folder(agent, real))
        access_folder(agent, archives);
    free(archives);
    struct session *session = wanted ? agent_session(agent, real) : agent_find_session(agent, real);
    /* A session that is over does not come back: this is a new one. */
    if (wanted && (session->over || session->ended))
        session = agent_new_session(agent, real);
    if (wanted)
        agent_meet_chunks(agent, real);
    if (session)
        session = agent_find_session(agent, real);
    free(real);
    if (!session)
        return;
    if (!session->name) {
        session->name = memory_string(text_of(from->name));
        session->rotated_ms = service_now_ms();
    }
    session->live = true;
    session->passed_over = !wanted;
    session->gone_ms = 0;
    if (!wanted)
        return;
    subscribe(agent, from->name);
    if (from->enabled)
        rotate_due(agent, session);
}

/* Destroying a session rotates it a last time, if it was ever rotated; meanwhile it is no longer
 * listed. A session that is known from an earlier run of this agent and not listed ended in
 * between. */
static bool end_session(struct session *session)
{
    if (session->live || session->over || session->ended)
        return false;
    session->passed_over = false;
    uint64_t now_ms = service_now_ms();
    if (session->gone_ms == 0)
        session->gone_ms = now_ms;
    if (session->is_rotating || now_ms - session->gone_ms < GONE_MS ||
        !folder_is_still(session->folder, GONE_MS))
        return false;
    int64_t number;
    char *growing = session_growing(session, &number);
    session->over = !growing || folder_is_still(session->folder, REST_MS);
    free(growing);
    return session->over;
}

bool lttng_look(struct agent *agent)
{
    struct lttng *lttng = agent->lttng;
    struct lttng_session *found = NULL;
    bool any = take_notifications(agent);
    any |= follow_rotations(agent);
    int count = lttng_list_sessions(&found);
    if (count < 0) {
        if (!lttng->said_away)
            say(agent, LOG_WARNING, "session daemon", "-", lttng_strerror(count));
        lttng->said_away = true;
        return any;
    }
    lttng->said_away = false;
    if (!lttng->channel)
        lttng->channel =
            lttng_notification_channel_create(lttng_session_daemon_notification_endpoint);
    for (size_t i = 0; i < agent->count; i++)
        agent->sessions[i]->live = false;
    for (int i = 0; i < count; i++)
        meet(agent, &found[i]);
    free(found);
    for (size_t i = 0; i < agent->count; i++)
        any |= end_session(agent->sessions[i]);
    return any;
}
