#include "export/output/sql_schema.h"

#include <inttypes.h>
#include <stdlib.h>

const char sql_schema_exists[] = "SELECT to_regclass('spanmill.schema_version')";
const char sql_schema_read[] = "SELECT version || ' ' || tables FROM spanmill.schema_version";
const char sql_schema_begin[] = "BEGIN; SELECT pg_advisory_xact_lock(8317417)";

/* CREATE SCHEMA needs the right to create schemas even if the schema exists. */
static const char base[] =
    "DO $$ BEGIN IF to_regnamespace('spanmill') IS NULL THEN CREATE SCHEMA spanmill; END IF; END "
    "$$;\n"
    "CREATE TABLE IF NOT EXISTS spanmill.schema_version (one boolean PRIMARY KEY DEFAULT true "
    "CHECK (one), version integer NOT NULL, tables text NOT NULL);\n";

/* After the tables. */
static const char more_of_tables[] =
    "ALTER TABLE spanmill.intervals ADD COLUMN IF NOT EXISTS stored_at timestamptz NOT NULL "
    "DEFAULT now();\n"
    "CREATE INDEX IF NOT EXISTS intervals_stored_at ON spanmill.intervals (stored_at);\n"
    "CREATE INDEX IF NOT EXISTS threads_process ON spanmill.threads (session_id, process_id);\n"
    "CREATE INDEX IF NOT EXISTS instances_begin_at ON spanmill.instances (begin_at);\n"
    "CREATE INDEX IF NOT EXISTS instance_times_id ON spanmill.instance_times "
    "(session_id, instance_id);\n"
    "CREATE INDEX IF NOT EXISTS instance_waits_id ON spanmill.instance_waits "
    "(session_id, instance_id);\n";

/* Names, chosen as in reports: the newest life of the main thread, a name from the kernel before
 * one from user space; then the name in the process's trace; of other threads, the lowest tid. */
#define NAMES_VIEWS                                                                                \
    "CREATE VIEW spanmill.process_names AS\n"                                                      \
    "SELECT DISTINCT ON (session_id, process_id) session_id, process_id,\n"                        \
    "  process_id & 4294967295 AS pid, name AS process\n"                                          \
    "FROM (SELECT session_id, process_id, thread_id, tid = (process_id & 4294967295) AS leader,\n" \
    "        tid, kernel_named, name FROM spanmill.threads WHERE name IS NOT NULL\n"               \
    "      UNION ALL SELECT session_id, process_id, thread_id, false, -1, false, program\n"        \
    "        FROM spanmill.threads WHERE program IS NOT NULL) AS candidates\n"                     \
    "WHERE process_id IS NOT NULL\n"                                                               \
    "ORDER BY session_id, process_id, leader DESC, CASE WHEN leader THEN 0 ELSE tid END,\n"        \
    "  kernel_named DESC, thread_id DESC;\n"                                                       \
    "CREATE VIEW spanmill.thread_names AS\n"                                                       \
    "SELECT t.session_id, t.thread_id, s.host, s.name AS session,\n"                               \
    "  nullif(t.tid, 0) AS tid, t.name AS thread,\n"                                               \
    "  t.process_id, t.process_id & 4294967295 AS pid, p.process\n"                                \
    "FROM spanmill.threads AS t JOIN spanmill.sessions AS s USING (session_id)\n"                  \
    "LEFT JOIN spanmill.process_names AS p USING (session_id, process_id);\n"

#define OF_THREAD "n.host, n.session, n.pid, n.process, n.tid, n.thread"
#define JOIN_THREAD "LEFT JOIN spanmill.thread_names AS n USING (session_id, thread_id)"
#define JOIN_FIRST "LEFT JOIN spanmill.first_calls AS f USING (session_id, thread_id, stretch)"
#define MOVED "CASE WHEN f.syscall IS NULL THEN 0 ELSE "

