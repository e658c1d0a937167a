/* tests/laws/churn.h -- a machine whose processes, threads, descriptors and phases come and go: of each
 * second another chunk, so that what has to be kept behind any of them is the same. */
#ifndef TESTS_LAWS_CHURN_H
#define TESTS_LAWS_CHURN_H

#include "base/arena.h"
#include "trace/schema.h"
#include "wire/partial_codec.h"

/* Phases of it; `job` never ends but by its timeout, `silent` is of a thread that is current where
 * nothing happens. */
extern const char churn_phases[];
#define CHURN_SESSION "host/churn/20260101-000000"
#define CHURN_SECOND UINT64_C(1000000000)

struct churn_options {
    unsigned processes; /* that begin and end in a second */
    unsigned requests;  /* of a server, with a part whose name is a field that nothing else has */
    unsigned silent;    /* requests of the silent thread */
    unsigned threads;   /* of the server, that live on and on */
    unsigned active;    /* of these, those that do something in each second */
    unsigned forgotten; /* instances that never end, on a thread that waits between them */
    unsigned wakers;    /* processes that come, wake a thread in an open instance, and go */
    bool no_switches;   /* are recorded: no thread is seen to leave its CPU for good */
    bool losses;        /* some switches and exits are lost, others doubtful */
};

/* Maps chunk `chunk`, from 0; the last chunk of a session is `final`. */
void churn_map(struct schema *schema, const struct churn_options *options, uint64_t chunk,
               bool final, struct record_sink sink);

#endif
