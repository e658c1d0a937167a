"""Who ended waits and who ran instead, against a count made from babeltrace2's text; and that they sum to the time
that threads and phases were blocked and runnable."""
import collections
import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from checks import finish, spanmill, wrong  # noqa: E402

DATA = os.path.join(os.environ["TEST_DATA"], "thumbnails")
TRACE = sys.argv[1] if len(sys.argv) > 1 else DATA
PHASES = sys.argv[2] if len(sys.argv) > 2 else os.path.join(DATA, "phases.yaml")
EVENT = re.compile(r"^\[(\d+)\.(\d{9})\] \S+ (sched_switch|sched_wak\w+|irq_\w+_e\w+|timer_hrtimer_expire_\w+): "
                   r"\{ cpu_id = (\d+) \}, \{ (.*) \}$")
FIELD = re.compile(r"(\w+) = (-?\d+)")
LEVELS = {"timer_hrtimer_expire": ("timer", None), "irq_handler": ("irq", "irq"), "irq_softirq": ("softirq", "vec")}
PREEMPTED = 256
SLICES = 32


def events():
    text = subprocess.run(["babeltrace2", "--clock-seconds", "--no-delta", TRACE], check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    for line in text.decode(errors="replace").splitlines():
        found = EVENT.match(line)
        if found:
            fields = {name: int(number) for name, number in FIELD.findall(found[5])}
            yield found[3], int(found[1]) * 10 ** 9 + int(found[2]), int(found[4]), fields


class Machine:
    """Waits of its threads, by the tids of the waiting thread and the other one."""

    def __init__(self):
        self.state = collections.defaultdict(lambda: (None, 0))
        self.current, self.since, self.handlers = {}, {}, collections.defaultdict(dict)
        self.slices = collections.defaultdict(lambda: collections.deque(maxlen=SLICES))
        self.sums = {"waker": collections.Counter(), "ran_instead": collections.Counter()}

    def switch(self, time, cpu, prev, prev_state, following):
        slices = self.slices[cpu]
        if self.current.get(cpu) == prev:
            slices.append((self.since[cpu], ("idle" if prev == 0 else "thread", prev)))
        else:
            slices.clear()
        if prev:
            self.state[prev] = ("runnable" if prev_state in (0, PREEMPTED) else "blocked", time)
        state, since = self.state[following]
        if following and state == "blocked":
            self.sums["waker"][following, "unknown", 0] += time - since
        elif following and state == "runnable":
            until = time
            for begin, had in reversed(slices):
                begin = max(since, begin)
                self.sums["ran_instead"][following, *had] += until - begin
                until = begin
            before = ("earlier" if len(slices) == SLICES else "unknown", 0)
            self.sums["ran_instead"][following, *before] += until - since
        self.state[following] = ("running", time)
        self.current[cpu], self.since[cpu], self.handlers[cpu] = following, time, {}

    def woken(self, time, cpu, tid):
        state, since = self.state[tid]
        if tid and state == "blocked":
            current = self.current.get(cpu)
            by = ("unknown", 0) if current is None else ("idle", 0) if current == 0 else ("thread", current)
            running = self.handlers[cpu]
            by = next(((kind, running[kind]) for kind in ("timer", "irq", "softirq") if kind in running), by)
            self.sums["waker"][tid, *by] += time - since
        if state in ("blocked", None):
            self.state[tid] = ("runnable", time)

    def take(self, name, time, cpu, fields):
        if name == "sched_switch":
            self.switch(time, cpu, fields["prev_tid"], fields["prev_state"], fields["next_tid"])
        elif name.startswith("sched_"):
            self.woken(time, cpu, fields["tid"])
        else:
            family, _, end = name.rpartition("_")
            kind, number = LEVELS[family]
            self.handlers[cpu].pop(kind, None)
            if end == "entry":
                self.handlers[cpu][kind] = fields[number] if number else 0


def check_phase(row, rows):
    """Of a phase whose instances are all complete, and of those nested in it."""
    for kind, part in (("waker", "blocked_ns"), ("ran_instead", "runnable_ns")):
        whole = sum(each["total_ns"] for each in rows if each["type"] == kind and each["pid"] == row["pid"] and
                    (each["phase"] + "/").startswith(row["phase"] + "/"))
        if whole != row[part]:
            wrong(f"phase {row['phase']} of {row['pid']}: {kind} {whole} is not {part} {row[part]}")


machine = Machine()
for event in events():
    machine.take(*event)
objects = [json.loads(line) for line in
           spanmill("report", TRACE, "--phases", PHASES, "--format", "json")[0].splitlines()]
threads = [each for each in objects if each["type"] == "thread"]
pid_of = {each["tid"]: each["pid"] for each in threads}
for kind, part in (("waker", "blocked_ns"), ("ran_instead", "runnable_ns")):
    got, expected = collections.Counter(), collections.Counter()
    for each in objects:
        if each["type"] == kind:
            by = each["by_tid"] if each["by"] == "thread" else each["number"] or 0
            got[each["pid"], each["by"], by] += each["total_ns"]
    for (tid, *by), time in machine.sums[kind].items():
        expected[pid_of[tid], *by] += time
    expected = +expected
    if not expected or not any(by == "thread" for _, by, _ in expected):
        wrong(f"{kind}: nothing is recorded")
    # Only the report has waits without an end.
    for key in sorted({*expected, *got}, key=str):
        if key[1] != "unknown" and expected[key] != got[key]:
            wrong(f"{kind} {key}: {got[key]} is not {expected[key]}")
    for pid in {*pid_of.values()}:
        told = sum(time for key, time in got.items() if key[0] == pid)
        spent = sum(each[part] for each in threads if each["pid"] == pid)
        if told != spent:
            wrong(f"{kind} of {pid}: {told} is not {part} {spent}")
checked = 0
for each in objects:
    if each["type"] == "phase" and each["count"] and not each["begin_unknown"] + each["end_unknown"]:
        below = [row for row in objects if row["type"] == "phase" and row["pid"] == each["pid"] and
                 row["phase"].startswith(each["phase"] + "/")]
        if not any(row["end_unknown"] + row["hopped"] for row in below) and not each["hopped"]:
            check_phase(each, objects)
            checked += 1
if not checked:
    wrong("no phase is whole")
finish()
