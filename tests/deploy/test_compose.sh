# The compose file: what it starts is confined like the pods of deploy/kubernetes, and its settings
# are ones that the programs know.
set -eu

check() {
    python3 - "$1" <<'END'
import sys
import yaml

wrong = []
services = yaml.safe_load(open(sys.argv[1]))["services"]
for name, service in services.items():
    image = service["image"]
    if image.endswith(":latest") or ":" not in image.replace(":-", "").rsplit("/", 1)[-1]:
        wrong.append(f"{name}: {image} is of no version")
    if "spanmill" not in image:
        continue
    if service.get("read_only") is not True:
        wrong.append(f"{name}: its root can be written to")
    if service.get("cap_drop") != ["ALL"]:
        wrong.append(f"{name} keeps capabilities")
    if "no-new-privileges:true" not in service.get("security_opt", []):
        wrong.append(f"{name} may gain privileges")
    if service.get("user") or service.get("privileged"):
        wrong.append(f"{name} is not the image's user")
    if service["command"][0] != "spanmill" and "healthcheck" not in service:
        wrong.append(f"{name} has no healthcheck")
if len(services) < 6:
    wrong.append("there is less than a pool")
print("\n".join(wrong))
sys.exit(1 if wrong else 0)
END
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
check deploy/compose.yaml

for line in 'read_only: true' 'cap_drop:' 'security_opt:' 'healthcheck:'; do
    # The first such line, with its block if it is one.
    awk -v line="$line" '
        index($0, line) && !done { done = 1; match($0, /^ */); skip = RLENGTH + 1; next }
        skip { match($0, /^ */); if (RLENGTH >= skip) next; skip = 0 }
        { print }' deploy/compose.yaml >"$work/broken.yaml"
    cmp -s deploy/compose.yaml "$work/broken.yaml" && { echo "FAIL: $line is not there"; exit 1; }
    if check "$work/broken.yaml" >"$work/said"; then
        echo "FAIL: without $line nothing is found"
        exit 1
    fi
done
sed 's|:3.9.1|:latest|' deploy/compose.yaml >"$work/broken.yaml"
if check "$work/broken.yaml" >"$work/said"; then
    echo "FAIL: an image of no version is not found"
    exit 1
fi

for program in spanmill-mapper spanmill-reducer spanmill-export; do
    path=$(dirname "$SPANMILL")/$program
    "$path" --config deploy/compose/spanmill.yaml --print-config >"$work/settings"
done
"$SPANMILL" topics create --config deploy/compose/spanmill.yaml --print-config >"$work/settings"
echo "all well"
