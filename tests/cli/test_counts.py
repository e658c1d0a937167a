"""--definitions: counts equal the output of `events` and `log` for the same recording, with any breakdown,
also for a packed recording."""
import collections
import json
import os
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from checks import finish, spanmill, wrong  # noqa: E402

TRACE = os.path.join(os.environ["TEST_DATA"], "thumbnails")
PHASES = os.path.join(TRACE, "phases.yaml")
COUNTS = """counts:
  - {name: all, event: '*'}
  - {name: issued, event: block_rq_issue, by: [dev, process, cpu], value: nr_sector}
  - {name: whole, event: block_rq_issue, value: nr_sector}
  - {name: block, event: 'block_rq_*', by: [thread, phase]}
  - {name: failed, event: 'syscall_exit_*', where: '$evt.ret < 0 && $evt.ret >= -4095', by: [ret]}
  - {name: none, event: block_rq_issue, where: '$evt.dev == 1 && !($evt.dev == 1)'}
  - {name: names, event: 'block_rq_*', by: [event]}
  - {name: without, event: 'sched_*', by: [next_prio, $ctx.vtid]}
  - {name: functions, event: timer_hrtimer_expire_entry, by: [function]}
"""


def run(command, *arguments):
    return spanmill(command, *arguments)[0]


def counts(definitions, *traces):
    return [row for row in map(json.loads, run(
        "report", *traces, "--definitions", definitions, "--phases", PHASES, "--format", "json").splitlines())
        if row["type"] in ("count", "summary")]


with tempfile.TemporaryDirectory() as scratch:
    definitions = os.path.join(scratch, "counts.yaml")
    with open(definitions, "w", encoding="utf-8") as file:
        file.write(COUNTS)
    rows = counts(definitions, TRACE)
    sums, values = collections.Counter(), collections.Counter()
    for row in rows:
        if row["type"] == "count":
            sums[row["name"]] += row["count"]
            values[row["name"]] += row.get("sum", 0)
    events = {}
    for line in run("events", TRACE, "--format", "json").splitlines():
        event = json.loads(line)
        if event["type"] == "event":
            events[event["name"]] = events.get(event["name"], 0) + event["count"]
    expected = {"all": sum(row["events"] for row in rows if row["type"] == "summary"),
                "issued": events["block_rq_issue"], "whole": events["block_rq_issue"],
                "block": sum(count for name, count in events.items() if name.startswith("block_rq_"))}
    for name, count in expected.items():
        if sums[name] != count or count == 0:
            wrong(f"{name}: {sums[name]}, and {count} are expected")
    if values["issued"] != values["whole"] or values["whole"] == 0:
        wrong(f"values: {values}")
    if sums["none"] or not sums["failed"]:
        wrong(f"conditions: {sums}")
    if [row["count"] for row in rows if row.get("name") == "none"] != [0]:
        wrong("what matches nothing has no row of 0")
    for row in rows:
        if row.get("name") == "names" and row["count"] != events[row["by"]["event"]]:
            wrong(f"by event: {row}")
    if not any(row["name"] == "block" and row["by"]["phase"] for row in rows if row["type"] == "count"):
        wrong("none is in a phase")
    archive = os.path.join(scratch, "packed")
    os.mkdir(archive)
    run("pack", TRACE, "-o", archive)
    if [row for row in counts(definitions, archive) if row["type"] == "count"] != \
            [row for row in rows if row["type"] == "count"]:
        wrong("a packed recording gives others")
    tables = run("report", TRACE, "--definitions", definitions, "--top", "3")
    for words in ("Count of block", "thread", "(none)", "Share", "Count of issued", "p99", "... and",
                  "\n  0xffffffff8"):
        if words not in tables:
            wrong(f"{words!r} is not in the tables")
    tables = run("report", TRACE, "--definitions", definitions, "--top", "1000")
    for words in ("Count of none\n  0: no event matches block_rq_issue and its conditions", "(no such field)",
                  "(not recorded)", "Counts and spans that cannot match\n  without: no event sched_* has the context vtid"):
        if words not in tables:
            wrong(f"{words!r} is not in the tables")
    alone = run("report", TRACE, "--definitions", definitions, "--process", "thumbnailer")
    for words in ("Count of whole  all processes (it is not broken down by process)", "Count of issued\n",
                  "\nSystem calls  selected processes\n", "\nSoftirqs  whole system\n"):
        if words not in alone:
            wrong(f"{words!r} is not in the tables of one process")
    if "Time per phase" in alone:
        wrong("no phase is asked for, but a table is there")
    _, said = spanmill("report", TRACE, "--definitions", PHASES, "--phases", PHASES, code=1)
    if "is defined twice and would be counted twice" not in said:
        wrong(f"a file given twice: {said}")

# Built-in tables by phase: without definitions, no row is in a phase, and the column is left out.
for arguments, expected in (((), False), (("--phases", PHASES), True)):
    lines = run("report", TRACE, *arguments).splitlines()
    titles = lines[lines.index("Network packets sent") + 1].split()
    if ("Phase" in titles) != expected:
        wrong(f"{arguments}: columns {titles}")

finish()
