/* tests/cases/kernel.h -- a kernel that keeps its own books: what a legal machine might do, as a
 * text case, together with what a report must say of it.
 *
 * It knows at each moment who runs, what is open and which call began when, and adds that up
 * without the core, so its numbers are a second opinion. Everything is known from the state dump at
 * the begin on, and nothing is lost. */
#ifndef TESTS_CASES_KERNEL_H
#define TESTS_CASES_KERNEL_H

#include <stddef.h>
#include <stdint.h>

/* The text of a case of some `steps` events, to be freed; the same for the same arguments, and that
 * of fewer steps begins with the same events. */
char *kernel_case(uint64_t seed, size_t steps);

#endif
