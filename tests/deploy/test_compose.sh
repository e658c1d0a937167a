# The compose file: what it starts is confined like the pods of deploy/kubernetes, what it names is there, and its
# settings are supported by the programs.
set -eu

check() {
    python3 - "$1" "$(dirname "$SPANMILL")" <<'END'
import os
import re
import sys
import yaml

wrong = []
made = "deploy/../build/"  # by `make dashboards`
whole = yaml.safe_load(open(sys.argv[1]))
services = whole["services"]
with open("deploy/compose/spanmill.yaml") as file:
    settings = yaml.safe_load(file)
ports = {section["health-listen"].rpartition(":")[2] for section in settings.values()
         if isinstance(section, dict) and "health-listen" in section}
with open("deploy/compose/prometheus.yaml") as file:
    targets = [target for job in yaml.safe_load(file)["scrape_configs"]
               for static in job["static_configs"] for target in static["targets"]]
for target in targets:
    host, _, port = target.partition(":")
    if host not in services or port not in ports:
        wrong.append(f"prometheus scrapes {target}, which there is not")
for name, service in services.items():
    image = service["image"]
    if image.endswith(":latest") or ":" not in image.replace(":-", "").rsplit("/", 1)[-1]:
        wrong.append(f"{name}: {image} is of no version")
    for other in service.get("depends_on", {}):
        if other not in services:
            wrong.append(f"{name} waits for {other}, which there is not")
    for volume in service.get("volumes", []):
        source = re.sub(r"\$\{\w+:-(.*?)\}", r"\1", volume).split(":")[0]
        path = os.path.join("deploy", source)
        if source.startswith(".") and not path.startswith(made) and not os.path.exists(path):
            wrong.append(f"{name} mounts {source}, which there is not")
        if not source.startswith(".") and source not in whole["volumes"]:
            wrong.append(f"{name} mounts the volume {source}, which there is not")
    if "spanmill" not in image:
        continue
    if not os.path.exists(os.path.join(sys.argv[2], service["command"][0])):
        wrong.append(f"{name} runs {service['command'][0]}, which there is not")
    if not any(port in str(service.get("healthcheck", port)) for port in ports):
        wrong.append(f"{name} is asked at another port than it listens to")
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
for change in 's|:3.9.1|:latest|' 's|compose/prometheus.yaml|compose/no.yaml|' 's|spanmill-mapper, --config|mapper, --config|' \
    's|tcp/127.0.0.1/9464|tcp/127.0.0.1/9465|' 's|^  mapper-2:|  mapper-3:|' 's|^  prometheus: {}|  other: {}|'; do
    sed "$change" deploy/compose.yaml >"$work/broken.yaml"
    if check "$work/broken.yaml" >"$work/said"; then
        echo "FAIL: with $change nothing is found"
        exit 1
    fi
done

for program in spanmill-mapper spanmill-reducer spanmill-export; do
    path=$(dirname "$SPANMILL")/$program
    "$path" --config deploy/compose/spanmill.yaml --print-config >"$work/settings"
done
"$SPANMILL" topics create --config deploy/compose/spanmill.yaml --print-config >"$work/settings"
echo "all well"
