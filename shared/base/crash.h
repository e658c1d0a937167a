/* base/crash.h -- for tests: kills the process between two steps, or does one step wrong.
 *
 * Built with the CMake option SPANMILL_CRASH_POINTS (presets dev, asan, chaos), a process that is
 * started with SPANMILL_CRASH_AT=NAME or NAME:N kills itself, as by `kill -9`, when it reaches
 * crash_point("NAME") for the Nth time; with SPANMILL_MUTANT=NAME, mutant("NAME") is true.
 * Otherwise both do nothing. Names are literals: `grep -rho 'crash_point("[^"]*' agent mapper
 * reducer shared` lists them, and the tests use that list. */
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
