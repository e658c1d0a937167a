#!/usr/bin/env python3
"""A pool on this machine, with an exporter and a Prometheus, fed with the sample recording as if it
happened now, again and again. Ends with Ctrl-C; nothing stays.

    make try        (PROMETHEUS=program)

Needs what `make` and `make kafka` have built, and Debian's package prometheus.
"""
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tools/try"))
import present  # noqa: E402

SAMPLE = os.path.join(ROOT, "tests/data/thumbnails")
DEFINITIONS = os.path.join(ROOT, "tools/try/definitions.yaml")
BIN = os.environ.get("PROGRAMS", os.path.join(ROOT, "build/release/bin"))
BROKER = os.path.join(ROOT, "tests/kafka/broker.sh")
ROUND = 70  # seconds: as long as the recording

CONFIG = """\
global: {{scrape_interval: 5s, evaluation_interval: 15s}}
storage: {{tsdb: {{out_of_order_time_window: 1h}}}}
rule_files: ["{root}/deploy/prometheus/spanmill.rules.yaml"]
scrape_configs:
  - job_name: spanmill
    static_configs: [{{targets: [{targets}]}}]
"""


def say(*words):
    print(*words, flush=True)


def need(name, how):
    found = shutil.which(os.environ.get(name.upper(), name))
    if not found:
        sys.exit(f"try: there is no {name}: {how}")
    return found


def free_port(wanted):
    """The one that is wanted, or any if somebody has it."""
    for port in wanted, 0:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return probe.getsockname()[1]
            except OSError:
                continue
    raise AssertionError("no port is free")


def answers(url):
    try:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(url, timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


class Try:
    """The running processes; all of them end with it."""

    def __init__(self, folder):
        self.folder, self.processes = folder, {}
        self.ports = {}
        self.environment = {key: value for key, value in os.environ.items()
                            if not key.startswith(("SPANMILL", "OTEL_"))}
        self.environment.update(no_proxy="*", NO_PROXY="*")
        self.ending = threading.Event()

    def start(self, name, *command):
        with open(f"{self.folder}/{name}.log", "ab") as log:
            self.processes[name] = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder,
                env=self.environment, start_new_session=True)

    def spanmill(self, *arguments):
        done = subprocess.run([f"{BIN}/spanmill", *arguments, "--brokers", self.brokers],
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True, env=self.environment)
        if done.returncode != 0:
            raise RuntimeError(f"spanmill {arguments[0]}: {done.stderr.strip()}")

    def start_broker(self):
        subprocess.run([BROKER, "start", f"{self.folder}/broker"], check=True,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True,
                       env={**self.environment, "BROKER_OWNER": str(os.getpid())})
        with open(f"{self.folder}/broker/bootstrap") as file:
            self.brokers = file.read().strip()
        self.spanmill("topics", "create", "--partitions", "2", "--chunk-partitions", "2",
                      "--replication", "1", "--min-insync", "1")

    def start_pool(self):
        url = f'http://127.0.0.1:{self.ports["prometheus"]}'
        more = {"mapper": ["--phases", f"{SAMPLE}/phases.yaml", "--phases", DEFINITIONS], "reducer": [],
                "export": ["--remote-write", f"{url}/api/v1/write",
                           "--forget-after", "10m"]}
        for role, options in more.items():
            self.start(role, f"{BIN}/spanmill-{role}", "--brokers", self.brokers, "--instance",
                       f"{role}-0", "--health-listen", f"127.0.0.1:{self.ports[role]}", *options)

    def start_prometheus(self, program):
        targets = ", ".join(f'"127.0.0.1:{self.ports[role]}"'
                            for role in ("mapper", "reducer", "export"))
        with open(f"{self.folder}/prometheus.yaml", "w") as file:
            file.write(CONFIG.format(root=ROOT, targets=targets))
        self.start("prometheus", program, f"--config.file={self.folder}/prometheus.yaml",
                   f"--storage.tsdb.path={self.folder}/prometheus", "--web.enable-remote-write-receiver",
                   f'--web.listen-address=127.0.0.1:{self.ports["prometheus"]}',
                   "--enable-feature=native-histograms,exemplar-storage")

    def check(self):
        for name, process in self.processes.items():
            if process.poll() is not None:
                with open(f"{self.folder}/{name}.log", errors="replace") as log:
                    last = log.read()[-1500:]
                raise RuntimeError(f"{name} ended with {process.returncode}:\n{last}")

    def wait(self, url, what):
        for _ in range(240):
            self.check()
            if answers(url) or self.ending.wait(0.5):
                return
        raise RuntimeError(f"{what} does not answer")

    def feed(self):
        """Publishes a recording that has just ended, once per round."""
        end, number = present.end_of(f"{BIN}/spanmill", SAMPLE), 0
        while not self.ending.is_set():
            begin, number = time.monotonic(), number + 1
            now = time.time()
            copy = present.copy(SAMPLE, f"{self.folder}/recording", int(now * 1e9) - end, now - ROUND)
            self.spanmill("publish", copy)
            shutil.rmtree(copy)
            if number == 1:
                say("The first recording is published; there are numbers within seconds. Ctrl-C ends it.")
            while time.monotonic() - begin < ROUND and not self.ending.wait(1):
                self.check()

    def end(self):
        for process in self.processes.values():
            process.send_signal(signal.SIGTERM)
        for process in self.processes.values():
            try:
                process.wait(40)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if os.path.isdir(f"{self.folder}/broker"):
            subprocess.run([BROKER, "stop", f"{self.folder}/broker"], stdout=subprocess.DEVNULL,
                           start_new_session=True)


