/* Metadata of CTF 1.8 that is invalid, truncated, or exceeds the limits. */
#include <stdio.h>

#include "tests/mapper/tsdl_text.h"

/* --- faults --- */

Test(tsdl_faults, faults_have_line_and_column)
{
    refused("/* x */\n\n  stuff", "metadata:3:3: expected a type, trace, stream, event, env, "
                                  "clock, or callsite");
    refused("trace { major = 1; minor = 8 };", "metadata:1:30: expected \";\", not \"}\"");
    refused("trace { major = 2; };", "metadata:1:17: only CTF 1.8 is supported");
    refused("trace { major = 1; minor = 8; };", "metadata:1:1: the trace has no byte_order");
    refused("trace { byte_order = native; };",
            "metadata:1:22: the byte order of the trace must be le or be");
    refused("trace { byte_order = middle; };",
            "metadata:1:22: expected a byte order: le, be, network, or native");
    refused(TRACE TRACE, "metadata:2:1: a second trace block");
    refused("env { a = 1; };", "metadata: no trace block");
    refused(TRACE "env { a = ; };", "metadata:2:11: expected a value");
    refused(TRACE "env { a = 99999999999999999999; };", "metadata:2:11: a number exceeds 64 bits");
    refused(TRACE "env { a = 0x; };", "metadata:2:11: a number has no digits");
    refused(TRACE "env { a = 12ab; };", "metadata:2:11: a number contains other characters");
    refused(TRACE "env { a = \"x; };", "metadata:2:11: a string is not terminated");
    refused(TRACE "env { a = 'xy'; };",
            "metadata:2:11: a character constant must be one character");
    refused(TRACE "env { /* }", "metadata:2:7: a comment is not terminated");
    refused(TRACE "env { a = @; };", "metadata:2:11: unexpected character");
    refused(TRACE "clock { freq = 5; };", "metadata:2:1: a clock has no name");
    refused(TRACE "clock { name = c; freq = 0; };",
            "metadata:2:26: the frequency must be a positive number");
    refused(TRACE "clock { name = c; uuid = \"12\"; };", "metadata:2:26: expected a UUID");
    refused(TRACE "clock { name = c; };\nclock { name = c; freq = 5; };",
            "metadata:3:1: clock \"c\" is declared again with other values");
    refused(TRACE "clock { name = c; absolute = yes; };", "metadata:2:30: expected true or false");
    refused(TRACE "event { name = e; fields = 3; };", "metadata:2:26: expected \":=\", not \"=\"");
    refused(TRACE "event { name = e; ; };", "metadata:2:19: expected a name");
    refused(TRACE ";",
            "metadata:2:1: expected a type, trace, stream, event, env, clock, or callsite");
    refused(TRACE "event { name = \"a\\q\"; };", "metadata:2:18: unknown escape sequence");
    refused(TRACE "env { a = 5ulu; };", "metadata:2:11: a number contains other characters");
    refused(TRACE "env { a = (5; };", "metadata:2:13: expected \")\", not \";\"");
    refused(EVENT("enum : u8 { } x;"), "metadata:4:13: expected a label");
    refused(TRACE "event { id = 1; };", "metadata:2:1: an event has no name");
    refused(TRACE "event { name = a; };\nevent { name = b; };",
            "metadata:3:1: event \"b\" has the id 0 of event \"a\"");
    refused(TRACE "stream { };\nstream { };",
            "metadata:3:1: stream class 0 is declared a second time");
    refused(
        TRACE "clock { name = c; }; event { name = e; fields := struct {\n"
              "integer { size = 8; map = clock.c.value; } x; }; };",
        "metadata:3:9: this field has a clock but is not a timestamp of a packet or event, and the "
        "timestamps of events have fewer than 64 bits");
    refused(TRACE "stream { id = 5; };\nevent { name = e; stream_id = 4; };",
            "metadata:3:1: event \"e\" belongs to stream 4, which is not declared");
    refused(TRACE "clock { name = c; offset = now; };",
            "metadata:2:28: the offset must be a number");
    refused(TRACE "clock { name = c; offset_s = now; };",
            "metadata:2:30: the offset must be a number");
    refused(TRACE "env { a = -9223372036854775809; };", "metadata:2:12: a number exceeds 64 bits");
    refused(TRACE "env { a = b.; };", "metadata:2:13: expected a name");
    refused(TRACE "env { a = 'x; };", "metadata:2:11: a string is not terminated");
    refused("trace { major = 1; minor = 8; byte_order = le; packet.header := struct {\n"
            "integer { size = 8; map = clock.c.value; } x; }; };\nclock { name = c; };",
            "metadata:2:9: a packet header cannot have a timestamp");
    refused(TRACE "event { name = e; fields := integer { size = 8; }; };",
            "metadata:2:37: not a structure");
}

