/* The metadata language of CTF 1.8, according to the specification. */
#include "tests/mapper/tsdl_text.h"

/* The only member of the only event. */
static const struct layout_field *member(const struct layout *layout)
{
    return &payload(layout)->fields[0];
}

Test(tsdl, integers_have_their_attributes)
{
    struct layout *layout =
        opened(EVENT("integer { size = 0x0c; align = 4; signed = true; base = hex; byte_order = be;"
                     " encoding = none; whatever = 3; } x;"));
    const struct layout_field *x = member(layout);
    cr_expect(eq(int, x->type, LAYOUT_INTEGER));
    cr_expect(eq(int, x->size, 12));
    cr_expect(eq(u32, x->align, 4));
    cr_expect(eq(int, x->base, 16));
    cr_expect(x->is_signed && x->big_endian && !x->is_enum && !x->is_bool);
    cr_expect(eq(u32, x->save, LAYOUT_NONE));
    cr_expect(eq(u32, x->clock, LAYOUT_NONE));
    layout_close(layout);
}

Test(tsdl, bytes_are_aligned_and_bit_fields_packed_unless_told)
{
    static const struct {
        const char *text;
        unsigned align;
    } CASES[] = {
        {EVENT("integer { size = 8; } x;"), 8},
        {EVENT("integer { size = 64; } x;"), 8},
        {EVENT("integer { size = 7; } x;"), 1},
        {EVENT("integer { size = 12; } x;"), 1},
        {EVENT("integer { size = 7; align = 8; } x;"), 8},
        {EVENT("floating_point { exp_dig = 8; mant_dig = 24; } x;"), 8},
        {EVENT("floating_point { exp_dig = 8; mant_dig = 24; align = 32; } x;"), 32},
        {EVENT("string x;"), 8},
        {EVENT("struct { } x;"), 1},
        {EVENT("struct { u8 a; u16 b; } x;"), 16},
        {EVENT("struct { u8 a; } align(64) x;"), 64},
        {EVENT("u16 x[0];"), 16},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct layout *layout = opened(CASES[i].text);
        cr_expect(eq(u32, member(layout)->align, CASES[i].align), "%zu", i);
        cr_expect(eq(u32, payload(layout)->align, CASES[i].align), "%zu", i);
        layout_close(layout);
    }
}

Test(tsdl, the_byte_order_of_the_trace_is_that_of_types_in_front_of_it)
{
    static const char TEXT[] =
        "typealias integer { size = 16; byte_order = native; } := a;"
        "typealias integer { size = 16; } := b;"
        "typealias integer { size = 16; byte_order = le; } := c;"
        "typealias integer { size = 16; byte_order = network; } := d;"
        "typealias floating_point { exp_dig = 11; mant_dig = 53; } := e;"
        "trace { major = 1; minor = 8; byte_order = be; };"
        "event { name = e; fields := struct { a a; b b; c c; d d; e e; }; };";
    struct layout *layout = opened(TEXT);
    const struct layout_field *fields = payload(layout)->fields;
    cr_expect(layout->big_endian);
    cr_expect(fields[0].big_endian && fields[1].big_endian && !fields[2].big_endian &&
              fields[3].big_endian && fields[4].big_endian);
    layout_close(layout);
}

Test(tsdl, one_underscore_in_front_of_a_name_goes)
{
    struct layout *layout = opened(EVENT("u8 _a; u8 __b; u8 c; u8 _;"));
    const struct layout_field *fields = payload(layout)->fields;
    cr_expect(eq(str, STRING(fields[0].name), "a"));
    cr_expect(eq(str, STRING(fields[1].name), "_b"));
    cr_expect(eq(str, STRING(fields[2].name), "c"));
    cr_expect(eq(str, STRING(fields[3].name), ""));
    cr_expect(eq(u32, fields[1].name_count, 2));
    layout_close(layout);
}

/* --- names of types --- */

