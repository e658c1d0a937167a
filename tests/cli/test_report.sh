#!/bin/bash
# `spanmill report` over a recording, as a user calls it: exit codes, and that neither the number
# of jobs, nor the order of chunks, nor packing shows in the results.
set -u
failed=0
trace=$TEST_DATA/thumbnails
phases=$trace/phases.yaml
scratch=$(mktemp -d "${TMPDIR:-/tmp}/spanmill-report.XXXXXX")
mkdir "$scratch/in"
trap 'rm -rf "$scratch"' EXIT

wrong() {
    echo "$*"
    failed=1
}

# exits CODE NAME ARGUMENT...: output in $scratch/NAME, messages in $scratch/NAME.err
exits() {
    code=$1 name=$2
    shift 2
    "$SPANMILL" "$@" >"$scratch/$name" 2>"$scratch/$name.err" </dev/null
    got=$?
    [ "$got" = "$code" ] || wrong "exit $got, not $code: $* ($(head -c 300 "$scratch/$name.err"))"
}

says() {
    grep -q -- "$2" "$scratch/$1.err" || wrong "$1: no \"$2\" in: $(head -c 300 "$scratch/$1.err")"
}

same() {
    cmp -s "$scratch/$1" "$scratch/$2" || wrong "$1 and $2 differ"
}

json() {
    code=$1 name=$2
    shift 2
    exits "$code" "$name" report --format json --phases "$phases" "$@"
}

# --- results ---
json 0 one -j 1 "$trace"
[ -s "$scratch/one.err" ] && wrong "messages: $(cat "$scratch/one.err")"
grep -q '"type":"summary".*"chunks":4,.*"events":369810,.*"discarded":0' "$scratch/one" ||
    wrong "summary: $(grep '"summary"' "$scratch/one")"
grep -q '"type":"phase".*"phase":"request"' "$scratch/one" || wrong "no phase request"
json 0 two -j 2 "$trace"
same one two
json 0 strict --strict "$trace"
same one strict

mapfile -t chunks < <(ls -d "$trace"/archives/*)
json 0 shuffled -j 2 "${chunks[2]}" "${chunks[0]}" "${chunks[3]}" "${chunks[1]}" "${chunks[0]}"
same one shuffled

exits 0 pack pack -o "$scratch/in/packed" "$trace"
mapfile -t packed < <(ls "$scratch"/in/packed/*.tar.zst)
[ ${#packed[@]} = 4 ] || wrong "${#packed[@]} archives"
json 0 packed "${packed[3]}" "${packed[1]}" "${packed[0]}" "${packed[2]}"
same one packed

exits 0 text report --phases "$phases" "$trace"
grep -q '^Time per phase' "$scratch/text" || wrong "no table of phases"
grep -q $'\033' "$scratch/text" && wrong "colors, though not to a terminal"

# --- part of it ---
json 0 pid --pid 345 "$trace"
grep -q '"type":"process".*"pid":345,' "$scratch/pid" || wrong "--pid: process 345 is not there"
grep '"pid":' "$scratch/pid" | grep -qv '"pid":345,' && wrong "--pid: others are there"
json 0 process --process thumbnailer "$trace"
same pid process
json 1 nobody --process nobody-at-all "$trace"
says nobody 'no process matches; there are .*thumbnailer (345)'
json 1 misspelled --process thumbnailr "$trace"
says misspelled 'no process matches; the nearest is thumbnailer (345); there are '

json 0 two_names --process thumbnailer --process thumbnailr "$trace"
says two_names 'not in the traces: process `thumbnailr` (the nearest is thumbnailer)$'
same process two_names

json 0 since --since +20s --until +30s "$trace"
events() {
    sed -n 's/.*"type":"summary".*"events":\([0-9]*\).*/\1/p' "$scratch/$1"
}
json 0 before --until +20s "$trace"
json 0 after --since +30s "$trace"
[ "$(events since)" -gt 0 ] || wrong "--since --until: no events"
[ $(($(events before) + $(events since) + $(events after))) = "$(events one)" ] ||
    wrong "parts of time: $(events before) + $(events since) + $(events after) events"

exits 1 past report --since +1h "$trace"
[ -s "$scratch/past" ] && wrong "--since behind the end: there is a report"
says past 'no events since +1h: the first event is at '
exits 1 between report --since 23:58 --until 23:59 "$trace"
says between 'no events since 23:58 until 23:59: the first event is at '
exits 0 narrow report --since +30s --until +30.005s "$trace"
grep '^CPUs busy' "$scratch/narrow" | grep -q '[0-9]\{3\}\.[1-9]' && wrong "--since --until: CPUs are busy for more than their time"

# --- -o ---
json 0 o -o "$scratch/file" "$trace"
[ -s "$scratch/o" ] && wrong "-o: something on stdout"
same one file
[ "$(ls "$scratch" | grep -c '^file')" = 1 ] || wrong "-o left: $(ls "$scratch" | grep '^file')"
json 1 bad-o -o "$scratch/no/such/file" "$trace"
says bad-o "$scratch/no/such/file"
if [ -c /dev/full ]; then
    json 1 full -o /dev/full "$trace"
    says full '/dev/full'
    "$SPANMILL" report --format json "$trace" >/dev/full 2>"$scratch/full.err"
    [ $? = 1 ] || wrong "a full disk behind stdout goes unnoticed"
fi

# --- what it costs ---
json 0 stats --stats -j 1 "$trace"
same one stats
for figure in '^events  *369,810$' '^single events .*% of the events' '^encoded .*raw' \
    '^joining .*of mapping' '^folding .*of mapping' '^both .*of mapping' '^peak memory '; do
    says stats "$figure"
