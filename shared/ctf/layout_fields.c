#include "layout_builder.h"

static enum status build_field(struct builder *builder, const struct draft_type *type,
                               struct layout_field *out);

/* --- meanings --- */

/* CTF 1.8, 5 and 8, uses names, CTF 2 roles. LTTng's cpu_id is a name in both. */
static const struct {
    enum draft_scope scope;
    enum layout_meaning meaning;
    const char *name;
} MEANINGS[] = {
    {DRAFT_PACKET_HEADER, LAYOUT_MAGIC, "magic"},
    {DRAFT_PACKET_HEADER, LAYOUT_UUID, "uuid"},
    {DRAFT_PACKET_HEADER, LAYOUT_STREAM_CLASS_ID, "stream_id"},
    {DRAFT_PACKET_HEADER, LAYOUT_STREAM_ID, "stream_instance_id"},
    {DRAFT_PACKET_CONTEXT, LAYOUT_PACKET_BEGIN, "timestamp_begin"},
    {DRAFT_PACKET_CONTEXT, LAYOUT_PACKET_END, "timestamp_end"},
    {DRAFT_PACKET_CONTEXT, LAYOUT_CONTENT_BITS, "content_size"},
    {DRAFT_PACKET_CONTEXT, LAYOUT_PACKET_BITS, "packet_size"},
    {DRAFT_PACKET_CONTEXT, LAYOUT_SEQUENCE_NUMBER, "packet_seq_num"},
    {DRAFT_PACKET_CONTEXT, LAYOUT_DISCARDED, "events_discarded"},
    {DRAFT_PACKET_CONTEXT, LAYOUT_CPU, "cpu_id"},
    {DRAFT_EVENT_HEADER, LAYOUT_EVENT_ID, "id"},
    {DRAFT_EVENT_HEADER, LAYOUT_TIMESTAMP, "timestamp"},
};

static bool is_integer(const struct draft_type *type)
{
    return type->type == LAYOUT_INTEGER || type->type == LAYOUT_VARINT;
}

static bool is_uuid(const struct draft_type *type)
{
    if (type->type == LAYOUT_BLOB_FIXED)
        return type->count == 16;
    return type->type == LAYOUT_ARRAY && type->count == 16 &&
           type->element->type == LAYOUT_INTEGER && type->element->size == 8 &&
           type->element->align <= 8;
}

/* Whether it may have that meaning, by `name` (CTF 1.8, and cpu_id) or by its roles. */
static bool means(const struct builder *builder, const struct draft_type *type, size_t row,
                  const char *name)
{
    enum layout_meaning meaning = MEANINGS[row].meaning;
    if (meaning == LAYOUT_UUID ? !is_uuid(type) : !is_integer(type))
        return false;
    if (builder->draft->layout->version != 1 && meaning != LAYOUT_CPU)
        return (type->roles & 1u << meaning) != 0;
    /* Nested structures only count in event headers. */
    return (builder->scope == DRAFT_EVENT_HEADER || builder->depth == 1) &&
           strcmp(name, MEANINGS[row].name) == 0;
}

static enum layout_meaning meaning_of(const struct builder *builder, const struct draft_type *type,
                                      const char *name)
{
    if (builder->scope > DRAFT_EVENT_HEADER)
        return LAYOUT_NOTHING;
    for (size_t i = 0; i < sizeof MEANINGS / sizeof *MEANINGS; i++)
        if (MEANINGS[i].scope == builder->scope && means(builder, type, i, name))
            return MEANINGS[i].meaning;
    return LAYOUT_NOTHING;
}

static bool is_time(enum layout_meaning meaning)
{
    return meaning == LAYOUT_PACKET_BEGIN || meaning == LAYOUT_PACKET_END ||
           meaning == LAYOUT_TIMESTAMP;
}

/* --- clocks --- */

/* Timestamps without a clock name use the only clock; if there is none, one that counts
 * nanoseconds. */
static enum status only_clock(struct builder *builder, const char *place, uint32_t *out)
{
    struct draft *draft = builder->draft;
    if (draft->clock_count > 1)
        return draft_fail(draft, place, builder->why,
                          "a timestamp does not name its clock, but the trace has several");
    if (draft->clock_count == 0) {
        (void)draft_clock(draft, text_of("default"), place);
        draft->clocks[0].declared = true;
    }
    *out = 0;
    return STATUS_OK;
}

