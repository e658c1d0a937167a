"""A real Prometheus on loopback, with data sent to it and configured scrape targets."""
import json
import os
import shutil
import urllib.error
import urllib.parse
import urllib.request

import pool
from parts import Server

CONFIG = """\
global: {scrape_interval: 1h, evaluation_interval: 2s}
storage: {tsdb: {out_of_order_time_window: %s}}
scrape_configs: %s
rule_files: %s
"""


def version_3():
    """The one that tools/prometheus/install.sh builds."""
    path = os.environ.get("PROMETHEUS_3", os.path.join(pool.ROOT, "build/prometheus/prometheus"))
    if not os.access(path, os.X_OK):
        raise pool.Skip(f"there is no {path}: make prometheus-test builds it")
    return path


class Prometheus(Server):
    """Its data are below `folder`, and stay there when it is killed. `scraped`: job -> addresses."""

    def __init__(self, folder, out_of_order="30d", scraped=None, rules=(), program="prometheus",
                 options=()):
        if not shutil.which(program):
            raise pool.Skip("there is no prometheus here")
        super().__init__(folder)
        self.port = pool.free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        with open(os.path.join(folder, "prometheus.yaml"), "w") as file:
            jobs = [{"job_name": name, "scrape_interval": "2s",
                     "static_configs": [{"targets": targets}]}
                    for name, targets in (scraped or {}).items()]
            file.write(CONFIG % (out_of_order, json.dumps(jobs), json.dumps(list(rules))))
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        self.command = [program, f"--config.file={folder}/prometheus.yaml",
                        f"--storage.tsdb.path={folder}/data", "--storage.tsdb.retention.time=50y",
                        f"--web.listen-address=127.0.0.1:{self.port}",
                        "--web.enable-remote-write-receiver",
                        "--enable-feature=native-histograms,exemplar-storage", *options]

    def answers(self):
        self.opener.open(f"{self.url}/-/ready", timeout=5).close()

    def ask(self, path, **question):
        """The successful response of its API."""
        try:
            with self.opener.open(f"{self.url}/api/v1/{path}?" +
                                  urllib.parse.urlencode(question, doseq=True),
                                  timeout=60) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{path}, {question}: {error.read().decode()}")

    def query(self, expression, at):
        """Of an instant: [(labels, value, or {"count", "sum"} of a histogram), ...]"""
        result = self.ask("query", query=expression, time=at)["result"]
        out = []
        for series in result:
            if "histogram" in series:
                told = series["histogram"][1]
                value = {"count": int(told["count"]), "sum": float(told["sum"])}
            else:
                value = float(series["value"][1])
            out.append((tuple(sorted(series["metric"].items())), value))
        return out

    def all(self, at):
        return dict(self.query('{__name__=~"spanmill_.*"}', at))
