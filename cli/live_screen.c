#include "cli/live_screen.h"

#include "cli/render/report_view.h"

/* Source: ECMA-48, and xterm's private modes 1049 (alternate screen) and 25 (cursor). */
static const char enter[] = "\033[?1049h\033[?25l", leave[] = "\033[?25h\033[?1049l";
static const char home[] = "\033[H", clear_line[] = "\033[K", clear_rest[] = "\033[J";
static const char dim[] = "\033[2m", plain[] = "\033[0m";

enum { ROWS_USUAL = 24 };

void live_screen_open(FILE *terminal)
{
    fputs(enter, terminal);
    fflush(terminal);
}

void live_screen_close(FILE *terminal)
{
    fputs(leave, terminal);
    fflush(terminal);
}

void live_screen_show(FILE *terminal, struct text text, const char *status)
{
    unsigned rows = report_view_screen(terminal).rows;
    if (rows < 2)
        rows = ROWS_USUAL;
    fputs(home, terminal);
    const char *at = text.at, *end = text.at + text.count;
    for (unsigned row = 1; row < rows && at < end; row++) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        if (!line_end)
            line_end = end;
        fwrite(at, 1, (size_t)(line_end - at), terminal);
        /* Colors end at the end of a line. */
        fprintf(terminal, "%s%s\n", plain, clear_line);
        at = line_end < end ? line_end + 1 : end;
    }
    fprintf(terminal, "%s%s%s%s%s", dim, status, plain, clear_line, clear_rest);
    fflush(terminal);
}
