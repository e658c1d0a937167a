"""The totals of a report's JSON by exported family: an independent count."""
import collections
import json

STATES = {"user": "user_cpu_ns", "sys": "sys_cpu_ns", "runnable": "runnable_ns",
          "blocked": "blocked_ns", "unknown": "unknown_ns"}
# Parts of those, separately.
INTERRUPTS = {"irq": "irq_ns", "softirq": "softirq_ns"}
# The families counted here; further analyses may exist.
COUNTED = tuple(f"spanmill_{name}_" for name in (
    "phase", "syscall", "thread", "wakeup", "waker", "ran_instead", "cpu", "counted_events", "counted_values",
    "span", "events", "intervals", "lost", "softirq", "irq", "vector", "callback", "signal", "block", "net"))
# Of cells: fields that are labels, and what these are called; other fields that are keys have no label.
CELLS = {"softirq": {"cpu": "cpu", "name": "vec"}, "irq": {"cpu": "cpu", "name": "name"},
         "vector": {"cpu": "cpu", "name": "vector"}, "callback": {"kind": "kind"},
         "signal": {"name": "sig", "target": "target"}, "block": {"device": "dev", "kind": "kind"},
         "net": {"name": "name"}}
KEYS = ("cpu", "vec", "irq", "vector", "function", "sig", "dev")
TALLIES = ("discarded", "loss_borders", "lost_intervals", "lost_traces", "lost_streams",
           "lost_packets", "lost_bytes", "dropped_events")


def by_text(by):
    """As one label: processes have a separate one, threads have none."""
    return ",".join(f"{name}={'?' if value is None else value}" for name, value in by.items()
                    if name not in ("host", "process", "thread"))


def of_report(lines):
    """(family, labels without process, sorted) -> number; durations: family_count, family_sum. Numbers
    of nanoseconds, counts as they are."""
    totals = collections.Counter()

    def add(family, more, **labels):
        totals[family, tuple(sorted((k, v) for k, v in labels.items() if v))] += more

    def add_times(family, row, **labels):
        """Interrupts are separate states; in a report, they are parts of user and sys."""
        interrupted = {"sys": row["interrupted_sys_ns"]}
        interrupted["user"] = row["irq_ns"] + row["softirq_ns"] - row["interrupted_sys_ns"]
        for state, field in STATES.items():
            add(family, row[field] - interrupted.get(state, 0), state=state, **labels)
        for state, field in INTERRUPTS.items():
            add(family, row[field], state=state, **labels)

    for line in lines:
        row = json.loads(line)
        kind = row["type"]
        if kind == "phase":
            add_times("spanmill_phase_seconds_total", row, phase=row["phase"])
            add("spanmill_phase_duration_seconds_count", row["count"], phase=row["phase"])
            add("spanmill_phase_duration_seconds_sum", row["total_ns"], phase=row["phase"])
            for unseen in "begin", "end":
                add("spanmill_phase_half_seen_total", row[f"{unseen}_unknown"],
                    phase=row["phase"], unseen=unseen)
        elif kind == "syscall":
            labels = {"phase": row["phase"], "syscall": row["syscall"]}
            add("spanmill_syscall_seconds_total", row["total_ns"], **labels)
            good = row["count"] + row.get("refused", 0) - sum(row["errors"].values())
            add("spanmill_syscall_calls_total", good, **labels)
            for error, count in row["errors"].items():
                add("spanmill_syscall_calls_total", count, error=error, **labels)
        elif kind == "thread":
            add_times("spanmill_thread_seconds_total", row)
        elif kind == "sched":
            add("spanmill_wakeup_latency_seconds_count", row["count"])
            add("spanmill_wakeup_latency_seconds_sum", row["total_ns"])
        elif kind in ("waker", "ran_instead"):
            by = row["by_name"] if row["by"] not in ("thread", "irq") else None
            if by is None and row["number"] is not None:
                by = str(row["number"])
            add(f"spanmill_{kind}_seconds_total", row["total_ns"], phase=row["phase"], kind=row["by"], by=by)
        elif kind == "count":
            labels = {"count": row["name"], "by": by_text(row["by"])}
            add("spanmill_counted_events_total", row["count"], **labels)
            add("spanmill_counted_values_total", row.get("sum", 0), **labels)
        elif kind == "span":
            labels = {"span": row["name"], "by": by_text(row["by"])}
            add("spanmill_span_duration_seconds_count", row["count"], **labels)
            add("spanmill_span_duration_seconds_sum", row["total_ns"], **labels)
            for unseen, number in (("begin", row["begin_unknown"]), ("match", row["unmatched"]),
                                   ("end", row["lost"] + row["timed_out"] + row["open"])):
                add("spanmill_span_half_seen_total", number, unseen=unseen, **labels)
        elif kind == "cpu":
            add("spanmill_cpu_busy_seconds_total", row["busy_ns"], cpu=str(row["cpu"]))
        elif kind in CELLS:
            labels = {label: str(row[field]) for field, label in CELLS[kind].items() if row[field] is not None}
            for name, number in row.items():
                if isinstance(number, dict):
                    add(f"spanmill_{kind}_{name}_seconds_count", number["count"], **labels)
                    add(f"spanmill_{kind}_{name}_seconds_sum", number["total_ns"], **labels)
                elif isinstance(number, int) and name not in KEYS:
                    add(f"spanmill_{kind}_{name}_total", number, **labels)
        elif kind == "summary":
            add("spanmill_events_total", row["events"])
            add("spanmill_intervals_total", row["chunks"])
            for tally in TALLIES:
                add("spanmill_lost_total", row.get(tally, 0), what=tally)
    return {key: number for key, number in totals.items() if number}


def in_nanoseconds(family):
    return "seconds" in family and not family.endswith("_count")


def common_labels(labels):
    """Without those that a report's totals are sums over: labels -> sorted pairs."""
    over = {"process", "host", "session"}
    if labels.get("kind") == "thread":
        over.add("by")  # a process
    return tuple(sorted(pair for pair in labels.items() if pair[0] not in over))


def of_series(newest):
    """The same from the data of a receiver: labels -> newest value."""
    totals = collections.Counter()
    for pairs, value in newest.items():
        labels = dict(pairs)
        family = labels.pop("__name__")
        rest = common_labels(labels)
        if isinstance(value, dict):
            totals[f"{family}_count", rest] += value["count"]
            totals[f"{family}_sum", rest] += round(value["sum"] * 1e9)
        elif in_nanoseconds(family):
            totals[family, rest] += round(value * 1e9)
        else:
            totals[family, rest] += int(value)
    totals.pop(("spanmill_newest_interval_seconds", ()), None)
    return {key: number for key, number in totals.items() if number}


def differences(expected, found, most=8):
    """Messages; nanoseconds may differ by the rounding of a sum of doubles."""
    out = []
    for key in sorted(set(expected) | set(found)):
        if not key[0].startswith(COUNTED):
            continue
        if key[0] == "spanmill_lost_total" and dict(key[1])["what"] not in TALLIES:
            continue
        a, b = expected.get(key, 0), found.get(key, 0)
        slack = 1000 if in_nanoseconds(key[0]) else 0
        if abs(a - b) > slack:
            out.append(f"{key}: {a} expected, {b} found")
    return out[:most] + ([f"and {len(out) - most} more"] if len(out) > most else [])
