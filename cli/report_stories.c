#include "cli/report_stories.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "cli/instance_story.h"
#include "cli/render/json_text.h"

/* By phase, the slowest first; equal ones by begin. */
static int by_phase(const void *left, const void *right)
{
    const struct instance_row *a = *(const struct instance_row *const *)left;
    const struct instance_row *b = *(const struct instance_row *const *)right;
    int order = strcmp(a->phase, b->phase);
    if (order)
        return order;
    if (a->total_ns != b->total_ns)
        return a->total_ns > b->total_ns ? -1 : 1;
    return (a->order > b->order) - (a->order < b->order);
}

static struct text cut(struct text story, size_t *left_out)
{
    struct text kept = story;
    *left_out = 0;
    if (story.count <= STORY_TEXT_MAX)
        return story;
    kept.count = STORY_TEXT_MAX;
    while (kept.count > 0 && kept.at[kept.count - 1] != '\n')
        kept.count--;
    for (size_t i = kept.count; i < story.count; i++)
        *left_out += story.at[i] == '\n';
    return kept;
}

static void put(struct json_text *json, const struct session_report *session,
                const struct instance_row *row, struct text story)
{
    char id[INSTANCE_ID_ROOM];
    size_t left_out;
    struct text kept = cut(story, &left_out);
    report_instance_id(row->order, id);
    char *text = left_out > 0 ? memory_format("%.*s(%zu more lines: see `spanmill explain TRACE "
                                              "--definitions FILE --instance %s`)\n",
                                              (int)kept.count, kept.at, left_out, id)
                              : memory_string(kept);
    json_words(json, "{\"session\":");
    json_string(json, text_of(session->session));
    json_name(json, "id");
    json_string(json, text_of(id));
    json_name(json, "story");
    json_string(json, text_of(text));
    json_words(json, "}\n");
    free(text);
}

static void add_instance(const struct report_stories *options, const struct traces_session *chunks,
                         const struct session_report *session, const struct instance_row *row,
                         struct json_text *json)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return;
    struct instance_story story = {.chunks = chunks->chunks,
                                   .count = chunks->count,
                                   .phases = &options->traces->phases,
                                   .report = session,
                                   .row = row,
                                   .progress = options->traces->progress,
                                   .out = out};
    instance_story_print(&story); /* reports unreadable chunks */
    fclose(out);
    put(json, session, row, (struct text){text, size});
    free(text);
}

static void add_session(const struct report_stories *options, const struct traces_session *chunks,
                        const struct session_report *session, struct json_text *json)
{
    const struct instance_row **rows =
        memory_new((session->instance_count + 1) * sizeof(struct instance_row *));
    size_t count = 0, added = 0, of_phase = 0;
    for (size_t i = 0; i < session->instance_count; i++) {
        const struct instance_row *row = &session->instances[i];
        if (row->tid != REPORT_NONE && !strchr(row->phase, '/') &&
            options->wants(options->context, session, row->pid))
            rows[count++] = row;
    }
    qsort(rows, count, sizeof(struct instance_row *), by_phase);
    for (size_t i = 0; i < count && added < STORIES_OF_SESSION && !options->stop(NULL); i++) {
        of_phase = i > 0 && strcmp(rows[i]->phase, rows[i - 1]->phase) == 0 ? of_phase + 1 : 0;
        if (of_phase >= STORIES_OF_PHASE)
            continue;
        add_instance(options, chunks, session, rows[i], json);
        added++;
    }
    free(rows);
}

char *report_stories(const struct report_stories *options)
{
    struct json_text json = {.at = NULL};
    const struct chunk_list *list = &options->traces->list;
    size_t sessions = 0;
    for (size_t begin = 0; begin < list->count; sessions++)
        begin = traces_session_end(list, begin);
    /* Sessions of a report are in list order, unless some have the same name. */
    bool known = sessions == options->report->session_count;
    if (!known)
        progress_say(options->traces->progress,
                     "--html: stories of the slowest instances are omitted "
                     "because several sessions have the same name");
    for (size_t begin = 0, i = 0; known && begin < list->count; i++) {
        size_t end = traces_session_end(list, begin);
        struct traces_session chunks = {.chunks = &list->at[begin], .count = end - begin};
        add_session(options, &chunks, &options->report->sessions[i], &json);
        begin = end;
    }
    if (options->stop(NULL)) {
        free(json.at);
        return NULL;
    }
    json_raw(&json, "", 1);
    return json.at;
}