/* The clock of a field; that of its stream if the field is a time. */
static enum status set_clock(struct builder *builder, const struct draft_type *type,
                             struct layout_field *field)
{
    bool time = is_time((enum layout_meaning)field->meaning);
    uint32_t *stream = builder->stream_clock;
    if (builder->draft->layout->version == 2) {
        if (time && *stream == LAYOUT_NONE)
            return draft_fail(builder->draft, type->place, builder->why,
                              "\"%s\" is a timestamp, but the stream has no clock", field->name);
        field->clock = time ? *stream : LAYOUT_NONE;
        return STATUS_OK;
    }
    if (time && field->clock == LAYOUT_NONE) {
        enum status status = only_clock(builder, type->place, &field->clock);
        if (status != STATUS_OK)
            return status;
    }
    if (field->clock == LAYOUT_NONE)
        return STATUS_OK;
    if (stream == NULL)
        return draft_fail(builder->draft, type->place, builder->why,
                          "a packet header cannot have a timestamp");
    if (*stream == LAYOUT_NONE)
        *stream = field->clock;
    if (*stream != field->clock)
        return draft_fail(builder->draft, type->place, builder->why,
                          "a second clock in one stream");
    /* Any field that shows the clock in an event header updates it. */
    if (builder->scope == DRAFT_EVENT_HEADER && field->meaning == LAYOUT_NOTHING)
        field->meaning = LAYOUT_TIMESTAMP;
    if (field->meaning == LAYOUT_NOTHING) {
        field->clock = LAYOUT_NONE;
        builder->stray = type;
    }
    return STATUS_OK;
}

/* Whether the time in the header depends on the previous time. */
static bool is_relative(const struct layout_field *field, bool *has_time)
{
    if (field->meaning == LAYOUT_TIMESTAMP) {
        *has_time = true;
        return field->type != LAYOUT_INTEGER || field->size < 64;
    }
    for (uint32_t i = 0; i < layout_part_count(field); i++)
        if (is_relative(&field->fields[i], has_time))
            return true;
    return false;
}

enum status fields_check_stray(struct builder *builder)
{
    const struct draft_type *type = builder->stray;
    const struct layout_field *header = builder->roots[DRAFT_EVENT_HEADER];
    bool has_time = false;
    builder->stray = NULL;
    if (type == NULL || (header != NULL && !is_relative(header, &has_time) && has_time))
        return STATUS_OK;
    return draft_fail(builder->draft, type->place, builder->why,
                      "this field has a clock but is not a timestamp of a packet or event, and the "
                      "timestamps of events have fewer than 64 bits");
}

/* --- one field --- */

static struct layout_field *new_fields(struct builder *builder, uint32_t count)
{
    return arena_take(builder->draft->into, count * sizeof(struct layout_field));
}

static enum status enter(struct builder *builder, const struct draft_type *type,
                         struct layout_field *field)
{
    if (builder->depth == LAYOUT_DEPTH_MAX)
        return draft_fail(builder->draft, type->place, builder->why, "fields nest deeper than %d",
                          LAYOUT_DEPTH_MAX);
    builder->frames[builder->depth++] = (struct frame){.field = field, .type = type};
    return STATUS_OK;
}

/* Fields of shared structures count at each use, so a short text can create many. */
static enum status count_fields(struct builder *builder, const struct draft_type *type,
                                uint32_t count)
{
    if (count > LAYOUT_FIELDS_MAX - builder->fields)
        return draft_fail(builder->draft, type->place, builder->why, "more than %d fields in total",
                          LAYOUT_FIELDS_MAX);
    builder->fields += count;
    return STATUS_OK;
}

static enum status build_member(struct builder *builder, const struct draft_member *member,
                                struct layout_field *field)
{
    field->name = member->shown;
    field->name_count = member->shown_count;
    bool of_variant = builder->frames[builder->depth - 1].field->type == LAYOUT_VARIANT;
    /* The name of an option selects it; only timestamps may have a meaning by such a name. */
    enum layout_meaning meaning = meaning_of(builder, member->type, member->shown);
    if (of_variant && builder->draft->layout->version == 1 && meaning != LAYOUT_TIMESTAMP)
        meaning = LAYOUT_NOTHING;
    field->meaning = (uint8_t)meaning;
    return build_field(builder, member->type, field);
}

