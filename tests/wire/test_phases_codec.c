/* Phase definitions with all that they may have come back as they were, and of damaged ones nothing
 * is read that is not there. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

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
                           "  - name: $step\n"
                           "    parent: request\n"
                           "    begin: shop:step\n"
                           "    end: shop:end\n"
                           "    match: [id, step]\n";
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

Test(phases_codec, come_back_as_they_were)
{
    struct phase_definitions phases = definitions(), back;
    struct phase_sets sets = {.count = 0};
    struct arena arena = {.first = NULL};
    struct failure why;
    const struct phase_set *set = phase_sets_add(&sets, &phases, true);
    struct bytes message = phases_encode(set, &arena);
    cr_assert(eq(int, phases_decode(message, &arena, &back, &why), STATUS_OK), "%s", why.text);
    cr_expect(eq(sz, back.count, 4));
    cr_expect(eq(u64, phases_digest(&back), set->digest));
    cr_expect(message.count < PHASES_BYTES_MAX && message.count < 280, "%zu bytes", message.count);
    arena_clear(&arena);
    phase_sets_clear(&sets);
    phases_clear(&phases);
}

Test(phases_codec, any_byte_may_be_another_or_missing)
{
    struct phase_definitions phases = definitions();
    struct phase_sets sets = {.count = 0};
    struct arena arena = {.first = NULL};
    struct bytes message = phases_encode(phase_sets_add(&sets, &phases, true), &arena);
    for (size_t at = 0; at < 9 * message.count; at++) {
        size_t count = at < message.count ? at : message.count;
        uint8_t *copy = malloc(count + 1); /* what is read behind its end is noticed (ASan) */
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

struct records {
    struct arena arena;
    struct bytes at[4];
    size_t count;
};

static void take(void *context, struct text key, struct bytes record)
{
    struct records *records = context;
    (void)key;
    uint8_t *copy = arena_take(&records->arena, record.count);
    memcpy(copy, record.at, record.count);
    records->at[records->count++] = (struct bytes){copy, record.count};
}

/* A chunk of one event, under the schema's own definitions. */
static void encode_chunk(struct schema *schema, struct records *records)
{
    static const struct field_value fields[] = {{.type = FIELD_UINT, .u = 5},
                                                {.type = FIELD_UINT, .u = 6}};
    struct item item = {.kind = ITEM_EVENT, .key_pid = 7};
    item.event.tid = 7;
    item.event.event =
        (struct event){.time_ns = 10,
                       .class = schema_class(schema, DOMAIN_UST, text_of("shop:step")),
                       .domain = DOMAIN_UST,
                       .has = EVENT_HAS_VPID,
                       .vpid = 7,
                       .field_count = 2,
                       .fields = fields};
    struct partial_encoder *encoder = partial_encoder_new(schema);
    partial_encoder_add(encoder, &item);
    struct record_meta meta = {.session = text_of("s"), .attempt = 1};
    struct interval_end end = {.items = 1,
                               .end_ns = 20,
                               .phases = schema_own_set(schema),
                               .host = text_of("h"),
                               .session = text_of("s"),
                               .created = text_of("c")};
    partial_encoder_finish(encoder, &meta, &end, (struct record_sink){take, records});
    partial_encoder_free(encoder);
    cr_assert(eq(sz, records->count, 2));
}

/* Takes the definitions, which are the last field of all, out of an end's record. */
static struct bytes without_phases(struct bytes record)
{
    enum { TAG = 31 };
    struct record_place place;
    struct failure why;
    cr_assert(eq(int, partial_peek(record, &place, &why), STATUS_OK));
    struct message message = message_of(place.body);
    const uint8_t *at = place.body.at;
    while (message_next(&message) && message.field != TAG)
        at = message.row.at;
    cr_assert(message.field == TAG && message.row.at == record.at + record.count);
    size_t count = (size_t)(at - place.body.at);
    uint8_t *length = (uint8_t *)(uintptr_t)place.body.at - 2; /* of two bytes before, and after */
    cr_assert(count >= 1 << 5 && place.body.count >= 1 << 7);
    length[0] = (uint8_t)(count | 0x80);
    length[1] = (uint8_t)(count >> 7);
    return (struct bytes){record.at, (size_t)(at - record.at)};
}

Test(phases_codec, of_another_process_make_its_events_be_read)
{
    struct phase_definitions phases = definitions();
    struct schema *mapper = schema_new(&phases), *reducer = schema_new(NULL);
    struct records records = {.count = 0};
    struct decoded_record decoded;
    struct failure why;
    encode_chunk(mapper, &records);
    for (int told = 1; told >= 0; told--) {
        /* That a chunk before told a set of that digest does not matter. */
        if (!told)
            records.at[1] = without_phases(records.at[1]);
        cr_assert(eq(int,
                     partial_decode(records.at[1], reducer, NULL, &records.arena, &decoded, &why),
                     STATUS_OK),
                  "%s", why.text);
        const struct phase_set *set = decoded.end.phases;
        cr_assert(eq(int, set != NULL, told));
        cr_assert(eq(int,
                     partial_decode(records.at[0], reducer, set, &records.arena, &decoded, &why),
                     STATUS_OK),
                  "%s", why.text);
        const struct event *event = &decoded.items[0].item->event.event;
        cr_expect(event->field_count == (told ? 2 : 0) && event->vpid == 7);
        cr_expect(event->class->begin_count == (told ? 1 : 0));
        if (told)
            cr_expect(eq(u64, event->fields[1].u, 6));
    }
    arena_clear(&records.arena);
    schema_free(mapper);
    schema_free(reducer);
    phases_clear(&phases);
}
