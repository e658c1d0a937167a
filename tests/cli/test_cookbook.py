"""docs/COOKBOOK.md: its links lead to headings, its definitions are read and have results, its options exist, the
tables that it names are in a report, and its filters of jq can be run (where there is jq)."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
from checks import finish, spanmill, wrong  # noqa: E402

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
DATA = os.path.join(os.environ["TEST_DATA"], "thumbnails")
CHUNK = os.path.join(DATA, "archives", sorted(os.listdir(os.path.join(DATA, "archives")))[1])


def blocks():
    """The indented blocks, without indentation."""
    with open(os.path.join(ROOT, "docs/COOKBOOK.md"), encoding="utf-8") as file:
        text = file.read()
    return [re.sub(r"^    ", "", block, flags=re.M) for block in re.findall(r"(?:^    .*\n)+", text, re.M)]


def is_definitions(block):
    return re.match(r"(phases|counts|spans):", block)


def check_definitions(folder, definitions):
    """One report with all of them; returns the options that name their files."""
    options = ["--phases", os.path.join(DATA, "phases.yaml")]
    names = []
    for number, block in enumerate(definitions):
        path = os.path.join(folder, f"{number}.yaml")
        with open(path, "w", encoding="utf-8") as out:
            out.write(block)
        options += ["--definitions", path]
        if not block.startswith("phases:"):
            names += re.findall(r"\bname: ([^,\n]+)", block)
    report, said = spanmill("report", CHUNK, "--format", "json", *options)
    for name in names:
        if f'"name":"{name}"' not in report and f"spanmill: {name}: " not in said:
            wrong(f"no result of `{name}`, and no reason: {said[:500]}")
    return options, report


def check_options(commands):
    helps = {}
    for command in commands:
        for one, options in re.findall(r"\bspanmill ([a-z]+)((?:[^|#;\n]|\|\n)*)", command):
            if one not in helps:
                helps[one] = spanmill(one, "--help")[0]
            for option in re.findall(r"(?<![\w-])--[a-z-]+", options):
                if not re.search(re.escape(option) + r"\b", helps[one]):
                    wrong(f"spanmill {one} has no option {option}: {command}")


def check_titles(commands, text):
    titles = {title for command in commands for title in re.findall(r"sed -n '/\^([^/]+)/", command)}
    if len(titles) < 4:
        wrong(f"found only the tables {titles}")
    for title in titles:
        if not re.search("^" + title, text, re.M):
            wrong(f"no report has a table {title}")


def check_filters(commands, report):
    filters = [each for command in commands for each in re.findall(r"\bjq -[rc]+ '([^']+)'", command)]
    if len(filters) < 8:
        wrong(f"found only {len(filters)} filters")
    if not shutil.which("jq"):
        print("there is no jq: its filters are not run")
        return
    for each in filters:
        done = subprocess.run(["jq", "-r", each], input=report, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            wrong(f"jq: {done.stderr[:300]}: {each}")


def check_links():
    with open(os.path.join(ROOT, "docs/COOKBOOK.md"), encoding="utf-8") as file:
        text = file.read()
    headings = {re.sub("[^a-z0-9 _-]", "", heading.lower()).replace(" ", "-")
                for heading in re.findall("^#+ (.*)$", text, re.M)}
    for link in re.findall(r"\]\(#([^)]*)\)", text):
        if link not in headings:
            wrong(f"no heading has the link #{link}")


def main():
    found = blocks()
    definitions = [block for block in found if is_definitions(block)]
    commands = [block for block in found if not is_definitions(block)]
    if len(definitions) < 10 or len(commands) < 40:
        wrong(f"found only {len(definitions)} definitions and {len(commands)} commands")
    with tempfile.TemporaryDirectory() as folder:
        options, report = check_definitions(folder, definitions)
        text = spanmill("report", CHUNK, *options)[0]
    check_links()
    check_options(commands)
    check_titles(commands, text)
    check_filters(commands, report)
    finish()


main()
