#include "cli/chunk_run.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/workers.h"
#include "chunk/chunk_edges.h"
#include "chunk/session_marks.h"
#include "wire/partial_peek.h"

/* The output of a mapper for one chunk. */
struct mapped {
    bool ready;
    enum status status;
    struct failure why;
    uint8_t *bytes; /* records, concatenated */
    size_t byte_count, byte_room;
    size_t *ends; /* of each record in `bytes` */
    size_t count, room;
    struct prepared *prepared; /* or NULL */
    char **warnings;
    size_t warning_count, warning_room;
    struct map_stats stats;
    double cpu_s, prepare_s;
};

/* Shared by the threads, under `lock`; except that a chunk's struct mapped belongs to its mapper
 * until it is `ready`, and the reducer, `joining` and the output in `run` belong to the joining
 * thread. */
struct crew {
    struct chunk_run *run;
    struct joining *joining;
    pthread_mutex_t lock;
    pthread_mutex_t guard; /* of map_guard */
    pthread_cond_t changed;
    struct mapped *mapped; /* by chunk */
    size_t next;           /* next chunk to map */
    size_t joined;
    bool joins; /* a thread is joining */
    bool stopped;
};

double chunk_run_cpu_s(void)
{
    return clock_s(CLOCK_THREAD_CPUTIME_ID);
}

static void keep_record(void *context, struct text key, struct bytes record)
{
    (void)key;
    struct mapped *mapped = context;
    mapped->bytes =
        memory_grow(mapped->bytes, &mapped->byte_room, mapped->byte_count + record.count, 1);
    memcpy(mapped->bytes + mapped->byte_count, record.at, record.count);
    mapped->byte_count += record.count;
    mapped->ends =
        memory_grow(mapped->ends, &mapped->room, mapped->count + 1, sizeof *mapped->ends);
    mapped->ends[mapped->count++] = mapped->byte_count;
}

static void keep_warning(void *context, const char *sentence)
{
    struct mapped *mapped = context;
    mapped->warnings = memory_grow(mapped->warnings, &mapped->warning_room,
                                   mapped->warning_count + 1, sizeof *mapped->warnings);
    mapped->warnings[mapped->warning_count++] = memory_string(text_of(sentence));
}

static void mapped_clear(struct mapped *mapped)
{
    for (size_t i = 0; i < mapped->warning_count; i++)
        free(mapped->warnings[i]);
    free(mapped->warnings);
    free(mapped->bytes);
    free(mapped->ends);
    prepared_free(mapped->prepared);
    *mapped = (struct mapped){.ready = true};
}

/* --- sessions: runs of the list --- */

static size_t session_begin(const struct chunk_list *list, size_t index)
{
    while (index > 0 && strcmp(list->at[index - 1].session, list->at[index].session) == 0)
        index--;
    return index;
}

static size_t session_end(const struct chunk_list *list, size_t index)
{
    size_t end = index + 1;
    while (end < list->count && strcmp(list->at[end].session, list->at[index].session) == 0)
        end++;
    return end;
}

static struct interval window_of(const struct chunk_run *run, size_t index)
{
    return run->passes ? run->before[index] : run->windows[index];
}

/* A chunk outside the window is not even opened. */
static bool is_outside_of(const struct chunk_run *run, size_t index, struct interval window)
{
    struct interval interval = run->list->at[index].interval;
    if (interval.begin_ns == interval.end_ns) /* an empty or unusable chunk */
        return window.end_ns < interval.begin_ns || window.begin_ns > interval.end_ns;
    return window.end_ns <= interval.begin_ns || window.begin_ns >= interval.end_ns ||
           window.begin_ns >= window.end_ns;
}

static bool is_outside(const struct chunk_run *run, size_t index)
{
    return is_outside_of(run, index, window_of(run, index));
}

/* Whether the chunk is read again for the window. */
static bool comes_again(const struct chunk_run *run, size_t index)
{
    return run->passes && !is_outside_of(run, index, run->windows[index]);
}

