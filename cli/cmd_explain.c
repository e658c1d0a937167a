#include "cli/commands.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "cli/instance_story.h"
#include "cli/pool_recording.h"
#include "cli/progress.h"
#include "cli/render/report_view.h"
#include "cli/stop_signals.h"
#include "cli/time_point.h"
#include "cli/timeline_file.h"
#include "cli/traces.h"
#include "cli/window.h"
#include "service/kafka.h"
#include "service/service.h"
#include "trace/slowest.h"

enum { SLOWEST_MAX = 1000, EXIT_INTERRUPTED = 128 + SIGINT };

static const struct config_row rows[] = {
    SERVICE_PHASES_ROWS,
    INTEGER_ROW("slowest", 'n', "N", "1", 1, SLOWEST_MAX, "explain the N slowest instances"),
    TEXT_ROW("of", 0, "PATH", NULL,
             "of this phase, such as request/decode; default: all\nphases without a parent"),
    TEXT_ROW("instance", 0, "ID", NULL, "the instance with this id (as in the JSON report)"),
    TEXT_ROW("at", 0, "TIME", NULL,
             "the instance open at TIME in thread --tid:\n1795388976.25, 23:09:36.25, or +1.5s"),
    INTEGER_ROW("tid", 0, "TID", NULL, 1, INT32_MAX, "only instances of this thread"),
    TEXT_ROW("since", 0, "TIME", NULL,
             "only instances that ended at or after TIME:\n2026-11-22T23:09, 23:09:36, "
             "+1.5s, 5m (before the end)"),
    TEXT_ROW("until", 0, "TIME", NULL, "only instances that ended before TIME"),
    FLAG_ROW("unfolded", 'u', "print repeated lines one by one"),
    PERFETTO_ROW,
    WORD_ROW("progress", 0, "WHEN", "never", WHEN_WORDS,
             "progress on stderr: auto, always, or never"),
};

static const struct config_row pool_rows[] = {
    LIST_ROW("session", 's', "PATTERN",
             "only sessions whose name matches, such as 'web1/*';\nrepeatable"),
    TEXT_ROW("store-root", 0, "DIR", NULL, "folder of archives by reference (as for mappers)"),
};
static const struct config_section own = {"Instances", rows, sizeof rows / sizeof *rows};
static const struct config_section pool = {"Pool (used without TRACE)", pool_rows,
                                           sizeof pool_rows / sizeof *pool_rows};
static const struct config_section *const sections[] = {&own, &pool, &service_kafka_section};
static const struct config_program program = {
    .command = "spanmill explain",
    .block = "explain",
    .operands = "[TRACE...]",
    .about =
        "Explains what a thread did in the slowest instances of a phase: phases, system calls,\n"
        "waits and their wakers, threads that ran instead, and interrupts, with times.\n"
        "TRACE is a session folder, a chunk, a plain trace, a snapshot, or an archive.\n"
        "With --brokers and no TRACE, it takes instances from the pool's results and fetches\n"
        "the archives of their chunks.",
    .sections = sections,
    .count = sizeof sections / sizeof *sections,
    .examples = "spanmill explain ~/lttng-traces/shop-20261122 --phases shop.yaml\n"
                "spanmill explain shop --phases shop.yaml --of request/lookup --slowest 3\n"
                "spanmill explain shop --phases shop.yaml --tid 4251 --at 12:18:50.432950815\n"
                "spanmill explain -b kafka-1:9092 --session 'web1/*' --phases shop.yaml",
};

struct explaining {
    struct config *config;
    struct traces traces;
    struct progress progress;
    struct time_point at;
    struct window window;
    struct chunk_windows windows;
    const char *id, *path;
    int32_t tid; /* 0: any */
    size_t count;
    bool of_pool;               /* instead of traces */
    int64_t since_ns, until_ns; /* end times of the pool's instances */
    size_t explained, failed;
    bool any;        /* an event is in the window */
    int64_t at_ns;   /* `at` in traces; INT64_MIN: relative to the session */
    bool needs_root; /* only where an instance without a parent is chosen, too */
    bool rejected;   /* only others were found */
    bool truncated;  /* the report may not have all instances */
    struct text_list {
        char **at; /* owned */
        size_t count, room;
    } known, threads; /* of existing instances, the values for options: paths, or ids; tids */
    bool has_tid;     /* the requested thread has one */
    struct timeline_file timeline;
    struct timeline_mark *marks; /* of the explained instances */
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
        return config_wrong(config, stderr, "--at needs --tid");
    if (at && explaining->id)
        return config_wrong(config, stderr, "--at and --instance cannot be combined");
    char *const *operands;
    bool has_traces = config_operands(config, &operands) > 0;
    explaining->of_pool = !has_traces && config_is_given(config, "brokers");
    if (!has_traces && !explaining->of_pool)
        return config_wrong(config, stderr, "no trace and no --brokers given");
    if (has_traces && config_is_given(config, "session"))
        return config_wrong(config, stderr,
                            "--session applies to the results of a pool, not to traces");
    return CONFIG_RUN;
}

