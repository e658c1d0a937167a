#include "tests/mapper/layout_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SCOPES = 6 };

struct maker {
    FILE *out;
    const struct layout *layout;
    const struct layout_field *roots[SCOPES]; /* of what is being written, in reading order */
};

static const char *const ORIGINS[SCOPES] = {
    "packet-header",
    "packet-context",
    "event-record-header",
    "event-record-common-context",
    "event-record-specific-context",
    "event-record-payload",
};

static const char *role_of(enum layout_meaning meaning)
{
    switch (meaning) {
    case LAYOUT_MAGIC: return "packet-magic-number";
    case LAYOUT_UUID: return "metadata-stream-uuid";
    case LAYOUT_STREAM_CLASS_ID: return "data-stream-class-id";
    case LAYOUT_STREAM_ID: return "data-stream-id";
    case LAYOUT_PACKET_BEGIN:
    case LAYOUT_TIMESTAMP: return "default-clock-timestamp";
    case LAYOUT_PACKET_END: return "packet-end-default-clock-timestamp";
    case LAYOUT_CONTENT_BITS: return "packet-content-length";
    case LAYOUT_PACKET_BITS: return "packet-total-length";
    case LAYOUT_SEQUENCE_NUMBER: return "packet-sequence-number";
    case LAYOUT_DISCARDED: return "discarded-event-record-counter-snapshot";
    case LAYOUT_EVENT_ID: return "event-record-class-id";
    case LAYOUT_CPU:
    case LAYOUT_NOTHING: break;
    }
    return NULL;
}

static void put(struct maker *maker, const char *text)
{
    fputs(text, maker->out);
}

static void put_text(struct maker *maker, const char *text)
{
    fputc('"', maker->out);
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '"' || *at == '\\')
            fputc('\\', maker->out);
        if ((unsigned char)*at < ' ')
            fprintf(maker->out, "\\u%04x", (unsigned)*at);
        else
            fputc(*at, maker->out);
    }
    fputc('"', maker->out);
}

static void put_number(struct maker *maker, uint64_t number, bool is_signed)
{
    if (is_signed)
        fprintf(maker->out, "%lld", (long long)(int64_t)number);
    else
        fprintf(maker->out, "%llu", (unsigned long long)number);
}

/* --- the source of a slot --- */

struct path {
    const char *names[64];
    unsigned count;
};

static bool find_slot(const struct layout_field *field, uint32_t slot, struct path *path)
{
    if (field == NULL)
        return false;
    if (field->save == slot)
        return true;
    unsigned before = path->count;
    for (uint32_t i = 0; i < layout_part_count(field); i++) {
        if (field->type == LAYOUT_STRUCT)
            path->names[path->count++] = field->fields[i].name;
        if (find_slot(&field->fields[i], slot, path))
            return true;
        path->count = before;
    }
    return false;
}

static void put_location(struct maker *maker, const char *key, uint32_t slot)
{
    struct path path = {.count = 0};
    int scope = 0;
    while (scope < SCOPES && !find_slot(maker->roots[scope], slot, &path))
        scope++;
    fprintf(maker->out, ",\"%s\":{\"origin\":\"%s\",\"path\":[", key,
            scope < SCOPES ? ORIGINS[scope] : "");
    for (unsigned i = 0; i < path.count; i++) {
        put(maker, i > 0 ? "," : "");
        put_text(maker, path.names[i]);
    }
    put(maker, "]}");
}

/* --- classes --- */

static void put_class(struct maker *maker, const struct layout_field *field);

static void put_type(struct maker *maker, const char *type)
{
    fprintf(maker->out, "{\"type\":\"%s\"", type);
}

static void put_role(struct maker *maker, const struct layout_field *field)
{
    const char *role = role_of((enum layout_meaning)field->meaning);
    if (role != NULL)
        fprintf(maker->out, ",\"roles\":[\"%s\"]", role);
}

static void put_bits(struct maker *maker, const struct layout_field *field)
{
    bool is_float = field->type == LAYOUT_FLOAT;
    put_type(maker, is_float           ? "fixed-length-floating-point-number"
                    : field->is_bool   ? "fixed-length-boolean"
                    : field->is_signed ? "fixed-length-signed-integer"
                                       : "fixed-length-unsigned-integer");
    fprintf(maker->out, ",\"length\":%u,\"byte-order\":\"%s-endian\",\"alignment\":%u", field->size,
            field->big_endian ? "big" : "little", (unsigned)field->align);
    if (!is_float && !field->is_bool)
        fprintf(maker->out, ",\"preferred-display-base\":%u", field->base);
    if (field->is_enum)
        put(maker, ",\"mappings\":{\"label\":[[0,0]]}");
    put_role(maker, field);
}

