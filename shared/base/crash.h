/* base/crash.h -- for tests: to die between two steps, and to do one of them wrong.
 *
 * Built with the CMake option SPANMILL_CRASH_POINTS (presets dev, asan, chaos), a process that is
 * started with SPANMILL_CRASH_AT=NAME or NAME:N kills itself, as by `kill -9`, when it passes
 * crash_point("NAME") for the Nth time; and one with SPANMILL_MUTANT=NAME finds mutant("NAME")
 * true. Else both are nothing. Names are literals: `grep -rho 'crash_point("[^"]*' agent mapper
 * reducer shared` lists them, and the tests go through that list. */
#ifndef BASE_CRASH_H
#define BASE_CRASH_H

#include <stdbool.h>

#ifdef SPANMILL_CRASH_POINTS

void crash_point(const char *name);
bool mutant(const char *name);

#else

static inline void crash_point(const char *name)
{
    (void)name;
}

static inline bool mutant(const char *name)
{
    (void)name;
    return false;
}

#endif
#endif
