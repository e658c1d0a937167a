"""A report's JSON and the same data from a database: row by row, with the names of the report."""
import json

STATES = {"user_cpu_ns": "user_ns", "sys_cpu_ns": "sys_ns", "runnable_ns": "runnable_ns",
          "blocked_ns": "blocked_ns", "unknown_ns": "unknown_ns", "irq_ns": "irq_ns",
          "softirq_ns": "softirq_ns"}
SUM_STATES = ", ".join(f"sum({column})::bigint AS {name}" for name, column in STATES.items())
SPREAD = """sum(count)::bigint AS count, sum(total_ns)::bigint AS total_ns, min(min_ns) AS min_ns,
            max(max_ns) AS max_ns"""
HALF = "sum(begin_unknown)::bigint AS begin_unknown, sum(end_unknown)::bigint AS end_unknown"

WAITS = """SELECT pid, phase, kind AS by, by_pid, by_tid, number, max(by_process) AS by_process,
                  sum(count)::bigint AS count, sum(total_ns)::bigint AS total_ns,
                  max(max_ns) AS max_ns
           FROM spanmill.{} GROUP BY pid, phase, kind, by_pid, by_tid, number"""
WAIT_KEYS = ("pid", "phase", "by", "by_pid", "by_tid", "number")

# What an instance waited for in a state, as in its row of a report.
INSTANCE_WAITS = """(SELECT jsonb_agg(jsonb_build_object('by', w.kind, 'by_pid', w.by_pid,
                   'by_tid', w.by_tid, 'by_name', w.by_thread, 'by_process', w.by_process,
                   'number', w.number, 'count', w.count, 'total_ns', w.total_ns))
               FROM spanmill.phase_instance_waits AS w WHERE w.session_id = x.session_id
                   AND w.instance_id = x.instance_id AND w.state = '{}')"""

