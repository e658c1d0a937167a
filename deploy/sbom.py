#!/usr/bin/env python3
"""Lists what is in the image as an SBOM: SPDX 2.3, as JSON, on standard output.

    deploy/sbom.py --name IMAGE --version VERSION --time SECONDS <STATUS

STATUS is /var/lib/dpkg/status of the image. SECONDS since 1970 is when the list was made, as it says. The
same input gives the same bytes.
"""
import argparse
import hashlib
import json
import re
import sys
import time


def installed(text):
    """The packages of a dpkg status file, as their fields, by name."""
    packages = []
    for paragraph in text.split("\n\n"):
        fields = dict(re.findall(r"^([A-Za-z-]+): *(.*)$", paragraph, re.MULTILINE))
        if fields.get("Status", "").endswith(" installed"):
            packages.append(fields)
    return sorted(packages, key=lambda fields: (fields["Package"], fields["Architecture"]))


def identifier(*parts):
    """SPDX allows letters, digits, dots and hyphens."""
    return "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]", "-", "-".join(parts))


def package(spdx_id, name, version, **more):
    """The fields that SPDX requires for each; NOASSERTION if unknown."""
    return {"SPDXID": spdx_id, "name": name, "versionInfo": version, "filesAnalyzed": False,
            "downloadLocation": "NOASSERTION", "licenseConcluded": "NOASSERTION",
            "licenseDeclared": "NOASSERTION", "copyrightText": "NOASSERTION", **more}


def debian_package(fields):
    name, version, architecture = (fields[key] for key in ("Package", "Version", "Architecture"))
    source = re.match(r"(\S+)(?: \((.*)\))?", fields.get("Source", name))
    escaped = version.replace("%", "%25").replace("+", "%2B").replace(":", "%3A")
    return package(
        identifier("deb", name, architecture), name, version,
        supplier="Organization: Debian",
        sourceInfo=f"built from the source package {source[1]} {source[2] or version}",
        comment=f"licences: /usr/share/doc/{name}/copyright in the image",
        primaryPackagePurpose="LIBRARY" if fields.get("Section") == "libs" else "APPLICATION",
        externalRefs=[{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
                       "referenceLocator": f"pkg:deb/debian/{name.replace('+', '%2B')}@{escaped}"
                                           f"?arch={architecture}"}])


def document(name, version, seconds, packages):
    image = package("SPDXRef-image", name, version, primaryPackagePurpose="CONTAINER")
    own = package("SPDXRef-spanmill", "spanmill", version, licenseConcluded="MIT",
                  licenseDeclared="MIT", primaryPackagePurpose="APPLICATION",
                  supplier="Organization: spanmill developers")
    inside = [own] + [debian_package(fields) for fields in packages]
    digest = hashlib.sha256(json.dumps([image, inside], sort_keys=True).encode()).hexdigest()
    return {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": name,
        "documentNamespace": f"https://spanmill.invalid/spdx/spanmill-{version}-{digest[:32]}",
        "creationInfo": {
            "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds)),
            "creators": [f"Tool: spanmill-sbom-{version}"]},
        "packages": [image] + inside,
        "relationships": [
            {"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES",
             "relatedSpdxElement": "SPDXRef-image"}] + [
            {"spdxElementId": "SPDXRef-image", "relationshipType": "CONTAINS",
             "relatedSpdxElement": each["SPDXID"]} for each in inside]}


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--name", required=True)
    parser.add_argument("--version", required=True)
    parser.add_argument("--time", required=True, type=int)
    options = parser.parse_args()
    packages = installed(sys.stdin.read())
    if not packages:
        sys.exit("sbom: standard input has no installed package: it should be /var/lib/dpkg/status")
    json.dump(document(options.name, options.version, options.time, packages), sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
