#!/bin/sh
# The cost of a report, compared with only reading the same trace with babeltrace2, in the same run.
#
#     bench/run.sh [SESSION-FOLDER]...        (default: the recording in tests/data)
#
# SPANMILL_RECORDINGS  a folder with A1, A4 and A5 (unpacked, or as .tar.zst), to be measured as well
# SPANMILL_PHASES      phase definitions (default: those of the recording in tests/data)
# BABELTRACE2          the babeltrace2 to compare with, shown by name (default: babeltrace2; 2.1 is faster
#                      than 2.0)
# SPANMILL_BUILD       the build to measure (default: build/release)
# ROUNDS               number of rounds of each measurement, of which the best counts (default: 3)
set -eu
cd "$(dirname "$0")/.."

build=${SPANMILL_BUILD:-build/release}
phases=${SPANMILL_PHASES:-tests/data/thumbnails/phases.yaml}
rounds=${ROUNDS:-3}
spanmill=$build/bin/spanmill
measure=$build/bin/bench_measure
stages=$build/bin/bench_stages

scratch=$(mktemp -d "${TMPDIR:-/tmp}/spanmill-bench.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM

skip() {
    echo "skipped: $*"
}

for program in "$spanmill" "$measure" "$stages"; do
    [ -x "$program" ] || {
        echo "bench: $program is not built; \`make\` does that" >&2
        exit 1
    }
done
babeltrace2=$(command -v "${BABELTRACE2:-babeltrace2}") || {
    [ -z "${BABELTRACE2-}" ] || { echo "bench: $BABELTRACE2 is no program" >&2; exit 2; }
    skip "the comparison, since babeltrace2 is not installed"
}
# "Babeltrace 2.0.4 ..." in its first line.
version=$([ -z "$babeltrace2" ] || "$babeltrace2" --version | sed -n '1s/^Babeltrace \([0-9.]*\).*/\1/p')

if command -v lttng-syscallstats >/dev/null; then
    analyses=yes
else
    analyses=
    skip "the comparison with lttng-analyses, which is not installed (Debian: python3-lttnganalyses)"
fi

# run NAME COMMAND...: one round; its cost is appended to $scratch/NAME.
run() {
    name=$1
    shift
    if ! "$measure" "$scratch/$name" "$@" >"$scratch/out" 2>"$scratch/err"; then
        echo "bench: $* failed:" >&2
        cat "$scratch/err" >&2
        exit 1
    fi
}

report() {
    name=$1
    shift
    run "$name" "$spanmill" report --format json --progress never --phases "$phases" "$@"
}

# best NAME COLUMN: the minimum of a column over all rounds: 1 wall, 4 peak; cpu is user and sys.
best() {
    awk -v column="$2" '
        { value = column == "cpu" ? $2 + $3 : $column; if (NR == 1 || value < least) least = value }
        END { print least }' "$scratch/$1"
}

# row TITLE NAME EVENTS
row() {
    awk -v title="$1" -v wall="$(best "$2" 1)" -v cpu="$(best "$2" cpu)" \
        -v peak="$(best "$2" 4)" -v events="$3" 'BEGIN {
            printf "  %-34s %8.2f s %8.2f s %9.2f M/s %8.1f MiB\n", title, wall, cpu,
                (wall > 0 ? events / wall / 1e6 : 0), peak / 1024 }'
}

# ratio TITLE ABOVE BELOW BAR
ratio() {
    awk -v title="$1" -v above="$2" -v below="$3" -v bar="$4" 'BEGIN {
        printf "  %-34s %8.2f x   (%s)\n", title, (below > 0 ? above / below : 0), bar }'
}

# at_once TRACE: two reports at once, as the limit for two threads: two CPUs may share a core.
at_once() {
    # shellcheck disable=SC2016
    run both sh -c '"$@" -o "$0.a" & "$@" -o "$0.b" & wait' "$scratch/at-once" \
        "$spanmill" report --format json --progress never --phases "$phases" -j 1 "$1"
}

stream_kib() {
    du -sk "$1" | cut -f 1
}

