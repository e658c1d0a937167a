#include <assert.h>

#include "base/memory.h"
#include "chunk/chunk_list_parts.h"
#include "chunk/survey.h"

/* Chunks [begin, end) are one session's. They tile its time: each ends where the next begins,
 * except before a gap. One without packets covers no time, and the seam comes from the chunk before
 * it. The interval of an archive was set when it was packed. */

static bool has_time(const struct chunk_ref *ref)
{
    return ref->packed || survey_has_packets(ref->survey);
}

/* The begin of a chunk with packets. `past`: the previous one with packets, since a gap;
 * `floor_ns`: the begin of the last one that covers time. */
static uint64_t begin_of(const struct chunk_ref *ref, const struct chunk_ref *past,
                         uint64_t floor_ns, bool is_first)
{
    uint64_t begin_ns = survey_begin_ns(ref->survey);
    if (is_first)
        return 0;
    if (past != NULL && past->packed)
        return past->interval.end_ns;
    if (past != NULL)
        begin_ns = survey_boundary_ns(past->survey, ref->survey);
    return begin_ns > floor_ns ? begin_ns : floor_ns;
}

/* Sets the begins of all chunks that cover time; those of others remain open. */
static void decide_begins(struct chunk_list *list, size_t begin, size_t end)
{
    struct chunk_ref *past = NULL;
    uint64_t floor_ns = 0;
    bool is_first = true;
    for (size_t i = begin; i < end; i++) {
        struct chunk_ref *ref = &list->at[i];
        ref->gap_before = i > begin && (ref[-1].number + 1 != ref->number || ref[-1].unusable);
        if (ref->gap_before)
            past = NULL;
        if (!ref->packed)
            ref->interval = (struct interval){INTERVAL_OPEN, INTERVAL_OPEN};
        if (!has_time(ref))
            continue;
        if (!ref->packed)
            ref->interval.begin_ns = begin_of(ref, past, floor_ns, is_first);
        if (past != NULL && !ref->packed) {
            ref->seam_path = memory_string(text_of(past->path));
            ref->seam_packed = past->packed;
            ref->seam_ref = past;
        }
        past = ref;
        floor_ns = ref->interval.begin_ns;
        is_first = false;
    }
}

/* The end of the chunks up to `*ref`, which precedes a gap: the end of their last packet. */
static uint64_t end_before_gap(const struct chunk_ref *ref, size_t index, size_t begin,
                               uint64_t next_ns)
{
    for (; index > begin && !has_time(ref) && !ref->gap_before; index--)
        ref--;
    uint64_t last_ns = survey_end_ns(ref->survey);
    return has_time(ref) && last_ns < next_ns ? last_ns + 1 : next_ns;
}

static void decide_ends(struct chunk_list *list, size_t begin, size_t end)
{
    uint64_t next_ns = INTERVAL_OPEN; /* begin of the following chunk */
    for (size_t i = end; i-- > begin;) {
        struct chunk_ref *ref = &list->at[i];
        bool gap = i + 1 < end && ref[1].gap_before;
        if (!ref->packed)
            ref->interval.end_ns = gap ? end_before_gap(ref, i, begin, next_ns) : next_ns;
        if (!has_time(ref))
            ref->interval.begin_ns = ref->interval.end_ns;
        next_ns = ref->interval.begin_ns;
    }
    if (end > begin && !list->at[begin].packed)
        list->at[begin].interval.begin_ns = 0; /* the session's time begins with it */
}

void chunk_decide_intervals(struct chunk_list *list, size_t begin, size_t end)
{
    decide_begins(list, begin, end);
    decide_ends(list, begin, end);
    for (size_t i = begin; i < end; i++) {
        const struct chunk_ref *ref = &list->at[i];
        assert(ref->interval.begin_ns <= ref->interval.end_ns || ref->packed);
        assert(i == begin || ref->gap_before || ref->packed ||
               ref[-1].interval.end_ns == ref->interval.begin_ns || ref[-1].packed);
    }
}
