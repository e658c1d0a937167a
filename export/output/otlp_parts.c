#include "export/output/otlp_parts.h"

#include <assert.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/utf8.h"
#include "spanmill_version.h"

typedef Spanmill__Otlp__KeyValue KeyValue;
typedef Spanmill__Otlp__Value Value;

struct otlp_attributes otlp_attributes_make(struct arena *arena, size_t room)
{
    return (struct otlp_attributes){
        .arena = arena, .at = arena_take(arena, (room + 1) * sizeof(KeyValue *)), .room = room};
}

char *otlp_text(struct arena *arena, struct text text)
{
    char *printable = utf8_printable(text);
    char *kept = arena_string(arena, text_of(printable));
    free(printable);
    return kept;
}

static Value *put(struct otlp_attributes *to, const char *key, struct text more)
{
    assert(to->count < to->room);
    KeyValue *pair = arena_take(to->arena, sizeof *pair);
    spanmill__otlp__key_value__init(pair);
    char *whole = memory_format("%s%.*s", key, (int)more.count, more.count > 0 ? more.at : "");
    pair->key = otlp_text(to->arena, text_of(whole));
    free(whole);
    pair->value = arena_take(to->arena, sizeof *pair->value);
    spanmill__otlp__value__init(pair->value);
    to->at[to->count++] = pair;
    return pair->value;
}

void otlp_put_text(struct otlp_attributes *to, const char *key, struct text more, struct text value)
{
    if (value.count > 0)
        put(to, key, more)->text = otlp_text(to->arena, value);
}

void otlp_put_number(struct otlp_attributes *to, const char *key, struct text more, int64_t value)
{
    Value *number = put(to, key, more);
    number->has_number = true;
    number->number = value;
}

Spanmill__Otlp__Resource *otlp_resource(struct arena *arena, struct text session, struct text host,
                                        struct text service, struct text instance, int32_t pid)
{
    const struct text none = {NULL, 0};
    struct otlp_attributes attributes = otlp_attributes_make(arena, 5);
    otlp_put_text(&attributes, "service.name", none,
                  service.count > 0 ? service : text_of("unknown_service"));
    otlp_put_text(&attributes, "service.instance.id", none, instance);
    otlp_put_text(&attributes, "host.name", none, host);
    if (pid > 0)
        otlp_put_number(&attributes, "process.pid", none, pid);
    otlp_put_text(&attributes, "spanmill.session", none, session);
    Spanmill__Otlp__Resource *resource = arena_take(arena, sizeof *resource);
    spanmill__otlp__resource__init(resource);
    resource->attributes = attributes.at;
    resource->n_attributes = attributes.count;
    return resource;
}

Spanmill__Otlp__Scope *otlp_scope(struct arena *arena)
{
    Spanmill__Otlp__Scope *scope = arena_take(arena, sizeof *scope);
    spanmill__otlp__scope__init(scope);
    scope->name = arena_string(arena, text_of("spanmill"));
    scope->version = arena_string(arena, text_of(SPANMILL_VERSION));
    return scope;
}
