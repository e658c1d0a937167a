/* export/trace_ids.h -- trace and span ids of instances. They are a function of the instance, so
 * sending one again gives the same ids. */
#ifndef EXPORT_TRACE_IDS_H
#define EXPORT_TRACE_IDS_H

#include "export/listed_instances.h"

struct trace_ids {
    uint8_t trace[16], span[8];
    uint8_t parent[8]; /* all 0: none */
    uint8_t flags;     /* of the W3C trace context */
    bool remote;       /* trace and parent were captured: they are the application's */
};

/* The trace is that of the captured field `traceparent`, else that of the enclosing instance, else
 * a new one. */
void trace_ids_of(struct text session, const struct listed_instance *one, struct trace_ids *out);

/* Reads trace, parent and flags from a `traceparent` header. False: invalid. */
bool trace_ids_parse(struct text header, struct trace_ids *out);

#endif
