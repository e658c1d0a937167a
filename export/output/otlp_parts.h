/* export/output/otlp_parts.h -- what all requests of the OpenTelemetry protocol have, in an arena. */
#ifndef EXPORT_OUTPUT_OTLP_PARTS_H
#define EXPORT_OUTPUT_OTLP_PARTS_H

#include "base/arena.h"
#include "base/bytes.h"

#include "otlp.pb-c.h"

/* Attributes, `room` of them at most. */
struct otlp_attributes {
    struct arena *arena;
    Spanmill__Otlp__KeyValue **at;
    size_t count, room;
};

struct otlp_attributes otlp_attributes_make(struct arena *arena, size_t room);
/* Texts are made UTF-8; an empty one is not put. `key` is followed by `more`, if that has something. */
void otlp_put_text(struct otlp_attributes *to, const char *key, struct text more,
                   struct text value);
void otlp_put_number(struct otlp_attributes *to, const char *key, struct text more, int64_t value);

/* UTF-8, with controls made visible. */
char *otlp_text(struct arena *arena, struct text text);

/* A service of a host (semantic conventions: service.name, host.name, process.pid). `instance`: what
 * tells it from others of that name; empty: nothing. pid 0: not known. */
Spanmill__Otlp__Resource *otlp_resource(struct arena *arena, struct text session, struct text host,
                                        struct text service, struct text instance, int32_t pid);
Spanmill__Otlp__Scope *otlp_scope(struct arena *arena);

#define OTLP_SCHEMA "https://opentelemetry.io/schemas/1.27.0"

#endif