Test(tsdl, aliases_may_be_many_words)
{
    struct layout *layout =
        opened(TRACE "typealias integer { size = 64; } := unsigned long;"
                     "typealias integer { size = 32; } := const unsigned   int *;"
                     "typedef integer { size = 24; } three, nine[3];"
                     "typealias unsigned long := word;"
                     "event { name = e; fields := struct { unsigned long a; const unsigned int *b;"
                     " three c, d[2]; nine e; word f; const three g; const string h; }; };");
    const struct layout_field *fields = payload(layout)->fields;
    cr_assert(eq(u32, payload(layout)->count, 8));
    cr_expect(eq(int, fields[6].size, 24));
    cr_expect(eq(int, fields[7].type, LAYOUT_STRING));
    cr_expect(eq(int, fields[0].size, 64));
    cr_expect(eq(int, fields[1].size, 32));
    cr_expect(eq(int, fields[2].size, 24));
    cr_expect(eq(u32, fields[3].count, 2));
    cr_expect(eq(int, fields[3].fields[0].size, 24));
    cr_expect(eq(u32, fields[4].count, 3));
    cr_expect(eq(int, fields[5].size, 64));
    layout_close(layout);
}

Test(tsdl, inner_names_hide_outer_ones_until_their_block_ends)
{
    struct layout *layout =
        opened(TRACE TYPES
               "struct s { u8 x; };"
               "event { name = a; id = 0; typealias integer { size = 3; } := u8;"
               " fields := struct { struct { typealias integer { size = 5; } := u8; u8 in; } s;"
               " u8 out; struct s old; }; };"
               "event { name = b; id = 1; fields := struct { u8 x; }; };");
    const struct layout_field *fields = payload(layout)->fields;
    cr_expect(eq(int, fields[0].fields[0].size, 5));
    cr_expect(eq(int, fields[1].size, 3));
    cr_expect(eq(int, fields[2].fields[0].size, 8));
    cr_expect(eq(int, layout->events[1].payload->fields[0].size, 8));
    layout_close(layout);
}

Test(tsdl, named_types_are_declared_where_they_are_used_first)
{
    struct layout *layout =
        opened(EVENT("enum tag : u8 { A, B } t; struct in { enum tag t; } a;"
                     "variant v <t> { u8 A; u16 B; } x; variant v <a.t> y; struct in z;"));
    const struct layout_field *fields = payload(layout)->fields;
    cr_expect(eq(u32, fields[2].from, fields[0].save));
    cr_expect(eq(u32, fields[3].from, fields[1].fields[0].save));
    cr_expect(ne(u32, fields[2].from, fields[3].from));
    cr_expect(eq(u32, fields[4].fields[0].save, LAYOUT_NONE));
    cr_expect(eq(u32, fields[4].count, 1));
    layout_close(layout);
}

/* --- enumerations and variants --- */

Test(tsdl, labels_count_on_and_cover_ranges)
{
    struct layout *layout = opened(EVENT("enum : u8 { A, B = 5 ... 7, \"C\", D = 3, A = 20, } _t;"
                                         "variant <_t> { u8 A; u8 B; u8 C; u8 D; u8 E; } v;"));
    const struct layout_field *t = member(layout), *v = &payload(layout)->fields[1];
    cr_expect(t->is_enum && !t->is_signed && t->size == 8);
    cr_expect(eq(u32, v->from, t->save));
    cr_assert(eq(u32, v->fields[0].range_count, 2));
    cr_expect(v->fields[0].ranges[0].low == 0 && v->fields[0].ranges[1].low == 20);
    cr_expect(v->fields[1].ranges[0].low == 5 && v->fields[1].ranges[0].high == 7);
    cr_expect(v->fields[2].ranges[0].low == 8 && v->fields[2].ranges[0].high == 8);
    cr_expect(v->fields[3].ranges[0].low == 3);
    cr_expect(eq(u32, v->fields[4].range_count, 0));
    layout_close(layout);
}

