"""`--perfetto` of report and explain: the timeline equals the report."""
import bisect
import collections
import json
import os
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from checks import finish, spanmill, wrong  # noqa: E402
from perfetto_trace import Trace  # noqa: E402

NOBODY = 2**31 - 1  # who runs where nobody knows


def timeline(folder, *arguments, command="report"):
    path = os.path.join(folder, "timeline")
    out, said = spanmill(command, *arguments, "--perfetto", path)
    with open(path, "rb") as file:
        data = file.read()
    check_by_published_schema(data)
    return Trace(data), out, said


def check_by_published_schema(data):
    """By the descriptors that Perfetto publishes, if they are installed."""
    try:
        from perfetto.protos.perfetto.trace import perfetto_trace_pb2
        from google.protobuf import unknown_fields
    except ImportError:
        print("skipped: the package perfetto of Python is not installed")
        return
    trace = perfetto_trace_pb2.Trace.FromString(data)

    def check(message):
        if len(unknown_fields.UnknownFieldSet(message)):
            wrong(f"fields that {message.DESCRIPTOR.name} does not have")
        for field, value in message.ListFields():
            if field.type == field.TYPE_MESSAGE:
                for item in [value] if hasattr(value, "ListFields") else value:
                    check(item)

    check(trace)


def cut(intervals, begin, end):
    """The parts of ordered intervals without overlap within that time."""
    at = max(0, bisect.bisect(intervals, (begin, begin)) - 1)
    while at < len(intervals) and intervals[at][0] < end:
        b, e = max(intervals[at][0], begin), min(intervals[at][1], end)
        if b < e:
            yield b, e
        at += 1


def in_between(intervals, begin, end):
    return sum(e - b for b, e in cut(intervals, begin, end))


class States:
    """Of each thread, as the trace processor derives them from switches and wakeups: runs, runnable,
    blocked."""

    def __init__(self, trace, end):
        self.at = collections.defaultdict(lambda: collections.defaultdict(list))
        self.runs, self.latencies = [], collections.Counter()
        state, since, current = collections.defaultdict(lambda: "unknown"), {}, {}
        woken = {}

        def change(tid, to, at):
            if tid in since and at > since[tid]:
                self.at[tid][state[tid]].append((since[tid], at))
            state[tid], since[tid] = to, at

        events = sorted([(e.at, e) for e in trace.switches] + [(e.at, e) for e in trace.wakings], key=lambda e: e[0])
        for at, event in events:
            if hasattr(event, "waker"):
                change(event.tid, "runnable", at)
                woken[event.tid] = at
                continue
            if event.cpu in current and current[event.cpu][0] != event.prev:
                wrong(f"CPU {event.cpu} at {at}: a switch from {event.prev}, not {current[event.cpu]}")
            if event.cpu in current:
                tid, begin, whole = current[event.cpu]
                if whole and event.state != 128 and tid not in (0, NOBODY):
                    self.runs.append((tid, event.cpu, at - begin))
            for tid, to in ((event.prev, {0: "runnable", 128: "unknown", 16: "unknown"}.get(event.state, "blocked")),
                            (event.next, "running")):
                if tid not in (0, NOBODY):
                    change(tid, to, at)
            if event.next in woken and event.state != 128:
                self.latencies[event.next] += 1
            woken.pop(event.next, None)
            current[event.cpu] = (event.next, at, event.state != 128)
        for tid in list(since):
            change(tid, "unknown", end)


def rows_of(text, kind):
    return [row for row in map(json.loads, text.splitlines()) if row["type"] == kind]


def is_whole(slice_):
    return (slice_.notes.get("begin") != "before" and slice_.ended.get("end") != "not seen"
            and "counted" not in slice_.ended)


def pieces(trace, category):
    """Slices of that kind, with their parts joined."""
    out, parts = [], {}
    for s in sorted((s for s in trace.slices if s.category == category), key=lambda s: s.notes.get("part", 1)):
        last = parts.pop((s.track, s.name, s.notes["part"] - 1, s.begin), None) if "part" in s.notes else None
        if "part" in s.notes and not last:
            wrong(f"a part without the one before: {s}")
        whole = s._replace(begin=last.begin, notes=last.notes) if last else s
        if s.ended.get("end") == "goes on":
            parts[s.track, s.name, s.notes.get("part", 1), s.end] = whole
        else:
            out.append(whole)
    if parts:
        wrong(f"parts without the next: {len(parts)}")
    return out


