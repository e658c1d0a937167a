#!/bin/bash
# A joiner that does not check that intervals tile the time of the session fails its tests.
set -eu
run=$TEST_BIN/test_reducer_joiner
[ -x "$run" ]
if ! grep -q SPANMILL_MUTANT "$run"; then
    echo "skipped: built without SPANMILL_CRASH_POINTS"
    exit 77
fi
"$run" >/dev/null 2>&1
if SPANMILL_MUTANT=no-tiling "$run" >/dev/null 2>&1; then
    echo "no-tiling goes unnoticed"
    exit 1
fi
echo "no-tiling: noticed"
