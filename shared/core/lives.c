/* Lives of threads: begin and end, names, and results. */
#include "base/memory.h"
#include "core/descriptors.h"

const uint8_t time_slots[STATES][IN_CALLS] = {
    [STATE_UNKNOWN] = {TIME_UNKNOWN, TIME_UNKNOWN, TIME_UNKNOWN, TIME_UNKNOWN},
    [STATE_RUNNING] = {TIME_BEFORE_RUNNING, TIME_USER, TIME_SYS, TIME_SYS},
    [STATE_RUNNABLE] = {TIME_RUNNABLE, TIME_RUNNABLE, TIME_RUNNABLE, TIME_RUNNABLE},
    [STATE_BLOCKED] = {TIME_BLOCKED, TIME_BLOCKED, TIME_BLOCKED, TIME_BLOCKED},
    [STATE_AS_BEFORE] = {TIME_AS_BEFORE, TIME_AS_BEFORE_OUT, TIME_AS_BEFORE_IN, TIME_AS_BEFORE_IN},
};

static void life_link(struct core *core, struct life *life)
{
    life->next_of_all = core->all;
    life->back_of_all = &core->all;
    if (core->all)
        core->all->back_of_all = &life->next_of_all;
    core->all = life;
}

struct life *life_new(struct core *core, int32_t tid)
{
    struct life *life = core->mode == CORE_MAP ? arena_take(&core->lives_memory, sizeof *life)
                                               : memory_new(sizeof *life);
    life->tid = tid;
    life->cpu = life->wild_cpu = -1;
    life->wake_ns = life->named_ns = life->last_ns = TIME_NONE;
    life->phases.tid = tid;
    life->phases.is_process = tid_is_of_process(tid);
    life->phases.id = ++core->last_life;
    life->may_hold_phase = core->phases.set->count > 0;
    life->spends = core->mode == CORE_MAP && life->may_hold_phase;
    life_link(core, life);
    life->changed = core->changed;
    life_not_published(life);
    return life_touch(life);
}

void life_clear(struct life *life)
{
    durations_clear(&life->latency);
    for (size_t i = 0; i < life->call_count; i++)
        call_cell_clear(&life->calls[i].cell);
    free(life->calls);
    free(life->waits);
    cell_index_free(&life->wait_index);
    layers_free(life);
    for (size_t i = 0; i < life->phase_count; i++)
        phase_cell_clear(&life->phase_sums[i].cell);
    free(life->phase_sums);
    cell_index_free(&life->call_index);
    cell_index_free(&life->phase_index);
    time_vector_free(&life->spent);
    time_vector_free(&life->spent_before);
    free(life->credits);
    free(life->open_owned);
    free(life->inner);
    if (life->changed)
        changes_forget(&life->changed->lives, &life->change);
    life_unpublish(life);
}

void life_free(struct life *life)
{
    life_clear(life);
    free(life);
}

void life_put_name(struct life *life, struct text name, bool by_kernel)
{
    char *to = by_kernel ? life->kernel_name : life->user_name;
    life_not_published(life);
    memset(to, 0, NAME_BYTES);
    if (name.count)
        memcpy(to, name.at, name.count < NAME_BYTES - 1 ? name.count : NAME_BYTES - 1);
    if (by_kernel) {
        life->kernel_named = true;
        life->kernel_name_sent = false;
    } else {
        life->user_named = true;
        life->user_name_sent = false;
    }
}

/* --- joining --- */

void core_emit(const struct core *core, struct result *result)
{
    result->schema = core->schema;
    if (core->sink.take)
        core->sink.take(core->sink.context, result);
}

void core_emit_of(const struct core *core, const struct life *life, struct result *result)
{
    result->pid = life->process ? life->process->pid : 0;
    result->tid = life->tid;
    result->thread = life->name;
    core_emit(core, result);
}

struct life *life_find(const struct core *core, int32_t tid)
{
    struct life *life = tid > 0 ? map_get(&core->lives, number_key(0, tid)) : NULL;
    return life ? life_touch(life) : NULL;
}

static struct life *begin_life(struct core *core, uint32_t pid_ns, int32_t tid, uint64_t time_ns)
{
    struct life *life = life_new(core, tid);
    life->pid_ns = pid_ns;
    life->name = core->last_life;
    life->active = life->counts = life->known = true;
    life->begin_order = core->order;
    life->begin_ns = life->last_ns = life->since_ns = life->clock_ns = time_ns;
    life_place(life);
    map_put(&core->lives, number_key(pid_ns, tid), life);
    return life;
}

