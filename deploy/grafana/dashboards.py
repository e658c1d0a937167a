#!/usr/bin/env python3
"""Writes the dashboards of spanmill for Grafana as JSON.

    deploy/grafana/dashboards.py FOLDER

Panels are rows of the tables below. `{f}` in an expression is the filter of the dashboard's variables, `{t}`
the part of it without the phase, `{s}` that without the process either, for series that lack these labels;
`total(X)` is how much the counter X grew in the range that is shown, exactly: counters of the exporter
begin with 0 and never fall, and increase() extrapolates.
"""
import json
import os
import re
import sys

SCHEMA, WIDTH = 39, 24
SOURCE = {"type": "prometheus", "uid": "${datasource}"}

# Of a dashboard: label -> the metric whose values it may have.
FILTERS = {
    "host": "spanmill_events_total",
    "session": 'spanmill_events_total{host=~"$host"}',
    "process": 'spanmill_phase_seconds_total{host=~"$host",session=~"$session"}',
    "phase": 'spanmill_phase_seconds_total{host=~"$host",session=~"$session",process=~"$process"}',
}

LINES = {"min": 0, "custom": {"fillOpacity": 10, "lineWidth": 1, "showPoints": "auto",
                              "spanNulls": 120000}}
STACKED = {"min": 0, "custom": {"fillOpacity": 70, "lineWidth": 1, "showPoints": "never",
                                "spanNulls": 120000,
                                "stacking": {"mode": "normal", "group": "A"}}}
LEGEND = {"legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
          "tooltip": {"mode": "multi", "sort": "desc"}}
STAT = {"reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "colorMode": "value", "graphMode": "none", "textMode": "auto", "justifyMode": "auto",
        "orientation": "auto", "wideLayout": True, "showPercentChange": False,
        "percentChangeColorMode": "standard"}
HEATMAP = {"calculate": False, "yAxis": {"unit": "s"}, "cellGap": 1, "showValue": "auto",
           "exemplars": {"color": "rgba(255,0,255,0.7)"},
           "color": {"mode": "scheme", "scheme": "Oranges", "steps": 64, "scale": "exponential",
                     "exponent": 0.5, "reverse": False, "fill": "dark-orange"},
           "tooltip": {"mode": "single", "yHistogram": False, "showColorScale": False},
           "legend": {"show": True}}
# kind -> (Grafana's type, fieldConfig.defaults, options)
KINDS = {
    "lines": ("timeseries", LINES, LEGEND),
    "stacked": ("timeseries", STACKED, LEGEND),
    "heatmap": ("heatmap", {}, HEATMAP),
    "stat": ("stat", {}, STAT),
    "table": ("table", {}, {"showHeader": True, "cellHeight": "sm", "frameIndex": 0}),
}


def panel(kind, title, about, unit, width, height, *queries, **more):
    """A query is (expression, legend), of a table (expression, column, unit)."""
    return {"kind": kind, "title": title, "about": about, "unit": unit, "width": width,
            "height": height, "queries": queries, **more}


def over_range(metric, labels):
    return f"sum by ({labels}) (total({metric}))"


def by_phase(metric, count):
    """Its rate; counts have their phase in the label `by`, with the other values of their breakdown."""
    return ('sum by (phase) (label_replace(label_replace(rate(spanmill_counted_%s_total{{{t},count=~"%s",'
            'by=~"(.+,)?phase=($phase)(,.+)?"}}[$__rate_interval]), "phase", "$1", "by", '
            '"(?:.+,)?phase=([^,]*)(?:,.+)?"), "phase", "(no phase)", "phase", ""))' % (metric, count))


def by_process(metric, count):
    return (f'topk(10, sum by (process) (rate(spanmill_counted_{metric}_total{{{{{{t}},count=~"{count}"}}}}'
            '[$__rate_interval])))')


def by_whom(metric, chosen):
    return f'topk(10, sum by (kind, by) (rate({metric}{{{{{chosen}}}}}[$__rate_interval])))'


