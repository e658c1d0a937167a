"""A real OpenTelemetry Collector on loopback, which writes what it receives to a file: from Kafka, by
its kafkareceiver, and by OTLP/HTTP."""
import json
import os
import socket

import pool
from jaeger import binary
from parts import Server

CONFIG = """\
receivers:
  kafka:
    brokers: ["{broker}"]
    traces: {{topics: [{topics}_spans], encoding: otlp_proto}}
    metrics: {{topics: [{topics}_metrics], encoding: otlp_proto}}
    group_id: {topics}-collector
    initial_offset: earliest
  otlp: {{protocols: {{http: {{endpoint: 127.0.0.1:{port}}}}}}}
exporters:
  file: {{path: {folder}/out.jsonl}}
service:
  telemetry: {{metrics: {{level: none}}}}
  pipelines:
    traces: {{receivers: [kafka, otlp], exporters: [file]}}
    metrics: {{receivers: [kafka, otlp], exporters: [file]}}
"""

KINDS = {1: "INTERNAL", 2: "SERVER"}


class Collector(Server):
    def __init__(self, folder, broker, topics):
        super().__init__(folder)
        self.port = pool.free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        path = os.path.join(folder, "collector.yaml")
        with open(path, "w") as file:
            file.write(CONFIG.format(broker=broker, topics=topics, port=self.port, folder=folder))
        self.command = [binary("otelcol"), "--config", path]

    def answers(self):
        socket.create_connection(("127.0.0.1", self.port), timeout=5).close()

    def requests(self):
        path = os.path.join(self.folder, "out.jsonl")
        if not os.path.exists(path):
            return []
        with open(path) as file:
            return [json.loads(line) for line in file if line.endswith("\n")]

    def spans(self):
        """In the form of otlp.spans()."""
        return [span_of(span, attributes_of(resource["resource"]))
                for request in self.requests() for resource in request.get("resourceSpans", [])
                for scope in resource["scopeSpans"] for span in scope["spans"]]

    def newest(self):
        """labels -> the newest value, in the form of receiver.Receiver.newest()."""
        series = {}
        for request in self.requests():
            for resource in request.get("resourceMetrics", []):
                for scope in resource["scopeMetrics"]:
                    for metric in scope["metrics"]:
                        for labels, time_ns, value in points_of(metric):
                            if time_ns >= series.get(labels, (0,))[0]:
                                series[labels] = time_ns, value
        return {labels: value for labels, (_, value) in series.items()}


def attributes_of(holder):
    out = {}
    for pair in holder.get("attributes", []):
        (kind, value), = pair["value"].items()
        out[pair["key"]] = int(value) if kind == "intValue" else value
    return out


def span_of(span, resource):
    return {"trace": span["traceId"], "span": span["spanId"], "parent": span.get("parentSpanId", ""),
            "name": span["name"], "kind": KINDS[span["kind"]],
            "begin_ns": int(span["startTimeUnixNano"]), "end_ns": int(span["endTimeUnixNano"]),
            "flags": span.get("flags", 0), "attributes": attributes_of(span), "resource": resource}


def points_of(metric):
    for kind in "sum", "gauge", "exponentialHistogram":
        for point in metric.get(kind, {}).get("dataPoints", []):
            labels = tuple(sorted({**attributes_of(point), "__name__": metric["name"]}.items()))
            if kind == "exponentialHistogram":
                value = {"count": int(point.get("count", 0)), "sum": point.get("sum", 0.0)}
            else:
                value = int(point["asInt"]) if "asInt" in point else point["asDouble"]
            yield labels, int(point["timeUnixNano"]), value
