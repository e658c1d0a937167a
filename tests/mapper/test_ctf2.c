/* Metadata of CTF 2, as `lttng create --trace-format=ctf-2` writes it (tests/data/metadata) and as
 * CTF2-SPEC-2.0 allows. */
#include <stdio.h>

#include "tests/mapper/ctf2_text.h"

static struct bytes recorded(void)
{
    static uint8_t room[65536];
    FILE *file = fopen(TEST_DATA "/metadata/ust-ctf2", "rb");
    cr_assert(file != NULL);
    struct bytes bytes = {room, fread(room, 1, sizeof room, file)};
    fclose(file);
    return bytes;
}

static struct layout *opened_recorded(void)
{
    struct layout *layout = NULL;
    struct failure why = {""};
    cr_assert(eq(int, layout_open(recorded(), &layout, &why), STATUS_OK), "%s", why.text);
    return layout;
}

/* --- as LTTng writes it --- */

Test(ctf2, reads_what_lttng_writes)
{
    struct layout *layout = opened_recorded();
    cr_expect(eq(int, layout->version, 2));
    cr_expect(layout->has_uuid && layout->uuid[0] == 156 && layout->uuid[15] == 159);
    cr_expect(eq(str, STRING(layout_env(layout, "hostname")->text), "web1"));
    cr_expect(eq(i64, layout_env(layout, "architecture_bit_width")->number, 64));
    const struct layout_clock *clock = &layout->clocks[0];
    cr_expect(eq(str, STRING(clock->name), "monotonic"));
    cr_expect(eq(i64, clock->offset_s, 1795404356));
    cr_expect(eq(u64, clock->offset_cycles, 867244272));
    cr_expect(clock->is_unix && clock->has_uuid && clock->uuid[0] == 0x29 &&
              clock->uuid[15] == 0x1b);
    const struct layout_stream *stream = layout_stream(layout, 0);
    cr_expect(eq(u32, stream->clock, 0));
    cr_assert(eq(u32, stream->event_count, 2));
    cr_expect(eq(str, STRING(layout_event(stream, 0)->name), "zoo:all"));
    cr_expect(eq(i32, layout_event(stream, 0)->log_level, 13));
    cr_expect(eq(i32, layout_event(stream, 1)->log_level, 4));
    cr_expect(eq(u32, layout_event(stream, 1)->payload->count, 0));
    layout_close(layout);
}

Test(ctf2, roles_are_meanings)
{
    struct layout *layout = opened_recorded();
    static const enum layout_meaning CONTEXT[] = {
        LAYOUT_PACKET_BEGIN,    LAYOUT_PACKET_END, LAYOUT_CONTENT_BITS, LAYOUT_PACKET_BITS,
        LAYOUT_SEQUENCE_NUMBER, LAYOUT_DISCARDED,  LAYOUT_CPU};
    static const enum layout_meaning HEADER[] = {LAYOUT_MAGIC, LAYOUT_UUID, LAYOUT_STREAM_CLASS_ID,
                                                 LAYOUT_STREAM_ID};
    for (size_t i = 0; i < 4; i++)
        cr_expect(eq(int, layout->packet_header->fields[i].meaning, HEADER[i]));
    const struct layout_stream *stream = &layout->streams[0];
    for (size_t i = 0; i < 7; i++)
        cr_expect(eq(int, stream->packet_context->fields[i].meaning, CONTEXT[i]));
    const struct layout_field *v = layout_member(stream->event_header, "v");
    const struct layout_field *compact = layout_member(v, "compact");
    const struct layout_field *extended = layout_member(v, "extended");
    cr_expect(eq(int, stream->event_header->fields[0].meaning, LAYOUT_EVENT_ID));
    cr_expect(eq(int, compact->fields[0].meaning, LAYOUT_TIMESTAMP));
    cr_expect(eq(u32, compact->fields[0].clock, 0));
    cr_expect(eq(int, extended->fields[0].meaning, LAYOUT_EVENT_ID));
    cr_expect(eq(int, extended->fields[1].meaning, LAYOUT_TIMESTAMP));
    layout_close(layout);
}

