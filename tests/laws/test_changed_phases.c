#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

#include "map_piece.h"
#include "saved_state.h"
#include "reducer/joiner.h"
#include "reducer/decoded_chunk.h"
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
    uint64_t complete, unknown, changed;
};

static void take(void *context, const struct result *result)
{
    struct counts *counts = context;
    if (result->type == RESULT_PHASE && text_equal(result->phase, text_of("request"))) {
        counts->complete += result->phase_cell->complete.count;
        counts->unknown += result->phase_cell->end_unknown;
    } else if (result->type == RESULT_INTERVAL) {
        counts->changed += result->interval->tallies.at[TALLY_PHASES_CHANGED];
    }
}

/* The definitions that a chunk is mapped with. */
struct mapper {
    struct phase_definitions phases;
    struct schema *schema;
};

static void mapper_init(struct mapper *mapper, const char *yaml)
{
    struct failure why;
    phases_init(&mapper->phases);
    struct bytes text = {(const uint8_t *)yaml, strlen(yaml)};
    cr_assert(eq(int, phases_add_yaml(&mapper->phases, "test", text, &why), STATUS_OK), "%s",
              why.text);
    mapper->schema = schema_new(&mapper->phases);
}

static void mapper_clear(struct mapper *mapper)
{
    schema_free(mapper->schema);
    phases_clear(&mapper->phases);
}

/* Adds chunk `chunk` with one event of that name, mapped with these definitions. */
static void add(struct joiner *joiner, struct schema *schema, const char *yaml, uint64_t chunk,
                const char *name)
{
    struct mapper mapper;
    mapper_init(&mapper, yaml);
    struct interval_end end = {.chunk = chunk,
                               .begin_ns = 1000 * chunk,
                               .end_ns = 1000 * (chunk + 1),
                               .has_user = true,
                               .host = text_of("h"),
                               .session = text_of("s"),
                               .created = text_of("c")};
    struct map_piece piece;
    map_piece_begin(&piece, mapper.schema, &end);
    struct event event = {.time_ns = 1000 * chunk + 500,
                          .class = schema_class(mapper.schema, DOMAIN_UST, text_of(name)),
                          .domain = DOMAIN_UST,
                          .has = EVENT_HAS_VTID | EVENT_HAS_VPID,
                          .vtid = 7,
                          .vpid = 7};
    core_map(piece.core, &event, 1);
    struct piece_records records = {.count = 0};
    map_piece_end(&piece, &(struct record_meta){.session = text_of("h/s/c"), .chunk = chunk},
                  (struct record_sink){piece_records_take, &records});
    struct decoded_chunk whole;
    struct failure why;
    cr_assert(eq(int, decoded_chunk_read(records.at, records.count, schema, NULL, &whole, &why),
                 STATUS_OK),
              "%s", why.text);
    joiner_add(joiner, &whole.row, &whole.end);
    arena_clear(&records.arena);
    mapper_clear(&mapper);
}

/* A request is begun under `shop` and ended under `yaml`; in between, the joiner may be saved and
 * restored with another schema. */
static struct counts counts_after(const char *yaml, bool restored)
{
    struct counts counts = {.complete = 0};
    struct result_sink sink = {.take = take, .context = &counts};
    struct schema *schema = schema_new(NULL), *again = schema_new(NULL);
    struct mapper others;
    mapper_init(&others, other);
    (void)schema_set(again, &others.phases, 0); /* ids are not those of the schema before */
    mapper_clear(&others);
    struct joiner *joiner = joiner_new(schema, sink);
    add(joiner, schema, shop, 1, "shop:begin");
    struct schema *used = schema;
    if (restored) {
        struct saved_state saved = {.count = 0};
        struct failure why;
        joiner_save(joiner, saved_state_sink(&saved));
        joiner_free(joiner);
        used = again;
        cr_assert(eq(int, joiner_restore(again, sink, saved.records, saved.count, &joiner, &why),
                     STATUS_OK),
                  "%s", why.text);
        saved_state_clear(&saved);
    }
    add(joiner, used, yaml, 2, "shop:end");
    joiner_finish(joiner);
    joiner_free(joiner);
    schema_free(schema);
    schema_free(again);
    return counts;
}

Test(changed_phases, leave_open_what_is_defined_as_before)
{
    for (int restored = 0; restored <= 1; restored++) {
        struct counts same = counts_after(shop, restored), among = counts_after(more, restored);
        cr_expect(same.complete == 1 && same.unknown == 0 && same.changed == 0);
        cr_expect(among.complete == 1 && among.unknown == 0 && among.changed == 0);
    }
}

Test(changed_phases, end_the_others_softly)
{
    for (int restored = 0; restored <= 1; restored++) {
        struct counts counts = counts_after(other, restored);
        cr_expect(counts.complete == 0 && counts.unknown == 1 && counts.changed == 1);
    }
}
