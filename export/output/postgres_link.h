/* export/output/postgres_link.h -- a connection to a PostgreSQL server that never blocks for longer than
 * it is told to: over libpq, which no other file knows. */
#ifndef EXPORT_OUTPUT_POSTGRES_LINK_H
#define EXPORT_OUTPUT_POSTGRES_LINK_H

#include "export/output/output.h"

struct postgres_link;

/* What a failure means. */
enum postgres_fault {
    POSTGRES_AWAY,   /* not now: the server, or the network */
    POSTGRES_DENIED, /* somebody has to look: password, rights, no such database */
    POSTGRES_DATA    /* what was sent is refused, and will be again */
};

/* How long a call may take. `fault` says more where it did not end with OK. */
struct postgres_call {
    const struct output_patience *patience;
    uint64_t timeout_ms;
    struct failure *why;
    enum postgres_fault fault;
};

/* Whether libpq understands it. The sentence has nothing of it: there may be a password in it. */
MUST_CHECK enum status postgres_check(const char *conninfo, struct failure *why);
/* NULL: it failed. */
struct postgres_link *postgres_open(const char *conninfo, struct postgres_call *call);
void postgres_close(struct postgres_link *link); /* NULL is fine */

/* One or several statements. `value`, if not NULL, gets the first column of the first row: the caller's,
 * to be freed; NULL if there is no row, or NULL in it. */
MUST_CHECK enum status postgres_run(struct postgres_link *link, const char *sql, char **value,
                                    struct postgres_call *call);
/* `sql` is COPY ... FROM STDIN. */
MUST_CHECK enum status postgres_copy(struct postgres_link *link, const char *sql, struct text data,
                                     struct postgres_call *call);
/* What the server says of itself: server_encoding. */
const char *postgres_setting(const struct postgres_link *link, const char *name);

#endif
