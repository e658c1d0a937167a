#include "cli/commands.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/duration_text.h"
#include "base/memory.h"
#include "base/nearest.h"
#include "cli/progress.h"
#include "cli/render/quantity.h"
#include "cli/render/report_view.h"
#include "cli/report_file.h"
#include "cli/stop_signals.h"
#include "cli/story/call_log.h"
#include "cli/story/learn_names.h"
#include "cli/traces.h"
#include "cli/window.h"
#include "service/service.h"
#include "trace/syscalls.h"

static const struct config_row rows[] = {
    INTEGERS_ROW("pid", 0, "PID", 0, INT32_MAX, "only this process; repeatable"),
    INTEGERS_ROW("tid", 0, "TID", 0, INT32_MAX, "only this thread; repeatable"),
    LIST_ROW("process", 0, "NAME",
             "only processes or threads with this name; * and ?\n"
             "are wildcards; repeatable"),
    SERVICE_PHASE_FILES_ROWS,
    LIST_ROW("phase", 0, "NAME",
             "only inside instances of this phase, such as request,\nrequest/decode, or re*; "
             "repeatable"),
    LIST_ROW("call", 'e', "NAME", "only these calls, such as read or *at; repeatable"),
    LIST_ROW("event", 0, "NAME",
             "only these other events, such as sched_switch or\n'shop:*'; repeatable"),
    FLAG_ROW("failed", 'Z', "only calls that returned an error"),
    LIST_ROW("error", 0, "NAME",
             "only calls that returned this error, such as ENOENT;\nrepeatable"),
    TEXT_ROW("longer", 0, "TIME", NULL, "only calls that took at least TIME, such as 1ms"),
    TEXT_ROW("since", 0, "TIME", NULL,
             "start of the window: 2026-11-22T23:09, 23:09:36.25,\n+1.5s (after the begin), or 5m "
             "(before the end)"),
    TEXT_ROW("until", 0, "TIME", NULL, "end of the window (exclusive)"),
    FLAG_ROW("numbers", 'y', "print file descriptors with number and name"),
    FLAG_ROW("cpu", 0,
             "print the CPU after the time, such as [002]; for calls,\nthe CPU where they began"),
    TEXT_ROW("output", 'o', "FILE", NULL, "write to FILE instead of stdout"),
    WORD_ROW("progress", 0, "WHEN", "never", WHEN_WORDS,
             "progress on stderr: auto, always, or never"),
};

static const struct config_section own = {"Lines", rows, sizeof rows / sizeof *rows};
static const struct config_section *const sections[] = {&own};
static const struct config_program program = {
    .command = "spanmill log",
    .operands = "TRACE...",
    .about = "Prints system calls and user-space events, one per line, in strace format, with the\n"
             "names of file descriptors. TRACE is a session folder, a chunk, a plain trace, a\n"
             "snapshot, or an archive. With --call and no --event, it prints only calls; with\n"
             "--event and no --call, only events.",
    .sections = sections,
    .count = sizeof sections / sizeof *sections,
    .examples = "spanmill log ~/lttng-traces/shop-20261122 --process shopd\n"
                "spanmill log shop --failed --since +10s --until +20s\n"
                "spanmill log shop --tid 4251 --call 'p*64' --event 'shop:*' --longer 1ms",
    .options_only = true,
};

enum { EVENTS_SEEN = 512, ERRORS = 4096 };

struct logging {
    struct config *config;
    struct traces traces;
    struct progress progress;
    struct call_log_choice choice;
    struct window window;
    struct chunk_windows windows;
    struct report_file file;
    struct call_log_counts counts;
    size_t failed;
    bool any;                  /* an event is in the window */
    bool *has_tids, *has_pids; /* of each requested one: it exists */
    /* Existing names in all sessions; owned. */
    struct known_names {
        char **at;
        size_t count, room;
    } processes, calls, phases, events;
    const struct event_class *seen[EVENTS_SEEN]; /* classes in `events`, by address */
};

/* Of one session. */
struct taking {
    struct logging *logging;
    struct call_log *log;
};

/* --- options --- */

static struct call_log_globs globs_of(const struct config *config, const char *name)
{
    struct call_log_globs globs;
    globs.count = config_list(config, name, &globs.at);
    return globs;
}

