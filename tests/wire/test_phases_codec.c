/* Phase definitions with all their parts are decoded as they were encoded; decoding damaged ones
 * does not read out of bounds. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#include "laws/map_piece.h"
#include "reducer/decoded_chunk.h"
#include "wire/message.h"
#include "wire/partial_codec.h"
#include "wire/partial_peek.h"
#include "wire/phases_codec.h"

static const char yaml[] = "phases:\n"
                           "  - name: request\n"
                           "    begin: shop:begin\n"
                           "    end: shop:end\n"
                           "    match: [id]\n"
                           "    capture: [path, id]\n"
                           "    keep: 3\n"
                           "    keep_over: 500ms\n"
                           "    segments: $step\n"
                           "  - name: $step\n"
                           "    parent: request\n"
                           "    begin: shop:step\n"
                           "    end: shop:end\n"
                           "    match: [id, step]\n"
                           "counts:\n"
                           "  - {name: errors, event: 'mall:*', by: [code, $ctx.vpid, process],\n"
                           "     where: '$evt.code >= 500 && !($evt.a == 1 || $evt.b == \"x\")',\n"
                           "     value: size}\n"
                           "  - {name: all, event: '*'}\n"
                           "spans:\n"
                           "  - {name: disk, begin: 'block_*', end: block_rq_complete, on: cpu,\n"
                           "     begin_where: '$evt.n > 0', end_where: '$evt.error == 0',\n"
                           "     match: [dev=device, $ctx.vpid], by: [dev, cpu], timeout: 5s}\n";
static const char *const periods[] = {
    "a($step): $evt.$name == \"x\" && $evt.k >= -5 && $evt.big == 18446744073709551615",
    "$file: $evt.$name == \"x\" && $evt.path == \"/etc/*\" : $evt.$name == \"y\" && $evt.id == "
    "$begin.$evt.number",
};

static struct phase_definitions definitions(void)
{
    struct phase_definitions phases;
    struct failure why;
    phases_init(&phases);
    struct bytes text = {(const uint8_t *)yaml, strlen(yaml)};
    cr_assert(eq(int, phases_add_yaml(&phases, "test", text, &why), STATUS_OK), "%s", why.text);
    for (size_t i = 0; i < sizeof periods / sizeof *periods; i++)
        cr_assert(eq(int, phases_add_period(&phases, text_of(periods[i]), &why), STATUS_OK), "%s",
                  why.text);
    return phases;
}

Test(phases_codec, tells_how_many_built_in_counts_there_are)
{
    static const struct built_in_count number = {.number = 0};
    static const struct count_definition count = {
        .name = BUILT_IN_PREFIX "a", .event = "a", .built_in = &number};
    static const struct count_definition *const counts[] = {&count};
    struct phase_sets sets = {.built_in = counts, .built_in_count = 1};
    struct arena arena = {.first = NULL};
    struct phase_definitions back;
    struct failure why;
    const struct phase_set *set = phase_sets_add(&sets, NULL, 1, true);
    cr_expect(ne(u64, set->digest, phase_sets_add(&sets, NULL, 0, true)->digest));
    cr_assert(eq(int, phases_decode(phases_encode(set, &arena), &arena, &back, &why), STATUS_OK));
    cr_expect(eq(sz, back.count_count, 0));
    cr_expect(eq(sz, back.built_in_count, 1));

    struct schema *older = schema_new(NULL);
    cr_expect(eq(int, phases_set(&back, older, &set, &why), STATUS_STOP));
    cr_expect(strcmp(why.text, "1 built-in counts, but this program has 0") == 0);
    schema_free(older);
    phase_sets_clear(&sets);
    arena_clear(&arena);
}

Test(phases_codec, come_back_as_they_were)
{
    struct phase_definitions phases = definitions(), back;
    struct phase_sets sets = {.count = 0};
    struct arena arena = {.first = NULL};
    struct failure why;
    const struct phase_set *set = phase_sets_add(&sets, &phases, 0, true);
    struct bytes message = phases_encode(set, &arena);
    cr_assert(eq(int, phases_decode(message, &arena, &back, &why), STATUS_OK), "%s", why.text);
    cr_expect(eq(sz, back.count, 4));
    cr_expect(eq(sz, back.count_count, 3));
    cr_expect(eq(u64, phases_digest(&back), set->digest));
    cr_expect(message.count < PHASES_BYTES_MAX && message.count < 600, "%zu bytes", message.count);
    arena_clear(&arena);
    phase_sets_clear(&sets);
    phases_clear(&phases);
}

Test(phases_codec, any_byte_may_be_another_or_missing)
{
    struct phase_definitions phases = definitions();
    struct phase_sets sets = {.count = 0};
    struct arena arena = {.first = NULL};
    struct bytes message = phases_encode(phase_sets_add(&sets, &phases, 0, true), &arena);
    for (size_t at = 0; at < 9 * message.count; at++) {
        size_t count = at < message.count ? at : message.count;
        uint8_t *copy = malloc(count + 1); /* so that ASan detects reads past the end */
        memcpy(copy, message.at, count);
        if (at >= message.count)
            copy[at / 8 % count] ^= (uint8_t)(1u << at % 8);
        struct arena own = {.first = NULL};
        struct phase_definitions back;
        struct failure why;
        enum status status = phases_decode((struct bytes){copy, count}, &own, &back, &why);
        cr_assert(status == STATUS_OK || status == STATUS_REJECT);
        if (status == STATUS_OK)
            (void)phases_digest(&back);
        arena_clear(&own);
        free(copy);
    }
    arena_clear(&arena);
    phase_sets_clear(&sets);
    phases_clear(&phases);
}

