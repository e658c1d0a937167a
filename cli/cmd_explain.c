#include "cli/commands.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "cli/progress.h"
#include "cli/render/quantity.h"
#include "cli/render/report_view.h"
#include "cli/stop_signals.h"
#include "cli/story/story.h"
#include "cli/time_point.h"
#include "cli/timeline_file.h"
#include "cli/traces.h"
#include "cli/window.h"

enum { SLOWEST_MAX = 1000 };

static const struct config_row rows[] = {
    LIST_ROW("phases", 'p', "FILE", "phase definitions (YAML); repeatable"),
    LIST_ROW("phase", 0, "DEF", "one phase: 'NAME[(PARENT)] : BEGIN [: END]';\nrepeatable"),
    INTEGER_ROW("slowest", 'n', "N", "1", 1, SLOWEST_MAX,
                "so many, the slowest of them (the default)"),
    TEXT_ROW("of", 0, "PATH", NULL,
             "of this phase, as request/decode; else of those\nwithout a parent"),
    TEXT_ROW("instance", 0, "ID", NULL, "the one of that id, as JSON of report tells"),
    TEXT_ROW("at", 0, "TIME", NULL,
             "the one that is open then, with --tid:\n1795388976.25, 23:09:36.25 or +1.5s"),
    INTEGER_ROW("tid", 0, "TID", NULL, 1, INT32_MAX, "of this thread only"),
    TEXT_ROW("since", 0, "TIME", NULL,
             "of those that ended from then on:\n2026-11-22T23:09, 23:09:36, +1.5s, 5m (before the "
             "end)"),
    TEXT_ROW("until", 0, "TIME", NULL, "of those that ended before then"),
    FLAG_ROW("unfolded", 'u', "repetitions line by line"),
    PERFETTO_ROW,
    WORD_ROW("progress", 0, "WHEN", "never", WHEN_WORDS, "on stderr: auto, always or never"),
};

static const struct config_section own = {"Instances", rows, sizeof rows / sizeof *rows};
static const struct config_section *const sections[] = {&own};
static const struct config_program program = {
    .command = "spanmill explain",
    .operands = "TRACE...",
    .about = "What a thread did in one of the slowest instances of a phase: phases, calls, waits\n"
             "and who ended them, what ran instead, interrupts; each with its time and duration.\n"
             "A TRACE is a session's folder, a chunk, a plain trace, a snapshot or an archive.",
    .sections = sections,
    .count = sizeof sections / sizeof *sections,
    .examples = "spanmill explain ~/lttng-traces/shop-20261122 --phases shop.yaml\n"
                "spanmill explain shop --phases shop.yaml --of request/lookup --slowest 3\n"
                "spanmill explain shop --phases shop.yaml --tid 4251 --at 12:18:50.432950815",
    .options_only = true,
};

struct explaining {
    struct config *config;
    struct traces traces;
    struct progress progress;
    struct time_point at;
    struct window window;
    struct chunk_windows windows;
    const char *id, *path;
    int32_t tid; /* 0: of any */
    size_t count;
    size_t told, failed;
    struct timeline_file timeline;
    struct timeline_mark *marks; /* what is explained */
    size_t mark_count, mark_room;
};

static enum config_outcome load(struct explaining *explaining, int argc, char **argv)
{
    struct failure why;
    enum config_outcome outcome =
        config_load(&program, argc, argv, stdout, stderr, &explaining->config);
    if (outcome != CONFIG_RUN)
        return outcome;
    const struct config *config = explaining->config;
    const char *at = config_text(config, "at");
    explaining->id = config_text(config, "instance");
    explaining->path = config_text(config, "of");
    explaining->count = (size_t)config_integer(config, "slowest");
    if (config_is_given(config, "tid"))
        explaining->tid = (int32_t)config_integer(config, "tid");
    if (!window_read(&explaining->window, config, stderr))
        return CONFIG_WRONG;
    if (at && time_point_parse(at, &explaining->at, &why) != STATUS_OK)
        return config_wrong(config, stderr, "--at: %s", why.text);
    if (at && explaining->tid == 0)
        return config_wrong(config, stderr, "--at needs --tid: which thread?");
    if (at && explaining->id)
        return config_wrong(config, stderr, "--at and --instance do not go together");
    char *const *operands;
    if (config_operands(config, &operands) == 0)
        return config_wrong(config, stderr, "no trace is given");
    return CONFIG_RUN;
}

/* --- which --- */

