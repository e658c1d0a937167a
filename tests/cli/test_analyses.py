"""Results of kernel analyses for a recording, against a count from babeltrace2's text."""
import collections
import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from checks import finish, spanmill, wrong  # noqa: E402

TRACE = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.environ["TEST_DATA"], "thumbnails")
EVENT = re.compile(r"^\[(\d+)\.(\d{9})\] \S+ (\w+): \{ cpu_id = (\d+) \}, \{ (.*) \}$")
FIELD = re.compile(r'(\w+) = (?:"([^"]*)"|(-?\w+))')
ALL_BITS = 2 ** 64 - 1


def events():
    """(name, time, CPU, payload) of each kernel event other than system calls."""
    text = subprocess.run(["babeltrace2", "--clock-seconds", "--no-delta", TRACE], check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    for line in text.decode(errors="replace").splitlines():
        found = EVENT.match(line)
        if found and not found[3].startswith(("syscall_", "sched_", "lttng_")):
            fields = {name: text if not number else int(number, 0) if re.match(r"-?\d", number) else number
                      for name, text, number in FIELD.findall(found[5])}
            yield found[3], int(found[1]) * 10 ** 9 + int(found[2]), int(found[4]), fields


class Pairs:
    """Begins and ends by a key: count, time, and the number of those with only one of them, by name."""

    def __init__(self):
        self.open = collections.defaultdict(list)
        self.rows = collections.defaultdict(collections.Counter)

    def begin(self, key, name, time):
        self.open[key].append((time, name))

    def end(self, key, name, time):
        """The name of the begin, if there is one."""
        row = self.rows[name]
        if not self.open[key]:
            row["begin_unknown"] += 1
            return
        since, begun = self.open[key].pop()
        row = self.rows[begun]
        row["count"] += 1
        row["total_ns"] += time - since
        row["max_ns"] = max(row["max_ns"], time - since)

    def finish(self):
        for each in self.open.values():
            for _, name in each:
                self.rows[name]["end_unknown"] += 1
        return {name: +row for name, row in self.rows.items() if +row}


def block_kind(rwbs):
    for flag, name in ((2, "discard"), (1, "write"), (4, "read"), (256, "flush")):
        if rwbs & flag:
            return name
    return "other"


def block(trace):
    """For requests that are never completed in parts, as in this recording."""
    pairs = Pairs()
    for name, time, _, fields in trace:
        if name not in ("block_rq_issue", "block_rq_complete"):
            continue
        sector = 0 if fields["sector"] == ALL_BITS else fields["sector"]
        key, row = (fields["dev"], sector), (fields["dev"], block_kind(fields["rwbs"]))
        if name == "block_rq_issue":
            pairs.begin(key, row, time)
        elif fields["nr_sector"] > 0 or row[1] in ("flush", "other"):
            pairs.end(key, row, time)
            pairs.rows[row]["bytes"] += 512 * fields["nr_sector"]
            pairs.rows[row]["errors"] += fields["error"] != 0
    return pairs.finish()


def net(trace):
    """On a loopback interface, whose driver accepts all packets."""
    pairs = Pairs()
    for event, time, _, fields in trace:
        if not event.startswith("net_"):
            continue
        row, key = (fields["name"],), fields["skbaddr"]
        counted = {"net_dev_queue": "queued", "net_dev_xmit": "sent", "net_if_receive_skb": "received"}.get(event)
        if event == "net_dev_queue":
            pairs.begin(key, row, time)
        elif event == "net_dev_xmit":
            pairs.end(key, row, time)
        if counted:
            pairs.rows[row][counted] += 1
            pairs.rows[row][f"{counted}_bytes"] += fields["len"]
    return pairs.finish()


def callback(trace):
    pairs = Pairs()
    kinds = {"timer_hrtimer_expire": "hrtimer", "timer_expire": "timer", "workqueue_execute": "work"}
    for event, time, cpu, fields in trace:
        family, _, end = event.rpartition("_")
        kind = kinds.get(family)
        if not kind:
            continue
        key = (kind, None if kind == "work" else cpu, fields[kind])
        function = hex(fields["function"]) if "function" in fields else None
        if end in ("entry", "start"):
            pairs.begin(key, (kind, function), time)
        else:
            pairs.end(key, (kind, function), time)
    return pairs.finish()


def signal(trace):
    rows = collections.defaultdict(collections.Counter)
    for event, _, _, fields in trace:
        if event == "signal_generate":
            row = rows[fields["sig"], fields["comm"]]
            row["generated"] += 1
            what = {1: "ignored", 2: "pending", 3: "lost", 4: "lost"}.get(fields["result"])
            if what:
                row[what] += 1
        elif event == "signal_deliver":
            rows[fields["sig"], None]["delivered"] += 1
    return rows


def irq(trace):
    pairs = Pairs()
    for event, time, cpu, fields in trace:
        if event == "irq_handler_entry":
            pairs.begin((cpu, fields["irq"]), (cpu, fields["irq"], fields["name"]), time)
        elif event == "irq_handler_exit":
            pairs.end((cpu, fields["irq"]), (cpu, fields["irq"], ""), time)
    return pairs.finish()


def softirq(trace, part):
    """With the durations of `part`: `run`, or `latency` since the first raise."""
    rows, raised, entered = collections.defaultdict(collections.Counter), {}, {}
    for event, time, cpu, fields in trace:
        if not event.startswith("irq_softirq_"):
            continue
        key, end = (cpu, fields["vec"]), event.rpartition("_")[2]
        row, since, missing = rows[key], None, None
        if end == "raise":
            row.update(raises=1, repeats=key in raised)
            raised.setdefault(key, time)
        elif end == "entry":
            since, missing = raised.pop(key, None), "raise_unknown"
            row["end_unknown"] += key in entered
            entered[key] = time
        else:
            since, missing = entered.pop(key, None), "begin_unknown"
        if missing and since is None:
            row[missing] += 1
        elif missing and part == {"entry": "latency", "exit": "run"}[end]:
            row.update(count=1, total_ns=time - since)
            row["max_ns"] = max(row["max_ns"], time - since)
    for key in raised:
        rows[key]["entry_unknown"] += 1
    for key in entered:
        rows[key]["end_unknown"] += 1
    return {key: +row for key, row in rows.items()}


ANALYSES = {"block": (("dev", "kind"), "run", block), "net": (("name",), "wait", net),
            "callback": (("kind", "function"), "run", callback), "signal": (("sig", "target"), None, signal),
            "irq": (("cpu", "irq", "name"), "run", irq),
            "softirq run": (("cpu", "vec"), "run", lambda trace: softirq(trace, "run")),
            "softirq latency": (("cpu", "vec"), "latency", lambda trace: softirq(trace, "latency"))}


def reported(objects, kind, keys, durations):
    rows = {}
    for each in objects:
        if each["type"] != kind:
            continue
        row = collections.Counter({name: each[name] for name in each
                                   if isinstance(each[name], int) and name not in keys})
        for part in ("count", "total_ns", "max_ns") if durations else ():
            row[part] = each[durations][part] or 0
        rows[tuple(each[key] for key in keys)] = +row
    return rows


trace = list(events())
objects = [json.loads(line) for line in spanmill("report", TRACE, "--format", "json")[0].splitlines()]
for kind, (keys, durations, count) in ANALYSES.items():
    expected, got = count(trace), reported(objects, kind.split()[0], keys, durations)
    if not expected:
        wrong(f"{kind}: nothing is recorded")
    for key in sorted({*expected, *got}, key=str):
        if expected.get(key) != got.get(key):
            wrong(f"{kind} {key}: {got.get(key)} is not {expected.get(key)}")

# Rows of the table are in the order of both generated and delivered signals.
text = spanmill("report", TRACE, "--top", "3")[0]
table = text.split("\nSignals\n")[1].split("\n\n")[0].splitlines()
most = sorted((row["generated"] + row["delivered"] for row in signal(trace).values()), reverse=True)
shown = [max(int(word.replace(",", "")) for word in line.split()[2:] if word != "-") for line in table[1:4]]
if not table[0].endswith("Delivered") or shown != most[:3]:
    wrong(f"Signals: {shown} is not {most[:3]}: {table}")
if "without a raise in the trace, 1 raise without a run in the trace\n" not in text:
    wrong("Softirqs: not `1 raise`")
finish()