/* A chunk of one event, under the schema's own definitions. */
static void encode_chunk(struct schema *schema, struct piece_records *records)
{
    static const struct field_value fields[] = {{.type = FIELD_UINT, .u = 5},
                                                {.type = FIELD_UINT, .u = 6}};
    struct event event = {.time_ns = 10,
                          .class = schema_class(schema, DOMAIN_UST, text_of("shop:step")),
                          .domain = DOMAIN_UST,
                          .has = EVENT_HAS_VPID,
                          .vpid = 7,
                          .field_count = 2,
                          .fields = fields};
    struct interval_end end = {
        .end_ns = 20, .host = text_of("h"), .session = text_of("s"), .created = text_of("c")};
    struct map_piece piece;
    map_piece_begin(&piece, schema, &end);
    core_map(piece.core, &event, 1);
    map_piece_end(&piece, &(struct record_meta){.session = text_of("s"), .attempt = 1},
                  (struct record_sink){piece_records_take, records});
    cr_assert(eq(sz, records->count, 2));
}

Test(phases_codec, of_another_process_make_its_events_be_read)
{
    struct phase_definitions phases = definitions();
    struct schema *mapper = schema_new(&phases), *reducer = schema_new(NULL);
    struct piece_records records = {.count = 0};
    struct failure why;
    encode_chunk(mapper, &records);
    struct decoded_chunk whole;
    cr_assert(eq(int, decoded_chunk_read(records.at, 2, reducer, NULL, &whole, &why), STATUS_OK),
              "%s", why.text);
    size_t at = 0;
    while (at < whole.row.count && whole.row.at[at]->kind != RECORD_EVENT)
        at++;
    cr_assert(lt(sz, at, whole.row.count));
    const struct event *event = &whole.row.at[at]->step.event;
    cr_expect(event->field_count == 2 && event->vpid == 7 && event->class->begin_count == 1);
    cr_expect(eq(u64, event->fields[1].u, 6));
    decoded_chunk_clear(&whole);
    arena_clear(&records.arena);
    schema_free(mapper);
    schema_free(reducer);
    phases_clear(&phases);
}
