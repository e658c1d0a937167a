/* export/trace_ids.h -- what instances are called as spans of a trace. A function of what they are: who
 * tells of one twice calls it the same. */
#ifndef EXPORT_TRACE_IDS_H
#define EXPORT_TRACE_IDS_H

#include "export/told_instances.h"

struct trace_ids {
    uint8_t trace[16], span[8];
    uint8_t parent[8]; /* all 0: none */
    uint8_t flags;     /* of the W3C trace context */
    bool remote;       /* trace and parent were captured: they are the application's */
};

/* The trace is that which the captured field `traceparent` names, or else that of the instance that it
 * is part of, or else one of its own. */
void trace_ids_of(struct text session, const struct told_one *one, struct trace_ids *out);

/* Reads a `traceparent` header, which sets trace, parent and flags. False: it is none. */
bool trace_ids_parse(struct text header, struct trace_ids *out);

#endif
