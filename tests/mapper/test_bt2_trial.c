#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "mapper/bt2/bt2_trial.h"

static void live(void *context)
{
    *(int *)context = 1;
}

static void abort_with_a_word(void *context)
{
    (void)context;
    fputs("Babeltrace 2 library precondition\nnot satisfied.\n", stderr);
    abort();
}

static void read_nothing(void *context)
{
    (void)*(volatile int *)context;
}

static void stand_still_once(void *context)
{
    if (++*(volatile int *)context == 1)
        pause();
}

Test(bt2_trial, tries_again_where_the_child_stands_still)
{
    struct failure why = {""};
    int *tries =
        mmap(NULL, sizeof *tries, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    cr_assert(tries != MAP_FAILED);
    cr_expect(eq(int, bt2_trial(stand_still_once, tries, &why), STATUS_OK));
    cr_expect(eq(int, *tries, 2));
    munmap(tries, sizeof *tries);
}

Test(bt2_trial, tells_what_the_library_would_die_of)
{
    struct failure why = {""};
    int changed = 0;
    cr_expect(eq(int, bt2_trial(live, &changed, &why), STATUS_OK));
    cr_expect(eq(int, changed, 0)); /* it was another process */
    cr_expect(eq(int, bt2_trial(abort_with_a_word, NULL, &why), STATUS_REJECT));
    cr_expect(eq(
        str, why.text,
        "libbabeltrace2 fails on this trace with signal 6: Babeltrace 2 library precondition not "
        "satisfied. "));
    cr_expect(eq(int, bt2_trial(read_nothing, NULL, &why), STATUS_REJECT));
}
