"""`report --html`: the page has the numbers of the JSON, with any names, and a browser shows it."""
import json
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from checks import finish, spanmill, wrong  # noqa: E402

TRACE = os.path.join(os.environ["TEST_DATA"], "thumbnails")
STORIES = '<script type="application/json" id="stories">\n'
BEGIN, END = '<script type="application/json" id="data">\n', "</script>"
ROWS_MOST = 1000
WEIGHTS = {"process": "cpu_ns", "thread": "cpu_ns", "syscall": "total_ns", "phase": "total_ns",
           "instance": "total_ns", "file": "total_ns", "count": "count", "span": "total_ns", "sched": "total_ns",
           "waker": "total_ns", "ran_instead": "total_ns"}
NAME = "</script><script>document.title = 'bad'</script><!-- &amp;"


def run(*arguments, code=0):
    return spanmill("report", *arguments, code=code)[0]


def data_of(page, opens=BEGIN):
    """As a browser parses it: up to the first end of a script."""
    begin = page.index(opens) + len(opens)
    return [json.loads(line) for line in page[begin:page.index(END, begin)].split("\n") if line]


def longest(rows, weight):
    """The largest rows, as many as a table of the page has, in their original order."""
    heaviest = sorted(range(len(rows)), key=lambda i: (-rows[i][weight], i))[:ROWS_MOST]
    return [rows[i] for i in sorted(heaviest)]


def on_page(rows):
    kinds = list(dict.fromkeys(row["type"] for row in rows))
    all_of = {kind: [row for row in rows if row["type"] == kind] for kind in kinds}
    kept = {kind: all_of[kind] for kind in kinds if kind != "fd"}
    for kind, weight in WEIGHTS.items():
        kept[kind] = longest(all_of.get(kind, []), weight)
    left_out = {"type": "left_out", "session": rows[0]["session"],
                **{kind: len(all_of.get(kind, [])) - len(kept.get(kind, []))
                   for kind in ("process", "thread", "syscall", "phase", "instance", "fd", "file", "count", "span",
                                "sched", "waker", "ran_instead")}}
    if not left_out["file"]:
        wrong("no table is long enough to be cut")
    return [left_out, *(row for kind in kinds for row in kept.get(kind, []))]


def check_stories(page, phases, counted):
    """The stories of the slowest instances without a parent, as explain prints them, unless truncated."""
    instances = sorted((row for row in counted if row["type"] == "instance" and row["phase"] == "request"),
                       key=lambda row: -row["total_ns"])
    stories = data_of(page, STORIES)
    if [one["id"] for one in stories] != [row["id"] for row in instances[:3]]:
        wrong(f"stories of {[one['id'] for one in stories]}")
    for one in stories:
        told = spanmill("explain", "--phases", phases, "--instance", one["id"], TRACE)[0]
        if one["story"] != told:
            wrong(f"the page tells another story of {one['id']} than explain")


def check_browser(path, folder):
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if not chromium:
        print("skipped: no chromium to open the page with")
        return
    try:
        done = subprocess.run(
            [chromium, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
             "--disable-component-update", f"--user-data-dir={folder}/browser", "--enable-logging=stderr",
             "--virtual-time-budget=20000", "--dump-dom", "file://" + path],
            capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=300)
    except subprocess.TimeoutExpired:
        print("skipped: chromium does not come to an end here")
        return
    if "<body" not in done.stdout:
        print(f"skipped: chromium does not run here: {done.stderr[-300:]}")
        return
    said = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    if said:
        wrong(f"the browser says: {said[:3]}")
    if 'data-done="yes"' not in done.stdout:
        wrong("the page's program did not come to its end")
    if "<title>spanmill report</title>" not in done.stdout:
        wrong("a name of the trace became a program")
    body = done.stdout[done.stdout.index('data-done="yes"'):]
    if body.count("<table>") < 5 or "thumbnailer" not in body:
        wrong("tables are missing")
    for title in "Interrupts", "Softirqs", "Block devices":
        if f"<h2>{title}</h2>" not in body:
            wrong(f"there is no table of {title}")
    if ">woken by</th>" not in body:
        wrong("nobody woke the slowest instances")
    if 'class="story" open' not in body or body.count('class="line"') < 20:
        wrong("the story of the slowest request is missing")


with tempfile.TemporaryDirectory() as folder:
    page, phases = os.path.join(folder, "page.html"), os.path.join(folder, "phases.yaml")
    with open(phases, "w", encoding="utf-8") as file:
        file.write(f'''phases:
  - {{name: request, begin: "thumbnailer:request_begin", end: "thumbnailer:request_end", match: [id]}}
  - {{name: "{NAME}", begin: "thumbnailer:phase_begin", end: "thumbnailer:phase_end", match: [id, phase], parent: request}}
counts:
  - {{name: switches, event: sched_switch, by: [cpu, process]}}
''')
    tables = run("--phases", phases, "--html", page, TRACE)
    if not tables.startswith("labvm/thumb"):
        wrong("the tables are missing")
    counted = [json.loads(line) for line in run("--format", "json", "--phases", phases, TRACE).splitlines()]
    with open(page, encoding="utf-8") as file:
        text = file.read()
    if data_of(text) != on_page(counted):
        wrong("the page has other rows than the longest of the JSON")
    if not any(row["type"] == "phase" and "<script>" in row["phase"] for row in counted):
        wrong("no row has the name that could break the page")
    for word in ("http://", "https://", "src=", "@import", "url("):
        if word in text.replace(text[text.index(BEGIN):text.index(END)], ""):
            wrong(f"the page asks for something else: {word}")
    check_stories(text, phases, counted)
    check_browser(page, folder)
    # A failed write leaves no file.
    run("--html", os.path.join(folder, "no", "such"), TRACE, code=1)
    run("--html", os.path.join(folder, "other"), "-o", os.path.join(folder, "no", "such"), TRACE, code=1)
    run("--perfetto", os.path.join(folder, "other"), "-o", os.path.join(folder, "no", "such"), TRACE, code=1)
    left = [name for name in os.listdir(folder) if name.startswith("other")]
    if left:
        wrong(f"files are left: {left}")
finish()