static void put_ranges(struct maker *maker, const struct layout_field *option, bool is_signed)
{
    put(maker, "\"selector-field-ranges\":[");
    for (uint32_t i = 0; i < option->range_count; i++) {
        put(maker, i > 0 ? ",[" : "[");
        put_number(maker, option->ranges[i].low, is_signed);
        put(maker, ",");
        put_number(maker, option->ranges[i].high, is_signed);
        put(maker, "]");
    }
    put(maker, "]");
}

static void put_parts(struct maker *maker, const struct layout_field *field)
{
    bool variant = field->type == LAYOUT_VARIANT;
    put(maker, variant ? ",\"options\":[" : ",\"member-classes\":[");
    for (uint32_t i = 0; i < field->count; i++) {
        put(maker, i > 0 ? ",{" : "{");
        if (variant) {
            put_ranges(maker, &field->fields[i], field->is_signed);
            put(maker, ",");
        }
        put(maker, "\"name\":");
        put_text(maker, field->fields[i].name);
        put(maker, ",\"field-class\":");
        put_class(maker, &field->fields[i]);
        put(maker, "}");
    }
    put(maker, "]");
}

static void put_inner(struct maker *maker, const char *key, const struct layout_field *field)
{
    fprintf(maker->out, ",\"%s\":", key);
    put_class(maker, field->fields);
}

static void put_array(struct maker *maker, const struct layout_field *field)
{
    if (field->meaning == LAYOUT_UUID) {
        put_type(maker, "static-length-blob");
        fprintf(maker->out, ",\"length\":16");
        put_role(maker, field);
        return;
    }
    put_type(maker, field->type == LAYOUT_ARRAY ? "static-length-array" : "dynamic-length-array");
    fprintf(maker->out, ",\"minimum-alignment\":%u", (unsigned)field->align);
    if (field->type == LAYOUT_ARRAY)
        fprintf(maker->out, ",\"length\":%u", (unsigned)field->count);
    else
        put_location(maker, "length-field-location", field->from);
    put_inner(maker, "element-field-class", field);
}

static void put_bytes(struct maker *maker, const struct layout_field *field, const char *what)
{
    bool fixed = field->type == LAYOUT_STRING_FIXED || field->type == LAYOUT_BLOB_FIXED;
    fprintf(maker->out, "{\"type\":\"%s-length-%s\"", fixed ? "static" : "dynamic", what);
    if (fixed)
        fprintf(maker->out, ",\"length\":%u", (unsigned)field->count);
    else
        put_location(maker, "length-field-location", field->from);
    put_role(maker, field);
}

static void put_class(struct maker *maker, const struct layout_field *field)
{
    switch ((enum layout_type)field->type) {
    case LAYOUT_INTEGER:
    case LAYOUT_FLOAT: put_bits(maker, field); break;
    case LAYOUT_VARINT:
        put_type(maker, field->is_signed ? "variable-length-signed-integer"
                                         : "variable-length-unsigned-integer");
        put_role(maker, field);
        break;
    case LAYOUT_WIDE: /* not possible in CTF 1.8 */
    case LAYOUT_STRING: put_type(maker, "null-terminated-string"); break;
    case LAYOUT_STRING_FIXED:
    case LAYOUT_STRING_SIZED: put_bytes(maker, field, "string"); break;
    case LAYOUT_BLOB_FIXED:
    case LAYOUT_BLOB_SIZED: put_bytes(maker, field, "blob"); break;
    case LAYOUT_ARRAY:
    case LAYOUT_SEQUENCE: put_array(maker, field); break;
    case LAYOUT_STRUCT:
        put_type(maker, "structure");
        fprintf(maker->out, ",\"minimum-alignment\":%u", (unsigned)field->align);
        put_parts(maker, field);
        break;
    case LAYOUT_VARIANT:
        put_type(maker, "variant");
        put_location(maker, "selector-field-location", field->from);
        put_parts(maker, field);
        break;
    case LAYOUT_OPTIONAL:
        put_type(maker, "optional");
        put_location(maker, "selector-field-location", field->from);
        put(maker, ",");
        put_ranges(maker, field->fields, field->is_signed);
        put_inner(maker, "field-class", field);
        break;
    }
    put(maker, "}");
}

