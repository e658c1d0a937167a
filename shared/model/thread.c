#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "model/state.h"

struct thread *thread_of_item(const struct model *model, int32_t tid)
{
    return map_get(&model->threads, number_key(0, tid));
}

struct thread *thread_find(const struct model *model, int32_t tid)
{
    return tid > 0 ? thread_of_item(model, tid) : NULL;
}

bool thread_is_living(const struct model *model, const struct thread *thread)
{
    return map_get(&model->threads, number_key(thread->pid_ns, thread->tid)) == thread;
}

static struct thread *born(struct model *model, uint32_t pid_ns, int32_t tid, uint64_t time_ns)
{
    struct thread *thread = memory_new(sizeof *thread);
    thread->pid_ns = pid_ns;
    thread->tid = tid;
    thread->id = ++model->last_thread_id;
    thread->phases.id = thread->id;
    thread->phases.tid = tid;
    thread->phases.is_process = tid_is_of_process(tid);
    thread->refs = 1;
    thread->begin_order = model->order;
    thread->begin_ns = thread->last_ns = time_ns;
    thread->cpu = -1;
    thread->state_since_ns = thread->clock_ns = time_ns;
    thread->wake_ns = thread->named_ns = TIME_NONE;
    map_put(&model->threads, number_key(pid_ns, tid), thread);
    return thread;
}

struct thread *thread_born(struct model *model, int32_t tid, uint64_t time_ns)
{
    return born(model, 0, tid, time_ns);
}

/* The living one of any number, else a new life from here on. */
static struct thread *met(struct model *model, uint32_t pid_ns, int32_t tid, uint64_t time_ns)
{
    struct thread *thread = map_get(&model->threads, number_key(pid_ns, tid));
    if (!thread)
        return born(model, pid_ns, tid, time_ns);
    thread_touch(thread, time_ns);
    return thread;
}

struct thread *thread_named(struct model *model, int32_t tid, uint64_t time_ns)
{
    return thread_inside(model, 0, tid, time_ns);
}

struct thread *thread_inside(struct model *model, uint32_t pid_ns, int32_t tid, uint64_t time_ns)
{
    return tid > 0 ? met(model, pid_ns, tid, time_ns) : NULL;
}

struct thread *thread_of_process(struct model *model, uint32_t pid_ns, int32_t pid,
                                 uint64_t time_ns)
{
    int32_t tid = tid_of_process(pid);
    if (!tid)
        return NULL;
    struct thread *known = map_get(&model->threads, number_key(pid_ns, tid));
    if (known && process_is_past(known->process, time_ns))
        thread_end(model, known, time_ns);
    struct thread *thread = met(model, pid_ns, tid, time_ns);
    process_told(model, thread, pid, time_ns);
    return thread;
}

void thread_touch(struct thread *thread, uint64_t time_ns)
{
    if (time_ns > thread->last_ns)
        thread->last_ns = time_ns;
}

static void put_name(struct thread *thread, char to[16], struct text name)
{
    char now[16] = {0};
    size_t count = name.count < sizeof now - 1 ? name.count : sizeof now - 1;
    if (count)
        memcpy(now, name.at, count);
    if (memcmp(to, now, sizeof now) != 0)
        thread->retold = false;
    memcpy(to, now, sizeof now);
}

void thread_set_program(struct thread *thread, struct text name)
{
    put_name(thread, thread->program, name);
}

void thread_set_name(struct thread *thread, struct text name, bool by_kernel)
{
    put_name(thread, by_kernel ? thread->kernel_name : thread->user_name, name);
    if (by_kernel)
        thread->kernel_named = true;
    else
        thread->user_named = true;
}

void thread_unref(struct model *model, struct thread *thread)
{
    if (--thread->refs > 0)
        return;
    process_detach(model, thread);
    free(thread->inner);
    instances_forget(&thread->phases);
    time_vector_free(&thread->time);
    free(thread);
}

