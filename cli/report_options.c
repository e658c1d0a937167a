#include "cli/report_options.h"

#include <string.h>

#include "cli/timeline_file.h"
#include "service/service.h"

enum { JOBS_MAX = 1024 };

static const struct config_row view_rows[] = {
    WORD_ROW("format", 'f', "FORMAT", "text", FORMAT_WORDS,
             "text (tables) or json (one object per line)"),
    TEXT_ROW("output", 'o', "FILE", NULL, "write to FILE instead of stdout"),
    INTEGER_ROW("top", 'n', "N", "10", 1, TOP_MAX, "rows per table"),
    INTEGERS_ROW("pid", 0, "PID", 0, INT32_MAX, "only this process; repeatable"),
    LIST_ROW("process", 0, "NAME",
             "only processes with this name; * and ? are\nwildcards; repeatable"),
    FLAG_ROW("strict", 0, "exit with 4 if data was lost or is incomplete"),
    WORD_ROW("color", 0, "WHEN", "auto", WHEN_WORDS, "colors: auto, always, or never"),
};

const struct config_section report_view_section = {"Report", view_rows,
                                                   sizeof view_rows / sizeof *view_rows};

static const struct config_row rows[] = {
    SERVICE_PHASES_ROWS,
    TEXT_ROW("since", 0, "TIME", NULL,
             "start of the window: 2026-11-22T23:09, 23:09:36,\n"
             "+1.5s (after the begin), or 5m (before the end)"),
    TEXT_ROW("until", 0, "TIME", NULL, "end of the window (exclusive)"),
    TEXT_ROW("html", 0, "FILE", NULL, "also write an HTML page"),
    PERFETTO_ROW,
    INTEGER_ROW("jobs", 'j', "N", NULL, 1, JOBS_MAX, "threads (default: one per CPU)"),
    FLAG_ROW("stats", 0, "print time, memory, and sizes on stderr"),
    TEXT_ROW("reader", 0, "NAME", "auto", "CTF decoder: spanmill, babeltrace2, or auto"),
    WORD_ROW("progress", 0, "WHEN", "auto", WHEN_WORDS,
             "progress on stderr: auto, always, or never"),
};

static const struct config_section own = {"Traces", rows, sizeof rows / sizeof *rows};
static const struct config_section *const sections[] = {&report_view_section, &own};
static const struct config_program program = {
    .command = "spanmill report",
    .operands = "TRACE...",
    .about = "Reports phases, system calls, files, and CPU time of LTTng traces.\n"
             "TRACE is a session folder, a chunk, a plain trace, a snapshot, or an archive.",
    .sections = sections,
    .count = sizeof sections / sizeof *sections,
    .examples = "spanmill report ~/lttng-traces/shop-20261122 --phases shop.yaml\n"
                "spanmill report --format json -o shop.jsonl ~/lttng-traces/shop-20261122\n"
                "spanmill report shop --since +10s --until +20s --process shopd --phase \\\n"
                "  'get : $evt.$name == \"shop:get\" : $evt.$name == \"shop:got\" &&\n"
                "   $evt.id == $begin.$evt.id'",
    .options_only = true,
};

bool report_view_options(const struct config *config, struct report_view *view, FILE *err)
{
    *view = (struct report_view){.format = (enum report_format)config_word(config, "format"),
                                 .top = (size_t)config_integer(config, "top"),
                                 .color = (enum when)config_word(config, "color")};
    struct report_filter *filter = &view->filter;
    filter->pid_count = config_integers(config, "pid", &filter->pids);
    filter->process_count = config_list(config, "process", &filter->processes);
    for (size_t i = 0; i < filter->process_count; i++)
        if (*filter->processes[i] == '\0') {
            config_wrong(config, err, "--process: the name is empty");
            return false;
        }
    const char *output = config_text(config, "output");
    if (output != NULL && *output == '\0')
        config_wrong(config, err, "--output: the name of the file is empty");
    return output == NULL || *output != '\0';
}

const char *report_output(const struct config *config)
{
    const char *output = config_text(config, "output");
    return output != NULL && strcmp(output, "-") != 0 ? output : NULL;
}

enum config_outcome report_options_load(struct report_options *options, int argc, char **argv,
                                        FILE *out, FILE *err)
{
    *options = (struct report_options){.config = NULL};
    enum config_outcome outcome = config_load(&program, argc, argv, out, err, &options->config);
    if (outcome != CONFIG_RUN)
        return outcome;
    const struct config *config = options->config;
    char *const *traces;
    if (!report_view_options(config, &options->view, err) ||
        !window_read(&options->window, config, err))
        return CONFIG_WRONG;
    if (config_operands(config, &traces) == 0)
        return config_wrong(config, err, "no trace given");
    return CONFIG_RUN;
}

void report_options_clear(struct report_options *options)
{
    config_free(options->config);
    *options = (struct report_options){.config = NULL};
}
