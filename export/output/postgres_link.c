#include "export/output/postgres_link.h"

#include <libpq-fe.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"

/* Poll interval for output_patience. */
enum { WAIT_MS = 100, COPY_PIECE = 256 << 10 };

struct postgres_link {
    PGconn *connection;
};

/* --- failures --- */

/* SQLSTATE classes; all others may be temporary. */
static const struct {
    const char *begin;
    enum postgres_fault fault;
} faults[] = {
    {"22", POSTGRES_DATA},   /* data exceptions */
    {"23", POSTGRES_DATA},   /* constraints */
    {"54", POSTGRES_DATA},   /* limits */
    {"28", POSTGRES_DENIED}, /* password, pg_hba.conf */
    {"3D", POSTGRES_DENIED}, /* no such database */
    {"3F", POSTGRES_DENIED}, /* no such schema */
    {"42", POSTGRES_DENIED}, /* rights; tables that were altered */
    {"25", POSTGRES_DENIED}, /* a read-only server */
    {"0A", POSTGRES_DENIED}, /* not supported */
};

/* The server's message in one line. */
static enum status say(struct postgres_call *call, const char *sentence)
{
    struct failure line;
    enum status status = fail(&line, STATUS_RETRY, "%s", sentence);
    size_t used = strlen(line.text);
    while (used > 0 && (unsigned char)line.text[used - 1] <= ' ')
        line.text[--used] = '\0';
    for (char *at = line.text; *at; at++)
        if ((unsigned char)*at < ' ')
            *at = ' ';
    *call->why = line;
    return status;
}

static enum status say_result(const struct postgres_link *link, const PGresult *result,
                              struct postgres_call *call)
{
    const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    call->fault = POSTGRES_AWAY;
    for (size_t i = 0; state && i < sizeof faults / sizeof *faults; i++)
        if (strncmp(state, faults[i].begin, 2) == 0)
            call->fault = faults[i].fault;
    const char *primary = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    return say(call, primary ? primary : PQerrorMessage(link->connection));
}

/* --- waiting --- */

/* `until_ms`: of clock_ms(CLOCK_MONOTONIC). */
static enum status wait_for(const struct postgres_link *link, short events, uint64_t until_ms,
                            struct postgres_call *call)
{
    call->fault = POSTGRES_AWAY;
    if (call->patience->over(call->patience->context))
        return fail(call->why, STATUS_RETRY, "stopped by request");
    if (clock_ms(CLOCK_MONOTONIC) >= until_ms)
        return fail(call->why, STATUS_RETRY, "no answer within %llu ms",
                    (unsigned long long)call->timeout_ms);
    struct pollfd one = {PQsocket(link->connection), events, 0};
    poll(&one, 1, WAIT_MS);
    return STATUS_OK;
}

static uint64_t deadline(const struct postgres_call *call)
{
    return clock_ms(CLOCK_MONOTONIC) + call->timeout_ms;
}

/* Sends all buffered data. */
static enum status flush(const struct postgres_link *link, uint64_t until_ms,
                         struct postgres_call *call)
{
    int left;
    while ((left = PQflush(link->connection)) > 0) {
        enum status status = wait_for(link, POLLIN | POLLOUT, until_ms, call);
        if (status != STATUS_OK)
            return status;
        if (!PQconsumeInput(link->connection))
            return say_result(link, NULL, call);
    }
    return left == 0 ? STATUS_OK : say_result(link, NULL, call);
}

/* The next result; NULL after the last. */
static enum status next_result(const struct postgres_link *link, uint64_t until_ms, PGresult **out,
                               struct postgres_call *call)
{
    *out = NULL;
    while (PQisBusy(link->connection)) {
        enum status status = wait_for(link, POLLIN, until_ms, call);
        if (status != STATUS_OK)
            return status;
        if (!PQconsumeInput(link->connection))
            return say_result(link, NULL, call);
    }
    *out = PQgetResult(link->connection);
    return STATUS_OK;
}

/* --- connecting --- */

static void no_notice(void *context, const char *message)
{
    (void)context, (void)message;
}

enum status postgres_check(const char *conninfo, struct failure *why)
{
    char *message = NULL;
    PQconninfoOption *options = PQconninfoParse(conninfo, &message);
    bool good = options != NULL;
    PQconninfoFree(options);
    PQfreemem(message); /* not used: it quotes the invalid part */
    if (good && strpbrk(conninfo, "=:"))
        return STATUS_OK;
    return fail(why, STATUS_REJECT,
                "not an address as libpq has it, like postgresql://spanmill@db:5432/spanmill or "
                "host=db dbname=spanmill");
}

static enum status connect_now(const struct postgres_link *link, struct postgres_call *call)
{
    uint64_t until_ms = deadline(call);
    PostgresPollingStatusType next = PGRES_POLLING_WRITING;
    while (next != PGRES_POLLING_OK) {
        if (next == PGRES_POLLING_FAILED || PQstatus(link->connection) == CONNECTION_BAD)
            return say(call, PQerrorMessage(link->connection));
        enum status status =
            wait_for(link, next == PGRES_POLLING_READING ? POLLIN : POLLOUT, until_ms, call);
        if (status != STATUS_OK)
            return status;
        next = PQconnectPoll(link->connection);
    }
    return STATUS_OK;
}

