#!/bin/bash
# A chunk that is empty costs nothing of the others, wherever it stands, in folders and archives; one
# that is cut or missing costs what it held, and the loss is said.
set -u
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failed=0
data=tests/data/thumbnails/archives
phases=(--phases tests/data/thumbnails/phases.yaml)

wrong() {
    echo "$*"
    failed=1
}

# The report of what is named, without what counts chunks.
report() {
    "$SPANMILL" report --strict "${phases[@]}" --format json "$@" 2>"$scratch/said" |
        sed 's/"chunks":[0-9]*,//'
    return "${PIPESTATUS[0]}"
}

field() {
    grep -o "\"$2\":[^,}]*" "$1" | head -n 1 | cut -d: -f2
}

# session NAME PLACES...: a session with the recording's chunks, and new ones (numbers of their own)
# at the places; chunk K of the recording is the name's last field.
session() {
    local folder=$scratch/$1 number=0 place chunk
    shift
    mkdir -p "$folder/archives"
    for place in 0 1 2 3 4; do
        for wanted; do
            [ "$wanted" = "$place" ] || continue
            mkdir "$folder/archives/20261122T230900+0000-20261122T230900+0000-$number"
            number=$((number + 1))
        done
        chunk=$(echo "$data"/*-"$place")
        [ -d "$chunk" ] || continue
        chunk=$(basename "$chunk")
        cp -r "$data/$chunk" "$folder/archives/${chunk%-*}-$number"
        number=$((number + 1))
    done
}

# Makes the chunks of a session that session() has put in.
fill() {
    local new like
    for new in "$scratch/$1/archives/20261122T230900"*; do
        like=$(echo "$data"/*-1)
        case $2 in
        streams) # of 0 bytes
            cp -r "$like/." "$new"
            find "$new" -type f ! -name metadata -exec truncate -s 0 {} +
            find "$new" -path '*/index/*' -delete
            ;;
        metadata)
            cp -r "$like/." "$new"
            find "$new" -type f ! -name metadata -delete
            ;;
        kernel) # no folder of the other domain
            mkdir "$new/kernel"
            cp "$like/kernel/metadata" "$new/kernel"
            ;;
        nothing) ;;
        esac
    done
}

report tests/data/thumbnails >"$scratch/whole" || wrong "the recording itself: $?"
for places in 0 1 2 3 4 "1 1 1" "0 2 4" "4 4"; do
    for kind in streams metadata kernel nothing; do
        # shellcheck disable=SC2086
        session empty $places
        fill empty $kind
        report "$scratch/empty" >"$scratch/got" || wrong "empty ($kind) at $places: $(head -3 "$scratch/said")"
        cmp -s "$scratch/whole" "$scratch/got" || wrong "empty ($kind) at $places: another report"
        case "$places $kind" in
        "1 1 1 "* | "0 2 4 "*)
            "$SPANMILL" pack --output "$scratch/packed" "$scratch/empty" >"$scratch/said" 2>&1 ||
                wrong "packing: $(head -3 "$scratch/said")"
            report "$scratch/packed" >"$scratch/got" || wrong "packed, empty ($kind) at $places"
            cmp -s "$scratch/whole" "$scratch/got" || wrong "packed, empty ($kind) at $places: another report"
            rm -rf "$scratch/packed"
            ;;
        esac
        rm -rf "$scratch/empty"
    done
done

# Chunks that are missing: as many are counted, one by one and together.
for gone in 1 2 "1 2" 3 0; do
    session hole
    for number in $gone; do
        rm -r "$scratch"/hole/archives/*-"$number"
    done
    report "$scratch/hole" >"$scratch/got"
    status=$?
    case $gone in
    0 | 3) continue ;; # at an end of the session: nothing tells that it was there
    esac
    [ "$status" = 4 ] || wrong "without chunk $gone: exit status $status"
    [ "$(field "$scratch/got" lost_intervals)" = "$(echo "$gone" | wc -w)" ] ||
        wrong "without chunk $gone: $(field "$scratch/got" lost_intervals) counted"
    grep -q '"scope":"chunk","cause":"missing"' "$scratch/got" || wrong "without chunk $gone: not named"
    rm -rf "$scratch/hole"
done

exit "$failed"
