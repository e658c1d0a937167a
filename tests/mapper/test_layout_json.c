/* Both languages are equivalent: layouts of CTF 1.8, written as CTF 2 and read again. */
#include <stdio.h>

#include "tests/mapper/layout_json.h"
#include "tests/mapper/layout_text.h"
#include "tests/mapper/random_layout.h"

/* --- comparing --- */

static void same_field(const char *path, const struct layout_field *a,
                       const struct layout_field *b);

static void same_ranges(const char *path, const struct layout_field *a,
                        const struct layout_field *b)
{
    cr_expect(eq(u32, a->range_count, b->range_count), "%s", path);
    for (uint32_t i = 0; i < a->range_count && i < b->range_count; i++) {
        cr_expect(eq(u64, a->ranges[i].low, b->ranges[i].low), "%s", path);
        cr_expect(eq(u64, a->ranges[i].high, b->ranges[i].high), "%s", path);
    }
}

static void same_parts(const char *path, const struct layout_field *a, const struct layout_field *b)
{
    for (uint32_t i = 0; i < layout_part_count(a) && i < layout_part_count(b); i++) {
        char *inner = memory_format("%s.%s", path, a->fields[i].name);
        same_field(inner, &a->fields[i], &b->fields[i]);
        free(inner);
    }
}

static void same_field(const char *path, const struct layout_field *a, const struct layout_field *b)
{
    cr_expect(eq(str, STRING(a->name), STRING(b->name)), "%s", path);
    cr_expect(eq(int, a->meaning, b->meaning), "%s", path);
    cr_expect(eq(u32, a->align, b->align), "%s", path);
    if (a->meaning == LAYOUT_UUID) /* an array here, a blob there */
        return;
    cr_expect(eq(int, a->type, b->type), "%s", path);
    cr_expect(eq(int, a->size, b->size), "%s", path);
    cr_expect(eq(int, a->base, b->base), "%s", path);
    cr_expect(eq(int, a->is_signed, b->is_signed), "%s", path);
    cr_expect(eq(int, a->is_enum, b->is_enum), "%s", path);
    if (a->type == LAYOUT_INTEGER || a->type == LAYOUT_FLOAT)
        cr_expect(eq(int, a->big_endian, b->big_endian), "%s", path);
    cr_expect(eq(u32, a->save, b->save), "%s", path);
    cr_expect(eq(u32, a->from, b->from), "%s", path);
    cr_expect(eq(u32, a->count, b->count), "%s", path);
    same_ranges(path, a, b);
    same_parts(path, a, b);
}

static void same_root(const char *path, const struct layout_field *a, const struct layout_field *b)
{
    cr_assert(eq(int, a != NULL, b != NULL), "%s", path);
    if (a != NULL)
        same_field(path, a, b);
}

static void same_stream(const struct layout_stream *a, const struct layout_stream *b)
{
    cr_expect(eq(u64, a->id, b->id));
    cr_expect(eq(u32, a->clock, b->clock));
    same_root("packet context", a->packet_context, b->packet_context);
    same_root("event header", a->event_header, b->event_header);
    same_root("event context", a->event_context, b->event_context);
    cr_assert(eq(u32, a->event_count, b->event_count));
    for (uint32_t i = 0; i < a->event_count; i++) {
        cr_expect(eq(u64, a->by_id[i]->id, b->by_id[i]->id));
        cr_expect(eq(str, STRING(a->by_id[i]->name), STRING(b->by_id[i]->name)));
        same_root(a->by_id[i]->name, a->by_id[i]->context, b->by_id[i]->context);
        same_root(a->by_id[i]->name, a->by_id[i]->payload, b->by_id[i]->payload);
    }
}