/* For several versions: `more` columns follow all others. */
#define PHASE_TIMES(create, more)                                                                  \
    create " VIEW spanmill.phase_times AS\n"                                                       \
           "SELECT x.session_id, x.chunk, x.\"at\", " OF_THREAD ", x.thread_id, x.phase,\n"        \
           "  x.count, x.total_ns, x.min_ns, x.max_ns, x.p50_ns, x.p95_ns, x.p99_ns,\n"            \
           "  x.buckets, x.bucket_counts, x.hopped, x.over, x.begin_unknown, x.end_unknown,\n"     \
           "  x.syscalls, x.user_ns - " MOVED "x.before_running_ns END AS user_ns,\n"              \
           "  x.sys_ns + " MOVED                                                                   \
           "x.before_running_ns END AS sys_ns, x.runnable_ns, x.blocked_ns,\n"                     \
           "  x.unknown_ns" more "\n"                                                              \
           "FROM spanmill.phases AS x " JOIN_THREAD " " JOIN_FIRST ";\n"

#define THREAD_TIMES(create, more)                                                                 \
    create " VIEW spanmill.thread_times AS\n"                                                      \
           "SELECT x.session_id, x.chunk, x.\"at\", " OF_THREAD                                    \
           ", x.thread_id, x.cpu_ns, x.switches,\n"                                                \
           "  x.user_ns, x.sys_ns, x.runnable_ns, x.blocked_ns, x.unknown_ns" more "\n"            \
           "FROM spanmill.runs AS x " JOIN_THREAD ";\n"

#define PHASE_INSTANCES(create, more, sums)                                                        \
    create                                                                                         \
        " VIEW spanmill.phase_instances AS\n"                                                      \
        "SELECT x.session_id, x.instance_id, n.host, n.session, coalesce(x.pid, n.pid) AS pid,\n"  \
        "  coalesce(p.process, n.process) AS process, n.tid, n.thread, x.thread_id,\n"             \
        "  coalesce(x.end_tid, n.tid) AS end_tid, x.phase, x.begin_at, x.begin_ns, x.end_at,\n"    \
        "  x.end_ns, x.duration_ns, x.syscalls, x.match, x.captured,\n"                            \
        "  s.user_ns - " MOVED "s.before_running_ns END AS user_ns,\n"                             \
        "  s.sys_ns + " MOVED "s.before_running_ns END AS sys_ns, s.runnable_ns, s.blocked_ns,\n"  \
        "  s.unknown_ns" more "\n"                                                                 \
        "FROM spanmill.instances AS x " JOIN_THREAD " " JOIN_FIRST "\n"                            \
        "LEFT JOIN LATERAL (SELECT sum(user_ns) AS user_ns, sum(sys_ns) AS sys_ns,\n"              \
        "    sum(runnable_ns) AS runnable_ns, sum(blocked_ns) AS blocked_ns,\n"                    \
        "    sum(unknown_ns) AS unknown_ns, sum(before_running_ns) AS before_running_ns" sums "\n" \
        "  FROM spanmill.instance_times AS i WHERE i.session_id = x.session_id\n"                  \
        "    AND i.instance_id = x.instance_id) AS s ON true\n"                                    \
        "LEFT JOIN LATERAL (SELECT process FROM spanmill.process_names AS q\n"                     \
        "  WHERE x.pid IS NOT NULL AND q.session_id = x.session_id AND q.pid = x.pid\n"            \
        "  ORDER BY process_id DESC LIMIT 1) AS p ON true;\n"

/* Of rows x of waits, with the waker or running thread o. */
#define WAIT_COLUMNS                                                                               \
    "x.kind,\n"                                                                                    \
    "  o.pid AS by_pid, o.process AS by_process, o.tid AS by_tid, o.thread AS by_thread,\n"        \
    "  CASE WHEN x.kind IN ('irq', 'softirq', 'vector') THEN x.other_id END AS number,\n"          \
    "  x.count, x.total_ns"
#define JOIN_OTHER                                                                                 \
    "LEFT JOIN spanmill.thread_names AS o ON x.kind = 'thread' AND o.session_id = "                \
    "x.session_id\n"                                                                               \
    "  AND o.thread_id = x.other_id"

