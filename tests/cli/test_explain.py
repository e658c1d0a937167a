"""`spanmill explain`: the story of an instance adds up to its report."""
import collections
import json
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from checks import finish, spanmill, wrong  # noqa: E402

TRACE = os.path.join(os.environ["TEST_DATA"], "thumbnails")
PHASES = ("--phases", os.path.join(TRACE, "phases.yaml"))
LINE = re.compile(r"\+(\d+)\.(\d{9}) +(?:(\d+)\.(\d{9})|-) +?((?:  )*)(\S.*)$")


def run(*arguments, code=0, command="explain"):
    return spanmill(command, *arguments, TRACE, code=code)


class Node:
    def __init__(self, line):
        match = LINE.match(line)
        if not match:
            wrong(f"no line of a story: {line}")
            raise SystemExit(1)
        self.at = int(match[1]) * 10**9 + int(match[2])
        self.took = int(match[3]) * 10**9 + int(match[4]) if match[3] else 0
        self.depth = (len(line) - len(match[6]) - 30) // 2
        self.text = match[6]
        self.children = []

    def walk(self):
        yield self
        for child in self.children:
            yield from child.walk()


def tree(story):
    """The root of the first story in an output."""
    lines = story.splitlines()
    begin = next(i for i, line in enumerate(lines) if line.startswith("After "))
    path = []
    for line in lines[begin + 1:]:
        if not line.startswith("+"):
            break
        node = Node(line)
        del path[node.depth:]
        if path:
            path[-1].children.append(node)
        path.append(node)
    return path[0]


def waker(text):
    """Who woke the thread, as in the report: its kind and number or name."""
    who = text.split("; woken by ")[1]
    if who == "an interrupt on an idle CPU":
        return "idle", None
    thread = re.search(r"\(tid (\d+)", who)
    handler = re.match(r"(irq|vector) (\d+)", who)
    return (("thread", int(thread[1])) if thread else (handler[1], int(handler[2])) if handler
            else ("softirq", who[8:]) if who.startswith("softirq ") else (who, None))


def check_wakers(name, row, nodes):
    seen, counted = collections.Counter(), collections.Counter()
    for node in nodes:
        if "; woken by " in node.text:
            seen[waker(node.text)] += node.took
    for by in row["woken_by"]:
        who = {"thread": "by_tid", "softirq": "by_name"}.get(by["by"], "number")
        counted[by["by"], by[who]] += by["total_ns"]
    if seen != counted:
        wrong(f"{name}: woken by {seen}, not {counted}")
    return {kind for kind, _ in seen}


def check_sums(name, root):
    for node in root.walk():
        if node.children and sum(child.took for child in node.children) != node.took:
            wrong(f"{name}: {node.text}: its parts do not add up")


out, _ = run("--format", "json", *PHASES, command="report")
instances = [row for row in map(json.loads, out.splitlines()) if row["type"] == "instance"]
chosen = [row for row in instances if row["unknown_ns"] == 0 and row["tid"] == row["end_tid"]][:24]
if len(chosen) < 10:
    wrong(f"only {len(chosen)} instances to look at")
kinds = set()
for row in chosen:
    name = f"{row['phase']} {row['id']}"
    story, messages = run(*PHASES, "--instance", row["id"], "--unfolded")
    if messages:
        wrong(f"{name}: {messages}")
    root = tree(story)
    if root.took != row["total_ns"]:
        wrong(f"{name}: takes {root.took} ns, not {row['total_ns']}")
    check_sums(name, root)
    if row in chosen[:4]:
        check_sums(name, tree(run(*PHASES, "--instance", row["id"])[0]))
    nodes = list(root.walk())
    blocked = sum(node.took for node in nodes if node.text.startswith("blocked"))
    runnable = sum(node.took for node in nodes
                   if node.text.startswith(("preempted on CPU ", "waits for a CPU")))
    if (blocked, runnable) != (row["blocked_ns"], row["runnable_ns"]):
        wrong(f"{name}: blocked {blocked}, runnable {runnable}, not {row['blocked_ns']}, "
              f"{row['runnable_ns']}")
    kinds |= check_wakers(name, row, nodes)
    calls = sum(bool(re.match(r"\w+\(.*\) = ", node.text)) and node.took > 0 for node in nodes)
    if calls != row["syscalls"]:
        wrong(f"{name}: {calls} calls, not {row['syscalls']}")
    for node in nodes:
        if node.text.startswith("blocked") and "; woken by " not in node.text \
                and "was not seen" not in node.text:
            wrong(f"{name}: nobody woke it: {node.text}")
    # The head lists all wakers and threads that ran instead.
    for part, words in (("blocked_ns", "blocked, in:"), ("blocked_ns", "blocked, woken by:"),
                        ("runnable_ns", "runnable, ran instead:")):
        heads = [line for line in story.splitlines() if line.startswith(words)]
        if len(heads) != (row[part] > 0) or any("unknown" in line for line in heads):
            wrong(f"{name}: {part} {row[part]}: {heads}")
        rows = {"blocked, woken by:": "woken_by", "runnable, ran instead:": "ran_instead"}.get(words)
        for entry in row[rows][:4] if rows else ():
            if entry["by"] == "thread" and f"(tid {entry['by_tid']}" not in heads[0]:
                wrong(f"{name}: {entry} is not in {heads[0]}")
    # Only the chunks of the instance are read.
    read = re.search(r"in (\d) of 4 chunks$", story)
    if not read or int(read[1]) > 3:
        wrong(f"{name}: {story.splitlines()[-1]}")

