#!/bin/sh
# Tries packages in a fresh Debian that has what they depend on, and looks at them with lintian, if there
# is one. `make packages-test`.
#
#     tests/deploy/fresh_packages.sh FOLDER [RELEASE]
#
# RELEASE: bookworm. Needs mmdebstrap, and root or user namespaces; about a minute, and the packages that
# are downloaded.
set -eu
folder=$(realpath "$1")
release=${2:-bookworm}
here=$(realpath "$(dirname "$0")")

command -v mmdebstrap >/dev/null || {
    echo "fresh_packages: there is no mmdebstrap: apt-get install mmdebstrap" >&2
    exit 77
}

# The changelog has one entry, and services are restarted by systemctl alone: there is no other init.
if command -v lintian >/dev/null; then
    lintian --fail-on error,warning --allow-root \
        --suppress-tags initial-upload-closes-no-bugs,maintainer-script-calls-systemctl \
        "$folder"/*.deb
else
    echo 'fresh_packages: there is no lintian, which would look at the packages'
fi

depends=$(for package in "$folder"/*.deb; do
    dpkg-deb -f "$package" Depends | tr , '\n' | sed 's/^ *\([^ ]*\).*/\1/'
done | sort -u | tr '\n' ,)
sources=$("$here/../../tools/debian-sources.sh" "$release")
echo "$sources" | mmdebstrap --quiet --variant=minbase --mode="$([ "$(id -u)" -eq 0 ] && echo root || echo auto)" \
    --aptopt='Acquire::Retries "3"' --include="${depends}systemd" \
    --customize-hook='mkdir "$1/packages"' \
    --customize-hook="cp '$folder'/*.deb '$here/try_packages.sh' \"\$1/packages/\"" \
    --customize-hook='chroot "$1" /packages/try_packages.sh /packages' \
    --format=null "$release" - ${sources:+-}
