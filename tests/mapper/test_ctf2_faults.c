/* Metadata of CTF 2 that is invalid or exceeds the limits. */
#include "tests/mapper/ctf2_text.h"

/* --- faults --- */

Test(ctf2_faults, a_fault_in_the_json_has_line_and_column)
{
    struct layout *layout;
    struct failure why = {""};
    char *text = json(PREAMBLE STREAM "^{\n  'type': 'event-record-class',\n  oops\n}");
    cr_expect(eq(int, open_text(text, &layout, &why), STATUS_REJECT));
    cr_expect(strncmp(why.text, "metadata: fragment 3: 5:6: ", 27) == 0, "%s", why.text);
    free(text);
}

Test(ctf2_faults, says_what_is_wrong_with_a_fragment)
{
    refused_json("^\n", "metadata: empty");
    refused_json("^[]", "metadata: fragment 1: 1:2: not an object");
    refused_json(STREAM, "metadata: fragment 1: 1:2: the first fragment is not a preamble");
    refused_json("^{'type':'preamble','version':3}",
                 "metadata: fragment 1: 1:2: preamble: version 3 is not supported");
    refused_json("^{'type':'preamble'}",
                 "metadata: fragment 1: 1:2: preamble: 'version' is missing");
    refused_json(
        "^{'type':'preamble','version':2,'uuid':[1,2]}",
        "metadata: fragment 1: 1:2: preamble: 'uuid' is not an array of 16 integers from 0 to 255");
    refused_json(PREAMBLE PREAMBLE,
                 "metadata: fragment 2: 2:2: preamble: is declared a second time");
    refused_json(PREAMBLE "^{'type':'x'}", "metadata: fragment 2: 2:2: unknown type 'x'");
    refused_json(PREAMBLE "^{}", "metadata: fragment 2: 2:2: 'type' is missing");
    refused_json(PREAMBLE STREAM STREAM,
                 "metadata: fragment 3: 3:2: stream class 0 is declared a second time");
    refused_json(PREAMBLE STREAM "^{'type':'trace-class'}",
                 "metadata: fragment 3: 3:2: trace-class: follows a data-stream-class");
    refused_json(PREAMBLE EVENT(""),
                 "metadata: fragment 2: 2:2: event 'e' belongs to stream 0, which is not declared");
    refused_json(TRACE("") EVENT(""),
                 "metadata: fragment 4: 4:2: event 'e' has the id 0 of event 'e'");
    refused_json(PREAMBLE "^{'type':'data-stream-class','default-clock-class-id':'c'}",
                 "metadata: fragment 2: 2:2: data-stream-class: the clock 'c' is not declared");
    refused_json(PREAMBLE "^{'type':'data-stream-class','id':-1}",
                 "metadata: fragment 2: 2:2: data-stream-class: 'id' is not an integer from 0 to "
                 "18446744073709551615");
    refused_json(PREAMBLE "^{'type':'clock-class','id':'c','frequency':0}",
                 "metadata: fragment 2: 2:2: clock-class: 'frequency' is 0");
    refused_json(PREAMBLE "^{'type':'clock-class','id':'c','frequency':5,"
                          "'offset-from-origin':{'cycles':5}}",
                 "metadata: fragment 2: 2:2: clock-class: 'cycles' of the offset is a second or "
                 "more");
    refused_json(
        PREAMBLE "^{'type':'data-stream-class','event-record-header-field-class':" STRUCT(M(
            "t",
            "{'type':'variable-length-unsigned-integer','roles':['default-clock-timestamp']}")) "}",
        "metadata: fragment 2: 2:2: 't' is a timestamp, but the stream has no clock");
    refused_json(PREAMBLE "^{'type':'data-stream-class','packet-context-field-class':" U8 "}",
                 "metadata: fragment 2: 2:2: not a structure");
}

#define BITS(more) "{'type':'fixed-length-unsigned-integer','byte-order':'little-endian'" more "}"