PHASES = [
    panel("stacked", "Time in system calls, by phase",
          "Seconds per second that threads spent in system calls while a phase was open.", "s", 12, 9,
          ('sum by (phase) (rate(spanmill_syscall_seconds_total{{{f},phase!=""}}[$__rate_interval]))',
           "{{phase}}")),
    panel("stacked", "Time in phases, by state",
          "Time of threads in complete instances: user, sys, irq and softirq (interrupts during user and "
          "sys), runnable (waiting for a CPU), blocked, unknown.", "s", 12, 9,
          ('sum by (state) (rate(spanmill_phase_seconds_total{{{f}}}[$__rate_interval]))',
           "{{state}}")),
    panel("heatmap", "Durations of instances",
          "Complete instances of the selected phases, by duration.", "s", 12, 9,
          ('sum (increase(spanmill_phase_duration_seconds{{{f}}}[$__rate_interval]))', "")),
    panel("stacked", "Time in system calls, by call",
          "Seconds per second in phases, in the ten calls with the most time.", "s", 12, 9,
          ('topk(10, sum by (syscall) (rate(spanmill_syscall_seconds_total{{{f},phase!=""}}'
           '[$__rate_interval])))', "{{syscall}}")),
    panel("table", "System calls of phases",
          "In the shown range. Share: of the time of all calls of the phase.", "none", 24, 11,
          (over_range('spanmill_syscall_seconds_total{{{f},phase!=""}}', "phase, syscall"),
           "Time", "s"),
          (over_range('spanmill_syscall_seconds_total{{{f},phase!=""}}', "phase, syscall")
           + " / on (phase) group_left () "
           + over_range('spanmill_syscall_seconds_total{{{f},phase!=""}}', "phase"),
           "Share", "percentunit"),
          (over_range('spanmill_syscall_calls_total{{{f},phase!=""}}', "phase, syscall"),
           "Calls", "short"),
          (over_range('spanmill_syscall_calls_total{{{f},phase!="",error!=""}}', "phase, syscall"),
           "Errors", "short"), sort="Time"),
    panel("table", "Phases by state",
          "Time of complete instances in the shown range.", "s", 24, 8,
          (over_range("spanmill_phase_seconds_total{{{f}}}", "phase, state"), "Value", "s"),
          matrix=("phase", "state")),
    panel("stacked", "Blocked time by waker",
          "Seconds per second that threads were blocked, by the process or handler that woke them; the ten "
          "largest. `unknown`: no wakeup in the trace.", "s", 12, 9,
          (by_whom("spanmill_waker_seconds_total", "{f}"), "{{kind}} {{by}}")),
    panel("stacked", "Runnable time by running thread",
          "Seconds per second that threads were runnable, by the process that ran instead; the ten largest. "
          "`earlier`: before the last 32 runs of the CPU.", "s", 12, 9,
          (by_whom("spanmill_ran_instead_seconds_total", '{s},phase=~"$phase"'), "{{kind}} {{by}}")),
    panel("lines", "Block requests by phase, bytes", "Issued by threads in the phase. Needs block_rq_* events.",
          "Bps", 8, 8, (by_phase("values", "spanmill:block_requests"), "{{phase}}")),
    panel("lines", "Network by phase, bytes", "Sent and received in the phase. Needs net_dev_* and net_if_receive_skb "
          "events.", "Bps", 8, 8, (by_phase("values", "spanmill:net_sent|spanmill:net_received"), "{{phase}}")),
    panel("lines", "Page faults by phase", "Needs x86_exceptions_page_fault_* events.", "ops", 8, 8,
          (by_phase("events", "spanmill:page_faults"), "{{phase}}")),
]

