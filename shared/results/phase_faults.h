/* results/phase_faults.h -- definitions of phases and counts that match nothing, and why. */
#ifndef RESULTS_PHASE_FAULTS_H
#define RESULTS_PHASE_FAULTS_H

#include "results/report.h"

/* Of which definitions. */
enum fault_scope { FAULTS_OF_ALL, FAULTS_OF_PHASES, FAULTS_OF_COUNTS };

/* Sentences over `count` sessions together, each once, in `arena`: definitions whose event or field
 * no trace of any declares or that cannot be compared, and phases of which begins and ends are
 * there, but in no process both. */
const char *const *phase_faults(const struct session_report *sessions, size_t count,
                                enum fault_scope scope, struct arena *arena, size_t *fault_count);

#endif