def check_equal(what, seen, counted):
    if seen == counted:
        return
    for key in list((seen.keys() | counted.keys()))[:2000]:
        if seen.get(key) != counted.get(key):
            wrong(f"{what} {key}: {seen.get(key)} in the timeline, {counted.get(key)} in the report")
            return


def check_calls(trace, report):
    seen, counted = collections.defaultdict(lambda: [0, 0]), collections.defaultdict(lambda: [0, 0])
    for s in pieces(trace, "syscall"):
        if is_whole(s):
            pid = (trace.thread_of(s.track) or {}).get("pid")
            seen[pid, s.name][0] += 1
            seen[pid, s.name][1] += s.end - s.begin
    for row in rows_of(report, "syscall"):
        if row["count"] > 0:
            counted[row["pid"], row["syscall"]][0] += row["count"]
            counted[row["pid"], row["syscall"]][1] += row["total_ns"]
    check_equal("calls", dict(seen), dict(counted))
    return sum(count for count, _ in seen.values())


def check_phases(trace, report, states):
    calls = collections.defaultdict(list)
    for s in pieces(trace, "syscall"):
        thread = trace.thread_of(s.track)
        calls[thread and thread["tid"]].append((s.begin, s.end))
    for intervals in calls.values():
        intervals.sort()
    seen = collections.defaultdict(collections.Counter)
    for s in pieces(trace, "phase"):
        if not is_whole(s):
            continue
        thread = trace.thread_of(s.track)
        row, at = seen[thread["pid"], s.notes["phase_path"]], states.at[thread["tid"]]
        row["count"] += 1
        row["total_ns"] += s.end - s.begin
        for state in ("runnable", "blocked"):
            row[f"{state}_ns"] += in_between(at[state], s.begin, s.end)
        for b, e in cut(at["running"], s.begin, s.end):
            inside = in_between(calls[thread["tid"]], b, e)
            row["sys_cpu_ns"] += inside
            row["user_cpu_ns"] += e - b - inside
        row["unknown_ns"] = row["total_ns"] - sum(row[f"{s}_ns"] for s in ("user_cpu", "sys_cpu", "runnable", "blocked"))
    counted = {}
    for row in rows_of(report, "phase"):
        if row["count"] > 0:
            counted[row["pid"], row["phase"]] = collections.Counter(
                {name: row[name] for name in ("count", "total_ns", "user_cpu_ns", "sys_cpu_ns", "runnable_ns",
                                              "blocked_ns", "unknown_ns")})
    check_equal("phase", {k: +v for k, v in seen.items()}, {k: +v for k, v in counted.items()})
    return sum(row["count"] for row in seen.values())


def check_scheduling(report, states):
    seen, counted = collections.Counter(), collections.Counter()
    for tid, _, took in states.runs:
        seen[tid] += took
    for row in rows_of(report, "thread"):
        counted[row["tid"]] += row["cpu_ns"]
    check_equal("CPU time of thread", +seen, +counted)
    busy = collections.Counter()
    for _, cpu, took in states.runs:
        busy[cpu] += took
    check_equal("time of CPU", +busy, +collections.Counter({row["cpu"]: row["busy_ns"] for row in rows_of(report, "cpu")}))
    counted = collections.Counter()
    for row in rows_of(report, "sched"):
        counted[row["tid"]] += row["count"]
    check_equal("wakeups of thread", +states.latencies, +counted)


def check_wakers(trace, report):
    """Blocked time by waker, from switches and wakeups; interrupts and timers are hard interrupts there."""
    contexts = {"timer": "irq", "vector": "irq"}
    seen, counted = collections.defaultdict(lambda: [0, 0]), collections.defaultdict(lambda: [0, 0])
    events = sorted([(e.at, 0, i, e) for i, e in enumerate(trace.switches)] +
                    [(e.at, 1, i, e) for i, e in enumerate(trace.wakings)], key=lambda e: e[:3])
    blocked = {}
    for at, is_waking, _, event in events:
        if not is_waking:
            blocked.pop(event.prev, None)
            if event.state not in (0, 16, 128):
                blocked[event.prev] = at
            blocked.pop(event.next, None)
        elif event.tid in blocked:
            by = "irq" if event.flags & 8 else "softirq" if event.flags & 16 else "thread" if event.waker else "idle"
            row = seen["unknown" if event.waker == NOBODY else by, event.waker if by == "thread" else None]
            row[0] += 1
            row[1] += at - blocked.pop(event.tid)
    for row in rows_of(report, "waker"):
        by = counted[contexts.get(row["by"], row["by"]), row["by_tid"]]
        by[0] += row["count"]
        by[1] += row["total_ns"]
    check_equal("waker", dict(seen), dict(counted))
    return len(seen)


