#include "cli/instance_story.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/render/quantity.h"
#include "cli/story/story.h"

void instance_story_title(struct line *line, const struct instance_row *row)
{
    line_string(line, "phase ");
    line_string(line, row->phase);
    const struct named_values values[] = {row->match, row->captured};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        for (size_t k = 0; k < values[i].count; k++) {
            const struct named_value *value = &values[i].at[k];
            line_char(line, ' ');
            line_string(line, value->name);
            line_char(line, '=');
            switch (value->value.type) {
            case FIELD_ABSENT: line_char(line, '?'); break;
            case FIELD_INT: line_int(line, value->value.i); break;
            case FIELD_UINT: line_uint(line, value->value.u); break;
            case FIELD_TEXT: line_text(line, value->value.text); break;
            }
        }
}

static void put_header(const struct session_report *session, const struct instance_row *row,
                       FILE *out)
{
    const struct {
        const char *name;
        uint64_t ns;
    } states[] = {{"user CPU", report_user_alone(row->user_cpu_ns, &row->interrupted)},
                  {"system CPU", report_sys_alone(row->sys_cpu_ns, &row->interrupted)},
                  {"interrupts", row->interrupted.irq_ns},
                  {"softirqs", row->interrupted.softirq_ns},
                  {"runnable", row->runnable_ns},
                  {"blocked", row->blocked_ns},
                  {"unknown", row->unknown_ns}};
    char id[INSTANCE_ID_ROOM];
    report_instance_id(row->order, id);
    fprintf(out, "%s  %s (pid %" PRId64 ")  thread %s (tid %" PRId64 ")\n", session->session,
            row->process ? row->process : "?", row->pid == REPORT_NONE ? -1 : row->pid,
            row->name ? row->name : "?", row->tid);
    fprintf(out, "instance %s  begins at %s  takes %s:", id, quantity_time(row->begin_ns).text,
            quantity_lone_duration(row->total_ns).text);
    bool first = true;
    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        if (states[i].ns == 0)
            continue;
        fprintf(out, "%s %s %s", first ? "" : ",", states[i].name,
                quantity_lone_duration(states[i].ns).text);
        first = false;
    }
    if (row->end_tid != row->tid)
        fprintf(out, "; ended by tid %" PRId64, row->end_tid);
    fprintf(out, "\n\nAfter          Took          What\n");
}

static uint32_t definition_of(const struct instance_row *row)
{
    char id[INSTANCE_ID_ROOM];
    report_instance_id(row->order, id);
    const char *point = strchr(id, '.');
    return point ? (uint32_t)strtoul(point + 1, NULL, 10) : UINT32_MAX;
}

bool instance_story_is_of(const struct instance_row *row, const struct phase_definitions *phases)
{
    uint32_t index = definition_of(row);
    const char *last = strrchr(row->phase, '/');
    if (index >= phases->count)
        return false;
    const struct phase_definition *definition = &phases->at[index];
    return definition->name_is_field || strcmp(definition->name, last ? last + 1 : row->phase) == 0;
}

size_t instance_story_print(const struct instance_story *ask)
{
    const struct instance_row *row = ask->row;
    struct line title = {.at = NULL};
    instance_story_title(&title, row);
    struct story_names *names = story_names_new(ask->report);
    struct story_ask what = {
        .chunks = ask->chunks,
        .count = ask->count,
        .phases = ask->phases,
        .names = names,
        .warnings = {.say = progress_say_once, .context = ask->progress},
        .tid = (int32_t)row->tid,
        .begin_ns = row->begin_ns,
        .end_ns = row->end_ns,
        .pid = row->pid,
        .knows_states = row->unknown_ns < row->total_ns,
        .title = {title.at, title.count},
        .definition = instance_story_is_of(row, ask->phases) ? definition_of(row) : UINT32_MAX};
    struct story story;
    story_tell(&what, &story);
    put_header(ask->report, row, ask->out);
    story_tree_print(&story.tree, ask->unfolded, ask->out);
    fprintf(ask->out, "%s events of the thread, in %zu of %zu chunks",
            quantity_count(story.events).text, story.chunks, ask->count);
    if (story.lost > 0)
        fprintf(ask->out, "; %s events are lost on its CPUs", quantity_count(story.lost).text);
    fputc('\n', ask->out);
    arena_clear(&story.tree.arena);
    story_names_free(names);
    free(title.at);
    return story.failed;
}
