"""A real Prometheus on loopback, that scrapes nothing: with what is sent to it alone."""
import json
import os
import shutil
import subprocess
import urllib.error
import urllib.parse
import urllib.request

import pool

CONFIG = """\
global: {scrape_interval: 1h}
storage: {tsdb: {out_of_order_time_window: %s}}
"""


class Prometheus:
    """Its data are below `folder`, and stay there when it is killed."""

    def __init__(self, folder, out_of_order="30d"):
        if not shutil.which("prometheus"):
            raise pool.Skip("there is no prometheus here")
        self.folder, self.port, self.process = folder, pool.free_port(), None
        self.url = f"http://127.0.0.1:{self.port}"
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "prometheus.yaml"), "w") as file:
            file.write(CONFIG % out_of_order)
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def start(self):
        with open(os.path.join(self.folder, "log"), "ab") as log:
            self.process = subprocess.Popen(
                ["prometheus", f"--config.file={self.folder}/prometheus.yaml",
                 f"--storage.tsdb.path={self.folder}/data", "--storage.tsdb.retention.time=50y",
                 f"--web.listen-address=127.0.0.1:{self.port}", "--web.enable-remote-write-receiver",
                 "--enable-feature=native-histograms"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        pool.wait_until(self.is_ready, 60, "prometheus to be ready")
        return self

    def is_ready(self):
        assert self.process.poll() is None, open(os.path.join(self.folder, "log")).read()[-2000:]
        try:
            return self.opener.open(f"{self.url}/-/ready", timeout=5).status == 200
        except OSError:
            return False

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.kill()

    def query(self, expression, at):
        """Of an instant: [(labels, value, or {"count", "sum"} of a histogram), ...]"""
        question = urllib.parse.urlencode({"query": expression, "time": at})
        try:
            with self.opener.open(f"{self.url}/api/v1/query?{question}", timeout=60) as answer:
                result = json.load(answer)["data"]["result"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{expression}: {error.read().decode()}")
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