/* Refuses patterns that match no error of system calls. */
static bool errors_exist(const struct config *config, const struct call_log_globs *globs)
{
    /* Other names of the same numbers. Source: asm-generic/errno.h. */
    static const char *const others[][2] = {
        {"EWOULDBLOCK", "EAGAIN"}, {"EDEADLOCK", "EDEADLK"}, {"ENOTSUP", "EOPNOTSUPP"}};
    for (size_t i = 0; i < globs->count; i++) {
        const struct call_log_globs one = {.at = &globs->at[i], .count = 1};
        const char *names[ERRORS], *nearest = NULL;
        size_t count = 0;
        bool matches = false;
        for (int64_t number = 1; number < ERRORS && !matches; number++) {
            char room[16];
            const char *name = errno_name(-number, room);
            matches = call_log_matches(&one, name);
            if (name != room)
                names[count++] = name;
        }
        if (matches)
            continue;
        for (size_t k = 0; k < sizeof others / sizeof *others; k++)
            if (strcmp(globs->at[i], others[k][0]) == 0)
                nearest = others[k][1];
        if (!nearest)
            nearest = nearest_word(text_of(globs->at[i]), names, count);
        config_wrong(config, stderr, "--error: unknown `%s`%s%s", globs->at[i],
                     nearest ? "; the nearest is " : "", nearest ? nearest : "");
        return false;
    }
    return true;
}

static enum config_outcome load(struct logging *logging, int argc, char **argv)
{
    enum config_outcome outcome =
        config_load(&program, argc, argv, stdout, stderr, &logging->config);
    if (outcome != CONFIG_RUN)
        return outcome;
    const struct config *config = logging->config;
    struct call_log_choice *choice = &logging->choice;
    choice->pids.count = config_integers(config, "pid", &choice->pids.at);
    choice->tids.count = config_integers(config, "tid", &choice->tids.at);
    choice->processes = globs_of(config, "process");
    choice->phases = globs_of(config, "phase");
    choice->calls = globs_of(config, "call");
    choice->events = globs_of(config, "event");
    choice->errors = globs_of(config, "error");
    choice->with_errors = config_flag(config, "failed") || choice->errors.count > 0;
    choice->numbers = config_flag(config, "numbers");
    choice->cpus = config_flag(config, "cpu");
    if (choice->phases.count > 0 && !config_is_given(config, "phases") &&
        !config_is_given(config, "definitions"))
        return config_wrong(config, stderr, "--phase needs --definitions, which define the phase");
    if (!errors_exist(config, &choice->errors))
        return CONFIG_WRONG;
    const char *longer = config_text(config, "longer");
    if (longer && !duration_read(text_of(longer), 1, &choice->least_ns))
        return config_wrong(config, stderr, "--longer: `%s` is not a duration such as 1ms", longer);
    /* Conditions that only apply to calls exclude everything else. */
    bool of_calls = choice->calls.count > 0 || choice->with_errors || longer;
    choice->has_calls = of_calls || choice->events.count == 0;
    choice->has_events = choice->events.count > 0 || !of_calls;
    char *const *operands;
    if (!window_read(&logging->window, config, stderr))
        return CONFIG_WRONG;
    if (config_operands(config, &operands) == 0)
        return config_wrong(config, stderr, "no trace given");
    return CONFIG_RUN;
}

/* --- the log --- */

static bool shows_calls(enum domain domain, const char *name)
{
    return domain == DOMAIN_UST || strncmp(name, "syscall_", 8) == 0 ||
           strncmp(name, "compat_syscall_", 15) == 0;
}

static bool shows_all(enum domain domain, const char *name)
{
    (void)domain;
    (void)name;
    return true;
}

static void know(struct known_names *known, const char *name)
{
    for (size_t i = 0; name && i < known->count; i++)
        if (strcmp(known->at[i], name) == 0)
            return;
    if (!name || *name == '\0')
        return;
    known->at = memory_grow(known->at, &known->room, known->count + 1, sizeof *known->at);
    known->at[known->count++] = memory_string(text_of(name));
}

/* Collects existing names for messages about filters that match nothing. */
static void know_names(struct logging *logging, const struct session_report *report)
{
    int64_t begin_ns = logging->windows.begin_ns, end_ns = logging->windows.end_ns;
    logging->any |=
        report->begin_ns != REPORT_NONE && report->begin_ns < end_ns && report->end_ns >= begin_ns;
    for (size_t i = 0; i < report->process_count; i++)
        know(&logging->processes, report->processes[i].process);
    for (size_t i = 0; i < report->thread_count; i++)
        know(&logging->processes, report->threads[i].name);
    for (size_t i = 0; i < report->syscall_count; i++)
        know(&logging->calls, report->syscalls[i].syscall);
    for (size_t i = 0; i < report->phase_count; i++)
        know(&logging->phases, report->phases[i].phase);
    for (size_t i = 0; i < logging->choice.tids.count; i++)
        for (size_t k = 0; k < report->thread_count; k++)
            logging->has_tids[i] |= report->threads[k].tid == logging->choice.tids.at[i];
    for (size_t i = 0; i < logging->choice.pids.count; i++)
        for (size_t k = 0; k < report->process_count; k++)
            logging->has_pids[i] |= report->processes[k].pid == logging->choice.pids.at[i];
}

