#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "export/output/output.h"
#include "export/output/postgres_link.h"
#include "export/output/sql_results.h"
#include "export/output/sql_schema.h"

static const struct config_row rows[] = {
    {.name = "postgres",
     .type = CONFIG_TEXT,
     .secret = true,
     .argument = "URL",
     .help = "write results to this PostgreSQL database, such as\n"
             "postgresql://spanmill@db:5432/spanmill; passwords as in\n"
             "libpq has them (PGPASSFILE, ~/.pgpass)"},
    DURATION_ROW("postgres-timeout", 0, "TIME", "20s", 100, 600000, "statement timeout"),
    DURATION_ROW("postgres-retention", 0, "TIME", "0s", 0, 3650ll * 86400000,
                 "delete rows stored longer ago than TIME; 0: keep all"),
};

static const struct config_section section = {"PostgreSQL", rows, sizeof rows / sizeof *rows};

/* Number of expired intervals deleted before each one that is sent, so that a statement ends in
 * time and nothing waits long. */
enum { EXPIRE_EVERY_MS = 3600000, EXPIRE_MOST = 20 };

struct postgres {
    const char *address; /* of the settings */
    uint64_t timeout_ms, retention_ms, expired_ms;
    struct postgres_link *link; /* NULL: not connected */
    struct sql_results results;
};

/* --- connecting: checks the schema each time --- */

static enum status deny(struct postgres_call *call, const char *sentence)
{
    call->fault = POSTGRES_DENIED;
    return fail(call->why, STATUS_RETRY, "%s", sentence);
}

/* Version 0: there is none. `*same`: version and tables are those of this program. */
static enum status read_version(struct postgres *output, int *version, bool *same,
                                struct postgres_call *call)
{
    char *text = NULL;
    *version = 0;
    *same = false;
    enum status status = postgres_run(output->link, sql_schema_exists, &text, call);
    if (status != STATUS_OK || !text)
        return status;
    free(text);
    status = postgres_run(output->link, sql_schema_read, &text, call);
    if (status != STATUS_OK || !text)
        return status;
    char *rest;
    *version = (int)strtol(text, &rest, 10);
    uint64_t tables = strtoull(rest, NULL, 16);
    *same = *version == SQL_SCHEMA_VERSION &&
            tables == sql_schema_tables(output->results.tables, output->results.count);
    free(text);
    if (*version <= SQL_SCHEMA_VERSION)
        return STATUS_OK;
    call->fault = POSTGRES_DENIED;
    return fail(call->why, STATUS_RETRY,
                "the schema `spanmill` of the database has version %d, this program supports %d: "
                "use a spanmill-export at least as new as the one that created it",
                *version, SQL_SCHEMA_VERSION);
}

static enum status upgrade(struct postgres *output, struct postgres_call *call)
{
    int version;
    bool same;
    enum status status = read_version(output, &version, &same, call);
    if (status != STATUS_OK || same)
        return status;
    status = postgres_run(output->link, sql_schema_begin, NULL, call);
    if (status == STATUS_OK) /* another exporter may have done it meanwhile */
        status = read_version(output, &version, &same, call);
    if (status != STATUS_OK)
        return status;
    if (same)
        return postgres_run(output->link, "COMMIT", NULL, call);
    char *sql = sql_schema_upgrade(output->results.tables, output->results.count, version);
    status = postgres_run(output->link, sql, NULL, call);
    free(sql);
    return status;
}

static enum status make_staging(struct postgres *output, struct postgres_call *call)
{
    char *sql = NULL;
    size_t size = 0;
    FILE *out = sql_open_text(&sql, &size);
    for (size_t i = 0; i < output->results.count; i++)
        sql_print_staging(out, output->results.tables[i]);
    fclose(out);
    enum status status = postgres_run(output->link, sql, NULL, call);
    free(sql);
    return status;
}

static void disconnect(struct postgres *output)
{
    postgres_close(output->link);
    output->link = NULL;
}

static enum status connect_to(struct postgres *output, struct postgres_call *call)
{
    if (output->link)
        return STATUS_OK;
    output->link = postgres_open(output->address, call);
    if (!output->link)
        return STATUS_RETRY;
    enum status status = STATUS_OK;
    if (strcmp(postgres_setting(output->link, "server_encoding"), "UTF8") != 0)
        status = deny(call, "the encoding of the database is not UTF8: create it with ENCODING "
                            "'UTF8' TEMPLATE template0");
    if (status == STATUS_OK)
        status = upgrade(output, call);
    return status == STATUS_OK ? make_staging(output, call) : status;
}

/* --- an interval --- */

