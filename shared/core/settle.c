#include "core/settle.h"

/* The maximum time before the first switch of a CPU for which its `prev_tid` is taken as the
 * current thread. */
#define SETTLE_NS_MAX UINT64_C(10000000000)

void settle_look_at(struct settle_search *search, const struct event *event)
{
    if (event->time_ns > search->first_ns && event->time_ns - search->first_ns > SETTLE_NS_MAX) {
        search->over = true;
        return;
    }
    if (event->domain != DOMAIN_KERNEL || event->cpu != search->cpu)
        return;
    if (event->kind == EVENT_LOSS && event_is_border(event))
        search->over = true; /* a border comes first: later events prove nothing */
    if (event->kind != EVENT_SWITCH && event->kind != EVENT_EXEC)
        return;
    bool old_tid = event->kind == EVENT_EXEC && event_has_value(event, 1);
    search->over = search->found = true;
    search->tid = (int32_t)event->value[old_tid ? 1 : 0];
}

void settle_look(struct settle_search *search, const struct record *record)
{
    if (record->kind != RECORD_EVENT)
        return;
    settle_look_at(search, &record->step.event);
    if (search->found)
        search->elsewhere = record->step.elsewhere;
}

bool settle_names_elsewhere(const struct settle_search *search, const struct event *event)
{
    int32_t tid = search->tid;
    if (event->kind == EVENT_SWITCH)
        return event->cpu != search->cpu && (event->value[0] == tid || event->value[2] == tid);
    if (event->kind == EVENT_FORK)
        return event->value[2] == tid;
    return event->kind == EVENT_EXEC && event->value[0] == tid && event_has_value(event, 1) &&
           event->value[1] > 0 && event->value[1] != tid;
}

bool settle_elsewhere(const struct settle_search *search, const struct record *record)
{
    if (record->kind == RECORD_EVENT)
        return settle_names_elsewhere(search, &record->step.event);
    const struct life_line *line = &record->life;
    return record->kind == RECORD_LIFE && line->tid == search->tid && line->named_ns != TIME_NONE &&
           line->named_ns > search->first_ns;
}

int32_t settle_found(const struct settle_search *search, const struct core *core)
{
    if (!search->found)
        return TID_SETTLED_UNKNOWN;
    int32_t cpu = core_cpu_of(core, search->tid);
    bool runs_elsewhere = search->elsewhere || (cpu >= 0 && cpu != search->cpu);
    return search->tid > 0 && runs_elsewhere ? TID_SETTLED_UNKNOWN : search->tid;
}