Test(tsdl_faults, faults_of_types_have_line_and_column)
{
    refused(EVENT("integer { size = 65; } x;"),
            "metadata:4:18: the size of an integer must be 1 to 64 bits");
    refused(EVENT("integer { size = 0; } x;"),
            "metadata:4:18: the size of an integer must be 1 to 64 bits");
    refused(EVENT("integer { align = 8; } x;"), "metadata:4:9: an integer has no size");
    refused(EVENT("integer { size = 8; align = 3; } x;"),
            "metadata:4:29: an alignment must be a power of two");
    refused(EVENT("integer { size = 8; base = 3; } x;"),
            "metadata:4:28: expected a base: 2, 8, 10, or 16");
    refused(EVENT("integer { size = 8; signed = maybe; } x;"),
            "metadata:4:30: expected true or false");
    refused(EVENT("integer { size = 8; encoding = EBCDIC; } x;"),
            "metadata:4:32: expected an encoding: UTF8, ASCII, or none");
    refused(EVENT("integer { size = 8; map = 5; } x;"), "metadata:4:27: expected clock.NAME.value");
    refused(EVENT("floating_point { exp_dig = 8; mant_dig = 23; } x;"),
            "metadata:4:16: a floating-point number of 8 and 23 digits is not an IEEE 754 format");
    refused(EVENT("u9 x;"), "metadata:4:1: the type \"u9\" is not declared");
    refused(EVENT("struct t x;"), "metadata:4:8: \"struct t\" is not declared");
    refused(EVENT("struct x;"), "metadata:4:8: \"struct x\" is not declared");
    refused(EVENT("u8;"), "metadata:4:1: expected a type");
    refused(EVENT("floating_point { exp_dig = 8; mant_dig = 24; byte_order = odd; } x;"),
            "metadata:4:59: expected a byte order: le, be, network, or native");
    refused(EVENT("enum : u8 { 5 } x;"), "metadata:4:13: expected a label");
    refused(EVENT("enum : u9 { A } x;"), "metadata:4:6: the type \"u9\" is not declared");
    refused(EVENT("enum e x;"), "metadata:4:6: \"enum e\" is not declared");
    refused(EVENT("variant v <t> x;"), "metadata:4:9: \"variant v\" is not declared");
    refused(EVENT("u8 x; u8 x;"), "metadata:4:10: two members are named \"x\"");
    refused(EVENT("u8 x[4294967296];"), "metadata:4:6: an array of more than 4294967295 elements");
    refused(EVENT("u8 x : 3;"),
            "metadata:4:6: bit fields are not supported; use integer { size = ...; }");
    refused(EVENT("integer { size = 8; } *x;"), "metadata:4:23: pointers are not supported");
    refused(EVENT("typealias string := text; enum : text { A } x;"),
            "metadata:4:32: the container of an enumeration must be an integer");
    refused(EVENT("enum : u8 { A = 5 ... 3 } x;"), "metadata:4:17: a range ends before it begins");
    refused(EVENT("enum : u8 { A = \"x\" } x;"),
            "metadata:4:17: the value of a label must be a number");
    refused(EVENT("struct { } align(3) x;"),
            "metadata:4:18: an alignment must be a power of two up to 32768");
    refused(TRACE "typealias integer { size = 8; } := a;\ntypealias integer { size = 8; } := a;",
            "metadata:3:36: \"a\" is declared a second time");
    refused(TRACE "integer { size = 8; } x;", "metadata:2:23: a field is outside of any structure");
}

