"""`spanmill events`: each event of a trace once, with its count, fields and contexts."""
import json
import os
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from checks import finish, spanmill, wrong  # noqa: E402

TRACE = os.path.join(os.environ["TEST_DATA"], "thumbnails")


def run(*arguments, code=0, command="events"):
    out, err = spanmill(command, *arguments, code=code)
    return out.splitlines(), err


rows = [json.loads(line) for line in run("--format", "json", TRACE)[0]]
report = [json.loads(line) for line in run("--format", "json", TRACE, command="report")[0]]
summary = next(row for row in report if row["type"] == "summary")
if sum(row["count"] for row in rows) != summary["events"]:
    wrong(f"{sum(row['count'] for row in rows)} events, not {summary['events']}")
keys = [(row["domain"], row["name"]) for row in rows]
if len(set(keys)) != len(keys) or keys != sorted(keys):
    wrong("events stand twice, or in no order")
switch = next(row for row in rows if row["name"] == "sched_switch")
types = {field["name"]: field["field_type"] for field in switch["fields"]}
if types.get("prev_comm") != "text" or types.get("next_tid") != "int":
    wrong(f"fields of sched_switch: {types}")
if not any(row["domain"] == "ust" and row["fields"] for row in rows):
    wrong("no event of user space with fields")

# Channels, by the names of files; those of limited size have a further number.
for domain, channel in (("kernel", "kchan"), ("ust", "uchan")):
    if {tuple(row["channels"]) for row in rows if row["domain"] == domain} != {(channel,)}:
        wrong(f"channels of {domain}: {rows[0]['channels']} ... {rows[-1]['channels']}")
with tempfile.TemporaryDirectory() as folder:
    copy = os.path.join(folder, "copy")
    shutil.copytree(TRACE, copy)
    for path, _, files in os.walk(copy):
        for name in files:
            if name.startswith("kchan_") and not path.endswith("index"):
                os.rename(os.path.join(path, name),
                          os.path.join(path, name.replace("kchan_", "of_2_cpus_") + "_17"))
    renamed = [json.loads(line) for line in run("--format", "json", copy)[0]]
    if {tuple(row["channels"]) for row in renamed if row["domain"] == "kernel"} != {("of_2_cpus",)}:
        wrong(f"channels of files with numbers: {renamed[0]['channels']}")

# Each definition that names one of these matches: the log finds as many.
some = min((row for row in rows if row["domain"] == "ust"), key=lambda row: row["count"])
lines, _ = run("--event", some["name"], TRACE, command="log")
if len(lines) != some["count"]:
    wrong(f"{some['name']}: {some['count']} events, {len(lines)} lines")

# Text has a line for each event.
text, _ = run(TRACE)
if len(text) != len(rows) + 1 or not any("next_tid int" in line for line in text):
    wrong(f"text: {text[:3]}")
with tempfile.TemporaryDirectory() as folder:
    run("-o", os.path.join(folder, "file"), TRACE)
    with open(os.path.join(folder, "file"), encoding="utf-8") as file:
        if file.read().splitlines() != text:
            wrong("-o: other lines")
_, messages = run("/no/such/folder", code=1)
if "/no/such/folder" not in messages:
    wrong(f"a wrong path: {messages}")
run(code=2)
finish()
