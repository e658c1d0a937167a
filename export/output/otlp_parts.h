/* export/output/otlp_parts.h -- common parts of OTLP requests, in an arena. */
#ifndef EXPORT_OUTPUT_OTLP_PARTS_H
#define EXPORT_OUTPUT_OTLP_PARTS_H

#include "base/arena.h"
#include "base/bytes.h"

#include "otlp.pb-c.h"

/* At most `room` attributes. */
struct otlp_attributes {
    struct arena *arena;
    Spanmill__Otlp__KeyValue **at;
    size_t count, room;
};

struct otlp_attributes otlp_attributes_make(struct arena *arena, size_t room);
/* Adds an attribute with the key `key` + `more`. Texts are converted to UTF-8; empty ones are left
 * out. */
void otlp_put_text(struct otlp_attributes *to, const char *key, struct text more,
                   struct text value);
void otlp_put_number(struct otlp_attributes *to, const char *key, struct text more, int64_t value);

/* UTF-8, with control characters escaped. */
char *otlp_text(struct arena *arena, struct text text);

/* A service on a host (semantic conventions: service.name, host.name, process.pid). `instance`:
 * service.instance.id; empty: none. pid 0: unknown. */
Spanmill__Otlp__Resource *otlp_resource(struct arena *arena, struct text session, struct text host,
                                        struct text service, struct text instance, int32_t pid);
Spanmill__Otlp__Scope *otlp_scope(struct arena *arena);

#define OTLP_SCHEMA "https://opentelemetry.io/schemas/1.27.0"

#endif
