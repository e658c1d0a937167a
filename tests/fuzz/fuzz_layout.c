/* Any bytes as the metadata of a trace; accepted ones are walked, and meet the conditions of
 * layout.h. */
#include <assert.h>

#include "ctf/layout.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool has_from(const struct layout_field *field)
{
    return field->type == LAYOUT_SEQUENCE || field->type == LAYOUT_STRING_SIZED ||
           field->type == LAYOUT_BLOB_SIZED || field->type == LAYOUT_VARIANT ||
           field->type == LAYOUT_OPTIONAL;
}

static void check(const struct layout *layout, const struct layout_field *field, unsigned depth)
{
    assert(depth <= LAYOUT_DEPTH_MAX);
    assert(field->name[field->name_count] == '\0');
    assert(field->align >= 1 && field->align <= LAYOUT_ALIGN_MAX);
    assert((field->align & (field->align - 1)) == 0);
    assert(field->type != LAYOUT_INTEGER || (field->size >= 1 && field->size <= 64));
    assert(field->clock == LAYOUT_NONE || field->clock < layout->clock_count);
    assert(field->save == LAYOUT_NONE || field->save < layout->slot_count);
    assert(has_from(field) ? field->from < layout->slot_count : field->from == LAYOUT_NONE);
    for (uint32_t i = 0; i < field->range_count; i++)
        assert(field->ranges[i].low <= field->ranges[i].high ||
               (int64_t)field->ranges[i].low <= (int64_t)field->ranges[i].high);
    for (uint32_t i = 0; i < layout_part_count(field); i++)
        check(layout, &field->fields[i], depth + 1);
}

static void check_root(const struct layout *layout, const struct layout_field *root)
{
    assert(root == NULL || root->type == LAYOUT_STRUCT);
    if (root != NULL)
        check(layout, root, 0);
}

static void check_stream(const struct layout *layout, const struct layout_stream *stream)
{
    assert(layout_stream(layout, stream->id) == stream);
    assert(stream->clock == LAYOUT_NONE || stream->clock < layout->clock_count);
    check_root(layout, stream->packet_context);
    check_root(layout, stream->event_header);
    check_root(layout, stream->event_context);
    for (uint32_t i = 0; i < stream->event_count; i++) {
        const struct layout_event *event = stream->by_id[i];
        assert(event == &layout->events[event->number]);
        assert(layout_event(stream, event->id) == event);
        check_root(layout, event->context);
        check_root(layout, event->payload);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct layout *layout;
    struct failure why;
    if (layout_open((struct bytes){data, size}, &layout, &why) != STATUS_OK) {
        assert(layout == NULL);
        return 0;
    }
    check_root(layout, layout->packet_header);
    for (uint32_t i = 0; i < layout->stream_count; i++)
        check_stream(layout, &layout->streams[i]);
    for (uint32_t i = 0; i < layout->clock_count; i++)
        assert(layout->clocks[i].frequency > 0);
    layout_close(layout);
    return 0;
}