#define WAIT_VIEW(create, name, state, more)                                                       \
    create " VIEW spanmill." name " AS\n"                                                          \
           "SELECT x.session_id, x.chunk, x.\"at\", " OF_THREAD                                    \
           ", x.thread_id, x.phase, " WAIT_COLUMNS more "\n"                                       \
           "FROM spanmill.waits AS x " JOIN_THREAD "\n" JOIN_OTHER " WHERE x.state = '" state      \
           "';\n"

#define INSTANCE_WAIT_VIEW                                                                         \
    "CREATE VIEW spanmill.phase_instance_waits AS\n"                                               \
    "SELECT i.session_id, i.instance_id, i.host, i.session, i.pid, i.process, i.tid, i.thread,\n"  \
    "  i.thread_id, i.phase, i.begin_at, i.begin_ns, i.duration_ns, x.state, " WAIT_COLUMNS "\n"   \
    "FROM spanmill.phase_instances AS i\n"                                                         \
    "JOIN spanmill.instance_waits AS x USING (session_id, instance_id)\n" JOIN_OTHER ";\n"

/* Only the number of `by` is in the key of the table. If a definition is not by thread, the thread
 * is any of the process. */
#define COUNTED_VIEW(name, table, values)                                                          \
    "CREATE VIEW spanmill." name " AS\n"                                                           \
    "SELECT x.session_id, x.chunk, x.\"at\", s.host, s.name AS session, n.pid, n.process, "        \
    "n.tid,\n"                                                                                     \
    "  n.thread, x.thread_id, x.name, x.whose, x.by, " values "\n"                                 \
    "FROM spanmill." table " AS x LEFT JOIN spanmill.sessions AS s USING (session_id)\n"           \
    "LEFT JOIN spanmill.thread_names AS n USING (session_id, thread_id);\n"

#define PHASE_VIEWS                                                                                \
    PHASE_TIMES("CREATE", "")                                                                      \
    "CREATE VIEW spanmill.phase_blocked_by AS\n"                                                   \
    "SELECT x.session_id, x.chunk, x.\"at\", " OF_THREAD ", x.thread_id, x.phase, x.syscall,\n"    \
    "  x.blocked_ns FROM spanmill.phase_blocked AS x " JOIN_THREAD "\n"                            \
    "UNION ALL SELECT x.session_id, x.chunk, x.\"at\", " OF_THREAD ", x.thread_id, x.phase,\n"     \
    "  coalesce(f.syscall, ''), x.before_blocked_ns\n"                                             \
    "FROM spanmill.phases AS x " JOIN_THREAD " " JOIN_FIRST "\n"                                   \
    "WHERE x.before_blocked_ns <> 0;\n"

#define CELL_VIEWS                                                                                 \
    "CREATE VIEW spanmill.syscall_times AS\n"                                                      \
    "SELECT x.session_id, x.chunk, x.\"at\", " OF_THREAD ", x.thread_id, x.phase, x.syscall,\n"    \
    "  x.count, x.total_ns, x.min_ns, x.max_ns, x.p50_ns, x.p95_ns, x.p99_ns,\n"                   \
    "  x.buckets, x.bucket_counts, x.bytes, x.errors, x.refused, x.begin_unknown,\n"               \
    "  x.end_unknown, x.slowest_at, x.slowest_ns\n"                                                \
    "FROM spanmill.calls AS x " JOIN_THREAD ";\n"                                                  \
    "CREATE VIEW spanmill.syscall_errors AS\n"                                                     \
    "SELECT x.session_id, x.chunk, x.\"at\", " OF_THREAD ", x.thread_id, x.phase, x.syscall,\n"    \
    "  x.error, x.count FROM spanmill.call_errors AS x " JOIN_THREAD ";\n" THREAD_TIMES(           \
        "CREATE",                                                                                  \
        "") "CREATE VIEW spanmill.wakeup_latencies AS\n"                                           \
            "SELECT x.session_id, x.chunk, x.\"at\", " OF_THREAD                                   \
            ", x.thread_id, x.count, x.total_ns,\n"                                                \
            "  x.min_ns, x.max_ns, x.p50_ns, x.p95_ns, x.p99_ns, x.buckets, x.bucket_counts\n"     \
            "FROM spanmill.wakeups AS x " JOIN_THREAD ";\n"                                        \
            "CREATE VIEW spanmill.descriptor_uses AS\n"                                            \
            "SELECT x.session_id, x.chunk, x.\"at\", " OF_THREAD ", x.thread_id, x.phase,\n"       \
            "  x.descriptor_id, d.process_id & 4294967295 AS descriptor_pid, d.fd, d.kind,\n"      \
            "  d.name AS descriptor, x.count, x.total_ns, x.min_ns, x.max_ns, x.p50_ns, "          \
            "x.p95_ns,\n"                                                                          \
            "  x.p99_ns, x.buckets, x.bucket_counts, x.read_bytes, x.write_bytes\n"                \
            "FROM spanmill.uses AS x " JOIN_THREAD "\n"                                            \
            "LEFT JOIN spanmill.descriptors AS d USING (session_id, "                              \
            "descriptor_id);\n" PHASE_INSTANCES("CREATE", "", "")

