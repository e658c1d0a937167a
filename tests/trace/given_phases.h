/* trace/given_phases.h -- definitions that a test gives as YAML. */
#ifndef TESTS_TRACE_GIVEN_PHASES_H
#define TESTS_TRACE_GIVEN_PHASES_H

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "trace/phases.h"

/* They must be right. The caller calls phases_clear(). */
static inline void given_phases(struct phase_definitions *out, const char *yaml)
{
    struct failure why;
    phases_init(out);
    cr_assert(
        eq(int,
           phases_add_yaml(out, "test", (struct bytes){(const uint8_t *)yaml, strlen(yaml)}, &why),
           STATUS_OK),
        "%s", why.text);
}

#endif