struct postgres_link *postgres_open(const char *conninfo, struct postgres_call *call)
{
    const char *const names[] = {"dbname", "client_encoding", "fallback_application_name", NULL};
    const char *const values[] = {conninfo, "UTF8", "spanmill-export", NULL};
    struct postgres_link *link = memory_new(sizeof *link);
    call->fault = POSTGRES_AWAY;
    link->connection = PQconnectStartParams(names, values, 1);
    enum status status = link->connection ? connect_now(link, call)
                                          : fail(call->why, STATUS_RETRY, "libpq cannot be used");
    if (status == STATUS_OK) {
        PQsetNoticeProcessor(link->connection, no_notice, NULL);
        if (PQsetnonblocking(link->connection, 1) == 0)
            return link;
        status = say_result(link, NULL, call);
    }
    /* libpq gives no code here: if the server asks for a password or does not know the database, it
     * did answer. */
    if (link->connection && (PQconnectionNeedsPassword(link->connection) ||
                             strstr(PQerrorMessage(link->connection), "FATAL:  password") ||
                             strstr(PQerrorMessage(link->connection), "FATAL:  role") ||
                             strstr(PQerrorMessage(link->connection), "FATAL:  no pg_hba") ||
                             strstr(PQerrorMessage(link->connection), "FATAL:  database")))
        call->fault = POSTGRES_DENIED;
    postgres_close(link);
    return NULL;
}

void postgres_close(struct postgres_link *link)
{
    if (!link)
        return;
    PQfinish(link->connection);
    free(link);
}

const char *postgres_setting(const struct postgres_link *link, const char *name)
{
    const char *value = PQparameterStatus(link->connection, name);
    return value ? value : "";
}

/* --- statements --- */

static void keep_value(const PGresult *result, char **value)
{
    if (!value || *value || PQresultStatus(result) != PGRES_TUPLES_OK || PQntuples(result) == 0 ||
        PQgetisnull(result, 0, 0))
        return;
    *value = memory_string(text_of(PQgetvalue(result, 0, 0)));
}

/* Takes all results; reports the first that is not `good`. */
static enum status take_results(const struct postgres_link *link, uint64_t until_ms, char **value,
                                struct postgres_call *call)
{
    enum status outcome = STATUS_OK;
    for (;;) {
        PGresult *result;
        enum status status = next_result(link, until_ms, &result, call);
        if (status != STATUS_OK)
            return status;
        if (!result)
            return outcome;
        ExecStatusType kind = PQresultStatus(result);
        if (kind == PGRES_TUPLES_OK)
            keep_value(result, value);
        else if (kind != PGRES_COMMAND_OK && outcome == STATUS_OK)
            outcome = say_result(link, result, call);
        PQclear(result);
        if (kind == PGRES_COPY_IN) /* waits for data: cannot follow these statements */
            return fail(call->why, STATUS_RETRY, "the server waits for data");
    }
}

enum status postgres_run(struct postgres_link *link, const char *sql, char **value,
                         struct postgres_call *call)
{
    uint64_t until_ms = deadline(call);
    if (value)
        *value = NULL;
    if (!PQsendQuery(link->connection, sql))
        return say_result(link, NULL, call);
    enum status status = flush(link, until_ms, call);
    return status == STATUS_OK ? take_results(link, until_ms, value, call) : status;
}

static enum status put_data(const struct postgres_link *link, struct text data, uint64_t until_ms,
                            struct postgres_call *call)
{
    while (data.count > 0) {
        size_t piece = data.count < COPY_PIECE ? data.count : COPY_PIECE;
        int put = PQputCopyData(link->connection, data.at, (int)piece);
        if (put < 0)
            return say_result(link, NULL, call);
        enum status status =
            put == 0 ? wait_for(link, POLLOUT, until_ms, call) : flush(link, until_ms, call);
        if (status != STATUS_OK)
            return status;
        if (put > 0)
            data = (struct text){data.at + piece, data.count - piece};
    }
    int ended;
    while ((ended = PQputCopyEnd(link->connection, NULL)) == 0) {
        enum status status = wait_for(link, POLLOUT, until_ms, call);
        if (status != STATUS_OK)
            return status;
    }
    return ended > 0 ? flush(link, until_ms, call) : say_result(link, NULL, call);
}

enum status postgres_copy(struct postgres_link *link, const char *sql, struct text data,
                          struct postgres_call *call)
{
    uint64_t until_ms = deadline(call);
    PGresult *result;
    if (!PQsendQuery(link->connection, sql))
        return say_result(link, NULL, call);
    enum status status = flush(link, until_ms, call);
    if (status == STATUS_OK)
        status = next_result(link, until_ms, &result, call);
    if (status != STATUS_OK)
        return status;
    if (PQresultStatus(result) != PGRES_COPY_IN) {
        status = say_result(link, result, call);
        PQclear(result);
        return status;
    }
    PQclear(result);
    status = put_data(link, data, until_ms, call);
    return status == STATUS_OK ? take_results(link, until_ms, NULL, call) : status;
}
