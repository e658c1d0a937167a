#!/bin/bash
# The list of what is in an image: every installed package once, with all that SPDX 2.3 asks for, and the same
# bytes each time.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
    echo "FAIL: $*"
    exit 1
}

list() {
    deploy/sbom.py --name localhost/spanmill:1.2.3 --version 1.2.3 --time 1700000000
}

cat >"$work/status" <<'END'
Package: libstdc++6
Status: install ok installed
Section: libs
Architecture: amd64
Source: gcc-12 (12.2.0-14)
Version: 1:12.2.0-14+b1
Description: a library
 Package: not-a-package

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1

Package: base-files
Status: install ok installed
Section: admin
Architecture: amd64
Version: 12.4
END
list <"$work/status" >"$work/list"
list <"$work/status" | cmp - "$work/list" || fail 'the same input gives another list'
! list </dev/null >"$work/none" 2>&1 || fail 'an image without packages is listed'

python3 -ISB - "$work/list" <<'END'
import json, re, sys
document = json.load(open(sys.argv[1]))
packages = document["packages"]
names = [each["name"] for each in packages]
assert names == ["localhost/spanmill:1.2.3", "spanmill", "base-files", "libstdc++6"], names
ids = [each["SPDXID"] for each in packages] + [document["SPDXID"]]
assert len(set(ids)) == len(ids) and all(re.fullmatch(r"SPDXRef-[A-Za-z0-9.-]+", each) for each in ids), ids
related = document["relationships"]
assert {each["relatedSpdxElement"] for each in related} == set(ids) - {"SPDXRef-DOCUMENT"}, related
assert document["creationInfo"]["created"] == "2023-11-14T22:13:20Z"
library = packages[3]
assert library["externalRefs"][0]["referenceLocator"] == \
    "pkg:deb/debian/libstdc%2B%2B6@1%3A12.2.0-14%2Bb1?arch=amd64", library
assert library["sourceInfo"] == "built from the source package gcc-12 12.2.0-14", library
for each in packages:
    for key in ("versionInfo", "downloadLocation", "licenseConcluded", "licenseDeclared", "copyrightText"):
        assert each[key], (each["name"], key)
END
echo 'all well'