def check_interrupts(trace, report):
    seen, counted = collections.defaultdict(lambda: [0, 0]), collections.defaultdict(lambda: [0, 0])
    open_at = {}
    for at, cpu, event in trace.interrupts:
        for kind in ("irq", "softirq"):
            if f"{kind}_entry" in event:
                open_at[kind, cpu] = at
            elif f"{kind}_exit" in event and (kind, cpu) in open_at:
                seen[kind, cpu][0] += 1
                seen[kind, cpu][1] += at - open_at.pop((kind, cpu))
    for kind in ("irq", "softirq"):
        for row in rows_of(report, kind):
            if row["run"]["count"] > 0:
                counted[kind, row["cpu"]][0] += row["run"]["count"]
                counted[kind, row["cpu"]][1] += row["run"]["total_ns"]
    check_equal("interrupts", dict(seen), dict(counted))


def check_block(trace, report):
    seen, counted = collections.defaultdict(lambda: [0, 0]), {}
    for s in trace.slices:
        if s.category == "block" and is_whole(s) and s.ended.get("end") != "requeued":
            row = seen[trace.tracks[s.track]["name"].decode(), s.name]
            row[0] += 1
            row[1] += s.end - s.begin
    for row in rows_of(report, "block"):
        if row["run"]["count"] > 0:
            counted[row["device"], row["kind"]] = [row["run"]["count"], row["run"]["total_ns"]]
    check_equal("block requests", dict(seen), counted)
    return sum(count for count, _ in seen.values())


def check_counters(trace, report, states):
    """The area below the counter is the time of all threads."""
    steps = trace.counters["runnable threads"]
    area = sum((after - at) * count for (at, count), (after, _) in zip(steps, steps[1:]))
    runnable = sum(end - begin for at in states.at.values() for begin, end in at["runnable"])
    if area != runnable or (steps and steps[-1][1]):
        wrong(f"the counter of runnable threads has {area} ns, they have {runnable} ns; {steps[-1:]}")
    lost = rows_of(report, "summary")[0]["discarded"]
    if (trace.counters["events lost"] or [(0, 0)])[-1][1] != lost:
        wrong(f"{lost} events are lost, the counter ends with {trace.counters['events lost'][-1:]}")


def check_report(folder, trace_path, *arguments, least=0):
    report, _ = spanmill("report", "--format", "json", *arguments, trace_path)
    trace, _, said = timeline(folder, *arguments, "-o", os.devnull, trace_path)
    if trace.unfinished:
        wrong(f"{trace_path}: slices without an end: {trace.unfinished}")
    summary = rows_of(report, "summary")[0]
    states = States(trace, summary["end_ns"])
    calls = check_calls(trace, report)
    phases = check_phases(trace, report, states)
    check_scheduling(report, states)
    wakers = check_wakers(trace, report)
    check_interrupts(trace, report)
    requests = check_block(trace, report)
    check_counters(trace, report, states)
    if least and not wakers * requests:
        wrong(f"{trace_path}: {wakers} wakers, {requests} block requests")
    if calls + phases < least:
        wrong(f"{trace_path}: only {calls} calls and {phases} phases")
    print(f"{trace_path}: {trace.packets} packets, {calls} calls, {phases} phases, {len(trace.switches)} switches, "
          f"{len(trace.wakings)} wakeups {said}")
    return trace


def spans(trace, category, begin, end):
    """Slices within that time, on any track."""
    return collections.Counter(
        (s.name, s.begin, s.end) for s in pieces(trace, category)
        if is_whole(s) and begin <= s.begin and s.end <= end)


def runs(trace, begin, end):
    return [s for s in trace.switches if begin < s.at < end and NOBODY not in (s.prev, s.next)]