Test(tsdl_faults, a_text_cut_inside_a_statement_is_refused)
{
    static const char TEXT[] = TRACE TYPES
        "env { a = \"b\\\"c\"; };\n"
        "event { name = e; fields := struct { u8 n; u8 a[n]; struct { u8 b; } c[3]; }; };";
    size_t opened_count = 0;
    for (size_t count = 0; count <= strlen(TEXT); count++) {
        char *part = memory_string((struct text){TEXT, count});
        struct layout *layout;
        struct failure why;
        opened_count += open_text(part, &layout, &why) == STATUS_OK;
        layout_close(layout);
        free(part);
    }
    /* After each of the six statements, and after the spaces that follow four of them. */
    cr_expect(eq(sz, opened_count, 6 + 4));
}

Test(tsdl_faults, two_members_of_one_name_are_found_among_many)
{
    struct layout *layout;
    struct failure why = {""};
    char text[4096] = TRACE TYPES "event { name = e; fields := struct {";
    for (int i = 0; i < 40; i++)
        sprintf(text + strlen(text), " u8 x%d;", i == 33 ? 7 : i);
    strcat(text, " }; };");
    cr_expect(eq(int, open_text(text, &layout, &why), STATUS_REJECT));
    cr_expect(strstr(why.text, "two members are named \"x7\"") != NULL, "%s", why.text);
}

/* --- limits --- */

/* `begin`, then `count` times `part`, then `end`. */
static char *repeated(const char *begin, const char *part, size_t count, const char *end)
{
    size_t first = strlen(begin), step = strlen(part);
    char *text = memory_new(first + count * step + strlen(end) + 1);
    memcpy(text, begin, first);
    for (size_t i = 0; i < count; i++)
        memcpy(text + first + i * step, part, step);
    memcpy(text + first + count * step, end, strlen(end));
    return text;
}

static void expect_limit(char *text, const char *sentence)
{
    struct layout *layout;
    struct failure why = {""};
    cr_expect(eq(int, open_text(text, &layout, &why), STATUS_REJECT));
    cr_expect(strstr(why.text, sentence) != NULL, "%s", why.text);
    layout_close(layout);
    free(text);
}

Test(tsdl_faults, bounds_how_deep_types_nest)
{
    expect_limit(repeated(TRACE "event { name = e; fields := ", "struct { ", 100000, ""),
                 "types nest deeper than 32");
    /* By name, each text is flat. */
    char *text = memory_string(text_of(TRACE TYPES "struct s0 { u8 x; };"));
    for (int i = 1; i < 40; i++) {
        char *longer = memory_format("%s struct s%d { struct s%d x; };", text, i, i - 1);
        free(text);
        text = longer;
    }
    char *whole = memory_format("%s event { name = e; fields := struct s39; };", text);
    free(text);
    expect_limit(whole, "fields nest deeper than 32");
    expect_limit(
        repeated(TRACE TYPES "event { name = e; fields := struct { u8 x", "[2]", 9, "; }; };"),
        "an array of more than 8 dimensions");
}

Test(tsdl_faults, bounds_how_many_fields_a_few_lines_make)
{
    char *text = memory_string(text_of(TRACE TYPES "struct s0 { u8 x; };"));
    for (int i = 1; i < 28; i++) {
        char *longer = memory_format("%s struct s%d { struct s%d x, y; };", text, i, i - 1);
        free(text);
        text = longer;
    }
    char *whole = memory_format("%s event { name = e; fields := struct s27; };", text);
    free(text);
    expect_limit(whole, "more than 1048576 fields in total");
}