struct life *life_begin(struct core *core, int32_t tid, uint64_t time_ns)
{
    return begin_life(core, 0, tid, time_ns);
}

/* The live life with that id, else a new one from now on. */
static struct life *met(struct core *core, uint32_t pid_ns, int32_t tid, uint64_t time_ns)
{
    struct life *life = map_get(&core->lives, number_key(pid_ns, tid));
    if (!life)
        return begin_life(core, pid_ns, tid, time_ns);
    life_touch(life);
    if (time_ns > life->last_ns)
        life->last_ns = time_ns;
    return life;
}

struct life *life_inside(struct core *core, uint32_t pid_ns, int32_t tid, uint64_t time_ns)
{
    return tid > 0 ? met(core, pid_ns, tid, time_ns) : NULL;
}

struct life *life_named(struct core *core, int32_t tid, uint64_t time_ns)
{
    return life_inside(core, 0, tid, time_ns);
}

struct life *life_of_process(struct core *core, uint32_t pid_ns, int32_t pid, uint64_t time_ns)
{
    int32_t tid = tid_of_process(pid);
    if (!tid)
        return NULL;
    struct life *known = map_get(&core->lives, number_key(pid_ns, tid));
    if (known && known->process && process_over_long(known->process, time_ns))
        life_end(core, known, time_ns);
    struct life *life = met(core, pid_ns, tid, time_ns);
    life_learn_pid(core, life, pid, time_ns);
    return life;
}

void life_add_inner(struct core *core, struct life *life, int64_t number)
{
    if (number <= 0 || number == life->tid || number > INT32_MAX)
        return;
    for (size_t i = 0; i < life->inner_count; i++)
        if (life->inner[i] == number)
            return;
    life->inner = memory_resize(life->inner, life->inner_count + 1, sizeof *life->inner);
    life->inner[life->inner_count++] = (int32_t)number;
    uintptr_t count = (uintptr_t)map_get(&core->inner, (uint64_t)number);
    map_put(&core->inner, (uint64_t)number, (void *)(count + 1));
}

static void forget_inner(struct core *core, struct life *life)
{
    for (size_t i = 0; i < life->inner_count; i++) {
        uint64_t key = (uint64_t)life->inner[i];
        uintptr_t count = (uintptr_t)map_remove(&core->inner, key);
        if (count > 1)
            map_put(&core->inner, key, (void *)(count - 1));
    }
    life->inner_count = 0;
}

void life_set_program(struct life *life, struct text name)
{
    char now[NAME_BYTES] = {0};
    if (name.count)
        memcpy(now, name.at, name.count < NAME_BYTES - 1 ? name.count : NAME_BYTES - 1);
    if (!life->has_program || memcmp(life->program, now, NAME_BYTES) != 0) {
        life->program_sent = false;
        life_not_published(life);
    }
    memcpy(life->program, now, NAME_BYTES);
    life->has_program = true;
}

void life_emit_fact(struct core *core, const struct life *life)
{
    struct result fact = {
        .type = RESULT_THREAD,
        .thread_fact = {.id = life->name,
                        .process = life->process ? life->process->id : 0,
                        .tid = tid_is_of_process(life->tid) ? TID_UNKNOWN : life->tid,
                        .begin_ns = life->begin_ns,
                        .end_ns = life->exited ? life->exit_ns : life->last_ns,
                        .begin_hard = life->begin_hard,
                        .end_hard = life->exited,
                        .kernel_named = life->kernel_named,
                        .name = text_of(life->kernel_named ? life->kernel_name : life->user_name),
                        .program = text_of(life->program)}};
    if (!life->kernel_named && !life->user_named)
        fact.thread_fact.name = (struct text){NULL, 0};
    core_emit(core, &fact);
}

