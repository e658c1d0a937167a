#include "cli/instance_story.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "cli/render/quantity.h"
#include "cli/render/sheet.h"
#include "cli/story/segment_list.h"
#include "cli/story/story.h"

static void put_value(struct line *line, const char *name, const struct field_value *value)
{
    line_char(line, ' ');
    line_string(line, name);
    line_char(line, '=');
    switch (value->type) {
    case FIELD_ABSENT: line_char(line, '?'); break;
    case FIELD_INT: line_int(line, value->i); break;
    case FIELD_UINT: line_uint(line, value->u); break;
    case FIELD_TEXT: line_text(line, value->text); break;
    }
}

void instance_story_title(struct line *line, const struct instance_row *row)
{
    line_string(line, "phase ");
    line_string(line, row->phase);
    const struct named_values values[] = {row->match, row->captured};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        for (size_t k = 0; k < values[i].count; k++)
            put_value(line, values[i].at[k].name, &values[i].at[k].value);
}

/* Number of parts shown, the largest ones, before "more". */
enum { PARTS_SHOWN = 4 };

static int by_most(const void *left, const void *right)
{
    const struct story_sum *a = left, *b = right;
    return a->ns != b->ns ? (a->ns > b->ns ? -1 : 1) : strcmp(a->who, b->who);
}

/* `blocked, woken by: irq 11 (eth0) 2.5 ms, nginx (tid 4) 310 us, 2 others 5 us, unknown 1 us`.
 * `more_ns`: of others that are not among the parts. */
static void put_parts(const char *heading, struct story_sum *parts, size_t count, uint64_t more_ns,
                      uint64_t unknown_ns, FILE *out)
{
    uint64_t others_ns = more_ns;
    qsort(parts, count, sizeof *parts, by_most);
    fprintf(out, "%s:", heading);
    for (size_t i = 0; i < count; i++)
        if (i >= PARTS_SHOWN)
            others_ns += parts[i].ns;
        else
            fprintf(out, "%s %s %s", i > 0 ? "," : "", parts[i].who,
                    quantity_lone_duration(parts[i].ns).text);
    const char *comma = count > 0 ? "," : "";
    if (more_ns > 0)
        fprintf(out, "%s others %s", comma, quantity_lone_duration(others_ns).text);
    else if (others_ns > 0)
        fprintf(out, ", %zu others %s", count - PARTS_SHOWN,
                quantity_lone_duration(others_ns).text);
    if (unknown_ns > 0)
        fprintf(out, "%s unknown %s", more_ns > 0 ? "," : comma,
                quantity_lone_duration(unknown_ns).text);
}

/* The same; what is missing from `whole_ns` is unknown. */
static void put_sums(const char *heading, struct story_sum *parts, size_t count, uint64_t whole_ns,
                     FILE *out)
{
    uint64_t known_ns = 0;
    for (size_t i = 0; i < count; i++)
        known_ns += parts[i].ns;
    if (count > 0)
        put_parts(heading, parts, count, 0, whole_ns > known_ns ? whole_ns - known_ns : 0, out);
}

/* In the words of the lines below. */
static char *who_text(const struct wait_row *row)
{
    const char *name = row->by_name ? row->by_name : "?";
    if (row->kind == WAKER_IDLE)
        return memory_string(text_of("an interrupt on an idle CPU"));
    if (row->kind == RAN_IDLE || row->kind == RAN_EARLIER)
        return memory_string(text_of(row->kind == RAN_IDLE ? "idle" : "others, earlier"));
    if (!wait_is_by_thread(row->kind) || row->by_tid == REPORT_NONE)
        return sheet_text_of_who(row);
    return row->by_pid == REPORT_NONE || row->by_pid == row->by_tid
               ? memory_format("%s (tid %" PRId64 ")", name, row->by_tid)
               : memory_format("%s (tid %" PRId64 ", pid %" PRId64 ")", name, row->by_tid,
                               row->by_pid);
}

/* The waits in the report, which has only the largest: the rest of `whole_ns` is of others. Those of
 * the story if it has none. */
