/* Joining for names alone: most events only account for time. */
#include "core/descriptors.h"

/* Whether the use of `fd` in a call that begins now shows nothing new. */
static bool is_known(const struct table *table, int32_t fd, uint64_t now_ns)
{
    if (fd < 0)
        return true;
    const struct descriptor *used = map_get(&table->places, (uint64_t)fd);
    return used && used->proven && used->begin_ns <= now_ns;
}

/* Whether a plain call only uses descriptors that are known, or of a process that is not. */
static bool uses_known(struct core *core, const struct life *life, const struct event *entry)
{
    if (!(entry->call->uses & entry->present))
        return true;
    const struct table *table = life_table(core, life);
    struct call_descriptors fds = call_descriptors(entry->call, entry->present, entry->value);
    return !table || (is_known(table, fds.first, entry->time_ns) &&
                      is_known(table, fds.second, entry->time_ns));
}

/* Whether the call in progress, which the event ends, was entered by pass_call(). */
static bool was_passed(const struct life *life, const struct event *exit)
{
    return life->in == IN_OPEN && life->open_call == exit->call && !life->used[0] &&
           !life->used[1] && !life->open_owned;
}

/* Joins the entry or the exit of a plain call that changes nothing but times. */
static bool pass_call(struct core *core, struct life *life, const struct event *event)
{
    if (event->call->role->op != CALL_PLAIN)
        return false;
    if (event->kind == EVENT_CALL_EXIT) {
        if (!was_passed(life, event))
            return false;
        life->in = IN_NONE;
    } else {
        if (life->in != IN_NONE || !uses_known(core, life, event))
            return false;
        life->in = IN_OPEN;
        life->open_call = event->call;
        life->entry_ns = event->time_ns;
        life->open_label = 0;
        life->open_present = 0;
    }
    life->call_epoch = core->border_epoch;
    return true;
}

/* The current thread and its CPU were active. */
static void pass(struct cpu *cpu, uint64_t time_ns)
{
    cpu->last_ns = time_ns;
    if (cpu->knows == CPU_THREAD && time_ns > cpu->current->last_ns)
        cpu->current->last_ns = time_ns;
}

/* Joins a kernel event that changes no name. */
static bool pass_kernel(struct core *core, const struct event *event)
{
    if (!event->class->is_plain || event->has || (uint32_t)event->cpu >= core->cpu_count)
        return false;
    struct cpu *cpu = &core->cpus[event->cpu];
    bool is_passed = cpu->knows != CPU_UNKNOWN && event->kind == EVENT_OTHER;
    if (is_call_event(event) && cpu->knows == CPU_THREAD)
        is_passed = pass_call(core, cpu->current, event);
    if (is_passed)
        pass(cpu, event->time_ns);
    return is_passed;
}

/* Whether the contexts of a user-space event show nothing new of its thread. */
static bool shows_known(const struct life *life, const struct event *event)
{
    if (!life->process || life->exited)
        return false;
    if ((event->has & EVENT_HAS_PROCNAME) && !life_is_named(life, event->procname, false))
        return false;
    return !(event->has & EVENT_HAS_PROGRAM) ||
           (life->has_program && life_name_is(life->program, event->program));
}

/* Joins a user-space event of a recording without a kernel trace, if its thread is known. */
static bool pass_user(const struct core *core, const struct event *event)
{
    if (event->domain != DOMAIN_UST || core->facts.has_kernel || core->phases.links ||
        is_phase_event(event) || event_class_is_counted(event->class) ||
        !(event->has & EVENT_HAS_VTID) || event->vtid <= 0)
        return false;
    struct life *life = map_get(&core->lives, number_key(namespace_of(event), event->vtid));
    if (!life || !shows_known(life, event))
        return false;
    life->last_ns = event->time_ns;
    return true;
}

void core_event_for_names(struct core *core, const struct event *event)
{
    if (!pass_kernel(core, event) && !pass_user(core, event))
        core_event(core, event);
}
