/* System calls of threads: complete and half seen. */
#include "base/memory.h"
#include "core/descriptors.h"

/* --- sums --- */

/* Initial capacity: enough for most LINEs of a row. */
enum { CALLS_FIRST = 3 };

NEVER_INLINE static struct call_sum *find_sum(struct core *core, struct life *life, uint32_t label,
                                              const struct syscall *call)
{
    bool is_new;
    size_t at = cell_index_at(&life->call_index, (uint64_t)label << 32 | call->id, &is_new);
    if (is_new) {
        if (life->call_count == life->call_room) {
            life->call_room = life->call_room > 0 ? 2 * life->call_room : CALLS_FIRST;
            life->calls = memory_resize(life->calls, life->call_room, sizeof *life->calls);
        }
        life->calls[life->call_count++] = (struct call_sum){.label = label, .call = call};
        life_list(core, life);
    }
    life->call_at[call->id % CALLS_CACHED] = at < UINT8_MAX ? (uint8_t)(at + 1) : 0;
    return &life->calls[at];
}

static struct call_sum *call_sum_at(struct core *core, struct life *life, uint32_t label,
                                    const struct syscall *call)
{
    unsigned at = life->call_at[call->id % CALLS_CACHED];
    if (at > 0) {
        struct call_sum *sum = &life->calls[at - 1];
        if (sum->call == call && sum->label == label)
            return sum;
    }
    return find_sum(core, life, label, call);
}

/* For phases: the current call of the thread ends. */
static inline void call_over(struct core *core, struct life *life, bool complete)
{
    instances_call_over(&life->phases, complete);
    if (life->credit_count > 0)
        phase_add_credits(core, life, complete);
}

/* --- effects of events, in both modes --- */

static inline void open_call(struct core *core, struct life *life, const struct event *event,
                             enum core_mode mode)
{
    life->in = IN_OPEN;
    life->open_call = event->call;
    life->entry_ns = event->time_ns;
    life->open_label = life_label(core, life);
    life->open_present = event->present;
    memcpy(life->open_value, event->value, sizeof life->open_value);
    life->open_text = (struct text){NULL, 0};
    if (event_has_text(event, 0)) {
        life->open_text.count = event->text[0].count;
        if (mode == CORE_JOIN)
            life->open_text.at = life->open_owned = memory_string(event->text[0]);
        else
            life->open_text.at = arena_string(&core->row->arena, event->text[0]);
    }
}

static inline void drop_call(struct life *life, enum core_mode mode)
{
    life->in = IN_NONE;
    if (mode == CORE_MAP)
        return; /* the row owns its text */
    free(life->open_owned);
    life->open_owned = NULL;
    life->open_text = (struct text){NULL, 0};
    if (life->used[0] || life->used[1])
        descriptors_release(life);
}

void call_has_no_end(struct core *core, struct life *life)
{
    if (life->in != IN_OPEN)
        return;
    call_sum_at(core, life, life->open_label, life->open_call)->cell.end_unknown++;
    call_over(core, life, false);
    if (core->mode == CORE_MAP)
        places_drop(core, life);
    drop_call(life, core->mode);
    life_place(life);
}

static inline void entered(struct core *core, struct life *life, const struct event *event,
                           enum core_mode mode)
{
    life_book(life, event->time_ns);
    life->call_epoch = core->border_epoch;
    life->call_changed = true;
    if (life->in != IN_NONE) {
        if (life->in == IN_UNKNOWN)
            life_first_call(core, life, NULL);
        call_has_no_end(core, life);
    }
    if (event->call->role->op == CALL_SIGRETURN)
        call_sum_at(core, life, life_label(core, life), event->call)->cell.end_unknown++;
    else
        open_call(core, life, event, mode);
    life_place(life);
}

/* If it exits now. */
static inline uint64_t call_ns(const struct life *life, const struct event *exit)
{
    return exit->time_ns - life->entry_ns;
}

/* The exit of the thread's current call, with a duration of that bucket. */
static inline void completed(struct core *core, struct life *life, const struct event *event,
                             unsigned bucket, enum core_mode mode)
{
    life_book(life, event->time_ns);
    life->call_epoch = core->border_epoch;
    life->call_changed = true;
    struct call_sum *sum = call_sum_at(core, life, life->open_label, life->open_call);
    call_cell_add(&sum->cell, life->entry_ns, call_ns(life, event), bucket, event->value[0],
                  life->open_call->role->flags & (CALL_READS | CALL_WRITES));
    call_over(core, life, true);
    drop_call(life, mode);
    life_place(life);
}

