#include "base/crash.h"

#ifdef SPANMILL_CRASH_POINTS

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Marks an intended death in stderr. */
static void say(const char *text)
{
    ssize_t ignored = write(STDERR_FILENO, text, strlen(text));
    (void)ignored;
}

void crash_point(const char *name)
{
    /* How often the point of SPANMILL_CRASH_AT was reached: a global variable, because only one
     * point counts per process, and its callers have no place for it. */
    static _Atomic unsigned long passed;
    const char *at = getenv("SPANMILL_CRASH_AT");
    size_t length = strlen(name);
    if (!at || strncmp(at, name, length) != 0 || (at[length] != '\0' && at[length] != ':'))
        return;
    unsigned long wanted = at[length] == ':' ? strtoul(at + length + 1, NULL, 10) : 1;
    if (atomic_fetch_add(&passed, 1) + 1 != wanted)
        return;
    say("crash point ");
    say(at);
    say("\n");
    raise(SIGKILL);
}

bool mutant(const char *name)
{
    const char *wanted = getenv("SPANMILL_MUTANT");
    return wanted && strcmp(wanted, name) == 0;
}

#endif
