"""`spanmill log`: a line for each call, as the report counts them, with the known names."""
import collections
import glob
import json
import os
import re
import shutil
import struct
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from checks import finish, spanmill, wrong  # noqa: E402

TRACE = os.path.join(os.environ["TEST_DATA"], "thumbnails")
LINE = re.compile(
    r"(?P<time>\d\d:\d\d:\d\d\.\d{9}) \[(?P<name>.*?)(?: (?P<tid>\d+))?\] "
    r"(?:<\.\.\. (?P<resumed>\w+) resumed> |(?P<call>\w+)\((?P<args>.*)\) ?)"
    r"(?:= (?P<ret>\S+)(?: (?P<error>E\w+))?(?: \{.*\})?(?: <(?P<took>\d+\.\d{6})>)?|<unfinished \.\.\.>)$")


def run(*arguments, code=0, command="log"):
    out, err = spanmill(command, *arguments, code=code)
    return out.splitlines(), err


def parsed(lines):
    out = []
    for line in lines:
        match = LINE.match(line)
        if match:
            out.append(match)
        else:
            wrong(f"not a line of a call: {line}")
    return out


def rows(*arguments):
    lines, _ = run("--format", "json", *arguments, TRACE, command="report")
    return [json.loads(line) for line in lines]


def calls_of(matches):
    return collections.Counter(m["call"] or m["resumed"] for m in matches)


report = rows()
lines, messages = run("--call", "*", TRACE)
if messages:
    wrong(f"messages: {messages}")
calls = parsed(lines)

# As many lines as calls, by name: complete and half-seen ones.
counted = collections.Counter()
resumed = collections.Counter()
for row in report:
    if row["type"] == "syscall":
        counted[row["syscall"]] += row["count"] + row["begin_unknown"] + row["end_unknown"]
        resumed[row["syscall"]] += row["begin_unknown"]
if calls_of(calls) != +counted:
    wrong(f"lines differ from the report: {calls_of(calls) - counted} {counted - calls_of(calls)}")
if collections.Counter(m["resumed"] for m in calls if m["resumed"]) != +resumed:
    wrong("resumed calls differ from the report")

# Errors and durations are those of the report, too.
errors = collections.Counter()
for row in report:
    if row["type"] == "syscall":
        for name, count in row["errors"].items():
            errors[name] += count
if collections.Counter(m["error"] for m in calls if m["error"] and m["call"]) != errors:
    wrong(f"errors differ from the report: {errors}")

# Names of descriptors: the next calls have the name of the open, until the close.
numbered, _ = run("--call", "*", "--numbers", "--process", "thumbnailer", TRACE)
known, checked = {}, 0
for m in parsed(numbered):
    if not m["call"]:
        continue
    if m["call"] == "openat" and m["ret"].isdigit():
        path = re.search(r'filename = "(.*?)"', m["args"])
        known[m["ret"]] = path[1] if path[1].startswith("/") else None
    used = re.match(r'(\d+) "(.*?)"', m["args"])
    if not used:
        continue
    if m["call"] in ("read", "lseek") and known.get(used[1]):
        checked += known[used[1]] == used[2]
    if m["call"] == "close":
        known.pop(used[1], None)
if checked < 300:
    wrong(f"only {checked} uses of files have the name that they were opened by")
plain, _ = run("--call", "read", "--process", "thumbnailer", TRACE)
if not any(re.search(r'\] read\("/opt/lab/videos/clip\d\.\w+", count = \d+\) = \d+ <', line)
           for line in plain):
    wrong(f"no read by name: {plain[:3]}")

# Filters.
some, _ = run("--failed", TRACE)
if calls_of(parsed(some)) != collections.Counter(m["call"] or m["resumed"] for m in calls
                                                 if m["error"]):
    wrong("--failed: not the calls with errors")
some, _ = run("--error", "ENOENT", TRACE)
if not some or any(" -1 ENOENT" not in line for line in some):
    wrong("--error ENOENT: others are there, or none")
tid = collections.Counter(m["tid"] for m in calls).most_common(1)[0][0]
some, _ = run("--tid", tid, "--call", "*", TRACE)
if [m["time"] for m in parsed(some)] != [m["time"] for m in calls if m["tid"] == tid]:
    wrong("--tid: other lines than those of the whole")
some, _ = run("--call", "*", "--longer", "10ms", TRACE)
if [m["time"] for m in parsed(some)] != [m["time"] for m in calls
                                         if m["took"] and float(m["took"]) >= 0.01]:
    wrong("--longer: other lines than those of the whole")