static bool is_chosen(const struct explaining *explaining, const struct session_report *session,
                      const struct instance_row *row)
{
    char id[INSTANCE_ID_ROOM];
    int64_t at_ns;
    report_instance_id(row->order, id);
    if (row->tid == REPORT_NONE || (explaining->tid != 0 && row->tid != explaining->tid))
        return false;
    if (explaining->id)
        return strcmp(id, explaining->id) == 0;
    if (explaining->path)
        return strcmp(row->phase, explaining->path) == 0;
    if (explaining->at.kind != TIME_POINT_NONE)
        return time_point_resolve(explaining->at,
                                  (struct time_range){session->begin_ns, session->end_ns},
                                  &at_ns) &&
               row->begin_ns <= at_ns && at_ns <= row->end_ns;
    return strchr(row->phase, '/') == NULL;
}

/* The slowest first; of equal ones the earlier. */
static int by_duration(const void *left, const void *right)
{
    const struct instance_row *a = *(const struct instance_row *const *)left;
    const struct instance_row *b = *(const struct instance_row *const *)right;
    if (a->total_ns != b->total_ns)
        return a->total_ns > b->total_ns ? -1 : 1;
    return (a->order > b->order) - (a->order < b->order);
}

/* --- what it was --- */

static void title_text(struct line *line, const struct instance_row *row)
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

static void put_header(const struct session_report *session, const struct instance_row *row)
{
    static const struct {
        const char *name;
        size_t offset;
    } STATES[] = {{"user CPU", offsetof(struct instance_row, user_cpu_ns)},
                  {"system CPU", offsetof(struct instance_row, sys_cpu_ns)},
                  {"runnable", offsetof(struct instance_row, runnable_ns)},
                  {"blocked", offsetof(struct instance_row, blocked_ns)},
                  {"unknown", offsetof(struct instance_row, unknown_ns)}};
    char id[INSTANCE_ID_ROOM];
    report_instance_id(row->order, id);
    printf("%s  %s (pid %" PRId64 ")  thread %s (tid %" PRId64 ")\n", session->session,
           row->process ? row->process : "?", row->pid == REPORT_NONE ? -1 : row->pid,
           row->name ? row->name : "?", row->tid);
    printf("instance %s  begins at %s  takes %s:", id, quantity_time(row->begin_ns).text,
           quantity_lone_duration(row->total_ns).text);
    bool first = true;
    for (size_t i = 0; i < sizeof STATES / sizeof *STATES; i++) {
        uint64_t ns;
        memcpy(&ns, (const char *)row + STATES[i].offset, sizeof ns);
        if (ns == 0)
            continue;
        printf("%s %s %s", first ? "" : ",", STATES[i].name, quantity_lone_duration(ns).text);
        first = false;
    }
    if (row->end_tid != row->tid)
        printf("; ended by tid %" PRId64, row->end_tid);
    printf("\n\nAfter          Took          What\n");
}

static uint32_t definition_of(const struct instance_row *row)
{
    char id[INSTANCE_ID_ROOM];
    report_instance_id(row->order, id);
    const char *point = strchr(id, '.');
    return point ? (uint32_t)strtoul(point + 1, NULL, 10) : UINT32_MAX;
}

/* --- the timeline --- */

static void add_mark(struct explaining *explaining, const struct instance_row *row,
                     struct text title)
{
    if (!explaining->timeline.is_open)
        return;
    explaining->marks = memory_grow(explaining->marks, &explaining->mark_room,
                                    explaining->mark_count + 1, sizeof *explaining->marks);
    explaining->marks[explaining->mark_count++] = (struct timeline_mark){
        .window = {row->begin_ns, row->end_ns}, .name = {memory_string(title), title.count}};
}

static int by_begin(const void *left, const void *right)
{
    const struct timeline_mark *a = left, *b = right;
    return (a->window.begin_ns > b->window.begin_ns) - (a->window.begin_ns < b->window.begin_ns);
}

/* What was explained; instances that overlap are in one window. */
static int write_timeline(struct explaining *explaining, const struct session_report *report)
{
    struct timeline_mark *marks = explaining->marks;
    size_t count = explaining->mark_count, windows = 0;
    if (count == 0)
        return EXIT_DONE;
    struct timeline_window *window = memory_new(count * sizeof *window);
    qsort(marks, count, sizeof *marks, by_begin);
    for (size_t i = 0; i < count; i++) {
        if (windows == 0 || marks[i].window.begin_ns > window[windows - 1].end_ns)
            window[windows++] = marks[i].window;
        else if (marks[i].window.end_ns > window[windows - 1].end_ns)
            window[windows - 1].end_ns = marks[i].window.end_ns;
    }
    struct timeline_ask ask = timeline_file_ask(&explaining->traces, report);
    ask.windows = window;
    ask.window_count = windows;
    ask.marks = marks;
    ask.mark_count = count;
    int code = timeline_file_write(&explaining->timeline, &ask, &explaining->traces);
    free(window);
    return code;
}

