"""Pages, page faults, interrupts of CPUs, and work, of which the recordings have no or few events: in a trace made at
random, against a count from babeltrace2's text."""
import collections
import json
import os
import random
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "pool")]
from checks import finish, spanmill, wrong  # noqa: E402
from made_trace import DOMAINS, Trace, switch  # noqa: E402

CPUS, CHUNKS, STEPS = 2, 3, 400
VECTORS = {"local_timer": 236, "reschedule": 253, "call_function_single": 251}
NO_PAGE = 2 ** 64 - 1
DOMAINS["kernel"][3].extend(
    [(f"x86_exceptions_page_fault_{mode}", [("address", 64), ("ip", 64), ("error_code", 64)])
     for mode in ("user", "kernel")] +
    [("kmem_mm_page_alloc", [("pfn", 64), ("order", 32), ("gfp_flags", 32), ("migratetype", -32)]),
     ("kmem_mm_page_free", [("pfn", 64), ("order", 32)]),
     ("workqueue_execute_start", [("work", 64), ("function", 64)]),
     ("workqueue_execute_end", [("work", 64)])] +
    [(f"x86_irq_vectors_{name}_{end}", [("vector", -32)]) for name in VECTORS for end in ("entry", "exit")])
PHASES = "phases:\n  - {name: request, begin: 'app:begin', end: 'app:end', match: [id]}\n"
EVENT = re.compile(r"^\[(\d+)\.(\d{9})\] \S+ ([\w:]+): \{ cpu_id = (\d+) \}, (?:\{ vpid = (\d+), vtid = (\d+) \}, )?"
                   r"\{ (.*) \}$")
FIELD = re.compile(r"(\w+) = (-?\w+)")


class Maker:
    """Each CPU runs two threads of two processes in turn, some of them in a request."""

    def __init__(self):
        self.choose = random.Random(20261130)
        self.time, self.current = 0, dict.fromkeys(range(CPUS), 0)
        self.requests, self.ids, self.running = {}, 0, {}

    def kernel(self, cpu, name, **fields):
        return (self.time, "kernel", cpu, name, fields)

    def request(self, cpu, tid):
        """Begins or ends one."""
        name = "app:end" if tid in self.requests else "app:begin"
        self.ids += name == "app:begin"
        number = self.requests.pop(tid, None) or self.requests.setdefault(tid, self.ids)
        return (self.time, "ust", cpu, name, {"vpid": 10 * (tid % 2 + 1), "vtid": tid, "id": number})

    def event(self, cpu):
        self.time += self.choose.randrange(1, 50)
        tid, what = self.current[cpu], self.choose.randrange(10)
        if (cpu, "vector") in self.running and what < 9:
            return self.kernel(cpu, *self.running.pop((cpu, "vector")), vector=self.vector)
        if what < 2:
            after = self.choose.choice([0, 11 + cpu, 21 + cpu])
            if after != tid:
                self.current[cpu] = after
                return switch(self.time, cpu, tid, after)
        if what < 4 and tid:
            return self.request(cpu, tid)
        if what < 6:
            return self.kernel(cpu, f"x86_exceptions_page_fault_{self.choose.choice(['user', 'kernel'])}", address=1,
                               ip=2, error_code=3)
        order = self.choose.randrange(11)
        if what == 6:
            return self.kernel(cpu, "kmem_mm_page_alloc", pfn=self.choose.choice([NO_PAGE, 7, 8]), order=order,
                               gfp_flags=0, migratetype=0)
        if what == 7:
            return self.kernel(cpu, "kmem_mm_page_free", pfn=7, order=order)
        if what == 8:
            if self.running.pop((cpu, "work"), None):
                return self.kernel(cpu, "workqueue_execute_end", work=100 + cpu)
            self.running[cpu, "work"] = True
            return self.kernel(cpu, "workqueue_execute_start", work=100 + cpu, function=self.choose.choice([64, 80]))
        name, self.vector = self.choose.choice(list(VECTORS.items()))
        self.running[cpu, "vector"] = (f"x86_irq_vectors_{name}_exit",)
        return self.kernel(cpu, f"x86_irq_vectors_{name}_entry", vector=self.vector)