some, _ = run("--call", "*", "--since", "+20s", "--until", "+22.5s", TRACE)
begin = min(row["begin_ns"] for row in report if row["type"] == "summary")
low, high = begin + 20 * 10**9, begin + 22.5 * 10**9


def of_day(m):
    hours, minutes, seconds = m["time"].split(":")
    whole, part = seconds.split(".")
    return ((int(hours) * 60 + int(minutes)) * 60 + int(whole)) * 10**9 + int(part)


DAY = 86400 * 10**9
window = [m[0] for m in calls if low % DAY <= of_day(m) < high % DAY and m["call"]]
if len(window) < 1000 or [m[0] for m in parsed(some) if m["call"]] != window:
    wrong(f"--since --until: {len(some)} lines, others than those of the whole")

# Other events.
events, _ = run("--event", "sched_process_fork", TRACE)
if not events or not all("sched_process_fork {parent_comm = " in line for line in events):
    wrong(f"--event: {events[:2]}")
events, _ = run(TRACE)
if len(events) <= len(calls):
    wrong("no events of user space beside the calls")

# --cpu: the same lines with the CPU, which is that of the thread's last switch.
idle, _ = run("--event", "sched_waking", TRACE)
if not any(" [idle 0] " in line for line in idle) or any(" [? 0] " in line for line in idle):
    wrong("the idle thread is not named")
some, _ = run("--cpu", "--call", "*", "--event", "sched_switch", TRACE)
with_cpu = [re.match(r"(\S+) \[(\d{3}|---)\] (.*)$", line) for line in some]
if None in with_cpu:
    wrong(f"--cpu: {some[with_cpu.index(None)]}")
without, _ = run("--call", "*", "--event", "sched_switch", TRACE)
if [f"{m[1]} {m[3]}" for m in with_cpu] != without:
    wrong("--cpu: other lines than those without")
on_cpu, moved = {}, 0
for m in sorted(with_cpu, key=lambda m: m[1]):
    switch = re.search(r"next_tid = (\d+)", m[3]) if "] sched_switch {" in m[3] else None
    call = None if switch else re.match(r"\[.*? (\d+)\] \w+\(", m[3])
    if switch:
        on_cpu[m[2]] = switch[1]
    elif call and m[2] in on_cpu and on_cpu[m[2]] != call[1]:
        moved += 1
if moved or len(on_cpu) < 2:
    wrong(f"--cpu: {moved} calls on another CPU than their thread; CPUs: {sorted(on_cpu)}")

# Archives, and any order of chunks.
with tempfile.TemporaryDirectory() as folder:
    run("-o", folder, TRACE, command="pack")
    packed, _ = run("--call", "*", *sorted(os.path.join(folder, name) for name in os.listdir(folder))[::-1])
    if packed != lines:
        wrong("of archives, lines are others")
    run("--call", "*", "-o", os.path.join(folder, "file"), TRACE)
    with open(os.path.join(folder, "file"), encoding="utf-8") as file:
        if file.read().splitlines() != lines:
            wrong("-o: other lines")

_, messages = run("--call", "no-such-call", TRACE)
if "--call: no `no-such-call` in the traces" not in messages:
    wrong(f"no call matches: {messages}")
for arguments, words in ((("--call", "opnat"), "--call: no `opnat` in the traces; the nearest is openat"),
                         (("--process", "thumbnaler"), "--process: no `thumbnaler` in the traces; the nearest is thumbnailer"),
                         (("--event", "no:such"), "--event: no `no:such` in the traces; `spanmill events` lists all events"),
                         (("--event", "sched_swich"), "--event: no `sched_swich` in the traces; the nearest is sched_switch"),
                         (("--tid", "999999"), "no thread 999999 in the traces"),
                         (("--pid", "999999", "--tid", "999998"), "no process 999999 in the traces"),
                         (("--until", "2020-01-01"), "no events until 2020-01-01: the first event is at 2026-11-22 23:09:36")):
    _, messages = run(*arguments, TRACE)
    if words not in messages:
        wrong(f"{arguments}: {messages}")
for error, words in (("ENOSPCC", "--error: unknown `ENOSPCC`; the nearest is ENOSPC"),
                     ("EWOULDBLOCK", "--error: unknown `EWOULDBLOCK`; the nearest is EAGAIN"),
                     ("E5000", "--error: unknown `E5000`\n")):
    _, messages = run("--error", "ENOENT", "--error", error, TRACE, code=2)
    if words not in messages:
        wrong(f"--error {error}: {messages}")