# Type of a report's objects -> its keys, and the query. The columns of the answer are compared.
QUESTIONS = {
    "syscall": (("pid", "phase", "syscall"), f"""
        SELECT a.*, coalesce(e.errors, '{{}}') AS errors FROM (
            SELECT pid, phase, syscall, max(process) AS process, sum(count)::bigint AS count,
                   sum(total_ns)::bigint AS total_ns, min(min_ns) AS min_ns, max(max_ns) AS max_ns,
                   sum(bytes)::bigint AS bytes, sum(refused)::bigint AS refused, {HALF}
            FROM spanmill.syscall_times GROUP BY pid, phase, syscall) AS a
        LEFT JOIN (SELECT pid, phase, syscall, jsonb_object_agg(error, n) AS errors FROM (
            SELECT pid, phase, syscall, error, sum(count)::bigint AS n FROM spanmill.syscall_errors
            GROUP BY pid, phase, syscall, error) AS x GROUP BY pid, phase, syscall) AS e
        ON a.pid IS NOT DISTINCT FROM e.pid AND a.phase = e.phase AND a.syscall = e.syscall"""),
    "phase": (("pid", "phase"), f"""
        SELECT a.*, coalesce(b.blocked_by, '{{}}') AS blocked_by FROM (
            SELECT pid, phase, max(process) AS process, {SPREAD}, {HALF}, {SUM_STATES},
                   sum(hopped)::bigint AS hopped, sum(over)::bigint AS over,
                   sum(syscalls)::bigint AS syscalls, sum(queued_ns)::bigint AS queued_ns,
                   sum(parallel_ns)::bigint AS parallel_ns
            FROM spanmill.phase_times GROUP BY pid, phase) AS a
        LEFT JOIN (SELECT pid, phase, jsonb_object_agg(syscall, ns) AS blocked_by FROM (
            SELECT pid, phase, syscall, sum(blocked_ns)::bigint AS ns
            FROM spanmill.phase_blocked_by GROUP BY pid, phase, syscall) AS x
            WHERE ns <> 0 GROUP BY pid, phase) AS b
        ON a.pid IS NOT DISTINCT FROM b.pid AND a.phase = b.phase"""),
    "thread": (("tid", "begin_ns"), f"""
        SELECT t.tid, t.begin_ns, t.end_ns, t.process_id & 4294967295 AS pid, t.name,
               CASE WHEN begin_hard THEN 'hard' ELSE 'soft' END AS begin,
               CASE WHEN end_hard THEN 'hard' ELSE 'soft' END AS end,
               coalesce(r.cpu_ns, 0) AS cpu_ns, coalesce(r.switches, 0) AS switches,
               {", ".join(f"coalesce(r.{name}, 0) AS {name}" for name in STATES)}
        FROM spanmill.threads AS t LEFT JOIN (
            SELECT session_id, thread_id, sum(cpu_ns)::bigint AS cpu_ns,
                   sum(switches)::bigint AS switches, {SUM_STATES}
            FROM spanmill.thread_times GROUP BY session_id, thread_id) AS r
        USING (session_id, thread_id) WHERE t.tid <> 0"""),
    "sched": (("tid", "begin_ns"), f"""
        SELECT x.tid, t.begin_ns, x.pid, x.thread AS name, {SPREAD}
        FROM spanmill.wakeup_latencies AS x JOIN spanmill.threads AS t USING (session_id, thread_id)
        GROUP BY x.tid, t.begin_ns, x.pid, x.thread"""),
    "fd": (("pid", "fd", "begin_ns"), """
        SELECT d.process_id & 4294967295 AS pid, d.fd, d.begin_ns, d.end_ns, d.name, d.kind,
               CASE WHEN begin_hard THEN 'hard' ELSE 'soft' END AS begin,
               coalesce(u.calls, 0) AS calls, coalesce(u.total_ns, 0) AS total_ns,
               coalesce(u.read_bytes, 0) AS read_bytes, coalesce(u.write_bytes, 0) AS write_bytes
        FROM spanmill.descriptors AS d LEFT JOIN (
            SELECT session_id, descriptor_id, sum(count)::bigint AS calls,
                   sum(total_ns)::bigint AS total_ns, sum(read_bytes)::bigint AS read_bytes,
                   sum(write_bytes)::bigint AS write_bytes
            FROM spanmill.descriptor_uses GROUP BY session_id, descriptor_id) AS u
        USING (session_id, descriptor_id)"""),
    "waker": (WAIT_KEYS, WAITS.format("wakers")),
    "ran_instead": (WAIT_KEYS, WAITS.format("ran_instead")),
    "count": (("name", "by"), """
        SELECT name, by, sum(count)::bigint AS count, sum(with_value)::bigint AS valued,
               sum(negative)::bigint AS negative, sum(value_total)::bigint AS sum,
               min(value_min) AS min, max(value_max) AS max
        FROM spanmill.event_counts GROUP BY name, by"""),
    "span": (("name", "by"), """
        SELECT name, by, sum(count)::bigint AS count, sum(total_ns)::bigint AS total_ns,
               min(min_ns) AS min_ns, max(max_ns) AS max_ns, sum(lost)::bigint AS lost,
               sum(begin_unknown)::bigint AS begin_unknown, sum(unmatched)::bigint AS unmatched
        FROM spanmill.span_times GROUP BY name, by"""),
    "cpu": (("cpu",), "SELECT cpu, sum(busy_ns)::bigint AS busy_ns FROM spanmill.cpus GROUP BY cpu"),
    "softirq": (("cpu", "vec"), f"""
        SELECT cpu, vec, max(name) AS name, sum(raises)::bigint AS raises,
               sum(repeats)::bigint AS repeats, {HALF}, sum(raise_unknown)::bigint AS raise_unknown,
               sum(entry_unknown)::bigint AS entry_unknown,
               sum(run_count)::bigint AS run_count, sum(run_total_ns)::bigint AS run_total_ns,
               sum(latency_count)::bigint AS latency_count, max(latency_max_ns) AS latency_max_ns
        FROM spanmill.softirq GROUP BY cpu, vec"""),
    "irq": (("cpu", "irq", "name"), f"""
        SELECT cpu, irq, nullif(name, '') AS name, {HALF}, sum(run_count)::bigint AS run_count,
               sum(run_total_ns)::bigint AS run_total_ns, min(run_min_ns) AS run_min_ns
        FROM spanmill.irq GROUP BY cpu, irq, name"""),
    "instance": (("id",), f"""
        SELECT (x.instance_id - 1 >> 16) || '.' || (x.instance_id - 1 & 65535) AS id, x.pid, x.phase,
               x.process, x.tid, x.thread AS name, x.end_tid, x.begin_ns, x.end_ns,
               x.duration_ns AS total_ns, x.match, x.captured, x.syscalls,
               x.queued_ns, x.parallel_ns,
               {INSTANCE_WAITS.format("blocked")} AS woken_by,
               {INSTANCE_WAITS.format("runnable")} AS ran_instead,
               {", ".join(f"x.{column}::bigint AS {name}" for name, column in STATES.items())}
        FROM (SELECT *, row_number() OVER (PARTITION BY session_id, pid, phase
                  ORDER BY duration_ns DESC, begin_ns, instance_id) AS place
              FROM spanmill.phase_instances) AS x
        JOIN spanmill.instances AS i USING (session_id, instance_id)
        WHERE x.place <= i.keep OR i.keep_over_ns > 0 AND x.duration_ns >= i.keep_over_ns"""),
    "process": (("pid", "begin_ns"), """
        SELECT t.process_id & 4294967295 AS pid, n.process, p.ppid,
               coalesce(max(p.fork_ns), min(t.begin_ns)) AS begin_ns, max(t.end_ns) AS end_ns,
               count(*) FILTER (WHERE t.tid <> 0) AS threads
        FROM spanmill.threads AS t LEFT JOIN spanmill.processes AS p USING (session_id, process_id)
        LEFT JOIN spanmill.process_names AS n USING (session_id, process_id)
        WHERE t.process_id IS NOT NULL GROUP BY t.process_id, n.process, p.ppid"""),
    "summary": (("session",), """
        SELECT s.name AS session, min(i.begin_ns) AS begin_ns, max(i.end_ns) AS end_ns,
               sum(i.events)::bigint AS events, sum(i.chunks)::bigint AS chunks,
               sum(i.discarded)::bigint AS discarded, sum(i.loss_borders)::bigint AS loss_borders,
               sum(i.lost_intervals)::bigint AS lost_intervals
        FROM spanmill.intervals AS i JOIN spanmill.sessions AS s USING (session_id)
        GROUP BY s.name"""),
}


