/* The span ids of instances: from their identity, or from the trace context of the application. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

#include "export/trace_ids.h"

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"
#define PARENT "00f067aa0ba902b7"

static const struct text session = {"web1/shop/20261129", 18};

struct case_of_header {
    const char *header;
    bool good;
};

Test(trace_ids, reads_a_traceparent_as_it_is_published)
{
    static const struct case_of_header cases[] = {
        {"00-" TRACE "-" PARENT "-01", true},
        {"00-" TRACE "-" PARENT "-00", true},
        {"cc-" TRACE "-" PARENT "-01", true},
        {"cc-" TRACE "-" PARENT "-01-more", true},
        {"cc-" TRACE "-" PARENT "-01more", false},
        {"00-" TRACE "-" PARENT "-01-more", false},
        {"ff-" TRACE "-" PARENT "-01", false},
        {"00-" TRACE "-" PARENT "-0", false},
        {"00-" TRACE "-" PARENT "-0g", false},
        {"00-4BF92F3577B34DA6A3CE929D0E0E4736-" PARENT "-01", false},
        {"00-00000000000000000000000000000000-" PARENT "-01", false},
        {"00-" TRACE "-0000000000000000-01", false},
        {"00_" TRACE "-" PARENT "-01", false},
        {"", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct trace_ids ids = {.flags = 7};
        bool good = trace_ids_parse(text_of(cases[i].header), &ids);
        cr_expect(eq(int, good, cases[i].good), "%s", cases[i].header);
        static const uint8_t parent[8] = {0x00, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 0x02, 0xb7};
        cr_expect(eq(int, memcmp(ids.parent, parent, 8) == 0, good));
        cr_expect(good || ids.flags == 7, "what is none changes nothing");
    }
}

static struct listed_instance one_of(uint64_t order, const struct instance_result *content,
                                     const struct listed_instance *parent)
{
    return (struct listed_instance){.order = order, .content = content, .parent = parent};
}

static bool equal(const uint8_t *a, const uint8_t *b, size_t count)
{
    return memcmp(a, b, count) == 0;
}

static bool differ(const struct trace_ids *a, const struct trace_ids *b)
{
    return !equal(a->trace, b->trace, 16) && !equal(a->span, b->span, 8);
}

Test(trace_ids, children_are_in_the_trace_of_their_root)
{
    static const struct instance_result nothing;
    struct listed_instance root = one_of(65536, &nothing, NULL),
                           child = one_of(65537, &nothing, &root),
                           leaf = one_of(65538, &nothing, &child),
                           other = one_of(65539, &nothing, NULL);
    struct trace_ids a, b, c, d, again;
    trace_ids_of(session, &root, &a);
    trace_ids_of(session, &child, &b);
    trace_ids_of(session, &leaf, &c);
    trace_ids_of(session, &other, &d);
    static const uint8_t none[8];
    cr_expect(equal(a.parent, none, 8) && !a.remote && a.flags == 1);
    cr_expect(equal(b.parent, a.span, 8) && equal(b.trace, a.trace, 16));
    cr_expect(equal(c.parent, b.span, 8) && equal(c.trace, a.trace, 16));
    cr_expect(differ(&d, &a));
    trace_ids_of(session, &root, &again);
    cr_expect(equal(a.trace, again.trace, 16) && equal(a.span, again.span, 8));
    trace_ids_of(text_of("web2/shop/20261129"), &root, &again);
    cr_expect(differ(&a, &again));
}

/* Stores identify spans by these ids: they do not change between versions. */
Test(trace_ids, are_the_same_for_ever)
{
    static const struct instance_result nothing;
    struct listed_instance one = one_of(65536, &nothing, NULL);
    struct trace_ids ids;
    trace_ids_of(session, &one, &ids);
    char text[64];
    int used = 0;
    for (int i = 0; i < 16; i++)
        used += snprintf(text + used, sizeof text - (size_t)used, "%02x", ids.trace[i]);
    for (int i = 0; i < 8; i++)
        used += snprintf(text + used, sizeof text - (size_t)used, "%02x", ids.span[i]);
    cr_expect(eq(str, text, "25b6da9142a72e21564d616bf5489fc3ea2409ea838eff6d"));
}

Test(trace_ids, what_was_captured_is_the_trace_of_all_below)
{
    struct field_value value = {.type = FIELD_TEXT, .text = text_of("00-" TRACE "-" PARENT "-00")};
    static const struct instance_result nothing;
    struct text name = text_of("traceparent");
    struct instance_result content = {.ended = {.values = &value, .value_count = 1},
                                      .names = &name};
    struct listed_instance root = one_of(65536, &content, NULL),
                           child = one_of(65537, &nothing, &root);
    struct trace_ids a, b;
    trace_ids_of(session, &root, &a);
    trace_ids_of(session, &child, &b);
    cr_expect(a.remote && a.flags == 0 && a.trace[0] == 0x4b && a.parent[1] == 0xf0);
    cr_expect(b.flags == 0 && !b.remote);
    cr_expect(equal(b.trace, a.trace, 16) && equal(b.parent, a.span, 8));
}
