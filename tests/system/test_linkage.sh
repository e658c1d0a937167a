#!/bin/bash
# The linked libraries: services do not link libbabeltrace2 and glib.
set -u
failed=0
folder=$(dirname "$SPANMILL")
for program in spanmill-mapper spanmill-reducer spanmill-export spanmill-agent; do
    needed=$(ldd "$folder/$program") || exit 77
    if grep -E 'babeltrace|libglib' <<<"$needed"; then
        echo "$program links it"
        failed=1
    fi
done
exit $failed