DURATIONS = "spanmill_phase_duration_seconds{{{f}}}"
REQUESTS = [
    panel("lines", "Instances per second", "Complete instances, by the time of their end.", "ops", 12, 8,
          (f"histogram_count(sum by (phase) (rate({DURATIONS}[$__rate_interval])))", "{{phase}}")),
    panel("lines", "Durations", "Of all selected phases together.", "s", 12, 8,
          *((f"histogram_quantile({q}, sum (rate({DURATIONS}[$__rate_interval])))", f"p{name}")
            for q, name in (("0.5", "50"), ("0.9", "90"), ("0.99", "99")))),
    panel("lines", "99th percentile, by phase", "", "s", 12, 8,
          (f"histogram_quantile(0.99, sum by (phase) (rate({DURATIONS}[$__rate_interval])))",
           "{{phase}}")),
    panel("lines", "Share of time blocked or waiting for a CPU, by phase",
          "runnable and blocked, of all time of the phase's threads.", "percentunit", 12, 8,
          ('sum by (phase) (rate(spanmill_phase_seconds_total{{{f},state=~"runnable|blocked"}}'
           '[$__rate_interval])) / sum by (phase) '
           '(rate(spanmill_phase_seconds_total{{{f}}}[$__rate_interval]))', "{{phase}}")),
    panel("table", "Phases",
          "In the shown range. Half seen: the begin or the end of the instance is not in the trace, so its "
          "duration is unknown.", "none", 24, 9,
          (f"histogram_count(sum by (phase) (increase({DURATIONS}[$__range])))", "Instances", "short"),
          *((f"histogram_quantile({q}, sum by (phase) (increase({DURATIONS}[$__range])))", name, "s")
            for q, name in (("0.5", "p50"), ("0.99", "p99"))),
          (over_range("spanmill_phase_half_seen_total{{{f}}}", "phase"), "Half seen", "short"),
          sort="p99"),
    panel("lines", "Counts that you define", "Events per second, by count and the values of its breakdown "
          "(RESULTS.md, section 7).", "ops", 12, 8,
          ('sum by (count, by) (rate(spanmill_counted_events_total{{{s},count!~"spanmill:.*"}}[$__rate_interval]))',
           "{{count}} {{by}}")),
    panel("lines", "Spans that you define, 99th percentile", "Duration from begin event to end event.", "s", 12, 8,
          ("histogram_quantile(0.99, sum by (span, by) "
           "(rate(spanmill_span_duration_seconds{{{s}}}[$__rate_interval])))", "{{span}} {{by}}")),
]

