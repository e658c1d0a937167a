#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "export/output/otlp_message.h"
#include "export/output/otlp_parts.h"
#include "export/trace_ids.h"
#include "results/report.h"

typedef Spanmill__Otlp__Span Span;
typedef Spanmill__Otlp__ResourceSpans ResourceSpans;
typedef Spanmill__Otlp__TraceRequest TraceRequest;

/* Bits of `flags`. */
enum { KNOWS_REMOTE = 1 << 8, IS_REMOTE = 1 << 9 };

/* The spans of one process. */
struct group {
    struct text process;
    int32_t pid;
    Span **spans;
    size_t count;
};

struct message {
    const struct samples *interval;
    struct arena *arena;
    struct group *groups;
    size_t group_count;
};

/* --- a span --- */

/* Numbers of the protocol are signed: larger ones are sent as text. */
static void put_unsigned(struct otlp_attributes *to, const char *key, struct text name,
                         uint64_t value)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%" PRIu64, value);
    if (value <= INT64_MAX)
        otlp_put_number(to, key, name, (int64_t)value);
    else
        otlp_put_text(to, key, name, text_of(digits));
}

static void put_values(struct otlp_attributes *to, const struct instance_result *content)
{
    for (size_t i = 0; i < content->ended.value_count; i++) {
        const char *key = i < content->match_count ? "spanmill.match." : "spanmill.captured.";
        const struct field_value *value = &content->ended.values[i];
        switch (value->type) {
        case FIELD_ABSENT: break;
        case FIELD_INT: otlp_put_number(to, key, content->names[i], value->i); break;
        case FIELD_UINT: put_unsigned(to, key, content->names[i], value->u); break;
        case FIELD_TEXT: otlp_put_text(to, key, content->names[i], value->text); break;
        }
    }
}

static void put_attributes(struct message *message, Span *span, const struct listed_instance *one)
{
    enum { FIXED = 13 };
    const struct text none = {NULL, 0};
    struct otlp_attributes to =
        otlp_attributes_make(message->arena, FIXED + one->blocked_count + one->wait_count +
                                                 one->content->ended.value_count);
    char id[INSTANCE_ID_ROOM];
    report_instance_id(one->order, id);
    if (one->tid > 0)
        otlp_put_number(&to, "thread.id", none, one->tid);
    otlp_put_text(&to, "thread.name", none, one->thread_name);
    otlp_put_text(&to, "spanmill.phase", none, one->phase);
    otlp_put_text(&to, "spanmill.id", none, text_of(id));
    if (one->end_tid > 0)
        otlp_put_number(&to, "spanmill.end_tid", none, one->end_tid);
    otlp_put_number(&to, "spanmill.user_cpu_ns", none, one->user_ns);
    otlp_put_number(&to, "spanmill.sys_cpu_ns", none, one->sys_ns);
    otlp_put_number(&to, "spanmill.runnable_ns", none, one->runnable_ns);
    otlp_put_number(&to, "spanmill.blocked_ns", none, one->blocked_ns);
    otlp_put_number(&to, "spanmill.unknown_ns", none, one->unknown_ns);
    otlp_put_number(&to, "spanmill.irq_ns", none, one->irq_ns);
    otlp_put_number(&to, "spanmill.softirq_ns", none, one->softirq_ns);
    otlp_put_number(&to, "spanmill.syscalls", none, (int64_t)one->syscalls);
    const struct ended_instance *ended = &one->content->ended;
    if (ended->queued_ns > 0)
        otlp_put_number(&to, "spanmill.queued_ns", none, (int64_t)ended->queued_ns);
    if (ended->parallel_ns > 0)
        otlp_put_number(&to, "spanmill.parallel_ns", none, (int64_t)ended->parallel_ns);
    for (size_t i = 0; i < one->blocked_count; i++)
        if (one->blocked[i].ns != 0)
            otlp_put_number(&to, "spanmill.blocked_by.",
                            one->blocked[i].call.count > 0 ? one->blocked[i].call
                                                           : text_of("(no call)"),
                            one->blocked[i].ns);
    for (size_t i = 0; i < one->wait_count; i++)
        otlp_put_number(
            &to, one->waits[i].is_of_blocked ? "spanmill.woken_by." : "spanmill.ran_instead.",
            one->waits[i].by, one->waits[i].ns);
    put_values(&to, one->content);
    span->attributes = to.at;
    span->n_attributes = to.count;
}