Test(ctf2, lengths_and_tags_are_where_lttng_says)
{
    struct layout *layout = opened_recorded();
    const struct layout_stream *stream = &layout->streams[0];
    const struct layout_field *v = layout_member(stream->event_header, "v");
    cr_expect(ne(u32, v->from, LAYOUT_NONE));
    cr_expect(eq(u32, v->from, stream->event_header->fields[0].save));
    cr_expect(eq(u64, v->fields[0].ranges[0].high, 65534));
    cr_expect(eq(u64, v->fields[1].ranges[0].low, 65535));
    const struct layout_field *keeper = layout_member(stream->event_context, "app_zoo_keeper");
    cr_expect(
        eq(u32, keeper->from, layout_member(stream->event_context, "_app_zoo_keeper_tag")->save));
    cr_expect(keeper->is_signed && keeper->count == 3);
    /* Names keep their underscores. */
    const struct layout_field *seq = layout_member(payload(layout), "seq");
    cr_expect(eq(int, seq->type, LAYOUT_SEQUENCE));
    cr_expect(eq(u32, seq->from, layout_member(payload(layout), "_seq_length")->save));
    cr_expect(eq(int, layout_member(payload(layout), "seqtext")->type, LAYOUT_STRING_SIZED));
    layout_close(layout);
}

Test(ctf2, refuses_a_file_cut_anywhere_but_between_fragments)
{
    struct bytes whole = recorded();
    size_t opened_count = 0;
    for (size_t count = 1; count < whole.count; count++) {
        /* Around separators, and at some other places. */
        bool near = memchr(whole.at + (count > 2 ? count - 2 : 0), 0x1e, 4) != NULL;
        if (!near && count % 17 != 0)
            continue;
        struct layout *layout;
        struct failure why;
        uint8_t *part = memory_new(count); /* so that reads past the end are detected */
        memcpy(part, whole.at, count);
        opened_count += layout_open((struct bytes){part, count}, &layout, &why) == STATUS_OK;
        layout_close(layout);
        free(part);
    }
    /* After each of the first five fragments, with and without the next separator. */
    cr_expect(eq(sz, opened_count, 10));
}

/* --- further parts of the specification --- */

Test(ctf2, integers_and_bits)
{
    struct layout *layout = opened_json(TRACE(M("a", SIGNED_12) AND("b", BOOLEAN) AND(
        "c", BIT_ARRAY) AND("d", BIT_MAP) AND("e", SIGNED_VARINT) AND("f", VARINT)));
    const struct layout_field *fields = payload(layout)->fields;
    cr_assert(eq(u32, payload(layout)->count, 6));
    cr_expect(fields[0].type == LAYOUT_INTEGER && fields[0].size == 12 && fields[0].align == 4);
    cr_expect(fields[0].is_signed && fields[0].big_endian && fields[0].base == 16);
    cr_expect(fields[1].type == LAYOUT_INTEGER && fields[1].is_bool && fields[1].align == 1);
    cr_expect(fields[2].type == LAYOUT_ARRAY && fields[2].count == 100 && fields[2].align == 32);
    cr_expect(fields[2].fields->size == 1 && fields[2].fields->align == 1);
    cr_expect(fields[3].type == LAYOUT_INTEGER && fields[3].size == 8);
    cr_expect(fields[4].type == LAYOUT_VARINT && fields[4].is_signed && fields[4].align == 8);
    cr_expect(fields[5].type == LAYOUT_VARINT && !fields[5].is_signed);
    layout_close(layout);
}

#define SIZED_STRING "{'type':'dynamic-length-string','length-field-location':{'path':['n']}}"
#define ARRAY_OF_64                                                                                \
    "{'type':'static-length-array','length':2,'minimum-alignment':64,"                             \
    "'element-field-class':{'type':'structure'}}"
#define UTF_16 "{'type':'static-length-string','length':6,'encoding':'utf-16le'}"

Test(ctf2, strings_blobs_and_arrays)
{
    struct layout *layout = opened_json(
        TRACE(M("n", VARINT) AND("a", "{'type':'static-length-string','length':5}")
                  AND("b", SIZED_STRING) AND("c", "{'type':'static-length-blob','length':3}")
                      AND("d", BLOB("'n'")) AND("e", ARRAY_OF_64) AND("f", UTF_16)));
    const struct layout_field *fields = payload(layout)->fields;
    static const enum layout_type TYPES[] = {
        LAYOUT_VARINT,     LAYOUT_STRING_FIXED, LAYOUT_STRING_SIZED, LAYOUT_BLOB_FIXED,
        LAYOUT_BLOB_SIZED, LAYOUT_ARRAY,        LAYOUT_BLOB_FIXED};
    static const uint32_t COUNTS[] = {0, 5, 0, 3, 0, 2, 6};
    for (size_t i = 0; i < 7; i++) {
        cr_expect(eq(int, fields[i].type, TYPES[i]), "%zu", i);
        cr_expect(eq(u32, fields[i].count, COUNTS[i]), "%zu", i);
        cr_expect(eq(u32, fields[i].align, i == 5 ? 64 : 8), "%zu", i);
    }
    cr_expect(fields[2].from == fields[0].save && fields[4].from == fields[0].save);
    cr_expect(eq(u32, payload(layout)->align, 64));
    layout_close(layout);
}

