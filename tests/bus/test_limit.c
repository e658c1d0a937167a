/* Calls that do not return end the process; calls that return do not. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bus/bus_help.h"
#include "bus/limit.h"

/* The output of the process that ends. */
static void log_to_pipe(void *context, int level, const char *text)
{
    (void)level;
    (void)!write(*(int *)context, text, strlen(text));
}

static void call_for_ever(int out)
{
    const struct bus_settings settings = {.log = log_to_pipe, .context = &out};
    struct limit *limit = limit_new(&settings);
    limit_begin(limit, "a call", 50);
    for (;;)
        pause();
}

Test(limit, a_call_that_does_not_return_ends_the_process, .timeout = 60)
{
    int pipes[2], status;
    char said[256] = "";
    cr_assert(eq(int, pipe(pipes), 0));
    pid_t child = fork();
    if (child == 0)
        call_for_ever(pipes[1]);
    close(pipes[1]);
    cr_expect(gt(long, (long)read(pipes[0], said, sizeof said - 1), 0));
    cr_expect(ne(ptr, strstr(said, "a call did not return within 0 s"), NULL), "%s", said);
    cr_assert(eq(long, (long)waitpid(child, &status, 0), (long)child));
    bool ended = WIFEXITED(status);
    cr_expect(ended && WEXITSTATUS(status) == BUS_EXIT_HUNG, "status %d", status);
    close(pipes[0]);
}

static void count_line(void *context, int level, const char *text)
{
    (void)level, (void)text;
    atomic_fetch_add((atomic_uint *)context, 1);
}

Test(limit, calls_that_return_in_time_are_none_of_its_business)
{
    atomic_uint lines = 0;
    const struct bus_settings settings = {.log = count_line, .context = &lines};
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
    cr_expect(eq(uint, atomic_load(&lines), 0));
}
