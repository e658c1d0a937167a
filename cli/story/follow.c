#include "cli/story/follow.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/memory.h"
#include "cli/story/chunk_feed.h"

/* State while chunks are read. */
struct following {
    struct follow *follow;
    struct chunk_opening opening;
    int32_t *current; /* by CPU */
    size_t cpu_count;
    int64_t offset_ns;
    bool has_offset;
    bool stopped;
    bool is_lost;                   /* the time before the next chunk is unknown */
    const struct reader_info *info; /* of the current chunk */
    int64_t last_ns;                /* of the last event; INT64_MIN: none */
    /* For the current chunk: the current thread after each loss of a CPU's events, in chunk order.
     * Read at the first loss. */
    const struct chunk_ref *ref;
    bool has_borders;
    int32_t *behind_border;
    size_t border_count, border_room, borders_passed;
};

/* The clock of the session is that of its kernel trace, or of its first. */
static void find_offset(struct following *following, const struct reader_info *info)
{
    for (size_t i = 0; i < info->trace_count; i++) {
        bool kernel = info->traces[i].domain == DOMAIN_KERNEL;
        if (!following->has_offset || kernel)
            following->offset_ns = info->traces[i].offset_ns;
        following->has_offset = true;
        if (kernel)
            return;
    }
}

static int32_t *current_on(struct following *following, int32_t cpu)
{
    if (cpu < 0)
        return NULL;
    size_t needed = (size_t)cpu + 1;
    if (needed > following->cpu_count) {
        following->current = memory_resize(following->current, needed, sizeof(int32_t));
        while (following->cpu_count < needed)
            following->current[following->cpu_count++] = FOLLOW_UNKNOWN;
    }
    return &following->current[cpu];
}

/* --- current threads at the begin of a chunk --- */

/* Takes the first switch of each CPU; returns the number of CPUs without one so far. */
static size_t look_at(struct following *following, const struct event *event, bool *seen,
                      size_t cpu_count)
{
    bool is_switch = event->kind == EVENT_SWITCH;
    bool ends = event->kind == EVENT_LOSS && event_is_border(event);
    size_t left = 0;
    if ((is_switch || ends) && event->cpu >= 0 && (size_t)event->cpu < cpu_count &&
        !seen[event->cpu]) {
        seen[event->cpu] = true;
        if (is_switch && event_has_value(event, 0))
            *current_on(following, event->cpu) = (int32_t)event->value[0];
    }
    for (size_t i = 0; i < cpu_count; i++)
        left += !seen[i];
    return left;
}

static void look_ahead(struct following *following, const struct chunk_ref *ref)
{
    struct open_chunk open;
    struct failure ignored; /* said when it is read */
    if (open_chunk(&following->opening, ref, NULL, 0, &open, &ignored) != STATUS_OK)
        return;
    const struct event *events;
    size_t count, cpu_count = 0, left = 0;
    const struct reader_info *info = open.reader ? reader_info(open.reader) : NULL;
    if (info && info->cpu_count > 0)
        cpu_count = (size_t)info->cpus[info->cpu_count - 1] + 1;
    bool *seen = memory_new(cpu_count);
    for (size_t i = 0; i < cpu_count; i++)
        seen[i] = true;
    for (size_t i = 0; info && i < info->cpu_count; i++)
        seen[info->cpus[i]] = false;
    left = info ? info->cpu_count : 0;
    while (left > 0 && reader_next(open.reader, &events, &count, &ignored) == STATUS_OK)
        for (size_t i = 0; i < count && left > 0; i++) {
            if (events[i].time_ns >= open.interval.end_ns)
                left = 0;
            else if (events[i].time_ns >= open.interval.begin_ns &&
                     (events[i].kind == EVENT_SWITCH || events[i].kind == EVENT_LOSS))
                left = look_at(following, &events[i], seen, cpu_count);
        }
    free(seen);
    close_chunk(&following->opening, &open);
}

/* --- current threads after a loss --- */

/* After a border, events of the CPU belong to the thread that its next switch takes off, unless
 * that is this much later. */
#define BEHIND_NS_MAX UINT64_C(10000000000)

