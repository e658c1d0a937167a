"""Incomplete chunks, as a user may break them: exactly what is lost is reported."""
import json
import os
import shutil
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "pool")]
from checks import finish, spanmill, wrong  # noqa: E402
from made_trace import CONTEXT, EVENT, HEAD, Trace, switch  # noqa: E402

CPUS, CHUNKS, STEPS, STEP = 2, 3, 10, 100
KERNEL, USER = "kernel", "ust/uid/0/64-bit"
DEFINITIONS = """phases:
  - {name: request, begin: 'app:begin', end: 'app:end', match: [id]}
spans:
  - {name: request_span, begin: 'app:begin', end: 'app:end', match: [id]}
"""


def mark(time, cpu, name, number):
    return (time, "ust", cpu, name, {"vpid": 10, "vtid": 11 + cpu, "id": number})


def events_of(chunk):
    """Each CPU runs a thread of its own, which has a request in each step; the last of a chunk ends in the
    next one, the others where they begin."""
    for step in range(STEPS):
        at = (chunk * STEPS + step) * STEP + 1
        for cpu in range(CPUS):
            number = 2 * (chunk * STEPS + step) + cpu
            if step == 0 and chunk > 0:
                yield mark(at + cpu, cpu, "app:end", number - 2)
            yield switch(at + 10 + cpu, cpu, 0, 11 + cpu)
            yield mark(at + 20 + cpu, cpu, "app:begin", number)
            if step < STEPS - 1:
                yield mark(at + 30 + cpu, cpu, "app:end", number)
            yield switch(at + 40 + cpu, cpu, 11 + cpu, 0)


def record(folder):
    trace = Trace(folder, CPUS)
    for chunk in range(CHUNKS):
        trace.chunk(chunk * STEPS * STEP, (chunk + 1) * STEPS * STEP - 1, list(events_of(chunk)))


def rows(path, phases):
    return [json.loads(line) for line in
            spanmill("report", "--format", "json", "--phases", phases, path)[0].splitlines()]


def folder_of(trace, chunk, name):
    archives = os.path.join(trace, "archives")
    return os.path.join(archives, sorted(os.listdir(archives))[chunk], name)


def losses(summary):
    return [(item["chunk"], item["scope"], item["cause"], item["name"], item["count"])
            for item in summary["damage"]]


def expect(what, found, expected):
    if found != expected:
        wrong(f"{what}: {found}, not {expected}")


def without_metadata(scratch, trace, phases, events):
    """In a chunk whose trace has no metadata, only that trace is lost."""
    for how, path in (("missing", "nothing"), ("empty", os.devnull)):
        broken = os.path.join(scratch, how)
        shutil.copytree(trace, broken)
        file = os.path.join(folder_of(broken, 1, KERNEL), "metadata")
        os.remove(file)
        if path == os.devnull:
            open(file, "w", encoding="utf-8").close()
        summary = rows(broken, phases)[0]
        expect(f"metadata {how}: damage", losses(summary),
               [(1, "trace", "metadata", KERNEL, 1), (2, "stream", "missing", KERNEL, CPUS)])
        expect(f"metadata {how}: events", summary["events"], events - 2 * CPUS * STEPS)
        expect(f"metadata {how}: dropped", summary["dropped_events"], 0)
        packed = os.path.join(scratch, how + "-packed")
        spanmill("pack", "-o", packed, broken)
        expect(f"metadata {how}, packed: damage", losses(rows(packed, phases)[0]), losses(summary))


def cut(path):
    os.truncate(path, os.path.getsize(path) - 10)


def damage(path):
    """The third event of the second packet gets an id without an event class."""
    head, event = HEAD.size + CONTEXT.size, EVENT.size + 4 + 4 + 8
    with open(path, "r+b") as file:
        file.seek(2 * head + 2 * event)
        file.write(b"\x4d")


def lose_user(scratch, trace, definitions):
    """Lost user-space events may have ended any open phase."""
    stream = os.path.join(USER, "chan_0")
    for number, (what, chunk, path, hurt, expected) in enumerate((
            ("the end of a stream", 1, stream, cut, (46, 2, 2, 2)),
            ("the end of a stream, in the last chunk", 2, stream, cut, (47, 2, 1, 1)),
            ("the end of a packet", 1, stream, damage, (48, 1, 2, 1)),
            ("a stream", 1, stream, os.remove, (45, 3, 2, 3)),
            ("a stream, in the last chunk", 2, stream, os.remove, (47, 2, 1, 1)),
            ("a trace", 1, "ust", shutil.rmtree, (36, 2, 2, 2)),
            ("a trace, in the last chunk", 2, "ust", shutil.rmtree, (38, 2, 0, 0)),
            ("metadata", 1, os.path.join(USER, "metadata"), os.remove, (36, 2, 2, 2)),
            ("metadata, in the last chunk", 2, os.path.join(USER, "metadata"), os.remove, (38, 2, 0, 0)))):
        broken = os.path.join(scratch, f"user-{number}")
        shutil.copytree(trace, broken)
        hurt(folder_of(broken, chunk, path))
        span = next(row for row in rows(broken, definitions) if row["type"] == "span")
        expect(f"without {what}: pairs, lost, open, begin unknown",
               (span["count"], span["lost"], span["open"], span["begin_unknown"]), expected)


with tempfile.TemporaryDirectory() as scratch:
    whole, definitions = os.path.join(scratch, "whole"), os.path.join(scratch, "phases.yaml")
    with open(definitions, "w", encoding="utf-8") as out:
        out.write(DEFINITIONS)
    record(whole)
    told = rows(whole, definitions)[0]
    expect("whole: damage", losses(told), [])
    without_metadata(scratch, whole, definitions, told["events"])
    lose_user(scratch, whole, definitions)
finish()
