/* Calls that do not return end the process, and those that do leave it alone. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>
#include <unistd.h>

#include "bus/bus_help.h"
#include "bus/limit.h"

static void log_line(void *context, int level, const char *text)
{
    (void)context, (void)level;
    /* Without it, the process goes on, and ends with another code. */
    if (!strstr(text, "a call did not return within 0 s"))
        pause();
}

Test(limit, a_call_that_does_not_return_ends_the_process, .exit_code = BUS_EXIT_HUNG, .timeout = 60)
{
    const struct bus_settings settings = {.log = log_line};
    struct limit *limit = limit_new(&settings);
    limit_begin(limit, "a call", 50);
    for (;;)
        pause();
}

Test(limit, calls_that_return_in_time_are_none_of_its_business)
{
    const struct bus_settings settings = {.log = log_line};
    struct limit *limit = limit_new(&settings);
    for (unsigned i = 0; i < 20; i++) {
        limit_begin(limit, "a call", 60000);
        limit_end(limit);
    }
    limit_begin(limit, "a call", 200);
    limit_end(limit);
    bench_sleep_ms(400);
    limit_free(limit);
    limit_free(limit_new(&settings)); /* it was never used */
}
