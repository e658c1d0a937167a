#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "mapper/decode/phase_survey.h"
#include "trace/given_phases.h"

static const char metadata[] =
    "/* CTF 1.8 */\n"
    "typealias integer { size = 8; align = 8; signed = false; } := uint8_t;\n"
    "typealias integer { size = 8; align = 8; signed = false; encoding = UTF8; } := char8;\n"
    "trace { major = 1; minor = 8; byte_order = le; };\n"
    "stream { event.header := struct { uint8_t id; }; };\n"
    "event { name = \"shop:begin\"; id = 0; fields := struct {\n"
    "  uint8_t _id; string _path; uint8_t _list[3]; char8 _name[4];\n"
    "  floating_point { exp_dig = 8; mant_dig = 24; align = 8; } _ratio;\n"
    "  struct { uint8_t x; } _inside; }; };\n"
    "event { name = \"shop:end\"; id = 1; fields := struct { uint8_t _id; string _name; }; };\n";

static void expect(const char *yaml, const char *const *sentences)
{
    struct phase_definitions phases;
    struct failure why;
    struct layout *layout;
    struct arena arena = {.first = NULL};
    struct bytes text = {(const uint8_t *)metadata, strlen(metadata)};
    cr_assert(eq(int, layout_open(text, &layout, &why), STATUS_OK), "%s", why.text);
    given_phases(&phases, yaml);
    size_t count;
    char **faults = phase_uses_faults(phase_survey(layout, &phases, &arena), &arena, &count);
    size_t wanted = 0;
    for (; sentences[wanted]; wanted++)
        if (wanted < count)
            cr_expect(eq(str, faults[wanted], (char *)(uintptr_t)sentences[wanted]));
    cr_expect(eq(sz, count, wanted));
    arena_clear(&arena);
    layout_close(layout);
    phases_clear(&phases);
}

#define PHASE(name, begin, end, match)                                                             \
    "  - {name: " name ", begin: \"" begin "\", end: \"" end "\", match: [" match "]}\n"

Test(phase_survey, finds_nothing_wrong_with_what_is_declared)
{
    expect("phases:\n" PHASE("a", "shop:begin", "shop:end", "id")
               PHASE("b", "shop:begin", "shop:end",
                     "id, name") "  - {name: $name, begin: \"shop:begin\", end: \"shop:end\"}\n",
           (const char *const[]){NULL});
}

Test(phase_survey, names_what_is_nearest_to_an_event_that_is_not_declared)
{
    expect("phases:\n" PHASE("a", "shop:bgin", "shop:end", "id")
               PHASE("b", "shop:begin", "quite:another", "id"),
           (const char *const[]){"a: no trace declares shop:bgin; the nearest is shop:begin",
                                 "b: no trace declares quite:another", NULL});
}

Test(phase_survey, names_fields_that_are_not_there)
{
    expect("phases:\n" PHASE("a", "shop:begin", "shop:end",
                             "pth") "  - {name: $nmae, begin: \"shop:begin\", end: \"shop:end\"}\n",
           (const char *const[]){"$nmae: shop:begin has no field nmae; the nearest is name",
                                 "$nmae: shop:end has no field nmae; the nearest is name",
                                 "a: shop:begin has no field pth; the nearest is path",
                                 "a: shop:end has no field pth", NULL});
}

Test(phase_survey, names_fields_that_are_not_compared)
{
    expect("phases:\n" PHASE("a", "shop:begin", "shop:begin", "ratio")
               PHASE("b", "shop:begin", "shop:begin", "list")
                   PHASE("c", "shop:begin", "shop:begin", "inside"),
           (const char *const[]){
               "a: field ratio of shop:begin is a floating-point number, which cannot be compared",
               "b: field list of shop:begin is an array, which cannot be compared",
               "c: field inside of shop:begin is a structure, which cannot be compared", NULL});
}

Test(phase_survey, of_metadata_that_is_not_understood_blames_nothing)
{
    struct phase_definitions phases;
    struct arena arena = {.first = NULL};
    static const char yaml[] = "phases:\n" PHASE("a", "no:such", "nor:this", "id");
    given_phases(&phases, yaml);
    size_t count;
    phase_uses_faults(phase_survey_unknown(&phases, &arena), &arena, &count);
    cr_expect(eq(sz, count, 0));
    phases_clear(&phases);
    arena_clear(&arena);
}

Test(phase_survey, says_of_counts_what_is_not_declared)
{
    expect("counts:\n"
           "  - {name: good, event: 'shop:*', by: [id, path, $ctx.vtid, process], value: id}\n"
           "  - {name: any, event: 'shop:begin', where: '$evt.idd == 1 || !($evt.x == 2)'}\n"
           "  - {name: bad, event: 'shop:bgin', by: [id]}\n"
           "  - {name: field, event: 'shop:*', by: [idd, list]}\n"
           "  - {name: tid, event: 'shop:end', by: [$ctx.tid]}\n"
           "  - {name: only, event: 'shop:end', where: '$evt.id == \"x\"', value: name}\n",
           (const char *const[]){
               "bad: no trace declares shop:bgin; the nearest is shop:begin",
               "field: no event shop:* has a field idd; the nearest is id",
               "field: field list of shop:* is an array, which cannot be compared",
               "good: no event shop:* has the context vtid: record with lttng "
               "add-context --userspace --type=vtid",
               "only: field id of shop:end is a number, but is compared with text",
               "only: field name of shop:end is text, and cannot be summed",
               "tid: no event shop:end has the context tid: in user space it is vtid; "
               "record with lttng add-context --userspace --type=vtid",
               NULL});
}
