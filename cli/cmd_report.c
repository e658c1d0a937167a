#include "cli/commands.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/memory.h"
#include "cli/chunk_run.h"
#include "cli/progress.h"
#include "cli/render/html.h"
#include "cli/render/quantity.h"
#include "cli/report_file.h"
#include "cli/report_options.h"
#include "cli/report_stories.h"
#include "cli/render/report_view.h"
#include "cli/stop_signals.h"
#include "cli/timeline_file.h"
#include "cli/traces.h"
#include "cli/window.h"
#include "mapper/readers/readers.h"

/* The shell's exit code for a program ended by SIGINT. */
enum { EXIT_INTERRUPTED = 128 + SIGINT };

/* The state of the command. */
struct reporting {
    struct report_options options;
    struct traces traces;
    const struct reader_kind *reader;
    struct report_file file;
    struct progress progress;
    struct chunk_windows windows;
    unsigned jobs;
    struct timeline_file timeline;
    struct report_file page; /* `out` NULL: not requested */
    char *stories;           /* for the page */
    struct report report;
    double report_begin_s; /* CPU seconds of the main thread */
};

/* --- options --- */

static void say(struct reporting *reporting, const char *sentence)
{
    progress_say(&reporting->progress, sentence);
}

static bool find_reader(struct reporting *reporting)
{
    const char *wanted = config_text(reporting->options.config, "reader");
    if (strcmp(wanted, "auto") == 0)
        return true;
    reporting->reader = readers_by_name(wanted);
    if (reporting->reader)
        return true;
    if (readers_left_out(wanted)) {
        fprintf(stderr,
                "spanmill report: --reader: this build has no `%s`: it was configured with "
                "SPANMILL_BABELTRACE2=OFF\n",
                wanted);
        return false;
    }
    size_t count;
    const struct reader_kind *const *kinds = readers(&count);
    fprintf(stderr, "spanmill report: --reader: unknown `%s`; known: auto", wanted);
    for (size_t i = 0; i < count; i++)
        fprintf(stderr, ", %s", reader_kind_name(kinds[i]));
    fputc('\n', stderr);
    return false;
}

/* --- output --- */

static enum status write_report(struct reporting *reporting, const struct report_view *view,
                                struct failure *why)
{
    FILE *out = reporting->file.out;
    report_view_write(view, &reporting->report, out, out);
    return report_file_close(&reporting->file, why);
}

static enum status write_page(struct reporting *reporting, unsigned jobs, struct failure *why)
{
    if (!reporting->page.out)
        return STATUS_OK;
    if (!report_write_html(reporting->page.out, &reporting->report, jobs, reporting->stories))
        return fail(why, STATUS_REJECT, "%s: incomplete write",
                    config_text(reporting->options.config, "html"));
    return report_file_close(&reporting->page, why);
}

static double share(double part, double whole)
{
    return whole > 0 ? part / whole : 0;
}

static void say_stats(const struct chunk_run *run, double report_s, double wall_s)
{
    const struct map_stats *stats = &run->stats;
    double events = (double)stats->events;
    struct rusage usage;
    long peak_kib = getrusage(RUSAGE_SELF, &usage) == 0 ? usage.ru_maxrss : 0;
    fprintf(stderr, "chunks           %s joined, %zu failed\n", quantity_count(run->joined).text,
            run->failed);
    if (run->divided > 0)
        fprintf(stderr, "divided          %zu chunk%s, mapped in %zu parts\n", run->divided,
                run->divided == 1 ? "" : "s", run->parts);
    fprintf(stderr, "events           %s\n", quantity_count(stats->events).text);
    fprintf(stderr, "single events    %s (%.2f %% of the events; %s records in total)\n",
            quantity_count(stats->single_events).text,
            100 * share((double)stats->single_events, events), quantity_count(stats->items).text);
    fprintf(stderr, "encoded          %s (%.2f %% of %s raw), not compressed\n",
            quantity_bytes(stats->record_bytes).text,
            100 * share((double)stats->record_bytes, (double)stats->raw_bytes),
            quantity_bytes(stats->raw_bytes).text);
    fprintf(stderr, "mapping          %.3f s CPU\n", run->map_s);
    /* The first is also done by a reducer of the pool, the second by readers of its results. */
    double join_s = run->join_s - run->fold_s;
    fprintf(stderr, "joining          %.3f s CPU (%.3f of mapping): partials to results\n", join_s,
            share(join_s, run->map_s));
    fprintf(stderr,
            "folding          %.3f s CPU (%.3f of mapping): results to the sums of a report\n",
            run->fold_s, share(run->fold_s, run->map_s));
    fprintf(stderr, "both             %.3f s CPU (%.3f of mapping)\n", run->join_s,
            share(run->join_s, run->map_s));
    fprintf(stderr,
            "waiting          %.3f s for a chunk to be joined, %.3f s for one to be mapped\n",
            run->wait_for_join_s, run->wait_for_map_s);
    fprintf(stderr, "reporting        %.3f s CPU\n", report_s);
    fprintf(stderr, "wall             %.3f s (%.2f M events/s), %u at a time\n", wall_s,
            share(events, wall_s) / 1e6, run->jobs);
    fprintf(stderr, "peak memory      %s\n", quantity_bytes((uint64_t)peak_kib * 1024).text);
}

