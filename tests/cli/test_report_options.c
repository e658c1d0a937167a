#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/report_options.h"

enum { ARGUMENTS_MAX = 64 };

/* What a parse came to. */
struct parsed {
    enum options_outcome outcome;
    struct report_options options;
    char *out, *err;
    char *argv[ARGUMENTS_MAX];
};

/* `arguments` ends with NULL. */
static void parse(struct parsed *parsed, const char *const *arguments)
{
    size_t out_count = 0, err_count = 0;
    FILE *out = open_memstream(&parsed->out, &out_count);
    FILE *err = open_memstream(&parsed->err, &err_count);
    int argc = 0;
    parsed->argv[argc++] = (char *)(uintptr_t) "report";
    for (; *arguments; arguments++) {
        cr_assert(lt(int, argc, ARGUMENTS_MAX - 1));
        parsed->argv[argc++] = (char *)(uintptr_t)*arguments;
    }
    parsed->argv[argc] = NULL;
    parsed->outcome = report_options_parse(&parsed->options, argc, parsed->argv, out, err);
    fclose(out);
    fclose(err);
}

static void clear(struct parsed *parsed)
{
    report_options_clear(&parsed->options);
    free(parsed->out);
    free(parsed->err);
}

#define PARSE(parsed, ...) parse(parsed, (const char *const[]){__VA_ARGS__, NULL})
#define STRING(pointer) ((char *)(uintptr_t)(pointer))

Test(report_options, a_trace_alone_is_enough)
{
    struct parsed parsed;
    PARSE(&parsed, "shop");
    cr_assert(eq(int, (int)parsed.outcome, OPTIONS_RUN), "%s", parsed.err);
    cr_expect(eq(sz, parsed.options.trace_count, 1));
    cr_expect(eq(str, parsed.options.traces[0], "shop"));
    cr_expect(eq(sz, parsed.options.top, 10));
    cr_expect(eq(int, (int)parsed.options.format, FORMAT_TEXT));
    cr_expect(eq(int, (int)parsed.options.color, WHEN_AUTO));
    cr_expect(parsed.options.output == NULL);
    cr_expect(eq(str, parsed.err, ""));
    clear(&parsed);
}

Test(report_options, takes_every_option_anywhere)
{
    struct parsed parsed;
    PARSE(&parsed, "a", "--format=json", "-p", "one.yaml", "--phases", "two.yaml", "--phase", "x",
          "--top", "3", "b", "--pid", "7", "--pid", "8", "--process", "shopd", "--since", "+1s",
          "--until", "12:00:00", "-j2", "-o", "out", "--strict", "--stats", "--reader", "bt2",
          "--color", "never", "--progress=always", "c");
    cr_assert(eq(int, (int)parsed.outcome, OPTIONS_RUN), "%s", parsed.err);
    const struct report_options *options = &parsed.options;
    cr_expect(eq(int, (int)options->format, FORMAT_JSON));
    cr_expect(eq(sz, options->phase_file_count, 2));
    cr_expect(eq(str, STRING(options->phase_files[1]), "two.yaml"));
    cr_expect(eq(str, STRING(options->phases[0]), "x"));
    cr_expect(eq(sz, options->top, 3));
    cr_expect(eq(sz, options->pid_count, 2));
    cr_expect(eq(i64, options->pids[1], 8));
    cr_expect(eq(str, STRING(options->processes[0]), "shopd"));
    cr_expect(eq(int, (int)options->since.kind, TIME_RELATIVE));
    cr_expect(eq(int, (int)options->until.kind, TIME_OF_DAY));
    cr_expect(eq(uint, options->jobs, 2));
    cr_expect(eq(str, STRING(options->output), "out"));
    cr_expect(options->strict);
    cr_expect(options->stats);
    cr_expect(eq(str, STRING(options->reader), "bt2"));
    cr_expect(eq(int, (int)options->color, WHEN_NEVER));
    cr_expect(eq(int, (int)options->progress, WHEN_ALWAYS));
    cr_expect(eq(sz, options->trace_count, 3));
    cr_expect(eq(str, options->traces[2], "c"));
    clear(&parsed);
}

Test(report_options, a_dash_is_stdout_and_two_end_the_options)
{
    struct parsed parsed;
    PARSE(&parsed, "-o", "-", "--", "--top");
    cr_assert(eq(int, (int)parsed.outcome, OPTIONS_RUN), "%s", parsed.err);
    cr_expect(parsed.options.output == NULL);
    cr_expect(eq(str, parsed.options.traces[0], "--top"));
    clear(&parsed);
}