static void put_waits(const char *heading, const struct wait_row *rows, size_t count,
                      struct story_sums *sums, uint64_t whole_ns, FILE *out)
{
    struct story_sum parts[INSTANCE_WAITS_MAX + 1];
    uint64_t unknown_ns = 0, seen_ns = 0;
    size_t known = 0;
    /* Too many waits, or all lost: nothing, or an unknown one that was not counted. */
    bool has_none = count == 0 || (count == 1 && rows[0].cell.count == 0);
    if (has_none && sums->count > 0) {
        put_sums(heading, sums->at, sums->count, whole_ns, out);
        return;
    }
    for (size_t i = 0; i < count && i < INSTANCE_WAITS_MAX; i++) {
        uint64_t ns = rows[i].cell.total_ns;
        seen_ns += ns;
        if (rows[i].kind == WAKER_UNKNOWN || rows[i].kind == RAN_UNKNOWN)
            unknown_ns += ns;
        else
            parts[known++] = (struct story_sum){who_text(&rows[i]), ns};
    }
    if (count > 0)
        put_parts(heading, parts, known, whole_ns > seen_ns ? whole_ns - seen_ns : 0, unknown_ns,
                  out);
    for (size_t i = 0; i < known; i++)
        free((char *)(uintptr_t)parts[i].who);
}

static void put_blocked_in(const struct instance_row *row, FILE *out)
{
    const struct named_numbers *calls = &row->blocked_by;
    struct story_sum *parts = memory_new((calls->count + 1) * sizeof *parts);
    for (size_t i = 0; i < calls->count; i++)
        parts[i] = (struct story_sum){calls->at[i].name[0] ? calls->at[i].name : "no call",
                                      calls->at[i].number};
    put_sums("\nblocked, in", parts, calls->count, row->blocked_ns, out);
    free(parts);
}

static void put_header(const struct session_report *session, const struct instance_row *row,
                       struct story *story, FILE *out)
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
                  {"unknown", row->unknown_ns},
                  {"queued", row->queued_ns}};
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
    if (row->parallel_ns > 0)
        fprintf(out, "; less %s, in which segments overlap",
                quantity_lone_duration(row->parallel_ns).text);
    if (row->end_tid != row->tid)
        fprintf(out, "; ended by tid %" PRId64, row->end_tid);
    put_blocked_in(row, out);
    put_waits("\nblocked, woken by", row->wakers, row->waker_count, &story->woken, row->blocked_ns,
              out);
    put_waits("\nrunnable, ran instead", row->ran_instead, row->ran_instead_count, &story->ran,
              row->runnable_ns, out);
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

/* --- a request, by its segments --- */

static void put_queued(const struct instance_row *row, int64_t begin_ns, int64_t end_ns, FILE *out)
{
    if (end_ns > begin_ns)
        story_line_print(begin_ns - row->begin_ns, end_ns - begin_ns, 1,
                         "queued: no segment is open", out);
}

/* Whether the segment lies within another one of its thread, whose story has it as a nested
 * phase. */
static bool is_nested(const struct segment_list *list, size_t index)
{
    const struct found_segment *inner = &list->at[index];
    for (size_t i = 0; i < list->count; i++) {
        const struct found_segment *outer = &list->at[i];
        int64_t before_ns = inner->instance.begin_ns - outer->instance.begin_ns;
        int64_t after_ns = outer->end_ns - inner->end_ns;
        if (i != index && inner->tid > 0 && outer->tid == inner->tid && before_ns >= 0 &&
            after_ns >= 0 && (before_ns + after_ns > 0 || i < index))
            return true;
    }
    return false;
}

static uint64_t time_in(const struct story_node *node, enum story_kind kind)
{
    uint64_t ns = node->kind == kind ? (uint64_t)(node->end_ns - node->begin_ns) : 0;
    for (const struct story_node *each = node->first; each; each = each->next)
        ns += time_in(each, kind);
    return ns;
}

