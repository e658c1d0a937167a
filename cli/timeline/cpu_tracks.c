#include "cli/timeline/cpu_tracks.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "trace/schema.h"

/* struct track_thread.state */
enum { STATE_UNKNOWN, STATE_RUNNING, STATE_RUNNABLE, STATE_BLOCKED };
/* States of the kernel's ftrace; preempted threads are runnable. */
enum { PREV_RUNNABLE = 0, PREV_SLEEP = 1, PREV_DEAD = 16, PREV_STATES = 0x3f };

static struct cpu_track *cpu_at(struct cpu_tracks *cpus, int32_t cpu)
{
    size_t needed = (size_t)cpu + 1;
    if (needed > cpus->count) {
        cpus->at = memory_resize(cpus->at, needed, sizeof *cpus->at);
        while (cpus->count < needed)
            cpus->at[cpus->count++] = (struct cpu_track){.current = CPU_TRACKS_UNKNOWN};
    }
    return &cpus->at[cpu];
}

static struct perfetto_task task_of(struct cpu_tracks *cpus, int32_t tid, int64_t at_ns)
{
    if (tid == 0)
        return (struct perfetto_task){0, text_of("idle")};
    if (tid == CPU_TRACKS_UNKNOWN)
        return (struct perfetto_task){tid, text_of("(unknown)")};
    const struct track_thread *thread = tracks_thread(cpus->tracks, tid, at_ns);
    bool named = thread->row && thread->row->name;
    return (struct perfetto_task){tid, text_of(named ? thread->row->name : "?")};
}

static void set_state(struct cpu_tracks *cpus, struct track_thread *thread, unsigned state,
                      int64_t at_ns)
{
    bool was = thread->state == STATE_RUNNABLE, is = state == STATE_RUNNABLE;
    thread->state = (uint8_t)state;
    if (was == is)
        return;
    cpus->runnable += is ? 1 : (uint64_t)-1;
    if (!cpus->tracks->is_on)
        return;
    if (cpus->runnable_track == 0)
        cpus->runnable_track = perfetto_counter(cpus->tracks->file, "runnable threads");
    perfetto_count(cpus->tracks->file, cpus->runnable_track, at_ns, (int64_t)cpus->runnable);
}

/* `next` becomes current; the previous thread gets the state `prev_state`. */
static void make_current(struct cpu_tracks *cpus, int32_t cpu, int32_t next, int64_t prev_state,
                         int64_t at_ns)
{
    struct cpu_track *track = cpu_at(cpus, cpu);
    int32_t prev = track->current;
    if (cpus->tracks->is_on)
        perfetto_switch(cpus->tracks->file, cpu, at_ns, task_of(cpus, prev, at_ns), prev_state,
                        task_of(cpus, next, at_ns));
    track->current = next;
    if (prev > 0 && prev != CPU_TRACKS_UNKNOWN) {
        struct track_thread *thread = tracks_thread(cpus->tracks, prev, at_ns);
        thread->cpu = -1;
        set_state(cpus, thread,
                  prev_state == PREV_RUNNABLE         ? STATE_RUNNABLE
                  : prev_state == CPU_TRACKS_NO_STATE ? STATE_UNKNOWN
                                                      : STATE_BLOCKED,
                  at_ns);
    }
    if (next > 0 && next != CPU_TRACKS_UNKNOWN) {
        struct track_thread *thread = tracks_thread(cpus->tracks, next, at_ns);
        set_state(cpus, thread, STATE_RUNNING, at_ns);
        thread->cpu = cpu;
        thread->last_ns = at_ns;
    }
}

/* `tid` is current, without a switch that shows since when. */
static void find_current(struct cpu_tracks *cpus, int32_t cpu, int32_t tid, int64_t at_ns)
{
    if (cpu_at(cpus, cpu)->current == tid)
        return;
    if (tid > 0 && tid != CPU_TRACKS_UNKNOWN) {
        int32_t other = tracks_thread(cpus->tracks, tid, at_ns)->cpu;
        if (other >= 0) /* no thread is on two CPUs */
            make_current(cpus, other, CPU_TRACKS_UNKNOWN, CPU_TRACKS_NO_STATE, at_ns);
    }
    make_current(cpus, cpu, tid, CPU_TRACKS_NO_STATE, at_ns);
}