/* Decodes the records in the thread that mapped them: chunks are joined one after the other. */
static void prepare(const struct reducer *reducer, struct mapped *mapped)
{
    struct bytes *records = memory_new(mapped->count * sizeof *records);
    for (size_t i = 0; i < mapped->count; i++) {
        size_t begin = i > 0 ? mapped->ends[i - 1] : 0;
        records[i] = (struct bytes){mapped->bytes + begin, mapped->ends[i] - begin};
    }
    mapped->prepared = reducer_prepare(reducer, records, mapped->count);
    free(records);
}

/* `room` belongs to the thread. */
static void map_one(struct crew *crew, size_t index, struct archive_room *room)
{
    const struct chunk_run *run = crew->run;
    const struct chunk_list *list = run->list;
    struct mapped *mapped = &crew->mapped[index];
    double begin_s = chunk_run_cpu_s();
    struct map_options options = run->options;
    options.room = room;
    options.store = reducer_store(run->reducer);
    options.stays = true;
    options.window = window_of(run, index);
    options.mark = run->marks[index];
    options.first_chunk = (uint64_t)list->at[session_begin(list, index)].number;
    struct reader_warnings warnings = {.say = keep_warning, .context = mapped};
    mapped->status =
        map_chunk(&list->at[index], &options, &warnings, (struct record_sink){keep_record, mapped},
                  &mapped->stats, &mapped->why);
    mapped->cpu_s = chunk_run_cpu_s() - begin_s;
    begin_s = chunk_run_cpu_s();
    if (mapped->status == STATUS_OK)
        prepare(run->reducer, mapped);
    mapped->prepare_s = chunk_run_cpu_s() - begin_s;
}

/* --- joining --- */

static void say_of_chunk(struct chunk_run *run, size_t index, const char *sentence)
{
    char *whole = memory_format("%s: %s", run->list->at[index].path, sentence);
    if (run->before)
        progress_say_once(run->progress, whole); /* the chunk may be read twice */
    else
        progress_say(run->progress, whole);
    free(whole);
}

/* The joiner's current session. */
struct joining {
    size_t begin, end; /* its chunks in the list */
    char *session;     /* its name, once known from a chunk */
    char **lost;       /* by chunk: the reason why it is not joined, owned; or NULL */
};

/* The session's name is known from its first usable chunk: only then can the reducer know what
 * to expect. */
static void tell_expected(struct chunk_run *run, struct joining *joining, struct text session)
{
    joining->session = memory_string(session);
    struct chunk_edges edges;
    chunk_edges_find(run->list, joining->begin, joining->end, &edges);
    uint64_t *chunks = memory_new((joining->end - joining->begin + 1) * sizeof *chunks);
    size_t count = 0;
    for (size_t i = joining->begin; i < joining->end; i++) {
        uint64_t number = (uint64_t)run->list->at[i].number;
        if (!is_outside(run, i))
            chunks[count++] = number;
        else if (count == 0)
            edges.begin = number + 1;
    }
    edges.cut_short &= !run->passes && !is_outside(run, joining->end - 1);
    uint64_t behind = (uint64_t)run->list->at[joining->end - 1].number + 1;
    if (edges.cut_short)
        chunks[count++] = behind;
    reducer_expect(run->reducer, session, edges.begin, chunks, count);
    for (size_t i = joining->begin; i < joining->end; i++)
        if (joining->lost[i])
            reducer_missing(run->reducer, session, (uint64_t)run->list->at[i].number,
                            joining->lost[i]);
    if (edges.cut_short)
        reducer_missing(run->reducer, session, behind, NULL);
    free(chunks);
}

static void join_lost(struct chunk_run *run, struct joining *joining, size_t index,
                      const char *whole_why)
{
    const char *why = chunk_reason(&run->list->at[index], whole_why);
    say_of_chunk(run, index, why);
    run->progress->over = true;
    run->failed += !comes_again(run, index);
    joining->lost[index] = memory_string(text_of(why));
    if (joining->session)
        reducer_missing(run->reducer, text_of(joining->session),
                        (uint64_t)run->list->at[index].number, why);
}

