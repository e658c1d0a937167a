/* Layouts against libbabeltrace2: it reads the same metadata, and packets written according to the
 * layout; classes, names, sizes, ids, and the number of events are equal. */
#include <babeltrace2/babeltrace.h>
#include <stdio.h>

#include "mapper/bt2/bt2_graph.h"
#include "mapper/bt2/stage.h"
#include "tests/mapper/layout_text.h"
#include "tests/mapper/random_layout.h"

/* The compared item, for the message of a difference. */
struct compared {
    const char *event;
    char path[512];
};

#define same(type, ours, theirs)                                                                   \
    cr_expect(eq(type, ours, theirs), "%s %s: %s", compared->event, compared->path, #ours)

/* --- fields --- */

static bt_field_class_type type_of(const struct layout_field *field)
{
    switch ((enum layout_type)field->type) {
    case LAYOUT_INTEGER:
    case LAYOUT_VARINT:
        if (field->is_enum)
            return field->is_signed ? BT_FIELD_CLASS_TYPE_SIGNED_ENUMERATION
                                    : BT_FIELD_CLASS_TYPE_UNSIGNED_ENUMERATION;
        return field->is_signed ? BT_FIELD_CLASS_TYPE_SIGNED_INTEGER
                                : BT_FIELD_CLASS_TYPE_UNSIGNED_INTEGER;
    case LAYOUT_FLOAT:
        return field->size == 32 ? BT_FIELD_CLASS_TYPE_SINGLE_PRECISION_REAL
                                 : BT_FIELD_CLASS_TYPE_DOUBLE_PRECISION_REAL;
    case LAYOUT_STRING:
    case LAYOUT_WIDE:
    case LAYOUT_STRING_FIXED:
    case LAYOUT_STRING_SIZED: return BT_FIELD_CLASS_TYPE_STRING;
    case LAYOUT_ARRAY: return BT_FIELD_CLASS_TYPE_STATIC_ARRAY;
    case LAYOUT_SEQUENCE: return BT_FIELD_CLASS_TYPE_DYNAMIC_ARRAY_WITH_LENGTH_FIELD;
    case LAYOUT_STRUCT: return BT_FIELD_CLASS_TYPE_STRUCTURE;
    case LAYOUT_VARIANT: break; /* one for each type of tag */
    case LAYOUT_BLOB_FIXED:
    case LAYOUT_BLOB_SIZED:
    case LAYOUT_OPTIONAL: break; /* none in CTF 1.8 */
    }
    return field->is_signed ? BT_FIELD_CLASS_TYPE_VARIANT_WITH_SIGNED_INTEGER_SELECTOR_FIELD
                            : BT_FIELD_CLASS_TYPE_VARIANT_WITH_UNSIGNED_INTEGER_SELECTOR_FIELD;
}

static void compare(struct compared *compared, const struct layout_field *ours,
                    const bt_field_class *theirs);

static void compare_part(struct compared *compared, const struct layout_field *ours,
                         const char *name, const bt_field_class *theirs)
{
    size_t used = strlen(compared->path);
    snprintf(compared->path + used, sizeof compared->path - used, ".%s", ours->name);
    same(str, STRING(ours->name), STRING(name));
    compare(compared, ours, theirs);
    compared->path[used] = '\0';
}

static void compare_struct(struct compared *compared, const struct layout_field *ours,
                           const bt_field_class *theirs)
{
    uint64_t count = bt_field_class_structure_get_member_count(theirs);
    same(u64, (uint64_t)ours->count, count);
    for (uint64_t i = 0; i < count && i < ours->count; i++) {
        const bt_field_class_structure_member *member =
            bt_field_class_structure_borrow_member_by_index_const(theirs, i);
        compare_part(compared, &ours->fields[i], bt_field_class_structure_member_get_name(member),
                     bt_field_class_structure_member_borrow_field_class_const(member));
    }
}

static void compare_ranges(struct compared *compared, const struct layout_field *option,
                           const bt_field_class *variant, uint64_t i)
{
    const bt_integer_range_set_unsigned *ranges =
        bt_field_class_variant_with_selector_field_integer_unsigned_option_borrow_ranges_const(
            bt_field_class_variant_with_selector_field_integer_unsigned_borrow_option_by_index_const(
                variant, i));
    uint64_t count = bt_integer_range_set_get_range_count(
        bt_integer_range_set_unsigned_as_range_set_const(ranges));
    same(u64, (uint64_t)option->range_count, count);
    for (uint64_t j = 0; j < count && j < option->range_count; j++) {
        const bt_integer_range_unsigned *range =
            bt_integer_range_set_unsigned_borrow_range_by_index_const(ranges, j);
        same(u64, option->ranges[j].low, bt_integer_range_unsigned_get_lower(range));
        same(u64, option->ranges[j].high, bt_integer_range_unsigned_get_upper(range));
    }
}

static void compare_variant(struct compared *compared, const struct layout_field *ours,
                            const bt_field_class *theirs)
{
    uint64_t count = bt_field_class_variant_get_option_count(theirs);
    same(u64, (uint64_t)ours->count, count);
    for (uint64_t i = 0; i < count && i < ours->count; i++) {
        const bt_field_class_variant_option *option =
            bt_field_class_variant_borrow_option_by_index_const(theirs, i);
        compare_part(compared, &ours->fields[i], bt_field_class_variant_option_get_name(option),
                     bt_field_class_variant_option_borrow_field_class_const(option));
        if (!ours->is_signed &&
            bt_field_class_type_is(bt_field_class_get_type(theirs),
                                   BT_FIELD_CLASS_TYPE_VARIANT_WITH_SELECTOR_FIELD))
            compare_ranges(compared, &ours->fields[i], theirs, i);
    }
}

/* Fields that depend on a header have no length or tag here: libbabeltrace2 does not show
 * headers. */
static bool ruled_by_header(bt_field_class_type ours, bt_field_class_type theirs)
{
    if (theirs == BT_FIELD_CLASS_TYPE_VARIANT_WITHOUT_SELECTOR_FIELD)
        return bt_field_class_type_is(ours, BT_FIELD_CLASS_TYPE_VARIANT);
    return theirs == BT_FIELD_CLASS_TYPE_DYNAMIC_ARRAY_WITHOUT_LENGTH_FIELD &&
           ours == BT_FIELD_CLASS_TYPE_DYNAMIC_ARRAY_WITH_LENGTH_FIELD;
}

static void compare(struct compared *compared, const struct layout_field *ours,
                    const bt_field_class *theirs)
{
    bt_field_class_type type = bt_field_class_get_type(theirs);
    if (!ruled_by_header(type_of(ours), type)) {
        same(u64, (uint64_t)type_of(ours), (uint64_t)type);
        if (type_of(ours) != type)
            return;
    }
    if (bt_field_class_type_is(type, BT_FIELD_CLASS_TYPE_INTEGER)) {
        same(u64, (uint64_t)ours->size, bt_field_class_integer_get_field_value_range(theirs));
        same(u64, (uint64_t)ours->base,
             (uint64_t)bt_field_class_integer_get_preferred_display_base(theirs));
    }
    if (type == BT_FIELD_CLASS_TYPE_STATIC_ARRAY)
        same(u64, (uint64_t)ours->count, bt_field_class_array_static_get_length(theirs));
    if (bt_field_class_type_is(type, BT_FIELD_CLASS_TYPE_ARRAY))
        compare(compared, ours->fields,
                bt_field_class_array_borrow_element_field_class_const(theirs));
    if (type == BT_FIELD_CLASS_TYPE_STRUCTURE)
        compare_struct(compared, ours, theirs);
    if (bt_field_class_type_is(type, BT_FIELD_CLASS_TYPE_VARIANT))
        compare_variant(compared, ours, theirs);
}

static void compare_root(struct compared *compared, const char *what,
                         const struct layout_field *ours, const bt_field_class *theirs)
{
    snprintf(compared->path, sizeof compared->path, "%s", what);
    same(int, ours != NULL, theirs != NULL);
    if (ours != NULL && theirs != NULL)
        compare(compared, ours, theirs);
}

/* --- classes --- */

static void compare_clock(const struct layout_clock *ours, const bt_clock_class *theirs)
{
    int64_t seconds;
    uint64_t cycles;
    bt_clock_class_get_offset(theirs, &seconds, &cycles);
    cr_expect(eq(str, STRING(ours->name), STRING(bt_clock_class_get_name(theirs))));
    cr_expect(eq(u64, ours->frequency, bt_clock_class_get_frequency(theirs)));
    cr_expect(eq(i64, ours->offset_s, seconds));
    cr_expect(eq(u64, ours->offset_cycles, cycles));
    bt_uuid uuid = bt_clock_class_get_uuid(theirs);
    cr_expect(eq(int, ours->has_uuid, uuid != NULL));
    if (uuid != NULL)
        cr_expect(eq(int, memcmp(uuid, ours->uuid, 16), 0));
}

static void compare_event(const struct layout_event *ours, const bt_event_class *theirs)
{
    struct compared compared = {.event = ours->name};
    cr_expect(eq(str, STRING(ours->name), STRING(bt_event_class_get_name(theirs))));
    compare_root(&compared, "context", ours->context,
                 bt_event_class_borrow_specific_context_field_class_const(theirs));
    compare_root(&compared, "payload", ours->payload,
                 bt_event_class_borrow_payload_field_class_const(theirs));
}

static void compare_stream(const struct layout *layout, const bt_stream_class *theirs)
{
    const struct layout_stream *ours = layout_stream(layout, bt_stream_class_get_id(theirs));
    cr_assert(ours != NULL);
    struct compared compared = {.event = "stream"};
    compare_root(&compared, "context", ours->event_context,
                 bt_stream_class_borrow_event_common_context_field_class_const(theirs));
    const bt_clock_class *clock = bt_stream_class_borrow_default_clock_class_const(theirs);
    cr_expect(eq(int, ours->clock != LAYOUT_NONE, clock != NULL));
    if (clock != NULL && ours->clock != LAYOUT_NONE)
        compare_clock(&layout->clocks[ours->clock], clock);
    uint64_t count = bt_stream_class_get_event_class_count(theirs);
    cr_expect(eq(u64, (uint64_t)ours->event_count, count));
    for (uint64_t i = 0; i < count; i++) {
        const bt_event_class *class = bt_stream_class_borrow_event_class_by_index_const(theirs, i);
        const struct layout_event *event = layout_event(ours, bt_event_class_get_id(class));
        cr_assert(event != NULL);
        compare_event(event, class);
    }
}

static void compare_env(const struct layout *layout, const bt_trace *trace)
{
    uint64_t count = bt_trace_get_environment_entry_count(trace);
    cr_expect(eq(u64, (uint64_t)layout->env_count, count));
    for (uint64_t i = 0; i < count; i++) {
        const char *name;
        const bt_value *value;
        bt_trace_borrow_environment_entry_by_index_const(trace, i, &name, &value);
        const struct layout_env *env = layout_env(layout, name);
        cr_assert(env != NULL, "%s", name);
        if (bt_value_is_string(value))
            cr_expect(eq(str, STRING(env->text), STRING(bt_value_string_get(value))));
        else
            cr_expect(eq(i64, env->number, bt_value_integer_signed_get(value)));
    }
}

static void compare_trace(const struct layout *layout, const bt_trace *trace)
{
    const bt_trace_class *class = bt_trace_borrow_class_const(trace);
    uint64_t count = bt_trace_class_get_stream_class_count(class);
    cr_expect(eq(u64, (uint64_t)layout->stream_count, count));
    compare_env(layout, trace);
    for (uint64_t i = 0; i < count; i++)
        compare_stream(layout, bt_trace_class_borrow_stream_class_by_index_const(class, i));
}

/* --- a folder with both --- */

/* Reads what is in `folder`, compares the classes with `layout`, and returns the events. */
static size_t compare_folder(const struct layout *layout, const char *folder, const char *name)
{
    struct bt2_graph *graph;
    struct failure why = {""};
    cr_assert(eq(int, bt2_graph_open(folder, 1, &graph, &why), STATUS_OK), "%s: %s", name,
              why.text);
    size_t events = 0;
    for (size_t stream = 0; stream < bt2_graph_stream_count(graph); stream++) {
        bt_message_array_const messages;
        uint64_t count;
        enum status status;
        while ((status = bt2_graph_next(graph, stream, &messages, &count, &why)) == STATUS_OK)
            for (uint64_t i = 0; i < count; i++) {
                bt_message_type type = bt_message_get_type(messages[i]);
                events += type == BT_MESSAGE_TYPE_EVENT;
                if (type == BT_MESSAGE_TYPE_STREAM_BEGINNING)
                    compare_trace(
                        layout, bt_stream_borrow_trace_const(
                                    bt_message_stream_beginning_borrow_stream_const(messages[i])));
                bt_message_put_ref(messages[i]);
            }
        cr_expect(eq(int, status, STATUS_END), "%s: stream %zu: %s", name, stream, why.text);
    }
    bt2_graph_close(graph);
    return events;
}

static void write_parts(struct stage *stage, const char *folder, const char *name,
                        struct bytes bytes)
{
    struct failure why;
    cr_assert(eq(int, stage_write(stage, folder, name, &bytes, 1, &why), STATUS_OK), "%s",
              why.text);
}

/* Random packets for all stream classes, read by libbabeltrace2. */
static void compare_metadata(struct random *random, struct bytes metadata, const char *name)
{
    struct layout *layout;
    struct failure why = {""};
    struct stage *stage;
    const char *folder;
    cr_assert(eq(int, layout_open(metadata, &layout, &why), STATUS_OK), "%s: %s", name, why.text);
    cr_assert(eq(int, stage_open((size_t)1 << 20, &stage, &why), STATUS_OK), "%s", why.text);
    cr_assert(eq(int, stage_folder(stage, &folder, &why), STATUS_OK), "%s", why.text);
    write_parts(stage, folder, "metadata", metadata);
    size_t events = 0;
    for (uint32_t i = 0; i < layout->stream_count; i++) {
        struct random_stream wanted = {.instance = i, .begin = 5, .packets = 4, .events = 60};
        struct written written = random_packets(random, layout, &layout->streams[i], &wanted);
        char file[32];
        snprintf(file, sizeof file, "stream_%u", (unsigned)i);
        write_parts(stage, folder, file, (struct bytes){written.at, written.count});
        events += written.events;
        free(written.at);
    }
    cr_expect(eq(sz, compare_folder(layout, folder, name), events), "%s", name);
    stage_close(stage);
    layout_close(layout);
}

static struct bytes file_bytes(const char *path)
{
    FILE *file = fopen(path, "rb");
    cr_assert(file != NULL, "%s", path);
    size_t room = (size_t)1 << 20;
    uint8_t *at = memory_new(room);
    struct bytes bytes = {at, fread(at, 1, room, file)};
    fclose(file);
    return bytes;
}

/* --- tests --- */

Test(layout_bt2, old_and_strange_metadata_is_read_alike)
{
    static const char *const NAMES[] = {"kernel-2.5", "kernel-2.12", "ust-2.8"};
    struct random random = {1};
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        char *path = memory_format("%s/metadata/%s", TEST_DATA, NAMES[i]);
        struct bytes metadata = file_bytes(path);
        compare_metadata(&random, metadata, NAMES[i]);
        free((void *)(uintptr_t)metadata.at);
        free(path);
    }
}