Test(tsdl, labels_of_signed_integers_may_be_negative)
{
    struct layout *layout =
        opened(EVENT("enum { A = -5 ... 3, B } t; variant <t> { u8 A; u8 B; } v;"));
    const struct layout_field *t = member(layout), *v = &payload(layout)->fields[1];
    cr_expect(t->is_signed && t->size == 32 && v->is_signed);
    cr_expect(eq(i64, (int64_t)v->fields[0].ranges[0].low, -5));
    cr_expect(eq(u64, v->fields[1].ranges[0].low, 4));
    layout_close(layout);
}

Test(tsdl, labels_reach_to_the_end_of_64_bits)
{
    struct layout *layout =
        opened(EVENT("enum : integer { size = 64; } { A = 1 ... 18446744073709551615 } t;"
                     "variant <t> { u8 A; } v;"));
    const struct layout_field *v = &payload(layout)->fields[1];
    cr_expect(eq(u64, v->fields[0].ranges[0].high, UINT64_MAX));
    layout_close(layout);
}

/* --- arrays, sequences, text --- */

Test(tsdl, the_last_dimension_is_nearest_to_the_element)
{
    struct layout *layout = opened(EVENT("u8 n; u16 x[2][n][3];"));
    const struct layout_field *x = &payload(layout)->fields[1];
    cr_expect(x->type == LAYOUT_ARRAY && x->count == 2);
    cr_expect(x->fields->type == LAYOUT_SEQUENCE);
    cr_expect(eq(u32, x->fields->from, member(layout)->save));
    cr_expect(x->fields->fields->type == LAYOUT_ARRAY && x->fields->fields->count == 3);
    cr_expect(eq(int, x->fields->fields->fields->size, 16));
    cr_expect(eq(u32, x->align, 16));
    layout_close(layout);
}

Test(tsdl, arrays_of_characters_are_text)
{
    struct layout *layout =
        opened(EVENT("u8 n; integer { size = 8; encoding = UTF8; } a[5];"
                     "integer { size = 8; encoding = ASCII; } b[n]; integer { size = 8; } c[5];"
                     "integer { size = 8; align = 16; encoding = UTF8; } d[5];"
                     "string { encoding = ASCII; } e;"));
    const struct layout_field *fields = payload(layout)->fields;
    cr_expect(fields[1].type == LAYOUT_STRING_FIXED && fields[1].count == 5);
    cr_expect(fields[1].fields == NULL && fields[1].align == 8);
    cr_expect(eq(int, fields[2].type, LAYOUT_STRING_SIZED));
    cr_expect(eq(u32, fields[2].from, fields[0].save));
    cr_expect(eq(int, fields[3].type, LAYOUT_ARRAY));
    cr_expect(eq(int, fields[4].type, LAYOUT_ARRAY));
    cr_expect(eq(int, fields[5].type, LAYOUT_STRING));
    layout_close(layout);
}

/* --- where lengths and tags are --- */

Test(tsdl, lengths_are_looked_for_from_inside_out)
{
    struct layout *layout =
        opened(EVENT("u8 n; u8 m; struct { u8 n; struct { u8 a[n]; u8 b[m]; } s;"
                     " u8 m; u8 c[m]; } s; u8 d[s.n];"));
    const struct layout_field *fields = payload(layout)->fields, *s = &fields[2];
    cr_expect(eq(u32, s->fields[1].fields[0].from, s->fields[0].save));
    cr_expect(eq(u32, s->fields[1].fields[1].from, fields[1].save));
    cr_expect(eq(u32, s->fields[3].from, s->fields[2].save));
    cr_expect(eq(u32, fields[3].from, s->fields[0].save));
    cr_expect(eq(u32, fields[0].save, LAYOUT_NONE));
    layout_close(layout);
}

static const char SCOPES[] =
    "trace { major = 1; minor = 8; byte_order = le; packet.header := struct {\n"
    " integer { size = 32; } magic; integer { size = 8; } h; }; };\n"
    "stream { packet.context := struct { integer { size = 8; } p; };\n"
    " event.header := struct { integer { size = 8; } id; integer { size = 8; } e; };\n"
    " event.context := struct { integer { size = 8; } c; }; };\n"
    "typealias integer { size = 8; } := u8;\n"
    "event { name = x; id = 0; context := struct { u8 o; u8 a[trace.packet.header.h]; };\n"
    " fields := struct { u8 f; u8 a[stream.packet.context.p]; u8 b[stream.event.header.e];\n"
    " u8 c[stream.event.context.c]; u8 d[event.context.o]; u8 e[event.fields.f]; u8 g[c]; }; };\n"
    "event { name = y; id = 1; fields := struct { u8 f; u8 g; u8 h[f]; u8 i[g]; }; };\n";