/* --- selection --- */

static bool is_open(const struct explaining *explaining, const struct session_report *session,
                    const struct instance_row *row)
{
    int64_t at_ns = explaining->at_ns;
    struct time_range range = {session->begin_ns, session->end_ns};
    if (at_ns == INT64_MIN && !time_point_resolve(explaining->at, range, &at_ns))
        return false;
    return row->begin_ns <= at_ns && at_ns <= row->end_ns;
}

static bool is_root(const struct instance_row *row)
{
    return strchr(row->phase, '/') == NULL;
}

static bool is_chosen(const struct explaining *explaining, const struct session_report *session,
                      const struct instance_row *row)
{
    char id[INSTANCE_ID_ROOM];
    report_instance_id(row->order, id);
    if (row->end_ns < explaining->since_ns || row->end_ns >= explaining->until_ns)
        return false;
    if (row->tid == REPORT_NONE || (explaining->tid != 0 && row->tid != explaining->tid))
        return false;
    if (explaining->id)
        return strcmp(id, explaining->id) == 0;
    if (explaining->path && strcmp(row->phase, explaining->path) != 0)
        return false;
    if (explaining->at.kind != TIME_POINT_NONE)
        return is_open(explaining, session, row);
    return explaining->path || is_root(row);
}

static void add_known(struct text_list *known, char *take_name)
{
    char *name = take_name;
    for (size_t i = 0; i < known->count; i++)
        if (strcmp(known->at[i], name) == 0) {
            free(name);
            return;
        }
    known->at = memory_grow(known->at, &known->room, known->count + 1, sizeof *known->at);
    known->at[known->count++] = name;
}

static void clear_known(struct text_list *known)
{
    for (size_t i = 0; i < known->count; i++)
        free(known->at[i]);
    free(known->at);
}

/* Collects existing paths, ids or threads for messages about missing ones. */
static void know(struct explaining *explaining, const struct instance_row *row)
{
    char id[INSTANCE_ID_ROOM];
    report_instance_id(row->order, id);
    add_known(&explaining->known, explaining->id ? memory_format("%s (%s)", id, row->phase)
                                                 : memory_string(text_of(row->phase)));
    if (row->tid != REPORT_NONE)
        add_known(&explaining->threads, memory_format("%lld", (long long)row->tid));
    explaining->has_tid |= row->tid == explaining->tid;
}

/* The slowest first; equal ones by begin. */
static int by_duration(const void *left, const void *right)
{
    const struct instance_row *a = *(const struct instance_row *const *)left;
    const struct instance_row *b = *(const struct instance_row *const *)right;
    if (a->total_ns != b->total_ns)
        return a->total_ns > b->total_ns ? -1 : 1;
    return (a->order > b->order) - (a->order < b->order);
}

/* --- the timeline --- */

static void add_mark(struct explaining *explaining, const struct instance_row *row)
{
    struct line title = {.at = NULL};
    if (!explaining->timeline.is_open)
        return;
    instance_story_title(&title, row);
    explaining->marks = memory_grow(explaining->marks, &explaining->mark_room,
                                    explaining->mark_count + 1, sizeof *explaining->marks);
    explaining->marks[explaining->mark_count++] = (struct timeline_mark){
        .window = {row->begin_ns, row->end_ns}, .name = {title.at, title.count}};
}

static int by_begin(const void *left, const void *right)
{
    const struct timeline_mark *a = left, *b = right;
    return (a->window.begin_ns > b->window.begin_ns) - (a->window.begin_ns < b->window.begin_ns);
}

/* The time of explained instances; overlapping ones share a window. */
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
    struct timeline_options options = timeline_file_options(&explaining->traces, report);
    options.windows = window;
    options.window_count = windows;
    options.marks = marks;
    options.mark_count = count;
    int code = timeline_file_write(&explaining->timeline, &options, &explaining->traces);
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
                        const struct session_report *report, const struct instance_row *row)
{
    struct instance_story story = {.chunks = session->chunks,
                                   .count = session->count,
                                   .phases = &explaining->traces.phases,
                                   .report = report,
                                   .row = row,
                                   .progress = &explaining->progress,
                                   .unfolded = config_flag(explaining->config, "unfolded"),
                                   .out = stdout};
    if (explaining->explained++ > 0)
        putchar('\n');
    explaining->failed += instance_story_print(&story);
}

