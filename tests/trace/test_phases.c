#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

#include "trace/phases.h"

static struct phase_definitions phases;
static struct failure why;

static void begin(void)
{
    phases_init(&phases);
    why.text[0] = '\0';
}

static void end(void)
{
    phases_clear(&phases);
}

TestSuite(phases_yaml, .init = begin, .fini = end);
TestSuite(phases_period, .init = begin, .fini = end);
TestSuite(phases_filter);

static enum status add_yaml(const char *yaml)
{
    return phases_add_yaml(&phases, "f.yaml", (struct bytes){(const uint8_t *)yaml, strlen(yaml)},
                           &why);
}

static enum status add_period(const char *period)
{
    return phases_add_period(&phases, text_of(period), &why);
}

#define STRING(pointer) ((char *)(uintptr_t)(pointer))

Test(phases_yaml, reads_every_key)
{
    cr_assert(eq(int,
                 add_yaml("phases:\n"
                          "  - name: request\n"
                          "    begin: t:rb\n"
                          "    end: t:re\n"
                          "    match: [id]\n"
                          "    capture: [file]\n"
                          "    keep: 0\n"
                          "    keep_over: 1m500ms\n"
                          "    segments: $phase\n"
                          "  - name: $phase\n"
                          "    parent: request\n"
                          "    begin: t:pb\n"
                          "    end: t:pe\n"
                          "    match: [id, phase]\n"),
                 STATUS_OK),
              "%s", why.text);
    cr_assert(eq(sz, phases.count, 2));
    cr_expect(eq(str, STRING(phases.at[0].name), "request"));
    cr_expect(not(phases.at[0].name_is_field));
    cr_expect(phases.at[0].parent == NULL);
    cr_expect(eq(str, STRING(phases.at[0].capture[0]), "file"));
    cr_expect(eq(str, STRING(phases.at[0].segments), "$phase"));
    cr_expect(phases.at[1].segments == NULL);
    cr_expect(phase_is_segment(&phases.at[1], &phases.at[0]));
    cr_expect(not(phase_is_segment(&phases.at[0], &phases.at[1])));
    cr_expect(eq(u32, phases.at[0].keep.count, 0));
    cr_expect(eq(u64, phases.at[0].keep.over_ns, UINT64_C(60500000000)));
    cr_expect(eq(u32, phases.at[1].keep.count, 10));
    cr_expect(eq(u64, phases.at[1].keep.over_ns, 0));
    cr_expect(eq(str, STRING(phases.at[1].name), "phase"));
    cr_expect(phases.at[1].name_is_field);
    cr_expect(eq(str, STRING(phases.at[1].parent), "request"));
    cr_expect(eq(sz, phases.at[1].match_count, 2));
    cr_expect(eq(str, STRING(phases.at[1].match[1].begin_field), "phase"));
    cr_expect(eq(str, STRING(phases.at[1].match[1].end_field), "phase"));
}

Test(phases_yaml, a_parent_may_come_later_and_may_be_a_field)
{
    cr_expect(eq(int,
                 add_yaml("phases:\n"
                          "  - {name: a, begin: b, end: e, parent: $p}\n"
                          "  - {name: $p, begin: b, end: e}\n"),
                 STATUS_OK),
              "%s", why.text);
}

Test(phases_yaml, a_timeout_is_as_durations_of_options_are)
{
    static const struct {
        const char *written;
        uint64_t ns;
    } rows[] = {{"160ns", 160},
                {"90s", UINT64_C(90000000000)},
                {"1h30m", UINT64_C(5400000000000)},
                {"2min", UINT64_C(120000000000)}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char yaml[96];
        snprintf(yaml, sizeof yaml, "phases:\n - {name: a, begin: b, end: e, timeout: %s}\n",
                 rows[i].written);
        phases_init(&phases);
        struct bytes text = {(const uint8_t *)yaml, strlen(yaml)};
        cr_assert(eq(int, phases_add_yaml(&phases, "f.yaml", text, &why), STATUS_OK), "%s",
                  why.text);
        cr_expect(eq(u64, phases.at[0].timeout_ns, rows[i].ns));
        phases_clear(&phases);
    }
}