struct border_cpu {
    size_t border;     /* its index + 1, until the CPU's next switch; 0: none */
    size_t first;      /* index of its first event after it; 0: none yet */
    uint64_t first_ns; /* its time */
    int32_t current;
};

struct borders {
    struct following *following;
    struct border_cpu *cpus;
    size_t cpu_count, open_count;
    size_t events;    /* number of events read */
    struct map named; /* by tid + 1: the last event that named it, in a switch or at its creation */
};

static void close_border(struct borders *borders, struct border_cpu *cpu, int32_t tid)
{
    if (cpu->border == 0)
        return;
    borders->following->behind_border[cpu->border - 1] = tid;
    cpu->border = 0;
    borders->open_count--;
}

static void note_border(struct borders *borders, struct border_cpu *cpu)
{
    struct following *following = borders->following;
    following->behind_border = memory_grow(following->behind_border, &following->border_room,
                                           following->border_count + 1, sizeof(int32_t));
    following->behind_border[following->border_count++] = FOLLOW_UNKNOWN;
    if (!cpu)
        return;
    close_border(borders, cpu, FOLLOW_UNKNOWN);
    *cpu = (struct border_cpu){.border = following->border_count, .current = FOLLOW_UNKNOWN};
    borders->open_count++;
}

static void name_thread(struct borders *borders, const struct event *event, unsigned value)
{
    if (event_has_value(event, value) && event->value[value] > 0)
        *map_place(&borders->named, (uint64_t)event->value[value] + 1) =
            (void *)(uintptr_t)borders->events;
}

/* Whether the thread can have been on `cpu` since its border: it ran on no other CPU, and was not
 * created since. */
static bool was_there(const struct borders *borders, const struct border_cpu *cpu,
                      const struct event *event, int32_t tid)
{
    size_t named = (size_t)(uintptr_t)map_get(&borders->named, (uint64_t)tid + 1);
    bool elsewhere = false;
    for (size_t i = 0; i < borders->cpu_count && tid > 0; i++)
        elsewhere |= &borders->cpus[i] != cpu && borders->cpus[i].current == tid;
    return cpu->first > 0 && event->time_ns - cpu->first_ns <= BEHIND_NS_MAX && !elsewhere &&
           (tid == 0 || named < cpu->first);
}

static void note_switch(struct borders *borders, struct border_cpu *cpu, const struct event *event)
{
    int32_t before = event_has_value(event, 0) ? (int32_t)event->value[0] : FOLLOW_UNKNOWN;
    bool known =
        before != FOLLOW_UNKNOWN && cpu->border > 0 && was_there(borders, cpu, event, before);
    close_border(borders, cpu, known ? before : FOLLOW_UNKNOWN);
    cpu->current = event_has_value(event, 2) ? (int32_t)event->value[2] : FOLLOW_UNKNOWN;
    name_thread(borders, event, 0);
    name_thread(borders, event, 2);
}

static void note_event(struct borders *borders, const struct event *event)
{
    bool on_cpu = event->cpu >= 0 && (size_t)event->cpu < borders->cpu_count;
    struct border_cpu *cpu = on_cpu ? &borders->cpus[event->cpu] : NULL;
    borders->events++;
    if (event->kind == EVENT_LOSS) {
        if (event_is_border(event))
            note_border(borders, cpu);
        return;
    }
    if (cpu && cpu->border > 0 && cpu->first == 0 && event->domain == DOMAIN_KERNEL) {
        cpu->first = borders->events;
        cpu->first_ns = event->time_ns;
    }
    if (event->kind == EVENT_SWITCH && cpu)
        note_switch(borders, cpu, event);
    else if (event->kind == EVENT_FORK)
        name_thread(borders, event, 2);
}

