#!/bin/sh
# Makes the Debian packages of a build, the same bytes each time for the same sources.
#
#     tools/packages.sh [BUILD [FOLDER]]
#
# BUILD: build/release, which is built already. FOLDER: build/packages; other packages in it are deleted.
# The version is that of CMakeLists.txt for a commit with its tag, vVERSION, and for what is not in git;
# else VERSION+gitDATE.COMMIT, followed by .changed if files were changed since the commit.
set -eu
cd "$(dirname "$0")/.."
build=${1:-build/release}
folder=${2:-build/packages}
umask 022

for program in dpkg-shlibdeps gzip; do
    command -v $program >/dev/null || {
        echo "packages: there is no $program: apt-get install dpkg-dev gzip" >&2
        exit 1
    }
done

version=$(sed -n 's/^project(spanmill VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
if commit=$(git rev-parse --short=9 HEAD 2>/dev/null); then
    : "${SOURCE_DATE_EPOCH:=$(git log -1 --format=%ct)}"
    changed=$(git status --porcelain --untracked-files=no)
    if [ "$(git tag --points-at HEAD --list "v$version")" != "v$version" ] || [ -n "$changed" ]; then
        version=$version+git$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y%m%d.%H%M).$commit${changed:+.changed}
    fi
else
    : "${SOURCE_DATE_EPOCH:=$(stat -c %Y CHANGELOG.md)}"
fi
export SOURCE_DATE_EPOCH

mkdir -p "$folder"
rm -rf "$folder"/*.deb "$folder"/_CPack_Packages
cpack --config "$build/CPackConfig.cmake" -B "$(realpath "$folder")" \
    -D CPACK_PACKAGE_VERSION="$version" >"$folder/cpack.log" 2>&1 || {
    cat "$folder/cpack.log" >&2
    exit 1
}
rm -rf "$folder"/_CPack_Packages "$folder"/cpack.log
ls "$folder"/*.deb
