#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "results/fold.h"
#include "results/fold_state.h"
#include "trace/syscalls.h"

struct builder {
    const struct fold *fold;
    struct arena *arena;
    bool distributions;
    struct map process_names; /* pid + 1 -> struct named_process: that of the last process */
};

struct named_process {
    const char *name;
    uint64_t id;
};

static const char *string(const struct builder *builder, uint32_t name)
{
    return name == NO_NAME ? NULL : names_text(&builder->fold->names, name).at;
}

static int64_t wall(const struct fold *fold, uint64_t time_ns)
{
    return (int64_t)time_ns + fold->offset_ns;
}

static int64_t pid_of(uint64_t process)
{
    return process ? (int64_t)(uint32_t)process : REPORT_NONE;
}

static int compare_numbers(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static struct durations durations(const struct builder *builder, const struct duration_cell *cell)
{
    return (struct durations){.count = cell->count,
                              .total_ns = cell->total_ns,
                              .min_ns = cell->min_ns,
                              .max_ns = cell->max_ns,
                              .histogram = builder->distributions ? &cell->spread : NULL};
}

static int compare_named(const void *a, const void *b)
{
    const struct named_number *left = a, *right = b;
    return strcmp(left->name, right->name);
}

/* --- processes and threads --- */

/* What a process's name is chosen by: its leader's lives before other threads, names told by the
 * kernel before those of user space, later lives before earlier ones; of others the lowest tid. */
struct candidate {
    bool any, leader, kernel;
    int32_t tid;
    uint64_t thread;
    uint32_t name;
};

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
    return a->thread > b->thread;
}

struct process_sum {
    struct process_row row;
    uint64_t id;
    bool any, all_exited;
    struct candidate candidate;
    uint64_t first_ns, last_ns, exit_ns;
};

static void add_thread(const struct folded_thread *thread, struct process_sum *sum, int32_t pid)
{
    const struct thread_fact *fact = &thread->fact;
    if (!sum->any) {
        sum->first_ns = fact->begin_ns;
        sum->all_exited = true;
    }
    sum->any = true;
    sum->row.threads++;
    sum->row.cpu_ns += thread->cpu_ns;
    sum->all_exited &= fact->end_hard;
    if (fact->begin_ns < sum->first_ns)
        sum->first_ns = fact->begin_ns;
    if (fact->end_ns > sum->last_ns)
        sum->last_ns = fact->end_ns;
    if (thread->name == NO_NAME)
        return;
    struct candidate candidate = {.any = true,
                                  .leader = fact->tid == pid,
                                  .kernel = fact->kernel_named,
                                  .tid = fact->tid,
                                  .thread = fact->id,
                                  .name = thread->name};
    if (better(&candidate, &sum->candidate))
        sum->candidate = candidate;
}

static int compare_processes(const void *a, const void *b)
{
    const struct process_row *left = a, *right = b;
    int order = compare_numbers(left->pid, right->pid);
    return order ? order : compare_numbers(left->begin_ns, right->begin_ns);
}

static void name_pid(struct builder *builder, int64_t pid, uint64_t id, const char *name)
{
    struct named_process *named = map_get(&builder->process_names, (uint64_t)pid + 1);
    if (!named) {
        named = arena_take(builder->arena, sizeof *named);
        map_put(&builder->process_names, (uint64_t)pid + 1, named);
    } else if (named->id > id) {
        return;
    }
    named->id = id;
    named->name = name;
}

static const char *process_name(const struct builder *builder, int64_t pid)
{
    if (pid == REPORT_NONE)
        return NULL;
    const struct named_process *named = map_get(&builder->process_names, (uint64_t)pid + 1);
    return named ? named->name : NULL;
}

