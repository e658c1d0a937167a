#include "results/result.h"

struct text result_call_name(const struct result *result, uint32_t call)
{
    return result->schema ? text_of(schema_call_by_id(result->schema, call)->name)
                          : result->call_names[call];
}

struct process_fact process_fact_join(const struct process_fact *older,
                                      const struct process_fact *newer)
{
    /* A fork is the best source of the parent; otherwise the first one counts. */
    struct process_fact joined = newer->fork_seen || !older->fork_seen ? *newer : *older;
    if (!joined.fork_seen && older->ppid >= 0)
        joined.ppid = older->ppid;
    return joined;
}

struct thread_fact thread_fact_join(const struct thread_fact *older,
                                    const struct thread_fact *newer)
{
    struct thread_fact joined = *newer;
    if (older->process)
        joined.process = older->process; /* does not change once known */
    return joined;
}
