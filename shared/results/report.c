#include "results/report.h"

#include <stdio.h>

void report_clear(struct report *report)
{
    arena_clear(&report->arena);
    *report = (struct report){0};
}

struct cells_of_kind session_report_cells(const struct session_report *session,
                                          const struct atom_kind *kind)
{
    size_t first = 0, end;
    while (first < session->cell_count && session->cells[first]->kind != kind)
        first++;
    for (end = first; end < session->cell_count && session->cells[end]->kind == kind;)
        end++;
    return (struct cells_of_kind){session->cells + first, end - first};
}

void report_instance_id(uint64_t order, char room[INSTANCE_ID_ROOM])
{
    uint64_t begin = order - 1; /* orders count from 1 */
    snprintf(room, INSTANCE_ID_ROOM, "%llu.%u", (unsigned long long)(begin >> 16),
             (unsigned)(begin & 0xffff));
}
