#!/bin/sh
# Builds the image of deploy/Containerfile with buildah, and lists what is in it as an SBOM (SPDX):
# build/image/spanmill-VERSION.spdx.json.
#
#     deploy/image.sh [--local-base] [NAME]
#
# --local-base: from a Debian 12 that mmdebstrap makes of packages, instead of from Debian's image;
# this is also what happens when that image cannot be had. NAME: localhost/spanmill:VERSION.
#
# BUILDAH_FLAGS are added to `buildah build`; by default those that do without privileges of a
# container's own. --no-cache builds all of it again.
#
# All times in the image are that of the commit (SOURCE_DATE_EPOCH): from the same base and the same
# versions of Debian's packages come the same layers.
set -eu
cd "$(dirname "$0")/.."

version=$(sed -n 's/^project(spanmill VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
official=$(sed -n 's/^ARG BASE=//p' deploy/Containerfile)
local_base=localhost/spanmill-base:12
flags=${BUILDAH_FLAGS:---isolation=chroot --network=host}
export STORAGE_DRIVER="${STORAGE_DRIVER:-overlay}"

if [ -z "${SOURCE_DATE_EPOCH-}" ]; then
    SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2>/dev/null || stat -c %Y CHANGELOG.md)
fi
export SOURCE_DATE_EPOCH

say() {
    echo "image: $*" >&2
}

for program in buildah mmdebstrap python3; do
    command -v $program >/dev/null || {
        say "there is no $program: apt-get install buildah mmdebstrap python3"
        exit 1
    }
done

# The smallest Debian with apt.
make_base() {
    buildah inspect --type image $local_base >/dev/null 2>&1 && return
    say "making $local_base with mmdebstrap"
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
    mmdebstrap --quiet --variant=minbase --mode="$([ "$(id -u)" -eq 0 ] && echo root || echo auto)" \
        --aptopt='Acquire::Languages "none"' --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' bookworm "$folder/base.tar"
    printf 'FROM scratch\nADD base.tar /\nCMD ["/bin/sh"]\n' >"$folder/Containerfile"
    buildah build --quiet --timestamp "$SOURCE_DATE_EPOCH" --tag $local_base --file "$folder/Containerfile" "$folder" >/dev/null
}

base=$official
pull=--pull
if [ "${1-}" = --local-base ]; then
    shift
    base=$local_base
elif ! buildah pull --quiet "$official" >/dev/null 2>&1; then
    say "$official cannot be had"
    base=$local_base
fi
if [ "$base" = $local_base ]; then
    make_base
    pull=--pull-never
fi
name=${1:-localhost/spanmill:$version}

# shellcheck disable=SC2086 # words on purpose
buildah build $pull $flags --layers --timestamp "$SOURCE_DATE_EPOCH" --build-arg BASE="$base" --tag "$name" \
    --ignorefile deploy/Containerfile.dockerignore --file deploy/Containerfile .
say "$name, from $base"

container=$(buildah from --pull-never "$name")
mkdir -p build/image
list=build/image/spanmill-$version.spdx.json
buildah run --isolation=chroot "$container" cat /var/lib/dpkg/status |
    deploy/sbom.py --name "$name" --version "$version" --time "$SOURCE_DATE_EPOCH" >"$list" || {
    buildah rm "$container" >/dev/null
    say "no list of what is in it could be made"
    exit 1
}
buildah rm "$container" >/dev/null
say "$list lists $(grep -c '"SPDXID": "SPDXRef-deb-' "$list") packages of Debian"
for layer in $(buildah inspect --type image --format '{{range .OCIv1.RootFS.DiffIDs}}{{.}} {{end}}' "$name"); do
    say "layer $layer"
done
buildah inspect --type image --format '{{.OCIv1.Config.User}}' "$name" | sed 's/^/image: user /' >&2
