#include <pthread.h>
#include <stdlib.h>

#include "agent/agent.h"
#include "base/memory.h"

void spool_tidy(struct agent *agent, struct session *session)
{
    bool by_count = config_is_given(agent->config, "keep");
    bool by_bytes = config_is_given(agent->config, "keep-bytes");
    if (session->is_tidy || session->first < 0 || (!by_count && !by_bytes))
        return;
    session->is_tidy = true;
    struct found_chunk *found;
    size_t count = session_chunks(session, &found);
    /* The last chunk has the seam of the next one, if it has traces. */
    const struct found_chunk *seam =
        session->ended ? NULL : boundary_seam(found, count, session->next);
    uint64_t bytes = 0, kept = 0;
    for (size_t i = count; i-- > 0;) {
        if (found[i].number >= session->next || found[i].is_rest)
            continue;
        kept++;
        bytes += by_bytes ? folder_bytes(found[i].path) : 0;
        bool is_beyond = (by_count && kept > (uint64_t)config_integer(agent->config, "keep")) ||
                         (by_bytes && bytes > config_bytes(agent->config, "keep-bytes"));
        if (is_beyond && (session->ended || (seam && found[i].number < seam->number)))
            folder_remove(found[i].path);
    }
    found_free(found, count);
}

void spool_limit(struct agent *agent, struct session *session)
{
    struct found_chunk *found;
    size_t count = session_chunks(session, &found);
    uint64_t limit = config_bytes(agent->config, "spool-limit"), waiting = 0;
    for (size_t i = count; i-- > 0 && found[i].number >= session->next;) {
        waiting += folder_bytes(found[i].path);
        /* Keeps the newest, so that there is something to continue with. */
        if (waiting <= limit || i + 1 == count || found[i].is_rest)
            continue;
        /* The loss is announced when the broker is available: the chunk is missing then. */
        agent_say(agent, LOG_WARNING, "chunk dropped", session, found[i].number,
                  "the spool is full and the broker is unavailable");
        folder_remove(found[i].path);
    }
    found_free(found, count);
}

/* --- waiting chunks, for metrics --- */

/* The data of a session that shows which of its chunks wait. */
struct viewed {
    char *folder;
    int64_t next;
    struct identities *identities;
    unsigned identity;
    bool over, is_superseded;
};

struct spool_view {
    struct service *service;
    pthread_mutex_t lock;
    struct viewed *sessions;
    size_t count, room;
    size_t followed; /* sessions, including those without waiting chunks */
};

static void add_waiting(const struct viewed *viewed, uint64_t *chunks, uint64_t *bytes)
{
    const struct session session = {.folder = viewed->folder,
                                    .next = viewed->next,
                                    .identities = viewed->identities,
                                    .identity = viewed->identity,
                                    .over = viewed->over,
                                    .is_superseded = viewed->is_superseded};
    struct found_chunk *found;
    size_t count = session_chunks(&session, &found);
    for (size_t i = 0; i < count; i++)
        if (found[i].number >= viewed->next) {
            ++*chunks;
            *bytes += folder_bytes(found[i].path);
        }
    found_free(found, count);
}

/* Called in the thread that reads the metrics, while the agent may wait for a broker. */
static void refresh(void *context)
{
    struct spool_view *view = context;
    struct metrics *metrics = service_metrics(view->service);
    uint64_t chunks = 0, bytes = 0;
    pthread_mutex_lock(&view->lock);
    for (size_t i = 0; i < view->count; i++)
        add_waiting(&view->sessions[i], &chunks, &bytes);
    metrics_set(metrics, METRIC_SESSIONS, 0, (int64_t)view->followed);
    pthread_mutex_unlock(&view->lock);
    metrics_set(metrics, METRIC_WAITING, 0, (int64_t)chunks);
    metrics_set(metrics, METRIC_WAITING_BYTES, 0, (int64_t)bytes);
}

struct spool_view *spool_view_new(struct service *service)
{
    struct spool_view *view = memory_new(sizeof *view);
    view->service = service;
    pthread_mutex_init(&view->lock, NULL);
    metrics_refresh(service_metrics(service), refresh, view);
    return view;
}

static void forget_sessions(struct spool_view *view)
{
    for (size_t i = 0; i < view->count; i++)
        free(view->sessions[i].folder);
    view->count = 0;
}

void spool_view_free(struct spool_view *view)
{
    if (!view)
        return;
    metrics_refresh_end(service_metrics(view->service), view);
    forget_sessions(view);
    pthread_mutex_destroy(&view->lock);
    free(view->sessions);
    free(view);
}

void spool_view_update(struct spool_view *view, const struct agent *agent)
{
    pthread_mutex_lock(&view->lock);
    forget_sessions(view);
    view->followed = agent->count;
    for (size_t i = 0; i < agent->count; i++) {
        const struct session *session = agent->sessions[i];
        if (session->ended || session->passed_over)
            continue;
        view->sessions =
            memory_grow(view->sessions, &view->room, view->count + 1, sizeof *view->sessions);
        view->sessions[view->count++] = (struct viewed){memory_string(text_of(session->folder)),
                                                        session->next,
                                                        session->identities,
                                                        session->identity,
                                                        session->over,
                                                        session->is_superseded};
    }
    pthread_mutex_unlock(&view->lock);
}