/* All members of a structure, all options of a variant. */
static enum status build_members(struct builder *builder, const struct draft_type *type,
                                 struct layout_field *out)
{
    struct layout_field *fields = new_fields(builder, type->count);
    out->fields = fields;
    out->count = type->count;
    enum status status = count_fields(builder, type, type->count);
    if (status == STATUS_OK)
        status = enter(builder, type, out);
    if (status != STATUS_OK)
        return status;
    for (uint32_t i = 0; i < type->count && status == STATUS_OK; i++) {
        builder->frames[builder->depth - 1].current = i;
        status = build_member(builder, &type->members[i], &fields[i]);
        if (out->type == LAYOUT_STRUCT && fields[i].align > out->align)
            out->align = fields[i].align;
    }
    builder->depth--;
    return status;
}

static enum status build_element(struct builder *builder, const struct draft_type *type,
                                 struct layout_field *out)
{
    struct layout_field *field = new_fields(builder, 1);
    field->name = "";
    out->fields = field;
    enum status status = count_fields(builder, type, 1);
    if (status == STATUS_OK)
        status = enter(builder, type, out);
    if (status != STATUS_OK)
        return status;
    status = build_field(builder, type->element, field);
    builder->depth--;
    if (out->type != LAYOUT_OPTIONAL && field->align > out->align)
        out->align = field->align;
    return status;
}

/* Arrays of characters are text (CTF 1.8, 4.2.5, as babeltrace2 reads it). */
static bool is_text(const struct draft_type *type)
{
    const struct draft_type *element = type->element;
    return element->type == LAYOUT_INTEGER && element->is_utf8 && element->size == 8 &&
           element->align == 8;
}

static enum status build_array(struct builder *builder, const struct draft_type *type,
                               struct layout_field *out)
{
    if (!is_text(type))
        return build_element(builder, type, out);
    out->type = out->type == LAYOUT_ARRAY ? LAYOUT_STRING_FIXED : LAYOUT_STRING_SIZED;
    out->align = type->align > 8 ? type->align : 8;
    return STATUS_OK;
}

static enum status check_ranges(struct builder *builder, const struct draft_type *type,
                                const struct draft_ranges *ranges, bool is_signed)
{
    if (is_signed ? !ranges->has_huge : !ranges->has_negative)
        return STATUS_OK;
    return draft_fail(builder->draft, type->place, builder->why,
                      "a range is outside of the values of its %s selector",
                      is_signed ? "signed" : "unsigned");
}