Test(ctf2_faults, says_what_is_wrong_with_a_class)
{
    refused_json(
        TRACE(M("x", BITS(",'length':65,'roles':['packet-magic-number']"))),
        AT "'x': field-class: a field of 65 bits with a role is not supported: the maximum is 64");
    refused_json(TRACE(M("x", BITS(",'length':0"))), AT "'x': field-class: a field of 0 bits");
    refused_json(TRACE(M("x", BITS(""))), AT "'x': field-class: 'length' is missing");
    refused_json(TRACE(M("x", "{'type':'fixed-length-unsigned-integer','length':8}")),
                 AT "'x': field-class: 'byte-order' is missing");
    refused_json(TRACE(M("x", BITS(",'length':8,'bit-order':'middle-first'"))),
                 AT "'x': field-class: 'bit-order' is neither first-to-last nor last-to-first");
    refused_json(TRACE(M("x", BITS(",'length':8,'alignment':3"))),
                 AT "'x': field-class: 'alignment' is not a power of two");
    refused_json(TRACE(M("x", BITS(",'length':8,'roles':['boss']"))),
                 AT "'x': field-class: unknown role 'boss'");
    refused_json(TRACE(M("x", "{'type':'null-terminated-string','encoding':'utf-16'}")),
                 AT "'x': field-class: unknown encoding 'utf-16'");
    refused_json(TRACE(M("x", "{'type':'fixed-length-bit-map','length':8}")),
                 AT "'x': field-class: 'flags' is missing or empty");
    refused_json(TRACE(M("x", BITS(",'length':8,'mappings':{'a':[]}"))),
                 AT "'x': field-class: the label 'a' has no ranges");
    refused_json(TRACE(M("x", "{'type':'word'}")), AT "'x': field-class: unknown type 'word'");
    refused_json(TRACE(M("x", "'u9'")),
                 AT "'x': field-class: the field class 'u9' is not declared");
    refused_json(TRACE(M("x", "7")),
                 AT "'x': field-class: neither a field class nor the name of one");
    refused_json(TRACE("{'name':'x'}"), AT "'x': 'field-class' is missing");
    refused_json(TRACE(M("x", U8) AND("x", U8)),
                 "metadata: fragment 3: 3:2: two members are named 'x'");
    refused_json(TRACE(M("x", BLOB("'y'")) AND("y", U8)),
                 AT "'x': field-class: no earlier integer field is 'y'");
    refused_json(TRACE(M("x", BLOB(""))),
                 AT "'x': field-class: a path of 0 elements is not supported");
    refused_json(TRACE(M("x", BLOB("null"))), AT "'x': field-class: a path ends with null");
    refused_json(TRACE(M("x", VARIANT("'y'", ""))),
                 AT "'x': field-class: a variant has no options");
}

#define ALIAS(name) "^{'type':'field-class-alias','name':'" name "','field-class':" U8 "}\n"
#define CLOCK(id, more) "^{'type':'clock-class','id':'" id "','frequency':5" more "}\n"

Test(ctf2_faults, says_what_is_declared_twice)
{
    refused_json(PREAMBLE ALIAS("a") ALIAS("a"),
                 "metadata: fragment 3: 3:2: field-class-alias: 'a' is declared a second time");
    refused_json(PREAMBLE CLOCK("c", "") CLOCK("c", ""),
                 "metadata: fragment 3: 3:2: clock-class: 'c' is declared a second time");
    refused_json(PREAMBLE "^{'type':'trace-class'}\n^{'type':'trace-class'}",
                 "metadata: fragment 3: 3:2: trace-class: is declared a second time");
    refused_json(PREAMBLE CLOCK("c", ",'offset-from-origin':{'seconds':'x'}"),
                 "metadata: fragment 2: 2:2: clock-class: 'seconds' is not a 64-bit integer");
    struct layout *layout = opened_json(PREAMBLE CLOCK("c", ",'uid':'what a clock'") STREAM);
    cr_expect(layout->clocks[0].has_uuid); /* made of it */
    cr_expect(not(layout->clocks[0].is_unix));
    layout_close(layout);
}

Test(ctf2_faults, says_what_is_wrong_with_properties)
{
#define OF_X AT "'x': field-class: "
    refused_json(TRACE(M("x", "{'type':'fixed-length-boolean','length':8,'byte-order':'pdp'}")),
                 OF_X "'byte-order' is neither big-endian nor little-endian");
    refused_json(TRACE(M("x", BITS(",'length':8,'preferred-display-base':3"))),
                 OF_X "'preferred-display-base' is not 2, 8, 10, or 16");
    refused_json(TRACE(M("x", "{'type':'fixed-length-floating-point-number','length':80}")),
                 OF_X "a floating-point number of 80 bits is not an IEEE 754 format");
    refused_json(TRACE(M("x", "{'type':'static-length-string','length':8,'encoding':'koi8'}")),
                 OF_X "unknown encoding 'koi8'");
    refused_json(TRACE("7"), AT "a member or option is not an object");
    refused_json(TRACE("{'name':5}"), AT "'name' is not a string");
    refused_json(TRACE(M("x", "{'type':'structure','member-classes':{}}")),
                 OF_X "'member-classes' is not an array");
}

Test(ctf2_faults, says_what_is_wrong_with_locations)
{
#define AT_PLACE(place) "{'type':'dynamic-length-blob'" place "}"
    refused_json(TRACE(M("x", AT_PLACE(""))), OF_X "'length-field-location' is missing");
    refused_json(TRACE(M("x", AT_PLACE(",'length-field-location':5"))),
                 OF_X "'length-field-location' is not an object");
    refused_json(TRACE(M("x", AT_PLACE(",'length-field-location':{'origin':'moon','path':['a']}"))),
                 OF_X "unknown origin 'moon'");
    refused_json(TRACE(M("x", BLOB("5"))), OF_X "a path element is neither a string nor null");
    refused_json(TRACE(M("x", BLOB("'a',null,'b'"))),
                 OF_X "a path with null after a name is not supported");
    refused_json(TRACE(M("b", BOOLEAN) AND("x", VARIANT("'b'", OPTION("[0,1]", U8)))),
                 OF_X "the selector 'b' is a boolean");
}

