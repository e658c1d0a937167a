"""A pool, its exporter, and a real PostgreSQL: its tables equal a report, row by row."""
import collections
import json
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
for folder in "tests/pool", "deploy/grafana":
    sys.path.insert(0, os.path.join(ROOT, folder))
import pool  # noqa: E402
import postgres  # noqa: E402
import sql_dashboard  # noqa: E402
import tables  # noqa: E402
import totals  # noqa: E402
from parts import hurt  # noqa: E402
from pool import Pool, report, say, wait_until  # noqa: E402
from postgres import Postgres  # noqa: E402

LIMIT = 60
SQL_PAGE = os.path.join(pool.ROOT, "docs/SQL.md")


def add_exporter(running, name, database, *options):
    return running.add("export", name, ["--postgres", database.url, *options],
                       {"PGPASSFILE": database.pass_file})


def wait_for(expected, database):
    try:
        wait_until(lambda: not tables.differences(expected, database), LIMIT, "all to be there")
    except AssertionError:
        say("\n".join(tables.differences(expected, database)))
        raise


def check_documented(database):
    """Each SQL block of the page runs, and queries return rows."""
    with open(SQL_PAGE) as file:
        blocks = re.findall(r"^```sql\n(.*?)^```", file.read(), re.M | re.S)
    asked = 0
    for block in blocks:
        if block.lstrip().upper().startswith(("SELECT", "WITH")):
            assert database.query(block.strip().rstrip(";")), f"no row:\n{block}"
            asked += 1
        else:
            database.execute(f"BEGIN;\n{block}\nROLLBACK;")
    assert asked >= 6, f"{asked} questions in {SQL_PAGE}"
    return asked


class Asked:
    """The dashboard with its variables replaced by all values, and a range that contains the recording."""

    def __init__(self, database):
        self.database, self.board, self.values = database, sql_dashboard.make(), {"step": "1m"}
        for variable in self.board["templating"]["list"]:
            if variable["type"] == "query":
                found = [list(row.values())[0] for row in database.query(self.fill(variable["query"]))]
                assert found, variable["query"]
                self.values[variable["name"]] = ",".join(
                    "'" + value.replace("'", "''") + "'" for value in found)

    def fill(self, sql):
        sql = re.sub(r"\$__timeFilter\((\w+)\)",
                     r"\1 BETWEEN '2020-01-01T00:00:00Z' AND '2100-01-01T00:00:00Z'", sql)
        sql = re.sub(r"\$__timeGroup\((\w+), '\$step'\)", r"floor(extract(epoch from \1)/60)*60", sql)
        filled = re.sub(r"\$(\w+)", lambda name: self.values[name[1]], sql)
        assert "$" not in filled, filled
        return filled

    def panels(self):
        """title -> rows; none is empty."""
        out = {panel["title"]: self.database.query(self.fill(panel["targets"][0]["rawSql"]))
               for panel in self.board["panels"]}
        assert all(out.values()), [title for title, rows in out.items() if not rows]
        return out


def check_sums(expected, found, slack):
    """key -> nanoseconds or count; and key -> the value of a panel."""
    wrong = [(key, number, found.get(key)) for key, number in expected.items()
             if abs(float(found.get(key) or 0) - number) > slack]
    wrong += [(key, None, found[key]) for key in set(found) - set(expected) if found[key]]
    assert not wrong, wrong[:5]
    return len(expected)


def of_family(lines, family, *names):
    """The report's totals of a family by only these labels, if the first one is not empty."""
    out = collections.Counter()
    for (name, labels), number in totals.of_report(lines).items():
        labels = dict(labels)
        if name == family and names[0] in labels:
            out[tuple(labels.get(label, "") for label in names)] += number
    return out


def check_dashboard(database, lines):
    """Each query returns rows, and the numbers equal the report."""
    told = Asked(database).panels()

    def column(title, name, *keys, scale=1):
        out = collections.Counter()
        for row in told[title]:
            out[tuple(row[key] for key in keys)] += float(row[name] or 0) * scale
        return out
    checked = 0
    calls, phases = "System calls of phases", "Phases"
    for name, family, scale in (("Time", "spanmill_syscall_seconds_total", 1e9),
                                ("Calls", "spanmill_syscall_calls_total", 1)):
        checked += check_sums(of_family(lines, family, "phase", "syscall"),
                              column(calls, name, "Phase", "Call", scale=scale), 2 if scale > 1 else 0)
    errors = collections.Counter()
    for (phase, call, error), number in of_family(lines, "spanmill_syscall_calls_total", "phase",
                                                  "syscall", "error").items():
        if error:
            errors[phase, call, error] += number
    checked += check_sums(errors, column("Errors of system calls", "Calls", "Phase", "Call", "Error"), 0)
    rows = [row for row in map(json.loads, lines) if row["type"] == "phase"]
    for state, field in totals.STATES.items():  # interrupts are part of user and sys there
        times = collections.Counter()
        for row in rows:
            times[row["phase"],] += row[field]
        checked += check_sums({key: number for key, number in times.items() if number},
                              column(phases, state.capitalize(), "Phase", scale=1e9), 2)
    checked += check_sums(of_family(lines, "spanmill_phase_duration_seconds_count", "phase"),
                          column(phases, "Instances", "Phase"), 0)
    checked += check_sums(of_family(lines, "spanmill_phase_half_seen_total", "phase"),
                          column(phases, "Half seen", "Phase"), 0)
    steps = column("Time in system calls, by phase", "value", "metric", scale=1e9)
    checked += check_sums(of_family(lines, "spanmill_syscall_seconds_total", "phase"), steps, 100)
    slowest = max(row["total_ns"] for row in map(json.loads, lines) if row["type"] == "instance")
    assert abs(told["Slowest instances"][0]["Duration"] * 1e9 - slowest) < 2, slowest
    summary, = (row for row in map(json.loads, lines) if row["type"] == "summary")
    session, = told["Sessions"]
    assert (session["Events"], session["Chunks"]) == (summary["events"], summary["chunks"]), session
    assert checked > 100, checked
    return f"{len(told)} panels, {checked} numbers"