Test(ctf2, optional_fields_are_there_where_a_boolean_is_true)
{
    struct layout *layout = opened_json(TRACE(M("b", BOOLEAN) AND("o", OPTIONAL("'b'", ""))));
    const struct layout_field *fields = payload(layout)->fields;
    cr_expect(eq(int, fields[1].type, LAYOUT_OPTIONAL));
    cr_expect(eq(u32, fields[1].from, fields[0].save));
    cr_expect(eq(u32, fields[1].align, 1));
    cr_expect(eq(u64, fields[1].fields->ranges[0].low, 1));
    cr_expect(eq(u64, fields[1].fields->ranges[0].high, UINT64_MAX));
    layout_close(layout);
    refused_json(TRACE(M("b", U8) AND("o", OPTIONAL("'b'", ""))),
                 AT "'o': field-class: the selector 'b' is not a boolean and has no ranges");
}

Test(ctf2, ranges_reach_over_all_64_bits)
{
    struct layout *layout = opened_json(
        TRACE(M("t", U8) AND("o", OPTIONAL("'t'", ",'selector-field-ranges':"
                                                  "[[5,9223372036854775807],[18446744073709551615,"
                                                  "18446744073709551615]]"))));
    const struct layout_field *chosen = payload(layout)->fields[1].fields;
    cr_assert(eq(u32, chosen->range_count, 2));
    cr_expect(eq(u64, chosen->ranges[0].low, 5));
    cr_expect(eq(u64, chosen->ranges[0].high, INT64_MAX));
    cr_expect(eq(u64, chosen->ranges[1].low, UINT64_MAX));
    layout_close(layout);
}

Test(ctf2, ranges_fit_their_selector)
{
    struct layout *layout = opened_json(
        TRACE(M("t", S8) AND("o", OPTIONAL("'t'", ",'selector-field-ranges':[[-5,3]]"))));
    const struct layout_field *o = &payload(layout)->fields[1];
    cr_expect(o->is_signed && (int64_t)o->fields->ranges[0].low == -5);
    layout_close(layout);
    refused_json(TRACE(M("t", U8) AND("o", OPTIONAL("'t'", ",'selector-field-ranges':[[-5,3]]"))),
                 AT "'o': field-class: a range is outside of the values of its unsigned selector");
    refused_json(TRACE(M("t", S8) AND("o", VARIANT("'t'", OPTION("[0,9999999999999999999]", U8)))),
                 AT "'o': field-class: a range is outside of the values of its signed selector");
}

Test(ctf2, aliases_stand_for_their_classes)
{
    struct layout *layout = opened_json(
        PREAMBLE "^{'type':'field-class-alias','name':'byte','field-class':" U8 "}"
                 "^{'type':'field-class-alias','name':'b','field-class':'byte'}" STREAM EVENT(
                     M("x", "'b'")));
    cr_expect(eq(int, payload(layout)->fields[0].size, 8));
    layout_close(layout);
}

Test(ctf2, roles_in_payloads_mean_nothing)
{
    struct layout *layout = opened_json(TRACE(
        M("x", "{'type':'variable-length-unsigned-integer','roles':['event-record-class-id']}")));
    cr_expect(eq(int, payload(layout)->fields[0].meaning, LAYOUT_NOTHING));
    layout_close(layout);
}

Test(ctf2, attributes_are_left_alone_and_declared_extensions_refused)
{
    layout_close(opened_json("^{'type':'preamble','version':2,'attributes':{'a':[1]},"
                             "'extensions':{'b':{}}}" STREAM));
    refused_json("^{'type':'preamble','version':2,'extensions':{'my.tracer':{'piano':1}}}",
                 "metadata: fragment 1: 1:2: preamble: the extension 'piano' of 'my.tracer' is not "
                 "supported");
}

/* --- paths --- */