if not kinds >= {"thread", "irq"}:
    wrong(f"only {kinds} wake")
slowest = max((row for row in instances if row["phase"] == "request"),
              key=lambda row: row["total_ns"])
story, _ = run(*PHASES)
if f"instance {slowest['id']} " not in story:
    wrong("not the slowest request")
if "phase open_file: thumbnailer:phase_begin {" not in story or "ran instead: " not in story:
    wrong("the story of the slowest request has no phases, or nobody ran instead")
middle = (slowest["begin_ns"] + slowest["end_ns"]) // 2
at, _ = run(*PHASES, "--tid", str(slowest["tid"]), "--at", f"{middle // 10**9}.{middle % 10**9:09}",
            "--slowest", "1")
if at != story:
    wrong("--at --tid: another story")

# --at finds instances that are not among the slowest, the longest one first; also if there are more than a report keeps.
log, _ = run("--event", "thumbnailer:phase_end", command="log")
seeks = [line.split() for line in log.splitlines() if '"seek"' in line]
words = seeks[len(seeks) // 2]
found, _ = run(*PHASES, "--tid", words[2][:-1], "--at", words[0])
if "phase seek: " not in found:
    wrong(f"--at in a seek: not its request: {found[:300]}")
CALLS = ("--phase", 'a call : $evt.$name == "syscall_entry_lseek" : $evt.$name == "syscall_exit_lseek"')
calls = [line.split() for line in run("--call", "lseek", command="log")[0].splitlines() if line.endswith(">")]
shortest = min(calls, key=lambda words: float(words[-1].strip("<>")))
found, _ = run(*CALLS, "--tid", shortest[2][:-1], "--at", shortest[0])
if len(calls) < 2000 or f"begins at {shortest[0]} " not in found:
    wrong(f"--at {shortest}: {found[:300]}, {len(calls)} calls")

three, _ = run(*PHASES, "--of", "request/decode", "--slowest", "3")
if three.count("\ninstance ") != 3 or "  phase request/decode" not in three:
    wrong("--of --slowest 3: not three")

# A phase that ends in a call: the call continues after it.
inner, _ = run(*PHASES, "--phase", 'wake(request) : $evt.$name == "syscall_entry_futex" : '
               '$evt.$name == "sched_waking"', "--of", "request", "--slowest", "2", "--unfolded")
check_sums("a phase that ends in a call", tree("After " + inner.split("\nAfter ")[2]))
if "... continues after the phase" not in inner or "futex(...)" in inner:
    wrong("a call does not go on behind the phase that ends in it")

# Other instances of the phase on the thread are listed, but not nested.
for definition, listed in (
        ('$evt.$name == "thumbnailer:phase_begin" : $evt.$name == "syscall_entry_futex"',
         "another instance of late begins: thumbnailer:phase_begin {"),
        ('$evt.$name == "syscall_entry_read" : $evt.$name == "syscall_entry_lseek" && $evt.fd == $begin.$evt.fd', "read(")):
    overlap, _ = run("--phase", "late : " + definition)
    nodes = list(tree(overlap).walk())
    check_sums("overlapping instances", nodes[0])
    if not any(node.text.startswith(listed) for node in nodes) or any(node.text.startswith("phase late:") for node in nodes):
        wrong(f"{definition}: instances are not listed, or nested: {overlap}")
    if ("`segments` in the definition of late" in overlap) != ("$begin" in definition):
        wrong(f"{definition}: {overlap.splitlines()[-2:]}")

# A request by its segments: their time and the queued time add up.
with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
    file.write("""phases:
  - {name: request, begin: 'thumbnailer:request_begin', end: 'thumbnailer:request_end', match: [id], segments: $phase}
  - {name: $phase, begin: 'thumbnailer:phase_begin', end: 'thumbnailer:phase_end', match: [id, phase]}
""")
    file.flush()
    out, _ = run("--format", "json", "--definitions", file.name, command="report")
    requests = [row for row in map(json.loads, out.splitlines())
                if row["type"] == "instance" and row["phase"] == "request" and not row["parallel_ns"]]
    if not requests:
        wrong("no request has segments")
    for row in requests[:4]:
        name = f"request {row['id']}"
        root = tree(run("--definitions", file.name, "--instance", row["id"], "--unfolded")[0])
        check_sums(name, root)
        queued = sum(node.took for node in root.children if node.text.startswith("queued"))
        segments = [node for node in root.children if node.text.startswith("segment ")]
        blocked = sum(node.took for node in root.walk() if node.text.startswith("blocked"))
        if (root.took, queued, blocked) != (row["total_ns"], row["queued_ns"], row["blocked_ns"]) or not segments:
            wrong(f"{name}: {root.took}, {queued} queued, {blocked} blocked: {row}")

# A segment within another one of its thread is shown once, as a nested phase.
with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
    file.write("""phases:
  - {name: request, begin: 'thumbnailer:request_begin', end: 'thumbnailer:request_end', match: [id], segments: work}
  - {name: work, begin: 'thumbnailer:phase_begin', end: 'thumbnailer:phase_end', match: [id, phase]}
""")
    file.flush()
    nested, _ = run("--definitions", file.name, "--of", "request", "--unfolded", "--phase",
                    'work : $evt.$name == "thumbnailer:phase_begin" && $evt.phase == "open_file" : '
                    '$evt.$name == "thumbnailer:phase_end" && $evt.phase == "decode" && $evt.id == $begin.$evt.id')
    root = tree(nested)
    for name in ("open_file", "seek", "decode", "encode"):
        begins = [line for line in nested.splitlines() if f'phase_begin {{id = ' in line and f'phase = "{name}"' in line]
        if len(begins) != 1:
            wrong(f"nested segments: {name} begins {len(begins)} times")
    check_sums("nested segments", root)

# The timeline is there although the reader of the text does not take it all.
with tempfile.TemporaryDirectory() as folder:
    timeline = os.path.join(folder, "timeline.pftrace")
    with subprocess.Popen([os.environ["SPANMILL"], "explain", *PHASES, "--slowest", "40", "--unfolded", "--perfetto",
                           timeline, TRACE], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as done:
        done.stdout.close()
    if done.returncode == 0 or not os.path.getsize(timeline):
        wrong(f"--perfetto and a closed pipe: exit {done.returncode}")

# A window that has events, but in which no instance ends; and one without events.
one = min((row for row in instances if row["phase"] == "request"), key=lambda row: row["begin_ns"])
between = [f"{ns // 10**9}.{ns % 10**9:09}" for ns in (one["begin_ns"], one["begin_ns"] + 1000)]
_, messages = run(*PHASES, "--since", between[0], "--until", between[1], code=1)
if "no instance ends between --since and --until" not in messages:
    wrong(f"a window without instances: {messages}")
_, messages = run(*PHASES, "--since", "2001-01-01", "--until", "2001-01-02", code=1)
if "no events since 2001-01-01 until 2001-01-02: the first event is at " not in messages:
    wrong(f"a window without events: {messages}")

for arguments, sentence, code in (
        ((*PHASES, "--instance", "1.77"), "--instance: no instance in the report matches `1.77`; there are ", 1),
        ((*PHASES, "--of", "nosuch"), "--of: no instance in the report matches `nosuch`; there are ", 1),
        ((*PHASES, "--tid", "999999"), "--tid: no instance in the report matches `999999`; there are ", 1),
        ((), "no phases are defined", 1),
        ((*PHASES, "--at", "+0s", "--tid", "3"), "is open at +0s in thread 3", 1),
        ((*PHASES, "--at", "+1s"), "--at needs --tid", 2),
        ((*PHASES, "--at", "soon", "--tid", "3"), "soon", 2)):
    _, messages = run(*arguments, code=code)
    if sentence not in messages:
        wrong(f"{arguments}: {messages}")
finish()