HOSTS = [
    panel("lines", "CPU", "Share of the CPU time of a host in which threads ran.", "percentunit", 12, 8,
          ('sum by (host) (rate(spanmill_cpu_busy_seconds_total{{{f}}}[$__rate_interval])) / '
           'count by (host) (rate(spanmill_cpu_busy_seconds_total{{{f}}}[$__rate_interval]))',
           "{{host}}")),
    panel("stacked", "Time of threads on and waiting for CPUs", "Without blocked time.", "s", 12, 8,
          ('sum by (state) (rate(spanmill_thread_seconds_total{{{f},state=~"user|sys|irq|softirq|runnable"}}'
           '[$__rate_interval]))', "{{state}}")),
    panel("lines", "Run queue latency", "From wakeups to running.", "s", 12, 8,
          *((f"histogram_quantile({q}, sum by (host) "
             "(rate(spanmill_wakeup_latency_seconds{{{f}}}[$__rate_interval])))",
             f"{{{{host}}}} p{name}") for q, name in (("0.5", "50"), ("0.99", "99")))),
    panel("stacked", "Interrupt handlers", "Seconds per second in hardware interrupt handlers, by "
          "handler. Needs irq_handler_* events.", "s", 12, 8,
          ("histogram_sum(sum by (name) (rate(spanmill_irq_run_seconds{{{f}}}[$__rate_interval])))",
           "{{name}}")),
    panel("stacked", "Softirqs", "Seconds per second in softirqs, by vector. Needs irq_softirq_* "
          "events.", "s", 12, 8,
          ("histogram_sum(sum by (vec) (rate(spanmill_softirq_run_seconds{{{f}}}[$__rate_interval])))",
           "{{vec}}")),
    panel("lines", "Softirq latency, 99th percentile", "From raise to entry.", "s", 12, 8,
          ("histogram_quantile(0.99, sum by (vec) "
           "(rate(spanmill_softirq_latency_seconds{{{f}}}[$__rate_interval])))", "{{vec}}")),
    panel("lines", "Block requests, 99th percentile", "From the issue of a request to its completion, by device and "
          "kind. Needs block_rq_* events.", "s", 12, 8,
          ("histogram_quantile(0.99, sum by (dev, kind) "
           "(rate(spanmill_block_run_seconds{{{f}}}[$__rate_interval])))", "{{dev}} {{kind}}")),
    panel("lines", "Block requests, bytes", "Completed, by device and kind.", "Bps", 12, 8,
          ("sum by (dev, kind) (rate(spanmill_block_bytes_total{{{f}}}[$__rate_interval]))",
           "{{dev}} {{kind}}")),
    panel("lines", "Network, bytes", "By interface. Needs net_dev_* and net_if_receive_skb events.", "Bps", 12, 8,
          ("sum by (name) (rate(spanmill_net_sent_bytes_total{{{f}}}[$__rate_interval]))",
           "{{name}} sent"),
          ("sum by (name) (rate(spanmill_net_received_bytes_total{{{f}}}[$__rate_interval]))",
           "{{name}} received")),
    panel("lines", "Network, wait for the driver", "From queuing a packet to its acceptance by the driver, "
          "99th percentile.",
          "s", 12, 8,
          ("histogram_quantile(0.99, sum by (name) "
           "(rate(spanmill_net_wait_seconds{{{f}}}[$__rate_interval])))", "{{name}}")),
    panel("lines", "Block requests by process, bytes", "Issued, by the ten processes with the most.", "Bps", 8, 8,
          (by_process("values", "spanmill:block_requests"), "{{process}}")),
    panel("lines", "Network by process, bytes", "Sent and received, by the ten processes with the most; "
          "`interrupt`: in an interrupt handler.", "Bps", 8, 8,
          (by_process("values", "spanmill:net_sent|spanmill:net_received"), "{{process}}")),
    panel("lines", "Page faults by process", "The ten processes with the most. Needs "
          "x86_exceptions_page_fault_* events.",
          "ops", 8, 8, (by_process("events", "spanmill:page_faults"), "{{process}}")),
    panel("stacked", "Timers and work", "Seconds per second in callbacks, by kind. Needs timer_hrtimer_* "
          "and other events of callbacks.", "s", 12, 8,
          ("histogram_sum(sum by (kind) (rate(spanmill_callback_run_seconds{{{f}}}[$__rate_interval])))",
           "{{kind}}")),
    panel("lines", "Signals", "Generated, by signal. Needs signal_* events.", "ops", 12, 8,
          ("sum by (sig) (rate(spanmill_signal_generated_total{{{f}}}[$__rate_interval]))", "{{sig}}")),
    panel("lines", "Events per second", "", "ops", 8, 8,
          ("sum by (host) (rate(spanmill_events_total{{{f}}}[$__rate_interval]))", "{{host}}")),
    panel("lines", "Losses", "Lost, skipped, or unknown data in the interval of a point. `discarded`: "
          "events that the tracer dropped.", "short", 8, 8,
          ("sum by (host, what) (increase(spanmill_lost_total{{{f}}}[$__rate_interval]))",
           "{{host}} {{what}}")),
    panel("lines", "Unknown share", "Share of thread time whose state is unknown.",
          "percentunit", 8, 8,
          ('sum by (host) (rate(spanmill_thread_seconds_total{{{f},state="unknown"}}'
           '[$__rate_interval])) / sum by (host) '
           '(rate(spanmill_thread_seconds_total{{{f}}}[$__rate_interval]))', "{{host}}")),
]

