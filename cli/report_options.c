#include "cli/report_options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "cli/render/tables.h"

enum { JOBS_MAX = 1024 };

/* Appends to one of the lists of strings. */
static void append(const char ***list, size_t *count, size_t *room, const char *string)
{
    *list = memory_grow(*list, room, *count + 1, sizeof **list);
    (*list)[(*count)++] = string;
}

static enum status take_format(void *target, const char *argument, struct failure *why)
{
    static const char *const words[] = {[FORMAT_TEXT] = "text", [FORMAT_JSON] = "json"};
    struct report_options *options = target;
    size_t index = 0;
    enum status status = option_word(argument, words, sizeof words / sizeof *words, &index, why);
    options->format = (enum report_format)index;
    return status;
}

static enum status take_phase_file(void *target, const char *argument, struct failure *why)
{
    (void)why;
    struct report_options *options = target;
    append(&options->phase_files, &options->phase_file_count, &options->phase_file_room, argument);
    return STATUS_OK;
}

static enum status take_phase(void *target, const char *argument, struct failure *why)
{
    (void)why;
    struct report_options *options = target;
    append(&options->phases, &options->phase_count, &options->phase_room, argument);
    return STATUS_OK;
}

static enum status take_top(void *target, const char *argument, struct failure *why)
{
    struct report_options *options = target;
    long long top = 0;
    enum status status = option_integer(argument, 1, TOP_MAX, &top, why);
    options->top = (size_t)top;
    return status;
}

static enum status take_pid(void *target, const char *argument, struct failure *why)
{
    struct report_options *options = target;
    long long pid = 0;
    enum status status = option_integer(argument, 0, INT32_MAX, &pid, why);
    if (status != STATUS_OK)
        return status;
    options->pids = memory_grow(options->pids, &options->pid_room, options->pid_count + 1,
                                sizeof *options->pids);
    options->pids[options->pid_count++] = pid;
    return STATUS_OK;
}

static enum status take_process(void *target, const char *argument, struct failure *why)
{
    struct report_options *options = target;
    if (!*argument)
        return fail(why, STATUS_REJECT, "the name is empty");
    append(&options->processes, &options->process_count, &options->process_room, argument);
    return STATUS_OK;
}

static enum status take_since(void *target, const char *argument, struct failure *why)
{
    struct report_options *options = target;
    return time_point_parse(argument, &options->since, why);
}

static enum status take_until(void *target, const char *argument, struct failure *why)
{
    struct report_options *options = target;
    return time_point_parse(argument, &options->until, why);
}

static enum status take_jobs(void *target, const char *argument, struct failure *why)
{
    struct report_options *options = target;
    long long jobs = 0;
    enum status status = option_integer(argument, 1, JOBS_MAX, &jobs, why);
    options->jobs = (unsigned)jobs;
    return status;
}

static enum status take_output(void *target, const char *argument, struct failure *why)
{
    struct report_options *options = target;
    if (!*argument)
        return fail(why, STATUS_REJECT, "the name of the file is empty");
    options->output = strcmp(argument, "-") == 0 ? NULL : argument;
    return STATUS_OK;
}

static enum status take_strict(void *target, const char *argument, struct failure *why)
{
    (void)argument;
    (void)why;
    struct report_options *options = target;
    options->strict = true;
    return STATUS_OK;
}

static enum status take_stats(void *target, const char *argument, struct failure *why)
{
    (void)argument;
    (void)why;
    struct report_options *options = target;
    options->stats = true;
    return STATUS_OK;
}

static enum status take_reader(void *target, const char *argument, struct failure *why)
{
    (void)why;
    struct report_options *options = target;
    options->reader = argument;
    return STATUS_OK;
}

static enum status when_of(const char *argument, enum when *out, struct failure *why)
{
    static const char *const words[] = {
        [WHEN_AUTO] = "auto", [WHEN_ALWAYS] = "always", [WHEN_NEVER] = "never"};
    size_t index = 0;
    enum status status = option_word(argument, words, sizeof words / sizeof *words, &index, why);
    *out = (enum when)index;
    return status;
}

