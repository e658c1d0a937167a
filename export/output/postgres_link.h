/* export/output/postgres_link.h -- a connection to a PostgreSQL server whose calls have a time
 * limit. The only user of libpq. */
#ifndef EXPORT_OUTPUT_POSTGRES_LINK_H
#define EXPORT_OUTPUT_POSTGRES_LINK_H

#include "export/output/output.h"

struct postgres_link;

/* Kind of failure. */
enum postgres_fault {
    POSTGRES_AWAY,   /* temporary: the server, or the network */
    POSTGRES_DENIED, /* needs an operator: password, rights, no such database */
    POSTGRES_DATA    /* the data is refused, permanently */
};

/* The limits of a call. `fault` is set if it does not return OK. */
struct postgres_call {
    const struct output_patience *patience;
    uint64_t timeout_ms;
    struct failure *why;
    enum postgres_fault fault;
};

/* Whether libpq accepts it. `why` does not quote it: it may contain a password. */
MUST_CHECK enum status postgres_check(const char *conninfo, struct failure *why);
/* NULL on failure. */
struct postgres_link *postgres_open(const char *conninfo, struct postgres_call *call);
void postgres_close(struct postgres_link *link); /* NULL is fine */

/* Runs one or more statements. `value`, if not NULL, receives the first column of the first row,
 * which the caller frees; NULL if there is no row, or it is NULL. */
MUST_CHECK enum status postgres_run(struct postgres_link *link, const char *sql, char **value,
                                    struct postgres_call *call);
/* `sql` is COPY ... FROM STDIN. */
MUST_CHECK enum status postgres_copy(struct postgres_link *link, const char *sql, struct text data,
                                     struct postgres_call *call);
/* A parameter reported by the server: server_encoding. */
const char *postgres_setting(const struct postgres_link *link, const char *name);

#endif
