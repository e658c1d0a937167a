#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/workers.h"
#include "results/fold.h"
#include "results/fold_rows.h"

/* --- processes and threads --- */

/* Whether the name of process from `a` has priority over that from `b`: lives of its leader over
 * other threads, names from the kernel over those from user space, later lives over earlier ones;
 * then the name from its own trace; of others the lowest tid. For one thread, `a` is the later
 * record. */
static bool better(const struct candidate *a, const struct candidate *b)
{
    if (!b->any)
        return true;
    if (a->leader != b->leader)
        return a->leader;
    if (!a->leader && a->tid != b->tid)
        return a->tid < b->tid;
    if (a->kernel != b->kernel)
        return a->kernel;
    return a->thread >= b->thread;
}

void fold_choose(struct candidate *best, const struct candidate *other)
{
    if (other->any && better(other, best))
        *best = *other;
}

/* The time of interrupts in its time. */
static struct interrupted interrupted_of(const struct fold *fold,
                                         const struct folded_thread *thread)
{
    struct text name = {NULL, 0};
    if (thread->name != NO_NAME)
        name = names_text(&fold->names, thread->name);
    return fold_rows_interrupted(&thread->time, name);
}

void fold_sum_thread(const struct fold *fold, struct process_sum *sum,
                     const struct folded_thread *thread)
{
    const struct thread_fact *fact = &thread->fact;
    if (fact->tid != TID_UNKNOWN) {
        sum->all_exited = fact->end_hard && (sum->threads == 0 || sum->all_exited);
        sum->threads++;
    }
    sum->cpu_ns += thread->cpu_ns;
    const struct interrupted taken = interrupted_of(fold, thread);
    sum->irq_ns += taken.irq_ns;
    sum->softirq_ns += taken.softirq_ns;
    if (!sum->any || fact->begin_ns < sum->first_ns)
        sum->first_ns = fact->begin_ns;
    if (fact->end_ns > sum->last_ns)
        sum->last_ns = fact->end_ns;
    sum->any = true;
    const struct candidate by_name = {.any = thread->name != NO_NAME,
                                      .leader = fact->tid == (int32_t)(uint32_t)fact->process,
                                      .kernel = fact->kernel_named,
                                      .tid = fact->tid,
                                      .thread = fact->id,
                                      .name = thread->name};
    const struct candidate by_program = {.any = thread->program != NO_NAME,
                                         .tid = TID_BEFORE_ALL,
                                         .thread = fact->id,
                                         .name = thread->program};
    fold_choose(&sum->candidate, &by_name);
    fold_choose(&sum->candidate, &by_program);
}

/* Processes with one pid in several namespaces may begin at the same time: rows that are equal in
 * all compared fields print alike, so the order of a hash table does not show. */
static int compare_processes(const void *a, const void *b)
{
    const struct process_row *left = a, *right = b;
    const int64_t keys[][2] = {{left->pid, right->pid},
                               {left->begin_ns, right->begin_ns},
                               {left->end_ns, right->end_ns},
                               {(int64_t)left->threads, (int64_t)right->threads},
                               {(int64_t)left->cpu_ns, (int64_t)right->cpu_ns},
                               {left->ppid, right->ppid},
                               {left->begin_hard, right->begin_hard},
                               {left->end_hard, right->end_hard}};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        int order = fold_rows_compare(keys[i][0], keys[i][1]);
        if (order)
            return order;
    }
    return 0;
}

/* The rows of a pid have the name of its last process. */
static void name_pid(struct fold_rows *rows, uint64_t process, const struct candidate *candidate)
{
    uint64_t key = (uint64_t)fold_rows_pid(process) + 1;
    struct old_name *named = map_get(&rows->process_names, key);
    if (!named) {
        named = arena_take(rows->arena, sizeof *named);
        map_put(&rows->process_names, key, named);
    }
    if (named->process < process)
        *named = (struct old_name){.process = process};
    if (named->process == process)
        fold_choose(&named->candidate, candidate);
}

/* The sums of a process. */
struct summed {
    uint64_t id;
    struct process_sum sum;
};

static struct summed *summed_at(struct map *sums, uint64_t id)
{
    struct summed *summed = map_get(sums, id);
    if (!summed) {
        summed = memory_new(sizeof *summed);
        summed->id = id;
        map_put(sums, id, summed);
    }
    return summed;
}

/* Over the threads of each process, including dropped ones. */
static void sum_processes(const struct fold *fold, bool earlier, struct map *sums)
{
    const struct folded_process *process;
    for (size_t at = 0; !earlier && (process = map_next(&fold->processes, &at));)
        if (process->gone.any)
            summed_at(sums, process->fact.id)->sum = process->gone;
    const struct folded_thread *thread;
    for (struct id_walk walk = {0}; (thread = id_map_next(&fold->threads, &walk));)
        if (thread->fact.id && thread->fact.process && thread->is_earlier == earlier)
            fold_sum_thread(fold, &summed_at(sums, thread->fact.process)->sum, thread);
}