void thread_tell_fact(struct model *model, const struct thread *thread)
{
    struct text name = text_of(thread->kernel_named ? thread->kernel_name : thread->user_name);
    struct result fact = {
        .type = RESULT_THREAD,
        .thread_fact = {.id = thread->id,
                        .process = thread->process ? thread->process->id : 0,
                        .tid = tid_is_of_process(thread->tid) ? TID_UNKNOWN : thread->tid,
                        .begin_ns = thread->begin_ns,
                        .end_ns = thread->exited ? thread->exit_ns : thread->last_ns,
                        .begin_hard = thread->begin_hard,
                        .end_hard = thread->exited,
                        .kernel_named = thread->kernel_named,
                        .name = name,
                        .program = text_of(thread->program)}};
    if (!thread->kernel_named && !thread->user_named)
        fact.thread_fact.name = (struct text){NULL, 0};
    model_tell(model, &fact);
}

void thread_tell(struct model *model, struct thread *thread)
{
    thread_tell_fact(model, thread);
    thread_tell_numbers(model, thread);
}

void thread_tell_numbers(struct model *model, struct thread *thread)
{
    struct result run = {.type = RESULT_RUN, .thread = thread->id};
    run.run.cpu_ns = thread->cpu_ns;
    run.run.switches = thread->switches;
    run.run.time = &thread->time;
    model_tell_of(model, thread, &run);
    thread->cpu_ns = thread->switches = 0;
    time_vector_clear(&thread->time);
}

static void note_exited(struct model *model, const struct thread *thread)
{
    model->exited = memory_grow(model->exited, &model->exited_room, model->exited_count + 1,
                                sizeof *model->exited);
    model->exited[model->exited_count++] = number_key(thread->pid_ns, thread->tid);
}

void thread_restored(struct model *model)
{
    const struct thread *thread;
    for (size_t at = 0; (thread = map_next(&model->threads, &at));)
        if (thread->exited)
            note_exited(model, thread);
}

void thread_forget_exited(struct model *model, uint64_t now_ns)
{
    size_t kept = 0;
    for (size_t i = 0; i < model->exited_count; i++) {
        struct thread *thread = map_get(&model->threads, model->exited[i]);
        if (!thread || !thread->exited)
            continue; /* switched out for good; another has the number by now */
        if (thread->cpu < 0 && now_ns - thread->last_ns > THREAD_KEPT_NS &&
            now_ns > thread->last_ns)
            thread_end(model, thread, now_ns);
        else
            model->exited[kept++] = model->exited[i];
    }
    model->exited_count = kept;
}

void thread_exit(struct model *model, struct thread *thread, uint64_t time_ns)
{
    if (thread->exited)
        return;
    thread_book(thread, time_ns);
    call_end_unknown(model, thread);
    thread->exited = true;
    thread->exit_ns = time_ns;
    note_exited(model, thread);
    thread->call_epoch = 0;
    thread->retold = false;
    process_thread_gone(model, thread, time_ns);
}

static void forget_inner(struct model *model, struct thread *thread)
{
    for (size_t i = 0; i < thread->inner_count; i++) {
        uint64_t key = (uint64_t)thread->inner[i];
        uintptr_t count = (uintptr_t)map_remove(&model->inner, key);
        if (count > 1)
            map_put(&model->inner, key, (void *)(count - 1));
    }
}

void thread_settle_account(struct thread *thread)
{
    uint64_t to_ns = thread->last_ns;
    thread_book(thread, to_ns);
    if (thread->state_since_ns > to_ns)
        to_ns = thread->state_since_ns; /* an event that is not its own has told of its state */
    if (thread->clock_ns > to_ns)
        thread_book_back(thread, to_ns);
}

