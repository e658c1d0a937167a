/* Joining for names alone: most events only account for time. */
#include "core/descriptors.h"

/* The current thread of a CPU is determined, and has no call in progress. */
static bool is_outside_of_calls(const struct cpu *cpu)
{
    return cpu->knows == CPU_THREAD && cpu->current->in == IN_NONE;
}

/* Whether the use of `fd` in a call that began at `entry_ns` shows nothing new. */
static bool is_known(const struct table *table, int32_t fd, uint64_t entry_ns)
{
    if (fd < 0)
        return true;
    const struct descriptor *used = map_get(&table->places, (uint64_t)fd);
    return used && used->proven && used->begin_ns <= entry_ns;
}

/* Whether a complete plain call only uses descriptors that are known. */
static bool uses_known(struct core *core, const struct life *life, const struct event *entry)
{
    enum { ERRNO_EBADF = 9 };
    const struct event *exit = entry + 1;
    if (!(entry->call->uses & entry->present))
        return true;
    const struct table *table = life_table(core, life);
    struct call_descriptors fds = call_descriptors(entry->call, entry->present, entry->value);
    return table && exit->value[0] != -ERRNO_EBADF && is_known(table, fds.first, entry->time_ns) &&
           is_known(table, fds.second, entry->time_ns);
}

/* The current thread and its CPU were active. */
static void pass(struct cpu *cpu, uint64_t time_ns)
{
    cpu->last_ns = time_ns;
    if (cpu->knows == CPU_THREAD && time_ns > cpu->current->last_ns)
        cpu->current->last_ns = time_ns;
}

static bool is_plain(const struct event *event)
{
    return event->class->is_plain && !event->has;
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

size_t core_event_for_names(struct core *core, const struct event *events, size_t count)
{
    const struct event *event = events, *next = events + 1;
    bool is_settled =
        (uint32_t)event->cpu < core->cpu_count && core->cpus[event->cpu].knows != CPU_UNKNOWN;
    if (is_settled && is_plain(event)) {
        struct cpu *cpu = &core->cpus[event->cpu];
        if (event->kind == EVENT_OTHER) {
            pass(cpu, event->time_ns);
            return 1;
        }
        if (count > 1 && is_whole_call(event) && is_plain(next) && is_outside_of_calls(cpu) &&
            uses_known(core, cpu->current, event)) {
            pass(cpu, next->time_ns);
            cpu->current->call_epoch = core->border_epoch;
            return 2;
        }
    }
    if (!pass_user(core, event))
        core_event(core, event);
    return 1;
}
