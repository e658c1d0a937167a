#include "cli/commands.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "cli/live_screen.h"
#include "cli/progress.h"
#include "cli/render/quantity.h"
#include "cli/report_file.h"
#include "cli/report_options.h"
#include "cli/render/report_view.h"
#include "cli/result_log.h"
#include "cli/results_hint.h"
#include "cli/stop_signals.h"
#include "service/kafka.h"
#include "service/service.h"

enum { POLL_MS = 50, EXIT_INTERRUPTED = 128 + SIGINT };

static const struct config_row rows[] = {
    FLAG_ROW("follow", 'F',
             "go on when all is read: on a terminal the newest is shown\n"
             "until Ctrl-C; elsewhere a report is written whenever\n"
             "something has changed"),
    DURATION_ROW("every", 0, "TIME", "1s", 100, 86400000,
                 "with --follow: at most one report in that time"),
    WORD_ROW("from", 0, "WHERE", "begin", "begin end",
             "begin or end of the topic. From the end, numbers are of\n"
             "what comes from now on, and names are told by and by"),
    FLAG_ROW("forget", 0,
             "drop rows of threads and descriptors some time after\n"
             "their end, and keep their sums: to follow for days"),
    LIST_ROW("session", 's', "PATTERN",
             "of sessions whose name is like this only: 'web1/*';\n"
             "repeatable"),
};
static const struct config_section own = {"Results", rows, sizeof rows / sizeof *rows};
static const struct config_section *const sections[] = {&own, &report_view_section,
                                                        &service_kafka_section};
static const struct config_program program = {
    .command = "spanmill results",
    .block = "results",
    .about = "What the pool says of phases, system calls, files and CPU time: the results topic,\n"
             "read and shown as `spanmill report` would.",
    .sections = sections,
    .count = sizeof sections / sizeof *sections,
    .examples = "spanmill results -b kafka-1:9092\n"
                "spanmill results --follow --session 'web1/*' --process shopd\n"
                "spanmill results --format json -o shop.jsonl",
};

struct showing {
    const struct config *config;
    struct report_view view;
    struct report_file file;
    bool follow, live; /* live: on the terminal's own screen */
    struct result_log_options log_options;
    struct result_log *log;
    size_t shown;     /* records when a report was last written */
    double shown_s;   /* and when that was */
    double changed_s; /* when the last record came */
    bool lossy;
    char *nobody;  /* a sentence: no process is the one that was asked for */
    bool nothing;  /* of what was asked for is there */
    size_t parked; /* chunks of it */
};

/* --- options --- */

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
    if (showing->follow && config_text(config, "output"))
        config_wrong(config, stderr, "--output and --follow do not go together");
    else if (showing->log_options.from_end && !showing->follow)
        config_wrong(config, stderr, "there is nothing behind the end without --follow");
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
    free(showing->nobody);
    showing->nobody = report_view_filter(&showing->view, report);
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
    char *status = memory_format("%zu sessions, %s records; the last %.0f s ago; Ctrl-C ends",
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

/* Writes a report if it is time for one. */
static enum status follow(struct showing *showing, struct failure *why)
{
    double now_s = progress_now_s();
    double every_s = (double)config_duration_ms(showing->config, "every") / 1000;
    bool changed = result_log_records(showing->log) > showing->shown;
    if (now_s - showing->shown_s < every_s)
        return STATUS_OK;
    /* On a terminal the time since the last record runs, too. What belongs together is shown
     * together, unless the rest of it does not come. */
    bool torn = result_log_is_torn(showing->log) && now_s - showing->changed_s < 1;
    if (torn || !result_log_is_read(showing->log) || (!changed && !showing->live))
        return STATUS_OK;
    if (!showing->live)
        return write_whole(showing, stdout, why);
    show_live(showing, now_s);
    return STATUS_OK;
}

/* Until all is read, or for ever. OK; END: a signal came. */
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

/* Parked chunks are no results that have not come yet: they come when somebody sends them again. */
static void say_parked(struct showing *showing)
{
    struct parked_hint hint;
    parked_hint_read(&hint, &showing->log_options);
    showing->parked = hint.count;
    if (hint.count > 0) {
        char *sentence = memory_format("%zu chunk%s parked, not used by any mapper; "
                                       "`spanmill parked` lists %s. The last:",
                                       hint.count, hint.count == 1 ? " is" : "s are",
                                       hint.count == 1 ? "it" : "them");
        say(showing, sentence);
        free(sentence);
        for (size_t i = 0; i < sizeof hint.lines / sizeof *hint.lines && hint.lines[i]; i++)
            say(showing, hint.lines[i]);
    }
    parked_hint_clear(&hint);
}

static void say_what_is_missing(struct showing *showing)
{
    bool empty = result_log_records(showing->log) == 0;
    char *sessions = empty ? results_hint_sessions(showing->log) : NULL;
    if (sessions)
        say(showing, sessions);
    else if (showing->nobody)
        say(showing, showing->nobody);
    showing->nothing = sessions || showing->nobody;
    free(sessions);
    if (!showing->follow)
        say_parked(showing);
    if (empty && !showing->nothing)
        say(showing, showing->parked ? "there are no results"
                                     : "the topic has no results of such a session yet");
}

/* All is read, or enough: the last report. */
static enum status finish(struct showing *showing, struct failure *why)
{
    bool written =
        !showing->live && showing->shown > 0 && showing->shown == result_log_records(showing->log);
    if (!showing->follow && !showing->file.path)
        stop_signals_block(SIG_UNBLOCK); /* a pipe may be slow, and nothing needs order */
    enum status status = STATUS_OK;
    if (!written)
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
        status = run(showing, &why);
        if (showing->live) {
            live_screen_close(stdout);
            showing->live = false;
            showing->shown = 0; /* it is gone: what comes last, stays */
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
        kafka.bus.log = log_nothing; /* the screen is not for it */
    stop_signals_block(SIG_BLOCK);
    int code = EXIT_FAILED;
    if (report_file_open(&showing->file, report_output(showing->config), &why) == STATUS_OK) {
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
    free(showing.nobody);
    config_free(config);
    return code;
}
