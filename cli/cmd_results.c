#include "cli/commands.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "cli/live_screen.h"
#include "cli/progress.h"
#include "cli/render/quantity.h"
#include "cli/report_file.h"
#include "cli/report_options.h"
#include "cli/render/report_view.h"
#include "cli/result_log.h"
#include "cli/result_rows.h"
#include "cli/results_hint.h"
#include "cli/stop_signals.h"
#include "cli/window.h"
#include "service/kafka.h"
#include "service/service.h"

enum { POLL_MS = 50, EXIT_INTERRUPTED = 128 + SIGINT };

static const struct config_row rows[] = {
    FLAG_ROW("follow", 'F',
             "continue at the end of the topic: refresh the screen on a\n"
             "terminal until Ctrl-C; else write a new report after\n"
             "each change"),
    DURATION_ROW("every", 0, "TIME", "1s", 100, 86400000,
                 "print one row per TIME, starting at --since or now, until\n"
                 "--until or Ctrl-C; with --follow: write at most one\n"
                 "report per TIME"),
    TEXT_ROW("since", 0, "TIME", NULL,
             "only intervals that end at or after TIME: 5m (ago),\n"
             "23:09:36, or 2026-11-22T23:09; earlier state is kept"),
    TEXT_ROW("until", 0, "TIME", NULL, "only intervals that begin before TIME"),
    WORD_ROW("from", 0, "WHERE", "begin", "begin end",
             "begin or end of the topic; `end` counts new data only,\n"
             "and names appear as they are published again"),
    FLAG_ROW("forget", 0,
             "drop rows of threads and descriptors some time after\n"
             "they end, but keep the sums; bounds memory"),
    LIST_ROW("session", 's', "PATTERN",
             "only sessions whose name matches, such as 'web1/*';\n"
             "repeatable"),
};
static const struct config_section own = {"Results", rows, sizeof rows / sizeof *rows};
static const struct config_section *const sections[] = {&own, &report_view_section,
                                                        &service_kafka_section};
static const struct config_program program = {
    .command = "spanmill results",
    .block = "results",
    .about = "Reads the pool's results topic and prints it like `spanmill report`.",
    .sections = sections,
    .count = sizeof sections / sizeof *sections,
    .examples = "spanmill results -b kafka-1:9092\n"
                "spanmill results --follow --session 'web1/*' --process shopd\n"
                "spanmill results --since 5m --every 10s\n"
                "spanmill results --format json -o shop.jsonl",
};

struct showing {
    const struct config *config;
    struct report_view view;
    struct report_file file;
    bool follow, live;        /* live: on the terminal's alternate screen */
    struct result_rows *rows; /* instead of reports; or NULL */
    struct result_log_options log_options;
    struct result_log *log;
    size_t shown;     /* number of records in the last report */
    double shown_s;   /* time of the last report */
    double changed_s; /* time of the last record */
    bool lossy;
    char *unknown_thread; /* message: the requested process does not exist */
    bool nothing;         /* there is none of the requested data */
    size_t parked;        /* parked chunks of it */
};

/* --- options --- */

/* Hosts' clocks may be this much ahead of the brokers'; rows are found by write time. */
enum { AHEAD_MS = 600000 };

static bool resolve(struct showing *showing, const char *name, struct time_point point,
                    int64_t *out_ns)
{
    int64_t now_ns = (int64_t)clock_ns(CLOCK_REALTIME);
    *out_ns = 0;
    if (point.kind == TIME_RELATIVE)
        config_wrong(showing->config, stderr, "--%s: `+` times are not supported for results",
                     name);
    else
        time_point_resolve(point, (struct time_range){now_ns, now_ns}, out_ns);
    return point.kind != TIME_RELATIVE;
}

static bool read_window(struct showing *showing)
{
    struct window window;
    struct result_log_options *log = &showing->log_options;
    return window_read(&window, showing->config, stderr) &&
           resolve(showing, "since", window.since, &log->since_ns) &&
           resolve(showing, "until", window.until, &log->until_ns);
}