void thread_end(struct model *model, struct thread *thread, uint64_t time_ns)
{
    (void)time_ns;
    /* A CPU whose piece has yet to come may still point to it. */
    for (size_t i = 0; i < model->cpu_count; i++)
        if (model->cpus[i].thread == thread) {
            model->cpus[i].thread = NULL;
            model->cpus[i].current = CURRENT_NOBODY;
            model->cpus[i].run_whole = false;
        }
    thread_settle_account(thread);
    call_end_unknown(model, thread);
    /* Nothing will tell any more what the time before its first call was. */
    thread_new_stretch(thread);
    thread_set_state(thread, STATE_UNKNOWN, time_ns);
    process_thread_lost(model, thread, time_ns);
    table_forget_own(model, thread);
    thread_tell(model, thread);
    forget_inner(model, thread);
    map_remove(&model->threads, number_key(thread->pid_ns, thread->tid));
    thread_unref(model, thread);
}

void thread_leave_cpu(struct model *model, struct thread *thread)
{
    if (thread->cpu < 0)
        return;
    struct cpu *cpu = &model->cpus[thread->cpu];
    if (cpu->current == CURRENT_THREAD && cpu->thread == thread) {
        cpu->current = CURRENT_NOBODY;
        cpu->thread = NULL;
        cpu->run_whole = false;
    }
    thread->cpu = -1;
}

/* Adds `ns` (which may be negative, modulo 2^64) where time in the thread's present state and
 * call belongs. */
static void add_now(const struct thread *thread, struct time_vector *vector, uint64_t ns,
                    bool by_call)
{
    const struct syscall *call = thread->call.open.call;
    switch ((enum thread_state)thread->state) {
    case STATE_UNKNOWN: vector->unknown_ns += ns; return;
    case STATE_RUNNABLE: vector->runnable_ns += ns; return;
    case STATE_RUNNING:
        if (call)
            vector->sys_ns += ns;
        else if (thread->first_call_seen)
            vector->user_ns += ns;
        else
            vector->before_running_ns += ns;
        return;
    case STATE_BLOCKED:
        if (call && by_call)
            time_vector_add_blocked_in(vector, call->id, ns);
        else if (call || thread->first_call_seen)
            vector->blocked_ns += ns;
        else
            vector->before_blocked_ns += ns;
        return;
    }
}

void thread_account(const struct thread *thread, struct time_vector *vector, uint64_t ns)
{
    add_now(thread, vector, ns, true);
}

void thread_book(struct thread *thread, uint64_t until_ns)
{
    if (until_ns <= thread->clock_ns)
        return;
    uint64_t ns = until_ns - thread->clock_ns;
    add_now(thread, &thread->time, ns, false);
    if (thread->phases.count > 0)
        add_now(thread, &thread->phases.total, ns, true);
    thread->clock_ns = until_ns;
}

/* Of the time from `from_ns` to the thread's clock, what was before the instance, which began in
 * it. */
static uint64_t before_begin(const struct thread *thread, const struct instance *instance,
                             uint64_t from_ns)
{
    uint64_t begin_ns = instance->begin_ns;
    return (begin_ns < thread->clock_ns ? begin_ns : thread->clock_ns) - from_ns;
}

void thread_book_back(struct thread *thread, uint64_t to_ns)
{
    uint64_t ns = thread->clock_ns - to_ns;
    add_now(thread, &thread->time, 0 - ns, false);
    if (thread->phases.count > 0)
        add_now(thread, &thread->phases.total, 0 - ns, true);
    for (struct instance *each = thread->phases.top; each && each->begin_ns > to_ns;
         each = each->below)
        add_now(thread, &each->total_at, 0 - before_begin(thread, each, to_ns), true);
    thread->clock_ns = to_ns;
}

void thread_set_state(struct thread *thread, enum thread_state state, uint64_t time_ns)
{
    thread->state = (uint8_t)state;
    thread->state_since_ns = time_ns;
    thread->wake_ns = TIME_NONE;
}