/* No chunk of the session is usable: its name comes from folders or archives. */
static void name_by_list(struct chunk_run *run, struct joining *joining)
{
    const struct chunk_ref *ref = NULL;
    for (size_t i = joining->begin; i < joining->end && !joining->session; i++)
        if (joining->lost[i] &&
            (!ref || (ref->session_names == NULL && run->list->at[i].session_names)))
            ref = &run->list->at[i];
    if (!ref)
        return;
    const char *mark = ref->snapshot ? ref->snapshot : run->marks[ref - run->list->at];
    char *session = session_marked(ref->session_names, mark);
    tell_expected(run, joining, text_of(session));
    free(session);
}

static void join_records(struct chunk_run *run, struct joining *joining, size_t index,
                         struct mapped *mapped)
{
    reducer_use(run->reducer, mapped->prepared);
    mapped->prepared = NULL;
    size_t begin = 0;
    struct failure why;
    for (size_t i = 0; i < mapped->count; i++) {
        struct bytes record = {mapped->bytes + begin, mapped->ends[i] - begin};
        struct record_place place;
        begin = mapped->ends[i];
        if (!joining->session && partial_peek(record, &place, &why) == STATUS_OK)
            tell_expected(run, joining, place.meta.session);
        if (reducer_add(run->reducer, record, &why) != STATUS_OK) {
            say_of_chunk(run, index, why.text);
            run->failed += !comes_again(run, index);
            return;
        }
    }
    run->joined += !comes_again(run, index);
}

static void join_one(struct chunk_run *run, struct joining *joining, size_t index,
                     struct mapped *mapped)
{
    double begin_s = chunk_run_cpu_s();
    if (index >= joining->end) {
        name_by_list(run, joining);
        free(joining->session);
        joining->session = NULL;
        joining->begin = index;
        joining->end = session_end(run->list, index);
    }
    for (size_t i = 0; i < mapped->warning_count; i++)
        say_of_chunk(run, index, mapped->warnings[i]);
    run->warnings += mapped->warning_count;
    run->map_s += mapped->cpu_s;
    run->join_s += mapped->prepare_s;
    if (mapped->status == STATUS_OK) {
        run->stats.events += mapped->stats.events;
        run->stats.single_events += mapped->stats.single_events;
        run->stats.items += mapped->stats.items;
        run->stats.record_bytes += mapped->stats.record_bytes;
        run->stats.raw_bytes += mapped->stats.raw_bytes;
        join_records(run, joining, index, mapped);
    } else {
        join_lost(run, joining, index, mapped->why.text);
    }
    mapped_clear(mapped);
    run->join_s += chunk_run_cpu_s() - begin_s;
    progress_show(run->progress, index + 1, run->list->count, run->stats.events);
}

/* --- single-threaded --- */

static bool should_stop(const struct chunk_run *run)
{
    const struct map_stop *stop = &run->options.stop;
    return stop->asked && stop->asked(stop->context);
}

static void run_alone(struct crew *crew, struct joining *joining)
{
    struct chunk_run *run = crew->run;
    struct archive_room room = {.at = NULL};
    for (size_t i = 0; i < run->list->count && !run->stopped; i++) {
        if (is_outside(run, i))
            continue;
        map_one(crew, i, &room);
        if (crew->mapped[i].status == STATUS_RETRY || should_stop(run))
            run->stopped = true;
        else
            join_one(run, joining, i, &crew->mapped[i]);
        mapped_clear(&crew->mapped[i]);
    }
    archive_room_clear(&room);
}

/* --- multi-threaded --- */

/* Whether a chunk may be mapped now: not too far ahead of the joined ones. */
static bool may_map(const struct crew *crew)
{
    const struct chunk_run *run = crew->run;
    return crew->next < run->list->count && crew->next - crew->joined <= (size_t)run->jobs;
}

/* Whether the next chunk may be joined now. */
static bool may_join(const struct crew *crew)
{
    return !crew->joins && crew->mapped[crew->joined].ready;
}

/* Maps the next chunk; releases the lock meanwhile. */
static void map_next(struct crew *crew, struct archive_room *room)
{
    size_t index = crew->next++;
    bool outside = is_outside(crew->run, index);
    pthread_mutex_unlock(&crew->lock);
    if (!outside)
        map_one(crew, index, room);
    bool stop = should_stop(crew->run);
    pthread_mutex_lock(&crew->lock);
    crew->mapped[index].ready = true;
    crew->stopped |= stop || (!outside && crew->mapped[index].status == STATUS_RETRY);
    pthread_cond_broadcast(&crew->changed);
}