Test(tsdl, lengths_may_lie_in_all_that_is_read_before)
{
    struct layout *layout = opened(SCOPES);
    const struct layout_stream *stream = &layout->streams[0];
    const struct layout_event *event = layout_event(stream, 0);
    const struct layout_field *fields = event->payload->fields;
    cr_expect(eq(u32, event->context->fields[1].from, layout->packet_header->fields[1].save));
    cr_expect(eq(u32, fields[1].from, stream->packet_context->fields[0].save));
    cr_expect(eq(u32, fields[2].from, stream->event_header->fields[1].save));
    cr_expect(eq(u32, fields[3].from, stream->event_context->fields[0].save));
    cr_expect(eq(u32, fields[4].from, event->context->fields[0].save));
    cr_expect(eq(u32, fields[5].from, fields[0].save));
    /* A sequence named c is not a length: the name is looked up in the enclosing scopes. */
    cr_expect(eq(u32, fields[6].from, stream->event_context->fields[0].save));
    layout_close(layout);
}

Test(tsdl, events_share_their_slots_and_packets_have_their_own)
{
    struct layout *layout = opened(SCOPES);
    const struct layout_field *second = layout->events[1].payload->fields;
    cr_expect(eq(u32, second[0].save, 0));
    cr_expect(eq(u32, second[1].save, 1));
    cr_expect(eq(u32, layout->events[0].context->fields[0].save, 0));
    cr_expect(eq(u32, layout->events[0].payload->fields[0].save, 1));
    /* Two of events; packet header and context, event header and context. */
    cr_expect(eq(u32, layout->slot_count, 6));
    bool taken[6] = {true, true, false, false, false, false};
    const struct layout_stream *stream = &layout->streams[0];
    const struct layout_field *shared[] = {
        &layout->packet_header->fields[1], &stream->packet_context->fields[0],
        &stream->event_header->fields[1], &stream->event_context->fields[0]};
    for (size_t i = 0; i < 4; i++) {
        cr_assert(lt(u32, shared[i]->save, 6));
        cr_expect(not(taken[shared[i]->save]));
        taken[shared[i]->save] = true;
    }
    layout_close(layout);
}

Test(tsdl, structures_used_twice_have_slots_of_their_own)
{
    struct layout *layout = opened(EVENT("struct s { u8 n; u8 a[n]; } x; struct s y, z[2];"));
    const struct layout_field *fields = payload(layout)->fields;
    const struct layout_field *z = fields[2].fields;
    cr_expect(eq(u32, fields[0].fields[1].from, fields[0].fields[0].save));
    cr_expect(eq(u32, fields[1].fields[1].from, fields[1].fields[0].save));
    cr_expect(eq(u32, z->fields[1].from, z->fields[0].save));
    cr_expect(ne(u32, fields[0].fields[0].save, fields[1].fields[0].save));
    layout_close(layout);
}

