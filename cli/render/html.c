#include "cli/render/html.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "cli/render/json.h"
#include "cli/render/report_longest.h"
#include "page_html.h" /* made by CMake of cli/render/page.html */

enum { BUFFER = 1 << 16 };

/* Of each table, so many rows are on the page: enough to search in, and few enough to attach. */
enum { ROWS_MOST = 1000 };

/* In JSON, `<` stands in strings alone. As an escape it cannot end the element that the rows are in,
 * nor begin another, whatever names there are in the trace. */
static ssize_t write_escaped(void *context, const char *bytes, size_t count)
{
    FILE *out = context;
    for (size_t at = 0; at < count;) {
        const char *found = memchr(bytes + at, '<', count - at);
        size_t plain = found ? (size_t)(found - bytes) - at : count - at;
        if (fwrite(bytes + at, 1, plain, out) != plain || (found && fputs("\\u003c", out) == EOF))
            return 0;
        at += plain + (found != NULL);
    }
    return (ssize_t)count;
}

static void write_left_out(FILE *out, const struct session_report *session,
                           const struct report_left_out *left_out)
{
    fputs("{\"type\":\"left_out\",\"session\":", out);
    json_write_text(out, text_of(session->session));
    fprintf(out,
            ",\"process\":%zu,\"thread\":%zu,\"syscall\":%zu,\"phase\":%zu,\"instance\":%zu,"
            "\"fd\":%zu,\"file\":%zu,\"count\":%zu,\"span\":%zu,\"sched\":%zu,\"waker\":%zu,"
            "\"ran_instead\":%zu}\n",
            left_out->processes, left_out->threads, left_out->syscalls, left_out->phases,
            left_out->instances, left_out->fds, left_out->files, left_out->counts, left_out->spans,
            left_out->scheds, left_out->wakers, left_out->ran_instead);
}

static void write_rows(FILE *out, const struct report *report, unsigned jobs)
{
    size_t count = report->session_count;
    struct session_report *sessions = memory_buffer(count * sizeof *sessions);
    struct report_left_out left_out;
    for (size_t i = 0; i < count; i++) {
        sessions[i] = session_longest(&report->sessions[i], ROWS_MOST, &left_out);
        write_left_out(out, &sessions[i], &left_out);
    }
    report_write_json(out, &(struct report){.sessions = sessions, .session_count = count}, jobs);
    for (size_t i = 0; i < count; i++)
        session_longest_free(&sessions[i]);
    free(sessions);
}

/* Up to the place of that name, which is passed. */
static const char *put_page(FILE *out, const char *from, const char *place)
{
    const char *end = (const char *)page_html + sizeof page_html;
    const char *found = memmem(from, (size_t)(end - from), place, strlen(place));
    assert(found);
    fwrite(from, 1, (size_t)(found - from), out);
    return found + strlen(place);
}

bool report_write_html(FILE *out, const struct report *report, unsigned jobs, const char *stories)
{
    const char *end = (const char *)page_html + sizeof page_html;
    FILE *rows = fopencookie(out, "w", (cookie_io_functions_t){.write = write_escaped});
    if (!rows)
        return false;
    setvbuf(rows, NULL, _IOFBF, BUFFER);
    const char *rest = put_page(out, (const char *)page_html, "@DATA@");
    write_rows(rows, report, jobs);
    bool written = fflush(rows) == 0;
    rest = put_page(out, rest, "@STORIES@");
    fputs(stories, rows);
    written &= !ferror(rows);
    written &= fclose(rows) == 0;
    fwrite(rest, 1, (size_t)(end - rest), out);
    return written;
}
