#include <stdlib.h>

#include "agent/agent.h"

void spool_tidy(struct agent *agent, struct session *session)
{
    bool by_count = config_is_given(agent->config, "keep");
    bool by_bytes = config_is_given(agent->config, "keep-bytes");
    if (session->is_tidy || session->first < 0 || (!by_count && !by_bytes))
        return;
    session->is_tidy = true;
    struct found_chunk *found;
    size_t count = session_chunks(session, &found);
    /* The seam of the next chunk is in the last one, if that has traces. */
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
        /* The newest stays, so that something is left to go on with. */
        if (waiting <= limit || i + 1 == count || found[i].is_rest)
            continue;
        /* That it is lost is announced when the broker is back: it will be missing then. */
        agent_say(agent, LOG_WARNING, "chunk dropped", session, found[i].number,
                  "the spool is full while the broker is away");
        folder_remove(found[i].path);
    }
    found_free(found, count);
}

void spool_tell(struct agent *agent)
{
    uint64_t chunks = 0, bytes = 0;
    for (size_t i = 0; i < agent->count; i++) {
        const struct session *session = agent->sessions[i];
        if (session->ended || session->passed_over)
            continue;
        struct found_chunk *found;
        size_t count = session_chunks(session, &found);
        for (size_t j = 0; j < count; j++)
            if (found[j].number >= session->next) {
                chunks++;
                bytes += folder_bytes(found[j].path);
            }
        found_free(found, count);
    }
    struct metrics *metrics = service_metrics(agent->service);
    metrics_set(metrics, METRIC_SESSIONS, 0, (int64_t)agent->count);
    metrics_set(metrics, METRIC_WAITING, 0, (int64_t)chunks);
    metrics_set(metrics, METRIC_WAITING_BYTES, 0, (int64_t)bytes);
}
