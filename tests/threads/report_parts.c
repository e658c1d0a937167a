/* tests/threads/report_parts.c -- a report of chunks that many threads map in parts, and of whole
 * chunks: the same bytes. For TSan, under which Criterion does not run. */
#include <string.h>

#include "tests/cli/parts_report.h"

int main(void)
{
    const char *path = TEST_DATA "/thumbnails", *phases = TEST_DATA "/thumbnails/phases.yaml";
    struct seen whole = parts_report(path, phases, 1);
    struct seen parts = parts_report(path, phases, 12);
    bool same = whole.size == parts.size && memcmp(whole.json, parts.json, whole.size) == 0;
    if (!same || parts.parts == 0)
        fprintf(stderr, "%zu and %zu bytes, %zu parts\n", whole.size, parts.size, parts.parts);
    free(whole.json);
    free(parts.json);
    return same && parts.parts > 0 ? 0 : 1;
}
