#include "reducer/kept_phases.h"

#include <string.h>

#include "wire/phases_codec.h"

/* The first byte. At least the format of the rest of the state when this record was added, so that
 * older programs report a newer format. */
enum { PHASES_FORMAT = 3 };

static const char KEY[] = "phases";

/* Whether it is this record, which the core does not know. */
static bool kept_phases_is(const struct kept_record *record)
{
    return text_equal(record->key, text_of(KEY));
}

void kept_phases_save(const struct phase_set *phases, struct keep_sink sink)
{
    if (phase_set_is_empty(phases))
        return;
    struct arena arena = {.first = NULL};
    struct bytes message = phases_encode(phases, &arena);
    uint8_t *record = arena_take(&arena, 1 + message.count);
    record[0] = PHASES_FORMAT;
    memcpy(record + 1, message.at, message.count);
    sink.take(sink.context, text_of(KEY), (struct bytes){record, 1 + message.count});
    arena_clear(&arena);
}

static enum status decode(struct schema *schema, struct bytes record, const struct phase_set **out,
                          struct failure *why)
{
    if (record.count > 0 && record.at[0] > PHASES_FORMAT)
        return fail(why, STATUS_STOP,
                    "format %u of phase definitions is newer than this program supports",
                    record.at[0]);
    if (record.count == 0 || record.at[0] != PHASES_FORMAT)
        return fail(why, STATUS_REJECT, "the record %s is damaged", KEY);
    struct arena arena = {.first = NULL};
    struct phase_definitions phases;
    enum status status =
        phases_decode((struct bytes){record.at + 1, record.count - 1}, &arena, &phases, why);
    if (status == STATUS_OK)
        status = phases_set(&phases, schema, out, why);
    arena_clear(&arena);
    return status;
}

enum status kept_phases_restore(struct schema *schema, const struct kept_record *records,
                                size_t count, const struct phase_set **out, struct failure *why)
{
    *out = schema_set(schema, NULL, 0);
    for (size_t i = 0; i < count; i++)
        if (kept_phases_is(&records[i]))
            return decode(schema, records[i].record, out, why);
    return STATUS_OK;
}