/* Processes that ended before the window have no row, but may be named in others. */
static void name_earlier(struct fold_rows *rows, const struct map *known)
{
    struct map sums = {0};
    struct summed *summed;
    sum_processes(rows->fold, true, &sums);
    for (size_t at = 0; (summed = map_next(&sums, &at));) {
        if (!map_get(known, summed->id))
            name_pid(rows, summed->id, &summed->sum.candidate);
        free(summed);
    }
    map_clear(&sums);
}

static void build_processes(struct fold_rows *rows, struct session_report *out)
{
    const struct fold *fold = rows->fold;
    const struct old_name *each;
    for (size_t at = 0; (each = map_next(&fold->old_names, &at));)
        name_pid(rows, each->process, &each->candidate);
    struct map sums = {0};
    sum_processes(fold, false, &sums);
    name_earlier(rows, &sums);
    out->processes = arena_take(rows->arena, (sums.count + 1) * sizeof *out->processes);
    struct summed *summed;
    for (size_t at = 0; (summed = map_next(&sums, &at));) {
        const struct process_sum *sum = &summed->sum;
        const struct folded_process *process = map_get(&fold->processes, summed->id);
        const struct old_name *old = map_get(&fold->old_names, (uint64_t)(uint32_t)summed->id + 1);
        struct candidate called = {.any = false};
        if (old && old->process == summed->id)
            called = old->candidate;
        fold_choose(&called, &sum->candidate);
        name_pid(rows, summed->id, &called);
        bool fork_seen = process && process->fact.fork_seen;
        out->processes[out->process_count++] = (struct process_row){
            .pid = fold_rows_pid(summed->id),
            .process = called.any ? fold_rows_text(rows, called.name) : NULL,
            .ppid = process && process->fact.ppid >= 0 ? process->fact.ppid : REPORT_NONE,
            .begin_hard = fork_seen,
            .begin_ns = fold_rows_wall(fold, fork_seen ? process->fact.fork_ns : sum->first_ns),
            .end_hard = sum->all_exited,
            .end_ns = fold_rows_wall(fold, sum->last_ns),
            .threads = sum->threads,
            .cpu_ns = sum->cpu_ns,
            .irq_ns = sum->irq_ns,
            .softirq_ns = sum->softirq_ns};
        free(summed);
    }
    map_clear(&sums);
    qsort(out->processes, out->process_count, sizeof *out->processes, compare_processes);
}

static int compare_threads(const void *a, const void *b)
{
    const struct thread_row *left = a, *right = b;
    int order = fold_rows_compare(left->tid, right->tid);
    if (order == 0)
        order = fold_rows_compare(left->begin_ns, right->begin_ns);
    return order ? order : fold_rows_compare(left->end_ns, right->end_ns);
}

static int compare_scheds(const void *a, const void *b)
{
    const struct sched_row *left = a, *right = b;
    int order = fold_rows_compare(left->tid, right->tid);
    return order ? order : fold_rows_compare(left->begin_ns, right->begin_ns);
}

static struct thread_row thread_row(const struct fold_rows *rows,
                                    const struct folded_thread *thread)
{
    const struct fold *fold = rows->fold;
    const struct thread_fact *fact = &thread->fact;
    const struct time_vector *time = &thread->time;
    return (struct thread_row){.tid = fact->tid,
                               .begin_ns = fold_rows_wall(fold, fact->begin_ns),
                               .end_ns = fold_rows_wall(fold, fact->end_ns),
                               .pid = fold_rows_pid(fact->process),
                               .name = fold_rows_text(rows, thread->name),
                               .begin_hard = fact->begin_hard,
                               .end_hard = fact->end_hard,
                               .cpu_ns = thread->cpu_ns,
                               .switches = thread->switches,
                               .user_cpu_ns = time->user_ns + time->before_running_ns,
                               .sys_cpu_ns = time->sys_ns,
                               .runnable_ns = time->runnable_ns,
                               .blocked_ns = time->blocked_ns + time->before_blocked_ns,
                               .unknown_ns = time->unknown_ns,
                               .interrupted = interrupted_of(fold, thread)};
}

static void build_threads(struct fold_rows *rows, struct session_report *out)
{
    size_t count, now = 0, earlier = 0, woken = 0;
    void **threads = fold_rows_by_id(rows, &rows->fold->threads, &count);
    out->threads = arena_take(rows->arena, (count + 1) * sizeof *out->threads);
    out->earlier_threads = arena_take(rows->arena, (count + 1) * sizeof *out->earlier_threads);
    out->scheds = arena_take(rows->arena, (count + 1) * sizeof *out->scheds);
    for (size_t i = 0; i < count; i++) {
        const struct folded_thread *thread = threads[i];
        if (!thread->fact.id || thread->fact.tid == TID_UNKNOWN)
            continue;
        struct thread_row row = thread_row(rows, thread);
        if (thread->is_earlier)
            out->earlier_threads[earlier++] = row;
        else
            out->threads[now++] = row;
        if (thread->latency.count)
            out->scheds[woken++] =
                (struct sched_row){.tid = row.tid,
                                   .begin_ns = row.begin_ns,
                                   .pid = row.pid,
                                   .name = row.name,
                                   .latency = durations_copy(rows->arena, &thread->latency)};
    }
    out->thread_count = now;
    out->earlier_thread_count = earlier;
    out->sched_count = woken;
    qsort(out->threads, out->thread_count, sizeof *out->threads, compare_threads);
    qsort(out->earlier_threads, out->earlier_thread_count, sizeof *out->earlier_threads,
          compare_threads);
    qsort(out->scheds, out->sched_count, sizeof *out->scheds, compare_scheds);
}