for error in "ENO*", "E515":
    run("--error", error, "--until", "+1s", TRACE)
_, messages = run("/no/such/folder", code=1)
if "/no/such/folder" not in messages:
    wrong(f"a wrong path: {messages}")
run(code=2)
# --phase: exactly the lines within its instances on the thread that began them.
with tempfile.TemporaryDirectory() as folder:
    every = os.path.join(folder, "phases.yaml")
    with open(os.path.join(TRACE, "phases.yaml"), encoding="utf-8") as file:
        text = file.read()
    with open(every, "w", encoding="utf-8") as file:
        file.write(text.replace("match:", "keep: 1000\n    match:"))
    # An end event may end the instances of several threads, or only those of its own.
    others = os.path.join(folder, "others.yaml")
    with open(others, "w", encoding="utf-8") as file:
        file.write("phases:\n")
        for name, match in (("of_any", "[phase]"), ("of_own", "[]")):
            file.write(f"  - {{name: {name}, begin: thumbnailer:phase_begin, "
                       f"end: thumbnailer:phase_end, match: {match}, keep: 1000}}\n")

    def without_fields(lines):
        """The match fields of an event precede its others."""
        return [re.sub(r" \{[^}]*\}$", "", line) for line in lines]
    whole = without_fields(run(TRACE)[0])
    for definitions, phase, path in (
            (every, "request", "request"), (every, "request/decode", "request/decode"),
            (every, "decode", "request/decode"), (every, "re*/send", "request/send"),
            (others, "of_any", "of_any"), (others, "of_own", "of_own")):
        told, _ = run("--phases", definitions, "--format", "json", TRACE, command="report")
        spans = collections.defaultdict(list)
        for line in told:
            each = json.loads(line)
            if each["type"] == "instance" and each["phase"] == path:
                spans[each["tid"]].append((each["begin_ns"], each["end_ns"]))
        lines, _ = run("--phases", definitions, "--phase", phase, TRACE)
        shown = collections.Counter(without_fields(lines))
        day_ns = min(begin for each in spans.values() for begin, _ in each) // (86400 * 10**9)

        def place(line):
            """Thread and time of a line; no thread: unknown."""
            match = re.match(r"(\d\d):(\d\d):(\d\d)\.(\d{9}) \[.*? (\d+)\] ", line)
            if not match:
                return None, 0
            hours, minutes, seconds, ns, tid = (int(part) for part in match.groups())
            day_s = ((day_ns * 24 + hours) * 60 + minutes) * 60 + seconds
            return tid, day_s * 10**9 + ns

        def is_inside(line):
            tid, at = place(line)
            return any(begin <= at <= end for begin, end in spans.get(tid, ()))
        expected = collections.Counter(filter(is_inside, whole))
        if expected - shown or not expected:
            wrong(f"--phase {phase}: {sum((expected - shown).values())} of {sum(expected.values())} "
                  f"lines are missing: {list(expected - shown)[:2]}")
        # Instances without an end are not listed; no other one begins after them on the thread, except
        # where an end ends one of another thread.
        if path == "of_any":
            continue
        last = {tid: max(end for _, end in each) for tid, each in spans.items()}
        for line in shown - expected:
            tid, at = place(line)
            if at <= last.get(tid, 0):
                wrong(f"--phase {phase}: not inside: {line}")
    part, _ = run("--phases", every, "--phase", "request", "--since", "+20s", "--until", "+21s", TRACE)
    all_of_it, _ = run("--since", "+20s", "--until", "+21s", TRACE)
    inside, _ = run("--phases", every, "--phase", "request", TRACE)
    if not part or set(part) != set(all_of_it) & set(inside):
        wrong(f"--phase --since: {len(part)} lines, others than of both")
run("--phase", "request", TRACE, code=2)
run("--since", "never", TRACE, code=2)

def lose_events(folder):
    """Counts ten lost events before each packet of the kernel streams except the first."""
    for path in glob.glob(os.path.join(folder, "archives/*/kernel/*_[0-9]")):
        with open(path, "r+b") as file:
            at, size = 0, os.path.getsize(path)
            while at < size:
                file.seek(at + 56)  # behind header (32), times (16), content size (8)
                packet_bits, number, _ = struct.unpack("<QQQ", file.read(24))
                file.seek(at + 72)
                file.write(struct.pack("<Q", 10 * number))
                at += packet_bits // 8


