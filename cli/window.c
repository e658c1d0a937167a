#include "cli/window.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "cli/render/quantity.h"
#include "mapper/map_chunk.h"
#include "mapper/readers/readers.h"
#include "wire/partial_peek.h"

static bool read_time(const struct config *config, const char *name, struct time_point *out,
                      FILE *err)
{
    struct failure why;
    const char *text = config_text(config, name);
    if (text == NULL || time_point_parse(text, out, &why) == STATUS_OK)
        return true;
    config_wrong(config, err, "--%s: %s", name, why.text);
    return false;
}

/* Points of the same kind can be compared without a trace. */
static bool is_empty(const struct window *window)
{
    int64_t since = window->since.ns, until = window->until.ns;
    if (window->since.kind == TIME_POINT_NONE || window->since.kind != window->until.kind)
        return false;
    return window->since.kind == TIME_BEFORE_END ? since <= until : until <= since;
}

bool window_read(struct window *window, const struct config *config, FILE *err)
{
    *window = (struct window){.since_text = config_text(config, "since"),
                              .until_text = config_text(config, "until")};
    if (!read_time(config, "since", &window->since, err) ||
        !read_time(config, "until", &window->until, err))
        return false;
    if (!is_empty(window))
        return true;
    config_wrong(config, err, "--until is not after --since");
    return false;
}

/* --- clocks --- */

/* The clock of a session. */
struct session_clock {
    bool known;
    uint64_t first_ns;
    int64_t offset_ns;
};

static bool same_session(const struct chunk_ref *a, const struct chunk_ref *b)
{
    return strcmp(a->session, b->session) == 0;
}

/* The first event of the session of chunk `*at`; moves `*at` to the next session. */
static struct session_clock find_clock(const struct chunk_list *list, size_t *at)
{
    struct session_clock clock = {.known = false};
    size_t begin = *at;
    for (; *at < list->count && same_session(&list->at[begin], &list->at[*at]); ++*at) {
        struct failure ignored; /* errors are reported when it is mapped */
        if (!clock.known)
            clock.known = map_first_event(&list->at[*at], &clock.first_ns, &clock.offset_ns,
                                          &ignored) == STATUS_OK;
    }
    return clock;
}

/* The interval end has the time of its last event. */
static void take_last(void *context, struct text key, struct bytes record)
{
    (void)key;
    uint64_t *last_ns = context;
    struct arena arena = {.first = NULL};
    struct record_place place;
    struct decoded_record decoded;
    struct failure ignored;
    if (partial_peek(record, &place, &ignored) != STATUS_OK || !place.is_end)
        return;
    if (partial_decode(record, NULL, &arena, &decoded, &ignored) == STATUS_OK)
        *last_ns = decoded.end.last_ns;
    arena_clear(&arena);
}

static bool find_last(const struct chunk_ref *ref, uint64_t *last_ns)
{
    struct map_options options = {.other_reader = readers_other(), .window = {0, INTERVAL_OPEN}};
    struct map_stats stats = {.events = 0};
    struct failure ignored;
    *last_ns = TIME_NONE;
    return map_chunk(ref, &options, NULL, (struct record_sink){take_last, last_ns}, &stats,
                     &ignored) == STATUS_OK &&
           *last_ns != TIME_NONE;
}

/* The last event of the session's chunks [begin, end). */
static int64_t find_end(const struct chunk_list *list, size_t begin, size_t end,
                        const struct session_clock *clock)
{
    uint64_t last_ns = clock->first_ns;
    for (size_t i = end; i-- > begin;)
        if (find_last(&list->at[i], &last_ns))
            break;
    return (int64_t)last_ns + clock->offset_ns;
}

/* The first event of all sessions of a list, and the last; false if there is none. */
static bool trace_range(const struct chunk_list *list, struct time_range *out)
{
    *out = (struct time_range){INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < list->count;) {
        size_t first = i;
        struct session_clock clock = find_clock(list, &i);
        if (!clock.known)
            continue;
        int64_t begin_ns = (int64_t)clock.first_ns + clock.offset_ns;
        int64_t end_ns = find_end(list, first, i, &clock);
        out->begin_ns = begin_ns < out->begin_ns ? begin_ns : out->begin_ns;
        out->end_ns = end_ns > out->end_ns ? end_ns : out->end_ns;
    }
    return out->begin_ns <= out->end_ns;
}

char *window_is_outside(const struct window *window, const struct chunk_list *list)
{
    struct time_range range;
    const char *since = window->since_text, *until = window->until_text;
    if ((!since && !until) || !trace_range(list, &range))
        return NULL;
    return memory_format(
        "no events%s%s%s%s: the first event is at %s.%09lld, the last at %s.%09lld",
        since ? " since " : "", since ? since : "", until ? " until " : "", until ? until : "",
        quantity_date(range.begin_ns).text, (long long)(range.begin_ns % 1000000000),
        quantity_date(range.end_ns).text, (long long)(range.end_ns % 1000000000));
}

static uint64_t raw_time(int64_t epoch_ns, int64_t offset_ns)
{
    return epoch_ns > offset_ns ? (uint64_t)epoch_ns - (uint64_t)offset_ns : 0;
}

void window_of_chunks(const struct window *window, const struct chunk_list *list,
                      struct chunk_windows *out)
{
    *out = (struct chunk_windows){.begin_ns = INT64_MIN, .end_ns = INT64_MAX};
    out->at = memory_new((list->count + 1) * sizeof *out->at);
    for (size_t i = 0; i < list->count; i++)
        out->at[i] = (struct interval){0, INTERVAL_OPEN};
    if (window->since.kind == TIME_POINT_NONE && window->until.kind == TIME_POINT_NONE)
        return;

    bool from_end = window->since.kind == TIME_BEFORE_END || window->until.kind == TIME_BEFORE_END;
    struct session_clock *clocks = memory_new(list->count * sizeof *clocks);
    struct time_range range = {INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < list->count;) {
        size_t first = i;
        struct session_clock clock = find_clock(list, &i);
        for (size_t j = first; j < i; j++)
            clocks[j] = clock;
        int64_t first_ns = (int64_t)clock.first_ns + clock.offset_ns;
        if (clock.known && first_ns < range.begin_ns)
            range.begin_ns = first_ns;
        int64_t last_ns = clock.known && from_end ? find_end(list, first, i, &clock) : INT64_MIN;
        if (last_ns > range.end_ns)
            range.end_ns = last_ns;
    }
    if (!time_point_resolve(window->since, range, &out->begin_ns))
        out->begin_ns = INT64_MIN;
    if (!time_point_resolve(window->until, range, &out->end_ns))
        out->end_ns = INT64_MAX;
    if (out->begin_ns != INT64_MIN)
        out->before = memory_new((list->count + 1) * sizeof *out->before);
    for (size_t i = 0; i < list->count; i++) {
        if (!clocks[i].known)
            continue;
        if (out->before) {
            out->at[i].begin_ns = raw_time(out->begin_ns, clocks[i].offset_ns);
            out->before[i].end_ns = out->at[i].begin_ns;
        }
        if (out->end_ns != INT64_MAX)
            out->at[i].end_ns = raw_time(out->end_ns, clocks[i].offset_ns);
    }
    free(clocks);
}

void chunk_windows_clear(struct chunk_windows *windows)
{
    free(windows->at);
    free(windows->before);
    *windows = (struct chunk_windows){.at = NULL};
}