/* The exit of a call without an entry. False if there was no call. */
static bool exited_alone(struct core *core, struct life *life, const struct event *event)
{
    const struct syscall *call = event->call;
    int64_t ret = event->value[0];
    life_book(life, event->time_ns);
    bool is_free = life->call_epoch == core->border_epoch && life->in != IN_OPEN;
    life->call_epoch = core->border_epoch;
    life->call_changed = true;
    /* The return of a clone or fork in the child: the child never entered that call. */
    bool breath = ret == 0 && (call->role->op == CALL_CLONE ||
                               (life->in == IN_UNKNOWN && life->fork_seen && life->stretch == 0));
    if (life->in == IN_UNKNOWN)
        life_first_call(core, life, breath ? NULL : call);
    call_has_no_end(core, life);
    if (breath)
        return false;
    struct call_sum *sum = call_sum_at(core, life, life_label(core, life), call);
    if (is_free && ret_is_error(ret))
        call_cell_add_refused(&sum->cell, ret);
    else
        sum->cell.begin_unknown++;
    return true;
}

/* --- mapping --- */

/* Only the past knows its current call, if any: that call has no end. */
static void leave_unknown_call(struct core *core, struct life *life, uint64_t time_ns)
{
    life_book(life, time_ns);
    if (life->in == IN_UNKNOWN)
        map_pass(core, life);
    call_over(core, life, false);
    life->call_was_unknown = life->call_changed = true;
    life->call_epoch = core->border_epoch;
    life->in = IN_NONE;
    life->no_call_yet = false;
    life_place(life);
}

void map_call_entry(struct core *core, struct life *life, const struct event *event)
{
    life_activate(core, life, event->time_ns);
    if (life->in == IN_UNKNOWN || life->in == IN_EMITTED)
        leave_unknown_call(core, life, event->time_ns);
    entered(core, life, event, CORE_MAP);
    if (life->in == IN_OPEN)
        places_enter(core, life);
}

NEVER_INLINE static void exit_step(struct core *core, struct life *life, const struct event *event)
{
    life_book(life, event->time_ns);
    life_write(core, life);
    map_pass(core, life);
    map_step(core, event, life);
    life->clock_ns = event->time_ns;
    life->emitted.holds = false;
    life->call_epoch = core->border_epoch;
    life->in = IN_NONE;
    life->no_call_yet = false;
    life_place(life);
}

/* The exit of a call that was entered in this interval. */
static inline void end_here(struct core *core, struct life *life, const struct event *event,
                            unsigned bucket)
{
    life->over_emitted |= life->in == IN_EMITTED;
    completed(core, life, event, bucket, CORE_MAP);
}

void map_call_exit(struct core *core, struct life *life, const struct event *event)
{
    if (event->call->role->op == CALL_SIGRETURN)
        return;
    life_activate(core, life, event->time_ns);
    bool ends_here = (life->in == IN_OPEN || (life->in == IN_EMITTED && life->ends_here)) &&
                     life->open_call == event->call;
    unsigned bucket = ends_here ? durations_bucket(call_ns(life, event)) : 0;
    if (life->no_call_yet && event->value[0] == 0)
        leave_unknown_call(core, life, event->time_ns); /* the child's return */
    else if ((!ends_here && (life->in == IN_UNKNOWN || life->in == IN_EMITTED)) ||
             (ends_here && !places_exit(core, life, event, bucket)))
        exit_step(core, life, event);
    else if (ends_here)
        end_here(core, life, event, bucket);
    else if (exited_alone(core, life, event))
        places_exit_alone(core, life, event);
}

/* life_book() for the time of a call, which is over then. */
static inline void book_call(struct life *life, uint64_t until_ns)
{
    invariant(life->in == IN_NONE && life->slot == time_slots[life->state][IN_NONE]);
    if (life->spends) {
        life->in = IN_OPEN;
        life_place(life);
        life_book(life, until_ns);
        life->in = IN_NONE;
        life_place(life);
    } else if (until_ns > life->clock_ns) {
        life->time[time_slots[life->state][IN_OPEN]] += until_ns - life->clock_ns;
        life->clock_ns = until_ns;
    }
}