Test(phases_yaml, a_mistake_is_told_with_its_place)
{
    static const struct {
        const char *yaml;
        const char *sentence;
    } rows[] = {
        {"", "f.yaml: is empty; expected `phases:`, `counts:`, or `spans:`"},
        {"- a\n", "f.yaml:1:1: a file of definitions is a mapping with the keys `phases`, "
                  "`counts` and `spans`; not a list"},
        {"{}\n", "f.yaml:1:1: one of the keys `phases`, `counts` and `spans` is missing"},
        {"phase: []\n", "f.yaml:1:1: unknown key `phase`; `phases` is the nearest"},
        {"phases: 3\n", "f.yaml:1:9: phases: expected a list, not a text"},
        {"phases:\n - name: a\n   begn: b\n",
         "f.yaml:3:4: unknown key `begn`; `begin` is the nearest"},
        {"phases:\n - name: a\n   colour: b\n", "f.yaml:3:4: unknown key `colour`; known: name, "
                                                "parent, begin, end, match, capture, timeout, "
                                                "keep, keep_over, segments"},
        {"phases:\n - name: a\n   begin: b\n", "f.yaml:2:4: this phase lacks the key `end`"},
        {"phases:\n - {name: a, name: b}\n", "f.yaml:2:14: duplicate key `name`"},
        {"phases:\n - {name: a, begin: b, end: e, match: [a=b=c]}\n",
         "f.yaml:2:43: match: expected a field such as id or $ctx.vtid"},
        {"phases:\n - {name: a, begin: b, end: e, match: [id=]}\n",
         "f.yaml:2:43: match: expected a field such as id or $ctx.vtid"},
        {"phases:\n - {name: a, begin: b, end: e, match: id}\n",
         "f.yaml:2:39: match: expected a list of fields such as [id], not a text"},
        {"phases:\n - {name: a, begin: b, end: e, timeout: 5}\n",
         "f.yaml:2:41: timeout: expected a positive number with a unit, such as 500ms, 90s, or "
         "1h30m"},
        {"phases:\n - {name: a, begin: b, end: e, timeout: 0s}\n",
         "f.yaml:2:41: timeout: expected a positive number with a unit, such as 500ms, 90s, or "
         "1h30m"},
        {"phases:\n - {name: a, begin: b, end: e, timeout: 1h30}\n",
         "f.yaml:2:41: timeout: expected a positive number with a unit, such as 500ms, 90s, or "
         "1h30m"},
        {"phases:\n - {name: a, begin: b, end: e, timeout: 99999999999d}\n",
         "f.yaml:2:41: timeout: expected a positive number with a unit, such as 500ms, 90s, or "
         "1h30m"},
        {"phases:\n - {name: a, begin: b, end: e, keep: 1001}\n",
         "f.yaml:2:38: keep: expected the number of slowest instances to keep, 0 to 1000"},
        {"phases:\n - {name: a, begin: b, end: e, keep: 99999999999999999999}\n",
         "f.yaml:2:38: keep: expected the number of slowest instances to keep, 0 to 1000"},
        {"phases:\n - {name: a, begin: b, end: e, keep: 5x}\n",
         "f.yaml:2:38: keep: expected the number of slowest instances to keep, 0 to 1000"},
        {"phases:\n - {name: a, begin: b, end: e, keep_over: 0ms}\n",
         "f.yaml:2:43: keep_over: expected a positive number with a unit, such as 500ms, 90s, or "
         "1h30m"},
        {"phases:\n - {name: $, begin: b, end: e}\n",
         "f.yaml:2:11: name: expected a field after `$`"},
        {"phases:\n - {name: '', begin: b, end: e}\n", "f.yaml:2:11: name: is empty"},
        {"phases:\n - {name: a, begin: b, end: e, parent: q}\n",
         "f.yaml:2:40: parent: no phase is named `q`"},
        {"phases:\n - {name: a, begin: b, end: e, match: [i], segments: q}\n",
         "f.yaml:2:54: segments: no phase is named `q`"},
        {"phases:\n - {name: a, begin: b, end: e, segments: a}\n",
         "f.yaml:2:42: segments: this phase needs match fields, which identify the request of a "
         "segment"},
        {"phases:\n - {name: a, begin: b, end: e, match: [i], segments: a}\n",
         "f.yaml:2:54: segments: `a` is the phase itself"},
        {"phases:\n - {name: a, begin: b, end: e, match: [i, j], segments: $q}\n"
         " - {name: $q, begin: b, end: e, match: [i, q]}\n",
         "f.yaml:2:57: segments: `$q` does not match by `j`, which identifies its request"},
        {"phases:\n - {name: a, begin: b, end: e, match: [i], segments: q}\n"
         " - {name: q, begin: b, end: e, match: [i], segments: r}\n"
         " - {name: r, begin: b, end: e, match: [i]}\n",
         "f.yaml:2:54: segments: `q` has segments itself; only one level is supported"},
        {"phases:\n - {name: a, begin: b, end: e, match: [a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,"
         "a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a]}\n",
         "f.yaml:2:39: match: 33 fields exceed the limit of 32"},
        {"phases: []\n---\na: b\n", "f.yaml:3:1: a second document is not read"},
        {"phases: [\n", "f.yaml:2:1: did not find expected node content"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cr_expect(eq(int, add_yaml(rows[i].yaml), STATUS_REJECT), "%s", rows[i].yaml);
        cr_expect(eq(str, why.text, STRING(rows[i].sentence)));
        cr_expect(eq(sz, phases.count, 0), "nothing of a refused file stays");
    }
}

Test(phases_yaml, refuses_a_file_cut_anywhere_or_reads_less)
{
    const char *yaml = "phases:\n  - name: request\n    begin: b\n    end: e\n    match: [id]\n";
    char part[128];
    for (size_t count = 0; count < strlen(yaml); count++) {
        memcpy(part, yaml, count);
        part[count] = '\0';
        size_t before = phases.count;
        enum status status = add_yaml(part);
        cr_expect(phases.count == before + (status == STATUS_OK ? 1 : 0), "cut at %zu", count);
    }
}

Test(phases_period, reads_names_matches_and_filters)
{
    cr_assert(eq(int,
                 add_period("req : $evt.$name == \"t:b\" && $evt.id >= 5 : "
                            "$evt.$name == \"t:e\" && $evt.rid == $begin.$evt.$payload.id"),
                 STATUS_OK),
              "%s", why.text);
    cr_assert(eq(int,
                 add_period("$evt.phase(req): ($evt.$name==\"p\" && $evt.f =* \"/etc/*\")"
                            ":($begin.$evt.id==$evt.id)&&$evt.$name==\"q\"&&$evt.n != -0x10"),
                 STATUS_OK),
              "%s", why.text);
    const struct phase_definition *req = &phases.at[0];
    cr_expect(eq(str, STRING(req->name), "req"));
    cr_expect(eq(str, STRING(req->begin_event), "t:b"));
    cr_expect(eq(str, STRING(req->end_event), "t:e"));
    cr_expect(eq(str, STRING(req->match[0].begin_field), "id"));
    cr_expect(eq(str, STRING(req->match[0].end_field), "rid"));
    cr_expect(eq(int, (int)req->begin_filter[0].compare, COMPARE_GE));
    cr_expect(eq(u64, req->begin_filter[0].constant.u, 5));
    cr_expect(eq(sz, req->end_filter_count, 0));

    const struct phase_definition *phase = &phases.at[1];
    cr_expect(phase->name_is_field);
    cr_expect(eq(str, STRING(phase->name), "phase"));
    cr_expect(eq(str, STRING(phase->parent), "req"));
    cr_expect(eq(int, (int)phase->begin_filter[0].compare, COMPARE_GLOB));
    cr_expect(eq(sz, phase->match_count, 1));
    cr_expect(eq(i64, phase->end_filter[0].constant.i, -16));
}

Test(phases_period, without_an_end_the_begin_ends_it_too)
{
    cr_assert(eq(int, add_period("tick : $evt.$name == \"t\" && $evt.k == 1"), STATUS_OK));
    cr_expect(eq(str, STRING(phases.at[0].end_event), "t"));
    cr_expect(eq(sz, phases.at[0].end_filter_count, 1));
    cr_expect(eq(sz, phases.at[0].match_count, 0));
}

Test(phases_period, without_a_name_it_has_that_of_its_event)
{
    cr_assert(eq(int, add_period(": $evt.$name == \"$t\""), STATUS_OK));
    cr_expect(eq(str, STRING(phases.at[0].name), "$t"));
    cr_expect(not(phases.at[0].name_is_field));
}

Test(phases_period, what_it_cannot_express_is_told_with_its_place)
{
    static const struct {
        const char *period;
        const char *sentence;
    } rows[] = {
        {"", "column 1: expected ':' and the begin expression"},
        {"a", "column 2: expected ':' and the begin expression"},
        {"a:", "column 3: expected a field ($evt.id), a \"text\", or an integer"},
        {"a(b): $evt.$name == \"x\"", "column 3: no earlier period is named `b`"},
        {"(b): $evt.$name == \"x\"", "column 1: a period with a parent needs a name"},
        {"a(b", "column 2: missing closing parenthesis"},
        {"a: $evt.$name == \"x\" || $evt.a == 1",
         "column 4: the event must be named outside of || and !"},
        {"a: !($evt.$name == \"x\")", "column 6: the event must be named outside of || and !"},
        {"a: $evt.x == 1", "column 3: one condition must name the event: $evt.$name == \"NAME\""},
        {"a: $evt.$name == \"x\" && $evt.$name == \"y\"", "column 25: the event is named twice"},
        {"a: $evt.$name != \"x\"", "column 4: the event's name can only be compared with =="},
        {"a: $evt.$name == \"x\" : $evt.$name == \"y\" && ($evt.a == 1 || $evt.a == $begin.$evt.a)",
         "column 61: fields of begin and end must be compared outside of || and !"},
        {"a: $evt.$header.tid == 1", "column 9: only payload fields ($evt.$payload.X) and contexts "
                                     "($evt.$ctx.X) are supported"},
        {"a: $evt.$ctx.uid == 1", "column 14: supported contexts: tid, pid, vtid, vpid, procname"},
        {"a: $evt.x.y == 1", "column 10: nested fields are not supported"},
        {"a: $evt.x == 1.5", "column 14: fractional numbers are not supported"},
        {"a: $evt.x == 99999999999999999999",
         "column 14: `99999999999999999999` does not fit into 64 bits"},
        {"a: $evt.x == 12z", "column 14: `12z` is not an integer"},
        {"a: $evt.x = 1", "column 11: expected one of == != < <= > >= =*"},
        {"a: $evt.x =* 1", "column 14: =* needs a pattern in quotes"},
        {"a: $evt.x == \"y", "column 14: missing closing quote"},
        {"a: 5 == $evt.x",
         "column 4: the left side of a comparison must be a field such as $evt.id"},
        {"a: $begin.$evt.x == 1", "column 4: `$begin.` is only allowed in the end of a phase"},
        {"a: $evt.x == $evt.y", "column 14: of two compared fields, one must be of the begin event "
                                "($begin.$evt.X) and one of the end event"},
        {"a: $evt.$name == \"x\" : $evt.a < $begin.$evt.a",
         "column 24: fields of begin and end can only be compared with =="},
        {"a: $evt.$name == \"x\" : $evt.$name == \"y\" : z",
         "column 42: unexpected text after the end expression"},
        {"a: ($evt.$name == \"x\"", "column 4: missing closing parenthesis"},
        {"a: $evt.$name == \"x\" $evt.a == 1", "column 22: expected &&, ||, ':', or the end"},
        {"$evt.$name : $evt.$name == \"x\"",
         "column 1: a name must be text or one field, such as $phase or $evt.phase"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cr_expect(eq(int, add_period(rows[i].period), STATUS_REJECT), "%s", rows[i].period);
        const char *place = strstr(why.text, "`, column");
        cr_assert(place != NULL, "%s", why.text);
        cr_expect(eq(str, STRING(place + 3), STRING(rows[i].sentence)), "%s", rows[i].period);
        cr_expect(eq(sz, phases.count, 0));
    }
}

Test(phases_period, parentheses_end_somewhere)
{
    char deep[2000] = "a:";
    memset(deep + 2, '(', 1000);
    cr_expect(eq(int, add_period(deep), STATUS_REJECT));
    cr_expect(strstr(why.text, "more than 32 nested parentheses") != NULL, "%s", why.text);
}

static struct field_value text_value(const char *text)
{
    return (struct field_value){.type = FIELD_TEXT, .text = text_of(text)};
}

static struct field_value int_value(int64_t i)
{
    return (struct field_value){.type = FIELD_INT, .i = i};
}

static struct field_value uint_value(uint64_t u)
{
    return (struct field_value){.type = FIELD_UINT, .u = u};
}

static struct field_value looked_at;

static const struct field_value *look(const struct event *event, const char *name)
{
    (void)event;
    return strcmp(name, "f") == 0 ? &looked_at : NULL;
}

static bool passes(struct field_value value, enum phase_compare compare,
                   struct field_value constant)
{
    struct event event = {.time_ns = 1};
    struct phase_filter filter = {.field = "f", .compare = compare, .constant = constant};
    looked_at = value;
    return phase_filters_pass(&filter, 1, &event, look);
}

Test(phases_filter, numbers_compare_by_value_whatever_their_sign)
{
    cr_expect(passes(int_value(5), COMPARE_EQ, uint_value(5)));
    cr_expect(passes(int_value(-1), COMPARE_LT, uint_value(0)));
    cr_expect(passes(uint_value(UINT64_MAX), COMPARE_GT, int_value(-1)));
    cr_expect(passes(int_value(-2), COMPARE_LE, int_value(-1)));
    cr_expect(not(passes(uint_value(UINT64_MAX), COMPARE_EQ, int_value(-1))));
    cr_expect(passes(uint_value(3), COMPARE_NE, int_value(4)));
    cr_expect(passes(uint_value(4), COMPARE_GE, int_value(4)));
}

Test(phases_filter, texts_compare_and_match_patterns)
{
    cr_expect(passes(text_value("/etc/x"), COMPARE_GLOB, text_value("/etc/*")));
    cr_expect(not(passes(text_value("/usr/x"), COMPARE_GLOB, text_value("/etc/*"))));
    cr_expect(passes(text_value("a"), COMPARE_LT, text_value("ab")));
    cr_expect(passes(text_value("a"), COMPARE_NE, text_value("b")));
}

Test(phases_filter, what_cannot_be_compared_does_not_pass)
{
    struct field_value absent = {.type = FIELD_ABSENT};
    cr_expect(not(passes(absent, COMPARE_NE, uint_value(1))));
    cr_expect(not(passes(text_value("1"), COMPARE_NE, uint_value(1))));
    cr_expect(not(field_value_equal(&absent, &absent)));
}

/* Whether an event passes whose field `f` is `value`, and whose vtid is 7. */
static bool passes_where(const char *conditions, struct field_value value)
{
    char yaml[256];
    struct event event = {.has = EVENT_HAS_VTID, .vtid = 7};
    snprintf(yaml, sizeof yaml, "counts:\n - {name: c, event: e, where: '%s'}\n", conditions);
    cr_assert(eq(int, add_yaml(yaml), STATUS_OK), "%s", why.text);
    const struct count_definition *count = &phases.counts[--phases.count_count];
    looked_at = value;
    return phase_filters_pass(count->where, count->where_count, &event, look);
}

Test(phases_filter, conditions_are_joined_and_turned_around)
{
    struct field_value five = uint_value(5), absent = {.type = FIELD_ABSENT};
    cr_expect(passes_where("$evt.f == 4 || $evt.f == 5", five));
    cr_expect(not(passes_where("$evt.f == 4 || $evt.f == 6", five)));
    cr_expect(passes_where("!($evt.f == 4 || $evt.f == 6)", five));
    cr_expect(passes_where("!!($evt.f == 5)", five));
    cr_expect(not(passes_where("$evt.f == 5 && !($evt.f >= 5)", five)));
    cr_expect(passes_where("$evt.f == 4 && $evt.f == 6 || $evt.f < 9 && $evt.f > 4", five),
              "&& binds before ||");
    cr_expect(not(passes_where("$evt.f == 5 && ($evt.f == 6 || $evt.f == 7)", five)));
    cr_expect(passes_where("$evt.$ctx.vtid == 7 && $evt.$payload.f == 5", five));
    cr_expect(not(passes_where("$evt.$ctx.pid == 7", five)), "the event has none");
    cr_expect(passes_where("!($evt.f == 4)", absent));
    cr_expect(not(passes_where("$evt.f != 4", absent)));
}

Test(phases_yaml, reads_counts)
{
    cr_assert(eq(int,
                 add_yaml("counts:\n"
                          "  - {name: errors, event: 'shop:*', where: '$evt.code >= 500',\n"
                          "     by: [code, $evt.kind, $ctx.vpid, process], value: size}\n"
                          "  - {name: all, event: '*'}\n"),
                 STATUS_OK),
              "%s", why.text);
    const struct count_definition *errors = &phases.counts[0];
    static const char *const fields[] = {"code", "kind", "$ctx.vpid", "process"};
    cr_expect(eq(sz, phases.count_count, 2));
    cr_expect(eq(str, STRING(errors->event), "shop:*"));
    cr_expect(eq(str, STRING(errors->value), "size"));
    cr_assert(eq(sz, errors->by_count, 4));
    for (size_t i = 0; i < 4; i++) {
        cr_expect(eq(int, (int)errors->by[i].word, i == 3 ? COUNT_BY_PROCESS : COUNT_BY_FIELD));
        cr_expect(eq(str, STRING(errors->by[i].field), STRING(fields[i])));
    }
    cr_expect(eq(sz, phases.counts[1].by_count + phases.counts[1].where_count, 0));
}

Test(phases_yaml, a_mistake_in_a_count_is_told_with_its_place)
{
    static const struct {
        const char *count;
        const char *sentence;
    } rows[] = {
        {"{name: a}", "f.yaml:2:4: this count lacks the key `event`"},
        {"{name: a, event: e, when: x}", "f.yaml:2:24: unknown key `when`; `where` is the nearest"},
        {"{name: a, event: e, where: '$evt.x == 5 &&'}",
         "f.yaml:2:46: where: expected a field ($evt.id), a \"text\", or an integer"},
        {"{name: a, event: e, where: $evt.x == 5 and}",
         "f.yaml:2:43: where: expected &&, ||, or the end"},
        {"{name: a, event: e, where: '$evt.x == $evt.y'}",
         "f.yaml:2:42: where: a field must be compared with a \"text\" or an integer"},
        {"{name: a, event: e, where: '$evt.$name == \"e\"'}",
         "f.yaml:2:37: where: only payload fields ($evt.$payload.X) and contexts ($evt.$ctx.X) are "
         "supported"},
        {"{name: a, event: e, by: code}", "f.yaml:2:28: by: expected a list of fields and words "
                                          "such as [code, process], not a text"},
        {"{name: a, event: e, by: [x, x]}", "f.yaml:2:32: by: duplicate `x`"},
        {"{name: a, event: e, by: [x.y]}",
         "f.yaml:2:30: by: expected a field such as id or $ctx.vtid"},
        {"{name: a, event: e, value: $evt.len + 4}",
         "f.yaml:2:39: value: expected a field such as id or $ctx.vtid"},
        {"{name: a, event: e, by: ['$evt.id junk']}",
         "f.yaml:2:37: by: expected a field such as id or $ctx.vtid"},
        {"{name: a, event: e, by: [$evt.$ctx.vtid.x]}",
         "f.yaml:2:43: by: expected a field such as id or $ctx.vtid"},
        {"{name: a, event: e, by: [$ctx.uid]}",
         "f.yaml:2:34: by: supported contexts: tid, pid, vtid, vpid, procname"},
        {"{name: a, event: e, by: [a,b,c,d,e,f,g,h,i]}",
         "f.yaml:2:28: by: 9 entries exceed the limit of 8"},
        {"{name: a, event: e}\n - {name: a, event: f}", "f.yaml:3:11: name: duplicate count `a`"},
        {"{name: 'spanmill:a', event: e}",
         "f.yaml:2:11: name: the prefix spanmill: is reserved for built-in counts"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char yaml[256];
        snprintf(yaml, sizeof yaml, "counts:\n - %s\n", rows[i].count);
        cr_expect(eq(int, add_yaml(yaml), STATUS_REJECT), "%s", yaml);
        cr_expect(eq(str, why.text, STRING(rows[i].sentence)));
        cr_expect(eq(sz, phases.count_count, 0), "nothing of a refused file stays");
    }
}

Test(phases_yaml, reads_spans)
{
    cr_assert(eq(int,
                 add_yaml("spans:\n"
                          "  - {name: disk, begin: issue, end: 'comp*',\n"
                          "     match: [dev, $ctx.vpid, tid=next_tid],\n"
                          "     end_where: '$evt.error == 0', on: cpu, by: [dev, cpu]}\n"
                          "  - {name: all, begin: a, end: b, timeout: 5s}\n"),
                 STATUS_OK),
              "%s", why.text);
    cr_assert(eq(sz, phases.count_count, 2));
    const struct count_definition *disk = &phases.counts[0];
    cr_expect(eq(str, STRING(disk->event), "issue"));
    cr_expect(eq(sz, disk->by_count, 2));
    cr_expect(eq(str, STRING(disk->span->end), "comp*"));
    cr_expect(eq(sz, disk->span->where_count, 1));
    cr_expect(eq(sz, disk->span->match_count, 3));
    cr_expect(eq(str, STRING(disk->span->match[1].begin_field), "$ctx.vpid"));
    cr_expect(eq(str, STRING(disk->span->match[1].end_field), "$ctx.vpid"));
    cr_expect(eq(str, STRING(disk->span->match[2].begin_field), "tid"));
    cr_expect(eq(str, STRING(disk->span->match[2].end_field), "next_tid"));
    cr_expect(eq(int, (int)disk->span->on, SPAN_ON_CPU));
    cr_expect(eq(u64, disk->span->timeout_ns, PHASE_TIMEOUT_NS));
    cr_expect(eq(int, (int)phases.counts[1].span->on, SPAN_ON_SYSTEM));
    cr_expect(eq(u64, phases.counts[1].span->timeout_ns, 5000000000));
}

Test(phases_yaml, a_mistake_in_a_span_is_told_with_its_place)
{
    static const struct {
        const char *span;
        const char *sentence;
    } rows[] = {
        {"{name: a, begin: b}", "f.yaml:2:4: this span lacks the key `end`"},
        {"{name: a, begin: b, end: e, value: x}",
         "f.yaml:2:32: unknown key `value`; known: name, begin, end, begin_where, end_where, "
         "match, on, by, timeout"},
        {"{name: a, begin: b, end: e, on: thred}",
         "f.yaml:2:36: on: expected system, cpu, process, or thread, not `thred`; `thread` is the "
         "nearest"},
        {"{name: a, begin: b, end: e, match: id}",
         "f.yaml:2:39: match: expected a list of fields such as [id], not a text"},
        {"{name: a, begin: b, end: e, match: [tid=]}",
         "f.yaml:2:44: match: expected a field such as id or $ctx.vtid"},
        {"{name: a, begin: b, end: e, match: [$ctx.uid]}",
         "f.yaml:2:45: match: supported contexts: tid, pid, vtid, vpid, procname"},
        {"{name: a, begin: b, end: e, end_where: '$evt.x'}",
         "f.yaml:2:50: end_where: expected one of == != < <= > >= =*"},
        {"{name: a, begin: b, end: e, timeout: 5}",
         "f.yaml:2:41: timeout: expected a positive number with a unit, such as 500ms, 90s, or "
         "1h30m"},
        {"{name: a, begin: b, end: e}\n - {name: a, begin: c, end: d}",
         "f.yaml:3:11: name: duplicate span `a`"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char yaml[256];
        snprintf(yaml, sizeof yaml, "spans:\n - %s\n", rows[i].span);
        cr_expect(eq(int, add_yaml(yaml), STATUS_REJECT), "%s", yaml);
        cr_expect(eq(str, why.text, STRING(rows[i].sentence)));
        cr_expect(eq(sz, phases.count_count, 0), "nothing of a refused file stays");
    }
}

Test(phases_yaml, the_digest_tells_definitions_apart)
{
    struct phase_definitions other;
    phases_init(&other);
    uint64_t empty = phases_digest(&phases);
    cr_expect(eq(u64, empty, phases_digest(&other)));
    cr_assert(eq(int, add_period("a: $evt.$name == \"x\" && $evt.k == 1"), STATUS_OK));
    uint64_t one = phases_digest(&phases);
    cr_expect(ne(u64, one, empty));
    cr_assert(eq(int,
                 phases_add_period(&other, text_of("a: $evt.$name == \"x\" && $evt.k == 2"), &why),
                 STATUS_OK));
    cr_expect(ne(u64, phases_digest(&other), one));
    phases_clear(&other);
}

Test(phases_period, more_than_can_travel_is_refused)
{
    enum status status = STATUS_OK;
    size_t count = 0;
    for (; status == STATUS_OK && count < 10000; count++) {
        char period[96];
        snprintf(period, sizeof period,
                 "a%zu: $evt.$name == \"application:a_long_name_of_an_event_of_it\"", count);
        status = add_period(period);
    }
    cr_expect(eq(int, status, STATUS_REJECT));
    cr_expect(eq(sz, phases.count, count - 1), "the one too many is not there");
    cr_expect(ne(ptr, strstr(why.text, "exceed the limit of 131072"), NULL), "%s", why.text);
}

/* Each instance would be counted twice. */
Test(phases_period, what_is_defined_twice_alike_is_refused)
{
    cr_assert(eq(int, add_period("a: $evt.$name == \"x\""), STATUS_OK));
    cr_expect(eq(int, add_period("a: $evt.$name == \"y\""), STATUS_OK), "of one name, not alike");
    cr_expect(eq(int, add_period("a: $evt.$name == \"x\""), STATUS_REJECT));
    cr_expect(eq(sz, phases.count, 2));
    cr_expect(ne(ptr, strstr(why.text, "phase `a` is defined twice"), NULL), "%s", why.text);
}
