#include <assert.h>

#include "ctf/bits.h"
#include "layout_builder.h"

/* Larger fields are never skipped at once. */
static const uint64_t BITS_MAX = UINT64_C(1) << 30;

static void measure(struct layout_field *field);

static void measure_parts(const struct layout_field *field)
{
    for (uint32_t i = 0; i < layout_part_count(field); i++)
        measure((struct layout_field *)(uintptr_t)&field->fields[i]);
}

static bool measure_array(struct layout_field *field)
{
    const struct layout_field *element = &field->fields[0];
    if (!element->is_fixed || element->bits > BITS_MAX)
        return false;
    if (field->count > 0)
        field->bits =
            (field->count - 1) * bits_aligned(element->bits, element->align) + element->bits;
    return true;
}

static bool measure_struct(struct layout_field *field)
{
    for (uint32_t i = 0; i < field->count; i++) {
        const struct layout_field *member = &field->fields[i];
        if (!member->is_fixed || member->bits > BITS_MAX || field->bits > BITS_MAX)
            return false;
        field->bits = bits_aligned(field->bits, member->align) + member->bits;
    }
    return true;
}

static void measure(struct layout_field *field)
{
    assert(field->align >= 1 && field->align <= LAYOUT_ALIGN_MAX &&
           (field->align & (field->align - 1)) == 0);
    measure_parts(field);
    field->bits = 0;
    switch ((enum layout_type)field->type) {
    case LAYOUT_INTEGER:
        assert(field->size >= 1 && field->size <= 64);
        field->bits = field->size;
        field->is_fixed = field->save == LAYOUT_NONE;
        return;
    case LAYOUT_FLOAT:
        field->bits = field->size;
        field->is_fixed = true;
        return;
    case LAYOUT_STRING_FIXED:
    case LAYOUT_BLOB_FIXED:
        field->bits = UINT64_C(8) * field->count;
        field->is_fixed = field->align % 8 == 0 && field->unit == 0;
        return;
    case LAYOUT_ARRAY: field->is_fixed = measure_array(field); return;
    case LAYOUT_STRUCT: field->is_fixed = measure_struct(field); return;
    case LAYOUT_VARINT:
    case LAYOUT_STRING:
    case LAYOUT_WIDE:
    case LAYOUT_STRING_SIZED:
    case LAYOUT_BLOB_SIZED:
    case LAYOUT_SEQUENCE:
    case LAYOUT_VARIANT:
    case LAYOUT_OPTIONAL: return;
    }
}

static void measure_root(const struct layout_field *field)
{
    if (field)
        measure((struct layout_field *)(uintptr_t)field);
}

void layout_measure(const struct layout *layout)
{
    for (uint32_t i = 0; i < layout->stream_count; i++)
        measure_root(layout->streams[i].event_context);
    for (uint32_t i = 0; i < layout->event_count; i++) {
        measure_root(layout->events[i].context);
        measure_root(layout->events[i].payload);
    }
}