/* Whether data was lost or is incomplete. */
static bool is_lossy(const struct reporting *reporting, const struct chunk_run *run)
{
    return reporting->traces.left_out > 0 || run->failed > 0 || run->warnings > 0 ||
           report_view_is_lossy(&reporting->report);
}

static int interrupted(struct reporting *reporting, const struct chunk_run *run)
{
    char *sentence =
        memory_format("interrupted after %zu of %zu chunks (%s events); no report", run->joined,
                      reporting->traces.list.count, quantity_count(run->stats.events).text);
    say(reporting, sentence);
    free(sentence);
    return EXIT_INTERRUPTED;
}

/* --- the timeline --- */

static bool is_wanted(const void *context, const struct session_report *session, int64_t pid)
{
    const struct reporting *reporting = context;
    return report_filter_wants(&reporting->options.view.filter, session, pid);
}

static bool is_shown(const void *context, int64_t pid)
{
    const struct reporting *reporting = context;
    return is_wanted(context, &reporting->report.sessions[0], pid);
}

static int write_timeline(struct reporting *reporting)
{
    if (reporting->report.session_count == 0 ||
        reporting->report.sessions[0].begin_ns == REPORT_NONE)
        return EXIT_DONE;
    const struct session_report *session = &reporting->report.sessions[0];
    struct timeline_window window = {session->begin_ns, session->end_ns};
    if (reporting->windows.begin_ns != INT64_MIN)
        window.begin_ns = reporting->windows.begin_ns;
    if (reporting->windows.end_ns != INT64_MAX)
        window.end_ns = reporting->windows.end_ns - 1;
    struct timeline_options options = timeline_file_options(&reporting->traces, session);
    options.shows = is_shown;
    options.shows_context = reporting;
    options.windows = &window;
    options.window_count = 1;
    return timeline_file_write(&reporting->timeline, &options, &reporting->traces);
}

/* Call it while the report has the names of all threads. False: interrupted. */
static bool add_stories(struct reporting *reporting)
{
    struct report_stories stories = {.traces = &reporting->traces,
                                     .report = &reporting->report,
                                     .wants = is_wanted,
                                     .context = reporting,
                                     .stop = stop_signals_pending};
    if (reporting->page.out)
        reporting->stories = report_stories(&stories);
    return !reporting->page.out || reporting->stories;
}

static void say_fault(void *context, const char *sentence)
{
    say(context, sentence);
}

/* Whether the window is empty, which is reported: then there is no report, unless it has losses. */
static bool say_outside(struct reporting *reporting)
{
    uint64_t events = 0;
    for (size_t i = 0; i < reporting->report.session_count; i++)
        events += reporting->report.sessions[i].events;
    char *outside =
        events == 0 ? window_is_outside(&reporting->options.window, &reporting->traces.list) : NULL;
    if (outside)
        say(reporting, outside);
    free(outside);
    return outside != NULL;
}

/* Writes the finished report and statistics. */
static int finish(struct reporting *reporting, struct chunk_run *run, double begin_s)
{
    bool lossy = is_lossy(reporting, run);
    report_view_say_faults(&reporting->report, say_fault, reporting);
    bool outside = say_outside(reporting);
    if (outside && !lossy)
        return EXIT_FAILED;
    struct report_view view = reporting->options.view;
    view.jobs = reporting->jobs;
    int code = write_timeline(reporting);
    if (code != EXIT_INTERRUPTED && !add_stories(reporting))
        code = interrupted(reporting, run);
    if (code == EXIT_INTERRUPTED)
        return code;
    char *missing = outside ? NULL : report_filter_missing(&reporting->report, &view.filter);
    if (missing)
        say(reporting, missing);
    free(missing);
    char *unknown_thread = outside ? NULL : report_view_filter(&view, &reporting->report);
    if (unknown_thread)
        say(reporting, unknown_thread);
    if (!report_output(reporting->options.config))
        stop_signals_block(
            SIG_UNBLOCK); /* a pipe may be slow, and there is nothing left to clean up */
    struct failure why;
    if (write_page(reporting, view.jobs, &why) != STATUS_OK ||
        write_report(reporting, &view, &why) != STATUS_OK) {
        say(reporting, why.text);
        code = EXIT_FAILED;
    }
    if (config_flag(reporting->options.config, "stats"))
        say_stats(run, chunk_run_cpu_s() - reporting->report_begin_s, progress_now_s() - begin_s);
    if (code == EXIT_DONE && (unknown_thread || outside))
        code = EXIT_FAILED;
    free(unknown_thread);
    if (code == EXIT_DONE && lossy && config_flag(reporting->options.config, "strict"))
        code = EXIT_LOSSY;
    if (run->failed + reporting->traces.left_out > 0) {
        char *sentence =
            memory_format("%zu of the given traces could not be used; the report covers the rest",
                          run->failed + reporting->traces.left_out);
        say(reporting, sentence);
        free(sentence);
        if (code == EXIT_DONE)
            code = EXIT_FAILED;
    }
    return code;
}

