#include "wire/cell_codec.h"

#include <assert.h>

#include "analysis/analyses.h"
#include "wire/result_codec.h"

/* From the descriptors of the published .proto file. */
static const ProtobufCFieldDescriptor *field_of(const ProtobufCMessageDescriptor *message,
                                                unsigned tag)
{
    return protobuf_c_message_descriptor_get_field(message, tag);
}

static const ProtobufCFieldDescriptor *message_of(const struct atom_kind *kind)
{
    return field_of(&spanmill__results__result__descriptor, kind->tag);
}

static void *at(const void *message, unsigned offset)
{
    return (void *)((uintptr_t)message + offset);
}

static bool is_encoded(const struct atom_column *column)
{
    return column->role != ATOM_REG;
}

/* --- encoding --- */

static void put_number(void *message, const ProtobufCFieldDescriptor *field, uint64_t number)
{
    if (field->label == PROTOBUF_C_LABEL_OPTIONAL)
        *(protobuf_c_boolean *)at(message, field->quantifier_offset) = number != 0;
    if (field->type == PROTOBUF_C_TYPE_UINT32)
        *(uint32_t *)at(message, field->offset) = (uint32_t)number;
    else
        *(uint64_t *)at(message, field->offset) = number;
}

static void put_column(const struct cell_parts *parts, const struct atom *cell,
                       const struct atom_column *column, ProtobufCMessage *message)
{
    const ProtobufCFieldDescriptor *field = field_of(message->descriptor, column->tag);
    assert(field);
    if (column->type == ATOM_IS_text) {
        put_number(message, field, parts->name(parts->context, *atom_text_at(cell, column)));
    } else if (column->type == ATOM_IS_durations) {
        const struct durations *durations = atom_durations_at(cell, column);
        if (durations->count > 0)
            *(void **)at(message, field->offset) = parts->durations(parts->context, durations);
    } else {
        put_number(message, field, *atom_number_at(cell, column));
    }
}

void cell_encode(const struct cell_parts *parts, const struct atom *cell,
                 Spanmill__Results__Result *out)
{
    const ProtobufCFieldDescriptor *field = message_of(cell->kind);
    assert(field);
    const ProtobufCMessageDescriptor *descriptor = field->descriptor;
    ProtobufCMessage *message = arena_take(parts->arena, descriptor->sizeof_message);
    protobuf_c_message_init(descriptor, message);
    for (size_t i = 0; i < cell->kind->column_count; i++)
        if (is_encoded(&cell->kind->columns[i]))
            put_column(parts, cell, &cell->kind->columns[i], message);
    out->kind_case = (Spanmill__Results__Result__KindCase)cell->kind->tag;
    *(ProtobufCMessage **)at(out, field->offset) = message;
}

/* --- decoding --- */

static uint64_t number_of(const void *message, const ProtobufCFieldDescriptor *field)
{
    if (field->type == PROTOBUF_C_TYPE_UINT32)
        return *(const uint32_t *)at(message, field->offset);
    return *(const uint64_t *)at(message, field->offset);
}

static void take_column(const struct cell_parts *parts, const ProtobufCMessage *message,
                        const struct atom_column *column, struct atom *cell)
{
    const ProtobufCFieldDescriptor *field = field_of(message->descriptor, column->tag);
    assert(field);
    if (column->type == ATOM_IS_text)
        *atom_text_at(cell, column) =
            parts->text(parts->context, (uint32_t)number_of(message, field));
    else if (column->type == ATOM_IS_durations)
        parts->take_durations(parts->context, *(void **)at(message, field->offset),
                              atom_durations_at(cell, column));
    else
        *atom_number_at(cell, column) = number_of(message, field);
}

const struct atom *cell_decode(const struct cell_parts *parts,
                               const Spanmill__Results__Result *from)
{
    const struct atom_kind *kind = analyses_kind(analyses_all(), (uint64_t)from->kind_case);
    if (!kind || !kind->view)
        return NULL;
    const ProtobufCMessage *message = *(ProtobufCMessage **)at(from, message_of(kind)->offset);
    struct atom *cell = arena_take(parts->arena, kind->size);
    cell->kind = kind;
    for (size_t i = 0; i < kind->column_count; i++)
        if (is_encoded(&kind->columns[i]))
            take_column(parts, message, &kind->columns[i], cell);
    return cell;
}

/* --- the published file --- */

static bool suits(const struct atom_column *column, const ProtobufCFieldDescriptor *field)
{
    if (column->type == ATOM_IS_durations)
        return field->type == PROTOBUF_C_TYPE_MESSAGE &&
               field->descriptor == &spanmill__results__durations__descriptor &&
               field->label == PROTOBUF_C_LABEL_OPTIONAL;
    if (column->type == ATOM_IS_text)
        return field->type == PROTOBUF_C_TYPE_UINT32 && field->label == PROTOBUF_C_LABEL_REQUIRED;
    return (field->type == PROTOBUF_C_TYPE_UINT32 && column->type == ATOM_IS_cpu) ||
           field->type == PROTOBUF_C_TYPE_UINT64;
}

const char *result_cell_fault(const struct atom_kind *kind)
{
    const ProtobufCFieldDescriptor *message = message_of(kind);
    if (!message || message->type != PROTOBUF_C_TYPE_MESSAGE)
        return "no message of Result has this field number";
    const ProtobufCMessageDescriptor *descriptor = message->descriptor;
    unsigned matched = 0;
    for (size_t i = 0; i < kind->column_count; i++) {
        const struct atom_column *column = &kind->columns[i];
        const ProtobufCFieldDescriptor *field = field_of(descriptor, column->tag);
        if (!is_encoded(column))
            continue;
        matched++;
        if (!field || strcmp(field->name, column->name) != 0 || !suits(column, field))
            return column->name;
    }
    return matched == descriptor->n_fields ? NULL : "its message has fields without a column";
}
