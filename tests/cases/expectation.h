/* tests/cases/expectation.h -- compares a report with the expectations of a case. */
#ifndef TESTS_CASES_EXPECTATION_H
#define TESTS_CASES_EXPECTATION_H

#include <stdbool.h>
#include <stdio.h>

#include "case_file.h"

/* Writes one line to `out` for each expectation that `json_lines` (a report) does not meet; true if
 * there is none. Only the given fields of an expected object are compared; it is found by the given
 * key fields of its type. */
bool expectation_check(const struct case_file *file, const char *json_lines, FILE *out);

#endif
