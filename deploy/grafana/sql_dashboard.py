"""The dashboard of what is in PostgreSQL, for deploy/grafana/dashboards.py.

Panels are rows of the table below. `{f}` in a question is the time and the filter of the dashboard's
variables, `{t}` the part of it that views without phases have, `{step}` the begin of the step that `at` is
in.
"""
import dashboards

UID, TITLE = "spanmill-sql", "spanmill: Database"
SOURCE = {"type": "grafana-postgresql-datasource", "uid": "${datasource}"}
STEPS = ("1m", "5m", "30m", "1h", "6h")
PROCESS = "coalesce(process, '?')"

# Of the dashboard: label -> its values.
VARIABLES = {
    "host": "SELECT DISTINCT host FROM spanmill.sessions ORDER BY 1",
    "session": "SELECT name FROM spanmill.sessions WHERE host IN ($host) ORDER BY 1",
    "process": f"SELECT DISTINCT {PROCESS} FROM spanmill.thread_names WHERE session IN ($session) "
               "ORDER BY 1",
    "phase": "SELECT DISTINCT phase FROM spanmill.phases ORDER BY 1",
}
PLACE = f"host IN ($host) AND session IN ($session) AND {PROCESS} IN ($process)"
WORDS = {
    "t": f"$__timeFilter(at) AND {PLACE}",
    "f": f"$__timeFilter(at) AND {PLACE} AND phase IN ($phase)",
    "place": f"{PLACE} AND phase IN ($phase)",
    "step": "$__timeGroup(at, '$step')",
    "p50": "spanmill.quantile_ns(0.5, spanmill.concat(buckets), spanmill.concat(bucket_counts)) / 1e9",
    "p99": "spanmill.quantile_ns(0.99, spanmill.concat(buckets), spanmill.concat(bucket_counts)) / 1e9",
}


def panel(kind, title, about, width, height, sql, units=()):
    """`units`: of a table, column -> unit; of lines, all are seconds."""
    return {"kind": kind, "title": title, "about": about, "width": width, "height": height, "sql": sql,
            "units": dict(units)}


