"""All expressions of dashboards and rules are sent to a real Prometheus with the data of a real pool: none
fails, none is empty, and the numbers equal the report."""
import collections
import json
import math
import os
import re
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
for folder in "tests/pool", "tools/try", "deploy/grafana":
    sys.path.insert(0, os.path.join(ROOT, folder))
import dashboards  # noqa: E402
import pool  # noqa: E402
import present  # noqa: E402
import totals  # noqa: E402
from parts import NO_PROXY  # noqa: E402
from pool import Pool, report, say, wait_until  # noqa: E402
from prometheus import Prometheus  # noqa: E402

LIMIT, RANGE = 60, "120s"
RULES = os.path.join(ROOT, "deploy/prometheus/spanmill.rules.yaml")
# A healthy pool has no data for these: tests/deploy/test_rules.sh has numbers for them.
RARE = ("spanmill_lost_total", "spanmill:page_faults")
DEFINITIONS = os.path.join(ROOT, "tools/try/definitions.yaml")


class Asked:
    """A dashboard with its variables replaced, as in Grafana."""

    def __init__(self, prometheus, uid, at):
        self.prometheus, self.at = prometheus, at
        self.board = dashboards.make_dashboard(uid)
        self.values = {"__range": RANGE, "__rate_interval": RANGE}
        for variable in self.board["templating"]["list"]:
            if variable["type"] == "query":
                self.values[variable["name"]] = self.choices(variable["query"]["query"])

    def choices(self, query):
        series, label = re.fullmatch(r"label_values\((.*), (\w+)\)", query).groups()
        found = self.prometheus.ask(f"label/{label}/values", **{
            "match[]": self.fill(series), "start": self.at - 120, "end": self.at})
        assert found, query
        return "|".join(re.escape(value).replace("\\", "\\\\") for value in found)

    def fill(self, expression):
        return re.sub(r"\$([a-z_]+)", lambda name: self.values[name[1]], expression)

    def panel(self, title):
        """Of each query of a panel: labels without names -> number, at the end of the range."""
        panel, = (each for each in self.board["panels"] if each["title"] == title)
        return [dict(self.prometheus.query(self.fill(target["expr"]), self.at))
                for target in panel["targets"]]

    def unanswered(self):
        """Evaluates each expression like its panel does; returns those without an answer."""
        return [f'{panel["title"]}: {target["expr"]}'
                for panel in self.board["panels"] for target in panel["targets"]
                if not self.told(self.fill(target["expr"]), target["instant"])
                and not any(name in target["expr"] for name in RARE)]

    def count(self):
        return sum(len(panel["targets"]) for panel in self.board["panels"])

    def told(self, expression, instant):
        """Whether the answer has a number."""
        if instant:
            values = [value for _, value in self.prometheus.query(expression, self.at)]
        else:
            answer = self.prometheus.ask("query_range", query=expression, start=self.at - 75,
                                         end=self.at, step=15)["result"]
            if any("histograms" in series for series in answer):
                return True
            values = [float(value) for series in answer for _, value in series["values"]]
        return any(isinstance(value, dict) or math.isfinite(value) for value in values)


def check(prometheus, uid, at):
    """Checks that every expression has an answer; metrics of services exist once all are scraped. Returns
    the number of expressions."""
    own = uid == "spanmill-pipeline"

    def missing():
        return Asked(prometheus, uid, time.time() if own else at).unanswered()
    if own:
        try:
            wait_until(lambda: not missing(), LIMIT, "all services to be scraped")
        except AssertionError:
            say("\n".join(missing()))
            raise
    else:
        assert not missing(), missing()
    return Asked(prometheus, uid, at).count()


def check_table(expected, found, family, slack, with_error=False):
    """A column against the totals of the report: equal keys and numbers."""
    wanted = collections.Counter()
    for (name, labels), number in expected.items():
        labels = dict(labels)
        error = labels.pop("error", "")
        if name == family and "phase" in labels and (error or not with_error):
            wanted[tuple(sorted(labels.items()))] += number
    scale = 1e9 if totals.in_nanoseconds(family) else 1
    for key, number in wanted.items():
        told = found.pop(key, 0) * scale
        assert abs(told - number) <= slack, (family, key, told, number)
    assert not any(found.values()), found
    assert wanted, family
    return len(wanted)