static int explain_session(struct explaining *explaining, const struct traces_session *session,
                           const struct session_report *report)
{
    const struct instance_row **chosen =
        memory_new((report->instance_count + 1) * sizeof(struct instance_row *));
    size_t count = 0;
    bool any_root = false;
    for (size_t i = 0; i < report->instance_count; i++)
        if (is_chosen(explaining, report, &report->instances[i])) {
            chosen[count++] = &report->instances[i];
            any_root |= is_root(&report->instances[i]);
        }
    explaining->truncated |= report->instance_count >= SLOWEST_OVER_MAX;
    if (explaining->needs_root && explaining->truncated && count > 0 && !any_root) {
        explaining->rejected = true;
        count = 0;
    }
    qsort(chosen, count, sizeof(struct instance_row *), by_duration);
    explaining->any |= report->events > 0;
    for (size_t i = 0; i < report->instance_count && count == 0; i++)
        know(explaining, &report->instances[i]);
    count = count < explaining->count ? count : explaining->count;
    /* The text comes after the file: its reader may close the pipe, which ends the program. */
    for (size_t i = 0; i < count; i++)
        add_mark(explaining, chosen[i]);
    int code = write_timeline(explaining, report);
    for (size_t i = 0; i < count && !stop_signals_pending(NULL); i++)
        explain_row(explaining, session, report, chosen[i]);
    free(chosen);
    return stop_signals_pending(NULL) ? EXIT_INTERRUPTED : code;
}

/* Number of existing names in a message. */
enum { KNOWN_SHOWN = 8 };