/* Freeing millions of sums takes 3 % of a report, after its output: the end of the process does it.
 * Of several reports in one process, only the last is kept. */
static void leave_to_exit(struct reducer *take_reducer)
{
    static struct reducer *kept;
    reducer_free(kept);
    kept = take_reducer;
}

static int run_report(struct reporting *reporting, double begin_s)
{
    window_of_chunks(&reporting->options.window, &reporting->traces.list, &reporting->windows);
    struct reducer *reducer = reducer_new();
    struct plan_cache *cache = plan_cache_new();
    struct chunk_run run = {.list = &reporting->traces.list,
                            .options = {.phases = &reporting->traces.phases,
                                        .reader = reporting->reader,
                                        .other_reader = readers_other(),
                                        .cache = cache,
                                        .stop = {.asked = stop_signals_pending}},
                            .windows = reporting->windows.at,
                            .before = reporting->windows.before,
                            .marks = (const char *const *)reporting->traces.marks,
                            .jobs = reporting->jobs,
                            .reducer = reducer,
                            .progress = &reporting->progress};
    chunk_run(&run);
    plan_cache_free(cache);
    int code;
    if (run.stopped) {
        code = interrupted(reporting, &run);
    } else {
        double join_begin_s = chunk_run_cpu_s();
        reducer_finish(reducer);
        run.join_s += chunk_run_cpu_s() - join_begin_s;
        run.fold_s = reducer_fold_s(reducer);
        reporting->report_begin_s = chunk_run_cpu_s();
        reducer_report(reducer, reporting->jobs, &reporting->report);
        report_filter_since(&reporting->report, reporting->windows.begin_ns);
        code = finish(reporting, &run, begin_s);
    }
    leave_to_exit(reducer);
    return code;
}

/* False: reported. Opened files are dropped in any case. */
static bool open_files(struct reporting *reporting)
{
    const struct config *config = reporting->options.config;
    const char *page = config_text(config, "html");
    struct failure why;
    if (!timeline_file_open(&reporting->timeline, config_text(config, "perfetto"),
                            &reporting->traces))
        return false;
    if ((!page || report_file_open(&reporting->page, page, &why) == STATUS_OK) &&
        report_file_open(&reporting->file, report_output(config), &why) == STATUS_OK)
        return true;
    say(reporting, why.text);
    return false;
}

static int report_all(struct reporting *reporting)
{
    double begin_s = progress_now_s();
    if (!find_reader(reporting))
        return EXIT_WRONG_USAGE;
    int code = traces_read_phases(&reporting->traces, reporting->options.config);
    if (code != EXIT_DONE)
        return code;
    long long jobs = config_integer(reporting->options.config, "jobs");
    reporting->jobs = jobs > 0 ? (unsigned)jobs : traces_usual_jobs();
    reporting->traces.list.jobs = reporting->jobs;
    if (traces_find(&reporting->traces, reporting->options.config) != STATUS_OK)
        return EXIT_FAILED;
    code = EXIT_FAILED;
    if (open_files(reporting))
        code = run_report(reporting, begin_s);
    report_file_drop(&reporting->file);
    report_file_drop(&reporting->page);
    timeline_file_drop(&reporting->timeline);
    return code;
}

int cmd_report(int argc, char **argv)
{
    struct reporting reporting = {.reader = NULL};
    enum config_outcome outcome =
        report_options_load(&reporting.options, argc, argv, stdout, stderr);
    int code = (int)outcome;
    if (outcome == CONFIG_RUN) {
        enum when progress = (enum when)config_word(reporting.options.config, "progress");
        phases_init(&reporting.traces.phases);
        reporting.traces.progress = &reporting.progress;
        progress_init(&reporting.progress, "spanmill", report_view_is_now(progress, stderr));
        stop_signals_block(SIG_BLOCK);
        code = report_all(&reporting);
        report_clear(&reporting.report);
        free(reporting.stories);
        traces_clear(&reporting.traces);
        chunk_windows_clear(&reporting.windows);
    }
    report_options_clear(&reporting.options);
    return code;
}
