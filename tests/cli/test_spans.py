"""--definitions: spans are the pairs that babeltrace2's text has: an end ends the newest begin of its key. Of a packed
recording they are the same."""
import collections
import json
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from checks import finish, spanmill, wrong  # noqa: E402

TRACE = os.path.join(os.environ["TEST_DATA"], "thumbnails")
SPANS = """spans:
  - {name: disk, begin: block_rq_issue, end: block_rq_complete, match: [dev, sector], by: [dev]}
  - {name: irq, begin: 'irq_handler_e*y', end: irq_handler_exit, match: [irq], on: cpu, by: [irq]}
  - {name: reads, begin: syscall_entry_read, end: syscall_exit_read, on: thread, by: [process, phase, call]}
  - {name: forks, begin: sched_process_fork, end: sched_process_exit, on: process, by: [process]}
  - {name: large, begin: block_rq_issue, begin_where: '$evt.nr_sector >= 16', end: block_rq_complete,
     end_where: '$evt.error == 0', match: [dev, sector]}
"""
EVENT = re.compile(r"^\[(\d+)\.(\d{9})\] \S+ (\w+): \{ cpu_id = (\d+) \}")
# Begin, end, match fields, and the breakdown; for `on: cpu`, the CPU is a match field.
PAIRS = {"disk": ("block_rq_issue", "block_rq_complete", ("dev", "sector"), "dev", False),
         "irq": ("irq_handler_entry", "irq_handler_exit", ("irq",), "irq", True)}


def paired(lines):
    """(name, value): durations, begins without an end, ends without a begin."""
    still, rows = collections.defaultdict(list), collections.defaultdict(lambda: [[], 0, 0])
    for line in lines:
        event = EVENT.match(line)
        for name, (begin, end, fields, by, on_cpu) in PAIRS.items():
            if not event or event[3] not in (begin, end):
                continue
            values = dict(re.findall(r"\b(\w+) = (-?\d+)", line))
            key = (name, event[4] if on_cpu else "") + tuple(values[field] for field in fields)
            ns, row = int(event[1]) * 10**9 + int(event[2]), rows[name, int(values[by])]
            if event[3] == begin:
                still[key].append(ns)
                row[1] += 1
            elif still[key]:
                row[0].append(ns - still[key].pop())
                row[1] -= 1
            else:
                row[2] += 1
    return rows


def spans(definitions, *traces):
    return [row for row in map(json.loads, spanmill(
        "report", *traces, "--definitions", definitions, "--format", "json")[0].splitlines())
        if row["type"] == "span"]


def check_interrupts(folder):
    """Spans of interrupts by phase sum to what interrupts took from the time of the phase."""
    definitions = os.path.join(folder, "interrupts.yaml")
    with open(os.path.join(os.environ["TEST_DATA"], "thumbnails", "phases.yaml"), encoding="utf-8") as file:
        phases = file.read()
    with open(definitions, "w", encoding="utf-8") as file:
        file.write(phases + "spans:\n  - {name: irq, begin: irq_handler_entry, end: irq_handler_exit, match: [irq],\n"
                   "     on: cpu, by: [irq, phase]}\n")
    objects = [json.loads(line) for line in spanmill(
        "report", TRACE, "--definitions", definitions, "--format", "json")[0].splitlines()]
    whole = [row for row in objects if row["type"] == "phase" and row["irq_ns"] and not row["end_unknown"]]
    for row in whole:
        below = sum(each["total_ns"] for each in objects if each["type"] == "span" and
                    (each["by"]["phase"] + "/").startswith(row["phase"] + "/"))
        if below != row["irq_ns"]:
            wrong(f"interrupts in {row['phase']}: {below} is not {row['irq_ns']}")
    if not whole:
        wrong("no phase has interrupts")


with tempfile.TemporaryDirectory() as scratch:
    check_interrupts(scratch)
    file_name = os.path.join(scratch, "spans.yaml")
    with open(file_name, "w", encoding="utf-8") as file:
        file.write(SPANS)
    rows = spans(file_name, TRACE)
    text = subprocess.run(["babeltrace2", "--clock-seconds", "--no-delta", TRACE], check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    expected = paired(text.decode(errors="replace").splitlines())
    found = {(row["name"], list(row["by"].values())[0]): row for row in rows if row["name"] in PAIRS}
    if set(expected) != set(found) or not expected:
        wrong(f"rows: {sorted(found)}, and {sorted(expected)} are expected")
    for key, (durations, no_end, no_begin) in expected.items():
        row = found.get(key, collections.Counter())
        numbers = (row["count"], row["total_ns"], row["max_ns"] or 0, row["open"], row["begin_unknown"])
        if numbers != (len(durations), sum(durations), max(durations, default=0), no_end, no_begin):
            wrong(f"{key}: {numbers}, and {len(durations), sum(durations), no_end, no_begin} are expected")
    names = collections.Counter()
    for row in rows:
        names[row["name"]] += row["count"]
    if not 0 < names["large"] < names["disk"] or not names["reads"] or not names["forks"]:
        wrong(f"pairs: {names}")
    archive = os.path.join(scratch, "packed")
    os.mkdir(archive)
    spanmill("pack", TRACE, "-o", archive)
    if spans(file_name, archive) != rows:
        wrong("a packed recording gives others")
    tables = spanmill("report", TRACE, "--definitions", file_name, "--top", "3")[0]
    for words in ("Spans disk", "  254:0", "p95", "No begin", "No end", "begins still open at the end of the trace"):
        if words not in tables:
            wrong(f"{words!r} is not in the tables")
    with open(file_name, "w", encoding="utf-8") as file:
        file.write("spans:\n  - {name: a, begin: block_rq_isue, end: block_rq_complete, match: [sectr]}\n")
    words = spanmill("report", TRACE, "--definitions", file_name)[1]
    for fault in ("a: no trace declares block_rq_isue; the nearest is block_rq_issue",
                  "a: no event block_rq_complete has a field sectr; the nearest is sector"):
        if words.count(fault) != 1:
            wrong(f"{fault!r} is not told once: {words}")

finish()