def check_numbers(prometheus, expected, at):
    phases, requests = (Asked(prometheus, f"spanmill-{name}", at) for name in ("phases", "requests"))
    spent, share, calls, errors = phases.panel("System calls of phases")
    checked = check_table(expected, spent, "spanmill_syscall_seconds_total", 1000)
    checked += check_table(expected, calls, "spanmill_syscall_calls_total", 0)
    checked += check_table(expected, errors, "spanmill_syscall_calls_total", 0, with_error=True)
    by_phase = {}
    for key, part in share.items():
        by_phase[dict(key)["phase"]] = by_phase.get(dict(key)["phase"], 0) + part
    assert all(abs(whole - 1) < 1e-9 for whole in by_phase.values()), by_phase
    by_state, = phases.panel("Phases by state")
    checked += check_table(expected, by_state, "spanmill_phase_seconds_total", 1000)
    check_about(expected, phases.panel("Time in phases, by state")[0], "spanmill_phase_seconds_total")
    instances, p50, p99, half_seen = requests.panel("Phases")
    check_about(expected, instances, "spanmill_phase_duration_seconds_count", 1)
    assert p50.keys() == p99.keys() == instances.keys()
    unseen = sum(number for (family, _), number in expected.items()
                 if family == "spanmill_phase_half_seen_total")
    assert sum(half_seen.values()) == unseen
    return checked


def check_about(expected, found, family, per=120):
    """A rate, or an increase, which Prometheus extrapolates."""
    wanted = sum(number for (name, _), number in expected.items() if name == family)
    told = sum(found.values()) * per * (1e9 if totals.in_nanoseconds(family) else 1)
    assert 0.95 < told / wanted < 1.25, (family, told, wanted)


def check_rules(prometheus):
    """The rules are loaded and evaluated without an error; the pool is healthy, so none fires."""
    def evaluated():
        rules = [rule for group in prometheus.ask("rules")["groups"] for rule in group["rules"]]
        return rules if all(rule["health"] != "unknown" for rule in rules) else None
    wait_until(evaluated, LIMIT, "the rules to be evaluated")
    rules = evaluated()
    assert rules and all(rule["health"] == "ok" for rule in rules), rules
    wrong = [rule["name"] for rule in rules if rule["state"] == "firing"]
    assert not wrong, wrong
    return len(rules)


def start(running):
    """A complete pool, and a Prometheus that scrapes it and receives its samples."""
    reducer, mapper, exporter = (running.add(role, f"{role}-0")
                                 for role in ("reducer", "mapper", "export"))
    mapper.extra += ["--phases", DEFINITIONS]
    prometheus = Prometheus(os.path.join(running.folder, "prometheus"), rules=[RULES], scraped={
        f"spanmill-{worker.role}": [f"127.0.0.1:{worker.port}"] for worker in running.workers})
    exporter.extra += ["--remote-write", f"{prometheus.url}/api/v1/write"]
    exporter.environment = NO_PROXY
    for worker in reducer, mapper, exporter:
        worker.start()
    prometheus.start()
    # Started before there is work: otherwise counters begin above 0.
    wait_until(lambda: [value for _, value in prometheus.query(
        "count(count_over_time(up[1m]) >= 2 and up == 1)", time.time())] == [3.0],
        LIMIT, "all to be scraped")
    return prometheus


def test_everything():
    """every expression has an answer, and the tables have the numbers of the report"""
    with Pool(partitions=2) as running:
        prometheus = start(running)
        try:
            now, spanmill = time.time(), pool.program("spanmill")
            shifted = present.copy(pool.THUMBNAILS, os.path.join(running.folder, "recording"),
                                   int(now * 1e9) - present.end_of(spanmill, pool.THUMBNAILS), now)
            lines = report(shifted, [pool.PHASES, DEFINITIONS])
            at = next(row["end_ns"] for row in map(json.loads, lines)
                      if row["type"] == "summary") / 1e9
            running.publish(shifted)
            expected = totals.of_report(lines)
            wait_until(lambda: not totals.differences(
                expected, totals.of_series(dict(prometheus.query(
                    '{__name__=~"spanmill_.*",host!=""}', at)))), LIMIT, "all to be there")
            count = sum(check(prometheus, uid, at) for uid in dashboards.DASHBOARDS)
            say(f"{count} expressions, {check_numbers(prometheus, expected, at)} numbers, "
                f"{check_rules(prometheus)} rules")
        finally:
            prometheus.kill()


if __name__ == "__main__":
    sys.exit(pool.main(test_everything))
