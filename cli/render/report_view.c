#include "cli/render/report_view.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/memory.h"
#include "cli/render/json.h"
#include "cli/render/tables.h"
#include "results/phase_faults.h"

char *report_view_filter(const struct report_view *view, struct report *report)
{
    if (view->filter.pid_count + view->filter.process_count == 0)
        return NULL;
    char *known = report_filter_known(report, &view->filter);
    char *sentence = NULL;
    if (report_filter(report, &view->filter) == 0)
        sentence = memory_format("no process matches; %s", known);
    free(known);
    return sentence;
}

enum { WIDTH_MAX = 10000 };

struct screen_size report_view_screen(FILE *stream)
{
    struct winsize size;
    if (isatty(fileno(stream)) && ioctl(fileno(stream), TIOCGWINSZ, &size) == 0)
        return (struct screen_size){size.ws_col, size.ws_row};
    /* For a pager. Shells do not export it by themselves. */
    const char *columns = getenv("COLUMNS");
    unsigned long number = columns ? strtoul(columns, NULL, 10) : 0;
    return (struct screen_size){number <= WIDTH_MAX ? (unsigned)number : 0, 0};
}

void report_view_write(const struct report_view *view, const struct report *report, FILE *out,
                       FILE *screen)
{
    if (view->format == FORMAT_JSON) {
        report_write_json(out, report, view->jobs);
        return;
    }
    struct tables_options options = {.top = view->top,
                                     .style = {.color = report_view_color(view->color, screen),
                                               .width = report_view_screen(screen).columns}};
    report_write_tables(out, report, &options);
}

size_t report_view_say_faults(const struct report *report,
                              void (*say)(void *context, const char *sentence), void *context)
{
    struct arena arena = {.first = NULL};
    size_t count;
    const char *const *faults =
        phase_faults(report->sessions, report->session_count, FAULTS_OF_ALL, &arena, &count);
    for (size_t i = 0; i < count && say; i++)
        say(context, faults[i]);
    arena_clear(&arena);
    return count;
}

bool report_view_is_lossy(const struct report *report)
{
    if (report_view_say_faults(report, NULL, NULL) > 0)
        return true;
    for (size_t i = 0; i < report->session_count; i++)
        if (tallies_are_strict(&report->sessions[i].tallies))
            return true;
    return false;
}

bool report_view_is_now(enum when when, FILE *stream)
{
    return when == WHEN_ALWAYS || (when == WHEN_AUTO && isatty(fileno(stream)));
}

bool report_view_color(enum when when, FILE *stream)
{
    const char *no_color = getenv("NO_COLOR");
    if (when == WHEN_AUTO && no_color && *no_color)
        return false;
    return report_view_is_now(when, stream);
}
