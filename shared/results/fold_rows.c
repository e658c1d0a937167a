#include "results/fold_rows.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "results/fold.h"
#include "trace/syscalls.h"

const char *fold_rows_text(const struct fold_rows *rows, uint32_t name)
{
    return name == NO_NAME ? NULL : names_text(&rows->fold->names, name).at;
}

const char *fold_rows_process(const struct fold_rows *rows, int64_t pid)
{
    if (pid == REPORT_NONE)
        return NULL;
    const struct old_name *named = map_get(&rows->process_names, (uint64_t)pid + 1);
    return named && named->candidate.any ? fold_rows_text(rows, named->candidate.name) : NULL;
}

int64_t fold_rows_wall(const struct fold *fold, uint64_t time_ns)
{
    return (int64_t)(time_ns + (uint64_t)fold->offset_ns);
}

int64_t fold_rows_pid(uint64_t process)
{
    return process ? (int64_t)(uint32_t)process : REPORT_NONE;
}

void **fold_rows_by_id(const struct fold_rows *rows, const struct id_map *map, size_t *count)
{
    void **all = arena_take(rows->arena, (map->count + 1) * sizeof *all);
    id_map_all(map, all);
    *count = map->count;
    return all;
}

/* --- cells --- */

/* The rows of one type: cells of the fold, and sums of several cells. */
struct merged {
    struct merged_row {
        const struct cell *cell;
        int64_t pid; /* or PID_NONE */
    } * at;
    size_t count, room;
    struct map made; /* sums, by hash of their keys; in the arena */
};

struct made_cell {
    struct made_cell *next; /* of the same hash */
    int64_t pid;
    struct cell cell;
};

static void append(struct merged *merged, const struct cell *cell, int64_t pid)
{
    merged->at = memory_grow(merged->at, &merged->room, merged->count + 1, sizeof *merged->at);
    merged->at[merged->count++] = (struct merged_row){cell, pid};
}

static uint64_t made_hash(const struct cell_key *key, int64_t pid)
{
    uint64_t hash = hash_number((uint64_t)key->path << 32 ^ key->name);
    return hash_number(hash ^ (uint64_t)pid ^ (uint64_t)key->kind << 56);
}

/* The sum with that key; NULL if none. */
static struct cell *made_at(const struct merged *merged, const struct cell_key *key, int64_t pid)
{
    for (struct made_cell *each = map_get(&merged->made, made_hash(key, pid)); each;
         each = each->next)
        if (each->cell.key.path == key->path && each->cell.key.name == key->name &&
            each->cell.key.kind == key->kind && each->pid == pid)
            return &each->cell;
    return NULL;
}

static struct cell *make_at(struct merged *merged, struct arena *arena, const struct cell_key *key,
                            int64_t pid)
{
    struct cell *cell = made_at(merged, key, pid);
    if (cell)
        return cell;
    uint64_t hash = made_hash(key, pid);
    struct made_cell *made = arena_take(arena, sizeof *made);
    *made = (struct made_cell){
        .next = map_get(&merged->made, hash), .pid = pid, .cell = {.key = *key, .fd = FD_NONE_YET}};
    map_put(&merged->made, hash, made);
    append(merged, &made->cell, pid);
    return &made->cell;
}

/* Adds the cells of the fold to existing sums. Without a pid, there may be several with one key, of
 * threads with unknown processes. */
static void merge(const struct fold_rows *rows, enum cell_type type, struct merged *merged)
{
    size_t count;
    const struct cell_group **groups = fold_groups(rows->fold, rows->arena, &count);
    for (size_t i = 0; i < count; i++) {
        const struct cell *cell;
        int64_t pid = groups[i]->pid;
        for (size_t at = 0; (cell = map_next(&groups[i]->cells, &at));)
            for (; cell; cell = cell->next) {
                if (cell->key.type != type)
                    continue;
                struct cell *sum = pid == PID_NONE ? make_at(merged, rows->arena, &cell->key, pid)
                                                   : made_at(merged, &cell->key, pid);
                if (sum)
                    fold_merge_cell(sum, cell);
                else
                    append(merged, cell, pid);
            }
    }
}

static void merged_clear(struct merged *merged)
{
    struct made_cell *made;
    for (size_t at = 0; (made = map_next(&merged->made, &at));)
        for (; made; made = made->next)
            fold_clear_cell(&made->cell);
    map_clear(&merged->made);
    free(merged->at);
}

static int64_t row_pid(const struct merged_row *row)
{
    return row->pid == PID_NONE ? REPORT_NONE : row->pid;
}

static int compare_named(const void *a, const void *b)
{
    const struct named_number *left = a, *right = b;
    return strcmp(left->name, right->name);
}

