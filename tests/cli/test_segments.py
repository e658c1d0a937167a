"""segments: queued and parallel time of requests, and what an uncut and a cut report say of them, are what their
events come to, as `log` tells these; their parts sum to their duration."""
import collections
import json
import os
import re
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from checks import finish, spanmill, wrong  # noqa: E402

PARTS = ("user_cpu_ns", "sys_cpu_ns", "runnable_ns", "blocked_ns", "unknown_ns", "queued_ns")
LINE = re.compile(r"(\d+):(\d+):(\d+)\.(\d{9}) \[(.*) (\d+)\] (\S+) \{(.*)\}")


def events(trace, pattern):
    """Time, tid, name and the text of the fields of each, in order."""
    for line in spanmill("log", trace, "--event", pattern)[0].splitlines():
        found = LINE.match(line)
        if found:
            hour, minute, second, ns, _, tid, name, fields = found.groups()
            time = ((int(hour) * 60 + int(minute)) * 60 + int(second)) * 1000000000 + int(ns)
            values = dict(part.split(" = ", 1) for part in fields.split(", ") if " = " in part)
            yield time, int(tid), name.split(":")[1], values


class Request:
    def __init__(self, begin):
        self.begin = begin
        self.open = {}  # (values) -> begins of segments
        self.running, self.since, self.busy, self.span = 0, 0, 0, 0

    def step(self, time, by):
        if self.running == 0:
            self.since = time
        self.running += by
        if self.running == 0:
            self.busy += time - self.since


def sums(trace, provider):
    """The sums of requests, by the process of the tid because `pid` is unknown: here, each id belongs to one
    process at a time."""
    requests, total = {}, collections.Counter()
    for time, _, name, values in events(trace, provider + ":*"):
        key = values.get("id")
        if name == "request_begin":
            requests[key] = Request(time)
        elif key not in requests:
            continue
        elif name == "phase_begin":
            requests[key].open.setdefault(values["phase"], []).append(time)
            requests[key].step(time, 1)
        elif name == "phase_end" and requests[key].open.get(values["phase"]):
            requests[key].span += time - requests[key].open[values["phase"]].pop()
            requests[key].step(time, -1)
        elif name == "request_end":
            one = requests.pop(key)
            for begin in (begin for begins in one.open.values() for begin in begins):
                one.span += time - begin
                one.step(time, -1)
            total.update(count=1, total_ns=time - one.begin, queued_ns=time - one.begin - one.busy,
                         parallel_ns=one.span - one.busy)
    return total


def check_waits(requests):
    """The wakers of a request, and who ran instead, sum to its blocked and runnable time, unless the list is full."""
    for row in requests:
        for waits, part in (("woken_by", "blocked_ns"), ("ran_instead", "runnable_ns")):
            told = sum(each["total_ns"] for each in row[waits])
            if told > row[part] or (told < row[part] and len(row[waits]) < 8):
                wrong(f"{waits}: {told}, {part} is {row[part]}: {row}")
    if any(row["blocked_ns"] for row in requests) and not any(row["woken_by"] for row in requests):
        wrong("no request has wakers")


def check_explained(trace, definitions):
    """What woke a request most woke one of its segments, whose lines name it."""
    text = spanmill("explain", trace, "--definitions", definitions, "--of", "request")[0]
    header, _, tree = text.partition("\nAfter ")
    told = re.search(r"^blocked, woken by: (.*?) [0-9.]+ \w+(,|$)", header, re.M)
    segments = [line for line in tree.splitlines() if "; blocked, woken by:" in line]
    if not told or not any(told[1] in line for line in segments):
        wrong(f"no segment names what woke it: {header}\n{segments}")


def check(trace, provider):
    with tempfile.TemporaryDirectory() as scratch:
        definitions = os.path.join(scratch, "segments.yaml")
        with open(definitions, "w", encoding="utf-8") as file:
            file.write(f"""phases:
  - {{name: request, begin: '{provider}:request_begin', end: '{provider}:request_end', match: [id],
     segments: $phase}}
  - {{name: $phase, begin: '{provider}:phase_begin', end: '{provider}:phase_end', match: [id, phase]}}
""")
        rows = [json.loads(line) for line in spanmill(
            "report", trace, "--definitions", definitions, "--format", "json")[0].splitlines()]
        if provider == "thumbnailer":
            check_explained(trace, definitions)
    found = collections.Counter()
    check_waits([row for row in rows if row["type"] == "instance" and row["phase"] == "request"])
    for row in rows:
        if row["type"] not in ("phase", "instance") or not row["total_ns"]:
            continue
        if sum(row[part] for part in PARTS) - row["parallel_ns"] != row["total_ns"]:
            wrong(f"parts do not add up: {row}")
        if row["type"] == "phase" and row["phase"] == "request":
            found.update({name: row[name] for name in ("count", "total_ns", "queued_ns", "parallel_ns")})
    expected = sums(trace, provider)
    if found != expected or expected["count"] == 0:
        wrong(f"{trace}: {dict(found)}, and {dict(expected)} is expected")


check(os.path.join(os.environ["TEST_DATA"], "thumbnails"), "thumbnailer")
hopping = os.path.join(os.environ.get("SPANMILL_RECORDINGS", ""), "U2", "trace")
if os.environ.get("SPANMILL_RECORDINGS") and os.path.isdir(hopping):
    check(hopping, "shop")
finish()
