#include "cli/story/follow.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/memory.h"
#include "cli/story/chunk_feed.h"

/* State while chunks are read. */
struct following {
    struct follow *follow;
    struct chunk_opening opening;
    struct cpu_current {
        int32_t tid;
        int32_t switched_to; /* by its last switch in this chunk, if nothing was lost since */
    } * current;             /* by CPU */
    size_t cpu_count;
    int64_t offset_ns;
    bool has_offset;
    bool stopped;
    bool is_lost;                   /* the time before the next chunk is unknown */
    const struct reader_info *info; /* of the current chunk */
    int64_t last_ns;                /* of the last event; INT64_MIN: none */
    struct chunk_feed *feed;
    /* Of the current chunk: */
    const struct chunk_ref *ref;
    const struct feed_item *item; /* its events up to `item_at` are taken */
    size_t item_at;
    size_t looked_at; /* events that were decoded already when a border needed them */
    /* The current thread after each loss of a CPU's events, in order, if has_borders: then the chunk
     * was read for them. */
    bool has_borders;
    int32_t *behind_border;
    size_t border_count, border_room, borders_passed;
};

/* Reads events of the current chunk before they are taken: those that are decoded already, or, with
 * `open`, the chunk from its begin. */
struct looking {
    struct following *following;
    struct open_chunk open; /* chunk NULL: decoded events */
    size_t ahead;           /* items after the current one */
    size_t from;            /* events of the first one to skip */
    const struct event *events;
    size_t count;
    bool is_over; /* the chunk has no more */
};

static struct looking look_at_decoded(struct following *following)
{
    return (struct looking){.following = following, .from = following->item_at};
}

static bool look_at_chunk(struct following *following, struct looking *looking)
{
    struct failure ignored; /* reported when it is taken */
    *looking = (struct looking){.following = following};
    return open_chunk(&following->opening, following->ref, NULL, 0, &looking->open, &ignored) ==
               STATUS_OK &&
           looking->open.reader;
}

static void end_looking(const struct looking *looking)
{
    if (looking->open.chunk)
        close_chunk(&looking->following->opening, &looking->open);
}

/* The next events; false: there are no more. */
static bool look_further(struct looking *looking)
{
    struct failure ignored;
    if (looking->open.chunk)
        return reader_next(looking->open.reader, &looking->events, &looking->count, &ignored) ==
               STATUS_OK;
    const struct following *following = looking->following;
    const struct feed_item *item =
        looking->ahead > 0 ? chunk_feed_peek(following->feed, looking->ahead) : following->item;
    looking->ahead++;
    looking->is_over = item && item->kind == FEED_CLOSED;
    if (!item || (item->kind != FEED_EVENTS && item->kind != FEED_OPENED))
        return false;
    looking->count = item->kind == FEED_EVENTS ? item->count - looking->from : 0;
    looking->events = looking->count > 0 ? item->events + looking->from : NULL;
    looking->from = 0;
    return true;
}

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

static struct cpu_current *current_on(struct following *following, int32_t cpu)
{
    if (cpu < 0)
        return NULL;
    size_t needed = (size_t)cpu + 1;
    if (needed > following->cpu_count) {
        following->current = memory_resize(following->current, needed, sizeof *following->current);
        while (following->cpu_count < needed)
            following->current[following->cpu_count++] =
                (struct cpu_current){FOLLOW_UNKNOWN, FOLLOW_UNKNOWN};
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
            current_on(following, event->cpu)->tid = (int32_t)event->value[0];
    }
    for (size_t i = 0; i < cpu_count; i++)
        left += !seen[i];
    return left;
}

/* Takes the first switch of each CPU from `looking`; false if there are fewer events. */
static bool take_first(struct following *following, struct looking *looking,
                       const struct feed_item *item, bool *seen, size_t cpu_count, size_t *left)
{
    while (*left > 0 && look_further(looking))
        for (size_t i = 0; i<looking->count && * left> 0; i++) {
            const struct event *event = &looking->events[i];
            if (event->time_ns >= item->open.interval.end_ns)
                *left = 0;
            else if (event->time_ns >= item->open.interval.begin_ns &&
                     (event->kind == EVENT_SWITCH || event->kind == EVENT_LOSS))
                *left = look_at(following, event, seen, cpu_count);
        }
    return *left == 0 || looking->is_over;
}