static char *rows_of(const struct sql_rows *each, const struct sql_place *place, size_t *size)
{
    char *text = NULL;
    FILE *out = sql_open_text(&text, size);
    sql_print_rows(out, each, place);
    fclose(out);
    return text;
}

static char *statement(void (*print)(FILE *out, const struct sql_table *table),
                       const struct sql_table *table)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = sql_open_text(&text, &size);
    print(out, table);
    fclose(out);
    return text;
}

static enum status send_table(struct postgres *output, const struct sql_rows *each,
                              struct output_answer *answer, struct postgres_call *call)
{
    size_t size = 0;
    char *data = rows_of(each, &output->results.place, &size);
    char *copy = statement(sql_print_copy, each->table);
    char *upsert = statement(sql_print_upsert, each->table);
    enum status status = postgres_copy(output->link, copy, (struct text){data, size}, call);
    if (status == STATUS_OK)
        status = postgres_run(output->link, upsert, NULL, call);
    if (status != STATUS_OK)
        failure_prefix(call->why, "table %s", each->table->name);
    answer->bytes += size;
    free(data);
    free(copy);
    free(upsert);
    return status;
}

/* In one transaction. */
static enum status send_rows(struct postgres *output, struct output_answer *answer,
                             struct postgres_call *call)
{
    const struct sql_results *results = &output->results;
    enum status status = postgres_run(output->link, "BEGIN", NULL, call);
    for (size_t i = 0; i < results->count && status == STATUS_OK; i++)
        if (results->rows[i].count > 0)
            status = send_table(output, &results->rows[i], answer, call);
    return status == STATUS_OK ? postgres_run(output->link, "COMMIT", NULL, call) : status;
}

static enum status expire(struct postgres *output, struct postgres_call *call)
{
    uint64_t now_ms = clock_ms(CLOCK_MONOTONIC);
    if (output->retention_ms == 0 ||
        (output->expired_ms > 0 && now_ms - output->expired_ms < EXPIRE_EVERY_MS))
        return STATUS_OK;
    char *gone = NULL;
    char *sql = memory_format("SELECT spanmill.expire(%" PRIu64 " * interval '1 millisecond', %d)",
                              output->retention_ms, EXPIRE_MOST);
    enum status status = postgres_run(output->link, sql, &gone, call);
    free(sql);
    if (status == STATUS_OK && (!gone || strtol(gone, NULL, 10) < EXPIRE_MOST))
        output->expired_ms = now_ms;
    free(gone);
    if (status != STATUS_OK)
        failure_prefix(call->why, "deleting rows older than --postgres-retention");
    return status;
}

static uint64_t count_rows(const struct sql_results *results)
{
    uint64_t count = 0;
    for (size_t i = 0; i < results->count; i++)
        count += results->rows[i].count;
    return count;
}

static enum status send_all(void *context, const struct export_interval *interval,
                            const struct output_patience *patience, struct output_answer *answer,
                            struct failure *why)
{
    struct postgres *output = context;
    struct postgres_call call = {
        .patience = patience, .timeout_ms = output->timeout_ms, .why = why};
    *answer = (struct output_answer){.requests = 1};
    enum status status = connect_to(output, &call);
    bool ready = status == STATUS_OK;
    if (ready) {
        sql_results_take(&output->results, interval);
        status = expire(output, &call);
    }
    if (status == STATUS_OK)
        status = send_rows(output, answer, &call);
    if (status == STATUS_OK) {
        answer->taken = count_rows(&output->results);
        return STATUS_OK;
    }
    disconnect(output); /* rolls back */
    answer->denied = call.fault == POSTGRES_DENIED;
    if (!ready || call.fault != POSTGRES_DATA)
        return STATUS_RETRY;
    answer->refused = count_rows(&output->results);
    answer->refusal = *why;
    return STATUS_OK;
}

/* --- opening --- */

static void close_all(void *context)
{
    struct postgres *output = context;
    if (!output)
        return;
    disconnect(output);
    sql_results_clear(&output->results);
    free(output);
}

static enum status open_all(const struct config *config, void **out, struct failure *why)
{
    *out = NULL;
    const char *address = config_text(config, "postgres");
    enum status status = postgres_check(address, why);
    if (status != STATUS_OK) {
        failure_prefix(why, "postgres (%s)", config_source(config, "postgres"));
        return status;
    }
    struct postgres *output = memory_new(sizeof *output);
    output->address = address;
    output->timeout_ms = config_duration_ms(config, "postgres-timeout");
    output->retention_ms = config_duration_ms(config, "postgres-retention");
    sql_results_init(&output->results);
    *out = output;
    return STATUS_OK;
}

const struct output_kind output_postgres = {
    .name = "postgres",
    .option = "postgres",
    .section = &section,
    .open = open_all,
    .send = send_all,
    .close = close_all,
};
