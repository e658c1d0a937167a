#include <assert.h>
#include <stdlib.h>

#include "base/memory.h"
#include "layout_builder.h"

/* --- order of streams and events --- */

static int draft_by_id(const void *a, const void *b)
{
    const struct draft_stream *left = a, *right = b;
    return left->id < right->id ? -1 : left->id > right->id;
}

/* By stream, then by id; equal ones in the order of the text. */
static int event_by_id(const void *a, const void *b)
{
    const struct draft_event *left = a, *right = b;
    if (left->stream_id != right->stream_id)
        return left->stream_id < right->stream_id ? -1 : 1;
    if (left->id != right->id)
        return left->id < right->id ? -1 : 1;
    uintptr_t left_place = (uintptr_t)left->place, right_place = (uintptr_t)right->place;
    return left_place < right_place ? -1 : left_place > right_place;
}

static enum status sort_streams(struct builder *builder)
{
    struct draft *draft = builder->draft;
    if (draft->stream_count > LAYOUT_STREAMS_MAX)
        return draft_fail(draft, NULL, builder->why, "%zu stream classes exceed the limit",
                          draft->stream_count);
    if (draft->stream_count > 1)
        qsort(draft->streams, draft->stream_count, sizeof *draft->streams, draft_by_id);
    for (size_t i = 1; i < draft->stream_count; i++)
        if (draft->streams[i].id == draft->streams[i - 1].id)
            return draft_fail(draft, draft->streams[i].place, builder->why,
                              "stream class %llu is declared a second time",
                              (unsigned long long)draft->streams[i].id);
    return STATUS_OK;
}

/* Events without a stream id are of the only stream class. */
static enum status place_events(struct builder *builder)
{
    struct draft *draft = builder->draft;
    for (size_t i = 0; i < draft->event_count; i++) {
        struct draft_event *event = &draft->events[i];
        if (event->has_stream_id)
            continue;
        if (draft->stream_count == 0)
            (void)draft_add_stream(draft, event->place);
        if (draft->stream_count > 1)
            return draft_fail(draft, event->place, builder->why,
                              "event \"%s\" has no stream id, but the trace has several streams",
                              event->name);
        event->stream_id = draft->streams[0].id;
    }
    if (draft->event_count > 1)
        qsort(draft->events, draft->event_count, sizeof *draft->events, event_by_id);
    for (size_t i = 1; i < draft->event_count; i++)
        if (draft->events[i].stream_id == draft->events[i - 1].stream_id &&
            draft->events[i].id == draft->events[i - 1].id)
            return draft_fail(draft, draft->events[i].place, builder->why,
                              "event \"%s\" has the id %llu of event \"%s\"", draft->events[i].name,
                              (unsigned long long)draft->events[i].id, draft->events[i - 1].name);
    return STATUS_OK;
}

/* --- building --- */

static enum status build_event(struct builder *builder, const struct draft_event *from,
                               struct layout_event *event)
{
    event->name = from->name;
    event->id = from->id;
    event->log_level = from->log_level;
    builder->event_slots = 0;
    enum status status = fields_build(builder, DRAFT_OWN_CONTEXT, from->context, &event->context);
    if (status == STATUS_OK)
        status = fields_build(builder, DRAFT_PAYLOAD, from->payload, &event->payload);
    if (status == STATUS_OK)
        status = fields_check_stray(builder);
    if (builder->event_slots > builder->event_slots_most)
        builder->event_slots_most = builder->event_slots;
    return status;
}

static enum status build_stream(struct builder *builder, struct draft_stream *from,
                                struct layout_stream *stream)
{
    const struct layout_field **const outs[] = {
        [DRAFT_PACKET_CONTEXT] = &stream->packet_context,
        [DRAFT_EVENT_HEADER] = &stream->event_header,
        [DRAFT_EVENT_CONTEXT] = &stream->event_context,
    };
    stream->id = from->id;
    builder->stream_clock = &from->clock;
    for (enum draft_scope scope = DRAFT_PACKET_CONTEXT; scope <= DRAFT_EVENT_CONTEXT; scope++) {
        enum status status = fields_build(builder, scope, from->scopes[scope], outs[scope]);
        if (status != STATUS_OK)
            return status;
    }
    return fields_check_stray(builder);
}

