#!/bin/bash
# A session whose metadata was turned into CTF 2 gives the same report, down to the byte, from its
# folders and from its archives; so does libbabeltrace2, if it reads CTF 2, else it says that it does not.
set -eu
: "${SPANMILL:?path of spanmill}" "${TEST_BIN:?}" "${TEST_DATA:?}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

failed=0
fault() {
    printf 'fault: %s\n' "$*"
    failed=1
}

# report FOLDER OUT TRACE...: in FOLDER, so that the same names are reported
report() {
    local folder=$1 out=$2
    shift 2
    (cd "$folder" && "$SPANMILL" report --format json "$@" >"$out" 2>"$out.log") ||
        fault "report of $folder: $(cat "$out.log")"
    [ ! -s "$out.log" ] || fault "said of $folder: $(cat "$out.log")"
}

# other_reader FOLDER: of its second session
other_reader() {
    local out=$1/babeltrace2.json
    if (cd "$1/second" && "$SPANMILL" report --format json --reader babeltrace2 trace >"$out" 2>"$out.log"); then
        cmp "$1/first.json" "$out" || fault "$1: other results by libbabeltrace2"
    else
        grep -qE 'CTF 2 is not supported by libbabeltrace2 2\.0|SPANMILL_BABELTRACE2=OFF' "$out.log" ||
            fault "libbabeltrace2 over $1: $(cat "$out.log")"
    fi
}

# compare NAME EVENTS...: of each session
compare() {
    local name=$1 events
    shift
    mkdir -p "$work/$name/"{first,second}
    cp -r "$TEST_DATA/$name" "$work/$name/first/trace"
    cp -r "$TEST_DATA/$name" "$work/$name/second/trace"
    chmod -R u+w "$work/$name"
    while read -r metadata; do
        "$TEST_BIN/metadata_ctf2" "$metadata" || fault "$metadata"
        head -c 1 "$metadata" | grep -q $'\x1e' || fault "$metadata is no CTF 2"
    done < <(find "$work/$name/second" -name metadata)
    for version in first second; do
        local folder=$work/$name/$version
        report "$folder" "$folder.json" trace
        (cd "$folder" && "$SPANMILL" pack -o packed trace >/dev/null 2>"$folder.log") ||
            fault "pack of $folder: $(cat "$folder.log")"
        report "$folder" "$folder-packed.json" packed
    done
    cmp "$work/$name/first.json" "$work/$name/second.json" || fault "$name: other results"
    cmp "$work/$name/first-packed.json" "$work/$name/second-packed.json" ||
        fault "$name: other results of archives"
    other_reader "$work/$name"
    for events; do
        for results in "$work/$name"/second{,-packed}.json; do
            grep -q "\"events\":$events," "$results" || fault "$name: no $events events: $results"
        done
    done
}

compare thumbnails 369810
compare user-space 565 424
exit "$failed"
