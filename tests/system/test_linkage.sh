#!/bin/bash
# What programs link: libbabeltrace2, and the glib that comes with it, is nothing for services.
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