done
json 0 progress --progress always "$trace"
says progress 'chunk 2 of 4 .*M events/s'
same one progress

# --- failures ---
json 1 none "$scratch/nothing-there"
says none "nothing-there: No such file"
[ -s "$scratch/none" ] && wrong "a report of nothing"
mkdir "$scratch/in/empty"
json 1 empty "$scratch/in/empty"
says empty 'no LTTng trace'
json 1 some "$scratch/nothing-there" "$trace"
says some 'covers the rest'
same one some

cp -r "$trace" "$scratch/in/broken"
broken=$(ls -d "$scratch"/in/broken/archives/* | sed -n 2p)
find "$broken" -name metadata -exec sh -c 'echo nonsense >"$1"' - {} \;
json 1 broken "$scratch/in/broken"
says broken "${broken##*/}"
grep -q '"lost_intervals":1' "$scratch/broken" || wrong "no gap in place of a broken chunk"
json 4 broken-strict --strict "$scratch/in/broken"
rm -r "$broken"
json 0 gap "$scratch/in/broken"
grep -q '"lost_intervals":1' "$scratch/gap" || wrong "no gap in place of a missing chunk"
json 4 gap-strict --strict "$scratch/in/broken"

# --- definitions that match nothing ---
cat >"$scratch/typos.yaml" <<'END'
phases:
  - {name: request, begin: "thumbnailer:request_bgin", end: "thumbnailer:request_end", match: [id]}
  - {name: named, begin: "thumbnailer:request_begin", end: "thumbnailer:request_end", match: [idd]}
counts:
  - {name: tally, event: "thumbnailer:request_begin", by: [proces]}
END
exits 0 typos report --phases "$scratch/typos.yaml" "$trace"
says typos 'request: no trace declares thumbnailer:request_bgin; the nearest is thumbnailer:request_begin'
says typos 'named: thumbnailer:request_begin has no field idd; the nearest is id'
says typos 'tally: no event thumbnailer:request_begin has a field proces; the nearest is process'
[ "$(wc -l <"$scratch/typos.err")" = 4 ] || wrong "a fault is said several times: $(cat "$scratch/typos.err")"
grep -q 'Time per phase' "$scratch/typos" || wrong "no table of phases that were asked for"
grep -q '^  request: no trace declares' "$scratch/typos" || wrong "the table does not say why it is empty"
cat >"$scratch/none.yaml" <<'END'
phases: []
END
exits 0 none-defined report --definitions "$scratch/none.yaml" "$trace"
says none-defined 'none.yaml: defines no phase, count or span'
exits 4 typos-strict report --strict --format json --phases "$scratch/typos.yaml" "$trace"
head -1 "$scratch/typos-strict" | grep -q '"phase_faults":\["named: ' || wrong "no faults in the summary"
exits 4 types report --strict "$trace" --phase \
    'r : $evt.$name == "thumbnailer:request_begin" && $evt.id == "x" : $evt.$name == "thumbnailer:request_end"'
says types 'r: field id of thumbnailer:request_begin is a number, but is compared with text'
exits 0 idle report "$trace/archives/"*-0 --phase \
    'r : $evt.$name == "thumbnailer:request_begin" && $evt.id < 0 : $evt.$name == "thumbnailer:request_end" && $evt.id < 0'
grep -q 'none: no event begins or ends one' "$scratch/idle" || wrong "an empty table is not there"

# --- usage ---
exits 2 no-command
exits 2 unknown-command rebort
says unknown-command '`report` is the nearest'
exits 2 no-trace report
exits 2 unknown-option report --fromat json "$trace"
says unknown-option '`--format` is the nearest'
exits 2 bad-phase report --phase 'x : nonsense' "$trace"
exits 1 bad-file report --phases "$scratch/no.yaml" "$trace"
exits 2 bad-reader report --reader crystal-ball "$trace"
says bad-reader 'auto, spanmill'
exits 0 help --help
grep -q '^  report ' "$scratch/help" || wrong "--help does not tell of report"
exits 0 help-report help report
grep -q '^Usage: spanmill report' "$scratch/help-report" || wrong "help report"
exits 0 version --version
grep -q '^spanmill [0-9]' "$scratch/version" || wrong "--version"

# --- stopping ---
"$SPANMILL" report --format json "$trace" 2>/dev/null | head -c 10 >/dev/null
codes=("${PIPESTATUS[@]}")
[ "${codes[0]}" = 141 ] || [ "${codes[0]}" = 0 ] || wrong "exit ${codes[0]} when nobody reads on"
mkdir "$scratch/tmp"
seen=
for seconds in 0.05 0.1 0.15 0.2 0.4; do # the slower reader, or it is done before it can be stopped
    TMPDIR=$scratch/tmp timeout --preserve-status -s TERM $seconds "$SPANMILL" report -j 1 \
        --reader babeltrace2 --format json -o "$scratch/stopped" "$trace" >/dev/null 2>"$scratch/stopped.err"
    code=$?
    [ $code = 130 ] || continue
    seen=yes
    says stopped 'interrupted after [0-9] of 4 chunks'
    [ -z "$(find "$scratch" -maxdepth 1 -name 'stopped*' ! -name stopped.err)" ] ||
        wrong "left behind: $(ls "$scratch" | grep stopped)"
    break
done
[ -n "$seen" ] || wrong "could not be interrupted; exit $code: $(cat "$scratch/stopped.err")"
[ -z "$(ls "$scratch/tmp")" ] || wrong "left behind: $(ls "$scratch/tmp")"

exit $failed
