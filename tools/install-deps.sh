#!/bin/sh
# Installs with apt what build and tests need (Debian 12, 13 and testing). Quick when everything is there.
#
#     tools/install-deps.sh [--build|--packages|--ci|--dev]
#
# --build: only what the programs are built from; it is kept small, `make demo` needs no more. --packages: also
# what packages are checked with. --ci: also what .ci/run uses. --dev: also what the other presets, `make bench`
# and `make format` use; what this Debian does not have of the last two is left out, and named.
#
# one|other: the first of them that is installed, else the first that this Debian has.
set -eu

packages='gcc libc6-dev make cmake ninja-build pkg-config linux-libc-dev
    libbabeltrace2-dev libprotobuf-c-dev protobuf-c-compiler libzstd-dev libyaml-dev
    librdkafka-dev liblttng-ctl-dev libmicrohttpd-dev libxxhash-dev libjansson-dev
    libcurl4-openssl-dev libsnappy-dev zlib1g-dev libpq-dev'
packages_test='build-essential libcriterion-dev liblttng-ust-dev lttng-tools babeltrace2 zstd
    openjdk-17-jre-headless|openjdk-21-jre-headless|default-jre-headless maven kcat curl prometheus postgresql
    python3-yaml systemd protobuf-compiler python3-confluent-kafka python3-protobuf adduser'
packages_packages='lintian mmdebstrap'
packages_ci='clang-14 clang-format-14 libclang-rt-14-dev'
packages_dev="clang-tidy-14 lld valgrind linux-perf lcov mandoc shellcheck time $packages_packages
    python3-lttnganalyses"

# The tests render the Kubernetes manifests: with kubectl or kustomize, which Debian 12 does not have,
# else with one that tools/kustomize.sh builds.
for program in kubectl kustomize go; do
    ! command -v $program >/dev/null 2>&1 || break
    [ $program != go ] || packages_test="$packages_test kustomize|golang-go ca-certificates"
done

case "${1-}" in
'') packages="$packages $packages_test" ;;
--build) ;;
--packages) packages="$packages $packages_test $packages_packages" ;;
--ci) packages="$packages $packages_test $packages_ci" ;;
--dev) packages="$packages $packages_test $packages_ci $packages_dev" ;;
*)
    echo "usage: $0 [--build|--packages|--ci|--dev]" >&2
    exit 2
    ;;
esac

say() {
    echo "install-deps: $*" >&2
}

is_installed() {
    for name in $(echo "$1" | tr '|' ' '); do
        state=$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null || true)
        [ "$state" != installed ] || return 0
    done
    return 1
}

# Prints the first alternative of one|other that apt can install.
choose() {
    for name in $(echo "$1" | tr '|' ' '); do
        case $(LC_ALL=C apt-cache policy "$name" | sed -n 's/^  Candidate: //p') in
        '' | '(none)') ;;
        *) echo "$name" && return ;;
        esac
    done
}

missing=
if command -v dpkg-query >/dev/null 2>&1; then
    for package in $packages; do
        is_installed "$package" || missing="$missing $package"
    done
else
    say "this is no Debian; going on in the hope that all is here. By their names there: $packages"
    exit 0
fi
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -eq 0 ]; then
    as_root=
elif command -v sudo >/dev/null 2>&1; then
    as_root='sudo --preserve-env=DEBIAN_FRONTEND'
    # Without a terminal, a password cannot be typed.
    [ -t 0 ] || as_root="$as_root -n"
else
    say "not root, and no sudo. Ask somebody who may: apt-get install$missing"
    exit 1
fi

export DEBIAN_FRONTEND=noninteractive
say "installing$missing"

# Mirrors fail temporarily.
for pause in 2 5 15 0; do
    $as_root apt-get update -q >/dev/null && break
    [ "$pause" -ne 0 ] || say "apt-get update fails; trying with the lists as they are"
    sleep "$pause"
done

chosen=
for package in $missing; do
    name=$(choose "$package")
    if [ -n "$name" ]; then
        chosen="$chosen $name"
        continue
    fi
    say "this release has no $package"
    echo $packages_ci $packages_dev | tr ' ' '\n' | grep -qxF "$package" || exit 1
done
[ -n "$chosen" ] || exit 0

# Slim images have no folder for the link that the Java package makes to its man page.
[ -d /usr/share/man/man1 ] || $as_root mkdir -p /usr/share/man/man1

# Tests create their own database: installing the package must neither create nor start one.
no_main=/etc/postgresql-common/createcluster.d/no-main.conf
if [ ! -e /etc/postgresql-common ]; then
    $as_root mkdir -p "${no_main%/*}"
    echo 'create_main_cluster = false' | $as_root tee "$no_main" >/dev/null
    # shellcheck disable=SC2064 # now
    trap "$as_root rm -f $no_main" EXIT
fi

# shellcheck disable=SC2086 # words on purpose
if ! $as_root apt-get install -q -y --no-install-recommends -o DPkg::Lock::Timeout=120 \
    -o Acquire::Retries=3 $chosen </dev/null >&2; then
    say "apt-get could not install$chosen"
    exit 1
fi
