#!/usr/bin/env python3
"""Draws a dashboard without Grafana: its questions are asked of a real Prometheus with the results of a
pool over the sample recording, and the answers drawn with Grafana's components in a headless Chromium.

    make dashboards-picture        build/picture/spanmill-phases.png
"""
import functools
import http.server
import json
import os
import shutil
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
for part in "tests/pool", "tests/export", "tools/try", "deploy/grafana":
    sys.path.insert(0, os.path.join(ROOT, part))
import pool  # noqa: E402
import present  # noqa: E402
import test_dashboards  # noqa: E402
from pool import Pool, say, wait_until  # noqa: E402

ROUNDS, ROUND, STEP = 20, 70, 15  # the sample, that many times, one after the other
SIZE = "1408,760"


def lines_of(asked, panel):
    out = []
    for target in panel["targets"]:
        answer = asked.prometheus.ask(
            "query_range", query=asked.fill(target["expr"]), start=asked.at - ROUNDS * ROUND,
            end=asked.at, step=STEP)["result"]
        for series in sorted(answer, key=lambda each: -sum(float(v) for _, v in each["values"])):
            name = target["legendFormat"]
            for label, value in series["metric"].items():
                name = name.replace("{{%s}}" % label, value)
            out.append({"name": name, "times": [at * 1000 for at, _ in series["values"]],
                        "values": [float(value) for _, value in series["values"]]})
    return {"series": out, "defaults": panel["fieldConfig"]["defaults"]}


def table_of(asked, panel):
    """Like the transformations of the panel: columns joined by their labels."""
    rows = {}
    for number, target in enumerate(panel["targets"]):
        for labels, value in asked.prometheus.query(asked.fill(target["expr"]), asked.at):
            rows.setdefault(labels, {})[number] = value
    ordered = sorted(rows, key=lambda labels: -rows[labels].get(0, 0))
    columns = [{"name": label, "values": [dict(labels)[label] for labels in ordered]}
               for label in dict(ordered[0])]
    for number, override in enumerate(panel["fieldConfig"]["overrides"]):
        columns.append({"name": override["matcher"]["options"],
                        "unit": override["properties"][0]["value"],
                        "values": [rows[labels].get(number) for labels in ordered]})
    return {"columns": columns}


def drawable(asked):
    """Panels whose component is in the library, in the remaining positions."""
    out = []
    for panel in asked.board["panels"]:
        if panel["type"] == "timeseries":
            out.append({"title": panel["title"], **lines_of(asked, panel)})
        elif panel["type"] == "table" and panel["fieldConfig"]["overrides"]:
            out.append({"title": panel["title"], **table_of(asked, panel)})
    for place, panel in zip(((0, 0), (12, 0), (0, 11), (12, 11)), out):
        panel["place"] = {"x": place[0], "y": place[1], "w": 12, "h": 11}
    return out[:4]


def gather(uid):
    """The answers, in the format of data.json."""
    with Pool(partitions=2) as running:
        prometheus = test_dashboards.start(running)
        try:
            now, end = time.time(), present.end_of(pool.program("spanmill"), pool.THUMBNAILS)
            for number in reversed(range(ROUNDS)):
                folder = os.path.join(running.folder, "recording")
                at = now - number * ROUND
                running.publish(present.copy(pool.THUMBNAILS, folder, int(at * 1e9) - end,
                                             at - ROUND))
                shutil.rmtree(folder)
            wait_until(lambda: prometheus.query("sum(last_over_time(spanmill_intervals_total[1h]))",
                                                now + 1) == [((), 4.0 * ROUNDS)], 120, "all to be there")
            test_dashboards.RANGE = f"{ROUNDS * ROUND}s"
            asked = test_dashboards.Asked(prometheus, uid, now)
            asked.values["__rate_interval"] = "2m"
            return {"from": (now - (ROUNDS - 2) * ROUND) * 1000, "to": now * 1000,
                    "panels": drawable(asked)}
        finally:
            prometheus.kill()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def draw(folder, picture):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(
        Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if not browser:
        sys.exit("picture: there is no chromium: apt-get install chromium")
    subprocess.run(
        [browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-proxy-server",
         "--disable-background-networking", "--disable-component-update", "--hide-scrollbars",
         f"--user-data-dir={folder}/profile", f"--window-size={SIZE}", "--virtual-time-budget=20000",
         f"--screenshot={picture}", f"http://127.0.0.1:{server.server_port}/index.html"],
        check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    server.shutdown()


def build(folder):
    os.makedirs(folder, exist_ok=True)
    for name in "package.json", "entry.jsx", "app.jsx", "build.mjs":
        shutil.copy(os.path.join(HERE, name), folder)
    if not os.path.isdir(f"{folder}/node_modules/@grafana/ui"):
        subprocess.run(["npm", "install", "--no-audit", "--no-fund",
                        "--legacy-peer-deps"], cwd=folder, check=True)
    # Two copies of these would not share their contexts.
    for name in "i18n", "data":
        shutil.rmtree(f"{folder}/node_modules/@grafana/ui/node_modules/@grafana/{name}",
                      ignore_errors=True)
    subprocess.run(["node", "build.mjs"], cwd=folder, check=True)


def main(folder, uid="spanmill-phases"):
    folder = os.path.abspath(folder)
    build(folder)
    with open(f"{folder}/data.json", "w") as file:
        json.dump(gather(uid), file)
    draw(folder, f"{folder}/{uid}.png")
    say(f"{folder}/{uid}.png")


if __name__ == "__main__":
    main(*sys.argv[1:])