Test(tsdl, a_length_is_an_unsigned_integer_in_front)
{
    refused(EVENT("u8 a[n]; u8 n;"), "metadata:4:5: no earlier integer field is \"n\"");
    refused(EVENT("u8 a[a];"), "metadata:4:5: no earlier integer field is \"a\"");
    refused(EVENT("string n; u8 a[n];"), "metadata:4:15: no earlier integer field is \"n\"");
    refused(EVENT("int n; u8 a[n];"), "metadata:4:12: the length \"n\" is a signed integer");
    refused(EVENT("u8 n[2]; u8 a[n];"), "metadata:4:14: no earlier integer field is \"n\"");
    refused(EVENT("struct { u8 n; } s[2]; u8 a[s.n];"),
            "metadata:4:28: no earlier integer field is \"s.n\"");
    refused(EVENT("u8 a[stream.event.header.n];"),
            "metadata:4:5: no earlier integer field is \"n\"");
    refused(EVENT("u8 t; variant <t> { u8 A; } v;"),
            "metadata:4:15: the tag \"t\" is not an enumeration");
    refused(EVENT("variant { u8 A; } v;"), "metadata:4:9: a variant has no tag");
    refused(EVENT("enum : u8 { A } t; variant <t> { struct { u8 n; } A; } v; u8 a[v.A.n];"),
            "metadata:4:63: no earlier integer field is \"v.A.n\"");
}

/* --- blocks --- */

Test(tsdl, the_environment_has_numbers_and_strings)
{
    struct layout *layout = opened(
        TRACE "env { hostname = \"we\\\"b\\\\1\\n\\x41\\101\"; pid = -7; big = 0xff; word = a.b;"
              " empty = \"\"; };");
    cr_assert(eq(u32, layout->env_count, 5));
    cr_expect(eq(str, STRING(layout_env(layout, "hostname")->text), "we\"b\\1\nAA"));
    cr_expect(layout_env(layout, "pid")->text == NULL);
    cr_expect(eq(i64, layout_env(layout, "pid")->number, -7));
    cr_expect(eq(i64, layout_env(layout, "big")->number, 255));
    cr_expect(eq(str, STRING(layout_env(layout, "word")->text), "a.b"));
    cr_expect(eq(str, STRING(layout_env(layout, "empty")->text), ""));
    cr_expect(layout_env(layout, "nothing") == NULL);
    layout_close(layout);
}

Test(tsdl, clocks_are_brought_to_seconds_and_cycles)
{
    static const struct {
        const char *text;
        int64_t seconds;
        uint64_t cycles;
    } CASES[] = {
        {TRACE "clock { name = c; freq = 1000; offset = 12345; };", 12, 345},
        {TRACE "clock { name = c; freq = 1000; offset_s = 5; offset = 12345; };", 17, 345},
        {TRACE "clock { name = c; freq = 1000; offset_s = -5; };", -5, 0},
        {TRACE "clock { name = c; freq = 1000; offset = -1; };", -1, 999},
        {TRACE "clock { name = c; freq = 1000; offset = -2000; };", -2, 0},
        {TRACE "clock { name = c; offset = 1795388914418356988; };", 1795388914, 418356988},
        {TRACE "clock { name = c; freq = 1; offset = -9223372036854775808; offset_s = 1; };", 0, 1},
    };
    for (size_t i = 0; i + 1 < sizeof CASES / sizeof *CASES; i++) {
        struct layout *layout = opened(CASES[i].text);
        cr_expect(eq(i64, layout->clocks[0].offset_s, CASES[i].seconds), "%zu", i);
        cr_expect(eq(u64, layout->clocks[0].offset_cycles, CASES[i].cycles), "%zu", i);
        cr_expect(layout->clocks[0].is_unix);
        layout_close(layout);
    }
    refused(CASES[6].text, "metadata:2:1: the offset of the clock exceeds 63 bits");
}

Test(tsdl, clocks_have_names_and_uuids)
{
    struct layout *layout =
        opened("clock { name = \"mono\"; uuid = \"298be4c5-49bc-4081-B70b-f865b433fd1b\";"
               " precision = 7; freq = 50; absolute = FALSE; description = \"x\"; };"
               "trace { major = 1; minor = 8; byte_order = be;"
               " uuid = \"9cea22d5-ffaa-4287-9dcd-19645ab4399f\"; };");
    const struct layout_clock *clock = &layout->clocks[0];
    cr_expect(eq(str, STRING(clock->name), "mono"));
    cr_expect(clock->has_uuid && clock->uuid[0] == 0x29 && clock->uuid[8] == 0xb7 &&
              clock->uuid[15] == 0x1b);
    cr_expect(clock->frequency == 50 && clock->precision == 7);
    cr_expect(layout->has_uuid && layout->uuid[0] == 0x9c && layout->uuid[15] == 0x9f);
    layout_close(layout);
}