Test(ctf2_faults, says_what_is_wrong_with_ranges)
{
#define OF_OPTION OF_X "'': "
    refused_json(TRACE(M("t", U8) AND("x", VARIANT("'t'", OPTION("", U8)))),
                 OF_OPTION "'selector-field-ranges' is empty");
    refused_json(TRACE(M("t", U8) AND("x", VARIANT("'t'", OPTION("[1]", U8)))),
                 OF_OPTION "a range is not an array of two integers");
    refused_json(TRACE(M("t", U8) AND("x", VARIANT("'t'", OPTION("[1,2.5]", U8)))),
                 OF_OPTION "a range is not an array of two integers");
    refused_json(TRACE(M("t", U8) AND("x", VARIANT("'t'", OPTION("[3,2]", U8)))),
                 OF_OPTION "a range ends before it begins");
    refused_json(TRACE(M("t", U8) AND("x", VARIANT("'t'", OPTION("[3,-2]", U8)))),
                 OF_OPTION "a range ends before it begins");
}

#define TWO(a, b) VARIANT("'t'", OPTION("[0,4]", STRUCT(a)) "," OPTION("[5,9]", STRUCT(b)))

Test(ctf2_faults, options_that_disagree_have_no_length)
{
    refused_json(TRACE(M("t", U8) AND("v", TWO(M("n", U8), M("n", SIGNED_VARINT)))
                           AND("x", BLOB("'v','n'"))),
                 OF_X "'v.n' matches signed and unsigned fields");
    refused_json(
        TRACE(M("t", U8) AND("v", TWO(M("n", U8) AND("b", BLOB("'n'")),
                                      M("n", U8) AND("b", BLOB("'n'")))) AND("x", BLOB("'v','n'"))),
        OF_X "options share a length or tag that another field also uses");
}

Test(ctf2_faults, a_length_may_be_in_an_optional_field)
{
    struct layout *layout =
        opened_json(TRACE(M("b", BOOLEAN) AND("o", OPTIONAL("'b'", "")) AND("x", BLOB("'o'"))));
    const struct layout_field *fields = payload(layout)->fields;
    cr_expect(eq(u32, fields[2].from, fields[1].fields[0].save));
    cr_expect(ne(u32, fields[2].from, LAYOUT_NONE));
    layout_close(layout);
}

/* --- limits --- */

Test(ctf2_faults, bounds_how_deep_classes_nest)
{
    char text[8192] = PREAMBLE STREAM "^{'type':'event-record-class','payload-field-class':";
    for (int i = 0; i < 40; i++)
        strcat(text, "{'type':'structure','member-classes':[{'name':'s','field-class':");
    strcat(text, "{'type':'structure'}");
    for (int i = 0; i < 40; i++)
        strcat(text, "}]}");
    strcat(text, "}");
    struct layout *layout;
    struct failure why = {""};
    char *copy = json(text);
    cr_expect(eq(int, open_text(copy, &layout, &why), STATUS_REJECT));
    cr_expect(strstr(why.text, "field classes nest deeper than 32") != NULL, "%s", why.text);
    free(copy);
}

Test(ctf2_faults, bounds_how_much_there_is)
{
    struct layout *layout;
    struct failure why = {""};
    /* A fragment of over 4 MiB. */
    size_t room = ((size_t)4 << 20) + 64;
    char *text = memory_new(room + 1);
    memset(text, ' ', room);
    memcpy(text, "\x1e{", 2);
    text[room - 1] = '}';
    cr_expect(eq(int, open_text(text, &layout, &why), STATUS_REJECT));
    cr_expect(strstr(why.text, "bytes exceed the limit") != NULL, "%s", why.text);
    /* A million events. */
    static const char ONE[] = "^{'type':'event-record-class'}";
    size_t step = strlen(ONE), begin = strlen(PREAMBLE), count = (1 << 20) + 1;
    text = memory_resize(text, begin + count * step + 1, 1);
    memcpy(text, PREAMBLE, begin);
    for (size_t i = 0; i < count; i++)
        memcpy(text + begin + i * step, ONE, step + 1);
    char *copy = json(text);
    cr_expect(eq(int, open_text(copy, &layout, &why), STATUS_REJECT));
    cr_expect(strstr(why.text, "more than 1048576 field classes") != NULL, "%s", why.text);
    free(copy);
    free(text);
}
