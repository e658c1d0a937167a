#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "base/memory.h"
#include "model/save.h"
#include "results/result.h"

static const char shop[] = "phases:\n"
                           "  - name: request\n"
                           "    begin: shop:begin\n"
                           "    end: shop:end\n";
static const char other[] = "phases:\n"
                            "  - name: first\n"
                            "    begin: shop:first\n"
                            "    end: shop:last\n"
                            "  - name: request\n"
                            "    begin: shop:begin\n"
                            "    end: shop:end\n";

struct saved {
    struct arena arena;
    struct state_record records[64];
    size_t count;
};

static void keep(void *context, struct text key, struct bytes record)
{
    struct saved *saved = context;
    uint8_t *copy = arena_take(&saved->arena, record.count);
    memcpy(copy, record.at, record.count);
    saved->records[saved->count++] =
        (struct state_record){{arena_string(&saved->arena, key), key.count}, {copy, record.count}};
}

/* How many ends of phases "request" are unknown. */
static void count_unknown(void *context, const struct result *result)
{
    uint64_t *unknown = context;
    if (result->type == RESULT_PHASE && text_equal(result->phase, text_of("request")))
        *unknown += result->phase_cell->end_unknown;
}

static void read_phases(struct phase_definitions *phases, const char *yaml)
{
    struct failure why;
    phases_init(phases);
    struct bytes text = {(const uint8_t *)yaml, strlen(yaml)};
    cr_assert(eq(int, phases_add_yaml(phases, "test", text, &why), STATUS_OK), "%s", why.text);
}

/* An open request is saved, and restored under `yaml`: how many of its ends are unknown by then. */
static uint64_t unknown_after(const char *yaml)
{
    struct phase_definitions before, after;
    read_phases(&before, shop);
    read_phases(&after, yaml);
    struct schema *schema = schema_new(&before), *changed = schema_new(&after);
    uint64_t unknown = 0;
    struct result_sink sink = {count_unknown, &unknown};
    struct model *model = model_new(schema, sink);
    struct item item = {.kind = ITEM_EVENT};
    item.event.tid = 7;
    item.event.event =
        (struct event){.time_ns = 1000,
                       .class = schema_class(schema, DOMAIN_UST, text_of("shop:begin")),
                       .cpu = 0,
                       .domain = DOMAIN_UST,
                       .has = EVENT_HAS_VTID | EVENT_HAS_VPID,
                       .vtid = 7,
                       .vpid = 7};
    model_item(model, &item);
    struct saved saved = {.count = 0};
    model_save(model, (struct state_sink){keep, &saved});
    model_free(model);
    struct failure why;
    cr_assert(
        eq(int, model_restore(changed, sink, saved.records, saved.count, &model, &why), STATUS_OK),
        "%s", why.text);
    uint64_t found = unknown;
    model_finish(model);
    model_free(model);
    cr_expect(eq(u64, unknown, 1), "its end is told as unknown once, then or at the end");
    arena_clear(&saved.arena);
    schema_free(schema);
    schema_free(changed);
    phases_clear(&before);
    phases_clear(&after);
    return found;
}

Test(changed_phases, leave_open_instances_as_they_are_if_nothing_changed)
{
    cr_expect(eq(u64, unknown_after(shop), 0));
}

Test(changed_phases, end_open_instances_softly)
{
    cr_expect(eq(u64, unknown_after(other), 1));
}