static void build_processes(struct builder *builder, struct session_report *out)
{
    const struct fold *fold = builder->fold;
    struct map sums = {0};
    struct process_sum *sum;
    for (uint64_t id = 1; id <= fold->thread_last; id++) {
        const struct folded_thread *thread = &fold->threads[id];
        if (!thread->fact.id || !thread->fact.process)
            continue;
        sum = map_get(&sums, thread->fact.process);
        if (!sum) {
            sum = memory_new(sizeof *sum);
            sum->id = thread->fact.process;
            map_put(&sums, thread->fact.process, sum);
        }
        add_thread(thread, sum, (int32_t)(uint32_t)thread->fact.process);
    }
    out->processes = arena_take(builder->arena, (sums.count + 1) * sizeof *out->processes);
    for (size_t at = 0; (sum = map_next(&sums, &at));) {
        const struct folded_process *process = map_get(&fold->processes, sum->id);
        struct process_row *row = &out->processes[out->process_count++];
        *row = sum->row;
        row->pid = pid_of(sum->id);
        row->process = string(builder, sum->candidate.any ? sum->candidate.name : NO_NAME);
        row->ppid = process && process->ppid >= 0 ? process->ppid : REPORT_NONE;
        row->begin_hard = process && process->fork_seen;
        row->begin_ns = wall(fold, row->begin_hard ? process->fork_ns : sum->first_ns);
        row->end_hard = sum->all_exited;
        row->end_ns = wall(fold, sum->last_ns);
        name_pid(builder, row->pid, sum->id, row->process);
        free(sum);
    }
    map_clear(&sums);
    qsort(out->processes, out->process_count, sizeof *out->processes, compare_processes);
}

static int compare_threads(const void *a, const void *b)
{
    const struct thread_row *left = a, *right = b;
    int order = compare_numbers(left->tid, right->tid);
    if (order == 0)
        order = compare_numbers(left->begin_ns, right->begin_ns);
    return order ? order : compare_numbers(left->end_ns, right->end_ns);
}

static int compare_scheds(const void *a, const void *b)
{
    const struct sched_row *left = a, *right = b;
    int order = compare_numbers(left->tid, right->tid);
    return order ? order : compare_numbers(left->begin_ns, right->begin_ns);
}

static void build_threads(const struct builder *builder, struct session_report *out)
{
    const struct fold *fold = builder->fold;
    size_t room = (size_t)fold->thread_last + 1;
    out->threads = arena_take(builder->arena, room * sizeof *out->threads);
    out->scheds = arena_take(builder->arena, room * sizeof *out->scheds);
    for (uint64_t id = 1; id <= fold->thread_last; id++) {
        const struct folded_thread *thread = &fold->threads[id];
        const struct thread_fact *fact = &thread->fact;
        if (!fact->id)
            continue;
        const struct time_vector *time = &thread->time;
        struct thread_row *row = &out->threads[out->thread_count++];
        *row = (struct thread_row){.tid = fact->tid,
                                   .begin_ns = wall(fold, fact->begin_ns),
                                   .end_ns = wall(fold, fact->end_ns),
                                   .pid = pid_of(fact->process),
                                   .name = string(builder, thread->name),
                                   .begin_hard = fact->begin_hard,
                                   .end_hard = fact->end_hard,
                                   .cpu_ns = thread->cpu_ns,
                                   .switches = thread->switches,
                                   .user_cpu_ns = time->user_ns + time->before_running_ns,
                                   .sys_cpu_ns = time->sys_ns,
                                   .runnable_ns = time->runnable_ns,
                                   .blocked_ns = time->blocked_ns + time->before_blocked_ns,
                                   .unknown_ns = time->unknown_ns};
        if (thread->latency)
            out->scheds[out->sched_count++] =
                (struct sched_row){.tid = row->tid,
                                   .begin_ns = row->begin_ns,
                                   .pid = row->pid,
                                   .name = row->name,
                                   .latency = durations(builder, thread->latency)};
    }
    qsort(out->threads, out->thread_count, sizeof *out->threads, compare_threads);
    qsort(out->scheds, out->sched_count, sizeof *out->scheds, compare_scheds);
}

/* --- cells --- */

/* The rows of one type, merged over threads whose process nothing told. */
struct merged {
    struct map by_key;
    const struct cell **at;
    size_t count, room;
    struct cell **made; /* those of `at` that are not the fold's own */
    size_t made_count, made_room;
};

static void append(struct merged *merged, const struct cell *cell)
{
    merged->at = memory_grow(merged->at, &merged->room, merged->count + 1,
                             sizeof(const struct cell *));
    merged->at[merged->count++] = cell;
}

static struct cell *merged_cell(struct merged *merged, struct arena *arena,
                                const struct cell_key *key)
{
    uint64_t hash = map_hash(map_hash((uint64_t)key->path << 32 ^ key->name) ^
                             (uint64_t)key->pid ^ (uint64_t)key->kind << 56);
    struct cell *first = map_get(&merged->by_key, hash);
    for (struct cell *each = first; each; each = each->next)
        if (each->key.path == key->path && each->key.name == key->name &&
            each->key.kind == key->kind && each->key.pid == key->pid)
            return each;
    struct cell *cell = arena_take(arena, sizeof *cell);
    cell->key = *key;
    cell->key.thread = 0;
    cell->fd = FD_NONE_YET;
    cell->next = first;
    map_put(&merged->by_key, hash, cell);
    append(merged, cell);
    merged->made = memory_grow(merged->made, &merged->made_room, merged->made_count + 1,
                               sizeof(struct cell *));
    merged->made[merged->made_count++] = cell;
    return cell;
}