bool map_whole_call(struct core *core, struct cpu *cpu, const struct event *entry)
{
    const struct event *exit = entry + 1;
    const struct event_class *second = exit->class;
    struct life *life = cpu->current;
    if (entry->class->has_rows || !second->is_plain || second->has_rows || exit->has ||
        exit->time_ns >= core->time_ns || cpu->knows != CPU_THREAD || life->in != IN_NONE ||
        !life->counts || life->no_call_yet || life->credit_count > 0)
        return false;
    invariant(entry->time_ns <= exit->time_ns);
    invariant(!life->phases.top || !life->phases.top->in_call);
    const struct syscall *call = entry->call;
    uint64_t ns = exit->time_ns - entry->time_ns;
    unsigned bucket = durations_bucket(ns);
    life_book(life, entry->time_ns);
    life->open_call = call;
    life->entry_ns = entry->time_ns;
    life->open_label = life_label(core, life);
    book_call(life, exit->time_ns);
    life->call_epoch = core->border_epoch;
    life->call_changed = true;
    life->phases.calls++;
    life->last_ns = cpu->last_ns = core->counts.last_ns = exit->time_ns;
    life_list(core, life);
    call_cell_add(&call_sum_at(core, life, life->open_label, call)->cell, life->entry_ns, ns,
                  bucket, exit->value[0], call->role->flags & (CALL_READS | CALL_WRITES));
    if (call->uses & entry->present)
        places_whole_call(core, life, entry, exit, bucket);
    return true;
}

/* --- joining --- */

void join_call_entry(struct core *core, struct life *life, const struct event *event)
{
    entered(core, life, event, CORE_JOIN);
    if (life->in == IN_OPEN)
        descriptors_bind(core, life);
}

void join_call_exit(struct core *core, struct life *life, const struct event *event)
{
    if (event->call->role->op == CALL_SIGRETURN)
        return;
    if (life->in == IN_OPEN && life->open_call == event->call) {
        descriptors_complete(core, life, event);
        completed(core, life, event, durations_bucket(call_ns(life, event)), CORE_JOIN);
    } else if (exited_alone(core, life, event)) {
        descriptors_exit_alone(core, life, event);
    }
}

/* `result` is reused: it is large. */
static void emit_sum(struct core *core, const struct life *life, uint32_t path,
                     const struct call_sum *sum, struct result *result)
{
    result->phase = names_text(&core->paths, path);
    result->call = text_of(sum->call->name);
    result->calls = &sum->cell;
    core_emit_of(core, life, result);
}

void calls_emit(struct core *core, struct life *life)
{
    struct result result = {.type = RESULT_CALLS};
    for (size_t i = 0; i < life->call_count; i++) {
        emit_sum(core, life, life->calls[i].label, &life->calls[i], &result);
        call_cell_clear(&life->calls[i].cell);
    }
    life->call_count = 0;
    cell_index_clear(&life->call_index);
    memset(life->call_at, 0, sizeof life->call_at);
}

/* The sums of a LINE are emitted as they are: readers add them up anyway. */
void calls_join(struct core *core, struct life *life, const struct life_line *line)
{
    struct result result = {.type = RESULT_CALLS, .lasts = true};
    for (size_t i = 0; i < line->call_count; i++) {
        const struct call_sum *sum = &line->calls[i];
        emit_sum(core, life, join_labeled(core, sum->label), sum, &result);
        life->phases.calls += sum->cell.complete.count;
    }
    life->phases.calls += (uint64_t)line->calls_ahead;
    if (!line->call_changed)
        return;
    life_first_call(core, life, NULL);
    if (line->call_was_unknown)
        call_has_no_end(core, life);
    if (line->over_emitted && life->in == IN_OPEN) {
        life->phases.calls--; /* it is in the sums, too */
        call_over(core, life, true);
    }
    drop_call(life, CORE_JOIN); /* it is in the sums */
    life->credit_count = 0;
    if (line->is_seen)
        life->call_epoch = core->border_epoch;
    if (line->is_open) {
        const struct open_call *open = &line->open;
        life->in = IN_OPEN;
        life->open_call = open->call;
        life->entry_ns = open->entry_ns;
        life->open_label = join_labeled(core, line->open_label);
        life->open_present = open->present;
        memcpy(life->open_value, open->value, sizeof life->open_value);
        life->open_text = open->text;
        if (open->text.at)
            life->open_text.at = life->open_owned = memory_string(open->text);
        join_bind(core, life, line->used);
    }
    life_place(life);
}

void calls_move(struct life *to, struct life *from)
{
    to->in = from->in;
    to->open_call = from->open_call;
    to->entry_ns = from->entry_ns;
    to->open_label = from->open_label;
    to->open_present = from->open_present;
    memcpy(to->open_value, from->open_value, sizeof to->open_value);
    to->open_text = from->open_text;
    to->call_epoch = from->call_epoch;
    to->open_owned = from->open_owned;
    free(to->credits);
    to->credits = from->credits;
    to->credit_count = from->credit_count;
    to->credit_room = from->credit_room;
    from->credits = NULL;
    from->credit_count = from->credit_room = 0;
    memcpy(to->used, from->used, sizeof to->used);
    from->used[0] = from->used[1] = NULL;
    from->open_owned = NULL;
    from->open_text = (struct text){NULL, 0};
    if (from->in == IN_OPEN)
        from->in = IN_NONE;
    life_place(to);
    life_place(from);
}