PANELS = [
    panel("stacked", "Time in system calls, by phase",
          "Seconds that threads spent in system calls while a phase was open, per step.", 12, 9, """
SELECT {step} AS time, phase AS metric, sum(total_ns) / 1e9 AS value
FROM spanmill.syscall_times WHERE {f} GROUP BY 1, 2 ORDER BY 1, 2"""),
    panel("lines", "Durations, 99th percentile", "Complete instances per step.", 12, 9, """
SELECT {step} AS time, phase AS metric, {p99} AS value
FROM spanmill.phase_times WHERE {f} AND count > 0 GROUP BY 1, 2 ORDER BY 1, 2"""),
    panel("table", "Phases", "Complete instances in the shown range, and their time by state; User and Sys "
          "include interrupts. Half seen: the begin or the end of the instance is not in the trace.", 24, 9, """
SELECT phase AS "Phase", sum(count) AS "Instances", {p50} AS "p50", {p99} AS "p99",
       sum(user_ns) / 1e9 AS "User", sum(sys_ns) / 1e9 AS "Sys", sum(runnable_ns) / 1e9 AS "Runnable",
       sum(blocked_ns) / 1e9 AS "Blocked", sum(unknown_ns) / 1e9 AS "Unknown",
       sum(begin_unknown + end_unknown) AS "Half seen"
FROM spanmill.phase_times WHERE {f} GROUP BY phase ORDER BY sum(total_ns) DESC NULLS LAST""",
          [(name, "s") for name in ("p50", "p99", "User", "Sys", "Runnable", "Blocked", "Unknown")]),
    panel("table", "System calls of phases", "Share: of the time of all calls of the phase.", 24, 11, """
SELECT phase AS "Phase", syscall AS "Call", sum(total_ns) / 1e9 AS "Time",
       sum(total_ns) / nullif(sum(sum(total_ns)) OVER (PARTITION BY phase), 0) AS "Share",
       sum(count) AS "Calls", {p50} AS "p50", {p99} AS "p99", sum(errors) AS "Errors"
FROM spanmill.syscall_times WHERE {f} GROUP BY phase, syscall ORDER BY 3 DESC NULLS LAST""",
          [("Time", "s"), ("Share", "percentunit"), ("p50", "s"), ("p99", "s")]),
    panel("table", "Slowest instances", "The listed instances, with their matched and captured values.", 24, 11, """
SELECT begin_at AS "Begin", host AS "Host", process AS "Process", thread AS "Thread", phase AS "Phase",
       duration_ns / 1e9 AS "Duration", user_ns / 1e9 AS "User", sys_ns / 1e9 AS "Sys",
       runnable_ns / 1e9 AS "Runnable", blocked_ns / 1e9 AS "Blocked", match AS "Match",
       captured AS "Captured"
FROM spanmill.phase_instances WHERE $__timeFilter(end_at) AND {place}
ORDER BY duration_ns DESC, begin_ns LIMIT 50""",
          [(name, "s") for name in ("Duration", "User", "Sys", "Runnable", "Blocked")]),
    panel("table", "Blocked by", "Time that threads of instances were blocked, by call.", 12, 9, """
SELECT phase AS "Phase", coalesce(nullif(syscall, ''), '(no call)') AS "Call",
       sum(blocked_ns) / 1e9 AS "Blocked"
FROM spanmill.phase_blocked_by WHERE {f} GROUP BY 1, 2 HAVING sum(blocked_ns) <> 0
ORDER BY 3 DESC""", [("Blocked", "s")]),
    panel("table", "Woken by", "Wakers of blocked threads in phases: another process, an interrupt handler "
          "by its number, or the idle thread.", 12, 9, """
SELECT phase AS "Phase", kind AS "Kind", coalesce(by_process, number::text) AS "By", sum(count) AS "Waits",
       sum(total_ns) / 1e9 AS "Blocked"
FROM spanmill.wakers WHERE {f} GROUP BY 1, 2, 3 ORDER BY 5 DESC LIMIT 50""", [("Blocked", "s")]),
    panel("table", "Ran instead", "Processes that ran while threads in phases waited for the CPU.", 12, 9, """
SELECT phase AS "Phase", kind AS "Kind", by_process AS "By", sum(count) AS "Runs",
       sum(total_ns) / 1e9 AS "Waited"
FROM spanmill.ran_instead WHERE {f} GROUP BY 1, 2, 3 ORDER BY 5 DESC LIMIT 50""", [("Waited", "s")]),
    panel("table", "Errors of system calls", "", 12, 9, """
SELECT phase AS "Phase", syscall AS "Call", error AS "Error", sum(count) AS "Calls"
FROM spanmill.syscall_errors WHERE {f} GROUP BY 1, 2, 3 ORDER BY 4 DESC"""),
    panel("table", "Files and sockets", "Those with the most time in calls.", 24, 9, """
SELECT process AS "Process", phase AS "Phase", kind AS "Kind", descriptor AS "Name", sum(count) AS "Calls",
       sum(read_bytes) AS "Read", sum(write_bytes) AS "Written", sum(total_ns) / 1e9 AS "Time"
FROM spanmill.descriptor_uses WHERE {t} AND descriptor IS NOT NULL
GROUP BY 1, 2, 3, 4 ORDER BY 8 DESC NULLS LAST LIMIT 50""",
          [("Read", "bytes"), ("Written", "bytes"), ("Time", "s")]),
    panel("table", "Processes", "CPU time, and time that their threads waited for a CPU.", 12, 9, """
SELECT host AS "Host", pid AS "PID", process AS "Process", sum(cpu_ns) / 1e9 AS "On CPUs",
       sum(runnable_ns) / 1e9 AS "Runnable", sum(switches) AS "Switches"
FROM spanmill.thread_times WHERE {t} GROUP BY 1, 2, 3 ORDER BY 4 DESC NULLS LAST LIMIT 50""",
          [("On CPUs", "s"), ("Runnable", "s")]),
    panel("table", "Sessions", "Events and losses by session. Behind: time since the end of the newest "
          "interval.", 12, 9, """
SELECT s.host AS "Host", s.session AS "Session", sum(i.events) AS "Events", sum(i.chunks) AS "Chunks",
       sum(i.discarded) AS "Discarded events", sum(i.lost_intervals) AS "Lost intervals",
       extract(epoch FROM now() - max(i.end_at)) AS "Behind"
FROM spanmill.intervals AS i JOIN spanmill.sessions AS s USING (session_id)
WHERE s.host IN ($host) AND s.name IN ($session) GROUP BY 1, 2 ORDER BY 1, 2""", [("Behind", "s")]),
]


def make_variable(label):
    return {"name": label, "label": label, "type": "query", "datasource": SOURCE,
            "query": VARIABLES[label], "definition": VARIABLES[label], "includeAll": True, "multi": True,
            "refresh": 2, "sort": 0, "current": {"text": "All", "value": "$__all"}}


def make_step():
    return {"name": "step", "label": "step", "type": "custom", "query": ",".join(STEPS),
            "options": [{"text": step, "value": step, "selected": step == STEPS[0]} for step in STEPS],
            "current": {"text": STEPS[0], "value": STEPS[0]}}


def make_panel(row, number, place):
    name, defaults, options = dashboards.KINDS[row["kind"]]
    target = {"refId": "A", "datasource": SOURCE, "editorMode": "code", "rawQuery": True,
              "format": "table" if row["kind"] == "table" else "time_series",
              "rawSql": row["sql"].strip().format(**WORDS)}
    overrides = [{"matcher": {"id": "byName", "options": column},
                  "properties": [{"id": "unit", "value": unit}]} for column, unit in row["units"].items()]
    unit = "none" if row["kind"] == "table" else "s"
    return {"id": number, "type": name, "title": row["title"], "description": row["about"],
            "gridPos": place, "datasource": SOURCE,
            "fieldConfig": {"defaults": {**defaults, "unit": unit}, "overrides": overrides},
            "options": options, "targets": [target]}


def make():
    variables = [make_variable(label) for label in VARIABLES] + [make_step()]
    return dashboards.frame(UID, TITLE, "PostgreSQL", SOURCE["type"], variables,
                            dashboards.arrange(PANELS, make_panel))
