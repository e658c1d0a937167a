#include "cli/story/segment_list.h"

#include <stdlib.h>

#include "base/memory.h"
#include "cli/story/story_irq.h"
#include "trace/phase_set.h"
#include "trace/schema.h"

struct finding {
    const struct segments_query *query;
    const struct phase_definition *request;
    struct segment_list *list;
    bool has_begun;
    size_t later; /* open requests with the same values that began later */
};

static bool is_of_process(const struct finding *finding, const struct followed *followed)
{
    const struct event *event = followed->event;
    int64_t ignored, pid = event->has & EVENT_HAS_VPID ? event->vpid : REPORT_NONE;
    const struct thread_row *thread =
        followed->tid > 0
            ? story_names_thread(finding->query->names, followed->tid, followed->wall_ns, &ignored)
            : NULL;
    if (thread && thread->pid != REPORT_NONE)
        pid = thread->pid;
    return pid == REPORT_NONE || finding->query->row->pid == REPORT_NONE ||
           pid == finding->query->row->pid;
}

/* Whether the event has the match values of the request, in the fields of its begin or end event.
 */
static bool agrees(const struct finding *finding, const struct event *event, bool at_end)
{
    const struct named_values *values = &finding->query->row->match;
    const struct field_value absent = {.type = FIELD_ABSENT};
    for (size_t i = 0; i < values->count && i < finding->request->match_count; i++) {
        const struct phase_match *match = &finding->request->match[i];
        const struct field_value *value =
            event_shown(event, at_end ? match->end_field : match->begin_field);
        if (!field_value_equal(&values->at[i].value, value ? value : &absent))
            return false;
    }
    return true;
}

static void on_end(struct finding *finding, const struct followed *followed, uint32_t index)
{
    const struct event *event = followed->event;
    const struct phase_definition *definition = &finding->query->phases->at[index];
    if (index == finding->query->definition && finding->later > 0 && agrees(finding, event, true) &&
        phase_filters_pass(definition->end_filter, definition->end_filter_count, event,
                           event_shown)) {
        finding->later--;
        return;
    }
    for (size_t i = finding->list->count; i-- > 0;) {
        struct found_segment *segment = &finding->list->at[i];
        if (segment->has_end || segment->instance.definition != definition ||
            !open_instance_ends(&segment->instance, event))
            continue;
        segment->has_end = true;
        segment->end_ns = followed->wall_ns;
        return;
    }
}

static void on_begin(struct finding *finding, const struct followed *followed, uint32_t index)
{
    const struct event *event = followed->event;
    const struct phase_definition *definition = &finding->query->phases->at[index];
    struct segment_list *list = finding->list;
    bool is_request = index == finding->query->definition;
    if ((!is_request && !phase_is_segment(definition, finding->request)) ||
        !phase_filters_pass(definition->begin_filter, definition->begin_filter_count, event,
                            event_shown) ||
        !agrees(finding, event, false))
        return;
    if (is_request) {
        finding->later += finding->has_begun;
        finding->has_begun |= followed->wall_ns == finding->query->row->begin_ns;
    } else if (finding->has_begun && finding->later == 0) {
        list->at = memory_grow(list->at, &list->room, list->count + 1, sizeof *list->at);
        struct found_segment *segment = &list->at[list->count++];
        *segment = (struct found_segment){
            .definition = index, .tid = followed->tid, .end_ns = finding->query->row->end_ns};
        open_instance_begin(&segment->instance, definition, followed);
    }
}

static bool take(void *context, const struct followed *followed)
{
    struct finding *finding = context;
    const struct event *event = followed->event;
    const struct event_class *class = event->class;
    if (followed->wall_ns > finding->query->row->end_ns)
        return false;
    if (followed->wall_ns < finding->query->row->begin_ns ||
        class->begin_count + class->end_count == 0 || !is_of_process(finding, followed))
        return true;
    for (size_t i = 0; i < class->end_count; i++)
        on_end(finding, followed, class->ends[i]);
    for (size_t i = 0; i < class->begin_count; i++)
        on_begin(finding, followed, class->begins[i]);
    return true;
}

static bool shows_all(enum domain domain, const char *name)
{
    (void)domain;
    (void)name;
    return true;
}

void segment_list_find(struct segment_list *list, const struct segments_query *query)
{
    *list = (struct segment_list){.at = NULL};
    struct finding finding = {
        .query = query, .request = &query->phases->at[query->definition], .list = list};
    struct follow following = {.chunks = query->chunks,
                               .count = query->count,
                               .phases = query->phases,
                               .shows = shows_all,
                               .begin_ns = query->row->begin_ns,
                               .end_ns = query->row->end_ns,
                               .warnings = query->warnings,
                               .take = take,
                               .context = &finding};
    follow(&following);
    list->failed = following.failed;
}

void segment_list_clear(struct segment_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        open_instance_clear(&list->at[i].instance);
    free(list->at);
    *list = (struct segment_list){.at = NULL};
}
