#!/bin/bash
# A core with one deliberate defect fails the cases: they detect what they test.
set -eu
run=$TEST_BIN/run_cases
if ! grep -q SPANMILL_MUTANT "$run"; then
    echo "skipped: built without SPANMILL_CRASH_POINTS"
    exit 77
fi
"$run" --uncut tests/cases >/dev/null
for mutant in forget-close-on-exec exec-to-old-tid keep-pid-after-exit ignore-loss-border; do
    if failed=$(SPANMILL_MUTANT=$mutant "$run" --uncut tests/cases); then
        echo "$mutant goes unnoticed"
        exit 1
    fi
    echo "$mutant: noticed by $(grep -c ^FAILED <<<"$failed") cases"
done
