/* results/phase_faults.h -- definitions of phases and counts that match nothing, and why. */
#ifndef RESULTS_PHASE_FAULTS_H
#define RESULTS_PHASE_FAULTS_H

#include "results/report.h"

/* Which definitions to check. */
enum fault_scope { FAULTS_OF_ALL, FAULTS_OF_PHASES, FAULTS_OF_COUNTS };

/* Sentences about all `count` sessions together, each once, in `arena`: definitions whose event or
 * field is in no trace or cannot be compared, and phases with begins and ends, but never both in
 * one process. */
const char *const *phase_faults(const struct session_report *sessions, size_t count,
                                enum fault_scope scope, struct arena *arena, size_t *fault_count);

#endif