PIPELINE = [
    panel("stat", "Behind the hosts", "Time since the end of the newest interval, of the host that is "
          "furthest behind. A host whose session has ended is included.", "s", 6, 5,
          ("time() - min(max by (host) (last_over_time(spanmill_newest_interval_seconds[$__range])))",
           "")),
    panel("stat", "Chunks waiting", "Not mapped yet, or mapped and waiting for an earlier chunk.",
          "short", 6, 5,
          ("sum(spanmill_mapper_lag_records)", "for mappers"),
          ("sum(spanmill_reducer_waiting_chunks)", "for reducers")),
    panel("stat", "Gaps", "Chunks given up in the shown range.", "short", 6, 5,
          ("sum(increase(spanmill_reducer_gaps_total[$__range]))", "")),
    panel("stat", "Parked", "Chunks that mappers could not use in the shown range.", "short",
          6, 5, ('sum(increase(spanmill_mapper_chunks_total{{outcome="parked"}}[$__range]))', "")),
    panel("lines", "Behind the hosts, by host", "Time since the end of the newest interval.", "s", 12, 8,
          ("time() - max by (host) (last_over_time(spanmill_newest_interval_seconds[$__range]))",
           "{{host}}")),
    panel("lines", "Age of current work", "0 if nothing waits.", "s", 12, 8,
          ("max(spanmill_mapper_behind_seconds)", "mappers"),
          ("max(spanmill_reducer_behind_seconds)", "reducers"),
          ("max(spanmill_export_behind_seconds)", "exporters"),
          ("max(spanmill_export_blocked_seconds)", "receiver does not take it")),
    panel("lines", "Waiting", "Chunks and records that are not processed yet.", "short", 12, 8,
          ("sum(spanmill_mapper_lag_records)", "chunks for mappers"),
          ("sum(spanmill_reducer_waiting_chunks)", "chunks for one before them"),
          ("sum(spanmill_reducer_lag_records)", "records for reducers"),
          ("sum(spanmill_export_lag_records)", "records for exporters")),
    panel("lines", "Chunks per second, by outcome", "", "ops", 12, 8,
          ("sum by (outcome) (rate(spanmill_mapper_chunks_total[$__rate_interval]))",
           "{{outcome}}")),
    panel("lines", "Events per second", "Mapped and joined.", "ops", 12, 8,
          ("sum(rate(spanmill_mapper_events_total[$__rate_interval]))", "mapped"),
          ("sum(rate(spanmill_reducer_events_total[$__rate_interval]))", "joined")),
    panel("lines", "Restores and aborted transactions", "In the interval of a point.", "short", 12, 8,
          ("sum(increase(spanmill_reducer_restore_seconds_count[$__rate_interval]))",
           "reducers' restores"),
          ("sum(increase(spanmill_export_restore_seconds_count[$__rate_interval]))",
           "exporters' restores"),
          ('sum(increase({{__name__=~"spanmill_.*_transactions_aborted_total"}}[$__rate_interval]))',
           "aborted")),
    panel("lines", "Time of a chunk, mean", "", "s", 12, 8,
          *((f"sum(rate(spanmill_{metric}_seconds_sum[$__rate_interval])) / "
             f"sum(rate(spanmill_{metric}_seconds_count[$__rate_interval]))", legend)
            for metric, legend in (("mapper_fetch", "fetch"), ("mapper_map", "map"),
                                   ("mapper_transaction", "commit partials"),
                                   ("reducer_transaction", "commit results"),
                                   ("export_send", "send")))),
    panel("lines", "Refused by receivers", "Samples, spans, and rows dropped in the interval of a point.",
          "short", 12, 8,
          ("sum by (output) (increase(spanmill_export_refused_samples_total[$__rate_interval]))",
           "{{output}}")),
]

# uid -> title, variables, panels
DASHBOARDS = {
    "spanmill-phases": ("spanmill: Phases", ("host", "session", "process", "phase"), PHASES),
    "spanmill-requests": ("spanmill: Requests", ("host", "session", "process", "phase"), REQUESTS),
    "spanmill-hosts": ("spanmill: Hosts", ("host", "session"), HOSTS),
    "spanmill-pipeline": ("spanmill: Pipeline", (), PIPELINE),
}


def expand(expression, labels):
    def chosen(names):
        return ",".join(f'{label}=~"${label}"' for label in names)
    text = expression.format(f=chosen(labels), t=chosen(label for label in labels if label != "phase"),
                             s=chosen(label for label in labels if label in ("host", "session")))
    return re.sub(r"total\(([^()]*)\)",
                  r"max_over_time(\1[$__range]) - min_over_time(\1[$__range])", text)


def variable(label):
    return {"name": label, "label": label, "type": "query", "datasource": SOURCE,
            "query": {"query": f"label_values({FILTERS[label]}, {label})", "refId": label},
            "definition": f"label_values({FILTERS[label]}, {label})",
            "includeAll": True, "multi": True, "allValue": ".*", "refresh": 2, "sort": 1,
            "current": {"text": "All", "value": "$__all"}}


