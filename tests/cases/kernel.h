/* tests/cases/kernel.h -- a simulated kernel with its own accounting: valid random behavior as a
 * text case, with the expected report.
 *
 * It knows at each instant which thread runs, what is open and when each call began, and sums that
 * up without the core, as an independent check. Everything is known from the state dump at the
 * begin on, and nothing is lost. */
#ifndef TESTS_CASES_KERNEL_H
#define TESTS_CASES_KERNEL_H

#include <stddef.h>
#include <stdint.h>

/* The text of a case with about `steps` events; the caller frees it. Equal arguments give equal
 * texts, and fewer steps give a prefix of the events. */
char *kernel_case(uint64_t seed, size_t steps);

#endif