static int compare_strings(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int compare_cells(const void *a, const void *b)
{
    return atom_compare(*(const struct atom *const *)a, *(const struct atom *const *)b);
}

static void build_cells(const struct fold *fold, struct arena *arena, struct session_report *out)
{
    const struct atom_table *from = &fold->analyses;
    const struct atom **cells = arena_take(arena, (from->count + 1) * sizeof *cells);
    for (size_t i = 0; i < from->count; i++)
        cells[i] = atom_in_arena(arena, from->at[i]);
    qsort(cells, from->count, sizeof(struct atom *), compare_cells);
    out->cells = cells;
    out->cell_count = from->count;
}

/* --- tables in parallel --- */

/* One table of a report. */
struct table {
    alignas(64) void (*build)(struct fold_rows *rows, struct session_report *out);
    struct fold_rows rows;
    struct arena arena; /* of its rows */
    struct session_report *out;
};

enum { TABLES = 8 };

struct tables {
    struct table at[TABLES];
    atomic_uint next;
};

static void build_next(void *context, unsigned number)
{
    (void)number;
    struct tables *tables = context;
    for (unsigned i; (i = atomic_fetch_add(&tables->next, 1)) < TABLES;)
        tables->at[i].build(&tables->at[i].rows, tables->at[i].out);
}

/* All tables but that of processes, whose names they use. They write different members of `out`,
 * each once, since threads share its cache lines, and only read the fold. */
static void build_tables(struct fold_rows *rows, unsigned jobs, struct session_report *out)
{
    /* The slowest first. */
    struct tables tables = {{{.build = fold_rows_files},
                             {.build = fold_rows_fds},
                             {.build = fold_rows_syscalls},
                             {.build = fold_rows_phases},
                             {.build = fold_rows_instances},
                             {.build = fold_rows_counts},
                             {.build = fold_rows_waits},
                             {.build = build_threads}},
                            0};
    for (size_t i = 0; i < TABLES; i++) {
        struct table *table = &tables.at[i];
        table->out = out;
        table->rows = *rows;
        table->rows.arena = &table->arena;
    }
    workers_run((jobs < TABLES ? jobs : TABLES) - 1, build_next, build_next, &tables);
    for (size_t i = 0; i < TABLES; i++)
        arena_adopt(rows->arena, &tables.at[i].arena);
}

void fold_report(const struct fold *fold, struct arena *arena, struct session_report *out)
{
    fold_report_by(fold, arena, 1, out);
}

void fold_report_by(const struct fold *fold, struct arena *arena, unsigned jobs,
                    struct session_report *out)
{
    struct fold_rows rows = {.fold = fold, .arena = arena};
    assert(!fold->passed && jobs > 0);
    *out = (struct session_report){
        .session = arena_string(arena, text_of(fold->session)),
        .chunks = fold->chunks,
        .events = fold->events,
        .tallies = fold->tallies,
        .damage = damages_copy(
            arena, (struct damages){fold->damages, fold->damage_count, fold->more_damage}),
        .uses = phase_uses_copy(arena, fold->uses),
        .begin_ns = fold->any_event ? fold_rows_wall(fold, fold->first_ns) : REPORT_NONE,
        .end_ns = fold->any_event ? fold_rows_wall(fold, fold->last_ns) : REPORT_NONE,
        .kernel = fold->kernel,
        .user = fold->user};
    const char **hosts = arena_take(arena, (fold->host_count + 1) * sizeof *hosts);
    for (size_t i = 0; i < fold->host_count; i++)
        hosts[i] = fold_rows_text(&rows, fold->hosts[i]);
    qsort(hosts, fold->host_count, sizeof *hosts, compare_strings);
    out->hosts = hosts;
    out->host_count = fold->host_count;

    build_processes(&rows, out);
    build_tables(&rows, jobs, out);
    out->cpus = arena_take(arena, (fold->cpu_count + 1) * sizeof *out->cpus);
    for (size_t i = 0; i < fold->cpu_count; i++)
        if (fold->cpus[i].seen)
            out->cpus[out->cpu_count++] =
                (struct cpu_row){(int64_t)i, fold->cpus[i].ran.busy_ns, fold->cpus[i].ran.idle_ns};
    build_cells(fold, arena, out);
    map_clear(&rows.process_names);
}