#define STREAM(header)                                                                             \
    "stream { packet.context := struct { integer { size = 64; } timestamp_begin;"                  \
    " integer { size = 64; } timestamp_end; }; event.header := struct { " header " }; };"

Test(tsdl, timestamps_without_a_clock_are_of_the_only_one)
{
    struct layout *layout =
        opened(TRACE "clock { name = c; freq = 5; };" STREAM("integer { size = 8; } timestamp;"));
    const struct layout_stream *stream = &layout->streams[0];
    cr_expect(eq(u32, stream->clock, 0));
    cr_expect(eq(u32, stream->packet_context->fields[1].clock, 0));
    cr_expect(eq(int, stream->event_header->fields[0].meaning, LAYOUT_TIMESTAMP));
    layout_close(layout);

    layout = opened(TRACE STREAM("integer { size = 8; } timestamp;"));
    cr_assert(eq(u32, layout->clock_count, 1));
    cr_expect(eq(str, STRING(layout->clocks[0].name), "default"));
    cr_expect(eq(u64, layout->clocks[0].frequency, 1000000000));
    layout_close(layout);

    refused(TRACE "clock { name = a; }; clock { name = b; };\n"
                  "stream { event.header := struct { integer { size = 8; } timestamp; }; };",
            "metadata:3:43: a timestamp does not name its clock, but the trace has several");
    refused(TRACE
            "clock { name = a; }; clock { name = b; };\n"
            "stream { event.header := struct { integer { size = 8; map = clock.a.value; } x;\n"
            " integer { size = 8; map = clock.b.value; } y; }; };",
            "metadata:4:10: a second clock in one stream");
    refused(TRACE "\nstream { event.header := struct {\n"
                  " integer { size = 8; map = clock.c.value; } x; }; };",
            "metadata:4:28: the clock \"c\" is not declared");
}

Test(tsdl, a_stream_without_timestamps_has_no_clock)
{
    struct layout *layout = opened(TRACE "clock { name = c; };"
                                         "stream { event.header := struct { }; };");
    cr_expect(eq(u32, layout->streams[0].clock, LAYOUT_NONE));
    cr_expect(layout->streams[0].packet_context == NULL && layout->packet_header == NULL);
    layout_close(layout);
}

Test(tsdl, names_mean_something_where_they_stand_alone)
{
    struct layout *layout = opened(
        "typealias integer { size = 8; } := u8;"
        "trace { major = 1; minor = 8; byte_order = le; packet.header := struct { u8 magic;"
        " struct { u8 stream_id; } in; u8 uuid[16]; u8 stream_id; string stream_instance_id; }; };"
        "stream { packet.context := struct { u8 cpu_id; u8 content_size[2]; u8 id; };"
        " event.header := struct { struct { struct { u8 id; } in; } a; u8 timestamps; }; };"
        "event { name = e; fields := struct { u8 id; u8 timestamp; u8 cpu_id; }; };");
    const struct layout_field *header = layout->packet_header->fields;
    cr_expect(eq(int, header[0].meaning, LAYOUT_MAGIC));
    cr_expect(eq(int, header[1].fields[0].meaning, LAYOUT_NOTHING));
    cr_expect(eq(int, header[2].meaning, LAYOUT_UUID));
    cr_expect(eq(int, header[3].meaning, LAYOUT_STREAM_CLASS_ID));
    cr_expect(eq(int, header[4].meaning, LAYOUT_NOTHING));
    const struct layout_stream *stream = &layout->streams[0];
    cr_expect(eq(int, stream->packet_context->fields[0].meaning, LAYOUT_CPU));
    cr_expect(eq(int, stream->packet_context->fields[1].meaning, LAYOUT_NOTHING));
    cr_expect(eq(int, stream->packet_context->fields[2].meaning, LAYOUT_NOTHING));
    const struct layout_field *a = &stream->event_header->fields[0];
    cr_expect(eq(int, a->fields[0].fields[0].meaning, LAYOUT_EVENT_ID));
    cr_expect(eq(int, stream->event_header->fields[1].meaning, LAYOUT_NOTHING));
    for (size_t i = 0; i < 3; i++)
        cr_expect(eq(int, payload(layout)->fields[i].meaning, LAYOUT_NOTHING));
    layout_close(layout);
}

