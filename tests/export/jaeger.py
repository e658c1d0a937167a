"""A real Jaeger on loopback, with its traces in memory: its API returns what it received."""
import json
import os
import urllib.error
import urllib.parse
import urllib.request

import pool
from parts import Server

CONFIG = """\
service:
  extensions: [jaeger_storage, jaeger_query]
  pipelines:
    traces: {{receivers: [otlp], exporters: [jaeger_storage_exporter]}}
  telemetry: {{metrics: {{level: none}}}}
extensions:
  jaeger_query:
    storage: {{traces: mem}}
    http: {{endpoint: 127.0.0.1:{api}}}
    grpc: {{endpoint: 127.0.0.1:{grpc}}}
  jaeger_storage:
    backends: {{mem: {{memory: {{max_traces: 100000}}}}}}
receivers:
  otlp: {{protocols: {{http: {{endpoint: 127.0.0.1:{otlp}}}}}}}
exporters:
  jaeger_storage_exporter: {{trace_storage: mem}}
"""


def binary(name):
    """Of those that tools/otel/install.sh builds."""
    folder = os.environ.get("OTEL_PROGRAMS", os.path.join(pool.ROOT, "build/otel"))
    path = os.path.join(folder, name)
    if not os.access(path, os.X_OK):
        raise pool.Skip(f"there is no {path}: make otlp-test builds it")
    return path


class Jaeger(Server):
    def __init__(self, folder):
        super().__init__(folder)
        self.ports = {name: pool.free_port() for name in ("api", "grpc", "otlp")}
        self.url = f"http://127.0.0.1:{self.ports['otlp']}"
        self.api = f"http://127.0.0.1:{self.ports['api']}"
        path = os.path.join(folder, "jaeger.yaml")
        with open(path, "w") as file:
            file.write(CONFIG.format(**self.ports))
        self.command = [binary("jaeger"), "--config", path]
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def answers(self):
        self.services()

    def ask(self, path, **question):
        with self.opener.open(f"{self.api}{path}?{urllib.parse.urlencode(question)}",
                              timeout=60) as answer:
            return json.load(answer)

    def services(self):
        return self.ask("/api/services")["data"] or []

    def spans(self, begin_ns, end_ns):
        """All between, in the form of otlp.spans()."""
        out = []
        for service in self.services():
            told = self.ask("/api/traces", service=service, limit=100000,
                            start=begin_ns // 1000 - 1, end=end_ns // 1000 + 1)
            for trace in told["data"]:
                out += [span_of(span, trace["processes"]) for span in trace["spans"]]
        # A query by service returns a trace of several services once for each.
        return list({(span["trace"], span["span"], span["resource"]["service.name"]): span
                     for span in out}.values())

    def count(self, begin_ns, end_ns):
        """Spans of traces, including duplicates."""
        return sum(len(trace["spans"]) for service in self.services()
                   for trace in self.ask("/api/traces", service=service, limit=100000,
                                         start=begin_ns // 1000 - 1,
                                         end=end_ns // 1000 + 1)["data"])


def span_of(span, processes):
    tags = {tag["key"]: tag["value"] for tag in span["tags"]}
    process = processes[span["processID"]]
    resource = {tag["key"]: tag["value"] for tag in process["tags"]}
    parents = [ref["spanID"] for ref in span["references"] if ref["refType"] == "CHILD_OF"]
    return {"trace": span["traceID"], "span": span["spanID"], "parent": (parents + [""])[0],
            "name": span["operationName"], "kind": tags.get("span.kind", "").upper(),
            "begin_us": span["startTime"], "duration_us": span["duration"],
            "attributes": tags, "resource": {**resource, "service.name": process["serviceName"]},
            "flags": 0}
