#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/report_options.h"

enum { ARGUMENTS_MAX = 64 };

/* What a parse came to. */
struct parsed {
    enum config_outcome outcome;
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
    parsed->outcome = report_options_load(&parsed->options, argc, parsed->argv, out, err);
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
    cr_assert(eq(int, (int)parsed.outcome, CONFIG_RUN), "%s", parsed.err);
    char *const *traces;
    cr_expect(eq(sz, config_operands(parsed.options.config, &traces), 1));
    cr_expect(eq(str, traces[0], "shop"));
    cr_expect(eq(sz, parsed.options.view.top, 10));
    cr_expect(eq(int, (int)parsed.options.view.format, FORMAT_TEXT));
    cr_expect(eq(int, (int)parsed.options.view.color, WHEN_AUTO));
    cr_expect(report_output(parsed.options.config) == NULL);
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
    cr_assert(eq(int, (int)parsed.outcome, CONFIG_RUN), "%s", parsed.err);
    const struct report_options *options = &parsed.options;
    const struct config *config = options->config;
    const char *const *texts;
    char *const *traces;
    cr_expect(eq(int, (int)options->view.format, FORMAT_JSON));
    cr_expect(eq(sz, config_list(config, "phases", &texts), 2));
    cr_expect(eq(str, STRING(texts[1]), "two.yaml"));
    cr_expect(eq(sz, config_list(config, "phase", &texts), 1));
    cr_expect(eq(str, STRING(texts[0]), "x"));
    cr_expect(eq(sz, options->view.top, 3));
    cr_expect(eq(sz, options->view.filter.pid_count, 2));
    cr_expect(eq(i64, options->view.filter.pids[1], 8));
    cr_expect(eq(str, STRING(options->view.filter.processes[0]), "shopd"));
    cr_expect(eq(int, (int)options->window.since.kind, TIME_RELATIVE));
    cr_expect(eq(int, (int)options->window.until.kind, TIME_OF_DAY));
    cr_expect(eq(i64, config_integer(config, "jobs"), 2));
    cr_expect(eq(str, STRING(report_output(config)), "out"));
    cr_expect(config_flag(config, "strict"));
    cr_expect(config_flag(config, "stats"));
    cr_expect(eq(str, STRING(config_text(config, "reader")), "bt2"));
    cr_expect(eq(int, (int)options->view.color, WHEN_NEVER));
    cr_expect(eq(sz, config_word(config, "progress"), WHEN_ALWAYS));
    cr_expect(eq(sz, config_operands(config, &traces), 3));
    cr_expect(eq(str, traces[2], "c"));
    clear(&parsed);
}

Test(report_options, a_dash_is_stdout_and_two_end_the_options)
{
    struct parsed parsed;
    PARSE(&parsed, "-o", "-", "--", "--top");
    cr_assert(eq(int, (int)parsed.outcome, CONFIG_RUN), "%s", parsed.err);
    char *const *traces;
    cr_expect(report_output(parsed.options.config) == NULL);
    cr_expect(eq(sz, config_operands(parsed.options.config, &traces), 1));
    cr_expect(eq(str, traces[0], "--top"));
    clear(&parsed);
}

Test(report_options, wrong_usage_is_told_with_what_is_near)
{
    static const struct {
        const char *arguments[4];
        const char *sentence;
    } rows[] = {
        {{NULL}, "no trace given"},
        {{"--phasse", "x"}, "unknown option `--phasse`; `--phases` is the nearest"},
        {{"--clour=x", "t"}, "unknown option `--clour`; `--color` is the nearest"},
        {{"--xyzzy"}, "unknown option `--xyzzy`"},
        {{"--ph", "x"}, "option `--ph` is ambiguous: --phases, --phase"},
        {{"-x"}, "unknown option `-x`"},
        {{"t", "--top"}, "--top: missing argument N"},
        {{"t", "-j"}, "--jobs: missing argument N"},
        {{"--strict=perhaps", "t"}, "--strict: `perhaps` is neither yes nor no"},
        {{"--top", "0", "t"}, "--top: 0 is not between 1 and 1000000"},
        {{"--top", "ten", "t"}, "--top: `ten` is not an integer"},
        {{"--top", " 5", "t"}, "--top: ` 5` is not an integer"},
        {{"--pid", "99999999999999999999", "t"}, "--pid: 99999999999999999999 is out of range"},
        {{"--pid", "-1", "t"}, "--pid: -1 is not between 0 and 2147483647"},
        {{"--format", "jsn", "t"}, "--format: unknown `jsn`; `json` is the nearest"},
        {{"--format", "html", "t"}, "--format: unknown `html`; known: text, json"},
        {{"--color", "", "t"}, "--color: unknown ``; known: auto, always, never"},
        {{"--process", "", "t"}, "--process: the name is empty"},
        {{"--since", "noon", "t"},
         "--since: `noon` is not a time; use 2026-11-22T23:09:36, 23:09:36.258, 5m (before the "
         "end), +1.5s (after the begin), or 1795388976.258944395"},
        {{"--since=+2s", "--until=+1s", "t"}, "--until is not after --since"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct parsed parsed;
        parse(&parsed, rows[i].arguments);
        cr_expect(eq(int, (int)parsed.outcome, CONFIG_WRONG), "%s", rows[i].sentence);
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
    cr_assert(eq(int, (int)parsed.outcome, CONFIG_DONE), "%s", parsed.err);
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
    cr_expect(eq(int, (int)parsed.outcome, CONFIG_DONE));
    cr_expect(strncmp(parsed.out, "spanmill ", 9) == 0, "%s", parsed.out);
    clear(&parsed);
}

/* A settings file or variable for the pool does not change a report. */
Test(report_options, variables_are_not_read)
{
    struct parsed parsed;
    setenv("SPANMILL_TOP", "7", 1);
    setenv("SPANMILL_FORMAT", "nonsense", 1);
    PARSE(&parsed, "t");
    cr_assert(eq(int, (int)parsed.outcome, CONFIG_RUN), "%s", parsed.err);
    cr_expect(eq(sz, parsed.options.view.top, 10));
    cr_expect(eq(str, parsed.err, ""));
    clear(&parsed);
    PARSE(&parsed, "--config", "spanmill.yaml", "t");
    cr_expect(eq(int, (int)parsed.outcome, CONFIG_WRONG));
    clear(&parsed);
}

Test(report_options, colors_and_progress_are_for_terminals)
{
    FILE *file = tmpfile();
    unsetenv("NO_COLOR");
    cr_expect(not(report_view_color(WHEN_AUTO, file)));
    cr_expect(not(report_view_is_now(WHEN_AUTO, file)));
    setenv("NO_COLOR", "1", 1);
    cr_expect(report_view_color(WHEN_ALWAYS, file), "what is asked for outweighs NO_COLOR");
    cr_expect(report_view_is_now(WHEN_ALWAYS, file));
    fclose(file);
}
