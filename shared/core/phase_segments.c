/* Requests and their segments. */
#include "analysis/segments.h"
#include "base/memory.h"
#include "core/state.h"

/* --- both modes --- */

void segment_begins(struct core *core, struct instance *instance)
{
    struct instance *request =
        instances_request(&core->phases, instance->thread, instance->definition, instance->values);
    if (request && request->mark.order < instance->mark.order)
        segment_begin(core->phases.changes, request, instance, instance->mark.begin_ns);
}

static struct time_vector outside_of_calls(const struct time_vector *time)
{
    struct time_vector outside = {.user_ns = time->user_ns + time->sys_ns + time->before_running_ns,
                                  .runnable_ns = time->runnable_ns,
                                  .unknown_ns = time->unknown_ns,
                                  .blocked_ns = time->blocked_ns + time->before_blocked_ns,
                                  .as_before_ns = time->as_before_ns,
                                  .interrupted = {.irq_ns = time->interrupted.irq_ns,
                                                  .softirq_ns = time->interrupted.softirq_ns}};
    for (uint32_t i = 0; i < time->blocked_count; i++)
        outside.blocked_ns += time->blocked_in[i].ns;
    return outside;
}

void segment_ends(const struct core *core, struct instance *instance, uint64_t time_ns,
                  const struct time_vector *time, uint64_t calls)
{
    /* Without a kernel trace, or without calls, only the past can resolve the state of the
     * threads. */
    struct time_vector known = {.unknown_ns = time_ns - instance->mark.begin_ns};
    if (core->facts.no_calls)
        known = outside_of_calls(time);
    if (core->facts.no_calls || !core->facts.has_kernel)
        time = &known;
    struct ended_instance ended = {.calls = 0};
    if (layers_since(life_of(instance), instance->mark.order, &ended))
        segments_add_waits(instance->request->segments, ended.waits, ended.wait_count);
    else
        segments_add_many_waits(instance->request->segments);
    free(ended.waits);
    segment_end(core->phases.changes, instance, time_ns, time, calls);
}

void request_ends(const struct core *core, struct instance *instance, uint64_t time_ns,
                  struct ended_instance *ended)
{
    struct segments *segments = instance->segments;
    while (segments && segments->first) {
        struct time_vector time = {0};
        uint64_t calls = phase_spent_until(segments->first, time_ns, &time);
        segment_ends(core, segments->first, time_ns, &time, calls);
        time_vector_free(&time);
    }
    struct segments_sum sum = segments_sum_up(instance, time_ns, &ended->time);
    ended->queued_ns = sum.queued_ns;
    ended->parallel_ns = sum.parallel_ns;
    ended->calls = segments ? segments->calls : 0;
    if (segments && segments->waited <= INSTANCE_WAITS_COUNTED) {
        ended->waits = instance_waits_copy(segments->waits, segments->wait_count);
        ended->wait_count = segments->wait_count;
    }
    /* Time before the first calls of the threads: results have no such part for several threads. */
    struct time_vector *time = &ended->time;
    time->user_ns += time->before_running_ns;
    time->blocked_ns += time->before_blocked_ns;
    time->before_running_ns = time->before_blocked_ns = 0;
    interrupted_resolve(&time->interrupted, false);
}

/* --- rows and state --- */

struct segments_line segments_line_of(const struct instance *instance)
{
    const struct segments *segments = instance->segments;
    struct segments_line line = {.since_ns = TIME_NONE};
    if (!segments)
        return line;
    line.since_ns = segments->since_ns;
    line.busy_ns = segments->busy_ns;
    line.span_ns = segments->span_ns;
    line.lost = segments->lost;
    line.lost_begin_ns = segments->lost_begin_ns;
    line.calls = segments->calls;
    time_vector_merge(&line.time, &segments->time);
    line.waits = segments->waits;
    line.wait_count = segments->wait_count;
    return line;
}

bool segments_set(struct instance *instance, const struct segments_line *line)
{
    if (line->since_ns == TIME_NONE || instance->segments)
        return false;
    instance->segments = memory_new(sizeof *instance->segments);
    *instance->segments = (struct segments){.open = line->lost,
                                            .since_ns = line->since_ns,
                                            .busy_ns = line->busy_ns,
                                            .span_ns = line->span_ns,
                                            .lost = line->lost,
                                            .lost_begin_ns = line->lost_begin_ns,
                                            .calls = line->calls};
    time_vector_merge(&instance->segments->time, &line->time);
    return true;
}

/* --- joining --- */

static struct instance *request_named(const struct core *core, uint32_t name)
{
    return name > 0 && name <= core->request_count ? core->requests[name - 1] : NULL;
}

static void join_waits(const struct core *core, const struct segments_line *line,
                       struct segments *segments)
{
    for (size_t i = 0; i < line->wait_count; i++) {
        struct instance_wait wait = line->waits[i];
        wait.who = join_who(core, wait.who);
        segments_add_waits(segments, &wait, 1);
    }
}

void join_segments(struct core *core, const struct instance_line *line, struct instance *instance)
{
    const struct phase_set *set = core->phases.set;
    if (segments_set(instance, &line->segments))
        join_waits(core, &line->segments, instance->segments);
    if (line->name > 0) {
        core->requests =
            memory_grow(core->requests, &core->request_room, line->name, sizeof *core->requests);
        while (core->request_count < line->name)
            core->requests[core->request_count++] = NULL;
        core->requests[line->name - 1] = instance;
        instance->row_name = line->name;
    }
    struct instance *request = request_named(core, line->request);
    if (request && !instance->request && request->mark.order < instance->mark.order &&
        phase_is_segment(set->at[line->definition], set->at[request->definition]))
        segment_link(core->phases.changes, request, instance);
}