static struct merged merge(const struct builder *builder, enum cell_type type)
{
    struct merged merged = {0};
    struct cell *first;
    for (size_t at = 0; (first = map_next(&builder->fold->cells, &at));)
        for (struct cell *cell = first; cell; cell = cell->next)
            if (cell->key.type != type)
                continue;
            else if (type != CELL_FILE && cell->key.pid != PID_NONE)
                append(&merged, cell); /* it has no other with its key */
            else
                fold_merge_cell(merged_cell(&merged, builder->arena, &cell->key), cell);
    return merged;
}

static void merged_clear(struct merged *merged)
{
    for (size_t i = 0; i < merged->made_count; i++) {
        struct cell *cell = merged->made[i];
        if (cell->key.type == CELL_CALLS)
            call_cell_clear(&cell->calls);
        else if (cell->key.type == CELL_PHASE)
            time_vector_free(&cell->phase.time);
    }
    map_clear(&merged->by_key);
    free(merged->made);
    free(merged->at);
}

static int64_t cell_pid(const struct cell *cell)
{
    return cell->key.pid == PID_NONE ? REPORT_NONE : cell->key.pid;
}

static struct named_numbers errors(const struct builder *builder, const struct call_cell *cell)
{
    struct named_number *at = arena_take(builder->arena, (cell->error_count + 1) * sizeof *at);
    for (uint32_t i = 0; i < cell->error_count; i++) {
        char room[16];
        const char *name = errno_name(-(int64_t)cell->errors[i].number, room);
        at[i].name = arena_string(builder->arena, text_of(name));
        at[i].number = cell->errors[i].count;
    }
    qsort(at, cell->error_count, sizeof *at, compare_named);
    return (struct named_numbers){at, cell->error_count};
}

static int compare_syscalls(const void *a, const void *b)
{
    const struct syscall_row *left = a, *right = b;
    int order = compare_numbers(left->pid, right->pid);
    if (order == 0)
        order = strcmp(left->phase, right->phase);
    return order ? order : strcmp(left->syscall, right->syscall);
}

static void build_syscalls(const struct builder *builder, struct session_report *out)
{
    struct merged merged = merge(builder, CELL_CALLS);
    out->syscalls = arena_take(builder->arena, (merged.count + 1) * sizeof *out->syscalls);
    for (size_t i = 0; i < merged.count; i++) {
        const struct cell *cell = merged.at[i];
        const struct folded_thread *slowest =
            cell->calls.slowest_entry_ns ? &builder->fold->threads[cell->slowest_thread] : NULL;
        struct syscall_row *row = &out->syscalls[out->syscall_count++];
        *row = (struct syscall_row){
            .pid = cell_pid(cell),
            .phase = string(builder, cell->key.path),
            .syscall = string(builder, cell->key.name),
            .complete = durations(builder, &cell->calls.complete),
            .errors = errors(builder, &cell->calls),
            .bytes = cell->calls.bytes,
            .begin_unknown = cell->calls.begin_unknown,
            .end_unknown = cell->calls.end_unknown,
            .slowest_tid = slowest ? slowest->fact.tid : REPORT_NONE,
            .slowest_begin_ns =
                slowest ? wall(builder->fold, cell->calls.slowest_entry_ns) : REPORT_NONE};
        row->process = process_name(builder, row->pid);
    }
    merged_clear(&merged);
    qsort(out->syscalls, out->syscall_count, sizeof *out->syscalls, compare_syscalls);
}

/* The name of the call that the stretch of `before` began in; NO_NAME if in none. */
static uint32_t first_call_of(const struct fold *fold, const struct before *before)
{
    for (size_t i = 0; i < fold->first_count; i++)
        if (fold->firsts[i].thread == before->thread && fold->firsts[i].stretch == before->stretch)
            return fold->firsts[i].call;
    return NO_NAME;
}