Test(tsdl, events_go_to_their_streams_in_any_order)
{
    struct layout *layout = opened(
        TRACE
        "event { name = \"b9\"; id = 9; stream_id = 2; loglevel = 4; };"
        "event { name = \"a\"; id = 700; stream_id = 1; loglevel = 99; };"
        "stream { id = 2; }; event { stream_id = 2; id = 1; name = \"b1\"; }; stream { id = 1; };");
    cr_assert(eq(u32, layout->stream_count, 2));
    cr_expect(eq(u64, layout->streams[0].id, 1));
    const struct layout_stream *stream = layout_stream(layout, 2);
    cr_assert(eq(u32, stream->event_count, 2));
    cr_expect(eq(str, STRING(layout_event(stream, 9)->name), "b9"));
    cr_expect(eq(str, STRING(layout_event(stream, 1)->name), "b1"));
    cr_expect(layout_event(stream, 0) == NULL && layout_event(stream, 10) == NULL);
    cr_expect(eq(i32, layout_event(stream, 9)->log_level, 4));
    cr_expect(eq(i32, layout_event(stream, 1)->log_level, -1));
    cr_expect(layout_event(layout_stream(layout, 1), 700) != NULL);
    cr_expect(layout_stream(layout, 0) == NULL && layout_stream(layout, 3) == NULL);
    for (uint32_t i = 0; i < layout->event_count; i++)
        cr_expect(eq(u32, layout->events[i].number, i));
    layout_close(layout);
}

Test(tsdl, an_event_of_no_stream_is_of_the_only_one)
{
    struct layout *layout = opened(TRACE "stream { id = 5; }; event { name = e; };");
    cr_expect(layout_event(layout_stream(layout, 5), 0) != NULL);
    layout_close(layout);
    layout = opened(TRACE "event { name = e; };");
    cr_expect(layout_event(layout_stream(layout, 0), 0) != NULL);
    layout_close(layout);
    refused(TRACE "stream { id = 1; }; stream { id = 2; };\nevent { name = e; };",
            "metadata:3:1: event \"e\" has no stream id, but the trace has several streams");
    refused(TRACE "stream { id = 1; };\nevent { name = e; stream_id = 2; };",
            "metadata:3:1: event \"e\" belongs to stream 2, which is not declared");
}

Test(tsdl, comments_and_callsites_are_nothing)
{
    struct layout *layout = opened("/* CTF 1.8 */ // \"\n" TRACE
                                   "callsite { name = \"e\"; func = \"main\"; line = 5; };\n"
                                   "event /* { */ { name = \"/* e */\"; // }\n };");
    cr_expect(eq(str, STRING(layout->events[0].name), "/* e */"));
    layout_close(layout);
}

Test(tsdl, words_of_the_language_are_keys_of_env_and_attributes)
{
    struct layout *layout =
        opened(TRACE "env { string = \"a\"; integer = 3; event = 1; enum.struct = 2; };\n"
                     "event { name = \"e\"; string = 3; struct = x; variant.y = 1; };\n");
    cr_expect(eq(str, STRING(layout_env(layout, "string")->text), "a"));
    cr_expect(eq(i64, layout_env(layout, "integer")->number, 3));
    cr_expect(eq(i64, layout_env(layout, "event")->number, 1));
    cr_expect(eq(i64, layout_env(layout, "enum.struct")->number, 2));
    layout_close(layout);
}

Test(tsdl, what_the_environment_tells_last_counts)
{
    struct layout *layout = opened(TRACE "env { a = 1; a = \"x\"; }; env { a = 2; };");
    cr_expect(eq(i64, layout_env(layout, "a")->number, 2));
    cr_expect(layout_env(layout, "a")->text == NULL);
    layout_close(layout);
}