Test(report_options, wrong_usage_is_told_with_what_is_near)
{
    static const struct {
        const char *arguments[4];
        const char *sentence;
    } rows[] = {
        {{NULL}, "no trace is given"},
        {{"--phasse", "x"}, "unknown option `--phasse`; `--phases` is the nearest"},
        {{"--clour=x", "t"}, "unknown option `--clour`; `--color` is the nearest"},
        {{"--xyzzy"}, "unknown option `--xyzzy`"},
        {{"--ph", "x"}, "option `--ph` may mean --phases, --phase"},
        {{"-x"}, "unknown option `-x`"},
        {{"t", "--top"}, "--top: wants its argument, N"},
        {{"t", "-j"}, "--jobs: wants its argument, N"},
        {{"--strict=yes", "t"}, "--strict: takes no argument"},
        {{"--top", "0", "t"}, "--top: 0 is not between 1 and 1000000"},
        {{"--top", "ten", "t"}, "--top: `ten` is not an integer"},
        {{"--top", " 5", "t"}, "--top: ` 5` is not an integer"},
        {{"--pid", "99999999999999999999", "t"},
         "--pid: 99999999999999999999 is not between 0 and 2147483647"},
        {{"--format", "jsn", "t"}, "--format: unknown `jsn`; `json` is the nearest"},
        {{"--format", "html", "t"}, "--format: unknown `html`; known: text, json"},
        {{"--color", "", "t"}, "--color: unknown ``; known: auto, always, never"},
        {{"--process", "", "t"}, "--process: the name is empty"},
        {{"--since", "noon", "t"},
         "--since: `noon` is no time; write 1795388976.258944395, 23:09:36.258 or +1.5s"},
        {{"--since=+2s", "--until=+1s", "t"}, "--until is not after --since"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct parsed parsed;
        parse(&parsed, rows[i].arguments);
        cr_expect(eq(int, (int)parsed.outcome, OPTIONS_WRONG), "%s", rows[i].sentence);
        char expected[256];
        snprintf(expected, sizeof expected, "spanmill report: %s\nTry `spanmill report --help`.\n",
                 rows[i].sentence);
        cr_expect(eq(str, parsed.err, expected));
        cr_expect(eq(str, parsed.out, ""));
        clear(&parsed);
    }
}

Test(report_options, help_fits_a_screen_and_has_examples)
{
    struct parsed parsed;
    PARSE(&parsed, "--help", "--nonsense");
    cr_assert(eq(int, (int)parsed.outcome, OPTIONS_DONE), "%s", parsed.err);
    size_t lines = 0;
    for (const char *line = parsed.out; *line; lines++) {
        size_t count = strcspn(line, "\n");
        cr_expect(le(sz, count, 80), "%.*s", (int)count, line);
        cr_assert(line[count] == '\n');
        line += count + 1;
    }
    cr_expect(le(sz, lines, 40));
    cr_expect(strstr(parsed.out, "\nExamples:\n  spanmill report ") != NULL, "%s", parsed.out);
    cr_expect(strstr(parsed.out, "\n  -j, --jobs N ") != NULL, "%s", parsed.out);
    clear(&parsed);
}

Test(report_options, version_is_told_on_stdout)
{
    struct parsed parsed;
    PARSE(&parsed, "--version");
    cr_expect(eq(int, (int)parsed.outcome, OPTIONS_DONE));
    cr_expect(strncmp(parsed.out, "spanmill ", 9) == 0, "%s", parsed.out);
    clear(&parsed);
}

Test(report_options, phases_come_from_files_then_from_the_command_line)
{
    char path[] = "/tmp/spanmill-test-XXXXXX";
    int descriptor = mkstemp(path);
    cr_assert(ge(int, descriptor, 0));
    const char yaml[] = "phases: [{name: request, begin: b, end: e}]\n";
    cr_assert(eq(sz, (size_t)write(descriptor, yaml, sizeof yaml - 1), sizeof yaml - 1));
    close(descriptor);

    struct parsed parsed;
    PARSE(&parsed, "--phase", "part(request) : $evt.$name == \"x\"", "--phases", path, "t");
    struct phase_definitions phases;
    phases_init(&phases);
    struct failure why = {""};
    cr_expect(eq(int, (int)report_options_phases(&parsed.options, &phases, &why), STATUS_OK), "%s",
              why.text);
    cr_expect(eq(sz, phases.count, 2));
    phases_clear(&phases);
    unlink(path);

    cr_expect(eq(int, (int)report_options_phases(&parsed.options, &phases, &why), STATUS_REJECT));
    cr_expect(strstr(why.text, path) == why.text, "%s", why.text);
    phases_clear(&phases);
    clear(&parsed);
}

Test(report_options, colors_and_progress_are_for_terminals)
{
    struct report_options options = {.color = WHEN_AUTO, .progress = WHEN_AUTO};
    FILE *file = tmpfile();
    unsetenv("NO_COLOR");
    cr_expect(not(report_view_color(options.color, file)));
    cr_expect(not(report_options_progress(&options, file)));
    options = (struct report_options){.color = WHEN_ALWAYS, .progress = WHEN_ALWAYS};
    setenv("NO_COLOR", "1", 1);
    cr_expect(report_view_color(options.color, file), "what is asked for outweighs NO_COLOR");
    cr_expect(report_options_progress(&options, file));
    fclose(file);
}