/* Time before its first call stays open: that call decides how it counts. */
static void emit_numbers(struct core *core, struct life *life)
{
    struct time_vector time = {.user_ns = life->time[TIME_USER],
                               .sys_ns = life->time[TIME_SYS],
                               .runnable_ns = life->time[TIME_RUNNABLE],
                               .unknown_ns = life->time[TIME_UNKNOWN],
                               .blocked_ns = life->time[TIME_BLOCKED],
                               .interrupted = life->interrupted};
    uint64_t before_ns = life->time[TIME_BEFORE_RUNNING];
    uint64_t interrupted_before_ns = life->interrupted.before_ns;
    time.interrupted.before_ns = 0;
    struct result run = {
        .type = RESULT_RUN,
        .run = {.cpu_ns = life->cpu_ns, .switches = life->switches, .time = &time}};
    core_emit_of(core, life, &run);
    life->cpu_ns = life->switches = 0;
    memset(life->time, 0, sizeof life->time);
    life->time[TIME_BEFORE_RUNNING] = before_ns;
    life->interrupted = (struct interrupted){.before_ns = interrupted_before_ns};
    if (life->latency.count == 0)
        return;
    struct result latency = {.type = RESULT_LATENCY, .latency = &life->latency};
    core_emit_of(core, life, &latency);
    durations_clear(&life->latency);
}

void life_emit_sums(struct core *core, struct life *life)
{
    calls_emit(core, life);
    waits_emit(core, life);
    phases_emit(core, life);
    emit_numbers(core, life);
}

void life_emit(struct core *core, struct life *life)
{
    life_emit_fact(core, life);
    life_emit_sums(core, life);
}

void life_first_call(struct core *core, struct life *life, const struct syscall *call)
{
    if (life->in != IN_UNKNOWN)
        return;
    phases_resolve(core, life, call);
    interrupted_resolve(&life->interrupted, call != NULL);
    life->time[call ? TIME_SYS : TIME_USER] += life->time[TIME_BEFORE_RUNNING];
    life->time[TIME_BEFORE_RUNNING] = 0;
    life->in = IN_NONE;
    life_place(life);
}

void life_new_stretch(struct core *core, struct life *life)
{
    life_first_call(core, life, NULL);
    life->before_emitted = false;
    life->stretch++;
    life->in = IN_UNKNOWN;
    life_place(life);
}

void life_note_exited(struct core *core, const struct life *life)
{
    core->exited =
        memory_grow(core->exited, &core->exited_room, core->exited_count + 1, sizeof *core->exited);
    core->exited[core->exited_count++] = number_key(life->pid_ns, life->tid);
}

/* Lives without an event for longer than this (docs/RESULTS.md, section 4). */
#define KEPT_NS UINT64_C(10000000000)

void life_forget_exited(struct core *core, uint64_t now_ns)
{
    size_t kept = 0;
    for (size_t i = 0; i < core->exited_count; i++) {
        struct life *life = map_get(&core->lives, core->exited[i]);
        if (!life || !life->exited)
            continue; /* switched out for good; another life has the tid by now */
        if (life->cpu < 0 && now_ns > life->last_ns && now_ns - life->last_ns > KEPT_NS)
            life_end(core, life, now_ns);
        else
            core->exited[kept++] = core->exited[i];
    }
    core->exited_count = kept;
}

void life_exit(struct core *core, struct life *life, uint64_t time_ns)
{
    if (life->exited)
        return;
    life_touch(life);
    if (life->in == IN_OPEN) { /* else its time stays in its current state */
        life_book(life, time_ns);
        call_has_no_end(core, life);
    }
    life->exited = true;
    life->exit_ns = time_ns;
    life->call_epoch = 0;
    life_not_published(life);
    life_note_exited(core, life);
    process_life_exited(core, life, time_ns);
}

void life_is_over(struct core *core, struct life *life)
{
    life->over = true;
    core->ended =
        memory_grow(core->ended, &core->ended_room, core->ended_count + 1, sizeof(struct life *));
    core->ended[core->ended_count++] = life;
}

void life_end(struct core *core, struct life *life, uint64_t time_ns)
{
    life_touch(life);
    /* A CPU whose LINE is still to come may refer to it. */
    for (size_t i = 0; i < core->cpu_count; i++)
        if (core->cpus[i].current == life) {
            core->cpus[i].current = NULL;
            core->cpus[i].knows = CPU_THREAD_UNKNOWN;
            core->cpus[i].run_whole = false;
        }
    life_book(life, life->last_ns);
    wait_lost(core, life);
    call_has_no_end(core, life);
    life_new_stretch(core, life);
    life_set_state(life, STATE_UNKNOWN, time_ns);
    process_life_over(core, life, time_ns);
    life_forget_table(core, life);
    life_emit(core, life);
    forget_inner(core, life);
    map_remove(&core->lives, number_key(life->pid_ns, life->tid));
    process_leave(core, life);
    life_is_over(core, life);
    if (life->phases.count == 0)
        instances_forget(&life->phases);
}
