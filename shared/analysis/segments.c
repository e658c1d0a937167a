#include "analysis/segments.h"

#include <assert.h>
#include <stdlib.h>

#include "base/memory.h"

/* The records of both refer to each other. */
static void note(struct changes *changes, struct instance *request, struct instance *segment)
{
    changes_note(changes, &request->change);
    changes_note(changes, &segment->change);
}

void segment_link(struct changes *changes, struct instance *request, struct instance *segment)
{
    assert(!segment->request && segment != request);
    if (!request->segments)
        request->segments = memory_new(sizeof *request->segments);
    struct segments *segments = request->segments;
    note(changes, request, segment);
    segment->request = request;
    segment->next_segment = segments->first;
    segment->back_segment = &segments->first;
    if (segments->first)
        segments->first->back_segment = &segment->next_segment;
    segments->first = segment;
    segments->open++;
}

void segment_begin(struct changes *changes, struct instance *request, struct instance *segment,
                   uint64_t begin_ns)
{
    if (!request->segments || request->segments->open == 0) {
        segment_link(changes, request, segment);
        request->segments->since_ns = begin_ns;
        return;
    }
    segment_link(changes, request, segment);
}

/* Returns the segment data of its request. */
static struct segments *unlink_segment(struct changes *changes, struct instance *segment)
{
    struct segments *segments = segment->request->segments;
    note(changes, segment->request, segment);
    *segment->back_segment = segment->next_segment;
    if (segment->next_segment)
        segment->next_segment->back_segment = segment->back_segment;
    segment->request = NULL;
    return segments;
}

void segment_end(struct changes *changes, struct instance *segment, uint64_t end_ns,
                 const struct time_vector *time, uint64_t calls)
{
    struct segments *segments = unlink_segment(changes, segment);
    if (--segments->open == 0)
        segments->busy_ns += end_ns - segments->since_ns;
    segments->span_ns += end_ns - segment->mark.begin_ns;
    segments->calls += calls;
    time_vector_merge(&segments->time, time);
}

/* --- waits --- */

static void add_wait(struct segments *segments, const struct instance_wait *wait)
{
    bool is_new;
    size_t at = cell_index_at(&segments->wait_index, wait->who, &is_new);
    if (is_new) {
        segments->waits =
            memory_grow(segments->waits, &segments->wait_room, at + 1, sizeof *segments->waits);
        segments->waits[segments->wait_count++] = (struct instance_wait){.who = wait->who};
    }
    segments->waits[at].count += wait->count;
    segments->waits[at].total_ns += wait->total_ns;
    uint64_t count = wait->count > 0 ? wait->count : 1;
    if (segments->waited <= INSTANCE_WAITS_COUNTED)
        segments->waited = count <= INSTANCE_WAITS_COUNTED ? segments->waited + count : count;
}

void segments_add_many_waits(struct segments *segments)
{
    segments->wait_count = 0;
    segments->waited = 0;
    cell_index_clear(&segments->wait_index);
    add_wait(segments, &(struct instance_wait){.who = wait_who(WAKER_UNKNOWN, 0),
                                               .count = INSTANCE_WAITS_COUNTED + 1});
}

void segments_add_waits(struct segments *segments, const struct instance_wait *waits, size_t count)
{
    for (size_t i = 0; i < count && segments->waited <= INSTANCE_WAITS_COUNTED; i++)
        add_wait(segments, &waits[i]);
    if (segments->waited > INSTANCE_WAITS_COUNTED)
        segments_add_many_waits(segments);
}

/* --- ends --- */

void segment_lose(struct changes *changes, struct instance *segment)
{
    struct segments *segments = unlink_segment(changes, segment);
    segments->lost++;
    segments->lost_begin_ns += segment->mark.begin_ns;
}

void segments_free(struct changes *changes, struct instance *request)
{
    if (!request->segments)
        return;
    while (request->segments->first)
        (void)unlink_segment(changes, request->segments->first);
    time_vector_free(&request->segments->time);
    free(request->segments->waits);
    cell_index_free(&request->segments->wait_index);
    free(request->segments);
    request->segments = NULL;
}

void segments_move(struct instance *to, struct instance *from)
{
    if (to->request) {
        *to->back_segment = to;
        if (to->next_segment)
            to->next_segment->back_segment = &to->next_segment;
    }
    for (struct instance *each = to->segments ? to->segments->first : NULL; each;
         each = each->next_segment)
        each->request = to;
    from->request = NULL;
    from->segments = NULL;
}

struct segments_sum segments_sum_up(const struct instance *request, uint64_t end_ns,
                                    struct time_vector *time)
{
    const struct segments *segments = request->segments;
    uint64_t wall_ns = end_ns - request->mark.begin_ns;
    if (!segments)
        return (struct segments_sum){.queued_ns = wall_ns};
    assert(!segments->first);
    time_vector_merge(time, &segments->time);
    uint64_t lost_ns = segments->lost * end_ns - segments->lost_begin_ns;
    time->unknown_ns += lost_ns;
    uint64_t busy_ns = segments->busy_ns;
    if (segments->open > 0)
        busy_ns += end_ns - segments->since_ns;
    return (struct segments_sum){.queued_ns = wall_ns - busy_ns,
                                 .parallel_ns = segments->span_ns + lost_ns - busy_ns};
}
