/* tests/cases/expectation.h -- compares a report with what a case expects of it. */
#ifndef TESTS_CASES_EXPECTATION_H
#define TESTS_CASES_EXPECTATION_H

#include <stdbool.h>
#include <stdio.h>

#include "case_file.h"

/* Writes one line into `out` for each expectation that `json_lines` (a report) does not meet;
 * true if there is none. Of an expected object only the fields given count. It is looked up by
 * those of its type's key fields that it gives. */
bool expectation_check(const struct case_file *file, const char *json_lines, FILE *out);

#endif