Test(tsdl, lengths_are_numbers_of_the_environment_wherever_it_stands)
{
    struct layout *layout =
        opened(EVENT("u8 a[env.n]; u8 b[env.x.y][2];") "env { n = 3; x.y = 0; };");
    const struct layout_field *fields = payload(layout)->fields;
    cr_expect(eq(int, fields[0].type, LAYOUT_ARRAY));
    cr_expect(eq(u32, fields[0].count, 3));
    cr_expect(eq(u32, fields[1].count, 0));
    cr_expect(eq(u32, fields[1].fields[0].count, 2));
    layout_close(layout);
}

Test(tsdl, a_clock_is_named_with_its_value_or_without)
{
    struct layout *layout =
        opened(TRACE "clock { name = c; }; clock { name = d; };\n"
                     "stream { event.header := struct { integer { size = 64; map = clock.d; } x; "
                     "integer { size = 64; map = clock.d.value; } y; }; };\n");
    const struct layout_field *header = layout->streams[0].event_header;
    cr_expect(eq(u32, header->fields[0].clock, 1));
    cr_expect(eq(u32, header->fields[1].clock, 1));
    layout_close(layout);
}

Test(tsdl, names_have_characters_by_number_and_strings_may_be_wide)
{
    struct layout *layout = opened(EVENT("u8 \\u00e4b; u8 a\\U000000e4;") "env { k = L\"x\"; };");
    cr_expect(eq(str, STRING(payload(layout)->fields[0].name), "\\u00e4b"));
    cr_expect(eq(str, STRING(payload(layout)->fields[1].name), "a\\U000000e4"));
    cr_expect(eq(str, STRING(layout_env(layout, "k")->text), "x"));
    layout_close(layout);
}

Test(tsdl, what_names_no_clock_maps_to_none)
{
    struct layout *layout = opened(
        TRACE
        "clock { name = c; }; stream { event.header := struct {\n"
        "integer { size = 64; map = monotonic; } timestamp; integer { size = 8; map = clock; } "
        "x; }; };\n");
    const struct layout_field *header = layout->streams[0].event_header;
    cr_expect(eq(u32, header->fields[0].clock, 0)); /* as it is the only one */
    cr_expect(eq(u32, header->fields[1].clock, LAYOUT_NONE));
    layout_close(layout);
}

Test(tsdl, fields_that_show_the_clock_change_nothing_where_events_tell_all_of_it)
{
    struct layout *layout =
        opened(TRACE "clock { name = c; }; clock { name = c; };\n"
                     "typealias integer { size = 64; map = clock.c; } := t;\n"
                     "stream { packet.context := struct { t x; }; event.header := struct { t "
                     "timestamp; }; };\n"
                     "event { name = e; context := struct { t y; }; fields := struct { t z; }; };");
    cr_expect(eq(u32, layout->clock_count, 1));
    cr_expect(eq(int, payload(layout)->fields[0].meaning, LAYOUT_NOTHING));
    cr_expect(eq(u32, payload(layout)->fields[0].clock, LAYOUT_NONE));
    layout_close(layout);
}

Test(tsdl, words_stand_in_front_of_types_and_behind_them)
{
    struct layout *layout = opened(TRACE "integer { size = (16); } typedef a;\n"
                                         "event { name = e; fields := struct {\n"
                                         "integer { size = 8; } const x; a y; }; };");
    cr_expect(eq(int, payload(layout)->fields[0].size, 8));
    cr_expect(eq(int, payload(layout)->fields[1].size, 16));
    layout_close(layout);
}

Test(tsdl, characters_by_number_are_utf_8_in_strings)
{
    struct layout *layout =
        opened(TRACE "env { a = \"\\u00e4\\u20AC\\U0001F600\\u0041\\uD800\"; };");
    cr_expect(eq(str, STRING(layout_env(layout, "a")->text),
                 "\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80"
                 "A\xEF\xBF\xBD"));
    layout_close(layout);
}
