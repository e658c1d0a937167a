#include "results/report.h"

void report_clear(struct report *report)
{
    arena_clear(&report->arena);
    *report = (struct report){0};
}
