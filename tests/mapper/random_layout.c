#include "tests/mapper/random_layout.h"

#include <stdio.h>
#include <stdlib.h>

/* What is being written. */
struct text_maker {
    struct random *random;
    FILE *out;
    bool big_endian;
    unsigned names; /* given so far */
    unsigned depth;
    bool flat; /* no lengths and tags: babeltrace2 2.0.4 fails an assertion over own contexts' */
    bool header_rules; /* event headers have a length `_hlen` */
    bool packet_rules; /* packet headers have a length `_plen` */
};

/* splitmix64 */
static uint64_t next(struct random *random)
{
    uint64_t value = random->state += UINT64_C(0x9E3779B97F4A7C15);
    value = (value ^ value >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    value = (value ^ value >> 27) * UINT64_C(0x94D049BB133111EB);
    return value ^ value >> 31;
}

uint64_t random_below(struct random *random, uint64_t below)
{
    return next(random) % below;
}

static unsigned pick(struct text_maker *maker, unsigned below)
{
    return (unsigned)random_below(maker->random, below);
}

/* --- types --- */

static void make_members(struct text_maker *maker, unsigned count);

/* Attributes of an integer with some unsigned or signed value. Bits of one byte are all in the byte
 * order of the trace, as babeltrace2 requires. */
static void make_integer(struct text_maker *maker, bool is_signed, unsigned least)
{
    static const unsigned WHOLE[] = {8, 16, 32, 64}, BASES[] = {2, 8, 10, 16};
    bool whole = pick(maker, 3) > 0;
    unsigned size = whole ? WHOLE[pick(maker, 4)] : least + pick(maker, 65 - least);
    unsigned align = whole ? 8u << pick(maker, 4) : 1u << pick(maker, 4);
    fprintf(maker->out, "integer { size = %u; ", size);
    if (pick(maker, 4) > 0)
        fprintf(maker->out, "align = %u; ", align);
    fprintf(maker->out, "signed = %s; base = %u; ", is_signed ? "true" : "false",
            BASES[pick(maker, 4)]);
    if (whole && pick(maker, 4) == 0)
        fprintf(maker->out, "byte_order = %s; ", maker->big_endian ? "le" : "network");
    fprintf(maker->out, "}");
}

static void make_float(struct text_maker *maker)
{
    bool is_double = pick(maker, 2) > 0;
    fprintf(maker->out, "floating_point { exp_dig = %d; mant_dig = %d; align = %u; }",
            is_double ? 11 : 8, is_double ? 53 : 24, 8u << pick(maker, 4));
}

static void make_enum(struct text_maker *maker, unsigned labels, unsigned first)
{
    fprintf(maker->out, "enum : ");
    make_integer(maker, false, 5);
    fprintf(maker->out, " { ");
    for (unsigned i = 0; i < labels; i++) {
        unsigned low = i * 4, high = low + pick(maker, 4);
        fprintf(maker->out, "%s_o%u%s = %u", i % 2 ? "\"" : "", first + i, i % 2 ? "\"" : "", low);
        if (high > low)
            fprintf(maker->out, " ... %u", high);
        fprintf(maker->out, ", ");
    }
    fprintf(maker->out, "}");
}

static void make_struct(struct text_maker *maker)
{
    fprintf(maker->out, "struct { ");
    maker->depth++;
    make_members(maker, pick(maker, 4));
    maker->depth--;
    fprintf(maker->out, "}");
    if (pick(maker, 3) == 0)
        fprintf(maker->out, " align(%u)", 8u << pick(maker, 3));
}

/* Types that need no other field. */
static void make_plain(struct text_maker *maker)
{
    switch (pick(maker, maker->depth < 3 ? 9 : 8)) {
    case 0: make_float(maker); break;
    case 1: fprintf(maker->out, "string"); break;
    case 2: make_enum(maker, 1 + pick(maker, 4), 0); break;
    case 3: fprintf(maker->out, "uint32_t"); break;
    case 4: fprintf(maker->out, "unsigned long"); break;
    case 5: make_integer(maker, true, 1); break;
    case 8: make_struct(maker); break;
    default: make_integer(maker, false, 1); break;
    }
}

/* Elements of arrays and sequences: often characters. */
static void make_element(struct text_maker *maker)
{
    if (pick(maker, 3) == 0)
        fprintf(maker->out, "integer { size = 8; align = 8; encoding = UTF8; }");
    else
        make_plain(maker);
}

static void make_variant(struct text_maker *maker)
{
    unsigned tag = maker->names++, options = 1 + pick(maker, 4);
    make_enum(maker, options, tag * 10);
    fprintf(maker->out, " _f%u; variant <_f%u> { ", tag, tag);
    maker->depth++;
    for (unsigned i = 0; i < options; i++) {
        make_plain(maker);
        fprintf(maker->out, " _o%u; ", tag * 10 + i);
    }
    maker->depth--;
    fprintf(maker->out, "} _f%u; ", maker->names++);
}

static void make_sequence(struct text_maker *maker)
{
    unsigned length = maker->names++;
    make_integer(maker, false, 4);
    fprintf(maker->out, " _f%u; ", length);
    make_element(maker);
    fprintf(maker->out, " _f%u[_f%u]%s; ", maker->names++, length,
            pick(maker, 8) == 0 ? "[2]" : "");
}

static void make_member(struct text_maker *maker)
{
    switch (maker->flat ? 5 : pick(maker, 6)) {
    case 0:
        make_element(maker);
        fprintf(maker->out, " _f%u[%u]%s; ", maker->names++, pick(maker, 5),
                pick(maker, 8) == 0 ? "[2]" : "");
        break;
    case 1: make_sequence(maker); break;
    case 2:
        if (maker->depth < 3) {
            make_variant(maker);
            break;
        }
        make_sequence(maker);
        break;
    default:
        make_plain(maker);
        fprintf(maker->out, " _f%u; ", maker->names++);
        break;
    }
}

static void make_members(struct text_maker *maker, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        make_member(maker);
}

/* --- a trace --- */

/* The alignment of the integers of the trace. */
enum packing { BY_BYTES, NATURAL, BY_BITS, PACKINGS };

static unsigned packed(enum packing packing, unsigned size)
{
    return packing == BY_BYTES ? 8 : packing == NATURAL ? size : 1;
}

static void make_aliases(struct text_maker *maker, enum packing packing)
{
    static const unsigned SIZES[] = {8, 16, 32, 64};
    for (unsigned i = 0; i < 4; i++)
        fprintf(maker->out, "typealias integer { size = %u; align = %u; } := uint%u_t;\n", SIZES[i],
                packed(packing, SIZES[i]), SIZES[i]);
    fprintf(maker->out, "typealias integer { size = 64; align = %u; } := unsigned long;\n",
            packed(packing, 64));
    static const unsigned TIMES[] = {27, 32, 64};
    for (unsigned i = 0; i < 3; i++)
        fprintf(maker->out,
                "typealias integer { size = %u; align = %u; map = clock.c.value; } := time%u_t;\n",
                TIMES[i], i == 0 ? 1 : packed(packing, TIMES[i]), TIMES[i]);
}

/* A member that selects what follows the header, and others without effect. No variants:
 * babeltrace2 2.0.4 crashes on those that LTTng does not write. */
static void make_rules(struct text_maker *maker)
{
    make_integer(maker, false, 4);
    fprintf(maker->out, " _hlen; ");
    if (pick(maker, 2) > 0) {
        make_integer(maker, pick(maker, 2) > 0, 1);
        fprintf(maker->out, " _hmore; ");
    }
}

/* A number and a time, of any size, at any place; the header may end within a byte. */
static void make_odd_header(struct text_maker *maker)
{
    unsigned rules = pick(maker, 4);
    maker->header_rules = rules < 3;
    fprintf(maker->out, "struct { ");
    if (rules == 0)
        make_rules(maker);
    fprintf(maker->out, "integer { size = %u; align = %u; } id; ", 12 + pick(maker, 21),
            1u << pick(maker, 4));
    if (rules == 1)
        make_rules(maker);
    fprintf(maker->out, "integer { size = %u; align = %u; map = clock.c.value; } timestamp; ",
            20 + pick(maker, 45), 1u << pick(maker, 4));
    if (rules == 2)
        make_rules(maker);
    fprintf(maker->out, "} align(%u)", 1u << pick(maker, 6));
}

/* Fields that depend on the event or packet header: lengths, because babeltrace2 finds no tags
 * there. */
static void make_ruled(struct text_maker *maker)
{
    if (maker->header_rules && pick(maker, 3) == 0) {
        make_element(maker);
        fprintf(maker->out, " _f%u[stream.event.header._hlen]; ", maker->names++);
    }
    if (maker->packet_rules && pick(maker, 4) == 0)
        fprintf(maker->out, "uint16_t _f%u[trace.packet.header._plen]; ", maker->names++);
}

/* LTTng's two, a plain one, or any. */
static void make_header(struct text_maker *maker, bool natural)
{
    unsigned kind = pick(maker, 5);
    if (kind > 2) {
        make_odd_header(maker);
        return;
    }
    if (kind == 2) {
        fprintf(maker->out, "struct { uint16_t id; %s; } align(8)",
                pick(maker, 2) ? "time64_t timestamp" : "time32_t timestamp");
        return;
    }
    fprintf(maker->out,
            "struct { enum : integer { size = %d; align = %d; } { compact = 0 ... %d, extended ="
            " %d } id; variant <id> { struct { %s timestamp; } compact; struct { uint32_t id;"
            " time64_t timestamp; } extended; } v; } align(%d)",
            kind ? 16 : 5, kind ? (natural ? 16 : 8) : 1, kind ? 65534 : 30, kind ? 65535 : 31,
            kind ? "time32_t" : "time27_t", natural ? 32 : 8);
}

static void make_stream(struct text_maker *maker, bool natural)
{
    fprintf(maker->out, "stream { id = 3; packet.context := struct { time64_t timestamp_begin;"
                        " time64_t timestamp_end; uint64_t content_size; uint64_t packet_size;"
                        " uint64_t packet_seq_num; unsigned long events_discarded;"
                        " uint32_t cpu_id; integer { size = 7; } _few; ");
    if (pick(maker, 2) > 0)
        make_members(maker, 1 + pick(maker, 2));
    fprintf(maker->out, "};\n event.header := ");
    make_header(maker, natural);
    fprintf(maker->out, ";\n");
    if (pick(maker, 2) > 0) {
        fprintf(maker->out, " event.context := struct { integer { size = 3; } _less; ");
        make_members(maker, pick(maker, 4));
        make_ruled(maker);
        fprintf(maker->out, "uint8_t _c1[stream.packet.context._few]; };\n");
    }
    fprintf(maker->out, "};\n");
}

static void make_event(struct text_maker *maker, unsigned id)
{
    fprintf(maker->out, "event { name = \"event_%u\"; id = %u; stream_id = 3;\n", id, id);
    if (pick(maker, 4) == 0) {
        fprintf(maker->out, " context := struct { ");
        maker->flat = true;
        make_members(maker, pick(maker, 4));
        maker->flat = false;
        fprintf(maker->out, "};\n");
    }
    fprintf(maker->out, " fields := struct { ");
    make_members(maker, pick(maker, 8));
    make_ruled(maker);
    if (pick(maker, 8) == 0)
        fprintf(maker->out, "uint16_t _p[stream.packet.context._few]; ");
    fprintf(maker->out, "};\n};\n");
}

char *random_metadata(struct random *random)
{
    char *text = NULL;
    size_t size = 0;
    struct text_maker maker = {.random = random, .out = open_memstream(&text, &size)};
    maker.big_endian = pick(&maker, 3) == 0;
    enum packing packing = (enum packing)pick(&maker, PACKINGS);
    fprintf(maker.out, "/* CTF 1.8 */\nclock { name = c; freq = 1000000000; offset = %u; };\n",
            pick(&maker, 5) * 1000000007u);
    make_aliases(&maker, packing);
    maker.packet_rules = pick(&maker, 3) == 0;
    fprintf(maker.out,
            "trace { major = 1; minor = 8; byte_order = %s; packet.header := struct {"
            " uint32_t magic; uint32_t stream_id; uint64_t stream_instance_id; %s}; };\n",
            maker.big_endian ? "be" : "le",
            maker.packet_rules ? "integer { size = 13; align = 1; } _plen; " : "");
    make_stream(&maker, packing == NATURAL);
    unsigned events = 1 + pick(&maker, 40);
    for (unsigned id = 0; id < events; id++)
        make_event(&maker, id + (id > 35 ? 3000 : 0));
    fclose(maker.out);
    return text;
}
