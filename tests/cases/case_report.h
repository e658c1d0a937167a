/* tests/cases/case_report.h -- the whole way of a case, from events to a report, cut anywhere. */
#ifndef TESTS_CASES_CASE_REPORT_H
#define TESTS_CASES_CASE_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/failure.h"
#include "case_file.h"

/* Maps the events of `file` in intervals and joins what comes of them: the first interval holds
 * what comes before cuts[0], the next what comes from there and before cuts[1], and so on; the
 * cuts ascend, so there are cut_count + 1 intervals, of which some may be empty.
 * True: *json_lines is what `report --format json` prints, one object a line; the caller frees
 * it. False: `why` says what failed. */
bool case_report(const struct case_file *file, const uint64_t *cuts, size_t cut_count,
                 char **json_lines, struct failure *why);

#endif