# After lost events of a CPU, its next switch shows the current thread; calls across the loss are in two halves.
with tempfile.TemporaryDirectory() as folder:
    lossy = os.path.join(folder, "lossy")
    shutil.copytree(TRACE, lossy)
    lose_events(lossy)
    out, _ = run("--format", "json", lossy, command="report")
    counted = collections.Counter()
    borders = 0
    for row in map(json.loads, out):
        if row["type"] == "syscall":
            counted[row["syscall"]] += row["count"]
        elif row["type"] == "summary":
            borders = row["loss_borders"]
    lines, messages = run("--call", "*", lossy)
    known = [m for m in parsed(lines) if m["took"] and m["tid"]]
    if borders < 20 or "events are lost" not in messages:
        wrong(f"{borders} borders: {messages}")
    if calls_of(known) != +counted:
        wrong(f"lossy: lines differ: {calls_of(known) - counted} {counted - calls_of(known)}")
    shown, _ = run("--event", "lost", lossy)
    number = sum(int(re.search(r" lost {events = (\d+), cpu = \d+, domain = \"kernel\"}$", line)[1]) for line in shown)
    if number == 0 or f"{number:,} events are lost" not in messages:
        wrong(f"lossy: --event lost shows {number}: {messages}")
    # The same losses in stories: each is one line, with its number if it has one.
    stories, _ = run("--phases", os.path.join(TRACE, "phases.yaml"), "--slowest", "20", lossy, command="explain")
    lost = [line for line in stories if "lost on CPU" in line]
    if not lost or any(" 0 events are lost" in line or " 0.000000000 " in line for line in lost):
        wrong(f"lossy: losses in stories: {lost}")


METADATA = """/* CTF 1.8 */
typealias integer { size = 32; align = 8; signed = false; } := uint32_t;
typealias integer { size = 32; align = 8; signed = true; } := int32_t;
typealias integer { size = 64; align = 8; signed = true; } := int64_t;
typealias integer { size = 64; align = 8; signed = false; } := uint64_t;
trace { major = 1; minor = 8; byte_order = le;
  packet.header := struct { uint32_t magic; uint32_t stream_id; };
};
env { hostname = "web1"; domain = "kernel"; tracer_name = "lttng-modules"; tracer_major = 2; tracer_minor = 13;
  trace_name = "woken"; trace_creation_datetime = "20260921T142640+0000"; };
clock { name = "monotonic"; uuid = "10111213-1415-1617-1819-1a1b1c1d1e1f"; freq = 1000000000; offset = 0; };
typealias integer { size = 64; align = 8; signed = false; map = clock.monotonic.value; } := clock_t;
stream { id = 0;
  packet.context := struct { clock_t timestamp_begin; clock_t timestamp_end; uint64_t content_size;
    uint64_t packet_size; uint64_t events_discarded; uint32_t cpu_id; };
  event.header := struct { uint32_t id; clock_t timestamp; };
  event.context := struct { int32_t _tid; };
};
event { name = "sched_wakeup"; id = 0; stream_id = 0; fields := struct {
  integer { size = 8; align = 8; signed = false; encoding = UTF8; } _comm[16]; int32_t _tid; int32_t _prio; }; };
event { name = "syscall_entry_close"; id = 1; stream_id = 0; fields := struct { uint32_t _fd; }; };
event { name = "syscall_exit_close"; id = 2; stream_id = 0; fields := struct { int64_t _ret; }; };
"""

# Without switches, a name may be in wakeups only.
with tempfile.TemporaryDirectory() as folder:
    woken = os.path.join(folder, "woken", "kernel")
    os.makedirs(woken)
    with open(os.path.join(woken, "metadata"), "w", encoding="ascii") as file:
        file.write(METADATA)
    events = struct.pack("<IQi16sii", 0, 1000, 7, b"worker", 42, 20) + struct.pack("<IQiI", 1, 2000, 42, 5) + \
        struct.pack("<IQiq", 2, 3000, 42, 0)
    bits = 8 * (8 + 44 + len(events))
    with open(os.path.join(woken, "channel0_0"), "wb") as file:
        file.write(struct.pack("<IIQQQQQI", 0xC1FC1FC1, 0, 1000, 3000, bits, bits, 0, 0) + events)
    lines, _ = run("--process", "worker", os.path.dirname(woken))
    if len(lines) != 1 or "[worker 42] close(fd = 5) = 0" not in lines[0]:
        wrong(f"a name of a wakeup: {lines}")
finish()