static struct named_numbers errors(const struct fold_rows *rows, const struct call_cell *cell)
{
    struct named_number *at = arena_take(rows->arena, (cell->error_count + 1) * sizeof *at);
    for (uint32_t i = 0; i < cell->error_count; i++) {
        char room[16];
        const char *name = errno_name(-(int64_t)cell->errors[i].number, room);
        at[i].name = arena_string(rows->arena, text_of(name));
        at[i].number = cell->errors[i].count;
    }
    qsort(at, cell->error_count, sizeof *at, compare_named);
    return (struct named_numbers){at, cell->error_count};
}

static int compare_syscalls(const void *a, const void *b)
{
    const struct syscall_row *left = a, *right = b;
    int order = fold_rows_compare(left->pid, right->pid);
    if (order == 0)
        order = strcmp(left->phase, right->phase);
    return order ? order : strcmp(left->syscall, right->syscall);
}

void fold_rows_syscalls(struct fold_rows *rows, struct session_report *out)
{
    struct merged merged = {0};
    merge(rows, CELL_CALLS, &merged);
    out->syscalls = arena_take(rows->arena, (merged.count + 1) * sizeof *out->syscalls);
    for (size_t i = 0; i < merged.count; i++) {
        const struct cell *cell = merged.at[i].cell;
        bool is_slow = cell->calls.slowest_entry_ns > 0;
        const struct folded_thread *slowest =
            is_slow ? fold_thread(rows->fold, cell->slowest_thread) : NULL;
        struct syscall_row *row = &out->syscalls[i];
        *row = (struct syscall_row){
            .pid = row_pid(&merged.at[i]),
            .phase = fold_rows_text(rows, cell->key.path),
            .syscall = fold_rows_text(rows, cell->key.name),
            .complete = durations_copy(rows->arena, &cell->calls.complete),
            .errors = errors(rows, &cell->calls),
            .bytes = cell->calls.bytes,
            .begin_unknown = cell->calls.begin_unknown,
            .end_unknown = cell->calls.end_unknown,
            .refused = cell->calls.refused,
            .slowest_tid = slowest && slowest->fact.id ? slowest->fact.tid : REPORT_NONE,
            .slowest_begin_ns =
                is_slow ? fold_rows_wall(rows->fold, cell->calls.slowest_entry_ns) : REPORT_NONE};
        row->process = fold_rows_process(rows, row->pid);
    }
    out->syscall_count = merged.count;
    merged_clear(&merged);
    qsort(out->syscalls, out->syscall_count, sizeof *out->syscalls, compare_syscalls);
}

void fold_add_before(struct time_vector *time, const struct folded_thread *thread,
                     const struct before *before)
{
    const struct first_call *first = thread->firsts;
    while (first && first->stretch != before->stretch)
        first = first->next;
    if (first) {
        time->sys_ns += before->running_ns;
        time->interrupted.sys_ns += before->interrupted_ns;
        time_vector_add_blocked_in(time, first->call, before->blocked_ns);
    } else {
        time->user_ns += before->running_ns;
        time->blocked_ns += before->blocked_ns;
    }
}

/* The time before the first calls of threads' stretches, for one phase and pid. */
struct before_sum {
    struct before_sum *next; /* of the same hash */
    int64_t pid;
    uint32_t path;
    struct time_vector time;
};

static uint64_t before_hash(int64_t pid, uint32_t path)
{
    return hash_number(hash_number((uint64_t)pid) ^ path);
}

static struct before_sum *before_sum_of(const struct map *sums, int64_t pid, uint32_t path)
{
    struct before_sum *sum = map_get(sums, before_hash(pid, path));
    while (sum && (sum->pid != pid || sum->path != path))
        sum = sum->next;
    return sum;
}

static struct map sum_befores(const struct fold_rows *rows)
{
    struct map sums = {0};
    const struct folded_thread *thread;
    for (struct id_walk walk = {0}; (thread = id_map_next(&rows->fold->threads, &walk));) {
        int64_t pid = fold_pid_of(thread);
        for (const struct before *before = thread->befores; before; before = before->next) {
            struct before_sum *sum = before_sum_of(&sums, pid, before->path);
            if (!sum) {
                uint64_t hash = before_hash(pid, before->path);
                sum = arena_take(rows->arena, sizeof *sum);
                *sum = (struct before_sum){
                    .next = map_get(&sums, hash), .pid = pid, .path = before->path};
                map_put(&sums, hash, sum);
            }
            fold_add_before(&sum->time, thread, before);
        }
    }
    return sums;
}