void thread_take_back(struct thread *thread, uint64_t from_ns)
{
    if (thread->state == STATE_UNKNOWN)
        return;
    /* By a context it may have made calls where no switch had brought it. */
    if (from_ns < thread->call_changed_ns)
        from_ns = thread->call_changed_ns;
    if (thread->clock_ns <= from_ns)
        return;
    uint64_t ns = thread->clock_ns - from_ns;
    add_now(thread, &thread->time, 0 - ns, false);
    thread->time.unknown_ns += ns;
    if (thread->phases.count > 0) {
        add_now(thread, &thread->phases.total, 0 - ns, true);
        thread->phases.total.unknown_ns += ns;
    }
    for (struct instance *each = thread->phases.top; each && each->begin_ns > from_ns;
         each = each->below) {
        ns = before_begin(thread, each, from_ns);
        add_now(thread, &each->total_at, 0 - ns, true);
        each->total_at.unknown_ns += ns;
    }
}

/* What was put under "before the first call" was inside `call`, or (NULL) outside of any. */
static void resolve_before(struct time_vector *vector, const struct syscall *call, bool by_call)
{
    if (call) {
        vector->sys_ns += vector->before_running_ns;
        if (by_call)
            time_vector_add_blocked_in(vector, call->id, vector->before_blocked_ns);
        else
            vector->blocked_ns += vector->before_blocked_ns;
    } else {
        vector->user_ns += vector->before_running_ns;
        vector->blocked_ns += vector->before_blocked_ns;
    }
    vector->before_running_ns = vector->before_blocked_ns = 0;
}

static void resolve_all(struct thread *thread, const struct syscall *call)
{
    resolve_before(&thread->time, call, false);
    resolve_before(&thread->phases.total, call, true);
    for (struct instance *each = thread->phases.top; each; each = each->below)
        resolve_before(&each->total_at, call, true);
}

void thread_first_call(struct model *model, struct thread *thread, const struct syscall *call)
{
    if (thread->first_call_seen)
        return;
    thread->first_call_seen = true;
    resolve_all(thread, call);
    if (thread->before_told && call) {
        struct result fact = {.type = RESULT_FIRST_CALL,
                              .thread = thread->id,
                              .stretch = thread->stretch,
                              .call = text_of(call->name)};
        fact.in_call = true;
        model_tell_of(model, thread, &fact);
    }
    thread->before_told = false;
}

void thread_new_stretch(struct thread *thread)
{
    resolve_all(thread, NULL);
    thread->stretch++;
    thread->first_call_seen = false;
    thread->before_told = false;
}

/* Adds a piece's time, its "before" put where the thread's own call puts it. */
static void add_piece_time(const struct thread *thread, struct time_vector *to,
                           const struct time_vector *time, bool by_call)
{
    const struct syscall *call = thread->call.open.call;
    to->user_ns += time->user_ns;
    to->sys_ns += time->sys_ns;
    to->runnable_ns += time->runnable_ns;
    to->unknown_ns += time->unknown_ns;
    to->blocked_ns += time->blocked_ns;
    for (uint32_t i = 0; i < time->blocked_count; i++) {
        if (by_call)
            time_vector_add_blocked_in(to, time->blocked_in[i].call, time->blocked_in[i].ns);
        else
            to->blocked_ns += time->blocked_in[i].ns;
    }
    if (call) {
        to->sys_ns += time->before_running_ns;
        if (by_call)
            time_vector_add_blocked_in(to, call->id, time->before_blocked_ns);
        else
            to->blocked_ns += time->before_blocked_ns;
    } else if (thread->first_call_seen) {
        to->user_ns += time->before_running_ns;
        to->blocked_ns += time->before_blocked_ns;
    } else {
        to->before_running_ns += time->before_running_ns;
        to->before_blocked_ns += time->before_blocked_ns;
    }
}

void thread_add_time(struct thread *thread, const struct time_vector *time)
{
    add_piece_time(thread, &thread->time, time, false);
    if (thread->phases.count > 0)
        add_piece_time(thread, &thread->phases.total, time, true);
}

void thread_resolve_time(const struct thread *thread, const struct time_vector *time,
                         struct time_vector *to)
{
    add_piece_time(thread, to, time, true);
    add_now(thread, to, time->as_before_ns, true);
}

uint32_t thread_path(const struct thread *thread)
{
    return thread->phases.top ? thread->phases.top->path : 0;
}