/* Until an event matches, collects the names of existing ones. */
static bool take(void *context, const struct followed *followed)
{
    struct taking *taking = context;
    struct logging *logging = taking->logging;
    const struct event_class *class = followed->event->class;
    const struct event_class **seen =
        &logging->seen[(uintptr_t) class / sizeof *class % EVENTS_SEEN];
    if (logging->choice.events.count > 0 && *seen != class) {
        know(&logging->events, followed->event->kind == EVENT_LOSS ? CALL_LOG_LOST : class->name);
        *seen = class;
    }
    return call_log_take(taking->log, followed);
}

/* Reports requested threads or processes that do not exist. */
static bool say_none(struct logging *logging, const char *what,
                     const struct call_log_numbers *asked, const bool *has)
{
    bool said = false;
    for (size_t i = 0; i < asked->count; i++) {
        if (has[i])
            continue;
        char *sentence = memory_format("no %s %" PRId64 " in the traces", what, asked->at[i]);
        progress_say(&logging->progress, sentence);
        free(sentence);
        said = true;
    }
    return said;
}

static void clear_names(struct known_names *known)
{
    for (size_t i = 0; i < known->count; i++)
        free(known->at[i]);
    free(known->at);
}

/* Reports patterns that match nothing. */
static bool say_unknown(struct logging *logging, const char *option,
                        const struct call_log_globs *globs, const struct known_names *known)
{
    bool said = false;
    for (size_t i = 0; i < globs->count; i++) {
        const struct call_log_globs one = {.at = &globs->at[i], .count = 1};
        bool matches = false;
        for (size_t k = 0; k < known->count && !matches; k++)
            matches = call_log_matches(&one, known->at[k]);
        if (matches)
            continue;
        const char *nearest =
            nearest_word(text_of(globs->at[i]), (const char *const *)known->at, known->count);
        const char *hint = nearest                     ? "; the nearest is "
                           : strchr(globs->at[i], ',') ? "; repeat the option for each name"
                           : known == &logging->events ? "; `spanmill events` lists all events"
                                                       : "";
        char *sentence = memory_format("--%s: no `%s` in the traces%s%s", option, globs->at[i],
                                       hint, nearest ? nearest : "");
        progress_say(&logging->progress, sentence);
        free(sentence);
        said = true;
    }
    return said;
}

/* The chunks of one session, and what is learned from a first pass over them. */
struct learned {
    size_t begin, end;        /* in the list */
    struct plan_cache *cache; /* of their metadata */
    struct fold *fold;        /* owns the names */
    struct arena arena;       /* of the report */
    struct session_report report;
};

static void show_progress(void *context, size_t done, size_t count, uint64_t events)
{
    progress_show(context, done, count, events);
}

/* False if it was interrupted; learned_clear() in any case. */
static bool learn(struct logging *logging, struct learned *learned)
{
    learned->cache = plan_cache_new();
    const struct call_log_choice *choice = &logging->choice;
    struct learn_names learn = {
        .list = &logging->traces.list,
        .begin = learned->begin,
        .end = learned->end,
        .phases = &logging->traces.phases,
        .cache = learned->cache,
        .warnings = {.say = progress_say_once, .context = &logging->progress},
        .with_uses = choice->calls.count + choice->phases.count > 0,
        .stops = stop_signals_pending,
        .progress = show_progress,
        .context = &logging->progress};
    learned->fold = learn_names(&learn);
    progress_clear(&logging->progress);
    logging->failed += learn.failed;
    if (learned->fold)
        fold_report(learned->fold, &learned->arena, &learned->report);
    return learned->fold != NULL;
}

static void learned_clear(struct learned *learned)
{
    arena_clear(&learned->arena);
    fold_free(learned->fold);
    plan_cache_free(learned->cache);
}

static void log_session(struct logging *logging, const struct learned *learned)
{
    const struct session_report *report = &learned->report;
    know_names(logging, report);
    struct call_log_choice choice = logging->choice;
    choice.begin_ns = logging->windows.begin_ns;
    choice.end_ns = logging->windows.end_ns;
    struct story_names *names = story_names_new(report);
    struct call_log *log = call_log_new(&choice, names, logging->file.out);
    struct taking taking = {logging, log};
    memset(logging->seen, 0,
           sizeof logging->seen); /* the classes of the previous session are freed */
    struct follow following = {
        .chunks = &logging->traces.list.at[learned->begin],
        .count = learned->end - learned->begin,
        .phases = choice.phases.count > 0 ? &logging->traces.phases : NULL,
        .shows = choice.events.count + choice.phases.count > 0 ? shows_all : shows_calls,
        .cache = learned->cache,
        /* Instances may have begun at any time before. */
        .begin_ns = choice.phases.count > 0 ? INT64_MIN : choice.begin_ns,
        .end_ns = INT64_MAX, /* calls may end after the window */
        .only_calls = choice.events.count + choice.phases.count == 0,
        .warnings = {.say = progress_say_once, .context = &logging->progress},
        .take = take,
        .context = &taking};
    follow(&following);
    call_log_finish(log);
    struct call_log_counts counts = call_log_counts(log);
    logging->counts.calls += counts.calls;
    logging->counts.events += counts.events;
    logging->counts.lost += counts.lost;
    logging->failed += following.failed;
    call_log_free(log);
    story_names_free(names);
}