static int64_t state_for_ftrace(const struct event *event)
{
    if (!event_has_value(event, 1))
        return CPU_TRACKS_NO_STATE;
    int64_t state = event->value[1];
    if (follow_is_runnable(state))
        return PREV_RUNNABLE;
    return (state & PREV_STATES) != 0 ? state & PREV_STATES : PREV_SLEEP;
}

static void on_switch(struct cpu_tracks *cpus, const struct followed *followed)
{
    const struct event *event = followed->event;
    int64_t at_ns = followed->wall_ns;
    if (!event_has_value(event, 0) || !event_has_value(event, 2))
        return;
    int32_t prev = (int32_t)event->value[0], next = (int32_t)event->value[2];
    find_current(cpus, event->cpu, prev, at_ns);
    if (next > 0) {
        int32_t other = tracks_thread(cpus->tracks, next, at_ns)->cpu;
        if (other >= 0 && other != event->cpu)
            make_current(cpus, other, CPU_TRACKS_UNKNOWN, CPU_TRACKS_NO_STATE, at_ns);
    }
    struct track_thread *thread = prev > 0 ? tracks_thread(cpus->tracks, prev, at_ns) : NULL;
    bool is_over = thread && thread->has_exited;
    make_current(cpus, event->cpu, next, is_over ? PREV_DEAD : state_for_ftrace(event), at_ns);
    if (is_over)
        set_state(cpus, thread, STATE_UNKNOWN, at_ns);
}

static void on_wakeup(struct cpu_tracks *cpus, const struct followed *followed)
{
    const struct event *event = followed->event;
    if (!event_has_value(event, 0) || event->value[0] <= 0)
        return;
    struct track_thread *woken =
        tracks_thread(cpus->tracks, (int32_t)event->value[0], followed->wall_ns);
    if (woken->state == STATE_RUNNING || woken->state == STATE_RUNNABLE)
        return;
    set_state(cpus, woken, STATE_RUNNABLE, followed->wall_ns);
    if (!cpus->tracks->is_on)
        return;
    enum handler_level level;
    bool is_in = story_irqs_in(&cpus->irqs, event->cpu, &level) != NULL;
    enum perfetto_context context = !is_in                     ? BY_THREAD
                                    : level == HANDLER_SOFTIRQ ? BY_SOFTIRQ
                                                               : BY_IRQ;
    perfetto_waking(cpus->tracks->file, event->cpu, followed->wall_ns,
                    followed->tid == FOLLOW_UNKNOWN ? CPU_TRACKS_UNKNOWN : followed->tid, context,
                    task_of(cpus, woken->tid, followed->wall_ns));
}

/* --- losses --- */

static void border(struct cpu_tracks *cpus, int32_t cpu, int64_t at_ns)
{
    struct cpu_track *track = cpu_at(cpus, cpu);
    int32_t tid = track->current;
    if (tid == CPU_TRACKS_UNKNOWN)
        return;
    if (tid > 0) {
        struct track_thread *thread = tracks_thread(cpus->tracks, tid, at_ns);
        if (thread->last_ns > 0 && thread->last_ns < at_ns)
            at_ns = thread->last_ns; /* its state since then is unknown */
        tracks_drop_call(cpus->tracks, thread, at_ns);
    }
    make_current(cpus, cpu, CPU_TRACKS_UNKNOWN, CPU_TRACKS_NO_STATE, at_ns);
}

static void on_loss(struct cpu_tracks *cpus, const struct followed *followed)
{
    cpus->lost += (uint64_t)followed->event->value[0];
    if (cpus->tracks->is_on && followed->event->value[0] > 0) {
        if (cpus->lost_track == 0)
            cpus->lost_track = perfetto_counter(cpus->tracks->file, "events lost");
        perfetto_count(cpus->tracks->file, cpus->lost_track, followed->wall_ns,
                       (int64_t)cpus->lost);
    }
    if (cpus->has_switches && followed->event->cpu >= 0 && event_is_border(followed->event))
        border(cpus, followed->event->cpu, followed->wall_ns);
}

void cpu_tracks_gap(struct cpu_tracks *cpus, int64_t at_ns)
{
    for (size_t i = 0; i < cpus->count; i++) {
        border(cpus, (int32_t)i, at_ns);
        cpus->at[i].is_met = false;
    }
    story_irqs_clear(&cpus->irqs);
}