/* Reads the current chunk until all borders are resolved. */
static void find_borders(struct following *following)
{
    struct open_chunk open;
    struct failure ignored; /* said when it is read */
    following->has_borders = true;
    if (open_chunk(&following->opening, following->ref, NULL, 0, &open, &ignored) != STATUS_OK)
        return;
    const struct reader_info *info = reader_info(open.reader);
    struct borders borders = {.following = following};
    if (info->cpu_count > 0)
        borders.cpu_count = (size_t)info->cpus[info->cpu_count - 1] + 1;
    borders.cpus = memory_new(borders.cpu_count * sizeof *borders.cpus);
    for (size_t i = 0; i < borders.cpu_count; i++)
        borders.cpus[i].current = FOLLOW_UNKNOWN;
    const struct event *events;
    size_t count;
    bool over = false;
    while (!over && reader_next(open.reader, &events, &count, &ignored) == STATUS_OK)
        for (size_t i = 0; i < count && !over; i++) {
            int64_t wall_ns = (int64_t)events[i].time_ns + following->offset_ns;
            over = events[i].time_ns >= open.interval.end_ns ||
                   (wall_ns > following->follow->end_ns && borders.open_count == 0);
            if (!over && events[i].time_ns >= open.interval.begin_ns)
                note_event(&borders, &events[i]);
        }
    free(borders.cpus);
    map_clear(&borders.named);
    close_chunk(&following->opening, &open);
}

/* The current thread after a border. */
static int32_t behind_border(struct following *following)
{
    if (!following->has_borders)
        find_borders(following);
    size_t at = following->borders_passed++;
    return at < following->border_count ? following->behind_border[at] : FOLLOW_UNKNOWN;
}

/* --- events --- */

static int32_t thread_of(const struct event *event, int32_t current)
{
    bool outer = (event->has & EVENT_HAS_VTID) && !event_is_inner(event);
    if (event->has & EVENT_HAS_TID)
        return event->tid;
    if (event->domain == DOMAIN_UST && outer)
        return event->vtid;
    if (current == FOLLOW_UNKNOWN && event_shown_current(event) != 0)
        return event_shown_current(event);
    return current == FOLLOW_UNKNOWN && outer ? event->vtid : current;
}

static void take(struct following *following, const struct event *event)
{
    int32_t *current = current_on(following, event->cpu);
    struct followed followed = {.event = event,
                                .wall_ns = (int64_t)event->time_ns + following->offset_ns,
                                .tid = FOLLOW_UNKNOWN,
                                .behind = FOLLOW_UNKNOWN,
                                .info = following->info};
    if (event->kind == EVENT_SWITCH && event_has_value(event, 0))
        followed.tid = (int32_t)event->value[0];
    else if (event->kind == EVENT_LOSS)
        followed.tid = current ? *current : FOLLOW_UNKNOWN;
    else
        followed.tid = thread_of(event, current ? *current : FOLLOW_UNKNOWN);
    following->last_ns = followed.wall_ns;
    if (event->kind == EVENT_LOSS && event_is_border(event))
        followed.behind = behind_border(following);
    if (!following->follow->take(following->follow->context, &followed))
        following->stopped = true;
    if (!current)
        return;
    if (event->kind == EVENT_SWITCH)
        *current = event_has_value(event, 2) ? (int32_t)event->value[2] : FOLLOW_UNKNOWN;
    else if (event->kind == EVENT_LOSS && event_is_border(event))
        *current = followed.behind;
}

/* Whether the chunk is outside the time range; then its clock is known. */
static bool is_outside(const struct following *following, const struct chunk_ref *ref)
{
    const struct follow *follow = following->follow;
    if (!following->has_offset)
        return false;
    int64_t offset = following->offset_ns;
    bool before = ref->interval.end_ns != INTERVAL_OPEN &&
                  (int64_t)ref->interval.end_ns + offset <= follow->begin_ns;
    return before || (int64_t)ref->interval.begin_ns + offset > follow->end_ns;
}

static void say_failed(struct following *following, const struct chunk_ref *ref,
                       const struct failure *why)
{
    following->follow->failed++;
    reader_say(&following->follow->warnings, "%s: %s", ref->path ? ref->path : "chunk",
               chunk_reason(ref, why->text));
}

