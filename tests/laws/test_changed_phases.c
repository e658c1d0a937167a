#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "reducer/stitch.h"
#include "results/result.h"

static const char shop[] = "phases:\n"
                           "  - name: request\n"
                           "    begin: shop:begin\n"
                           "    end: shop:end\n";
/* The same, among others. */
static const char more[] = "phases:\n"
                           "  - name: first\n"
                           "    begin: shop:first\n"
                           "    end: shop:last\n"
                           "  - name: request\n"
                           "    begin: shop:begin\n"
                           "    end: shop:end\n";
static const char other[] = "phases:\n"
                            "  - name: request\n"
                            "    begin: shop:begin\n"
                            "    end: shop:last\n";

struct counts {
    uint64_t complete, unknown, changed, untold;
};

static void take(void *context, const struct result *result)
{
    struct counts *counts = context;
    if (result->type == RESULT_PHASE && text_equal(result->phase, text_of("request"))) {
        counts->complete += result->phase_cell->complete.count;
        counts->unknown += result->phase_cell->end_unknown;
    } else if (result->type == RESULT_INTERVAL) {
        counts->changed += result->interval.tallies.at[TALLY_PHASES_CHANGED];
        counts->untold += result->interval.tallies.at[TALLY_PHASES_UNTOLD];
    }
}

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

static const struct phase_set *set_of(struct schema *schema, const char *yaml)
{
    struct failure why;
    struct phase_definitions phases;
    phases_init(&phases);
    struct bytes text = {(const uint8_t *)yaml, strlen(yaml)};
    cr_assert(eq(int, phases_add_yaml(&phases, "test", text, &why), STATUS_OK), "%s", why.text);
    const struct phase_set *set = schema_set(schema, &phases);
    phases_clear(&phases);
    return set;
}

/* Adds chunk `chunk` with one event of that name, mapped with these definitions. */
static void add(struct stitch *stitch, struct schema *schema, const char *yaml, uint64_t chunk,
                const char *event)
{
    const struct phase_set *phases = yaml ? set_of(schema, yaml) : NULL;
    const struct phase_set *under = phases ? phases : schema_own_set(schema);
    struct item item = {.kind = ITEM_EVENT};
    item.event.tid = 7;
    item.event.event =
        (struct event){.time_ns = 1000 * chunk + 500,
                       .class = schema_class_under(schema, under, DOMAIN_UST, text_of(event)),
                       .domain = DOMAIN_UST,
                       .has = EVENT_HAS_VTID | EVENT_HAS_VPID,
                       .vtid = 7,
                       .vpid = 7};
    struct interval_end end = {.chunk = chunk,
                               .begin_ns = 1000 * chunk,
                               .end_ns = 1000 * (chunk + 1),
                               .items = 1,
                               .has_user = true,
                               .phases = phases,
                               .host = text_of("h"),
                               .session = text_of("s"),
                               .created = text_of("c")};
    stitch_add(stitch, &item, 1, &end);
}

/* What format 2 had of such a stitch: of each record the count and the bytes of its key, then of itself. */
static void read_older(struct saved *saved)
{
    FILE *file = fopen(TEST_DATA "/formats/state-2.bin", "rb");
    cr_assert(ne(ptr, file, NULL));
    saved->count = 0;
    for (int count; (count = fgetc(file)) != EOF; saved->count++) {
        char *key = arena_take(&saved->arena, (size_t)count + 1);
        cr_assert(eq(sz, fread(key, 1, (size_t)count, file), (size_t)count));
        size_t size = (size_t)fgetc(file);
        uint8_t *record = arena_take(&saved->arena, size);
        cr_assert(eq(sz, fread(record, 1, size, file), size));
        saved->records[saved->count] = (struct state_record){{key, (size_t)count}, {record, size}};
    }
    fclose(file);
}

enum restored { NOT, RESTORED, OF_OLDER };

/* A request is begun under `shop` and ended under `yaml` (NULL: told by nobody); between, the stitch
 * is saved, and restored with another schema. */
static struct counts counts_after(const char *yaml, enum restored restored)
{
    struct counts counts = {.complete = 0};
    struct result_sink sink = {take, &counts};
    struct schema *schema = schema_new(NULL), *again = schema_new(NULL);
    set_of(again, other); /* ids are not those of the schema before */
    struct stitch *stitch = stitch_new(schema, sink);
    add(stitch, schema, shop, 1, "shop:begin");
    struct schema *used = schema;
    if (restored) {
        struct saved saved = {.count = 0};
        struct failure why;
        stitch_save(stitch, (struct state_sink){keep, &saved});
        stitch_free(stitch);
        used = again;
        if (restored == OF_OLDER)
            read_older(&saved);
        cr_assert(eq(int, stitch_restore(again, sink, saved.records, saved.count, &stitch, &why),
                     STATUS_OK),
                  "%s", why.text);
        arena_clear(&saved.arena);
    }
    add(stitch, used, yaml, 2, "shop:end");
    stitch_finish(stitch);
    stitch_free(stitch);
    schema_free(schema);
    schema_free(again);
    return counts;
}

Test(changed_phases, leave_open_what_is_defined_as_before)
{
    for (enum restored restored = NOT; restored <= RESTORED; restored++) {
        struct counts same = counts_after(shop, restored), among = counts_after(more, restored);
        cr_expect(same.complete == 1 && same.unknown == 0 && same.changed == 0);
        cr_expect(among.complete == 1 && among.unknown == 0 && among.changed == 0);
    }
}

Test(changed_phases, end_the_others_softly)
{
    for (enum restored restored = NOT; restored <= RESTORED; restored++) {
        struct counts counts = counts_after(other, restored);
        cr_expect(counts.complete == 0 && counts.unknown == 1 && counts.changed == 1);
    }
}

Test(changed_phases, that_nobody_tells_end_all_softly)
{
    for (enum restored restored = NOT; restored <= RESTORED; restored++) {
        struct counts counts = counts_after(NULL, restored);
        cr_expect(counts.complete == 0 && counts.unknown == 1 && counts.changed == 1);
        cr_expect(eq(u64, counts.untold, 1));
    }
}

Test(changed_phases, that_an_older_state_does_not_tell_end_all_softly)
{
    struct counts counts = counts_after(shop, OF_OLDER);
    cr_expect(counts.complete == 0 && counts.unknown == 1 && counts.changed == 1);
    cr_expect(eq(u64, counts.untold, 0));
}