/* At the begin of a chunk: looks up its current threads. */
static void look_ahead(struct following *following)
{
    const struct reader_info *info = following->info;
    size_t cpu_count = 0, left = info ? info->cpu_count : 0;
    if (left > 0)
        cpu_count = (size_t)info->cpus[info->cpu_count - 1] + 1;
    bool *seen = memory_new(cpu_count);
    for (size_t i = 0; i < cpu_count; i++)
        seen[i] = true;
    for (size_t i = 0; i < left; i++)
        seen[info->cpus[i]] = false;
    struct looking looking = look_at_decoded(following);
    if (!take_first(following, &looking, following->item, seen, cpu_count, &left) &&
        look_at_chunk(following, &looking))
        take_first(following, &looking, following->item, seen, cpu_count, &left);
    end_looking(&looking);
    free(seen);
}

/* --- current threads after a loss --- */

/* After a border, events of the CPU belong to the thread that its next switch takes off, unless
 * that is this much later. */
#define BEHIND_NS_MAX UINT64_C(10000000000)

/* Decoded events that are looked at for the borders of a chunk: with more, it is cheaper to read
 * the chunk. */
enum { LOOKED_AT_MAX = 1 << 20 };

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

static void borders_init(struct borders *borders, struct following *following)
{
    const struct reader_info *info = following->info;
    *borders = (struct borders){.following = following};
    if (info->cpu_count > 0)
        borders->cpu_count = (size_t)info->cpus[info->cpu_count - 1] + 1;
    borders->cpus = memory_new(borders->cpu_count * sizeof *borders->cpus);
    for (size_t i = 0; i < borders->cpu_count; i++)
        borders->cpus[i].current = FOLLOW_UNKNOWN;
}

static void borders_clear(struct borders *borders)
{
    free(borders->cpus);
    map_clear(&borders->named);
}

/* Reads the current chunk until all borders are resolved. */
static void find_borders(struct following *following)
{
    struct looking looking;
    struct borders borders;
    borders_init(&borders, following);
    following->has_borders = true;
    following->border_count = 0;
    bool over = !look_at_chunk(following, &looking);
    const struct interval *interval = &following->item->open.interval;
    while (!over && look_further(&looking))
        for (size_t i = 0; i < looking.count && !over; i++) {
            const struct event *event = &looking.events[i];
            int64_t wall_ns = (int64_t)event->time_ns + following->offset_ns;
            over = event->time_ns >= interval->end_ns ||
                   (wall_ns > following->follow->end_ns && borders.open_count == 0);
            if (!over && event->time_ns >= interval->begin_ns)
                note_event(&borders, event);
        }
    borders_clear(&borders);
    end_looking(&looking);
}

/* Resolves the current border by events that are decoded already; false: these are not enough. */
static bool find_border(struct following *following)
{
    struct looking looking = look_at_decoded(following);
    struct borders borders;
    borders_init(&borders, following);
    for (size_t i = 0; i < borders.cpu_count && i < following->cpu_count; i++)
        borders.cpus[i].current = following->current[i].switched_to;
    size_t at = following->border_count;
    const struct event *border = &following->item->events[following->item_at - 1];
    const struct interval *interval = &following->item->open.interval;
    note_event(&borders, border);
    bool on_cpu = border->cpu >= 0 && (size_t)border->cpu < borders.cpu_count;
    const size_t *open = on_cpu ? &borders.cpus[border->cpu].border : NULL;
    bool is_over = false;
    while (open && *open == at + 1 && !is_over && look_further(&looking))
        for (size_t i = 0; i < looking.count && *open == at + 1 && !is_over; i++) {
            is_over = looking.events[i].time_ns >= interval->end_ns;
            if (!is_over)
                note_event(&borders, &looking.events[i]);
        }
    bool found = !open || *open != at + 1 || is_over || looking.is_over;
    following->looked_at += borders.events;
    following->border_count = at + 1;
    borders_clear(&borders);
    return found;
}

/* The current thread after a border. Its CPU switches soon, so the events for it are usually
 * decoded already. Otherwise, or after many borders, the chunk is read once for all of them. */