bench() {
    title=$1
    trace=$2
    for name in babeltrace2 analyses one two largest both text log; do
        rm -f "${scratch:?}/$name"
    done

    largest=
    largest_kib=0
    for chunk in "$trace"/archives/*/; do
        [ -d "$chunk" ] || continue
        kib=$(stream_kib "$chunk")
        if [ "$kib" -gt "$largest_kib" ]; then
            largest=$chunk
            largest_kib=$kib
        fi
    done

    # The first pass warms the page cache for all.
    "$spanmill" report --format json --progress never --stats -j 1 --phases "$phases" "$trace" \
        >"$scratch/report" 2>"$scratch/stats" || {
        cat "$scratch/stats" >&2
        exit 1
    }
    events=$(sed -n '/^{"type":"summary"/s/.*"events":\([0-9]*\).*/\1/p' "$scratch/report" |
        awk '{ sum += $1 } END { print sum + 0 }')

    round=0
    while [ "$round" -lt "$rounds" ]; do
        round=$((round + 1))
        if [ -n "$babeltrace2" ]; then
            run babeltrace2 "$babeltrace2" "$trace" -c sink.utils.dummy
            run text sh -c '"$@" >/dev/null' sh "$babeltrace2" "$trace"
        fi
        run log sh -c '"$@" >/dev/null' sh "$spanmill" log --progress never "$trace"
        report one -j 1 "$trace"
        report two -j 2 "$trace"
        at_once "$trace"
        [ -z "$largest" ] || report largest -j 1 "$largest"
    done

    echo
    awk -v title="$title" -v events="$events" -v kib="$(stream_kib "$trace")" -v rounds="$rounds" \
        'BEGIN { printf "%s: %.2f M events, %.1f MiB; best of %d\n", title, events / 1e6,
                 kib / 1024, rounds }'
    printf '  %-34s %10s %10s %13s %12s\n' '' wall CPU events peak
    [ -z "$babeltrace2" ] || row "babeltrace2 $version, dummy sink" babeltrace2 "$events"
    row 'spanmill report -j1' one "$events"
    row 'spanmill report -j2' two "$events"
    [ -z "$babeltrace2" ] || row "babeltrace2 $version, text" text "$events"
    row 'spanmill log' log "$events"
    [ -z "$babeltrace2" ] ||
        ratio 'speed of -j1 to babeltrace2' "$(best babeltrace2 1)" "$(best one 1)" \
            'at least 0.7'
    [ -z "$babeltrace2" ] ||
        ratio 'speed of log to text' "$(best text 1)" "$(best log 1)" 'at least 10, with 2 CPUs'
    ratio 'speed of -j2 to -j1' "$(best one 1)" "$(best two 1)" \
        "at least 1.8, with more chunks than one and 2 CPUs; here $(nproc)"
    ratio '  two reports at once to one' "$(best one 1 | awk '{ print 2 * $1 }')" \
        "$(best both 1)" 'what two threads can do here'
    if [ -n "$largest" ]; then
        ratio 'peak, all chunks to the largest' "$(best one 4)" "$(best largest 4)" \
            'what the report says of all, and its rows, are in memory'
        ratio 'peak to twice the chunk and 64 MiB' "$(best one 4)" \
            "$((2 * largest_kib + 64 * 1024))" 'at most 1'
    fi
    [ -z "$analyses" ] || analyses_of "$largest" "$largest_kib"
    sed 's/^/  /' "$scratch/stats"
    [ -z "$largest" ] || stages_of "$trace"
}

# analyses_of CHUNK KIB: lttng-analyses on one chunk, once, unless that takes minutes.
analyses_of() {
    if [ -z "$1" ] || [ "$2" -gt 16384 ]; then
        skip "the comparison with lttng-analyses, which would take minutes for $(($2 / 1024)) MiB"
    elif ! "$measure" "$scratch/analyses" lttng-syscallstats --no-progress "$1" \
        >"$scratch/out" 2>"$scratch/err" || grep -q '^Error' "$scratch/out" "$scratch/err"; then
        skip "the comparison with lttng-analyses, which cannot read $(basename "$1")"
    else
        ratio 'speed to lttng-syscallstats' "$(best analyses 1)" "$(best largest 1)" \
            'of the largest chunk; it starts up in most of a second'
    fi
}

# stages_of TRACE: the cost of each stage of mapping its archives, with the ratio to babeltrace2.
stages_of() {
    rm -rf "$scratch/packed"
    mkdir "$scratch/packed"
    "$spanmill" pack -o "$scratch/packed" "$1" >/dev/null
    "$stages" --rounds "$rounds" --phases "$phases" "$scratch/packed" >"$scratch/stages"
    cpu=0
    [ -z "$babeltrace2" ] || cpu=$(best babeltrace2 cpu)
    awk -v cpu="$cpu" -v events="$events" '
        $2 ~ /^[0-9.]+$/ && $3 == "ns/event" {
            ns[$1] = $2
            printf "  %-34s %8.1f ns/event %9.1f MB/s", $1, $2, $7
            printf(cpu > 0 && $2 > 0 ? " %9.1f x babeltrace2\n" : "\n", cpu * 1e9 / events / $2) }
        END {
            if (cpu > 0) {
                read = ns["decode"] + ns["merge"]
                printf "  %-34s %8.1f x   (at least 25)\n", "decode and merge to babeltrace2",
                    cpu * 1e9 / events / read
                printf "  %-34s %8.1f x   (at least 8, better 12)\n", "mapping to babeltrace2",
                    cpu * 1e9 / events / ns["map"] } }' "$scratch/stages"
    rm -rf "$scratch/packed"
}

printf '%s, %s\n' "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" \
    "$("$spanmill" --version)"

if [ -x "$build/bin/bench_flat" ]; then
    echo
    echo 'mapping, with few and many events and threads (at most 15 % apart):'
    TMPDIR=$scratch "$build/bin/bench_flat" --rounds "$rounds"
fi

[ $# -gt 0 ] || set -- tests/data/thumbnails
for trace in "$@"; do
    if [ -d "$trace" ]; then
        bench "$(basename "$trace")" "$trace"
    else
        skip "$trace is no folder"
    fi
done

if [ -z "${SPANMILL_RECORDINGS-}" ]; then
    skip "larger recordings, since SPANMILL_RECORDINGS names no folder of them"
    exit 0
fi
for name in A1 A4 A5; do
    if [ -d "$SPANMILL_RECORDINGS/$name/trace" ]; then
        bench "$name" "$SPANMILL_RECORDINGS/$name/trace"
    elif [ -f "$SPANMILL_RECORDINGS/$name.tar.zst" ] && command -v zstd >/dev/null; then
        tar -I zstd -xf "$SPANMILL_RECORDINGS/$name.tar.zst" -C "$scratch"
        bench "$name" "$scratch/$name/trace"
        rm -rf "${scratch:?}/$name"
    else
        skip "$name is not in $SPANMILL_RECORDINGS (or zstd is not installed)"
    fi
done
