/* Phase definitions with all that they may have come back as they were, and of damaged ones nothing
 * is read that is not there. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#include "wire/phases_codec.h"

static const char yaml[] = "phases:\n"
                           "  - name: request\n"
                           "    begin: shop:begin\n"
                           "    end: shop:end\n"
                           "    match: [id]\n"
                           "    capture: [path, id]\n"
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
    cr_expect(message.count < PHASES_BYTES_MAX && message.count < 250, "%zu bytes", message.count);
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