/* Rows only need the data of intervals: nothing from before. */
static bool read_rows(struct showing *showing)
{
    static const char *const others[] = {"pid", "process", "strict"};
    const struct config *config = showing->config;
    struct result_log_options *log = &showing->log_options;
    if (!config_is_given(config, "every") || showing->follow)
        return true;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (config_is_given(config, others[i])) {
            config_wrong(config, stderr, "--%s and --every cannot be combined without --follow",
                         others[i]);
            return false;
        }
    if (log->since_ns > 0)
        log->from_ms = log->since_ns / 1000000 > AHEAD_MS ? log->since_ns / 1000000 - AHEAD_MS : 1;
    log->from_end = log->since_ns == 0 && !config_is_given(config, "from");
    showing->rows = result_rows_new(showing->view.format == FORMAT_JSON,
                                    config_duration_ms(config, "every") * 1000000);
    return true;
}

static bool read_options(struct showing *showing)
{
    const struct config *config = showing->config;
    showing->follow = config_flag(config, "follow");
    if (!report_view_options(config, &showing->view, stderr))
        return false;
    showing->live = showing->follow && showing->view.format == FORMAT_TEXT && isatty(STDOUT_FILENO);
    showing->log_options.from_end = config_word(config, "from") == 1;
    showing->log_options.forget = config_flag(config, "forget");
    showing->log_options.session_count =
        config_list(config, "session", &showing->log_options.sessions);
    if (!read_window(showing) || !read_rows(showing))
        return false;
    if (showing->follow && config_text(config, "output"))
        config_wrong(config, stderr, "--output and --follow cannot be combined");
    else if (config_word(config, "from") == 1 && !showing->follow && !showing->rows)
        config_wrong(config, stderr, "--from end needs --follow");
    else
        return true;
    return false;
}

/* --- reports --- */

static void say(void *context, const char *sentence)
{
    const struct showing *showing = context;
    if (!showing->live)
        fprintf(stderr, "spanmill results: %s\n", sentence);
}

static void make_report(struct showing *showing, struct report *report)
{
    result_log_report(showing->log, report);
    showing->lossy = report_view_is_lossy(report);
    free(showing->unknown_thread);
    char *missing = report_filter_missing(report, &showing->view.filter);
    if (missing)
        say(showing, missing);
    free(missing);
    showing->unknown_thread = report_view_filter(&showing->view, report);
    showing->shown = result_log_records(showing->log);
    showing->shown_s = progress_now_s();
}

static void show_live(struct showing *showing, double now_s)
{
    struct report report;
    make_report(showing, &report);
    char *tables = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&tables, &size);
    if (!out)
        return;
    report_view_write(&showing->view, &report, out, stdout);
    fclose(out);
    char *status = memory_format("%zu sessions, %s records; newest %.0f s ago; Ctrl-C to quit",
                                 report.session_count, quantity_count(showing->shown).text,
                                 showing->shown ? now_s - showing->changed_s : 0.0);
    live_screen_show(stdout, (struct text){tables, size}, status);
    free(status);
    free(tables);
    report_clear(&report);
}

static enum status write_whole(struct showing *showing, FILE *out, struct failure *why)
{
    struct report report;
    make_report(showing, &report);
    report_view_write(&showing->view, &report, out, out);
    report_clear(&report);
    if (fflush(out) == 0 && !ferror(out))
        return STATUS_OK;
    return fail(why, STATUS_STOP, "the report cannot be written");
}

/* --- the loop --- */