#define FUNCTIONS                                                                                  \
    "CREATE AGGREGATE spanmill.concat(bigint[]) (SFUNC = array_cat, STYPE = bigint[],\n"           \
    "  INITCOND = '{}');\n"                                                                        \
    "CREATE FUNCTION spanmill.quantile_ns(q double precision, buckets bigint[],\n"                 \
    "  counts bigint[]) RETURNS double precision LANGUAGE sql IMMUTABLE AS $$\n"                   \
    "  SELECT power(2, (bucket + 0.5) / 8) FROM (\n"                                               \
    "    SELECT bucket, sum(n) OVER (ORDER BY bucket) AS upto, sum(n) OVER () AS whole\n"          \
    "    FROM (SELECT u.bucket, sum(u.n) AS n FROM unnest(buckets, counts) AS u(bucket, n)\n"      \
    "      GROUP BY u.bucket) AS b) AS c\n"                                                        \
    "  WHERE upto >= q * whole ORDER BY bucket LIMIT 1 $$;\n"

/* For all existing tables, including those of analyses. Live entities are sent again at every 32nd
 * interval, so entities last sent more than 64 intervals before the oldest kept one are
 * unreferenced. */
#define EXPIRE                                                                                     \
    "CREATE FUNCTION spanmill.expire(older interval, most integer DEFAULT NULL) RETURNS bigint\n"  \
    "LANGUAGE plpgsql AS $$\n"                                                                     \
    "DECLARE s record; t record; touched bigint[]; gone bigint;\n"                                 \
    "BEGIN\n"                                                                                      \
    "  WITH old AS (DELETE FROM spanmill.intervals WHERE ctid = ANY (ARRAY(\n"                     \
    "      SELECT ctid FROM spanmill.intervals WHERE stored_at < now() - older\n"                  \
    "      ORDER BY session_id, chunk LIMIT most)) RETURNING session_id)\n"                        \
    "    SELECT array_agg(DISTINCT session_id), count(*) FROM old INTO touched, gone;\n"           \
    "  FOR s IN SELECT x.session_id, (SELECT min(chunk) FROM spanmill.intervals AS i\n"            \
    "      WHERE i.session_id = x.session_id) AS least FROM unnest(touched) AS x(session_id) "     \
    "LOOP\n"                                                                                       \
    "    FOR t IN SELECT c.relname AS name, c.relname <> 'instances' AND NOT EXISTS (\n"           \
    "          SELECT FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attname = 'at')\n"     \
    "          AS entity FROM pg_class AS c\n"                                                     \
    "        WHERE c.relnamespace = 'spanmill'::regnamespace AND c.relkind = 'r'\n"                \
    "          AND c.relname NOT IN ('schema_version', 'intervals', 'first_calls')\n"              \
    "          AND (c.relname <> 'sessions' OR s.least IS NULL) LOOP\n"                            \
    "      EXECUTE format('DELETE FROM spanmill.%I WHERE session_id = $1\n"                        \
    "          AND ($2 IS NULL OR chunk < $2)', t.name)\n"                                         \
    "        USING s.session_id, s.least - CASE WHEN t.entity THEN 64 ELSE 0 END;\n"               \
    "    END LOOP;\n"                                                                              \
    "    DELETE FROM spanmill.first_calls AS f WHERE f.session_id = s.session_id AND NOT EXISTS\n" \
    "      (SELECT FROM spanmill.threads AS x WHERE x.session_id = f.session_id\n"                 \
    "        AND x.thread_id = f.thread_id);\n"                                                    \
    "  END LOOP;\n"                                                                                \
    "  RETURN gone;\n"                                                                             \
    "END $$;\n"