Test(ctf2, paths_go_outward_with_null)
{
    struct layout *layout = opened_json(TRACE(M("n", U8) AND(
        "s", STRUCT(M("n", U8) AND("near", BLOB("'n'")) AND("far", BLOB("null,'n'"))))));
    const struct layout_field *fields = payload(layout)->fields, *s = &fields[1];
    cr_expect(eq(u32, s->fields[1].from, s->fields[0].save));
    cr_expect(eq(u32, s->fields[2].from, fields[0].save));
    cr_expect(ne(u32, fields[0].save, s->fields[0].save));
    layout_close(layout);
}

#define ARRAY(members)                                                                             \
    "{'type':'static-length-array','length':3,'element-field-class':" STRUCT(members) "}"
#define FROM_PAYLOAD(path)                                                                         \
    "{'type':'dynamic-length-blob','length-field-location':"                                       \
    "{'origin':'event-record-payload','path':[" path "]}}"

Test(ctf2, a_length_within_the_element_of_an_array)
{
    struct layout *layout =
        opened_json(TRACE(M("a", ARRAY(M("n", U8) AND("b", FROM_PAYLOAD("'a','n'"))))));
    const struct layout_field *element = payload(layout)->fields[0].fields;
    cr_expect(eq(u32, element->fields[1].from, element->fields[0].save));
    layout_close(layout);
    refused_json(TRACE(M("a", ARRAY(M("n", U8))) AND("b", FROM_PAYLOAD("'a','n'"))),
                 AT "'b': field-class: no earlier integer field is 'a.n'");
}

Test(ctf2, options_share_the_slot_of_what_may_be_in_any_of_them)
{
    struct layout *layout = opened_json(
        TRACE(M("t", U8) AND("v", VARIANT("'t'", OPTION("[0,4]", STRUCT(M("n", U8))) "," OPTION(
                                                     "[5,9]", STRUCT(M("x", U8) AND("n", U8)))))
                  AND("b", BLOB("'v','n'"))));
    const struct layout_field *fields = payload(layout)->fields, *v = &fields[1];
    cr_expect(eq(u32, fields[2].from, v->fields[0].fields[0].save));
    cr_expect(eq(u32, fields[2].from, v->fields[1].fields[1].save));
    cr_expect(eq(u32, v->fields[1].fields[0].save, LAYOUT_NONE));
    cr_expect(eq(u32, layout->slot_count, 2));
    layout_close(layout);
}

#define CLOCK(id, more) "^{'type':'clock-class','id':'" id "','frequency':1000000000" more "}\n"

static bool same_uuid(const struct layout *layout, unsigned a, unsigned b)
{
    return memcmp(layout->clocks[a].uuid, layout->clocks[b].uuid, 16) == 0;
}

Test(ctf2, clocks_are_the_same_by_namespace_name_and_unique_id)
{
    struct layout *layout = opened_json(
        PREAMBLE CLOCK("a", ",'name':'n','uid':'u'") CLOCK("b", ",'name':'n','uid':'u'")
            CLOCK("c", ",'name':'n','uid':'v'") CLOCK("d", ",'namespace':'x','name':'n','uid':'u'")
                CLOCK("e", ",'name':'n'")
                    CLOCK("f", ",'uid':'298BE4C5-49bc-4081-b70b-f865b433fd1b'"));
    cr_assert(eq(u32, layout->clock_count, 6));
    cr_expect(layout->clocks[0].has_uuid && same_uuid(layout, 0, 1));
    cr_expect(not(same_uuid(layout, 0, 2)));
    cr_expect(not(same_uuid(layout, 0, 3)));
    cr_expect(not(layout->clocks[4].has_uuid));
    cr_expect(layout->clocks[5].has_uuid);
    cr_expect(eq(int, layout->clocks[5].uuid[1], 0x8b));
    layout_close(layout);
}

Test(ctf2, the_origin_of_a_clock_is_a_word_or_an_object)
{
    struct layout *layout = opened_json(PREAMBLE CLOCK("a", ",'origin':'unix-epoch'")
                                            CLOCK("b", ",'origin':{'name':'n','uid':'u'}"));
    cr_expect(layout->clocks[0].is_unix);
    cr_expect(not(layout->clocks[1].is_unix));
    layout_close(layout);
    refused_json(PREAMBLE CLOCK("a", ",'origin':'big-bang'"),
                 "metadata: fragment 2: 2:2: clock-class: 'origin' is neither 'unix-epoch' nor an "
                 "object");
    refused_json(PREAMBLE CLOCK("a", ",'origin':{'name':'n'}"),
                 "metadata: fragment 2: 2:2: clock-class: 'uid' is missing");
}