static void same_clock(const struct layout_clock *a, const struct layout_clock *b)
{
    cr_expect(eq(str, STRING(a->name), STRING(b->name)));
    cr_expect(eq(u64, a->frequency, b->frequency));
    cr_expect(eq(i64, a->offset_s, b->offset_s));
    cr_expect(eq(u64, a->offset_cycles, b->offset_cycles));
    cr_expect(a->has_uuid == b->has_uuid && memcmp(a->uuid, b->uuid, 16) == 0);
    cr_expect(eq(int, a->is_unix, b->is_unix));
}

static void same_layout(const struct layout *a, const struct layout *b)
{
    cr_expect(a->has_uuid == b->has_uuid && memcmp(a->uuid, b->uuid, 16) == 0);
    cr_expect(eq(u32, a->slot_count, b->slot_count));
    same_root("packet header", a->packet_header, b->packet_header);
    cr_assert(eq(u32, a->clock_count, b->clock_count));
    for (uint32_t i = 0; i < a->clock_count; i++)
        same_clock(&a->clocks[i], &b->clocks[i]);
    cr_assert(eq(u32, a->stream_count, b->stream_count));
    for (uint32_t i = 0; i < a->stream_count; i++)
        same_stream(&a->streams[i], &b->streams[i]);
    cr_assert(eq(u32, a->env_count, b->env_count));
    for (uint32_t i = 0; i < a->env_count; i++) {
        const struct layout_env *env = layout_env(b, a->env[i].name);
        cr_assert(env != NULL, "%s", a->env[i].name);
        if (a->env[i].text != NULL)
            cr_expect(eq(str, STRING(a->env[i].text), STRING(env->text)));
        else
            cr_expect(eq(i64, a->env[i].number, env->number));
    }
}

/* Written as CTF 2 and read again, it is the same, and so are packets of both. */
static void compare(const struct layout *layout)
{
    char *text = layout_json(layout);
    struct layout *again = opened(text);
    same_layout(layout, again);
    for (uint32_t i = 0; i < layout->stream_count; i++) {
        struct random_stream wanted = {.packets = 3, .events = 20};
        struct random first = {i}, second = {i};
        struct written a = random_packets(&first, layout, &layout->streams[i], &wanted);
        struct written b = random_packets(&second, again, &again->streams[i], &wanted);
        cr_expect(a.count == b.count && memcmp(a.at, b.at, a.count) == 0);
        free(a.at);
        free(b.at);
    }
    layout_close(again);
    free(text);
}

static void compare_file(const char *name)
{
    static uint8_t room[1 << 20];
    char *path = memory_format("%s/%s", TEST_DATA, name);
    FILE *file = fopen(path, "rb");
    cr_assert(file != NULL, "%s", path);
    struct bytes bytes = {room, fread(room, 1, sizeof room, file)};
    fclose(file);
    struct layout *layout;
    struct failure why = {""};
    cr_assert(eq(int, layout_open(bytes, &layout, &why), STATUS_OK), "%s: %s", path, why.text);
    compare(layout);
    layout_close(layout);
    free(path);
}

/* --- tests --- */

#define CHUNK "thumbnails/archives/20261122T231017+0000-20261122T231045+0000-3"

Test(layout_json, what_lttng_recorded_is_the_same_in_both_languages)
{
    static const char *const FILES[] = {"metadata/kernel-2.5",     "metadata/kernel-2.12",
                                        "metadata/ust-2.8",        "metadata/ust-ctf2",
                                        "metadata/ctf2-only",      "user-space/uid/metadata",
                                        "user-space/pid/metadata", CHUNK "/kernel/metadata"};
    for (size_t i = 0; i < sizeof FILES / sizeof *FILES; i++)
        compare_file(FILES[i]);
}

Test(layout_json, random_metadata_is_the_same_in_both_languages)
{
    for (unsigned seed = 1000; seed < 1100; seed++) {
        struct random random = {seed};
        char *text = random_metadata(&random);
        struct layout *layout = opened(text);
        compare(layout);
        layout_close(layout);
        free(text);
    }
}
