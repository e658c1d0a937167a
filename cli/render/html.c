#include "cli/render/html.h"

#include <assert.h>
#include <string.h>

#include "cli/render/json.h"
#include "page_html.h" /* made by CMake of cli/render/page.html */

/* Where the rows go. */
static const char PLACE[] = "@DATA@";

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

bool report_write_html(FILE *out, const struct report *report, unsigned jobs)
{
    const char *page = (const char *)page_html;
    const char *place = memmem(page, sizeof page_html, PLACE, sizeof PLACE - 1);
    assert(place);
    size_t before = (size_t)(place - page), behind = before + sizeof PLACE - 1;
    FILE *rows = fopencookie(out, "w", (cookie_io_functions_t){.write = write_escaped});
    if (!rows)
        return false;
    fwrite(page, 1, before, out);
    report_write_json(rows, report, jobs);
    bool written = !ferror(rows);
    written &= fclose(rows) == 0;
    fwrite(page + behind, 1, sizeof page_html - behind, out);
    return written;
}