Test(tsdl_faults, bounds_clocks_streams_and_paths)
{
    char text[4096] = TRACE;
    for (int i = 0; i < 65; i++)
        sprintf(text + strlen(text), "clock { name = c%d; };", i);
    expect_limit(memory_string(text_of(text)), "too many clocks");
    char *streams = memory_string(text_of(TRACE));
    size_t used = strlen(streams);
    streams = memory_resize(streams, 200000, 1);
    for (int i = 0; i < 4097; i++)
        used += (size_t)sprintf(streams + used, "stream { id = %d; };", i);
    expect_limit(streams, "4097 stream classes exceed the limit");
    expect_limit(
        repeated(TRACE TYPES "event { name = e; fields := struct { u8 x[a", ".a", 40, "]; }; };"),
        "a path of more than 32 names");
}

Test(tsdl_faults, bounds_what_is_declared)
{
    expect_limit(repeated(TRACE, "struct{};", 1100000, ""), "more than 1048576 types");
    expect_limit(repeated(TRACE TYPES "enum : u8 {", "A,", 1100000, "};"),
                 "more than 1048576 types");
    expect_limit(repeated(TRACE, "clock{name=c;};", 1, "clock{name=c;freq=5;};"),
                 "is declared again with");
}

Test(tsdl_faults, many_members_with_lengths_are_found_quickly)
{
    /* 50,000 lengths in a structure of 100,000 members: linear searches would take minutes. */
    size_t count = 50000;
    char *text = memory_new(count * 40 + 256);
    size_t used = (size_t)sprintf(text, TRACE TYPES "event { name = e; fields := struct {");
    for (size_t i = 0; i < count; i++)
        used += (size_t)sprintf(text + used, "u8 n%zu; u8 a%zu[n%zu];", i, i, i);
    sprintf(text + used, "}; };");
    struct layout *layout = opened(text);
    const struct layout_field *fields = payload(layout)->fields;
    cr_expect(eq(u32, fields[2 * count - 1].from, fields[2 * count - 2].save));
    cr_expect(eq(u32, layout->slot_count, (uint32_t)count));
    layout_close(layout);
    free(text);
}

Test(tsdl_faults, what_is_given_once_is_not_given_twice)
{
    refused(TRACE TYPES "typealias integer { size = 8; size = 8; } := x;",
            "metadata:3:31: \"size\" is set a second time");
    refused(TRACE "clock { name = c;\n freq = 1; freq = 1; };",
            "metadata:3:12: \"freq\" is set a second time");
    refused(TRACE "event { name = \"e\"; id = 0;\nid = 0; };",
            "metadata:3:1: \"id\" is set a second time");
    refused("trace { major = 1; minor = 8; byte_order = le; byte_order = le; };",
            "metadata:1:48: \"byte_order\" is set a second time");
}

Test(tsdl_faults, words_of_the_language_name_no_fields)
{
    refused(EVENT("u8 event;"), "metadata:4:4: \"event\" is a keyword and cannot be a name");
    refused(EVENT("string align;"), "metadata:4:8: \"align\" is a keyword and cannot be a name");
}

Test(tsdl_faults, lengths_that_the_environment_does_not_tell)
{
    refused(EVENT("u8 x[env.n];"), "metadata:4:5: the environment has no valid length \"n\"");
    refused(EVENT("u8 x[env.n];") "env { n = -1; };",
            "metadata:4:5: the environment has no valid length \"n\"");
    refused(EVENT("variant <env.n> { u8 a; } x;") "env { n = 1; };",
            "metadata:4:10: a tag must be a field, not a constant");
}

Test(tsdl_faults, a_trace_tells_its_version_and_order)
{
    refused("trace { minor = 8; byte_order = le; };",
            "metadata:1:1: the trace has no version (major, minor)");
    refused("trace { major = 1; minor = 8; };", "metadata:1:1: the trace has no byte_order");
}