def check_explain(folder, whole, *arguments):
    """The windows of the slowest instances equal the complete timeline there."""
    for count in ("1", "3"):
        trace, out, _ = timeline(folder, "--of", "request/send", "--slowest", count, *arguments, command="explain")
        told = out.count("\ninstance ")
        marks = [s for s in trace.slices if s.category == "explained"]
        if len(marks) != told or told != int(count) or trace.unfinished:
            wrong(f"{told} instances are explained, {len(marks)} are marked; {trace.unfinished}")
        for mark in marks:
            where = (mark.begin, mark.end)
            for category in ("syscall", "phase"):
                if not spans(whole, category, *where) or \
                        spans(whole, category, *where) - spans(trace, category, *where):
                    wrong(f"explain --slowest {count}: not all {category} slices of {mark.name}")
            if runs(whole, *where) != runs(trace, *where) or not runs(whole, *where):
                wrong(f"explain --slowest {count}: other switches in {mark.name}")
        tids = [track["thread"]["tid"] for track in trace.tracks.values() if "thread" in track]
        if len(tids) != len(set(tids)):
            wrong("explain: a thread has two tracks")


def check_window(folder, whole, begin, trace_path, *arguments):
    trace, _, _ = timeline(folder, "--since", "+20s", "--until", "+22s", "-o", os.devnull, *arguments, trace_path)
    low, high = begin + 20 * 10**9, begin + 22 * 10**9 - 1
    for category in ("syscall", "phase"):
        if spans(trace, category, low, high) != spans(whole, category, low, high):
            wrong(f"--since --until: other {category} slices than in the timeline of all")
    times = [s.begin for s in trace.slices] + [s.end for s in trace.slices] + [s.at for s in trace.switches]
    if min(times) < low or max(times) > high:
        wrong(f"--since --until: from {min(times) - low} to {max(times) - high}")


def check_filter(folder, whole, trace_path):
    trace, _, _ = timeline(folder, "--until", "+5s", "--process", "thumbnailer", "-o", os.devnull, trace_path)
    pids = {track["thread"]["pid"] for track in trace.tracks.values() if "thread" in track}
    names = {track["process"]["name"] for track in trace.tracks.values() if "process" in track}
    if len(pids) != 1 or names != {b"thumbnailer"}:
        wrong(f"--process: threads of {pids}, {names}")
    last = max(s.at for s in trace.switches)
    if runs(trace, 0, last) != runs(whole, 0, last):
        wrong("--process: what runs on CPUs is not told of all")


def check_refusals(folder, thumbnails, other):
    there = os.path.join(folder, "there")
    _, said = spanmill("report", thumbnails, other, "--perfetto", there, code=1)
    if "a timeline covers one session" not in said or os.path.exists(there):
        wrong(f"two sessions: {said}")
    spanmill("report", thumbnails, "--perfetto", os.path.join(folder, "no", "such"), code=1)
    spanmill("explain", thumbnails, "--perfetto", there, code=1)  # there is no phase
    if os.path.exists(there):
        wrong("a timeline of nothing")


def main():
    with tempfile.TemporaryDirectory() as folder:
        for recording in sys.argv[1:]:  # others, by hand: TRACE[=PHASES]
            path, _, phases = recording.partition("=")
            check_report(folder, path, *(["--phases", phases] if phases else []))
        if sys.argv[1:]:
            return
        data = os.environ["TEST_DATA"]
        thumbnails = os.path.join(data, "thumbnails")
        phases = ("--phases", os.path.join(thumbnails, "phases.yaml"))
        whole = check_report(folder, thumbnails, *phases, least=60000)
        begin = rows_of(spanmill("report", "--format", "json", thumbnails)[0], "summary")[0]["begin_ns"]
        check_explain(folder, whole, *phases, thumbnails)
        check_window(folder, whole, begin, thumbnails, *phases)
        check_filter(folder, whole, thumbnails)
        # Phases that do not nest: within calls, across calls, overlapping.
        crossing = [f"--phase={name} : $evt.$name == \"{first}\" : $evt.$name == \"{last}\"" for name, first, last in (
            ("file", "syscall_entry_openat", "syscall_entry_close"),
            ("wait", "sched_waking", "syscall_exit_futex"),
            ("map", "syscall_exit_mmap", "syscall_entry_munmap"),
            ("inner(file)", "syscall_exit_openat", "syscall_exit_close"))]
        crossing += ["--until", "+10s"]
        trace = check_report(folder, thumbnails, *crossing, least=5000)
        if not any("part" in s.notes for s in trace.slices):
            wrong("nothing had to be cut into parts")
        user_space = os.path.join(data, "user-space", "uid")
        check_report(folder, user_space)
        check_refusals(folder, thumbnails, user_space)


main()
finish()
