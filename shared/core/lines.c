/* Joining: applies LINEs of lives and CPUs. */
#include "core/state.h"

/* The slot for time that a row states relative to the past. */
static unsigned slot_here(const struct life *life, unsigned slot)
{
    switch (slot) {
    case TIME_BEFORE_RUNNING: return time_slots[STATE_RUNNING][life->in];
    case TIME_AS_BEFORE: return life->slot;
    case TIME_AS_BEFORE_IN: return time_slots[life->state][IN_OPEN];
    case TIME_AS_BEFORE_OUT: return time_slots[life->state][IN_NONE];
    default: return slot;
    }
}

bool join_life_line(struct core *core, const struct life_line *line)
{
    struct life *life = join_life_of(core, line->life);
    if (!life) {
        bool unknown_thread = line->life > 0 && line->life <= core->names &&
                              core->named[line->life] == &core->unknown_thread;
        if (unknown_thread)
            core->tallies.at[core->facts.counts_switches ? TALLY_KERNEL_NO_THREAD
                                                         : TALLY_KERNEL_NO_SWITCHES] +=
                line->unknown_events;
        return true;
    }
    uint64_t stated_ns = 0;
    for (unsigned slot = 0; slot < TIME_SLOTS; slot++)
        stated_ns += line->time[slot];
    /* Time accounted before plus the time of the LINE must equal the time up to which it
     * accounts. */
    if (line->counts_time && line->clock_ns != life->clock_ns + stated_ns)
        return false;
    join_phase_sums(core, life, line);
    for (unsigned slot = 0; slot < TIME_SLOTS; slot++)
        life->time[slot_here(life, slot)] += line->time[slot];
    life_add_interrupted(life, &line->interrupted, &life->interrupted);
    if (line->counts_time)
        life->clock_ns = line->clock_ns;
    if (line->state_known) {
        life_set_state(life, line->state, line->since_ns);
        life->wake_ns = line->wake_ns;
    }
    if (line->last_ns != TIME_NONE && line->last_ns > life->last_ns)
        life->last_ns = line->last_ns;
    if (line->named_ns != TIME_NONE)
        life->named_ns = line->named_ns;
    life->cpu_ns += line->cpu_ns;
    life->switches += line->switches;
    durations_merge(&life->latency, &line->latency);
    calls_join(core, life, line);
    join_credits(core, life, line);
    if (line->kernel_named)
        life_set_name(life, line->kernel_name, true);
    if (line->user_named)
        life_set_name(life, line->user_name, false);
    if (line->has_program)
        life_set_program(life, line->program);
    return true;
}

void join_cpu_line(struct core *core, const struct cpu_line *line)
{
    struct cpu *cpu = cpu_at(core, line->cpu);
    if (!cpu)
        return;
    cpu->busy_ns += line->busy_ns;
    cpu->idle_ns += line->idle_ns;
    if (line->last_ns != TIME_NONE)
        cpu->last_ns = line->last_ns;
    join_handlers(cpu, line);
    join_slices(core, cpu, line);
    if (!line->known)
        return;
    cpu->border_ns = TIME_NONE;
    /* Older mappers write no slices: the threads since the last one are unknown. */
    if (line->slice_count == 0 && line->run_whole && line->run_begin_ns != cpu->run_begin_ns)
        slices_forget(cpu);
    cpu->run_begin_ns = line->run_begin_ns;
    cpu->run_whole = line->run_whole;
    if (cpu->knows == CPU_THREAD && cpu->current->cpu == line->cpu)
        life_touch(cpu->current)->cpu = -1;
    struct life *current = join_life_of(core, line->current);
    if (current)
        life_leave_cpu(core, current);
    cpu->current = current;
    cpu->knows = cpu->current                                 ? CPU_THREAD
                 : line->unknown_thread || line->current != 0 ? CPU_THREAD_UNKNOWN
                                                              : CPU_IDLE;
    if (cpu->current)
        cpu->current->cpu = line->cpu;
}