/* The time before the next chunk is unknown: the current threads are looked up in that chunk. */
static void tell_gap(struct following *following)
{
    following->is_lost = true;
    for (size_t i = 0; i < following->cpu_count; i++)
        following->current[i] = FOLLOW_UNKNOWN;
    if (following->follow->gap && following->last_ns != INT64_MIN)
        following->follow->gap(following->follow->context, following->last_ns);
}

/* A chunk comes next, which may be unreadable. */
static void enter_chunk(struct following *following, const struct feed_item *item)
{
    if (item->ref->gap_before)
        tell_gap(following);
    if (following->is_lost)
        look_ahead(following, item->ref);
    following->is_lost = false;
    following->ref = item->ref;
    following->has_borders = false;
    following->border_count = following->borders_passed = 0;
    following->follow->read += item->kind == FEED_OPENED;
    following->info = item->open.reader ? reader_info(item->open.reader) : NULL;
}

static void take_events(struct following *following, const struct feed_item *item)
{
    const struct event *events = item->events;
    for (size_t i = 0; i < item->count && !following->stopped; i++) {
        if (events[i].time_ns >= item->open.interval.end_ns)
            return;
        if (events[i].time_ns >= item->open.interval.begin_ns)
            take(following, &events[i]);
    }
}

/* False after the last item. */
static bool take_item(struct following *following, const struct feed_item *item)
{
    if (item->kind == FEED_OPENED || item->kind == FEED_FAILED)
        enter_chunk(following, item);
    for (size_t i = 0; i < item->warning_count; i++)
        reader_say(&following->follow->warnings, "%s: %s",
                   item->ref->path ? item->ref->path : "chunk", item->warnings[i]);
    if (item->kind == FEED_EVENTS)
        take_events(following, item);
    if (item->kind == FEED_FAILED || item->is_failed) {
        say_failed(following, item->ref, &item->why);
        tell_gap(following);
    }
    return item->kind != FEED_OVER && !following->stopped;
}

static void read_chunks(struct following *following)
{
    const struct follow *follow = following->follow;
    const struct chunk_ref **chunks = memory_new((follow->count + 1) * sizeof *chunks);
    size_t count = 0;
    for (size_t i = 0; i < follow->count; i++)
        if (!is_outside(following, &follow->chunks[i]))
            chunks[count++] = &follow->chunks[i];
    struct chunk_feed *feed = chunk_feed_new(&following->opening, chunks, count);
    while (take_item(following, chunk_feed_next(feed)))
        ;
    chunk_feed_free(feed);
    free(chunks);
}

/* Takes the clock from the first chunk that has it. */
static void find_clock(struct following *following)
{
    struct follow *follow = following->follow;
    for (size_t i = 0; i < follow->count && !following->has_offset; i++) {
        following->has_offset = follow->chunks[i].has_offset;
        following->offset_ns = follow->chunks[i].offset_ns;
    }
    for (size_t i = 0; i < follow->count && !following->has_offset; i++) {
        struct open_chunk open;
        struct failure ignored;
        if (open_chunk(&following->opening, &follow->chunks[i], NULL, 0, &open, &ignored) !=
            STATUS_OK)
            continue;
        if (open.reader)
            find_offset(following, reader_info(open.reader));
        close_chunk(&following->opening, &open);
    }
}

void follow(struct follow *follow)
{
    struct following following = {.follow = follow,
                                  .opening = {.schema = schema_new(follow->phases),
                                              .cache = plan_cache_new(),
                                              .shows = follow->shows},
                                  .is_lost = true,
                                  .last_ns = INT64_MIN};
    pthread_mutex_init(&following.opening.guard, NULL);
    find_clock(&following);
    read_chunks(&following);
    free(following.current);
    free(following.behind_border);
    plan_cache_free(following.opening.cache);
    schema_free(following.opening.schema);
    pthread_mutex_destroy(&following.opening.guard);
}

/* Source: TASK_RUNNING and TASK_REPORT_MAX of the kernel's include/linux/sched.h, in all its
 * versions. */
bool follow_is_runnable(int64_t prev_state)
{
    bool one_bit = prev_state >= 1024 && (prev_state & (prev_state - 1)) == 0;
    return prev_state == 0 || prev_state == 256 || one_bit;
}