static int32_t behind_border(struct following *following)
{
    size_t at = following->borders_passed++;
    if (!following->has_borders &&
        (following->looked_at > LOOKED_AT_MAX || !find_border(following)))
        find_borders(following);
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
    struct cpu_current *current = current_on(following, event->cpu);
    int32_t tid = current ? current->tid : FOLLOW_UNKNOWN;
    struct followed followed = {.event = event,
                                .wall_ns = (int64_t)event->time_ns + following->offset_ns,
                                .tid = tid,
                                .behind = FOLLOW_UNKNOWN,
                                .info = following->info};
    bool is_border = event->kind == EVENT_LOSS && event_is_border(event);
    if (event->kind == EVENT_SWITCH)
        followed.tid = event_has_value(event, 0) ? (int32_t)event->value[0] : thread_of(event, tid);
    else if (event->kind != EVENT_LOSS)
        followed.tid = thread_of(event, tid);
    following->last_ns = followed.wall_ns;
    if (is_border)
        followed.behind = behind_border(following);
    if (!following->follow->take(following->follow->context, &followed))
        following->stopped = true;
    if (!current)
        return;
    if (event->kind == EVENT_SWITCH)
        current->tid = current->switched_to =
            event_has_value(event, 2) ? (int32_t)event->value[2] : FOLLOW_UNKNOWN;
    else if (is_border)
        *current = (struct cpu_current){followed.behind, FOLLOW_UNKNOWN};
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
static void enter_gap(struct following *following)
{
    following->is_lost = true;
    for (size_t i = 0; i < following->cpu_count; i++)
        following->current[i].tid = FOLLOW_UNKNOWN;
    if (following->follow->gap && following->last_ns != INT64_MIN)
        following->follow->gap(following->follow->context, following->last_ns);
}

/* A chunk comes next, which may be unreadable. */
static void enter_chunk(struct following *following, const struct feed_item *item)
{
    if (item->ref->gap_before)
        enter_gap(following);
    following->ref = item->ref;
    following->item = item;
    following->item_at = 0;
    following->has_borders = false;
    following->border_count = following->borders_passed = following->looked_at = 0;
    for (size_t i = 0; i < following->cpu_count; i++)
        following->current[i].switched_to = FOLLOW_UNKNOWN;
    following->follow->read += item->kind == FEED_OPENED;
    following->info = item->open.reader ? reader_info(item->open.reader) : NULL;
    if (!following->has_offset && following->info)
        find_offset(following, following->info);
    if (following->is_lost)
        look_ahead(following);
    following->is_lost = false;
}

/* Whether the event is not wanted by `only_calls` of struct follow. */
static bool is_beside(const struct event *event)
{
    return event->domain == DOMAIN_KERNEL &&
           (event->kind == EVENT_OTHER || event->kind == EVENT_WAKEUP ||
            event->kind == EVENT_HANDLER_ENTRY || event->kind == EVENT_HANDLER_EXIT);
}

static void take_events(struct following *following, const struct feed_item *item)
{
    const struct event *events = item->events;
    bool only_calls = following->follow->only_calls;
    following->item = item;
    for (size_t i = 0; i < item->count && !following->stopped; i++) {
        following->item_at = i + 1;
        if (events[i].time_ns >= item->open.interval.end_ns)
            return;
        if (events[i].time_ns >= item->open.interval.begin_ns &&
            !(only_calls && is_beside(&events[i])))
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
        enter_gap(following);
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
    following->feed = chunk_feed_new(&following->opening, chunks, count);
    while (take_item(following, chunk_feed_next(following->feed)))
        ;
    chunk_feed_free(following->feed);
    free(chunks);
}

/* Takes the clock from the first chunk that has it, if chunks have to be selected by time:
 * otherwise, it is that of the first one read. */
static void find_clock(struct following *following)
{
    struct follow *follow = following->follow;
    if (follow->begin_ns == INT64_MIN && follow->end_ns == INT64_MAX)
        return;
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
                                              .cache = follow->cache,
                                              .shows = follow->shows},
                                  .is_lost = true,
                                  .last_ns = INT64_MIN};
    if (!follow->cache)
        following.opening.cache = plan_cache_new();
    pthread_mutex_init(&following.opening.guard, NULL);
    find_clock(&following);
    read_chunks(&following);
    free(following.current);
    free(following.behind_border);
    if (!follow->cache)
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