def tell(prometheus, folder):
    sys.path.insert(0, os.path.join(ROOT, "deploy/grafana"))
    import dashboards
    dashboards.main(f"{folder}/dashboards")
    url = f"http://127.0.0.1:{prometheus}"
    say(f"\n  Prometheus  {url}\n  alerts      {url}/alerts")
    say(f"  dashboards  {folder}/dashboards/*.json, for a Grafana with that Prometheus (docs/GRAFANA.md)")
    say(f"  logs        {folder}/*.log\n\nSome panels as questions to Prometheus:\n")
    for question in ('sum by (phase) (rate(spanmill_syscall_seconds_total{phase!=""}[5m]))',
                     "sum by (state) (rate(spanmill_phase_seconds_total[5m]))",
                     "histogram_quantile(0.99, sum by (phase) (rate(spanmill_phase_duration_seconds[5m])))",
                     "time() - max by (host) (spanmill_newest_interval_seconds)"):
        say(f"  {question}")
    say()


def main():
    prometheus = need("prometheus", "apt-get install prometheus; or PROMETHEUS=program")
    need("java", "apt-get install openjdk-17-jre-headless")
    need("kcat", "apt-get install kcat")
    with tempfile.TemporaryDirectory(prefix="spanmill-try-") as folder:
        running = Try(folder)
        for number in signal.SIGINT, signal.SIGTERM, signal.SIGHUP:
            signal.signal(number, lambda *_: running.ending.set())
        wanted = {"prometheus": 9090, "mapper": 9464, "reducer": 9465, "export": 9466}
        try:
            say("Starting the broker, the pool and Prometheus ...")
            running.start_broker()
            running.ports = {name: free_port(port) for name, port in wanted.items()}
            running.start_prometheus(prometheus)
            running.start_pool()
            running.wait(f'http://127.0.0.1:{running.ports["prometheus"]}/-/ready', "prometheus")
            for role in "mapper", "reducer", "export":
                running.wait(f"http://127.0.0.1:{running.ports[role]}/readyz", role)
            tell(running.ports["prometheus"], folder)
            running.feed()
        except RuntimeError as why:
            if not running.ending.is_set():
                sys.exit(f"try: {why}")
        finally:
            say("Ending ...")
            running.end()


if __name__ == "__main__":
    main()