static void drop_timeline(struct explaining *explaining)
{
    timeline_file_drop(&explaining->timeline);
    for (size_t i = 0; i < explaining->mark_count; i++)
        free((char *)(uintptr_t)explaining->marks[i].name.at);
    free(explaining->marks);
}

static void explain_row(struct explaining *explaining, const struct traces_session *session,
                        const struct instance_row *row)
{
    const struct session_report *report = &session->report.sessions[0];
    struct line title = {.at = NULL};
    title_text(&title, row);
    struct story_names *names = story_names_new(report);
    struct story_ask ask = {
        .chunks = session->chunks,
        .count = session->count,
        .phases = &explaining->traces.phases,
        .names = names,
        .warnings = {.say = progress_say_once, .context = &explaining->progress},
        .tid = (int32_t)row->tid,
        .begin_ns = row->begin_ns,
        .end_ns = row->end_ns,
        .pid = row->pid,
        .knows_states = row->unknown_ns < row->total_ns,
        .title = {title.at, title.count},
        .definition = definition_of(row)};
    struct story story;
    story_tell(&ask, &story);
    if (explaining->told++ > 0)
        putchar('\n');
    put_header(report, row);
    story_tree_print(&story.tree, config_flag(explaining->config, "unfolded"), stdout);
    printf("%s events of the thread, in %zu of %zu chunks", quantity_count(story.events).text,
           story.chunks, session->count);
    if (story.lost > 0)
        printf("; %s events are lost on its CPUs", quantity_count(story.lost).text);
    putchar('\n');
    explaining->failed += story.failed;
    add_mark(explaining, row, ask.title);
    arena_clear(&story.tree.arena);
    story_names_free(names);
    free(title.at);
}

static int explain_session(struct explaining *explaining, const struct traces_session *session)
{
    if (session->report.session_count == 0)
        return EXIT_DONE;
    const struct session_report *report = &session->report.sessions[0];
    const struct instance_row **chosen =
        memory_new((report->instance_count + 1) * sizeof(struct instance_row *));
    size_t count = 0;
    for (size_t i = 0; i < report->instance_count; i++)
        if (is_chosen(explaining, report, &report->instances[i]))
            chosen[count++] = &report->instances[i];
    qsort(chosen, count, sizeof(struct instance_row *), by_duration);
    for (size_t i = 0; i < count && i < explaining->count; i++)
        explain_row(explaining, session, chosen[i]);
    free(chosen);
    return write_timeline(explaining, report);
}

static int explain_all(struct explaining *explaining)
{
    struct traces *traces = &explaining->traces;
    int code = traces_read_phases(traces, explaining->config);
    if (code != EXIT_DONE)
        return code;
    if (traces_find(traces, explaining->config) != STATUS_OK)
        return EXIT_FAILED;
    window_of_chunks(&explaining->window, &traces->list, &explaining->windows);
    if (!timeline_file_open(&explaining->timeline, config_text(explaining->config, "perfetto"),
                            traces))
        return EXIT_FAILED;
    for (size_t begin = 0; begin < traces->list.count;) {
        size_t end = traces_session_end(&traces->list, begin);
        struct traces_session session;
        bool stopped = !traces_report(traces, begin, end, &explaining->windows, &session);
        if (!stopped)
            code = explain_session(explaining, &session);
        explaining->failed += session.failed;
        traces_session_clear(&session);
        if (stopped || code != EXIT_DONE)
            return stopped ? 128 + SIGINT : code;
        begin = end;
    }
    if (explaining->told == 0) {
        progress_say(&explaining->progress,
                     traces->phases.count == 0
                         ? "no phases are defined: --phases or --phase tell them"
                         : "no instance is the one that was asked for, of those that the report "
                           "tells: the slowest of each phase (`keep` of its definition says how "
                           "many)");
        return EXIT_FAILED;
    }
    if (fflush(stdout) != 0)
        return EXIT_FAILED;
    return explaining->failed + traces->left_out > 0 ? EXIT_FAILED : EXIT_DONE;
}

int cmd_explain(int argc, char **argv)
{
    struct explaining explaining = {.config = NULL};
    enum config_outcome outcome = load(&explaining, argc, argv);
    int code = (int)outcome;
    if (outcome == CONFIG_RUN) {
        enum when progress = (enum when)config_word(explaining.config, "progress");
        progress_init(&explaining.progress, "spanmill", report_view_is_now(progress, stderr));
        phases_init(&explaining.traces.phases);
        explaining.traces.progress = &explaining.progress;
        code = explain_all(&explaining);
        drop_timeline(&explaining);
        traces_clear(&explaining.traces);
        chunk_windows_clear(&explaining.windows);
    }
    config_free(explaining.config);
    return code;
}