static void say_rest(struct logging *logging, bool stopped)
{
    if (logging->counts.lost > 0) {
        char *sentence = memory_format("%s events are lost; their lines are missing",
                                       quantity_count(logging->counts.lost).text);
        progress_say(&logging->progress, sentence);
        free(sentence);
    }
    if (stopped || logging->counts.calls + logging->counts.events > 0)
        return;
    char *outside =
        logging->any ? NULL : window_is_outside(&logging->window, &logging->traces.list);
    const struct call_log_choice *choice = &logging->choice;
    bool said = say_none(logging, "thread", &choice->tids, logging->has_tids);
    said |= say_none(logging, "process", &choice->pids, logging->has_pids);
    said |= say_unknown(logging, "process", &choice->processes, &logging->processes);
    said |= say_unknown(logging, "phase", &choice->phases, &logging->phases);
    /* Only events in the chunks read are known. */
    bool whole = logging->window.since.kind == TIME_POINT_NONE &&
                 logging->window.until.kind == TIME_POINT_NONE;
    said |= whole && say_unknown(logging, "event", &choice->events, &logging->events);
    said |= say_unknown(logging, "call", &choice->calls, &logging->calls);
    if (outside || !said)
        progress_say(&logging->progress, outside  ? outside
                                         : !whole ? "nothing matches between --since and --until"
                                         : choice->events.count > 0
                                             ? "nothing matches; `spanmill events` lists all events"
                                             : "nothing matches");
    free(outside);
}

static int log_all(struct logging *logging)
{
    struct failure why;
    int code = traces_read_phase_files(&logging->traces, logging->config);
    if (code != EXIT_DONE)
        return code;
    if (traces_find(&logging->traces, logging->config) != STATUS_OK)
        return EXIT_FAILED;
    const char *output = config_text(logging->config, "output");
    if (output && strcmp(output, "-") == 0)
        output = NULL;
    if (report_file_open(&logging->file, output, &why) != STATUS_OK) {
        progress_say(&logging->progress, why.text);
        return EXIT_FAILED;
    }
    const struct chunk_list *list = &logging->traces.list;
    window_of_chunks(&logging->window, list, &logging->windows);
    bool stopped = false;
    for (size_t begin = 0; begin < list->count && !stopped;) {
        struct learned learned = {.begin = begin, .end = traces_session_end(list, begin)};
        stop_signals_block(SIG_BLOCK);
        stopped = !learn(logging, &learned);
        if (!output)
            stop_signals_block(SIG_UNBLOCK);
        if (!stopped)
            log_session(logging, &learned);
        learned_clear(&learned);
        begin = learned.end;
    }
    if (stopped) {
        progress_say(&logging->progress, "interrupted");
        code = 128 + SIGINT;
    } else if (report_file_close(&logging->file, &why) != STATUS_OK) {
        progress_say(&logging->progress, why.text);
        code = EXIT_FAILED;
    }
    say_rest(logging, stopped);
    if (code == EXIT_DONE && logging->failed + logging->traces.left_out > 0)
        code = EXIT_FAILED;
    report_file_drop(&logging->file);
    return code;
}

int cmd_log(int argc, char **argv)
{
    struct logging logging = {.config = NULL};
    enum config_outcome outcome = load(&logging, argc, argv);
    int code = (int)outcome;
    if (outcome == CONFIG_RUN) {
        enum when progress = (enum when)config_word(logging.config, "progress");
        progress_init(&logging.progress, "spanmill", report_view_is_now(progress, stderr));
        phases_init(&logging.traces.phases);
        logging.traces.progress = &logging.progress;
        logging.has_tids = memory_new((logging.choice.tids.count + 1) * sizeof(bool));
        logging.has_pids = memory_new((logging.choice.pids.count + 1) * sizeof(bool));
        code = log_all(&logging);
        traces_clear(&logging.traces);
        chunk_windows_clear(&logging.windows);
        free(logging.has_tids);
        free(logging.has_pids);
        clear_names(&logging.processes);
        clear_names(&logging.calls);
        clear_names(&logging.phases);
        clear_names(&logging.events);
    }
    config_free(logging.config);
    return code;
}
