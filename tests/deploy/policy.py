"""What is asked of every pod that we ask a cluster to run, and of what is around them.

    policy.py check <RENDERED       says what is against the rules, exits with 1 if anything is
    policy.py topics <RENDERED      prints a line for each setting of the KafkaTopics, sorted
    policy.py job <RENDERED         prints the Job
    policy.py mutants <RENDERED     breaks each rule once, in each pod where it can be broken, and
                                    exits with 1 if a breach is not found by the rule it is of

Needs PyYAML."""
import copy
import sys

import yaml

# Pods may access the node only under these paths.
NODE_WATCHERS = {"spanmill-agent"}
SERVERS = {"Deployment", "StatefulSet", "DaemonSet"}


def pods(documents):
    """(name, kind, pod spec) of each object that creates pods."""
    for document in documents:
        kind = document["kind"]
        spec = document.get("spec", {})
        if kind == "CronJob":
            spec = spec["jobTemplate"]["spec"]
        if kind == "Pod":
            yield document["metadata"]["name"], kind, spec
        elif "template" in spec:
            yield document["metadata"]["name"], kind, spec["template"]["spec"]


def containers(pod):
    return pod.get("initContainers", []) + pod["containers"]


def of_pod(pod, key):
    return pod.get("securityContext", {}).get(key)


def of_container(container, key):
    return container.get("securityContext", {}).get(key)


# ---- rules: each yields what is wrong, given (name, kind, pod) ----

def non_root(name, kind, pod):
    for container in containers(pod):
        effective = of_container(container, "runAsNonRoot")
        if effective is None:
            effective = of_pod(pod, "runAsNonRoot")
        user = of_container(container, "runAsUser")
        if user is None:
            user = of_pod(pod, "runAsUser")
        if effective is not True or not user:
            yield f"{container['name']} may run as root"


def read_only_root(name, kind, pod):
    for container in containers(pod):
        if of_container(container, "readOnlyRootFilesystem") is not True:
            yield f"{container['name']}: its root can be written to"


def no_capabilities(name, kind, pod):
    for container in containers(pod):
        capabilities = of_container(container, "capabilities") or {}
        if capabilities.get("drop") != ["ALL"] or capabilities.get("add"):
            yield f"{container['name']} keeps capabilities"


def no_escalation(name, kind, pod):
    for container in containers(pod):
        if of_container(container, "allowPrivilegeEscalation") is not False:
            yield f"{container['name']} may gain privileges"
        if of_container(container, "privileged"):
            yield f"{container['name']} is privileged"


def seccomp(name, kind, pod):
    for container in containers(pod):
        profile = of_container(container, "seccompProfile") or of_pod(pod, "seccompProfile") or {}
        if profile.get("type") != "RuntimeDefault":
            yield f"{container['name']} may make any system call"


def probes(name, kind, pod):
    if kind not in SERVERS:
        return
    for container in pod["containers"]:
        ports = {port["name"]: port["containerPort"] for port in container.get("ports", [])}
        for probe, path in ("livenessProbe", "/livez"), ("readinessProbe", "/readyz"):
            get = container.get(probe, {}).get("httpGet", {})
            if get.get("path") != path or get.get("port") not in ports:
                yield f"{container['name']}: no {probe} of {path}"


def limits(name, kind, pod):
    for container in containers(pod):
        resources = container.get("resources", {})
        for what in "requests", "limits":
            for resource in "cpu", "memory":
                if resource not in resources.get(what, {}):
                    yield f"{container['name']}: no {resource} in {what}"


def fixed_version(name, kind, pod):
    for container in containers(pod):
        image = container["image"].rsplit("/", 1)[-1]
        if "@sha256:" in image:
            continue
        if ":" not in image or image.endswith(":latest"):
            yield f"{container['name']}: {container['image']} is of no version"


def no_token(name, kind, pod):
    if pod.get("automountServiceAccountToken") is not False or not pod.get("serviceAccountName"):
        yield "gets a token of the API server"


def no_service_variables(name, kind, pod):
    if pod.get("enableServiceLinks") is not False:
        yield "variables of services would be taken for settings"


def own_namespaces(name, kind, pod):
    allowed = {"hostPID"} if name in NODE_WATCHERS else set()
    for key in {"hostPID", "hostIPC", "hostNetwork"} - allowed:
        if pod.get(key):
            yield f"has {key}"


def own_volumes(name, kind, pod):
    for volume in pod.get("volumes", []):
        if "hostPath" in volume and name not in NODE_WATCHERS:
            yield f"volume {volume['name']} is the node's"
        if "persistentVolumeClaim" in volume:
            yield f"volume {volume['name']} outlives the pod"