static struct text last_name(struct text path)
{
    size_t at = path.count;
    while (at > 0 && path.at[at - 1] != '/')
        at--;
    return (struct text){path.at + at, path.count - at};
}

static ProtobufCBinaryData id_of(struct arena *arena, const uint8_t *id, size_t count)
{
    ProtobufCBinaryData data = {count, arena_take(arena, count)};
    memcpy(data.data, id, count);
    return data;
}

static Span *span_of(struct message *message, const struct listed_instance *one)
{
    static const uint8_t no_parent[8];
    struct text name = last_name(one->phase);
    struct trace_ids ids;
    trace_ids_of(message->interval->session, one, &ids);
    Span *span = arena_take(message->arena, sizeof *span);
    spanmill__otlp__span__init(span);
    span->trace_id = id_of(message->arena, ids.trace, sizeof ids.trace);
    span->span_id = id_of(message->arena, ids.span, sizeof ids.span);
    span->has_parent_span_id = memcmp(ids.parent, no_parent, sizeof no_parent) != 0;
    if (span->has_parent_span_id)
        span->parent_span_id = id_of(message->arena, ids.parent, sizeof ids.parent);
    span->name = otlp_text(message->arena, name);
    span->has_kind = span->has_flags = true;
    span->kind = name.count == one->phase.count ? SPANMILL__OTLP__SPAN__KIND__SERVER
                                                : SPANMILL__OTLP__SPAN__KIND__INTERNAL;
    span->begin_ns = (uint64_t)one->begin_ns;
    span->end_ns = (uint64_t)one->end_ns;
    span->flags = ids.flags | (uint32_t)KNOWS_REMOTE | (ids.remote ? (uint32_t)IS_REMOTE : 0);
    put_attributes(message, span, one);
    return span;
}

/* --- the whole --- */

static struct group *group_of(struct message *message, const struct listed_instance *one,
                              size_t room)
{
    for (size_t i = 0; i < message->group_count; i++)
        if (message->groups[i].pid == one->pid &&
            text_equal(message->groups[i].process, one->process))
            return &message->groups[i];
    struct group *group = &message->groups[message->group_count++];
    *group = (struct group){.process = one->process,
                            .pid = one->pid,
                            .spans = arena_take(message->arena, room * sizeof(Span *))};
    return group;
}

static ResourceSpans *resource_of(const struct message *message, const struct group *group)
{
    struct arena *arena = message->arena;
    Spanmill__Otlp__ScopeSpans *scope = arena_take(arena, sizeof *scope);
    spanmill__otlp__scope_spans__init(scope);
    scope->scope = otlp_scope(arena);
    scope->spans = group->spans;
    scope->n_spans = group->count;
    ResourceSpans *resource = arena_take(arena, sizeof *resource);
    spanmill__otlp__resource_spans__init(resource);
    resource->resource = otlp_resource(arena, message->interval->session, message->interval->host,
                                       group->process, (struct text){NULL, 0}, group->pid);
    resource->scope_spans = arena_take(arena, sizeof(Spanmill__Otlp__ScopeSpans *));
    resource->scope_spans[resource->n_scope_spans++] = scope;
    resource->schema_url = arena_string(arena, text_of(OTLP_SCHEMA));
    return resource;
}

void otlp_encode_spans(const struct samples *interval, const struct listed_instances *instances,
                       size_t from, size_t count, struct arena *arena, struct bytes *out)
{
    assert(from + count <= instances->count);
    struct message message = {.interval = interval,
                              .arena = arena,
                              .groups = arena_take(arena, (count + 1) * sizeof(struct group))};
    for (size_t i = from; i < from + count; i++) {
        struct group *group = group_of(&message, &instances->at[i], count);
        group->spans[group->count++] = span_of(&message, &instances->at[i]);
    }
    TraceRequest request;
    spanmill__otlp__trace_request__init(&request);
    request.resource_spans = arena_take(arena, (count + 1) * sizeof(ResourceSpans *));
    for (size_t i = 0; i < message.group_count; i++)
        request.resource_spans[request.n_resource_spans++] =
            resource_of(&message, &message.groups[i]);
    uint8_t *bytes =
        arena_take(arena, spanmill__otlp__trace_request__get_packed_size(&request) + 1);
    *out = (struct bytes){bytes, spanmill__otlp__trace_request__pack(&request, bytes)};
}