/* --- events --- */

static int64_t number_of(const struct event *event, const char *name)
{
    const struct field_value *value = event_shown(event, name);
    return value && value->type != FIELD_TEXT && value->type != FIELD_ABSENT ? value->i : 0;
}

static void on_irq(struct cpu_tracks *cpus, const struct followed *followed)
{
    const struct event *event = followed->event;
    const char *ignored;
    enum irq_step step = story_irqs_take(&cpus->irqs, event, &ignored);
    if (step == IRQ_NONE || !cpus->tracks->is_on)
        return;
    bool is_soft = strncmp(event->class->name, "irq_softirq", 11) == 0;
    const struct field_value *name = event_shown(event, "name");
    perfetto_interrupt(cpus->tracks->file, event->cpu, followed->wall_ns,
                       is_soft ? (step == IRQ_BEGIN ? SOFTIRQ_ENTRY : SOFTIRQ_EXIT)
                               : (step == IRQ_BEGIN ? IRQ_ENTRY : IRQ_EXIT),
                       number_of(event, is_soft ? "vec" : "irq"),
                       name && name->type == FIELD_TEXT ? name->text : text_of(""));
}

/* Determines the current thread before the first switch: at the first event of a CPU, and from
 * contexts. */
static void look_who_runs(struct cpu_tracks *cpus, const struct followed *followed)
{
    const struct event *event = followed->event;
    struct cpu_track *track = cpu_at(cpus, event->cpu);
    bool is_first = !track->is_met && track->current == CPU_TRACKS_UNKNOWN;
    bool shows = (event->has & EVENT_HAS_TID) && event_shows_unseen_switch(event);
    track->is_met = true;
    if ((is_first || shows) && followed->tid != FOLLOW_UNKNOWN)
        find_current(cpus, event->cpu, followed->tid, followed->wall_ns);
}

void cpu_tracks_take(struct cpu_tracks *cpus, struct track_thread *thread,
                     const struct followed *followed)
{
    const struct event *event = followed->event;
    if (event->kind == EVENT_LOSS) {
        on_loss(cpus, followed);
        return;
    }
    if (event->domain != DOMAIN_KERNEL || event->cpu < 0) {
        if (thread)
            thread->last_ns = followed->wall_ns;
        return;
    }
    if (cpus->has_switches)
        look_who_runs(cpus, followed);
    if (thread)
        thread->last_ns = followed->wall_ns;
    on_irq(cpus, followed);
    if (event->kind == EVENT_SWITCH)
        on_switch(cpus, followed);
    else if (event->kind == EVENT_WAKEUP && cpus->has_switches)
        on_wakeup(cpus, followed);
}

void cpu_tracks_turn_on(struct cpu_tracks *cpus, int64_t at_ns)
{
    if (cpus->runnable_track != 0)
        perfetto_count(cpus->tracks->file, cpus->runnable_track, at_ns, (int64_t)cpus->runnable);
    struct perfetto_task unknown_thread = task_of(cpus, CPU_TRACKS_UNKNOWN, at_ns);
    for (size_t i = 0; i < cpus->count; i++)
        if (cpus->at[i].current != CPU_TRACKS_UNKNOWN)
            perfetto_switch(cpus->tracks->file, (int32_t)i, at_ns, unknown_thread,
                            CPU_TRACKS_NO_STATE, task_of(cpus, cpus->at[i].current, at_ns));
}

void cpu_tracks_turn_off(struct cpu_tracks *cpus, int64_t at_ns)
{
    for (size_t i = 0; i < cpus->count; i++)
        if (cpus->at[i].current != CPU_TRACKS_UNKNOWN)
            make_current(cpus, (int32_t)i, CPU_TRACKS_UNKNOWN, CPU_TRACKS_NO_STATE, at_ns);
    if (cpus->runnable > 0 && cpus->tracks->is_on)
        perfetto_count(cpus->tracks->file, cpus->runnable_track, at_ns, 0);
    cpus->runnable = 0;
    cpus->count = 0;
    story_irqs_clear(&cpus->irqs);
}

void cpu_tracks_clear(struct cpu_tracks *cpus)
{
    free(cpus->at);
    story_irqs_clear(&cpus->irqs);
}