/* The cell's time with what its threads' first calls told about the time before them. */
static struct time_vector whole_time(const struct fold *fold, const struct cell *cell)
{
    struct time_vector time = {0};
    time_vector_merge(&time, &cell->phase.time);
    for (size_t i = 0; i < fold->before_count; i++) {
        const struct before *before = &fold->befores[i];
        uint64_t process = fold->threads[before->thread].fact.process;
        int64_t pid = process ? (int64_t)(uint32_t)process : PID_NONE;
        if (before->path != cell->key.path || pid != cell->key.pid)
            continue;
        uint32_t call = first_call_of(fold, before);
        if (call == NO_NAME) {
            time.user_ns += before->running_ns;
            time.blocked_ns += before->blocked_ns;
        } else {
            time.sys_ns += before->running_ns;
            time_vector_add_blocked_in(&time, call, before->blocked_ns);
        }
    }
    return time;
}

static void fill_time(const struct builder *builder, const struct cell *cell,
                      struct phase_row *row)
{
    struct time_vector time = whole_time(builder->fold, cell);
    row->user_cpu_ns = time.user_ns;
    row->sys_cpu_ns = time.sys_ns;
    row->runnable_ns = time.runnable_ns;
    row->unknown_ns = time.unknown_ns;
    row->blocked_ns = time.blocked_ns;
    struct named_number *at = arena_take(builder->arena, (time.blocked_count + 1) * sizeof *at);
    size_t count = 0;
    if (time.blocked_ns)
        at[count++] = (struct named_number){"", time.blocked_ns};
    for (uint32_t i = 0; i < time.blocked_count; i++) {
        if (time.blocked_in[i].ns == 0)
            continue;
        row->blocked_ns += time.blocked_in[i].ns;
        at[count++] = (struct named_number){string(builder, time.blocked_in[i].call),
                                            time.blocked_in[i].ns};
    }
    qsort(at, count, sizeof *at, compare_named);
    row->blocked_by = (struct named_numbers){at, count};
    time_vector_free(&time);
}

static int compare_phases(const void *a, const void *b)
{
    const struct phase_row *left = a, *right = b;
    int order = compare_numbers(left->pid, right->pid);
    return order ? order : strcmp(left->phase, right->phase);
}

static void build_phases(const struct builder *builder, struct session_report *out)
{
    struct merged merged = merge(builder, CELL_PHASE);
    out->phases = arena_take(builder->arena, (merged.count + 1) * sizeof *out->phases);
    for (size_t i = 0; i < merged.count; i++) {
        const struct cell *cell = merged.at[i];
        struct phase_row *row = &out->phases[out->phase_count++];
        *row = (struct phase_row){.pid = cell_pid(cell),
                                  .phase = string(builder, cell->key.path),
                                  .complete = durations(builder, &cell->phase.complete),
                                  .begin_unknown = cell->phase.begin_unknown,
                                  .end_unknown = cell->phase.end_unknown,
                                  .syscalls = cell->phase.syscalls};
        row->process = process_name(builder, row->pid);
        fill_time(builder, cell, row);
    }
    merged_clear(&merged);
    qsort(out->phases, out->phase_count, sizeof *out->phases, compare_phases);
}

/* --- descriptors --- */

static int compare_texts(const char *a, const char *b)
{
    if (!a || !b)
        return (a != NULL) - (b != NULL);
    return strcmp(a, b);
}

static int compare_fds(const void *a, const void *b)
{
    const struct fd_row *left = a, *right = b;
    int order = compare_numbers(left->pid, right->pid);
    if (order == 0)
        order = compare_numbers(left->fd, right->fd);
    if (order == 0)
        order = compare_numbers(left->begin_ns, right->begin_ns);
    if (order == 0)
        order = compare_numbers(left->end_ns == REPORT_NONE ? INT64_MAX : left->end_ns,
                                right->end_ns == REPORT_NONE ? INT64_MAX : right->end_ns);
    if (order == 0)
        order = compare_texts(left->name, right->name);
    return order ? order : compare_numbers((int64_t)left->calls, (int64_t)right->calls);
}

static void build_fds(const struct builder *builder, struct session_report *out)
{
    const struct fold *fold = builder->fold;
    out->fds =
        arena_take(builder->arena, ((size_t)fold->descriptor_last + 1) * sizeof *out->fds);
    for (uint64_t id = 1; id <= fold->descriptor_last; id++) {
        const struct folded_descriptor *descriptor = &fold->descriptors[id];
        if (!descriptor->process)
            continue;
        out->fds[out->fd_count++] = (struct fd_row){
            .pid = pid_of(descriptor->process),
            .fd = descriptor->fd,
            .begin_ns = wall(fold, descriptor->begin_ns),
            .name = string(builder, descriptor->name),
            .kind = descriptor_kind_name((enum descriptor_kind)descriptor->kind),
            .begin_hard = descriptor->begin_hard,
            .end_hard = descriptor->ended && descriptor->end_hard,
            .end_ns = descriptor->ended ? wall(fold, descriptor->end_ns) : REPORT_NONE,
            .calls = descriptor->calls,
            .read_bytes = descriptor->read_bytes,
            .write_bytes = descriptor->write_bytes,
            .total_ns = descriptor->total_ns};
    }
    qsort(out->fds, out->fd_count, sizeof *out->fds, compare_fds);
}