/* Writes a report if it is due. */
static enum status follow(struct showing *showing, struct failure *why)
{
    double now_s = progress_now_s();
    double every_s = (double)config_duration_ms(showing->config, "every") / 1000;
    bool changed = result_log_records(showing->log) > showing->shown;
    if (now_s - showing->shown_s < every_s)
        return STATUS_OK;
    /* On a terminal, the time since the last record is updated, too. Records that belong together
     * are shown together, unless the rest does not arrive. */
    bool torn = result_log_is_torn(showing->log) && now_s - showing->changed_s < 1;
    if (torn || !result_log_is_read(showing->log) || (!changed && !showing->live))
        return STATUS_OK;
    if (!showing->live)
        return write_whole(showing, stdout, why);
    show_live(showing, now_s);
    return STATUS_OK;
}

/* Runs until all is read, or forever. OK; END: a signal was received. */
static enum status run(struct showing *showing, struct failure *why)
{
    while (showing->follow || !result_log_is_read(showing->log)) {
        if (stop_signals_pending(NULL))
            return STATUS_END;
        enum status status = result_log_poll(showing->log, POLL_MS, why);
        if (status == STATUS_OK)
            showing->changed_s = progress_now_s();
        if (status == STATUS_STOP)
            return status;
        if (showing->follow)
            status = follow(showing, why);
        if (status == STATUS_STOP)
            return status;
    }
    return STATUS_OK;
}

/* --- rows --- */

static void take_flush(void *context, const struct result_flush *flush)
{
    struct showing *showing = context;
    result_rows_take(showing->rows, flush);
}

/* Whether no more data of the window can arrive. */
static bool is_past(const struct showing *showing)
{
    int64_t until_ns = showing->log_options.until_ns;
    return until_ns != 0 && result_log_is_read(showing->log) &&
           (int64_t)clock_ns(CLOCK_REALTIME) > until_ns;
}

/* Runs until a signal, or until all requested rows are printed. */
static enum status run_rows(struct showing *showing, struct failure *why)
{
    double every_s = (double)config_duration_ms(showing->config, "every") / 1000;
    while (!stop_signals_pending(NULL) && !is_past(showing)) {
        enum status status = result_log_poll(showing->log, POLL_MS, why);
        if (status == STATUS_STOP)
            return status;
        if (result_log_is_read(showing->log))
            result_rows_write(showing->rows, every_s);
    }
    result_rows_write(showing->rows, 0);
    return STATUS_OK;
}

/* Results of parked chunks do not arrive until the chunks are sent again. */
static void say_parked(struct showing *showing)
{
    struct parked_hint hint;
    parked_hint_read(&hint, &showing->log_options);
    showing->parked = hint.count;
    if (hint.count > 0) {
        char *sentence = memory_format(
            "%zu chunk%s parked by mappers; `spanmill parked` lists %s. Newest:", hint.count,
            hint.count == 1 ? " is" : "s are", hint.count == 1 ? "it" : "them");
        say(showing, sentence);
        free(sentence);
        for (size_t i = 0; i < sizeof hint.lines / sizeof *hint.lines && hint.lines[i]; i++)
            say(showing, hint.lines[i]);
    }
    parked_hint_clear(&hint);
}

/* A message that all results are outside the window; the caller frees it. */
static char *newest_outside(const struct showing *showing)
{
    int64_t newest_ns = result_log_newest_ns(showing->log);
    if (newest_ns == REPORT_NONE || showing->rows || result_log_counted(showing->log))
        return NULL;
    return memory_format(
        "no interval in this time window; the newest event in the results is at %s",
        quantity_date(newest_ns).text);
}

static void say_what_is_missing(struct showing *showing)
{
    bool empty = result_log_records(showing->log) == 0;
    char *sessions = empty ? results_hint_sessions(showing->log) : NULL;
    char *other_time = sessions ? NULL : newest_outside(showing);
    if (sessions)
        say(showing, sessions);
    else if (other_time)
        say(showing, other_time);
    else if (showing->unknown_thread)
        say(showing, showing->unknown_thread);
    showing->nothing = sessions || other_time || showing->unknown_thread;
    free(sessions);
    free(other_time);
    if (!showing->follow)
        say_parked(showing);
    if (empty && !showing->nothing)
        say(showing, showing->parked ? "there are no results"
                                     : "the topic has no results of a matching session yet");
}