static void clear_befores(struct map *sums)
{
    struct before_sum *first;
    for (size_t at = 0; (first = map_next(sums, &at));)
        for (struct before_sum *sum = first; sum; sum = sum->next)
            time_vector_free(&sum->time);
    map_clear(sums);
}

struct named_numbers fold_rows_blocked(const struct fold_rows *rows, const struct time_vector *time,
                                       uint64_t *blocked_ns)
{
    struct named_number *at = arena_take(rows->arena, (time->blocked_count + 1) * sizeof *at);
    size_t count = 0;
    *blocked_ns = time->blocked_ns;
    if (time->blocked_ns)
        at[count++] = (struct named_number){"", time->blocked_ns};
    for (uint32_t i = 0; i < time->blocked_count; i++) {
        if (time->blocked_in[i].ns == 0)
            continue;
        *blocked_ns += time->blocked_in[i].ns;
        at[count++] = (struct named_number){fold_rows_text(rows, time->blocked_in[i].call),
                                            time->blocked_in[i].ns};
    }
    qsort(at, count, sizeof *at, compare_named);
    return (struct named_numbers){at, count};
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

struct interrupted fold_rows_interrupted(const struct time_vector *time, struct text name)
{
    struct interrupted taken = time->interrupted;
    taken.before_ns = 0;
    interrupted_by_others(&taken, name);
    /* In an inconsistent trace, it may exceed the time that it is a part of. */
    taken.sys_ns = least(least(taken.sys_ns, time->sys_ns), taken.irq_ns + taken.softirq_ns);
    uint64_t user_ns = time->user_ns + time->before_running_ns;
    uint64_t most_ns = taken.sys_ns + user_ns;
    taken.irq_ns = least(taken.irq_ns, most_ns);
    taken.softirq_ns = least(taken.softirq_ns, most_ns - taken.irq_ns);
    return taken;
}

static void fill_time(const struct fold_rows *rows, const struct merged_row *from,
                      const struct map *befores, struct phase_row *row)
{
    const struct cell *cell = from->cell;
    struct time_vector time = {0};
    time_vector_merge(&time, &cell->phase.time);
    const struct before_sum *before = before_sum_of(befores, from->pid, cell->key.path);
    if (before)
        time_vector_merge(&time, &before->time);
    row->user_cpu_ns = time.user_ns;
    row->sys_cpu_ns = time.sys_ns;
    row->interrupted = fold_rows_interrupted(&time, text_of(row->process ? row->process : ""));
    row->runnable_ns = time.runnable_ns;
    row->unknown_ns = time.unknown_ns;
    row->blocked_by = fold_rows_blocked(rows, &time, &row->blocked_ns);
    time_vector_free(&time);
}

static int compare_phases(const void *a, const void *b)
{
    const struct phase_row *left = a, *right = b;
    int order = fold_rows_compare(left->pid, right->pid);
    return order ? order : strcmp(left->phase, right->phase);
}

void fold_rows_phases(struct fold_rows *rows, struct session_report *out)
{
    struct merged merged = {0};
    merge(rows, CELL_PHASE, &merged);
    struct map befores = sum_befores(rows);
    out->phases = arena_take(rows->arena, (merged.count + 1) * sizeof *out->phases);
    for (size_t i = 0; i < merged.count; i++) {
        const struct cell *cell = merged.at[i].cell;
        struct phase_row *row = &out->phases[i];
        *row = (struct phase_row){.pid = row_pid(&merged.at[i]),
                                  .phase = fold_rows_text(rows, cell->key.path),
                                  .complete = durations_copy(rows->arena, &cell->phase.complete),
                                  .hopped = cell->phase.hopped,
                                  .over = cell->phase.over,
                                  .begin_unknown = cell->phase.begin_unknown,
                                  .end_unknown = cell->phase.end_unknown,
                                  .queued_ns = cell->phase.queued_ns,
                                  .parallel_ns = cell->phase.parallel_ns,
                                  .syscalls = cell->phase.syscalls};
        row->process = fold_rows_process(rows, row->pid);
        fill_time(rows, &merged.at[i], &befores, row);
    }
    out->phase_count = merged.count;
    clear_befores(&befores);
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

/* By the key, then by everything else: rows that compare as equal are equal. */
static int compare_fds(const void *a, const void *b)
{
    const struct fd_row *left = a, *right = b;
    const int64_t pairs[][2] = {{left->pid, right->pid},
                                {left->fd, right->fd},
                                {left->begin_ns, right->begin_ns},
                                {left->end_ns == REPORT_NONE ? INT64_MAX : left->end_ns,
                                 right->end_ns == REPORT_NONE ? INT64_MAX : right->end_ns},
                                {(int64_t)left->calls, (int64_t)right->calls},
                                {(int64_t)left->total_ns, (int64_t)right->total_ns},
                                {(int64_t)left->read_bytes, (int64_t)right->read_bytes},
                                {(int64_t)left->write_bytes, (int64_t)right->write_bytes},
                                {left->begin_hard, right->begin_hard},
                                {left->end_hard, right->end_hard}};
    enum { OF_KEY = 4 };
    int order = 0;
    for (size_t i = 0; i < OF_KEY && order == 0; i++)
        order = fold_rows_compare(pairs[i][0], pairs[i][1]);
    if (order == 0)
        order = compare_texts(left->name, right->name);
    for (size_t i = OF_KEY; i < sizeof pairs / sizeof *pairs && order == 0; i++)
        order = fold_rows_compare(pairs[i][0], pairs[i][1]);
    return order ? order : compare_texts(left->kind, right->kind);
}

void fold_rows_fds(struct fold_rows *rows, struct session_report *out)
{
    const struct fold *fold = rows->fold;
    size_t count, fd_count = 0;
    void **descriptors = fold_rows_by_id(rows, &fold->descriptors, &count);
    struct fd_row *fds = arena_take(rows->arena, (count + 1) * sizeof *fds);
    for (size_t i = 0; i < count; i++) {
        const struct folded_descriptor *descriptor = descriptors[i];
        if (!descriptor->process)
            continue;
        fds[fd_count++] = (struct fd_row){
            .pid = fold_rows_pid(descriptor->process),
            .fd = descriptor->fd,
            .begin_ns = fold_rows_wall(fold, descriptor->begin_ns),
            .name = fold_rows_text(rows, descriptor->name),
            .kind = descriptor_kind_name((enum descriptor_kind)descriptor->kind),
            .begin_hard = descriptor->begin_hard,
            .end_hard = descriptor->ended && descriptor->end_hard,
            .end_ns = descriptor->ended ? fold_rows_wall(fold, descriptor->end_ns) : REPORT_NONE,
            .calls = descriptor->calls,
            .read_bytes = descriptor->read_bytes,
            .write_bytes = descriptor->write_bytes,
            .total_ns = descriptor->total_ns};
    }
    qsort(fds, fd_count, sizeof *fds, compare_fds);
    out->fds = fds;
    out->fd_count = fd_count;
}

static int compare_files(const void *a, const void *b)
{
    const struct file_row *left = a, *right = b;
    int order = fold_rows_compare(left->pid, right->pid);
    if (order == 0)
        order = strcmp(left->phase, right->phase);
    if (order == 0)
        order = compare_texts(left->name, right->name);
    return order ? order : compare_texts(left->kind, right->kind);
}

/* The uses of a descriptor that has not ended. */
static void add_open_uses(const struct fold_rows *rows, struct merged *merged,
                          const struct folded_descriptor *descriptor)
{
    for (const struct open_use *use = descriptor->uses; use; use = use->next) {
        struct cell from = {.key = {.type = CELL_FILE,
                                    .kind = descriptor->kind,
                                    .path = use->path,
                                    .name = descriptor->name},
                            .fd = descriptor->fd,
                            .uses = use->cell};
        int64_t pid = fold_pid_of(fold_thread(rows->fold, use->thread));
        fold_merge_cell(make_at(merged, rows->arena, &from.key, pid), &from);
    }
}

void fold_rows_files(struct fold_rows *rows, struct session_report *out)
{
    struct merged merged = {0};
    const struct folded_descriptor *descriptor;
    for (struct id_walk walk = {0}; (descriptor = id_map_next(&rows->fold->descriptors, &walk));)
        add_open_uses(rows, &merged, descriptor);
    merge(rows, CELL_FILE, &merged);
    out->files = arena_take(rows->arena, (merged.count + 1) * sizeof *out->files);
    for (size_t i = 0; i < merged.count; i++) {
        const struct cell *cell = merged.at[i].cell;
        struct file_row *row = &out->files[i];
        *row = (struct file_row){.pid = row_pid(&merged.at[i]),
                                 .phase = fold_rows_text(rows, cell->key.path),
                                 .name = fold_rows_text(rows, cell->key.name),
                                 .kind = descriptor_kind_name((enum descriptor_kind)cell->key.kind),
                                 .fd = cell->fd >= 0 ? cell->fd : REPORT_NONE,
                                 .calls = durations_copy(rows->arena, &cell->uses.calls),
                                 .read_bytes = cell->uses.read_bytes,
                                 .write_bytes = cell->uses.write_bytes};
        row->process = fold_rows_process(rows, row->pid);
    }
    out->file_count = merged.count;
    merged_clear(&merged);
    qsort(out->files, out->file_count, sizeof *out->files, compare_files);
}
