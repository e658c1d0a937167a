/* results/phase_faults.h -- phase definitions that match nothing, and why. */
#ifndef RESULTS_PHASE_FAULTS_H
#define RESULTS_PHASE_FAULTS_H

#include "results/report.h"

/* Sentences over `count` sessions together, each once, in `arena`: definitions whose event or field
 * no trace of any declares or that cannot be compared, and phases of which begins and ends are
 * there, but in no process both. */
const char *const *phase_faults(const struct session_report *sessions, size_t count,
                                struct arena *arena, size_t *fault_count);

#endif