/* Joins the next chunk; releases the lock meanwhile. */
static void join_next(struct crew *crew)
{
    size_t index = crew->joined;
    crew->joins = true;
    pthread_mutex_unlock(&crew->lock);
    if (!is_outside(crew->run, index))
        join_one(crew->run, crew->joining, index, &crew->mapped[index]);
    pthread_mutex_lock(&crew->lock);
    crew->joins = false;
    crew->joined++;
    pthread_cond_broadcast(&crew->changed);
}

/* The lock is held. */
static void wait_for_change(struct crew *crew)
{
    struct chunk_run *run = crew->run;
    double begin_s = clock_s(CLOCK_MONOTONIC);
    double *waited =
        crew->next < run->list->count || crew->joins ? &run->wait_for_join_s : &run->wait_for_map_s;
    pthread_cond_wait(&crew->changed, &crew->lock);
    *waited += clock_s(CLOCK_MONOTONIC) - begin_s;
}

/* The work of each thread until all is joined. Joining has priority: chunks are joined one after
 * the other, so waiting ones would be left for the end, when there is no other work in parallel. */
static void take_turns(void *context, unsigned number)
{
    (void)number;
    struct crew *crew = context;
    struct archive_room room = {.at = NULL};
    pthread_mutex_lock(&crew->lock);
    while (!crew->stopped && crew->joined < crew->run->list->count) {
        if (may_join(crew))
            join_next(crew);
        else if (may_map(crew))
            map_next(crew, &room);
        else
            wait_for_change(crew);
    }
    pthread_mutex_unlock(&crew->lock);
    archive_room_clear(&room);
}

static void enter_guard(void *context)
{
    struct crew *crew = context;
    pthread_mutex_lock(&crew->guard);
}

static void leave_guard(void *context)
{
    struct crew *crew = context;
    pthread_mutex_unlock(&crew->guard);
}

static void run_crew(struct crew *crew)
{
    struct chunk_run *run = crew->run;
    pthread_mutex_init(&crew->lock, NULL);
    pthread_mutex_init(&crew->guard, NULL);
    pthread_cond_init(&crew->changed, NULL);
    run->options.guard = (struct map_guard){enter_guard, leave_guard, crew};
    workers_run(run->jobs - 1, take_turns, take_turns, crew);
    run->stopped = crew->stopped;
    pthread_cond_destroy(&crew->changed);
    pthread_mutex_destroy(&crew->guard);
    pthread_mutex_destroy(&crew->lock);
    run->options.guard = (struct map_guard){NULL, NULL, NULL};
}

static void run_through(struct chunk_run *run)
{
    struct crew crew = {.run = run};
    size_t count = run->list->count;
    crew.mapped = memory_new(count * sizeof *crew.mapped);
    struct joining joining = {.lost = memory_new(count * sizeof *joining.lost)};
    crew.joining = &joining;
    progress_show(run->progress, 0, count, 0);
    if (run->jobs > count)
        run->jobs = (unsigned)count;
    if (run->jobs > 1)
        run_crew(&crew);
    else
        run_alone(&crew, &joining);
    if (!run->stopped)
        name_by_list(run, &joining);
    for (size_t i = 0; i < count; i++)
        mapped_clear(&crew.mapped[i]);
    free(crew.mapped);
    free(joining.session);
    for (size_t i = 0; i < count; i++)
        free(joining.lost[i]);
    free(joining.lost);
    progress_clear(run->progress);
}

/* Whether there is data before the window. */
static bool has_before(const struct chunk_run *run)
{
    for (size_t i = 0; run->before && i < run->list->count; i++)
        if (!is_outside_of(run, i, run->before[i]))
            return true;
    return false;
}

void chunk_run(struct chunk_run *run)
{
    if (has_before(run)) {
        reducer_pass(run->reducer);
        run->passes = true;
        run_through(run);
        run->passes = false;
        if (run->stopped)
            return;
        reducer_count(run->reducer);
    }
    run_through(run);
}