def make_target(query, index, kind, labels):
    whole = kind in ("table", "stat")
    out = {"refId": chr(ord("A") + index), "datasource": SOURCE, "editorMode": "code",
           "expr": expand(query[0], labels), "instant": whole, "range": not whole}
    if kind == "table":
        return {**out, "format": "table"}
    if kind == "heatmap":
        return {**out, "format": "heatmap"}
    return {**out, "legendFormat": query[1] or "__auto"}


def organize(columns):
    """Its queries are columns of one table, joined by their labels."""
    names = {"Value": columns[0][1]} if len(columns) == 1 else {
        f"Value #{chr(ord('A') + i)}": query[1] for i, query in enumerate(columns)}
    return [{"id": "merge", "options": {}},
            {"id": "organize", "options": {"excludeByName": {"Time": True}, "indexByName": {},
                                           "renameByName": names}}]


def as_table(row):
    if "matrix" in row:   # of one query: a row for each value of one label, a column for each of another
        label, column = row["matrix"]
        return {"unit": row["queries"][0][2], "overrides": [], "sort": [], "transformations": [
            {"id": "groupingToMatrix", "options": {"rowField": label, "columnField": column,
                                                   "valueField": "Value"}}]}
    return {"unit": "none", "transformations": organize(row["queries"]),
            "overrides": [{"matcher": {"id": "byName", "options": query[1]},
                           "properties": [{"id": "unit", "value": query[2]}]}
                          for query in row["queries"]],
            "sort": [{"displayName": row["sort"], "desc": True}]}


def make_panel(row, number, place, labels):
    kind = row["kind"]
    name, defaults, options = KINDS[kind]
    table = as_table(row) if kind == "table" else {}
    out = {"id": number, "type": name, "title": row["title"], "description": row["about"],
           "gridPos": place, "datasource": SOURCE,
           "fieldConfig": {"defaults": {**defaults, "unit": table.get("unit", row["unit"])},
                           "overrides": table.get("overrides", [])},
           "options": {**options, **({"sortBy": table["sort"]} if table else {})},
           "targets": [make_target(query, i, kind, labels)
                       for i, query in enumerate(row["queries"])]}
    if table:
        out["transformations"] = table["transformations"]
    return out


def arrange(rows, make):
    """`make(row, number, place)` returns the panel of a row; panels fill the width from the top left."""
    panels, x, y, line = [], 0, 0, 0
    for number, row in enumerate(rows, 1):
        if x + row["width"] > WIDTH:
            x, y, line = 0, y + line, 0
        panels.append(make(row, number, {"x": x, "y": y, "w": row["width"], "h": row["height"]}))
        x, line = x + row["width"], max(line, row["height"])
    return panels


def frame(uid, title, source, kind, variables, panels):
    """A dashboard; `kind` is the type of its data source in Grafana."""
    chosen = {"name": "datasource", "label": source, "type": "datasource", "query": kind, "refresh": 1}
    return {"uid": uid, "title": title, "tags": ["spanmill"], "schemaVersion": SCHEMA, "version": 1,
            "editable": True, "graphTooltip": 1, "timezone": "browser", "refresh": "30s",
            "time": {"from": "now-30m", "to": "now"},
            "annotations": {"list": []},
            "links": [{"title": "spanmill", "type": "dashboards", "tags": ["spanmill"], "icon": "",
                       "tooltip": "", "targetBlank": False, "asDropdown": True,
                       "includeVars": True, "keepTime": True}],
            "templating": {"list": [chosen, *variables]},
            "panels": panels}


def make_dashboard(uid):
    title, labels, rows = DASHBOARDS[uid]
    return frame(uid, title, "Prometheus", "prometheus", [variable(label) for label in labels],
                 arrange(rows, lambda row, number, place: make_panel(row, number, place, labels)))


def main(folder):
    import sql_dashboard  # which needs what is above
    os.makedirs(folder, exist_ok=True)
    boards = {uid: make_dashboard(uid) for uid in DASHBOARDS}
    boards[sql_dashboard.UID] = sql_dashboard.make()
    for uid, board in boards.items():
        with open(os.path.join(folder, f"{uid}.json"), "w", encoding="utf-8") as file:
            json.dump(board, file, indent=1)
            file.write("\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
