"""--since and --until: parts of a time add up to the whole, and all formats of a time are equivalent."""
import collections
import datetime
import json
import os
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from checks import finish, spanmill, wrong  # noqa: E402

TRACE = os.path.join(os.environ["TEST_DATA"], "thumbnails")
PHASES = ["--phases", os.path.join(TRACE, "phases.yaml")]
KEYS = {"syscall": ("pid", "phase", "syscall"), "phase": ("pid", "phase"),
        "file": ("pid", "phase", "name", "kind"), "cpu": ("cpu",), "sched": ("tid", "begin_ns"),
        "softirq": ("cpu", "vec", "name")}


def run(command, *arguments, code=0, zone="UTC"):
    return spanmill(command, *arguments, code=code, zone=zone)[0]


def report(*arguments, trace=TRACE):
    return [json.loads(line) for line in
            run("report", trace, *PHASES, "--format", "json", *arguments).splitlines()]


def is_sum(name):
    """Numbers that add up: no minimum, maximum, quantile, or time; a cut adds halves."""
    return not name.startswith(("min_", "max_", "p50_", "p99_", "slowest", "begin_", "end_")) and \
        not name.endswith(("_unknown", "pid", "fd"))


def sums(objects, kind):
    rows = collections.defaultdict(collections.Counter)
    for each in objects:
        if each["type"] == kind:
            key = tuple(each.get(name) for name in KEYS[kind])
            for name, value in each.items():
                if isinstance(value, int) and name not in KEYS[kind] and is_sum(name):
                    rows[key][name] += value
    return {key: +row for key, row in rows.items() if +row}


def check_sum(whole, parts, what):
    for kind in KEYS:
        expected, got = sums(whole, kind), collections.defaultdict(collections.Counter)
        for part in parts:
            for key, row in sums(part, kind).items():
                got[key].update(row)
        if not expected:
            wrong(f"there is no {kind}")
        different = [key for key in {*expected, *got} if expected.get(key) != +got[key]]
        for key in different[:2]:
            wrong(f"{what}: {kind} {key}: {expected.get(key)} is not {+got[key]}")
    names = {(each["tid"], each["begin_ns"]): (each["name"], each["pid"])
             for each in whole if each["type"] == "thread"}
    for each in parts[-1]:
        if each["type"] == "thread":
            known = names.get((each["tid"], each["begin_ns"]))
            if known != (each["name"], each["pid"]):
                wrong(f"{what}: thread {each} is {known} in the whole")
    events = [sum(each["events"] for each in part if each["type"] == "summary") for part in parts]
    if sum(events) != whole[0]["events"] or 0 in events:
        wrong(f"{what}: {events} of {whole[0]['events']} events")


def at(objects, seconds):
    """A time this long after the first event, to the nanosecond."""
    ns = objects[0]["begin_ns"] + int(seconds * 1e9)
    return f"{ns // 10**9}.{ns % 10**9:09}"


# State before the window is known as in the whole trace: parts of the time add up to it. The first cut is at a time
# when the current thread of each CPU is not known yet, others are in chunks and in their seams.
whole = report()
for cuts in ([0.1], [1], [10.5], [25], [40], [69], [12, 13], [20, 30, 50]):
    borders = [None, *cuts, None]
    parts = []
    for begin, end in zip(borders, borders[1:]):
        asked = ["--since", at(whole, begin)] if begin else []
        parts.append(report(*asked, *(["--until", at(whole, end)] if end else [])))
    check_sum(whole, parts, f"cut at {cuts}")

# Archives give the same results as folders, with any number of threads.
with tempfile.TemporaryDirectory() as folder:
    run("pack", "-o", folder, TRACE)
    part = report("--since", "+20s", "--until", "+35s", "-j1")
    if report("--since", "+20s", "--until", "+35s", "-j4", trace=folder) != part:
        wrong("archives: another report than of folders")

# A phase that began before has its begin and its parent.
late = report("--since", "+60s")
begins = [each["begin_ns"] for each in late if each["type"] == "instance"]
if not any(begin < late[0]["begin_ns"] for begin in begins):
    wrong("no instance that began before --since")
if not any("/" in each["phase"] for each in late if each["type"] == "phase"):
    wrong("no phase with its parent")

# Threads that ended before the window are named where they ran before, or woke a thread, as in the whole.
def unnamed(objects):
    waits = [each for each in objects if each["type"] in ("waker", "ran_instead")]
    for each in objects:
        if each["type"] == "instance":
            waits += each["woken_by"] + each["ran_instead"]
    return sum(each["by"] == "thread" and not each["by_name"] for each in waits), len(waits)


by_window = [unnamed(report("--since", f"+{second}s", "--until", f"+{second + 2}s")) for second in range(1, 60, 6)]
if unnamed(whole)[0] or any(count for count, _ in by_window) or not sum(count for _, count in by_window):
    wrong(f"threads without a name in windows: {by_window}")

# Formats of a time.
first_ns, last_ns = whole[0]["begin_ns"], whole[0]["end_ns"]
moment = (first_ns // 10**9 + 30) * 10**9
utc = datetime.datetime.fromtimestamp(moment // 10**9, datetime.timezone.utc)
expected = report("--since", str(moment // 10**9))
east = utc + datetime.timedelta(hours=1, minutes=30)
for zone, text in (("UTC", utc.strftime("%Y-%m-%dT%H:%M:%S")), ("UTC", utc.strftime("%H:%M:%S")),
                   ("UTC", utc.strftime("%Y-%m-%d %H:%M:%S.0Z")),
                   ("EST5", utc.strftime("%Y-%m-%dT%H:%M:%SZ")),
                   ("EST5", east.strftime("%Y-%m-%d %H:%M:%S+01:30")),
                   ("EST5", east.strftime("%Y-%m-%d %H:%M:%S +0130")),
                   ("ABC-1:30", east.strftime("%Y-%m-%d %H:%M:%S")),
                   ("UTC", f"last {last_ns - moment}ns"), ("UTC", f"{last_ns - moment}ns"),
                   ("UTC", f"+{moment - first_ns}ns")):
    got = [json.loads(line) for line in
           run("report", TRACE, *PHASES, "--format", "json", "--since", text, zone=zone).splitlines()]
    if got != expected:
        wrong(f"--since `{text}` in {zone}: {got[0]['begin_ns']}, not {expected[0]['begin_ns']}")
minute = utc.replace(second=0)
if run("log", TRACE, "--since", minute.strftime("%H:%M")) != \
        run("log", TRACE, "--since", minute.strftime("%Y-%m-%dT%H:%M:00Z")):
    wrong("log: hours and minutes are another time")
for text in ("yesterday", "2026-13-01", "2026-02-30", "2026-11-22T25:00", "2026-11-22T10", "5 parsecs",
             "2026-11-22T10:00+99"):
    run("report", TRACE, "--since", text, code=2)
run("report", TRACE, "--since", "5s", "--until", "10s", code=2)

# explain: the slowest instances that ended in the window.
told = run("explain", TRACE, *PHASES, "--since", "+20s", "--until", "+25s")
instances = [each for each in report("--since", "+20s", "--until", "+25s")
             if each["type"] == "instance" and "/" not in each["phase"] and each["tid"] is not None]
slowest = max(instances, key=lambda each: each["total_ns"])
if f"instance {slowest['id']} " not in told or f"(tid {slowest['tid']})" not in told:
    wrong(f"explain --since: not {slowest['id']}:\n{told[:200]}")
finish()
