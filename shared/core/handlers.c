/* Interrupt handlers and softirqs: the time they take from the running time of the current thread.
 *
 * A handler counts at its exit: if only its begin or only its end was recorded, it is in no sum. An
 * interrupt during a softirq counts only as interrupt. Handlers do not switch, so at a switch none
 * runs. Where a phase may begin or end in a handler, the handler's time up to then counts at once.
 * Source: kernel/softirq.c, handle_softirqs(); kernel/irq/handle.c, __handle_irq_event_percpu(). */
#include "core/state.h"

/* --- effects of events, in both modes --- */

static void life_interrupt(struct core *core, struct life *life, const struct interrupted *taken)
{
    interrupted_add(&life->interrupted, taken);
    if (life->phases.count > 0)
        interrupted_add(&life->phases.total.interrupted, taken);
    if (life->may_hold_phase)
        interrupted_add(&life->spent.interrupted, taken);
    life_list(core, life);
}

static void take(struct core *core, struct cpu *cpu, uint64_t now_ns, bool softirq, uint64_t ns)
{
    if (core->only_steps || ns == 0)
        return; /* the join does it with the STEP */
    if (cpu->knows != CPU_THREAD && cpu->knows != CPU_LET)
        return;
    struct life *life = life_touch(cpu->current);
    life_own(core, life, now_ns);
    bool in_call = life_is_in_call(life);
    bool is_before = !in_call && life->in != IN_NONE;
    const struct interrupted taken = {.irq_ns = softirq ? 0 : ns,
                                      .softirq_ns = softirq ? ns : 0,
                                      .sys_ns = in_call ? ns : 0,
                                      .before_ns = is_before ? ns : 0};
    life_interrupt(core, life, &taken);
}

static void book_irq(struct core *core, struct cpu *cpu, uint64_t now_ns)
{
    if (!(cpu->handlers & HANDLER_IN_IRQ))
        return;
    uint64_t ns = now_ns - cpu->irq_ns;
    take(core, cpu, now_ns, false, ns);
    cpu->irq_ns = now_ns;
    if ((cpu->handlers & HANDLER_IN_SOFTIRQ) || (!handlers_known(cpu) && !core->only_steps))
        cpu->nested_ns += ns;
    cpu->handlers_changed = true;
}

static void book_softirq(struct core *core, struct cpu *cpu, uint64_t now_ns)
{
    if (!(cpu->handlers & HANDLER_IN_SOFTIRQ))
        return;
    take(core, cpu, now_ns, true, now_ns - cpu->softirq_ns - cpu->nested_ns);
    cpu->softirq_ns = now_ns;
    cpu->nested_ns = 0;
    cpu->handlers_changed = true;
}

void handlers_book(struct core *core, struct cpu *cpu, uint64_t now_ns)
{
    book_irq(core, cpu, now_ns);
    book_softirq(core, cpu, now_ns);
}

static void irq_event(struct core *core, struct cpu *cpu, const struct event *event)
{
    cpu->handlers |= HANDLER_IRQ_KNOWN;
    if (event->kind == EVENT_HANDLER_ENTRY) {
        cpu->handlers |= HANDLER_IN_IRQ;
        cpu->irq_ns = event->time_ns;
        return;
    }
    book_irq(core, cpu, event->time_ns);
    cpu->handlers &= (uint8_t)~HANDLER_IN_IRQ;
}

/* Only interrupts occur within a softirq: any other handler that seems to run has ended unseen. */
static void softirq_event(struct core *core, struct cpu *cpu, const struct event *event)
{
    if (event->kind == EVENT_HANDLER_EXIT)
        book_softirq(core, cpu, event->time_ns);
    cpu->handlers = HANDLERS_NONE;
    cpu->nested_ns = 0;
    if (event->kind == EVENT_HANDLER_EXIT)
        return;
    cpu->handlers |= HANDLER_IN_SOFTIRQ;
    cpu->softirq_ns = event->time_ns;
}

static void handler_event(struct core *core, struct cpu *cpu, const struct event *event)
{
    const unsigned level = event->class->handler;
    cpu->within[level] = event->kind == EVENT_HANDLER_ENTRY
                             ? WITHIN_FIRST + (uint64_t)(uint32_t)event->value[0]
                             : WITHIN_NONE;
    if (level == HANDLER_IRQ)
        irq_event(core, cpu, event);
    else if (level == HANDLER_SOFTIRQ)
        softirq_event(core, cpu, event);
    cpu->handlers_changed = true;
}

/* --- mapping --- */

static bool is_known(const struct cpu *cpu, const struct event *event)
{
    if (event->kind == EVENT_HANDLER_ENTRY)
        return true;
    return event->class->handler == HANDLER_IRQ       ? cpu->handlers & HANDLER_IRQ_KNOWN
           : event->class->handler == HANDLER_SOFTIRQ ? handlers_known(cpu)
                                                      : true;
}

void map_handler(struct core *core, struct cpu *cpu, const struct event *event, struct life *actor)
{
    if (!core->only_steps && is_known(cpu, event)) {
        handler_event(core, cpu, event);
        return;
    }
    if (!core->only_steps)
        map_retire_current(core, cpu);
    cpu_write(core, cpu);
    map_step(core, event, actor);
    handler_event(core, cpu, event);
}

void handlers_write(struct cpu *cpu, struct cpu_line *line)
{
    line->handlers = cpu->handlers_changed ? cpu->handlers : 0;
    line->irq_ns = line->handlers & HANDLER_IN_IRQ ? cpu->irq_ns : TIME_NONE;
    line->softirq_ns = line->handlers & HANDLER_IN_SOFTIRQ ? cpu->softirq_ns : TIME_NONE;
    line->nested_ns = cpu->handlers_changed ? cpu->nested_ns : 0;
    if (!handlers_known(cpu))
        cpu->nested_ns = 0;
    memcpy(line->within, cpu->within, sizeof line->within);
    cpu->handlers_changed = false;
}

/* --- joining --- */

void join_handler(struct core *core, const struct event *event)
{
    struct cpu *cpu = cpu_at(core, event->cpu);
    if (cpu)
        handler_event(core, cpu, event);
}

void join_handlers(struct cpu *cpu, const struct cpu_line *line)
{
    for (unsigned i = 0; i < HANDLER_LEVELS; i++)
        if (line->within[i] != WITHIN_AS_BEFORE)
            cpu->within[i] = line->within[i];
    unsigned known = line->handlers & HANDLERS_NONE;
    unsigned are = (known & HANDLER_IRQ_KNOWN ? HANDLER_IN_IRQ : 0) |
                   (known & HANDLER_SOFTIRQ_KNOWN ? HANDLER_IN_SOFTIRQ : 0);
    cpu->handlers = (uint8_t)((cpu->handlers & ~are) | (line->handlers & are));
    if (line->handlers & HANDLER_IN_IRQ)
        cpu->irq_ns = line->irq_ns;
    if (line->handlers & HANDLER_IN_SOFTIRQ)
        cpu->softirq_ns = line->softirq_ns;
    if (known & HANDLER_SOFTIRQ_KNOWN)
        cpu->nested_ns = 0;
    if (cpu->handlers & HANDLER_IN_SOFTIRQ)
        cpu->nested_ns += line->nested_ns;
}

void life_add_interrupted(const struct life *life, const struct interrupted *stated,
                          struct interrupted *to)
{
    struct interrupted taken = *stated;
    if (life->in != IN_UNKNOWN)
        interrupted_resolve(&taken, life_is_in_call(life));
    interrupted_add(to, &taken);
}
