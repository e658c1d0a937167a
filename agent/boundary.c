#include <stdlib.h>

#include "agent/agent.h"
#include "chunk/metadata.h"
#include "chunk/folder.h"
#include "chunk/survey.h"

/* NULL if nothing is readable. */
static struct chunk_survey *survey_of(const char *path)
{
    struct folder *folder;
    if (!path || folder_open(path, &folder, NULL) != STATUS_OK)
        return NULL;
    struct chunk_survey *survey = survey_new();
    const struct trace_set *set = folder_traces(folder);
    for (size_t i = 0; i < set->trace_count; i++) {
        struct metadata metadata;
        if (metadata_read(set->traces[i].metadata, &metadata, NULL) == STATUS_OK)
            survey_trace(survey, &metadata, &set->traces[i]);
        metadata_clear(&metadata);
    }
    survey_sort(survey);
    folder_close(folder);
    return survey;
}

/* The chunk after `number`: archived, or being written. Every stream begins it with a packet
 * stamped at the switch, which is on disk soon after. *is_whole: no packets can be missing. */
static struct chunk_survey *survey_after(const struct session *session,
                                         const struct found_chunk *found, size_t count,
                                         int64_t number, bool *is_whole)
{
    const struct found_chunk *after = found_number(found, count, number + 1);
    *is_whole = after != NULL;
    if (after)
        return survey_of(after->path);
    int64_t growing_number;
    char *growing = session_growing(session, &growing_number);
    struct chunk_survey *survey = growing_number == number + 1 ? survey_of(growing) : NULL;
    free(growing);
    return survey;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* At or before the first switch of the rotation; and at or after the last switch of the previous
 * rotation, since the seam of the next chunk reaches no further back. UINT64_MAX: the chunk has no
 * packets. */
static uint64_t end_of(const struct session *session, const struct found_chunk *found, size_t count,
                       int64_t number, const char *path, uint64_t asked_ns)
{
    struct chunk_survey *own = survey_of(path);
    uint64_t end_ns = UINT64_MAX;
    if (survey_has_packets(own)) {
        bool is_whole;
        const struct found_chunk *seam = boundary_seam(found, count, number);
        struct chunk_survey *before = survey_of(seam ? seam->path : NULL);
        struct chunk_survey *after = survey_after(session, found, count, number, &is_whole);
        if (survey_is_no_later(after, own)) { /* a copy: it will be left out */
            survey_free(after);
            after = NULL;
        }
        end_ns = asked_ns != UINT64_MAX ? asked_ns : survey_begin_ns(after);
        /* Events lost at the boundary belong to the later interval, from where the loss began. */
        end_ns = least(end_ns, survey_loss_ns(own, after));
        /* Streams that have not begun the next chunk yet wrote their last packet at or before the
         * switch. */
        if (asked_ns == UINT64_MAX && !is_whole)
            end_ns = least(end_ns, survey_gone_ns(own, after));
        if (end_ns == UINT64_MAX)
            end_ns = survey_end_ns(own);
        if (end_ns < survey_end_ns(before))
            end_ns = survey_end_ns(before);
        survey_free(before);
        survey_free(after);
    }
    survey_free(own);
    return end_ns;
}

enum status boundary_decide(struct agent *agent, struct session *session, int64_t chunk,
                            const char *path, uint64_t asked_ns, struct failure *why)
{
    if (session_boundary(session, chunk))
        return STATUS_OK;
    struct found_chunk *found;
    size_t count = session_chunks(session, &found);
    uint64_t end_ns = end_of(session, found, count, chunk, path, asked_ns);
    found_free(found, count);
    const struct boundary *begin = session_boundary(session, chunk - 1);
    uint64_t begin_ns = begin ? begin->end_ns : 0;
    /* A chunk without data is an empty interval: the seam continues from the previous one. */
    if (end_ns == UINT64_MAX || end_ns < begin_ns)
        end_ns = begin_ns;
    session_set_boundary(session, chunk, end_ns);
    return agent_save(agent, why);
}

enum status boundary_skip(struct agent *agent, struct session *session, int64_t chunk,
                          const struct found_chunk *after, struct failure *why)
{
    struct chunk_survey *survey = survey_of(after ? after->path : NULL);
    const struct boundary *begin = session_boundary(session, chunk - 1);
    uint64_t begin_ns = begin ? begin->end_ns : 0, end_ns = survey_open_ns(survey);
    survey_free(survey);
    session_drop_boundary(session, chunk);
    session_set_boundary(session, chunk, end_ns > begin_ns ? end_ns : begin_ns);
    return agent_save(agent, why);
}

const struct found_chunk *boundary_copied(const struct found_chunk *found, size_t count,
                                          const struct found_chunk *chunk)
{
    const struct found_chunk *before = boundary_seam(found, count, chunk->number);
    struct chunk_survey *own = survey_of(chunk->path),
                        *other = survey_of(before ? before->path : NULL);
    bool is_copy = survey_is_no_later(own, other);
    survey_free(own);
    survey_free(other);
    return is_copy ? before : NULL;
}

const struct found_chunk *boundary_seam(const struct found_chunk *found, size_t count,
                                        int64_t number)
{
    const struct found_chunk *before;
    while ((before = found_number(found, count, --number))) {
        struct chunk_survey *survey = survey_of(before->path);
        bool has_packets = survey_has_packets(survey);
        survey_free(survey);
        if (has_packets)
            return before;
    }
    return NULL;
}
