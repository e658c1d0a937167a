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

# The report of the given paths, without the numbers of chunks.
report() {
    "$SPANMILL" report --strict "${phases[@]}" --format json "$@" 2>"$scratch/said" |
        tee "$scratch/raw" | sed 's/"chunks":[0-9]*,//'
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

# Creates the chunks of a session that session() has added.
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
        chunks=4
        [ "$kind" = nothing ] || chunks=$((4 + $(echo "$places" | wc -w)))
        [ "$(field "$scratch/raw" chunks)" = $chunks ] || wrong "empty ($kind) at $places: not $chunks chunks"
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

# Missing chunks: each is counted, one by one and together, the same from folders and archives.
for gone in 0 1 2 "0 1" "0 2" "1 2" "0 1 2" 3; do
    session hole
    for number in $gone; do
        rm -r "$scratch"/hole/archives/*-"$number"
    done
    report "$scratch/hole" >"$scratch/got"
    status=$?
    "$SPANMILL" pack --output "$scratch/packed" "$scratch/hole" >/dev/null 2>&1
    report "$scratch/packed" >"$scratch/packed.got"
    cmp -s "$scratch/got" "$scratch/packed.got" || wrong "without chunk $gone: packed is another report"
    rm -rf "$scratch/packed"
    if [ "$gone" = 3 ]; then # the last: in a folder, nothing tells that it was there
        rm -rf "$scratch/hole"
        continue
    fi
    [ "$status" = 4 ] || wrong "without chunk $gone: exit status $status"
    [ "$(field "$scratch/got" lost_intervals)" = "$(echo "$gone" | wc -w)" ] ||
        wrong "without chunk $gone: $(field "$scratch/got" lost_intervals) counted"
    grep -q '"scope":"chunk","cause":"missing"' "$scratch/got" || wrong "without chunk $gone: not named"
    rm -rf "$scratch/hole"
done

# An archive shows that another chunk followed it.
"$SPANMILL" pack --output "$scratch/packed" tests/data/thumbnails >/dev/null
report "$scratch"/packed/*-[012].tar.zst >"$scratch/got" || wrong "archives that were left out on purpose: $?"
mkdir "$scratch/aside"
mv "$scratch"/packed/*-3.tar.zst "$scratch/aside"
report "$scratch/packed" >"$scratch/got"
[ $? = 4 ] || wrong "the last archive is gone: not said by --strict"
[ "$(field "$scratch/got" lost_intervals)" = 1 ] || wrong "the last archive is gone: not counted"
grep -q '"damage":\[{"chunk":3,"scope":"chunk","cause":"missing"' "$scratch/got" || wrong "the last archive is gone: not named"

# Chunks in the same folder as the named ones were left out on purpose; missing ones were not.
report "$data"/*-[23] >"$scratch/got" || wrong "chunks 2 and 3 alone: $?"
[ "$(field "$scratch/got" lost_intervals)" = 0 ] || wrong "chunks 2 and 3 alone: others are counted as lost"
report "$scratch"/packed/*-[12].tar.zst --until +1s >"$scratch/got" || wrong "archives 1 and 2 alone: $?"
mv "$scratch"/packed/*-1.tar.zst "$scratch/aside"
report "$scratch"/packed/*-2.tar.zst >"$scratch/got"
grep -q '"damage":\[{"chunk":1,"scope":"chunk","cause":"missing".*"chunk":3,"scope":"chunk","cause":"missing"' "$scratch/got" ||
    wrong "archive 2 alone: $(head -c 600 "$scratch/got")"
rm -rf "$scratch/packed" "$scratch/aside"
# A time window is not a loss.
report tests/data/thumbnails --since +40s >"$scratch/got" || wrong "--since: $?"
[ "$(field "$scratch/got" lost_intervals)" = 0 ] || wrong "--since: chunks before are counted as lost"

# A chunk that cannot be read at all, anywhere, is one lost chunk, with the reason.
for number in 0 1 2 3; do
    session broken
    find "$scratch"/broken/archives/*-"$number" -name metadata -exec sh -c 'echo nonsense >"$1"' - {} \;
    report "$scratch/broken" >"$scratch/got"
    [ $? = 4 ] || wrong "chunk $number unusable: not said by --strict"
    [ "$(field "$scratch/got" lost_intervals)" = 1 ] || wrong "chunk $number unusable: not counted"
    grep -q "\"damage\":\[{\"chunk\":$number,\"scope\":\"chunk\",\"cause\":\"unreadable\"" "$scratch/got" ||
        wrong "chunk $number unusable: not named"
    rm -rf "$scratch/broken"
done

# Damaged parts of a chunk are named, the same from folders and archives.
for damage in cut header events metadata stream; do
    session damaged
    chunk=$(echo "$scratch"/damaged/archives/*-2)
    stream=$(find "$chunk/kernel" -maxdepth 1 -type f ! -name metadata -size +16k | sort | head -n 1)
    case $damage in
    cut) truncate -s $(($(stat -c %s "$stream") * 6 / 10)) "$stream" ;;
    header) printf 'xxxxxxxxxxxxxxxx' | dd of="$stream" conv=notrunc status=none ;;
    events) head -c 4096 /dev/zero | tr '\0' '\377' | dd of="$stream" bs=1 seek=9000 conv=notrunc status=none ;;
    metadata) truncate -s $(($(stat -c %s "$chunk/kernel/metadata") / 2)) "$chunk/kernel/metadata" ;;
    stream) rm "$stream" ;;
    esac
    report "$scratch/damaged" >"$scratch/folder"
    [ $? = 4 ] || wrong "$damage: not said by --strict"
    grep -q '"damage":\[{"chunk":2,' "$scratch/folder" || wrong "$damage: not named"
    "$SPANMILL" pack --output "$scratch/packed" "$scratch/damaged" >/dev/null 2>&1
    report "$scratch"/packed >"$scratch/got"
    cmp -s "$scratch/folder" "$scratch/got" || wrong "$damage: packed is another report"
    rm -rf "$scratch/damaged" "$scratch/packed"
done

# A folder of a domain, or one file, that a chunk lacks while the chunk before has it is named, and what
# the kernel did is as unknown as if the whole chunk was lost, and its seam with it. `lack NAME CHUNK FILES...` deletes them.
lack() {
    session "$1"
    for file in "${@:3}"; do
        rm -r "$scratch/$1"/archives/*-"$2"/$file
    done
}
both() { # NAME: the report of the folders, once it is known to be that of the archives
    report "$scratch/$1" >"$scratch/got"
    [ $? = 4 ] || wrong "$1: not said by --strict"
    "$SPANMILL" pack --output "$scratch/packed" "$scratch/$1" >/dev/null 2>&1
    report "$scratch/packed" >"$scratch/packed.got"
    cmp -s "$scratch/got" "$scratch/packed.got" || wrong "$1: packed is another report"
    rm -rf "$scratch/$1" "$scratch/packed"
}
call_ns() { # the time in system calls, which ends where the hole begins
    grep '"type":"syscall"' "$1" | grep -o '"total_ns":[0-9]*' | awk -F: '{ sum += $2 } END { printf "%.0f", sum }'
}
lack gone 2 "" && both gone
gone_ns=$(call_ns "$scratch/got")
lack kernel 2 kernel && both kernel
[ "$(call_ns "$scratch/got")" -le "$gone_ns" ] || wrong "chunk 2 without a kernel: more time in calls than without the chunk"
grep -q "\"damage\":\[{\"chunk\":2,\"scope\":\"trace\",\"cause\":\"missing\",\"name\":\"kernel\",\"count\":1" \
    "$scratch/got" || wrong "chunk 2 without a kernel: not named: $(head -c 2000 "$scratch/got")"
grep -q "{\"chunk\":3,\"scope\":\"stream\",\"cause\":\"missing\",\"name\":\"kernel\",\"count\":4" \
    "$scratch/got" || wrong "chunk 2 without a kernel: the next does not say so"
[ "$(field "$scratch/got" lost_traces)" = 1 ] || wrong "chunk 2 without a kernel: not counted"
# Unreadable metadata is a loss of the same size.
session metadata
echo nonsense >"$(echo "$scratch"/metadata/archives/*-2)/kernel/metadata"
both metadata
[ "$(call_ns "$scratch/got")" -le "$gone_ns" ] || wrong "chunk 2 without metadata of the kernel: more time in calls than without the chunk"
lack user 2 ust && both user
grep -q "{\"chunk\":2,\"scope\":\"trace\",\"cause\":\"missing\",\"name\":\"ust/uid/0/64-bit\",\"count\":1" \
    "$scratch/got" || wrong "chunk 2 without user space: not named"
lack stream 2 kernel/kchan_1 kernel/index/kchan_1.idx && both stream
grep -q "{\"chunk\":2,\"scope\":\"stream\",\"cause\":\"missing\",\"name\":\"kernel/kchan_1\",\"count\":1" \
    "$scratch/got" || wrong "chunk 2 without a stream: not named"
[ "$(field "$scratch/got" loss_borders)" -ge 2 ] || wrong "chunk 2 without a stream: no borders"
# If the first one is missing, the next one shows it; if the last one is, it is known itself.
lack kernel 0 kernel && both kernel
grep -q '"damage":\[{"chunk":1,"scope":"stream","cause":"missing","name":"kernel","count":4' "$scratch/got" ||
    wrong "the first without a kernel: not named"
lack kernel 3 kernel && both kernel
grep -q '"damage":\[{"chunk":3,"scope":"trace","cause":"missing","name":"kernel","count":1' "$scratch/got" ||
    wrong "the last without a kernel: not named"
# Nothing is lost of a process that has ended, nor if a domain is added in the middle of a session.
session ended
for chunk in "$scratch"/ended/archives/*-[01]; do
    mkdir "$chunk/ust/pid"
    mv "$chunk/ust/uid/0/64-bit" "$chunk/ust/pid/thumb-1-2"
done
rm -r "$scratch"/ended/archives/*-[23]/ust
report "$scratch/ended" >"$scratch/got" || wrong "a process that has ended: $(head -3 "$scratch/said")"
rm -r "$scratch/ended"
# An idle stream has a file without packets (LTTng 2.15): the next chunk does not report it.
session idle
: >"$(echo "$scratch"/idle/archives/*-1)/kernel/kchan_1"
rm "$scratch"/idle/archives/*-1/kernel/index/kchan_1.idx
report "$scratch/idle" >"$scratch/got" || wrong "an idle stream: $(head -3 "$scratch/said")"
"$SPANMILL" pack --output "$scratch/packed" "$scratch/idle" >/dev/null 2>&1
report "$scratch/packed" >"$scratch/packed.got" || wrong "an idle stream, packed: $(head -3 "$scratch/said")"
cmp -s "$scratch/got" "$scratch/packed.got" || wrong "an idle stream: packed is another report"
rm -rf "$scratch/idle" "$scratch/packed"
# LTTng writes a header to each index: without one, the stream was not idle, but truncated.
session emptied
: >"$(echo "$scratch"/emptied/archives/*-1)/kernel/kchan_1"
: >"$(echo "$scratch"/emptied/archives/*-1)/kernel/index/kchan_1.idx"
both emptied
grep -q '"damage":\[{"chunk":1,"scope":"stream","cause":"cut","name":"kernel/kchan_1","count":1' "$scratch/got" ||
    wrong "a stream and its index are emptied: not named: $(head -c 2000 "$scratch/got")"
[ "$(field "$scratch/got" loss_borders)" -ge 1 ] || wrong "a stream and its index are emptied: no borders"

# Paths without permission are named, wherever they are; root is refused only without its capabilities.
refused() {
    local without=()
    [ "$(id -u)" != 0 ] || without=(setpriv --bounding-set=-all --inh-caps=-all)
    "${without[@]}" "$SPANMILL" report --format json "$@" >"$scratch/got" 2>"$scratch/said"
    local status=$?
    chmod -R u+rwx "$scratch/closed"
    [ "$status" = 1 ] || wrong "refused: exit status $status"
    grep -q "$where: Permission denied" "$scratch/said" || wrong "refused: $where: $(head -3 "$scratch/said")"
}
session closed
chmod -R go= "$scratch/closed"
for where in "$(basename "$data"/*-2)" kernel archives; do
    find "$scratch/closed/archives" -maxdepth 2 -path "*-2" -name "$where" -exec chmod 0 {} +
    find "$scratch/closed/archives" -maxdepth 2 -path "*-2/kernel" -name "$where" -exec chmod 0 {} +
    find "$scratch/closed" -maxdepth 1 -name "$where" -exec chmod 0 {} +
    refused "$scratch/closed"
    [ "$where" = archives ] || grep -q '"damage":\[{"chunk":2,"scope":"chunk","cause":"unreadable"' "$scratch/got" ||
        wrong "refused: chunk 2 is not named"
done
# If an archive of the same chunk is also given, the archive is used.
"$SPANMILL" pack --output "$scratch/open" "$scratch/closed" >/dev/null || wrong "refused: pack"
chmod -R a+rX "$scratch/open"
where=$(basename "$data"/*-2)
chmod 0 "$scratch/closed/archives/$where"
without=()
[ "$(id -u)" != 0 ] || without=(setpriv --bounding-set=-all --inh-caps=-all)
"${without[@]}" "$SPANMILL" report --format json "$scratch/closed" "$scratch/open/$where.tar.zst" >"$scratch/got" 2>"$scratch/said"
chmod -R u+rwx "$scratch/closed"
[ "$(field "$scratch/got" chunks)" = 4 ] || wrong "refused, and packed: $(head -3 "$scratch/said")"
rm -r "$scratch/closed" "$scratch/open"

# The domains of a chunk may be given one by one, at any path.
first=$(echo "$data"/*-0)
report "$first" >"$scratch/one"
report "$first/kernel" "$first/ust" >"$scratch/two"
cmp -s "$scratch/one" "$scratch/two" || wrong "domains named one by one are another report"
cp -r "$first/kernel" "$scratch/some-name"
report "$first/ust" "$scratch/some-name" >"$scratch/two"
[ "$(grep -c '"type":"summary"' "$scratch/two")" = 1 ] || wrong "domains in two places are two sessions"
[ "$(field "$scratch/two" events)" = "$(field "$scratch/one" events)" ] || wrong "domains in two places: events"

# Two hosts of the same name, whose sessions began in the same second: their clocks distinguish them.
cp -r tests/data/thumbnails/archives "$scratch/twin"
find "$scratch/twin" -name metadata -exec \
    sed -i 's/fd6856c8-14f2-4562-b4b2-4c33e039f1eb/fd6856c8-14f2-4562-b4b2-4c33e039f1ec/' {} +
report "$data" "$scratch/twin" >"$scratch/got" || wrong "two clocks: status $?"
[ "$(grep -c '"type":"summary".*:clock-' "$scratch/got")" = 2 ] || wrong "two clocks are not two sessions"

# Names of sessions may contain any characters: a line break, a change of the writing direction.
session odd
find "$scratch/odd" -name metadata -exec sed -i 's/"thumb"/"t\\nmb"/; s/"labvm"/"\xe2\x80\xaevm"/' {} +
report "$scratch/odd" >"$scratch/folder" || wrong "an odd name: status $?"
grep -qF '"session":"\\u202evm/t\\x0amb/2026' "$scratch/folder" || wrong "an odd name: $(head -c 80 "$scratch/folder")"
"$SPANMILL" pack --output "$scratch/packed" "$scratch/odd" >/dev/null || wrong "an odd name is not packed"
report "$scratch/packed" >"$scratch/got" || wrong "an odd name, packed: status $?"
cmp -s "$scratch/folder" "$scratch/got" || wrong "an odd name: packed is another report"
rm -rf "$scratch/odd" "$scratch/packed"

# No chunk of a session is usable: a summary reports it, with the name of its folder.
session ruin
find "$scratch/ruin" -name metadata -exec sh -c 'echo nonsense >"$1"' - {} \;
report "$scratch/ruin" >"$scratch/folder"
[ $? = 4 ] || wrong "nothing can be used: not said by --strict"
[ "$(field "$scratch/folder" lost_intervals)" = 4 ] || wrong "nothing can be used: not counted"
grep -q '"session":"/ruin/"' "$scratch/folder" || wrong "nothing can be used: $(head -c 80 "$scratch/folder")"
"$SPANMILL" pack --output "$scratch/packed" "$scratch/ruin" >/dev/null 2>&1
report "$scratch/packed" >"$scratch/got"
cmp -s "$scratch/folder" "$scratch/got" || wrong "nothing can be used: packed is another report"
"$SPANMILL" report "$scratch/ruin" >"$scratch/got" 2>/dev/null
[ $? = 1 ] || wrong "nothing can be used: exit status"
grep -q '4 chunks missing or unreadable' "$scratch/got" || wrong "nothing can be used: not in the tables"
rm -rf "$scratch/ruin" "$scratch/packed"

# Of two chunks with the same number, one is left out with a message; the same one twice is one.
session twin
cp -r "$scratch"/twin/archives/*-1 "$scratch/twin/archives/20261122T230948+0000-20261122T231004+0000-1"
report "$scratch/twin" >"$scratch/got"
[ $? = 4 ] || wrong "two of one number: not said by --strict"
grep -q 'T231004+0000-1: skipped: it is chunk 1 of the same session as' "$scratch/said" || wrong "two of one number: $(cat "$scratch/said")"
rm -rf "$scratch/twin"
report "$data" "$data"/*-2 >"$scratch/got" || wrong "one chunk twice: $?"

# A session that is being recorded is reported as such, from its folder and its archive.
mkdir "$scratch/live"
cp -r "$first/kernel" "$scratch/live"
rm -r "$scratch/live/kernel/index"
stream=$(find "$scratch/live/kernel" -type f ! -name metadata -size +16k | sort | head -n 1)
truncate -s $(($(stat -c %s "$stream") - 3000)) "$stream"
report "$scratch/live" >"$scratch/folder"
[ $? = 4 ] || wrong "still recording: not said by --strict"
grep -q '"cause":"recording".*still being recorded: stop or rotate it' "$scratch/folder" ||
    wrong "still recording: not said"
rm -rf "$scratch/packed"
"$SPANMILL" pack --output "$scratch/packed" "$scratch/live" >/dev/null 2>&1
report "$scratch/packed" >"$scratch/got"
cmp -s "$scratch/folder" "$scratch/got" || wrong "still recording: packed is another report"
rm -rf "$scratch/packed"

# Violations of invariants are detected.
if grep -q SPANMILL_MUTANT "$SPANMILL"; then
    "$SPANMILL" pack --output "$scratch/packed" tests/data/thumbnails >/dev/null
    SPANMILL_MUTANT=no-seam report "$scratch/packed" >"$scratch/got"
    [ $? = 4 ] || wrong "the seam was dropped, and nothing said"
    grep -q '"scope":"event","cause":"seam"' "$scratch/got" || wrong "the seam was dropped: not named"
fi

exit "$failed"