def lines(path):
    """Chunk by chunk: babeltrace2 takes chunks of one session for traces of their own."""
    archives = os.path.join(path, "archives")
    for chunk in sorted(os.listdir(archives)):
        text = subprocess.run(["babeltrace2", "--clock-seconds", "--no-delta", os.path.join(archives, chunk)],
                              check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
        yield from text.decode().splitlines()


def events(path):
    for line in lines(path):
        found = EVENT.match(line)
        if not found:
            wrong(f"not understood: {line}")
            continue
        fields = {name: int(number, 0) for name, number in FIELD.findall(found[7]) if re.match(r"-?\d", number)}
        yield (int(found[1]) * 10 ** 9 + int(found[2]), found[3], int(found[4]),
               (int(found[5]), int(found[6])) if found[5] else None, fields)


class Count:
    def __init__(self):
        self.rows = collections.defaultdict(collections.Counter)
        self.current, self.requests, self.since = {}, set(), {}

    def pair(self, end, key, row, time):
        if end in ("entry", "start"):
            self.since[key] = time, row
        elif key in self.since:
            since, row = self.since.pop(key)
            self.rows[row].update(count=1, total_ns=time - since)
        else:
            self.rows[row]["begin_unknown"] += 1

    def by_thread(self, cpu, name, *mode, pages=0):
        tid = self.current.get(cpu)
        pid = None if tid is None else 0 if tid == 0 else 10 * (tid % 2 + 1)
        self.rows[f"spanmill:{name}", *mode, pid, "request" if tid in self.requests else ""].update(count=1, sum=pages)

    def take(self, time, name, cpu, user, fields):
        family, _, end = name.rpartition("_")
        pages = 2 ** fields.get("order", 0)
        if name == "sched_switch":
            self.current[cpu] = fields["next_tid"]
        elif user:
            (self.requests.add if name == "app:begin" else self.requests.discard)(user[1])
        elif family == "x86_exceptions_page_fault":
            self.rows["pages", cpu][end + "_faults"] += 1
            self.by_thread(cpu, "page_faults", end)
        elif name == "kmem_mm_page_alloc" and fields["pfn"] in (NO_PAGE, -1):
            self.rows["pages", cpu]["failures"] += 1
        elif family == "kmem_mm_page":
            kind = {"alloc": "allocations", "free": "frees"}[end]
            self.rows["pages", cpu].update({kind: 1, {"alloc": "allocated", "free": "freed"}[end] + "_pages": pages})
            self.by_thread(cpu, "page_" + kind, pages=pages)
        elif family == "workqueue_execute":
            self.pair(end, ("work", fields["work"]), ("callback", hex(fields.get("function", 0))), time)
        else:
            self.pair(end, (cpu, fields["vector"]), ("vector", cpu, fields["vector"]), time)


def reported(objects):
    rows = {}
    for each in objects:
        if each["type"] == "pages":
            rows["pages", each["cpu"]] = {name: each[name] for name in (
                "user_faults", "kernel_faults", "allocations", "allocated_pages", "failures", "frees", "freed_pages")}
        elif each["type"] in ("vector", "callback"):
            key = (each["cpu"], each["vector"]) if each["type"] == "vector" else (each["function"],)
            rows[each["type"], *key] = {"count": each["run"]["count"], "total_ns": each["run"]["total_ns"] or 0,
                                        "begin_unknown": each["begin_unknown"]}
        elif each["type"] == "count" and each["name"].startswith("spanmill:page_"):
            by = each["by"]
            mode = [by["mode"]] if "mode" in by else []
            pid = by["process"]["number"] if by["process"] else None
            rows[each["name"], *mode, pid, by["phase"] or ""] = {"count": each["count"], "sum": each.get("sum") or 0}
    return {key: +collections.Counter(row) for key, row in rows.items()}


with tempfile.TemporaryDirectory() as scratch:
    trace, maker = Trace(os.path.join(scratch, "made"), CPUS), Maker()
    for chunk in range(CHUNKS):
        begin = maker.time
        made = [maker.event(maker.choose.randrange(CPUS)) for _ in range(STEPS)]
        trace.chunk(begin, maker.time, made)
        maker.time += 1
    phases = os.path.join(scratch, "phases.yaml")
    with open(phases, "w", encoding="utf-8") as file:
        file.write(PHASES)
    count = Count()
    for event in events(trace.folder):
        count.take(*event)
    expected = {key: +row for key, row in count.rows.items() if +row}
    objects = [json.loads(line) for line in
               spanmill("report", "--format", "json", "--phases", phases, trace.folder)[0].splitlines()]
    got = {key: row for key, row in reported(objects).items() if row}
    if len({key[0] for key in expected}) != 6:
        wrong(f"not all are in the trace: {sorted({key[0] for key in expected})}")
    for key in sorted({*expected, *got}, key=str):
        if expected.get(key) != got.get(key):
            wrong(f"{key}: {got.get(key)} is not {expected.get(key)}")
finish()