/* --- fragments --- */

static void put_root(struct maker *maker, const char *key, int scope,
                     const struct layout_field *field)
{
    maker->roots[scope] = field;
    if (field == NULL)
        return;
    fprintf(maker->out, ",\"%s\":", key);
    put_class(maker, field);
}

static void put_preamble(struct maker *maker)
{
    const struct layout *layout = maker->layout;
    put(maker, "\x1e{\"type\":\"preamble\",\"version\":2");
    for (unsigned i = 0; i < 16 && layout->has_uuid; i++)
        fprintf(maker->out, "%s%u", i > 0 ? "," : ",\"uuid\":[", layout->uuid[i]);
    put(maker, layout->has_uuid ? "]}\n" : "}\n");
}

static void put_trace(struct maker *maker)
{
    const struct layout *layout = maker->layout;
    put(maker, "\x1e{\"type\":\"trace-class\",\"environment\":{");
    for (uint32_t i = 0; i < layout->env_count; i++) {
        put(maker, i > 0 ? "," : "");
        put_text(maker, layout->env[i].name);
        put(maker, ":");
        if (layout->env[i].text != NULL)
            put_text(maker, layout->env[i].text);
        else
            put_number(maker, (uint64_t)layout->env[i].number, true);
    }
    put(maker, "}");
    put_root(maker, "packet-header-field-class", 0, layout->packet_header);
    put(maker, "}\n");
}

static void put_clock(struct maker *maker, const struct layout_clock *clock)
{
    put(maker, "\x1e{\"type\":\"clock-class\",\"id\":");
    put_text(maker, clock->name);
    fprintf(maker->out,
            ",\"frequency\":%llu,\"precision\":%llu,\"offset-from-origin\":{\"seconds\":%lld,"
            "\"cycles\":%llu}%s",
            (unsigned long long)clock->frequency, (unsigned long long)clock->precision,
            (long long)clock->offset_s, (unsigned long long)clock->offset_cycles,
            clock->is_unix ? ",\"origin\":\"unix-epoch\"" : "");
    for (unsigned i = 0; i < 16 && clock->has_uuid; i++)
        fprintf(maker->out, "%s%s%02x", i == 0 ? ",\"uid\":\"" : "",
                i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", clock->uuid[i]);
    put(maker, clock->has_uuid ? "\"}\n" : "}\n");
}

static void put_event(struct maker *maker, const struct layout_stream *stream,
                      const struct layout_event *event)
{
    fprintf(maker->out,
            "\x1e{\"type\":\"event-record-class\",\"id\":%llu,\"data-stream-class-id\":%llu,"
            "\"name\":",
            (unsigned long long)event->id, (unsigned long long)stream->id);
    put_text(maker, event->name);
    put_root(maker, "specific-context-field-class", 4, event->context);
    put_root(maker, "payload-field-class", 5, event->payload);
    put(maker, "}\n");
}

static void put_stream(struct maker *maker, const struct layout_stream *stream)
{
    fprintf(maker->out, "\x1e{\"type\":\"data-stream-class\",\"id\":%llu",
            (unsigned long long)stream->id);
    if (stream->clock != LAYOUT_NONE) {
        put(maker, ",\"default-clock-class-id\":");
        put_text(maker, maker->layout->clocks[stream->clock].name);
    }
    put_root(maker, "packet-context-field-class", 1, stream->packet_context);
    put_root(maker, "event-record-header-field-class", 2, stream->event_header);
    put_root(maker, "event-record-common-context-field-class", 3, stream->event_context);
    put(maker, "}\n");
    for (uint32_t i = 0; i < stream->event_count; i++)
        put_event(maker, stream, stream->by_id[i]);
    memset(maker->roots + 1, 0, (SCOPES - 1) * sizeof *maker->roots);
}

char *layout_json(const struct layout *layout)
{
    char *text = NULL;
    size_t size = 0;
    struct maker maker = {.out = open_memstream(&text, &size), .layout = layout};
    put_preamble(&maker);
    put_trace(&maker);
    for (uint32_t i = 0; i < layout->clock_count; i++)
        put_clock(&maker, &layout->clocks[i]);
    for (uint32_t i = 0; i < layout->stream_count; i++)
        put_stream(&maker, &layout->streams[i]);
    fclose(maker.out);
    return text;
}
