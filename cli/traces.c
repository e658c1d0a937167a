#include "cli/traces.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "chunk/session_marks.h"
#include "cli/chunk_run.h"
#include "cli/commands.h"
#include "cli/recording.h"
#include "cli/stop_signals.h"
#include "mapper/readers/readers.h"

static int read_file(struct traces *traces, const char *name, struct failure *why)
{
    const struct phase_definitions *phases = &traces->phases;
    size_t defined = phases->count + phases->count_count;
    if (phases_add_file(&traces->phases, name, why) != STATUS_OK) {
        if (name[strspn(name, "0123456789")] == '\0') /* as `strace -p PID` */
            failure_prefix(why, "-p names a file of definitions, not a process");
        return EXIT_FAILED;
    }
    if (phases->count + phases->count_count == defined) {
        char *sentence = memory_format("%s: defines no phase, count or span", name);
        progress_say(traces->progress, sentence);
        free(sentence);
    }
    return EXIT_DONE;
}

int traces_read_phase_files(struct traces *traces, const struct config *config)
{
    struct failure why;
    const char *const *texts;
    int code = EXIT_DONE;
    static const char *const files[] = {"definitions", "phases"};
    for (size_t k = 0; k < sizeof files / sizeof *files; k++) {
        size_t count = config_list(config, files[k], &texts);
        for (size_t i = 0; i < count && code == EXIT_DONE; i++)
            code = read_file(traces, texts[i], &why);
    }
    if (code != EXIT_DONE)
        progress_say(traces->progress, why.text);
    return code;
}

int traces_read_phases(struct traces *traces, const struct config *config)
{
    struct failure why;
    const char *const *texts;
    int code = traces_read_phase_files(traces, config);
    if (code != EXIT_DONE)
        return code;
    size_t count = config_list(config, "phase", &texts);
    for (size_t i = 0; i < count && code == EXIT_DONE; i++)
        if (phases_add_period(&traces->phases, text_of(texts[i]), &why) != STATUS_OK)
            code = EXIT_WRONG_USAGE;
    if (code != EXIT_DONE)
        progress_say(traces->progress, why.text);
    return code;
}

static void say_left_out(void *context, const char *sentence)
{
    struct traces *traces = context;
    traces->left_out++;
    progress_say(traces->progress, sentence);
    traces->progress->over = true;
}

unsigned traces_usual_jobs(void)
{
    cpu_set_t cpus;
    if (sched_getaffinity(0, sizeof cpus, &cpus) != 0)
        return 1;
    int count = CPU_COUNT(&cpus);
    return count > 0 ? (unsigned)count : 1;
}

enum status traces_find(struct traces *traces, const struct config *config)
{
    struct failure why;
    struct chunk_list *list = &traces->list;
    list->say = say_left_out;
    list->context = traces;
    if (list->jobs == 0)
        list->jobs = traces_usual_jobs();
    char *const *operands;
    size_t count = config_operands(config, &operands);
    for (size_t i = 0; i < count; i++)
        if (chunk_list_add(list, operands[i], &why) != STATUS_OK)
            say_left_out(traces, why.text);
    if (list->count == 0)
        return STATUS_REJECT;
    enum status status = chunk_list_finish(list, &why); /* errors were reported */
    recording_mark(list);
    if (list->count == 0)
        return STATUS_REJECT;
    traces->marks = session_marks(list);
    return status;
}

void traces_clear(struct traces *traces)
{
    session_marks_free(traces->marks, traces->list.count);
    traces->marks = NULL;
    chunk_list_clear(&traces->list);
    phases_clear(&traces->phases);
}

size_t traces_session_end(const struct chunk_list *list, size_t begin)
{
    size_t end = begin + 1;
    while (end < list->count && strcmp(list->at[end].session, list->at[begin].session) == 0)
        end++;
    return end;
}

bool traces_report(struct traces *traces, size_t begin, size_t end,
                   const struct chunk_windows *windows, struct traces_session *out)
{
    *out = (struct traces_session){.chunks = &traces->list.at[begin], .count = end - begin};
    struct chunk_list part = {.at = &traces->list.at[begin], .count = end - begin};
    struct chunk_windows all;
    window_of_chunks(&(struct window){.since = {.kind = TIME_POINT_NONE}}, &part, &all);
    out->reducer = reducer_new();
    out->cache = plan_cache_new();
    struct chunk_run run = {.list = &part,
                            .options = {.phases = &traces->phases,
                                        .other_reader = readers_other(),
                                        .cache = out->cache,
                                        .stop = {.asked = stop_signals_pending}},
                            .windows = windows ? windows->at + begin : all.at,
                            .before = windows && windows->before ? windows->before + begin : NULL,
                            .marks = (const char *const *)traces->marks + begin,
                            .jobs = traces_usual_jobs(),
                            .reducer = out->reducer,
                            .progress = traces->progress};
    chunk_run(&run);
    chunk_windows_clear(&all);
    out->failed = run.failed;
    if (!run.stopped) {
        reducer_finish(out->reducer);
        reducer_report(out->reducer, run.jobs, &out->report);
    }
    return !run.stopped;
}

void traces_session_clear(struct traces_session *session)
{
    report_clear(&session->report);
    reducer_free(session->reducer);
    plan_cache_free(session->cache);
    *session = (struct traces_session){.chunks = NULL};
}