/* Writes the last report. */
static enum status finish(struct showing *showing, struct failure *why)
{
    bool written =
        !showing->live && showing->shown > 0 && showing->shown == result_log_records(showing->log);
    if (!showing->follow && !showing->rows && !showing->file.path)
        stop_signals_block(SIG_UNBLOCK); /* a pipe may be slow, and there is nothing to clean up */
    enum status status = STATUS_OK;
    if (!written && !showing->rows)
        status = write_whole(showing, showing->file.out, why);
    if (status == STATUS_OK)
        status = report_file_close(&showing->file, why);
    say_what_is_missing(showing);
    return status;
}

static int exit_code(const struct showing *showing)
{
    if (result_log_damaged(showing->log) > 0) {
        fprintf(stderr, "spanmill results: %zu records could not be read\n",
                result_log_damaged(showing->log));
        return EXIT_FAILED;
    }
    if (showing->nothing && !showing->follow)
        return EXIT_FAILED;
    bool incomplete = showing->lossy || showing->parked > 0;
    return incomplete && config_flag(showing->config, "strict") ? EXIT_LOSSY : EXIT_DONE;
}

static int show(struct showing *showing)
{
    struct failure why;
    enum status status = result_log_open(&showing->log_options, &showing->log, &why);
    if (status == STATUS_OK) {
        if (showing->live)
            live_screen_open(stdout);
        status = showing->rows ? run_rows(showing, &why) : run(showing, &why);
        if (showing->live) {
            live_screen_close(stdout);
            showing->live = false;
            showing->shown = 0; /* the alternate screen is closed: print the last report */
        }
    }
    bool stopped = status == STATUS_RETRY && stop_signals_pending(NULL);
    if (stopped || (status == STATUS_END && !showing->follow)) {
        say(showing, "interrupted; no report");
        return EXIT_INTERRUPTED;
    }
    if (status == STATUS_OK || status == STATUS_END)
        status = finish(showing, &why);
    if (status != STATUS_OK) {
        say(showing, why.text);
        return EXIT_FAILED;
    }
    return exit_code(showing);
}

/* --- */

static void log_nothing(void *context, int level, const char *text)
{
    (void)context;
    (void)level;
    (void)text;
}

static int open_and_show(struct showing *showing)
{
    struct log log = {.file = stderr, .program = "spanmill results", .level = LOG_WARNING};
    struct kafka_settings kafka;
    struct failure why;
    if (!read_options(showing))
        return EXIT_WRONG_USAGE;
    if (kafka_settings_init(&kafka, showing->config, &log, &why) != STATUS_OK) {
        config_wrong(showing->config, stderr, "%s", why.text);
        return EXIT_WRONG_USAGE;
    }
    if (showing->live)
        kafka.bus.log = log_nothing; /* it would disturb the screen */
    stop_signals_block(SIG_BLOCK);
    int code = EXIT_FAILED;
    if (report_file_open(&showing->file, report_output(showing->config), &why) == STATUS_OK) {
        if (showing->rows) {
            result_rows_to(showing->rows, showing->file.out);
            showing->log_options.take = take_flush;
        }
        showing->log_options.bus = &kafka.bus;
        showing->log_options.say = say;
        showing->log_options.over = stop_signals_pending;
        showing->log_options.context = showing;
        code = show(showing);
        report_file_drop(&showing->file);
    } else {
        say(showing, why.text);
    }
    result_log_free(showing->log);
    kafka_settings_clear(&kafka);
    return code;
}

int cmd_results(int argc, char **argv)
{
    struct config *config;
    enum config_outcome outcome = config_load(&program, argc, argv, stdout, stderr, &config);
    if (outcome != CONFIG_RUN)
        return (int)outcome;
    struct showing showing = {.config = config};
    int code = open_and_show(&showing);
    free(showing.unknown_thread);
    result_rows_free(showing.rows);
    config_free(config);
    return code;
}