def time_to_drain(name, kind, pod):
    if kind in SERVERS and pod.get("terminationGracePeriodSeconds", 30) < 30:
        yield "is killed before it has drained"


# The workloads that a change of the phase definitions may restart.
PHASE_USERS = {"spanmill-mapper"}


def phases_of_mappers(name, kind, pod):
    for volume in pod.get("volumes", []):
        mapped = volume.get("configMap", {}).get("name", "").startswith("spanmill-phases")
        if mapped and name not in PHASE_USERS:
            yield f"volume {volume['name']} restarts it when the phases change"


# ---- rules of all documents together ----

def of_kind(documents, *kinds):
    return [document for document in documents if document["kind"] in kinds]


def labels_of(document):
    spec = document["spec"]
    if document["kind"] == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    return spec["template"]["metadata"]["labels"]


def selects(selector, labels):
    return selector and selector.get("matchLabels", {}).items() <= labels.items()


def closed_network(documents):
    for document in of_kind(documents, *SERVERS, "Job", "CronJob"):
        for way in "Ingress", "Egress":
            if not any(way in policy["spec"].get("policyTypes", []) and
                       selects(policy["spec"]["podSelector"], labels_of(document))
                       for policy in of_kind(documents, "NetworkPolicy")):
                yield f"{document['metadata']['name']}: {way} is open"


def disruption_budget(documents):
    for document in of_kind(documents, "Deployment", "StatefulSet"):
        if not any(selects(budget["spec"]["selector"], labels_of(document))
                   for budget in of_kind(documents, "PodDisruptionBudget")):
            yield f"{document['metadata']['name']}: no disruption budget"


def user_for_each_role(documents):
    """A password is in a Secret with the name of the role."""
    for document in of_kind(documents, *SERVERS, "Job", "CronJob"):
        spec = document["spec"]
        pod = (spec["jobTemplate"]["spec"] if "jobTemplate" in spec else spec)["template"]["spec"]
        names = [variable["valueFrom"]["secretKeyRef"]["name"]
                 for variable in first(pod).get("env", [])
                 if variable["name"] == "SPANMILL_KAFKA_SASL_PASSWORD"]
        if names and names != [document["metadata"]["name"]]:
            yield f"{document['metadata']['name']}: has the password of {names}"


ALL_RULES = [closed_network, disruption_budget, user_for_each_role]


# ---- what breaks them: each changes a pod, or returns False if there is nothing to break ----

def first(pod):
    return pod["containers"][0]


def add_volume(pod, volume):
    pod.setdefault("volumes", []).append(volume)


MUTANTS = [
    (non_root, lambda kind, pod: pod["securityContext"].pop("runAsNonRoot")),
    (non_root, lambda kind, pod: pod["securityContext"].update(runAsUser=0)),
    (non_root, lambda kind, pod: first(pod)["securityContext"].update(runAsNonRoot=False)),
    (non_root, lambda kind, pod: pod.update(initContainers=[
        {**copy.deepcopy(first(pod)), "securityContext": {"runAsUser": 0}}])),
    (read_only_root, lambda kind, pod: first(pod)["securityContext"].pop("readOnlyRootFilesystem")),
    (no_capabilities, lambda kind, pod: first(pod)["securityContext"].pop("capabilities")),
    (no_capabilities,
     lambda kind, pod: first(pod)["securityContext"]["capabilities"].update(add=["SYS_ADMIN"])),
    (no_escalation,
     lambda kind, pod: first(pod)["securityContext"].pop("allowPrivilegeEscalation") is False),
    (no_escalation, lambda kind, pod: first(pod)["securityContext"].update(privileged=True)),
    (seccomp, lambda kind, pod: pod["securityContext"].pop("seccompProfile")),
    (seccomp, lambda kind, pod: first(pod)["securityContext"].update(
        seccompProfile={"type": "Unconfined"})),
    (probes, lambda kind, pod: kind in SERVERS and first(pod).pop("livenessProbe")),
    (probes, lambda kind, pod: kind in SERVERS and first(pod).pop("readinessProbe")),
    (probes, lambda kind, pod: kind in SERVERS and first(pod).pop("ports")),
    (probes, lambda kind, pod: kind in SERVERS and
     first(pod)["livenessProbe"]["httpGet"].update(path="/readyz") is None),
    (limits, lambda kind, pod: first(pod)["resources"]["limits"].pop("memory")),
    (limits, lambda kind, pod: first(pod)["resources"]["requests"].pop("cpu")),
    (limits, lambda kind, pod: first(pod).pop("resources")),
    (fixed_version, lambda kind, pod: first(pod).update(image="a.b:5000/spanmill")),
    (fixed_version, lambda kind, pod: first(pod).update(image="spanmill:latest")),
    (no_token, lambda kind, pod: pod.pop("automountServiceAccountToken") is False),
    (no_service_variables, lambda kind, pod: pod.pop("enableServiceLinks") is False),
    (own_namespaces, lambda kind, pod: pod.update(hostNetwork=True)),
    (own_namespaces, lambda kind, pod: kind != "DaemonSet" and pod.update(hostPID=True) is None),
    (own_volumes, lambda kind, pod: kind != "DaemonSet" and
     add_volume(pod, {"name": "x", "hostPath": {"path": "/"}}) is None),
    (own_volumes, lambda kind, pod: add_volume(pod, {"name": "x", "persistentVolumeClaim": {}})),
    (phases_of_mappers, lambda kind, pod: first(pod)["name"] != "mapper" and
     add_volume(pod, {"name": "x", "configMap": {"name": "spanmill-phases-1"}}) is None),
    (time_to_drain, lambda kind, pod: kind in SERVERS and
     pod.update(terminationGracePeriodSeconds=5) is None),
]