/* Adds its own waits to the title of a segment. */
static void title_waits(struct story *story)
{
    struct story_node *root = story->tree.root;
    if (!root || story->woken.count + story->ran.count == 0)
        return;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return; /* without memory: they are in the lines below */
    fputs(root->text, out);
    put_sums("; blocked, woken by", story->woken.at, story->woken.count,
             time_in(root, STORY_BLOCKED), out);
    put_sums("; runnable, ran instead", story->ran.at, story->ran.count,
             time_in(root, STORY_RUNNABLE), out);
    if (fclose(out) == 0)
        root->text = arena_string(&story->tree.arena, text_of(text));
    free(text);
}

/* The segments and the queued time between them; the time of parallel segments does not add to the
 * duration. */
static void put_segments(const struct instance_story *shown, const struct segment_list *list,
                         const struct story *stories, const char *title)
{
    const struct instance_row *row = shown->row;
    int64_t until_ns = row->begin_ns;
    story_line_print(0, (int64_t)row->total_ns, 0, title, shown->out);
    for (size_t i = 0; i < list->count; i++) {
        const struct found_segment *segment = &list->at[i];
        if (is_nested(list, i))
            continue;
        put_queued(row, until_ns, segment->instance.begin_ns, shown->out);
        story_tree_print_below(&stories[i].tree, row->begin_ns, 1, shown->unfolded, shown->out);
        if (segment->end_ns > until_ns)
            until_ns = segment->end_ns;
    }
    put_queued(row, until_ns, row->end_ns, shown->out);
}

static void title_segment(struct line *line, const struct found_segment *segment,
                          const struct story_names *names)
{
    const struct phase_definition *definition = segment->instance.definition;
    int64_t ignored;
    const struct thread_row *thread =
        segment->tid > 0
            ? story_names_thread(names, segment->tid, segment->instance.begin_ns, &ignored)
            : NULL;
    line_string(line, "segment ");
    line_string(line, segment->instance.name);
    for (size_t i = 0; i < definition->match_count; i++)
        put_value(line, definition->match[i].begin_field, &segment->instance.match[i]);
    line_string(line, ", thread ");
    line_string(line, thread && thread->name ? thread->name : "?");
    line_string(line, " (tid ");
    line_int(line, segment->tid);
    line_char(line, ')');
    if (!segment->has_end)
        line_string(line, ", open at the end");
}

/* Adds up waits of all stories, as the report does; each event counts once. */
static void add_sums(struct story *all, const struct story *of, bool nested)
{
    for (size_t i = 0; i < of->woken.count; i++)
        story_sums_add(&all->woken, &all->tree.arena, text_of(of->woken.at[i].who),
                       of->woken.at[i].ns);
    for (size_t i = 0; i < of->ran.count; i++)
        story_sums_add(&all->ran, &all->tree.arena, text_of(of->ran.at[i].who), of->ran.at[i].ns);
    all->events += nested ? 0 : of->events;
    all->lost += nested ? 0 : of->lost;
    all->chunks = of->chunks;
    all->failed = of->failed;
}

static void print_segments(const struct instance_story *shown, const struct story_request *what,
                           const char *title, struct story *all)
{
    struct segment_list list;
    const struct segments_query find = {.chunks = shown->chunks,
                                        .count = shown->count,
                                        .phases = shown->phases,
                                        .names = what->names,
                                        .warnings = what->warnings,
                                        .definition = what->definition,
                                        .row = shown->row};
    segment_list_find(&list, &find);
    struct story_request *requests = memory_new((list.count + 1) * sizeof *requests);
    struct line *titles = memory_new((list.count + 1) * sizeof *titles);
    struct story *stories = memory_new((list.count + 1) * sizeof *stories);
    *all = (struct story){.failed = list.failed};
    for (size_t i = 0; i < list.count; i++) {
        title_segment(&titles[i], &list.at[i], what->names);
        requests[i] = *what;
        requests[i].tid = list.at[i].tid;
        requests[i].begin_ns = list.at[i].instance.begin_ns;
        requests[i].end_ns = list.at[i].end_ns;
        requests[i].title = (struct text){titles[i].at, titles[i].count};
        requests[i].definition = list.at[i].definition;
    }
    if (list.count > 0)
        stories_build(requests, stories, list.count);
    for (size_t i = 0; i < list.count; i++)
        add_sums(all, &stories[i], is_nested(&list, i));
    for (size_t i = 0; i < list.count; i++)
        title_waits(&stories[i]);
    put_header(shown->report, shown->row, all, shown->out);
    put_segments(shown, &list, stories, title);
    for (size_t i = 0; i < list.count; i++) {
        story_clear(&stories[i]);
        free(titles[i].at);
    }
    free(requests);
    free(titles);
    free(stories);
    segment_list_clear(&list);
}