static int compare_files(const void *a, const void *b)
{
    const struct file_row *left = a, *right = b;
    int order = compare_numbers(left->pid, right->pid);
    if (order == 0)
        order = strcmp(left->phase, right->phase);
    if (order == 0)
        order = compare_texts(left->name, right->name);
    return order ? order : compare_texts(left->kind, right->kind);
}

/* The uses of a descriptor that has not ended. */
static void add_open_uses(const struct builder *builder, struct merged *merged,
                          const struct folded_descriptor *descriptor)
{
    for (const struct open_use *use = descriptor->uses; use; use = use->next) {
        struct cell from = {.key = {.type = CELL_FILE,
                                    .kind = descriptor->kind,
                                    .path = use->path,
                                    .name = descriptor->name,
                                    .pid = PID_NONE},
                            .fd = descriptor->fd,
                            .uses = use->cell};
        uint64_t process = builder->fold->threads[use->thread].fact.process;
        if (process)
            from.key.pid = (int32_t)(uint32_t)process;
        fold_merge_cell(merged_cell(merged, builder->arena, &from.key), &from);
    }
}

static void build_files(const struct builder *builder, struct session_report *out)
{
    struct merged merged = merge(builder, CELL_FILE);
    for (uint64_t id = 1; id <= builder->fold->descriptor_last; id++)
        add_open_uses(builder, &merged, &builder->fold->descriptors[id]);
    out->files = arena_take(builder->arena, (merged.count + 1) * sizeof *out->files);
    for (size_t i = 0; i < merged.count; i++) {
        const struct cell *cell = merged.at[i];
        struct file_row *row = &out->files[out->file_count++];
        *row = (struct file_row){
            .pid = cell_pid(cell),
            .phase = string(builder, cell->key.path),
            .name = string(builder, cell->key.name),
            .kind = descriptor_kind_name((enum descriptor_kind)cell->key.kind),
            .fd = cell->fd >= 0 ? cell->fd : REPORT_NONE,
            .calls = durations(builder, &cell->uses.calls),
            .read_bytes = cell->uses.read_bytes,
            .write_bytes = cell->uses.write_bytes};
        row->process = process_name(builder, row->pid);
    }
    merged_clear(&merged);
    qsort(out->files, out->file_count, sizeof *out->files, compare_files);
}

static int compare_strings(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void fold_report(const struct fold *fold, struct arena *arena, bool distributions,
                 struct session_report *out)
{
    struct builder builder = {.fold = fold, .arena = arena, .distributions = distributions};
    *out = (struct session_report){
        .session = arena_string(arena, text_of(fold->session)),
        .chunks = fold->chunks,
        .events = fold->events,
        .discarded = fold->discarded,
        .begin_ns = fold->any_event ? wall(fold, fold->first_ns) : REPORT_NONE,
        .end_ns = fold->any_event ? wall(fold, fold->last_ns) : REPORT_NONE,
        .domain_count = (size_t)fold->kernel + fold->user,
        .lost_intervals = fold->gaps,
        .loss_borders = fold->borders};
    const char **hosts = arena_take(arena, (fold->host_count + 1) * sizeof *hosts);
    for (size_t i = 0; i < fold->host_count; i++)
        hosts[i] = string(&builder, fold->hosts[i]);
    qsort(hosts, fold->host_count, sizeof *hosts, compare_strings);
    out->hosts = hosts;
    out->host_count = fold->host_count;

    build_processes(&builder, out);
    build_threads(&builder, out);
    build_syscalls(&builder, out);
    build_phases(&builder, out);
    build_fds(&builder, out);
    if (distributions)
        build_files(&builder, out);
    out->cpus = arena_take(arena, (fold->cpu_count + 1) * sizeof *out->cpus);
    for (size_t i = 0; i < fold->cpu_count; i++)
        if (fold->busy_seen[i])
            out->cpus[out->cpu_count++] = (struct cpu_row){(int64_t)i, fold->busy_ns[i]};
    map_clear(&builder.process_names);
}
