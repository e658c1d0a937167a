"""Tests of alert rules for promtool: numbers by which each fires, and others by which none does.

    tests/deploy/rules.py RULES RUNBOOK FOLDER      writes FOLDER/tests.yaml; says what is missing
"""
import json
import re
import sys

import yaml

sys.path.insert(0, "deploy/grafana")
import dashboards  # noqa: E402

# alert -> (series, values one minute apart for which it fires, and for which it does not)
STEP, STILL = "0x20 1x20", "3x40"
ALERTS = {
    "HostCannotPublish": ('spanmill_agent_blocked_seconds{instance="a"}', "130+60x40", "119x40"),
    "AgentCannotRead": ('spanmill_agent_unreadable_paths{instance="a"}', "0x20 2x20", "0x40"),
    "ChunksLost": ('spanmill_agent_lost_chunks_total{instance="a"}', STEP, STILL),
    "MappersBehind": ('spanmill_mapper_behind_seconds{instance="a",thread="0"}', "301x40", "299x40"),
    "ReducersBehind": ('spanmill_reducer_behind_seconds{instance="a"}', "61x40", "59x40"),
    "ChunkParked": ('spanmill_mapper_chunks_total{instance="a",outcome="parked"}', STEP, STILL),
    "WaitsForChunk": ('spanmill_reducer_waiting_chunks{instance="a"}', "1x40", "0 1 0 1 0x36"),
    "Gap": ('spanmill_reducer_gaps_total{instance="a"}', STEP, STILL),
    "Refused": ('spanmill_reducer_refused_total{instance="a"}', STEP, STILL),
    "BorderMismatch": ('spanmill_reducer_border_mismatches_total{instance="a"}', STEP, STILL),
    "EventsDiscarded": ('spanmill_reducer_tallies_total{instance="a",tally="discarded"}', STEP, STILL),
    "ReceiverBlocked": ('spanmill_export_blocked_seconds{instance="a"}', "301+60x40", "0x40"),
    "ReceiverDenies": ('spanmill_export_denied_total{instance="a",output="postgres"}', STEP, STILL),
    "SamplesRefused": ('spanmill_export_refused_samples_total{instance="a",output="otlp"}', STEP,
                       STILL),
    "TooManySeries": ('spanmill_export_over_limit_total{instance="a"}', STEP, STILL),
    # Start of each test, in seconds since the epoch.
    "HostSilent": ('spanmill_newest_interval_seconds{host="a",session="a/s/t"}', "0+60x5 300x35",
                   "0+60x40"),
    "WorkerDown": ('up{job="spanmill-mapper",instance="a"}', "1x10 0x30", "1x38 0 1"),
}
AT = "33m"
# Data that a healthy pool does not have: a panel expression for each.
OF_A = 'host="a",session="a/s/t"'
FAULTS = f'spanmill_counted_events_total{{{OF_A},process="p",count="spanmill:page_faults",by="mode=user,phase=%s"}}'
RARE = {"Losses": (f'spanmill_lost_total{{{OF_A},what="discarded"}}', "0+5x40", '{host="a", what="discarded"}', 10),
        "Page faults by phase": (FAULTS % "request/send", "0+6x40", '{phase="request/send"}', 0.1),
        "Page faults by process": (FAULTS % "", "0+60x40", '{process="p"}', 1)}


def alert_tests(rules):
    for rule in rules:
        series, bad, good = ALERTS[rule["alert"].removeprefix("Spanmill")]
        for values, fires in (bad, True), (good, False):
            yield {"name": f'{rule["alert"]}, {"fires" if fires else "does not fire"}',
                   "interval": "1m", "input_series": [{"series": series, "values": values}],
                   "promql_expr_test": [{
                       "expr": f'count(ALERTS{{alertname="{rule["alert"]}",alertstate="firing"}})',
                       "eval_time": AT,
                       "exp_samples": [{"labels": "{}", "value": 1}] if fires else []}]}


def panel_tests():
    for title, (series, values, labels, value) in RARE.items():
        target, = [target for uid in dashboards.DASHBOARDS
                   for panel in dashboards.make_dashboard(uid)["panels"]
                   if panel["title"] == title for target in panel["targets"]]
        expression = target["expr"].replace("$__rate_interval", "2m")
        expression = re.sub(r"\$[a-z_]+", ".*", expression)
        yield {"name": title, "interval": "1m",
               "input_series": [{"series": series, "values": values}],
               "promql_expr_test": [{"expr": expression, "eval_time": AT,
                                     "exp_samples": [{"labels": labels, "value": value}]}]}


def faults(rules, runbook):
    """Missing parts around the rules."""
    sections = re.findall(r"^## (\w+)$", runbook, re.M)
    names = [rule["alert"] for rule in rules]
    for name in names:
        if name.removeprefix("Spanmill") not in ALERTS:
            yield f"{name} has no test"
    for name in ALERTS:
        if f"Spanmill{name}" not in names:
            yield f"no rule is {name}"
    for name in set(names) ^ set(sections):
        yield f"{name} is in the rules or in docs/RUNBOOK.md, not in both"
    for rule in rules:
        if rule["annotations"]["runbook_url"] != f'docs/RUNBOOK.md#{rule["alert"].lower()}':
            yield f'{rule["alert"]}: its runbook_url is not that of its section'
        if rule["labels"]["severity"] not in ("info", "warning", "critical"):
            yield f'{rule["alert"]}: its severity'


def main(path, runbook, folder):
    with open(path) as file:
        rules = [rule for group in yaml.safe_load(file)["groups"] for rule in group["rules"]]
    with open(runbook) as file:
        wrong = list(faults(rules, file.read()))
    if not wrong:
        with open(f"{folder}/tests.yaml", "w") as file:
            json.dump({"rule_files": ["rules.yaml"], "evaluation_interval": "1m",
                       "tests": [*alert_tests(rules), *panel_tests()]}, file)
    return "\n".join(wrong) or 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
