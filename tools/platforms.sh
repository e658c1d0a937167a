#!/bin/bash
# Builds spanmill as it is here, tests it, and makes, checks and tries its packages, all in a chroot of
# another release of Debian. Prints a line a step; docs/PLATFORMS.md has what came of it.
#
#     tools/platforms.sh [RELEASE...]             (trixie testing)
#
# TESTS: what ctest is told, all tests by default; "-R '^mapper/'", or "no" for none. JOBS: 2. FOLDER:
# build/platforms. OLD_MIRROR: see tools/debian-sources.sh. The chroots stay there, with their builds: another run takes minutes. Each has its own
# processes and mounts, which end with this script. Needs mmdebstrap and root; the packages that are
# downloaded are about 500 MB a release.
set -eu
cd "$(dirname "$0")/.."
folder=${FOLDER:-build/platforms}
tests=${TESTS-}
jobs=${JOBS:-2}

say() {
    echo "platforms: $*"
}

if [ "$(id -u)" -ne 0 ] || ! command -v mmdebstrap >/dev/null; then
    say 'skipped: this needs root and mmdebstrap'
    exit 77
fi
mkdir -p "$folder" build/kafka
folder=$(realpath "$folder")

make_chroot() {
    [ ! -e "$root.made" ] || return 0
    rm -rf "$root" || return 1
    sources=$(tools/debian-sources.sh "$release")
    echo "$sources" | mmdebstrap --quiet --variant=minbase --mode=root --aptopt='Acquire::Retries "3"' --dpkgopt=force-unsafe-io \
        --include=ca-certificates "$release" "$root" ${sources:+-} || return 1
    touch "$root.made"
}

# The files tracked by git, with their times, so that a second build is incremental.
copy_sources() {
    mkdir -p "$root/src"
    find "$root/src" -mindepth 1 -maxdepth 1 ! -name build -exec rm -rf {} +
    git ls-files -z | while IFS= read -rd '' file; do
        [ ! -e "$file" ] || printf '%s\0' "$file"
    done | tar --null -T - -cf - | tar -C "$root/src" -xf -
}

# Runs a command in the sources of the chroot. Nothing of it outlives this script.
inside() {
    # shellcheck disable=SC2016 # for the other shell
    unshare --mount --pid --fork --kill-child sh -euc '
        root=$1; shift
        mount --make-rprivate /
        mount --bind "$root" "$root"
        mount -t proc proc "$root/proc"
        mount --rbind /dev "$root/dev"
        mount --rbind /sys "$root/sys"
        mount -t tmpfs tmpfs "$root/run"
        mkdir -p "$root/src/build/kafka"
        mount --bind build/kafka "$root/src/build/kafka"
        for file in resolv.conf hosts; do
            cp /etc/$file "$root/etc/$file"
        done
        cd "$root"
        pivot_root . . # no chroot: in one, tests could make no namespaces of their own
        umount -l .
        cd /src
        exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
            TERM=dumb OLD_MIRROR="${OLD_MIRROR-}" sh -euc "$*"
    ' sh "$root" "$@"
}

#     step NAME FUNCTION... [ARGUMENTS]: with its output in a file; the release ends with the first that fails.
step() {
    name=$1
    shift
    begin=$SECONDS
    if "$@" >"$folder/$release.$name.log" 2>&1 </dev/null; then
        say "$release: $name: done, $((SECONDS - begin)) s"
        return
    fi
    tail -n 40 "$folder/$release.$name.log"
    say "$release: $name: FAILED, see $folder/$release.$name.log"
    return 1
}

versions() {
    # shellcheck disable=SC2016 # for the other shell
    inside 'for package in gcc cmake libbabeltrace2-dev librdkafka-dev lttng-tools liblttng-ust-dev libprotobuf-c-dev; do
        dpkg-query -W -f "\${Package} \${Version}, " $package
    done; java -version 2>&1 | head -n 1'
}

build() { # PRESET, options
    inside "cmake --preset $* --log-level=WARNING && cmake --build --preset $1 -j$jobs"
}

run_tests() {
    if [ "$tests" = no ]; then
        say "$release: tests: skipped, as TESTS=no says"
        return
    fi
    step kafka inside tools/kafka/install.sh || return 1
    code=0
    step tests inside "ctest --preset dev -j$jobs $tests" || code=1
    sed -n '/^[0-9]*% tests passed/,$p' "$folder/$release.tests.log"
    return $code
}

try_release() {
    step chroot make_chroot || return 1
    step sources copy_sources || return 1
    step install inside tools/install-deps.sh --packages || return 1
    say "$release: $(versions)"
    step build build dev || return 1
    code=0
    run_tests || code=1
    step release build release -DSPANMILL_WERROR=ON -DSPANMILL_TESTS=OFF -DSPANMILL_BENCH=OFF &&
        step packages inside tools/packages.sh &&
        step packages-test inside tests/deploy/fresh_packages.sh build/packages "$release" || return 1
    return $code
}

failed=
for release in ${*:-trixie testing}; do
    root=$folder/$release
    try_release || failed="$failed $release"
done
[ -z "$failed" ] || say "failed:$failed"
[ -z "$failed" ]
