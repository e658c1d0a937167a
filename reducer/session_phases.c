#include "reducer/session_phases.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* The first byte; as in reducer/kept_phases.c. */
enum { USES_FORMAT = 3 };

static const char KEY[] = "phase_uses";

void session_phases_clear(struct session_phases *phases)
{
    arena_clear(&phases->arena);
    *phases = (struct session_phases){.set = NULL};
}

/* Number of definitions of `set` that are not in `other`. */
static size_t count_not_in(const struct phase_set *set, const struct phase_set *other)
{
    size_t count = 0;
    for (size_t i = 0; i < set->count; i++)
        count += !phase_set_has(other, set->ids[i]);
    for (size_t i = 0; i < phase_set_defined_counts(set); i++) {
        uint64_t digest = count_digest(set->counts[i]);
        bool has = false;
        for (size_t k = 0; k < phase_set_defined_counts(other) && !has; k++)
            has = count_digest(other->counts[k]) == digest;
        count += !has;
    }
    return count;
}

/* NULL: no user definition has changed. */
static const char *describe(const struct phase_set *before, const struct phase_set *now,
                            struct arena *arena)
{
    size_t count = now->count + phase_set_defined_counts(now);
    size_t added = count_not_in(now, before), gone = count_not_in(before, now);
    if (added + gone == 0 && before->built_in_count != now->built_in_count)
        return NULL;
    char *what =
        memory_format("mapped with definitions that differ from the previous chunk: %zu new, %zu "
                      "removed, %zu unchanged; open instances of removed definitions end here",
                      added, gone, count - added);
    const char *kept = arena_string(arena, text_of(what));
    free(what);
    return kept;
}

struct phases_news session_phases_join(struct session_phases *phases,
                                       const struct interval_end *end, struct arena *arena)
{
    struct phases_news news = {.change = NULL};
    /* An empty interval was mapped without definitions. */
    if (end->phases && (end->begin_ns < end->end_ns || end->items > 0)) {
        if (phases->set && phases->set != end->phases)
            news.change = describe(phases->set, end->phases, arena);
        phases->set = end->phases;
    }
    struct phase_uses before = phases->uses;
    phase_uses_add(&phases->uses, &phases->arena, end->uses);
    news.faults = phase_uses_new_faults(before, phases->uses, arena, &news.fault_count);
    return news;
}

void session_phases_save(const struct session_phases *phases, struct keep_sink sink)
{
    if (phases->uses.count == 0)
        return;
    struct bytes packed = phase_uses_pack(phases->uses);
    uint8_t *record = memory_new(1 + packed.count);
    record[0] = USES_FORMAT;
    memcpy(record + 1, packed.at, packed.count);
    sink.take(sink.context, text_of(KEY), (struct bytes){record, 1 + packed.count});
    free(record);
    free((void *)(uintptr_t)packed.at);
}

bool session_phases_is(struct text key)
{
    return text_equal(key, text_of(KEY));
}

enum status session_phases_restore(struct session_phases *phases, struct bytes record,
                                   struct failure *why)
{
    if (record.count > 0 && record.at[0] > USES_FORMAT)
        return fail(
            why, STATUS_STOP,
            "format %u of the matches of phase definitions is newer than this program supports",
            record.at[0]);
    if (record.count == 0 || record.at[0] != USES_FORMAT)
        return fail(why, STATUS_REJECT, "the record %s is damaged", KEY);
    struct arena arena = {.first = NULL};
    struct bytes packed = {record.at + 1, record.count - 1};
    phases->uses = phase_uses_copy(&phases->arena, phase_uses_unpack(&arena, packed));
    arena_clear(&arena);
    return STATUS_OK;
}