/* The ranges for which each option of `out` is chosen: by label (CTF 1.8) or explicit. */
static enum status set_ranges(struct builder *builder, const struct draft_type *type,
                              const struct target *tag, struct layout_field *out)
{
    bool by_label = builder->draft->layout->version == 1;
    struct layout_field *options = (struct layout_field *)(uintptr_t)out->fields;
    for (uint32_t i = 0; i < type->count; i++) {
        const struct draft_member *member = &type->members[i];
        options[i].ranges = member->ranges.at;
        options[i].range_count = member->ranges.count;
        if (by_label)
            options[i].ranges = draft_label(tag->type, member->name, &options[i].range_count);
        enum status status = check_ranges(builder, type, &member->ranges, out->is_signed);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

static enum status build_variant(struct builder *builder, const struct draft_type *type,
                                 struct layout_field *out)
{
    bool by_label = builder->draft->layout->version == 1;
    if (type->path.count == 0)
        return draft_fail(builder->draft, type->place, builder->why, "a variant has no tag");
    struct target tag;
    enum status status = resolve_path(builder, type, &out->from, &tag);
    if (status != STATUS_OK)
        return status;
    if (by_label && !tag.field->is_enum)
        return draft_fail(builder->draft, type->place, builder->why,
                          "the tag \"%s\" is not an enumeration", tag.field->name);
    if (tag.field->is_bool)
        return draft_fail(builder->draft, type->place, builder->why,
                          "the selector \"%s\" is a boolean", tag.field->name);
    out->is_signed = tag.field->is_signed;
    status = build_members(builder, type, out);
    return status == STATUS_OK ? set_ranges(builder, type, &tag, out) : status;
}

/* The values of a boolean that select its optional field. */
static const struct layout_range TRUE_RANGE = {1, UINT64_MAX};

static enum status build_optional(struct builder *builder, const struct draft_type *type,
                                  struct layout_field *out)
{
    struct target selector;
    enum status status = resolve_path(builder, type, &out->from, &selector);
    if (status != STATUS_OK)
        return status;
    bool is_bool = selector.field->is_bool;
    if (!is_bool && type->ranges.count == 0)
        return draft_fail(builder->draft, type->place, builder->why,
                          "the selector \"%s\" is not a boolean and has no ranges",
                          selector.field->name);
    out->is_signed = !is_bool && selector.field->is_signed;
    if (!is_bool)
        status = check_ranges(builder, type, &type->ranges, out->is_signed);
    if (status == STATUS_OK)
        status = build_element(builder, type, out);
    if (status != STATUS_OK)
        return status;
    struct layout_field *chosen = (struct layout_field *)(uintptr_t)out->fields;
    chosen->ranges = is_bool ? &TRUE_RANGE : type->ranges.at;
    chosen->range_count = is_bool ? 1 : type->ranges.count;
    return STATUS_OK;
}

static enum status resolve_length(struct builder *builder, const struct draft_type *type,
                                  struct layout_field *out)
{
    struct target length;
    enum status status = resolve_path(builder, type, &out->from, &length);
    if (status != STATUS_OK)
        return status;
    if (length.field->is_signed)
        return draft_fail(builder->draft, type->place, builder->why,
                          "the length \"%s\" is a signed integer", length.field->name);
    return STATUS_OK;
}

/* "[env.NAME]": the environment has the number of elements. */
static enum status build_env_array(struct builder *builder, const struct draft_type *type,
                                   struct layout_field *out)
{
    const char *name = names_text(&builder->draft->names, type->path.names[0]).at;
    const struct layout_env *env = draft_env(builder->draft, name);
    if (env == NULL || env->text != NULL || env->number < 0 || env->number > UINT32_MAX)
        return draft_fail(builder->draft, type->place, builder->why,
                          "the environment has no valid length \"%s\"", name);
    out->count = (uint32_t)env->number;
    return build_array(builder, type, out);
}

static enum status build_parts(struct builder *builder, const struct draft_type *type,
                               struct layout_field *out)
{
    enum status status = STATUS_OK;
    switch (type->type) {
    case LAYOUT_SEQUENCE:
        status = resolve_length(builder, type, out);
        return status == STATUS_OK ? build_array(builder, type, out) : status;
    case LAYOUT_STRING_SIZED:
    case LAYOUT_BLOB_SIZED: return resolve_length(builder, type, out);
    case LAYOUT_ARRAY:
        return type->path.count > 0 ? build_env_array(builder, type, out)
                                    : build_array(builder, type, out);
    case LAYOUT_STRUCT: return build_members(builder, type, out);
    case LAYOUT_VARIANT: return build_variant(builder, type, out);
    case LAYOUT_OPTIONAL: return build_optional(builder, type, out);
    case LAYOUT_INTEGER:
    case LAYOUT_VARINT: return set_clock(builder, type, out);
    case LAYOUT_FLOAT:
    case LAYOUT_STRING:
    case LAYOUT_WIDE:
    case LAYOUT_STRING_FIXED:
    case LAYOUT_BLOB_FIXED: break;
    }
    return status;
}

/* `out` already has its name and meaning. */
static enum status build_field(struct builder *builder, const struct draft_type *type,
                               struct layout_field *out)
{
    out->type = (uint8_t)type->type;
    out->size = type->size;
    out->base = type->base;
    out->is_signed = type->is_signed;
    out->is_enum = type->is_enum;
    out->is_bool = type->is_bool;
    out->is_reversed = type->is_reversed;
    out->unit = type->unit;
    out->big_endian = type->order == DRAFT_BIG ||
                      (type->order == DRAFT_NATIVE && builder->draft->layout->big_endian);
    out->align = type->align;
    out->clock = type->clock;
    out->save = LAYOUT_NONE;
    out->from = LAYOUT_NONE;
    out->count = type->count;
    return build_parts(builder, type, out);
}

/* --- roots --- */

enum status fields_build(struct builder *builder, enum draft_scope scope,
                         const struct draft_type *type, const struct layout_field **out)
{
    *out = NULL;
    for (int later = (int)scope; later < DRAFT_SCOPES; later++)
        builder->roots[later] = NULL;
    builder->root_types[scope] = type;
    if (type == NULL)
        return STATUS_OK;
    if (type->type != LAYOUT_STRUCT)
        return draft_fail(builder->draft, type->place, builder->why, "not a structure");
    struct layout_field *root = new_fields(builder, 1);
    root->name = "";
    builder->scope = scope;
    builder->depth = 0;
    builder->roots[scope] = root;
    *out = root;
    return build_field(builder, type, root);
}