static int by_text(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

/* A message why there was nothing to explain; the caller frees it. */
static char *why_none(struct explaining *explaining)
{
    bool is_thread = explaining->tid != 0 && !explaining->has_tid;
    char tid[24];
    snprintf(tid, sizeof tid, "%lld", (long long)explaining->tid);
    const struct text_list *known = is_thread ? &explaining->threads : &explaining->known;
    const char *asked = is_thread ? tid : explaining->id ? explaining->id : explaining->path;
    const char *option = is_thread ? "--tid" : explaining->id ? "--instance" : "--of";
    if (explaining->traces.phases.count == 0 && !explaining->of_pool)
        return memory_string(text_of("no phases are defined; use --definitions or --phase"));
    bool whole = explaining->window.since.kind == TIME_POINT_NONE &&
                 explaining->window.until.kind == TIME_POINT_NONE;
    char *outside = explaining->of_pool || explaining->any
                        ? NULL
                        : window_is_outside(&explaining->window, &explaining->traces.list);
    if (outside)
        return outside;
    if (explaining->at.kind != TIME_POINT_NONE && !explaining->of_pool)
        return memory_format("no instance%s%s with a begin and an end in the trace is open at %s "
                             "in thread %s",
                             explaining->path ? " of " : "",
                             explaining->path ? explaining->path : "",
                             config_text(explaining->config, "at"), tid);
    if (!whole && known->count == 0)
        return memory_string(text_of("no instance ends between --since and --until; an instance "
                                     "counts in the window in which it ends"));
    if (!asked || known->count == 0)
        return memory_string(text_of("no instance in the report matches; the report keeps only the "
                                     "slowest of each phase (`keep` in the definition)"));
    if (is_thread || !explaining->id) /* those are listed by duration */
        qsort(known->at, known->count, sizeof *known->at, by_text);
    char *all = memory_format("%s: no instance in the report matches `%s`; there %s", option, asked,
                              known->count == 1 ? "is" : "are");
    for (size_t i = 0; i < known->count && i < KNOWN_SHOWN; i++) {
        char *longer = memory_format("%s%s%s", all, i > 0 ? ", " : " ", known->at[i]);
        free(all);
        all = longer;
    }
    if (known->count > KNOWN_SHOWN) {
        char *longer = memory_format("%s and %zu more", all, known->count - KNOWN_SHOWN);
        free(all);
        all = longer;
    }
    return all;
}

static int finish(struct explaining *explaining)
{
    if (explaining->explained == 0) {
        char *sentence = why_none(explaining);
        progress_say(&explaining->progress, sentence);
        free(sentence);
        return EXIT_FAILED;
    }
    if (fflush(stdout) != 0)
        return EXIT_FAILED;
    return explaining->failed + explaining->traces.left_out > 0 ? EXIT_FAILED : EXIT_DONE;
}

/* --- of traces --- */

static int explain_windows(struct explaining *explaining)
{
    struct traces *traces = &explaining->traces;
    int code = EXIT_DONE;
    for (size_t begin = 0; begin < traces->list.count && code == EXIT_DONE;) {
        size_t end = traces_session_end(&traces->list, begin);
        struct traces_session session;
        if (!traces_report(traces, begin, end, &explaining->windows, &session))
            code = EXIT_INTERRUPTED;
        else if (session.report.session_count > 0)
            code = explain_session(explaining, &session, &session.report.sessions[0]);
        explaining->failed += session.failed;
        traces_session_clear(&session);
        begin = end;
    }
    return code;
}

/* Those that end within that time after --at. */
static int explain_reach(struct explaining *explaining, int64_t reach_ns)
{
    struct window *window = &explaining->window;
    window->until = reach_ns == INT64_MAX
                        ? (struct time_point){.kind = TIME_POINT_NONE}
                        : (struct time_point){TIME_EPOCH, explaining->at_ns + reach_ns};
    chunk_windows_clear(&explaining->windows);
    window_of_chunks(window, &explaining->traces.list, &explaining->windows);
    explaining->at_ns = explaining->windows.begin_ns;
    explaining->truncated = false;
    return explain_windows(explaining);
}

/* The instances open at --at. The report keeps only the longest ones, also of those that end after
 * that time, so those that end within shorter and shorter times after it are searched. */
static int explain_open(struct explaining *explaining)
{
    static const int64_t reaches_ns[] = {INT64_MAX, 32000000000, 1000000000, 32000000, 1000000};
    enum { REACHES = sizeof reaches_ns / sizeof *reaches_ns };
    struct phase_definitions *phases = &explaining->traces.phases;
    for (size_t i = 0; i < phases->count; i++)
        phases->at[i].keep = (struct slowest_rule){SLOWEST_COUNT_MAX, 1};
    explaining->window.since = explaining->at;
    explaining->window.since_text = config_text(explaining->config, "at");
    explaining->needs_root = !explaining->path;
    int code;
    size_t i = 0;
    do
        code = explain_reach(explaining, reaches_ns[i]);
    while (code == EXIT_DONE && explaining->explained == 0 && explaining->truncated &&
           ++i < REACHES);
    explaining->needs_root = false;
    if (code == EXIT_DONE && explaining->explained == 0 && explaining->rejected)
        code = explain_reach(explaining, INT64_MAX);
    return code;
}

static int explain_traces(struct explaining *explaining)
{
    struct traces *traces = &explaining->traces;
    if (traces_find(traces, explaining->config) != STATUS_OK ||
        !timeline_file_open(&explaining->timeline, config_text(explaining->config, "perfetto"),
                            traces))
        return EXIT_FAILED;
    bool has_window = explaining->window.since.kind != TIME_POINT_NONE ||
                      explaining->window.until.kind != TIME_POINT_NONE;
    int code;
    if (explaining->at.kind != TIME_POINT_NONE && !has_window) {
        code = explain_open(explaining);
    } else {
        window_of_chunks(&explaining->window, &traces->list, &explaining->windows);
        code = explain_windows(explaining);
    }
    return code == EXIT_DONE ? finish(explaining) : code;
}

/* --- of a pool --- */

/* Nested phases come from definitions, which results do not have. */
static void check_phases(struct explaining *explaining, const struct report *report)
{
    const struct phase_definitions *phases = &explaining->traces.phases;
    const struct instance_row *row;
    if (phases->count == 0)
        progress_say(&explaining->progress,
                     "without the --definitions of the mappers, nested phases are not shown");
    for (size_t i = 0; i < report->session_count; i++)
        for (size_t k = 0; k < report->sessions[i].instance_count && phases->count > 0; k++)
            if (row = &report->sessions[i].instances[k], !instance_story_is_of(row, phases)) {
                char *sentence =
                    memory_format("phase %s in the results is not in these definitions; the "
                                  "mappers use, or used, different ones",
                                  row->phase);
                progress_say_once(&explaining->progress, sentence);
                free(sentence);
            }
}

static const struct session_report *report_of(const struct report *report, const char *session)
{
    for (size_t i = 0; i < report->session_count; i++)
        if (strcmp(report->sessions[i].session, session) == 0)
            return &report->sessions[i];
    return NULL;
}

static int explain_report(struct explaining *explaining, const struct report *report)
{
    struct traces *traces = &explaining->traces;
    int code = EXIT_DONE;
    check_phases(explaining, report);
    if (!timeline_file_open(&explaining->timeline, config_text(explaining->config, "perfetto"),
                            traces))
        return EXIT_FAILED;
    for (size_t begin = 0; begin < traces->list.count && code == EXIT_DONE;) {
        size_t end = traces_session_end(&traces->list, begin);
        struct traces_session session = {.chunks = &traces->list.at[begin], .count = end - begin};
        const struct session_report *of_session = report_of(report, session.chunks->session);
        if (of_session)
            code = explain_session(explaining, &session, of_session);
        begin = end;
    }
    return code == EXIT_DONE ? finish(explaining) : code;
}

static bool resolve(struct explaining *explaining, const char *name, struct time_point point,
                    int64_t *out_ns)
{
    int64_t now_ns = (int64_t)clock_ns(CLOCK_REALTIME);
    if (point.kind == TIME_RELATIVE)
        config_wrong(explaining->config, stderr, "--%s: `+` times are not supported for results",
                     name);
    else
        time_point_resolve(point, (struct time_range){now_ns, now_ns}, out_ns);
    return point.kind != TIME_RELATIVE;
}

static int read_and_explain(struct explaining *explaining, const struct bus_settings *bus)
{
    struct result_log_options log = {.bus = bus,
                                     .since_ns = explaining->since_ns,
                                     .until_ns = explaining->until_ns,
                                     .say = progress_say,
                                     .over = stop_signals_pending,
                                     .context = &explaining->progress};
    struct pool_chunks_options chunks = {.bus = bus,
                                         .store_root =
                                             config_text(explaining->config, "store-root"),
                                         .say = progress_say,
                                         .over = stop_signals_pending,
                                         .context = &explaining->progress};
    if (explaining->until_ns == INT64_MAX)
        log.until_ns = 0;
    log.session_count = config_list(explaining->config, "session", &log.sessions);
    struct pool_recording *recording;
    struct report report;
    struct failure why;
    int code = EXIT_FAILED;
    stop_signals_block(SIG_BLOCK);
    if (pool_recording_read(&log, &chunks, &recording, &report, &explaining->traces.list, &why) ==
        STATUS_OK) {
        code = explain_report(explaining, &report);
        if (code == EXIT_DONE && pool_recording_damaged(recording) > 0)
            code = EXIT_FAILED;
    } else {
        progress_say(&explaining->progress, why.text);
    }
    report_clear(&report);
    pool_recording_free(recording);
    return stop_signals_pending(NULL) ? EXIT_INTERRUPTED : code;
}

static int explain_pool(struct explaining *explaining)
{
    struct log log = {.file = stderr, .program = "spanmill explain", .level = LOG_WARNING};
    struct kafka_settings kafka;
    struct failure why;
    if (!resolve(explaining, "since", explaining->window.since, &explaining->since_ns) ||
        !resolve(explaining, "until", explaining->window.until, &explaining->until_ns))
        return EXIT_WRONG_USAGE;
    if (kafka_settings_init(&kafka, explaining->config, &log, &why) != STATUS_OK) {
        config_wrong(explaining->config, stderr, "%s", why.text);
        return EXIT_WRONG_USAGE;
    }
    int code = read_and_explain(explaining, &kafka.bus);
    kafka_settings_clear(&kafka);
    return code;
}

/* --- */

int cmd_explain(int argc, char **argv)
{
    struct explaining explaining = {.at_ns = INT64_MIN, .since_ns = 0, .until_ns = INT64_MAX};
    enum config_outcome outcome = load(&explaining, argc, argv);
    int code = (int)outcome;
    if (outcome == CONFIG_RUN) {
        enum when progress = (enum when)config_word(explaining.config, "progress");
        progress_init(&explaining.progress, "spanmill", report_view_is_now(progress, stderr));
        phases_init(&explaining.traces.phases);
        explaining.traces.progress = &explaining.progress;
        code = traces_read_phases(&explaining.traces, explaining.config);
        if (code == EXIT_DONE)
            code = explaining.of_pool ? explain_pool(&explaining) : explain_traces(&explaining);
        drop_timeline(&explaining);
        clear_known(&explaining.known);
        clear_known(&explaining.threads);
        traces_clear(&explaining.traces);
        chunk_windows_clear(&explaining.windows);
    }
    config_free(explaining.config);
    return code;
}