def flat(row):
    """Durations of analyses are objects in JSON and columns in the database."""
    out = {}
    for name, value in row.items():
        if name in ("latency", "run") and isinstance(value, dict):
            out.update({f"{name}_{part}": number for part, number in value.items()})
        else:
            out[name] = value
    return out


def largest(waits):
    """Ordered, without those that a report leaves out, those that may be equally large, and the
    names of handlers, which are in tables of their own."""
    rows = [{**wait, "by_name": wait["by_name"] if wait["by"] == "thread" else None}
            for wait in sorted(waits or [], key=lambda wait: -wait["total_ns"])]
    if len(rows) >= 8:
        rows = [row for row in rows[:8] if row["total_ns"] > rows[7]["total_ns"]]
    return sorted((json.dumps(row, sort_keys=True) for row in rows))


def key_of(row, keys):
    return tuple(json.dumps(row[key], sort_keys=True) if isinstance(row[key], dict) else row[key]
                 for key in keys)


def merged(rows, key, row):
    """Of counts: the totals over all threads, which have separate columns in the database."""
    before = rows.get(key)
    if not before:
        return row
    for name in row:
        values = [each[name] for each in (before, row) if isinstance(each.get(name), int)]
        if values:
            row[name] = (min if name.startswith("min") else max if name.startswith("max") else sum)(values)
    return row


def of_report(lines):
    """type -> key -> row"""
    out = {kind: {} for kind in QUESTIONS}
    for line in lines:
        row = flat(json.loads(line))
        if row["type"] not in QUESTIONS:
            continue
        rows, keys = out[row["type"]], QUESTIONS[row["type"]][0]
        if row["type"] in ("count", "span"):
            row["by"] = {word: value for word, value in row["by"].items()
                         if word not in ("process", "thread")}
            row = merged(rows, key_of(row, keys), row)
        rows[key_of(row, keys)] = row
    return out


def equal(name, reported, stored):
    """Without durations, a report has 0 and the database NULL."""
    if name in ("woken_by", "ran_instead"):
        return largest(reported) == largest(stored)
    return (reported or 0) == (stored or 0)


def differences(expected, database, most=8):
    """Messages."""
    out = []
    for kind, (keys, question) in QUESTIONS.items():
        try:
            rows = database.query(question)
        except AssertionError as fault:  # no tables yet
            return [str(fault)]
        found = {key_of(row, keys): row for row in rows}
        for key in sorted(set(expected[kind]) ^ set(found), key=repr):
            out.append(f"{kind} {key}: only in the {'report' if key in expected[kind] else 'database'}")
        for key in set(expected[kind]) & set(found):
            wanted = expected[kind][key]
            wrong = {name: (wanted[name], value) for name, value in found[key].items()
                     if name in wanted and not equal(name, wanted[name], value)}
            if wrong:
                out.append(f"{kind} {key}: (report, database) {wrong}")
    return out[:most] + ([f"and {len(out) - most} more"] if len(out) > most else [])
