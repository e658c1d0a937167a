#include "cli/chunk_run.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/workers.h"
#include "chunk/chunk_edges.h"
#include "chunk/session_marks.h"
#include "wire/partial_peek.h"

/* Parts of a chunk; see parts_of(). */
enum { PARTS_MAX = 4096, PART_BYTES_MIN = 4 << 20 };

/* The output of a mapper for one chunk, or for a part of it. */
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
    double size, begin_s; /* bytes of its streams, and the time when its mapping began */
    /* Of a chunk that is mapped in parts; 0 and NULL: as a whole. */
    size_t part_count, parts_taken, parts_done;
    struct mapped *parts;
    uint64_t *cuts;  /* begins of the second and later parts */
    bool is_divided; /* it was made of its parts */
};

/* Shared by the threads, under `lock`; except that the struct mapped of a chunk, or of a part,
 * belongs to its mapper until it is `ready`, and those of all parts to the thread that unites them,
 * and the reducer, `joining` and the output in `run` belong to the joining thread. */
struct crew {
    struct chunk_run *run;
    struct joining *joining;
    pthread_mutex_t lock;
    pthread_mutex_t guard; /* of map_guard */
    pthread_cond_t changed;
    struct mapped *mapped; /* by chunk */
    size_t next;           /* next chunk to map */
    size_t joined;
    double left_bytes;         /* of the chunks from `next` on */
    double done_bytes, done_s; /* mapped, and how long that took, summed over all threads */
    bool joins;                /* a thread is joining */
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
    for (size_t i = 0; i < mapped->part_count; i++)
        mapped_clear(&mapped->parts[i]);
    free(mapped->parts);
    free(mapped->cuts);
    for (size_t i = 0; i < mapped->warning_count; i++)
        free(mapped->warnings[i]);
    free(mapped->warnings);
    free(mapped->bytes);
    free(mapped->ends);
    prepared_free(mapped->prepared);
    *mapped = (struct mapped){.ready = true};
}