static enum status take_color(void *target, const char *argument, struct failure *why)
{
    struct report_options *options = target;
    return when_of(argument, &options->color, why);
}

static enum status take_progress(void *target, const char *argument, struct failure *why)
{
    struct report_options *options = target;
    return when_of(argument, &options->progress, why);
}

static const struct option_row rows[] = {
    {"phases", 'p', "FILE", "phase definitions (YAML); repeatable", take_phase_file},
    {"phase", '\0', "DEF", "one phase: 'NAME[(PARENT)] : BEGIN [: END]'; repeatable", take_phase},
    {"format", 'f', "FORMAT", "text (tables, the default) or json (one object per line)",
     take_format},
    {"output", 'o', "FILE", "write the report there instead of to stdout", take_output},
    {"top", 'n', "N", "rows per table (10)", take_top},
    {"pid", '\0', "PID", "of this process only; repeatable", take_pid},
    {"process", '\0', "NAME", "of processes of this name only; repeatable", take_process},
    {"since", '\0', "TIME", "from then on: 1795388976.25, 23:09:36.25 or +1.5s", take_since},
    {"until", '\0', "TIME", "before then", take_until},
    {"jobs", 'j', "N", "chunks read at a time (one per CPU)", take_jobs},
    {"strict", '\0', NULL, "exit with 4 if data was lost or is incomplete", take_strict},
    {"stats", '\0', NULL, "say on stderr what the report cost", take_stats},
    {"reader", '\0', "NAME", "decode CTF with spanmill, babeltrace2 or auto", take_reader},
    {"color", '\0', "WHEN", "auto, always or never", take_color},
    {"progress", '\0', "WHEN", "on stderr: auto, always or never", take_progress},
};

static const struct option_table table = {
    .command = "spanmill report",
    .operands = "TRACE...",
    .about = "What the traces of a session say of phases, system calls, files and CPU time.\n"
             "A TRACE is a session's folder, a chunk, a plain trace, a snapshot or an archive.",
    .rows = rows,
    .count = sizeof rows / sizeof *rows,
    .examples = "spanmill report ~/lttng-traces/shop-20261122 --phases shop.yaml\n"
                "spanmill report --format json -o shop.jsonl ~/lttng-traces/shop-20261122\n"
                "spanmill report shop --since +10s --until +20s --process shopd --phase \\\n"
                "  'get : $evt.$name == \"shop:get\" : $evt.$name == \"shop:got\" &&\n"
                "   $evt.id == $begin.$evt.id'",
};

enum options_outcome report_options_parse(struct report_options *options, int argc, char **argv,
                                          FILE *out, FILE *err)
{
    *options = (struct report_options){.top = TABLES_TOP};
    int first = 0;
    enum options_outcome outcome = options_parse(&table, argc, argv, options, &first, out, err);
    if (outcome != OPTIONS_RUN)
        return outcome;
    if (first == argc)
        return options_wrong(&table, err, "no trace is given");
    if (options->since.kind != TIME_POINT_NONE && options->since.kind == options->until.kind &&
        options->until.ns <= options->since.ns)
        return options_wrong(&table, err, "--until is not after --since");
    options->traces = argv + first;
    options->trace_count = (size_t)(argc - first);
    return OPTIONS_RUN;
}

void report_options_clear(struct report_options *options)
{
    free(options->phase_files);
    free(options->phases);
    free(options->pids);
    free(options->processes);
    *options = (struct report_options){0};
}

enum status report_options_phases(const struct report_options *options,
                                  struct phase_definitions *phases, struct failure *why)
{
    for (size_t i = 0; i < options->phase_file_count; i++) {
        enum status status = phases_add_file(phases, options->phase_files[i], why);
        if (status != STATUS_OK)
            return status;
    }
    for (size_t i = 0; i < options->phase_count; i++) {
        enum status status = phases_add_period(phases, text_of(options->phases[i]), why);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

bool report_options_progress(const struct report_options *options, FILE *stream)
{
    return report_view_is_now(options->progress, stream);
}