static void compare_recorded(const char *folder, size_t expected)
{
    char *path = memory_format("%s/metadata", folder);
    struct bytes metadata = file_bytes(path);
    struct layout *layout;
    struct failure why = {""};
    cr_assert(eq(int, layout_open(metadata, &layout, &why), STATUS_OK), "%s", why.text);
    cr_expect(eq(sz, compare_folder(layout, folder, folder), expected));
    struct random random = {2};
    compare_metadata(&random, metadata, folder);
    layout_close(layout);
    free((void *)(uintptr_t)metadata.at);
    free(path);
}

Test(layout_bt2, user_space_traces_are_read_alike)
{
    compare_recorded(TEST_DATA "/user-space/uid", 565);
    compare_recorded(TEST_DATA "/user-space/pid", 424);
}

#define CHUNK TEST_DATA "/thumbnails/archives/20261122T231017+0000-20261122T231045+0000-3"

Test(layout_bt2, a_chunk_of_a_kernel_trace_is_read_alike)
{
    char *path = memory_string(text_of(CHUNK "/kernel/metadata"));
    struct bytes metadata = file_bytes(path);
    struct random random = {3};
    compare_metadata(&random, metadata, path);
    free((void *)(uintptr_t)metadata.at);
    free(path);
    compare_recorded(CHUNK "/ust/uid/0/64-bit", 134);
}

Test(layout_bt2, random_metadata_is_read_alike, .timeout = 300)
{
    const char *seeds = getenv("LAYOUT_SEEDS");
    unsigned count = seeds != NULL ? (unsigned)atoi(seeds) : 60;
    for (unsigned seed = 0; seed < count; seed++) {
        struct random random = {seed};
        char *text = random_metadata(&random);
        char name[32];
        snprintf(name, sizeof name, "seed %u", seed);
        compare_metadata(&random, (struct bytes){(const uint8_t *)text, strlen(text)}, name);
        free(text);
    }
}