# For analyses whose events are not in the recording.
UNRECORDED = "pages", "vector", "spans", "span_times"


def check_everything_is_there(database, lines):
    """Tables that a recording with phases fills."""
    assert not {json.loads(line)["type"] for line in lines} & set(UNRECORDED)
    for (table,) in [tuple(row.values()) for row in database.query(
            "SELECT relname FROM pg_class WHERE relnamespace = 'spanmill'::regnamespace"
            " AND relkind IN ('r', 'v')")]:
        count = database.query(f'SELECT count(*) AS n FROM spanmill."{table}"')[0]["n"]
        assert (count > 0) != (table in UNRECORDED) or table == "first_calls", f"{table} has {count} rows"


def check_expires(database):
    database.execute("UPDATE spanmill.intervals SET stored_at = now() - interval '8 days'"
                     " WHERE number < 2")
    for left in 1, 1, 0:
        assert int(database.execute("SELECT spanmill.expire(interval '7 days', 1)")) == left
    assert database.query("SELECT min(chunk) AS least FROM spanmill.calls")[0]["least"] == 2
    assert database.query("SELECT count(*) AS n FROM spanmill.threads")[0]["n"] > 0
    database.execute("UPDATE spanmill.intervals SET stored_at = now() - interval '8 days'")
    database.execute("SELECT spanmill.expire(interval '7 days')")
    for table in "calls", "threads", "sessions", "softirq", "instances", "first_calls":
        assert database.query(f"SELECT count(*) AS n FROM spanmill.{table}")[0]["n"] == 0, table


def test_kills():
    """exporter and server are killed repeatedly: rows equal the report"""
    lines = report(pool.THUMBNAILS)
    expected = tables.of_report(lines)
    with Pool(partitions=2) as running, Postgres() as database:
        exporter = add_exporter(running, "export-0", database, "--flush", "0ms").start()
        running.publish(pool.THUMBNAILS)
        for role in "mapper", "reducer":
            running.add(role, f"{role}-0").start()
        hurt(exporter, database, 7, rounds=6, share=0.5)
        running.wait_for(lines)
        wait_for(expected, database)
        # Another group sends everything again, is killed in between, and nothing changes. A column that an
        # older program did not have is added, and filled.
        database.execute("ALTER TABLE spanmill.calls DROP COLUMN end_unknown CASCADE;"
                         "UPDATE spanmill.schema_version SET tables = 'old', version = 0;"
                         + drop_views(database))
        again = add_exporter(running, "again", database, "--group", "again",
                             "--postgres-retention", "1d")
        if os.environ.get("CRASH_POINTS") == "ON":
            again.start({"SPANMILL_CRASH_AT": "export-sent:2"})
            wait_until(lambda: not again.alive(), LIMIT, "it to die")
        again.start()
        wait_for(expected, database)
        assert again.stop() == 0
        check_everything_is_there(database, lines)
        say(f"{check_documented(database)} questions of docs/SQL.md, {exporter.starts} starts")
        say(check_dashboard(database, lines))
        check_expires(database)
        assert exporter.stop() == 0
        for each in exporter, again:
            assert postgres.PASSWORD not in each.log()


def drop_views(database):
    """Everything that a migration step creates, as if the database had none of it yet."""
    views = database.query("SELECT relname FROM pg_class WHERE relkind = 'v'"
                           " AND relnamespace = 'spanmill'::regnamespace")
    return "".join(f'DROP VIEW IF EXISTS spanmill."{row["relname"]}" CASCADE;' for row in views) + (
        "DROP FUNCTION spanmill.expire, spanmill.quantile_ns;"
        "DROP AGGREGATE spanmill.concat(bigint[]);")


def test_denied():
    """a newer schema, a wrong password, and an unknown database are reported, and nothing is lost"""
    lines = report(pool.THUMBNAILS)
    with Pool(partitions=1) as running, Postgres() as database:
        running.publish(pool.THUMBNAILS)
        for role in "mapper", "reducer":
            running.add(role, f"{role}-0").start()
        database.execute("CREATE SCHEMA spanmill AUTHORIZATION spanmill;"
                         "CREATE TABLE spanmill.schema_version (version int, tables text);"
                         "INSERT INTO spanmill.schema_version VALUES (999, '');"
                         "ALTER TABLE spanmill.schema_version OWNER TO spanmill")
        exporter = add_exporter(running, "export-0", database).start()
        wait_until(lambda: "has version 999" in exporter.log(), LIMIT, "it to say so")
        assert exporter.count("spanmill_export_denied_total") > 0
        exporter.kill()
        wrong = running.add("export", "export-0", ["--postgres", database.url + "x"],
                            {"PGPASSFILE": database.pass_file}).start()
        wait_until(lambda: wrong.metric("spanmill_export_denied_total"), LIMIT, "it to be denied")
        wrong.kill()
        wrong = running.add("export", "export-0", [
            "--postgres", database.url.replace("@", ":wrong-secret@")]).start()
        wait_until(lambda: wrong.metric("spanmill_export_denied_total"), LIMIT, "it to be denied")
        assert "wrong-secret" not in wrong.log()
        wrong.kill()
        database.execute("DROP SCHEMA spanmill CASCADE")
        exporter.start()
        running.wait_for(lines)
        wait_for(tables.of_report(lines), database)
        assert exporter.stop() == 0


if __name__ == "__main__":
    sys.exit(pool.main(test_kills, test_denied))
