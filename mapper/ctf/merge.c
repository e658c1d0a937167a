#include "merge.h"

#include <stdlib.h>

#include "base/memory.h"

static bool before(const struct merge_entry *a, const struct merge_entry *b)
{
    return a->head_ns < b->head_ns || (a->head_ns == b->head_ns && a->order < b->order);
}

static void sift_down(struct merge *merge, size_t at)
{
    struct merge_entry *heap = merge->heap, entry = heap[at];
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= merge->count)
            break;
        if (child + 1 < merge->count && before(&heap[child + 1], &heap[child]))
            child++;
        if (!before(&heap[child], &entry))
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = entry;
}

void merge_init(struct merge *merge, struct stream *streams, size_t count)
{
    *merge = (struct merge){.heap = memory_new(count * sizeof *merge->heap)};
    for (size_t i = 0; i < count; i++) {
        if (streams[i].head != HEAD_NONE)
            merge->heap[merge->count++] =
                (struct merge_entry){streams[i].head_ns, (uint32_t)i, &streams[i]};
    }
    for (size_t i = merge->count / 2; i-- > 0;)
        sift_down(merge, i);
}

void merge_clear(struct merge *merge)
{
    free(merge->heap);
    *merge = (struct merge){.heap = NULL};
}

/* Up to when the first stream goes on before any other. */
static uint64_t first_until(const struct merge *merge)
{
    const struct merge_entry *heap = merge->heap, *second = &heap[1];
    if (merge->count < 2)
        return UINT64_MAX;
    if (merge->count > 2 && before(&heap[2], second))
        second = &heap[2];
    /* Not at 0 if it is behind: the first is the least. */
    return heap[0].order < second->order ? second->head_ns : second->head_ns - 1;
}

size_t merge_next(struct merge *merge, struct event *events, size_t room)
{
    size_t filled = 0;
    while (filled < room && merge->count > 0) {
        struct merge_entry *first = &merge->heap[0];
        first->stream->least_ns = merge->last_ns;
        filled += stream_run(first->stream, events + filled, room - filled, first_until(merge));
        merge->last_ns = filled > 0 ? events[filled - 1].time_ns : merge->last_ns;
        if (first->stream->head == HEAD_NONE)
            *first = merge->heap[--merge->count];
        else
            first->head_ns = first->stream->head_ns;
        if (merge->count > 0)
            sift_down(merge, 0);
    }
    return filled;
}