/* The events of one stream are contiguous; *next is the first that is not built yet. */
static enum status build_events_of(struct builder *builder, struct layout_stream *stream,
                                   struct layout_event *events,
                                   const struct layout_event **pointers, size_t *next)
{
    struct draft *draft = builder->draft;
    stream->by_id = pointers + *next;
    while (*next < draft->event_count && draft->events[*next].stream_id == stream->id) {
        struct layout_event *event = &events[*next];
        event->number = (uint32_t)*next;
        pointers[*next] = event;
        enum status status = build_event(builder, &draft->events[*next], event);
        if (status != STATUS_OK)
            return status;
        (*next)++;
        stream->event_count++;
    }
    return STATUS_OK;
}

static enum status build_streams(struct builder *builder)
{
    struct draft *draft = builder->draft;
    struct layout *layout = draft->layout;
    struct layout_stream *streams = arena_take(draft->into, draft->stream_count * sizeof *streams);
    struct layout_event *events = arena_take(draft->into, draft->event_count * sizeof *events);
    const struct layout_event **pointers =
        arena_take(draft->into, draft->event_count * sizeof *pointers);
    layout->streams = streams;
    layout->stream_count = (uint32_t)draft->stream_count;
    layout->events = events;
    layout->event_count = (uint32_t)draft->event_count;
    size_t next = 0;
    for (size_t i = 0; i < draft->stream_count; i++) {
        if (next < draft->event_count && draft->events[next].stream_id < draft->streams[i].id)
            break;
        enum status status = build_stream(builder, &draft->streams[i], &streams[i]);
        if (status == STATUS_OK)
            status = build_events_of(builder, &streams[i], events, pointers, &next);
        if (status != STATUS_OK)
            return status;
        streams[i].clock = draft->streams[i].clock;
    }
    if (next < draft->event_count)
        return draft_fail(draft, draft->events[next].place, builder->why,
                          "event \"%s\" belongs to stream %llu, which is not declared",
                          draft->events[next].name,
                          (unsigned long long)draft->events[next].stream_id);
    return STATUS_OK;
}

static enum status take_clocks(struct builder *builder)
{
    struct draft *draft = builder->draft;
    struct layout_clock *clocks = arena_take(draft->into, draft->clock_count * sizeof *clocks);
    for (size_t i = 0; i < draft->clock_count; i++) {
        assert(draft->clocks[i].clock.frequency > 0);
        if (!draft->clocks[i].declared)
            return draft_fail(draft, draft->clocks[i].place, builder->why,
                              "the clock \"%s\" is not declared", draft->clocks[i].clock.name);
        clocks[i] = draft->clocks[i].clock;
    }
    draft->layout->clocks = clocks;
    draft->layout->clock_count = (uint32_t)draft->clock_count;
    return STATUS_OK;
}

static enum status build_all(struct builder *builder)
{
    struct draft *draft = builder->draft;
    enum status status = sort_streams(builder);
    if (status == STATUS_OK)
        status = place_events(builder);
    if (status == STATUS_OK)
        status = fields_build(builder, DRAFT_PACKET_HEADER, draft->packet_header,
                              &draft->layout->packet_header);
    if (status == STATUS_OK)
        status = build_streams(builder);
    if (status == STATUS_OK)
        status = take_clocks(builder);
    return status;
}

enum status layout_build(struct draft *draft, struct failure *why)
{
    struct builder *builder = memory_new(sizeof *builder);
    builder->draft = draft;
    builder->why = why;
    enum status status = build_all(builder);
    if (status == STATUS_OK) {
        struct layout *layout = draft->layout;
        assert(builder->depth == 0);
        resolve_number_slots(builder);
        layout->slot_count = builder->event_slots_most + builder->shared_slots;
        layout_measure(layout);
        struct layout_env *env = arena_take(draft->into, draft->env_count * sizeof *env);
        if (draft->env_count > 0)
            memcpy(env, draft->env, draft->env_count * sizeof *env);
        layout->env = env;
        layout->env_count = (uint32_t)draft->env_count;
    }
    free(builder->shared);
    free(builder);
    return status;
}
