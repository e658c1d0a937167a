/* tests/laws/churn.h -- a machine whose processes, threads, descriptors and phases begin and end:
 * one chunk per second, so that the state to be kept after each is the same. */
#ifndef TESTS_LAWS_CHURN_H
#define TESTS_LAWS_CHURN_H

#include "base/arena.h"
#include "trace/schema.h"
#include "wire/partial_codec.h"

/* Its phases; `job` only ends by its timeout, `silent` belongs to a thread that is current where
 * nothing happens. */
extern const char churn_phases[];
#define CHURN_SESSION "host/churn/20260101-000000"
#define CHURN_SECOND UINT64_C(1000000000)

struct churn_options {
    unsigned processes; /* that begin and end in a second */
    unsigned requests;  /* of a server, with a part whose name is a unique field */
    unsigned silent;    /* requests of the silent thread */
    unsigned threads;   /* of the server, that never end */
    unsigned active;    /* number of these that do something in each second */
    unsigned forgotten; /* instances that never end, on a thread that waits between them */
    unsigned wakers;    /* processes that start, wake a thread in an open instance, and exit */
    bool no_switches;   /* no switches are recorded: no thread is seen to leave its CPU for good */
    bool losses;        /* some switches and exits are lost, others doubtful */
};

/* Maps chunk `chunk`, from 0; the last chunk of a session is `final`. */
void churn_map(struct schema *schema, const struct churn_options *options, uint64_t chunk,
               bool final, struct record_sink sink);

#endif