/* Steps to version 1, 2 ...: a released step never changes. */
static const char *const step_1[] = {NAMES_VIEWS, PHASE_VIEWS, CELL_VIEWS, FUNCTIONS, EXPIRE, NULL};
static const char *const step_2[] = {
    PHASE_TIMES("CREATE OR REPLACE", ", x.irq_ns, x.softirq_ns, x.queued_ns, x.parallel_ns"),
    THREAD_TIMES("CREATE OR REPLACE", ", x.irq_ns, x.softirq_ns"),
    PHASE_INSTANCES("CREATE OR REPLACE", ", s.irq_ns, s.softirq_ns, x.queued_ns, x.parallel_ns",
                    ",\n    sum(irq_ns) AS irq_ns, sum(softirq_ns) AS softirq_ns"),
    NULL};
static const char *const step_3[] = {WAIT_VIEW("CREATE", "wakers", "blocked", ""),
                                     WAIT_VIEW("CREATE", "ran_instead", "runnable", ""), NULL};
static const char *const step_4[] = {
    WAIT_VIEW("CREATE OR REPLACE", "wakers", "blocked", ", x.max_ns"),
    WAIT_VIEW("CREATE OR REPLACE", "ran_instead", "runnable", ", x.max_ns"),
    COUNTED_VIEW("event_counts", "counts",
                 "x.count, x.with_value, x.negative, x.value_total, x.value_min, x.value_max"),
    COUNTED_VIEW("span_times", "spans",
                 "x.count, x.total_ns, x.min_ns, x.max_ns, x.p50_ns, x.p95_ns, x.p99_ns,\n"
                 "  x.buckets, x.bucket_counts, x.begin_unknown, x.lost, x.timed_out, x.open,\n"
                 "  x.unmatched"),
    NULL};
static const char *const step_5[] = {INSTANCE_WAIT_VIEW, NULL};
static const char *const *const steps[SQL_SCHEMA_VERSION] = {step_1, step_2, step_3, step_4,
                                                             step_5};

static void print_tables(FILE *out, const struct sql_table *const *tables, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sql_print_create(out, tables[i]);
    fputs(more_of_tables, out);
}

uint64_t sql_schema_tables(const struct sql_table *const *tables, size_t count)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = sql_open_text(&text, &size);
    print_tables(out, tables, count);
    fclose(out);
    uint64_t hash = 0xcbf29ce484222325; /* FNV-1a */
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ (unsigned char)text[i]) * 0x100000001b3;
    free(text);
    return hash;
}

char *sql_schema_upgrade(const struct sql_table *const *tables, size_t count, int from)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = sql_open_text(&text, &size);
    fputs(base, out);
    print_tables(out, tables, count);
    for (int i = from; i < SQL_SCHEMA_VERSION; i++)
        for (const char *const *part = steps[i]; *part; part++)
            fputs(*part, out);
    fprintf(out,
            "INSERT INTO spanmill.schema_version (version, tables) VALUES (%d, '%016" PRIx64
            "') ON CONFLICT (one) DO UPDATE SET version = excluded.version, tables = "
            "excluded.tables;\nCOMMIT",
            SQL_SCHEMA_VERSION, sql_schema_tables(tables, count));
    fclose(out);
    return text;
}
