#include "mapper/decode/merge.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* The first entries are compared linearly. */
enum { NEAR = 8 };

static bool before(const struct merge_entry *a, const struct merge_entry *b)
{
    return a->head_ns < b->head_ns || (a->head_ns == b->head_ns && a->order < b->order);
}

/* The first entry from `low` on that is not before the given one. */
static size_t search(const struct merge *merge, size_t low, const struct merge_entry *entry)
{
    size_t high = merge->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (before(&merge->line[middle], entry))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Moves the entry at `at` to its place after it; the rest of the line is sorted. */
static void put_back(struct merge *merge, size_t at)
{
    struct merge_entry *line = merge->line, entry = line[at];
    size_t near = at + NEAR < merge->count ? at + NEAR : merge->count - 1;
    for (; at < near && before(&line[at + 1], &entry); at++)
        line[at] = line[at + 1];
    if (at == near && at + 1 < merge->count) {
        size_t behind = search(merge, at + 1, &entry);
        memmove(&line[at], &line[at + 1], (behind - at - 1) * sizeof *line);
        at = behind - 1;
    }
    line[at] = entry;
}

void merge_init(struct merge *merge, struct stream *streams, size_t count)
{
    *merge = (struct merge){.streams = streams, .line = memory_new(count * sizeof *merge->line)};
    for (size_t i = 0; i < count; i++) {
        if (streams[i].head != HEAD_NONE)
            merge->line[merge->count++] = (struct merge_entry){streams[i].head_ns, (uint32_t)i};
    }
    for (size_t i = merge->count; i-- > 0;)
        put_back(merge, i);
}

void merge_clear(struct merge *merge)
{
    free(merge->line);
    *merge = (struct merge){.line = NULL};
}

/* The time up to which the first stream may be read before any other. */
static uint64_t first_until(const struct merge *merge)
{
    const struct merge_entry *line = merge->line;
    if (merge->count < 2)
        return UINT64_MAX;
    /* Cannot wrap: if its order is smaller, its time is larger than that of the first. */
    return line[0].order < line[1].order ? line[1].head_ns : line[1].head_ns - 1;
}

size_t merge_next(struct merge *merge, struct event *events, size_t room)
{
    size_t filled = 0;
    while (filled < room && merge->count > 0) {
        struct merge_entry *first = &merge->line[0];
        struct stream *stream = &merge->streams[first->order];
        stream->least_ns = merge->last_ns;
        filled += stream_run(stream, events + filled, room - filled, first_until(merge));
        if (filled > 0)
            merge->last_ns = events[filled - 1].time_ns;
        if (stream->head != HEAD_NONE) {
            first->head_ns = stream->head_ns;
            put_back(merge, 0);
        } else {
            merge->count--;
            memmove(first, first + 1, merge->count * sizeof *first);
        }
    }
    return filled;
}