def without(kind):
    def remove(documents):
        kept = [document for document in documents if document["kind"] != kind]
        broken = len(kept) < len(documents)
        documents[:] = kept
        return broken
    return remove


def without_egress(documents):
    for policy in of_kind(documents, "NetworkPolicy"):
        policy["spec"]["policyTypes"] = ["Ingress"]


def with_one_password(documents):
    found = False
    for document in of_kind(documents, *SERVERS):
        for variable in first(document["spec"]["template"]["spec"]).get("env", []):
            if variable["name"] == "SPANMILL_KAFKA_SASL_PASSWORD":
                variable["valueFrom"]["secretKeyRef"]["name"] = "spanmill-kafka"
                found = True
    return found


ALL_MUTANTS = [(closed_network, without("NetworkPolicy")), (closed_network, without_egress),
               (disruption_budget, without("PodDisruptionBudget")),
               (user_for_each_role, with_one_password)]

RULES = [non_root, read_only_root, no_capabilities, no_escalation, seccomp, probes, limits,
         fixed_version, no_token, no_service_variables, own_namespaces, own_volumes,
         phases_of_mappers, time_to_drain]


def breaches(documents):
    return [(rule, f"{kind} {name}: {what} ({rule.__name__})")
            for name, kind, pod in pods(documents) for rule in RULES
            for what in rule(name, kind, pod)] + \
           [(rule, f"{what} ({rule.__name__})") for rule in ALL_RULES for what in rule(documents)]


def check(documents):
    found = breaches(documents)
    for _, sentence in found:
        print(sentence)
    count = len(list(pods(documents)))
    print(f"{count} kinds of pods, {len(RULES) + len(ALL_RULES)} rules, {len(found)} breaches")
    return not found and count > 0


def mutants(documents):
    good = True
    tried = 0
    for index, (rule, mutate) in enumerate(MUTANTS):
        for place in range(len(list(pods(documents)))):
            broken = copy.deepcopy(documents)
            name, kind, pod = list(pods(broken))[place]
            if mutate(kind, pod) is False:
                continue
            tried += 1
            if rule not in {found for found, _ in breaches(broken)}:
                print(f"mutant {index} of {rule.__name__}, in {name}, is not found")
                good = False
    for index, (rule, mutate) in enumerate(ALL_MUTANTS):
        broken = copy.deepcopy(documents)
        if mutate(broken) is False:
            continue
        tried += 1
        if rule not in {found for found, _ in breaches(broken)}:
            print(f"mutant {index} of {rule.__name__} is not found")
            good = False
    tested = {rule for rule, _ in MUTANTS + ALL_MUTANTS}
    for rule in set(RULES + ALL_RULES) - tested:
        print(f"{rule.__name__} has no mutant")
        good = False
    print(f"{tried} mutants")
    return good and tried > 0


def topics(documents):
    lines = []
    for topic in of_kind(documents, "KafkaTopic"):
        spec = topic["spec"]
        words = [f"partitions={spec['partitions']}", f"replication={spec['replicas']}"]
        words += [f"{key}={str(value).lower() if isinstance(value, bool) else value}"
                  for key, value in spec["config"].items()]
        lines.append("\n".join(sorted(f"{topic['metadata']['name']} {word}" for word in words)))
    print("\n".join(sorted(lines)))
    return len(lines) > 0


def job(documents):
    print(yaml.safe_dump(of_kind(documents, "Job"), sort_keys=True))
    return True


if __name__ == "__main__":
    actions = {"check": check, "mutants": mutants, "topics": topics, "job": job}
    rendered = [document for document in yaml.safe_load_all(sys.stdin) if document]
    sys.exit(0 if actions[sys.argv[1]](rendered) else 1)