static void stats_add(struct map_stats *to, const struct map_stats *more)
{
    to->events += more->events;
    to->single_events += more->single_events;
    to->items += more->items;
    to->record_bytes += more->record_bytes;
    to->raw_bytes += more->raw_bytes;
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

/* Without `room`. */
static struct map_options options_of(const struct chunk_run *run, size_t index)
{
    const struct chunk_list *list = run->list;
    struct map_options options = run->options;
    options.store = reducer_store(run->reducer);
    options.stays = true;
    options.window = window_of(run, index);
    options.mark = run->marks[index];
    options.first_chunk = (uint64_t)list->at[session_begin(list, index)].number;
    return options;
}

/* Maps a chunk, or a part of it, to `mapped`. `room` belongs to the thread. */
static void map_one(struct crew *crew, size_t index, const struct map_part *part,
                    struct archive_room *room, struct mapped *mapped)
{
    const struct chunk_run *run = crew->run;
    double begin_s = chunk_run_cpu_s();
    struct map_options options = options_of(run, index);
    options.room = room;
    options.part = part;
    struct reader_warnings warnings = {.say = keep_warning, .context = mapped};
    mapped->status =
        map_chunk(&run->list->at[index], &options, &warnings,
                  (struct record_sink){keep_record, mapped}, &mapped->stats, &mapped->why);
    mapped->cpu_s += chunk_run_cpu_s() - begin_s;
    begin_s = chunk_run_cpu_s();
    if (mapped->status == STATUS_OK)
        prepare(run->reducer, mapped);
    mapped->prepare_s = chunk_run_cpu_s() - begin_s;
}

/* --- joining --- */

static void say_of_chunk(struct chunk_run *run, size_t index, const char *sentence)
{
    char *whole = memory_format("%s: %s", run->list->at[index].path, sentence);
    progress_say_once(run->progress, whole); /* the chunk may be read again */
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
        stats_add(&run->stats, &mapped->stats);
        run->divided += mapped->is_divided;
        run->parts += mapped->is_divided ? mapped->part_count : 0;
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
        map_one(crew, i, NULL, &room, &crew->mapped[i]);
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

/* The chunk or part is mapped. */
static void set_done(struct crew *crew, struct mapped *mapped)
{
    mapped->ready = true;
    crew->done_bytes += mapped->size;
    crew->done_s += clock_s(CLOCK_MONOTONIC) - mapped->begin_s;
}

/* The chunk can be joined. */
static void set_ready(struct crew *crew, size_t index)
{
    bool stop = should_stop(crew->run);
    crew->mapped[index].ready = true;
    crew->stopped |=
        stop || (!is_outside(crew->run, index) && crew->mapped[index].status == STATUS_RETRY);
    pthread_cond_broadcast(&crew->changed);
}

/* An estimate of the bytes that a thread has still to map. */
static double bytes_left(const struct crew *crew, const struct mapped *mapped, double now_s)
{
    if (mapped->ready)
        return 0;
    double rate = crew->done_s > 0 ? crew->done_bytes / crew->done_s : 0;
    double left = mapped->size - rate * (now_s - mapped->begin_s);
    return left > 0 ? left : 0;
}

/* The same for all threads. */
static double bytes_in_work(const struct crew *crew)
{
    double now_s = clock_s(CLOCK_MONOTONIC), left = 0;
    for (size_t i = crew->joined + crew->joins; i < crew->next; i++) {
        const struct mapped *mapped = &crew->mapped[i];
        if (mapped->part_count == 0)
            left += bytes_left(crew, mapped, now_s);
        if (mapped->parts_done == mapped->part_count)
            continue; /* its parts belong to the thread that unites them */
        for (size_t j = 0; j < mapped->parts_taken; j++)
            left += bytes_left(crew, &mapped->parts[j], now_s);
        if (mapped->parts_taken < mapped->part_count)
            left += mapped->size * (double)(mapped->part_count - mapped->parts_taken) /
                    (double)mapped->part_count;
    }
    return left;
}

/* In how many parts to map the next chunk. All threads should end at the same time, so a chunk that
 * takes a thread longer than its share of the remaining work is divided, into parts of half of that
 * share, since threads progress unequally; others are not, since every part costs joining. */
static size_t parts_of(const struct crew *crew, size_t index)
{
    const struct chunk_run *run = crew->run;
    double bytes = crew->mapped[index].size;
    double each = (bytes_in_work(crew) + crew->left_bytes) / run->jobs;
    if (run->passes || bytes <= 1.1 * each)
        return 1;
    double parts = each > 0 ? 2 * bytes / each + 1 : PARTS_MAX;
    return parts < PARTS_MAX ? (size_t)parts : PARTS_MAX;
}

/* Writes the begins of the second and later parts of a chunk to `cuts`; returns their number. */
static size_t divide(const struct chunk_run *run, size_t index, size_t parts, uint64_t *cuts)
{
    struct map_options options = options_of(run, index);
    return map_cuts(&run->list->at[index], &options, parts,
                    run->part_bytes > 0 ? run->part_bytes : PART_BYTES_MIN, cuts);
}

/* The first chunk with parts that no thread has taken yet; SIZE_MAX if there is none. */
static size_t chunk_in_parts(const struct crew *crew)
{
    for (size_t i = crew->joined + crew->joins; i < crew->next; i++)
        if (crew->mapped[i].parts_taken < crew->mapped[i].part_count)
            return i;
    return SIZE_MAX;
}

/* Adds a part to those before it, which are united in `first`. */
static void append(struct mapped *first, struct mapped *part)
{
    prepared_append(first->prepared, part->prepared);
    part->prepared = NULL;
    part->stats.raw_bytes = 0; /* each part has those of the chunk */
    stats_add(&first->stats, &part->stats);
    first->cpu_s += part->cpu_s;
    first->prepare_s += part->prepare_s;
}

/* Whether the part is mapped, of the same bytes as the first one. */
static bool fits(const struct mapped *part, const struct mapped *first)
{
    return part->status == STATUS_OK && part->prepared && part->warning_count == 0 &&
           part->stats.raw_bytes == first->stats.raw_bytes;
}

/* Makes a mapped chunk of its parts. Those of a damaged chunk may report the damage several times,
 * or not at all, and those of a trace that grows differ: it is mapped again, as a whole. */
static void unite(struct crew *crew, size_t index, struct archive_room *room)
{
    struct mapped *mapped = &crew->mapped[index], *parts = mapped->parts;
    bool fit = true, stopped = false;
    for (size_t i = 0; i < mapped->part_count; i++) {
        fit &= fits(&parts[i], &parts[0]);
        stopped |= parts[i].status == STATUS_RETRY;
    }
    mapped->status = stopped ? STATUS_RETRY : STATUS_OK;
    if (!fit) {
        for (size_t i = 0; i < mapped->part_count; i++) {
            mapped->cpu_s += parts[i].cpu_s;
            mapped_clear(&parts[i]);
        }
        if (!stopped)
            map_one(crew, index, NULL, room, mapped);
        return;
    }
    for (size_t i = 1; i < mapped->part_count; i++)
        append(&parts[0], &parts[i]);
    mapped->bytes = parts[0].bytes; /* the records of one part announce the chunk */
    mapped->ends = parts[0].ends;
    mapped->count = parts[0].count;
    mapped->prepared = parts[0].prepared;
    mapped->stats = parts[0].stats;
    mapped->cpu_s = parts[0].cpu_s;
    mapped->prepare_s = parts[0].prepare_s;
    mapped->is_divided = true;
    parts[0] = (struct mapped){.ready = true};
}

/* Maps the next part of a chunk; the thread that completes the chunk also unites it. Releases the
 * lock meanwhile. */
static void map_next_part(struct crew *crew, size_t index, struct archive_room *room)
{
    struct mapped *mapped = &crew->mapped[index];
    size_t at = mapped->parts_taken++;
    struct mapped *here = &mapped->parts[at];
    here->size = mapped->size / (double)mapped->part_count;
    here->begin_s = clock_s(CLOCK_MONOTONIC);
    struct interval interval = crew->run->list->at[index].interval;
    struct map_part part = {
        .interval = interval, .is_first = at == 0, .is_last = at + 1 == mapped->part_count};
    if (!part.is_first)
        part.interval.begin_ns = mapped->cuts[at - 1];
    if (!part.is_last)
        part.interval.end_ns = mapped->cuts[at];
    pthread_mutex_unlock(&crew->lock);
    map_one(crew, index, &part, room, here);
    pthread_mutex_lock(&crew->lock);
    set_done(crew, here);
    if (++mapped->parts_done < mapped->part_count)
        return;
    pthread_mutex_unlock(&crew->lock);
    unite(crew, index, room);
    pthread_mutex_lock(&crew->lock);
    set_ready(crew, index);
}

/* Maps the next chunk, or divides it for all threads; releases the lock meanwhile. */
static void map_next(struct crew *crew, struct archive_room *room)
{
    size_t index = crew->next;
    bool outside = is_outside(crew->run, index);
    struct mapped *mapped = &crew->mapped[index];
    size_t parts = outside ? 1 : parts_of(crew, index);
    crew->next++;
    crew->left_bytes -= mapped->size;
    mapped->begin_s = clock_s(CLOCK_MONOTONIC);
    pthread_mutex_unlock(&crew->lock);
    uint64_t *cuts = memory_new(parts * sizeof *cuts);
    size_t cut_count = divide(crew->run, index, parts, cuts);
    if (!outside && cut_count == 0)
        map_one(crew, index, NULL, room, mapped);
    pthread_mutex_lock(&crew->lock);
    mapped->cuts = cuts;
    if (cut_count == 0) {
        set_done(crew, mapped);
        set_ready(crew, index);
        return;
    }
    mapped->part_count = cut_count + 1;
    mapped->parts = memory_new(mapped->part_count * sizeof *mapped->parts);
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
        size_t divided = chunk_in_parts(crew);
        if (may_join(crew))
            join_next(crew);
        else if (divided != SIZE_MAX)
            map_next_part(crew, divided, &room);
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
    for (size_t i = 0; i < run->list->count; i++) {
        if (!is_outside(run, i))
            crew->mapped[i].size = (double)chunk_ref_bytes(&run->list->at[i]);
        crew->left_bytes += crew->mapped[i].size;
    }
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
