/* tests/cases/case_report.h -- runs a case from events to a report, with any cuts. */
#ifndef TESTS_CASES_CASE_REPORT_H
#define TESTS_CASES_CASE_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/failure.h"
#include "case_file.h"

/* Maps the events of `file` in intervals and joins the partials. The first interval has the events
 * before cuts[0], the next those from there to before cuts[1], and so on; cuts ascend, so there are
 * cut_count + 1 intervals, some possibly empty. True: *json_lines is the output of `report --format
 * json`, one object per line; the caller frees it. False: `why` has the error. */
bool case_report(const struct case_file *file, const uint64_t *cuts, size_t cut_count,
                 char **json_lines, struct failure *why);

#endif