/* --- */

/* A definition that could be the segments of the request, or NULL. */
static const struct phase_definition *possible_segments(const struct phase_definitions *phases,
                                                        const struct phase_definition *request)
{
    for (size_t i = 0; i < phases->count; i++) {
        const struct phase_definition *each = &phases->at[i];
        size_t shared = 0;
        for (size_t k = 0; k < request->match_count; k++)
            shared += phase_match_at(each, request->match[k].begin_field) < each->match_count;
        if (each != request && !each->segments && shared == request->match_count)
            return each;
    }
    return NULL;
}

/* A thread that works on several requests at a time says little about one of them. */
static void put_overlap(const struct instance_story *shown, uint32_t definition,
                        const struct story *story)
{
    const struct phase_definition *request =
        definition < shown->phases->count ? &shown->phases->at[definition] : NULL;
    if (story->overlapping == 0 || !request || request->match_count == 0 || request->segments)
        return;
    const struct phase_definition *work = possible_segments(shown->phases, request);
    fprintf(
        shown->out,
        "%s other instance%s of %s began on this thread before this one ends: the lines above show "
        "the work on all of them.\nTo see the work on one, on any thread, name the phase that "
        "does it as `segments` in the definition of %s",
        quantity_count(story->overlapping).text, story->overlapping == 1 ? "" : "s",
        shown->row->phase, request->name);
    if (work)
        fprintf(shown->out, ": segments: %s%s", work->name_is_field ? "$" : "", work->name);
    fputc('\n', shown->out);
}

size_t instance_story_print(const struct instance_story *shown)
{
    const struct instance_row *row = shown->row;
    struct line title = {.at = NULL};
    instance_story_title(&title, row);
    struct story_names *names = story_names_new(shown->report);
    struct story_request what = {
        .chunks = shown->chunks,
        .count = shown->count,
        .phases = shown->phases,
        .names = names,
        .warnings = {.say = progress_say_once, .context = shown->progress},
        .tid = (int32_t)row->tid,
        .begin_ns = row->begin_ns,
        .end_ns = row->end_ns,
        .pid = row->pid,
        .knows_states = row->user_cpu_ns + row->sys_cpu_ns + row->runnable_ns + row->blocked_ns > 0,
        .title = {title.at, title.count},
        .definition = instance_story_is_of(row, shown->phases) ? definition_of(row) : UINT32_MAX};
    struct story story;
    bool has_segments = what.definition < shown->phases->count &&
                        shown->phases->at[what.definition].segments != NULL;
    if (has_segments) {
        line_char(&title, '\0');
        print_segments(shown, &what, title.at, &story);
    } else {
        stories_build(&what, &story, 1);
        put_header(shown->report, row, &story, shown->out);
        story_tree_print(&story.tree, shown->unfolded, shown->out);
    }
    fprintf(shown->out, "%s events of the thread%s, in %zu of %zu chunks",
            quantity_count(story.events).text, has_segments ? "s" : "", story.chunks, shown->count);
    if (story.lost > 0)
        fprintf(shown->out, "; %s events are lost on %s CPUs", quantity_count(story.lost).text,
                has_segments ? "their" : "its");
    fputc('\n', shown->out);
    put_overlap(shown, what.definition, &story);
    size_t failed = story.failed;
    story_clear(&story);
    story_names_free(names);
    free(title.at);
    return failed;
}
