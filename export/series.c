#include "export/series.h"

#include <assert.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/row.h"
#include "base/session_name.h"

static_assert(SERIES_LABEL_MAX == SESSION_NAME_ROOM - 1, "values are made by session_name_part()");

enum {
    FORMAT = 2 /* 1: without sample_ms */,
    KEY_MAX = 128 + FAMILY_LABELS_MAX * SESSION_NAME_ROOM
};

/* Flags of a saved series; format 1 only has the first. */
enum { SAVED_NEVER_SENT = 1, SAVED_CHANGED = 2 };

void series_clear(struct series_set *set)
{
    for (size_t i = 0; i < set->keys.count; i++)
        durations_clear(&set->at[i].durations);
    free(set->at);
    free(set->dirty);
    arena_clear(&set->opening);
    names_clear(&set->keys);
    *set = (struct series_set){.limit = set->limit};
}

/* --- finding them --- */

static size_t put_text(char *at, const char *text)
{
    size_t count = strlen(text) + 1;
    memcpy(at, text, count);
    return count;
}

/* `other`: replaces values from the trace. */
static struct text put_key(char room[KEY_MAX], const struct family *family,
                           const struct text *labels, bool other)
{
    size_t count = put_text(room, family->name);
    for (uint8_t i = 0; i < family->label_count; i++) {
        char value[SESSION_NAME_ROOM];
        session_name_part(labels[i], value);
        count += put_text(&room[count], other && i < family->open_count ? "other" : value);
    }
    assert(count <= KEY_MAX);
    return (struct text){room, count};
}

static struct series *series_new(struct series_set *set, struct text key)
{
    size_t index = set->keys.count, block = index / SERIES_BLOCK;
    uint32_t id = names_id(&set->keys, key);
    assert(id == index);
    set->at = memory_grow(set->at, &set->room, index + 1, sizeof *set->at);
    set->at[id] = (struct series){.sample_ms = 0};
    if (index % SERIES_BLOCK == 0) {
        set->dirty = memory_grow(set->dirty, &set->dirty_room, block + 1, sizeof *set->dirty);
        set->dirty[block] = false;
    }
    return &set->at[id];
}

/* If a series is new or had no recent sample, its old value must be sent, too. */
static bool opens(const struct series_set *set, const struct series *series)
{
    return series->kind != FAMILY_GAUGE &&
           (series->sample_ms == 0 || series->sample_ms < set->sample_ms);
}

static void keep_before(struct series_set *set, struct series *series)
{
    if (set->opening_used)
        arena_clear(&set->opening);
    set->opening_used = false;
    series->before = durations_copy(&set->opening, &series->durations);
}

static struct series *series_at(struct series_set *set, const struct family *family,
                                const struct text *labels)
{
    char room[KEY_MAX];
    struct text key = put_key(room, family, labels, false);
    uint32_t id = names_find(&set->keys, key);
    if (id == NAMES_NONE && set->keys.count >= set->limit && family->open_count > 0) {
        set->over++;
        key = put_key(room, family, labels, true);
        id = names_find(&set->keys, key);
    }
    struct series *series = id == NAMES_NONE ? series_new(set, key) : &set->at[id];
    series->family = family;
    series->kind = family->kind;
    if (!series->changed && opens(set, series))
        keep_before(set, series);
    series->changed = true;
    set->dirty[(size_t)(series - set->at) / SERIES_BLOCK] = true;
    return series;
}

void series_add(struct series_set *set, const struct family *family, const struct text *labels,
                int64_t more)
{
    assert(family->kind == FAMILY_COUNTER);
    if (more != 0)
        series_at(set, family, labels)->sum += more;
}

void series_put(struct series_set *set, const struct family *family, const struct text *labels,
                int64_t number)
{
    assert(family->kind == FAMILY_GAUGE);
    series_at(set, family, labels)->sum = number;
}

void series_observe(struct series_set *set, const struct family *family, const struct text *labels,
                    const struct durations *more)
{
    assert(family->kind == FAMILY_DURATIONS);
    if (more->count > 0)
        durations_merge(&series_at(set, family, labels)->durations, more);
}

/* --- values --- */

static struct text next_text(struct text *rest)
{
    struct text part = {rest->at, strlen(rest->at)};
    assert(part.count < rest->count);
    rest->at += part.count + 1;
    rest->count -= part.count + 1;
    return part;
}

/* A later interval may reduce earlier time that turns out to be unknown; a counter then stays
 * constant until the sum exceeds it again. */
static int64_t number_of(struct series *series)
{
    if (series->kind == FAMILY_GAUGE)
        return series->sum;
    if (series->sum > series->sent)
        series->sent = series->sum;
    return series->sent;
}

static void put_sample(const struct series_set *set, size_t index, struct sample *out)
{
    struct series *series = &set->at[index];
    bool durations = series->kind == FAMILY_DURATIONS, opened = opens(set, series);
    *out = (struct sample){.family = series->family,
                           .opens = opened,
                           .number_before = opened ? series->sent : 0,
                           .durations_before = durations && opened ? &series->before : NULL,
                           .durations = durations ? &series->durations : NULL};
    out->number = number_of(series);
    struct text rest = names_text(&set->keys, (uint32_t)index);
    next_text(&rest);
    for (uint8_t label = 0; label < series->family->label_count; label++)
        out->labels[label] = next_text(&rest);
}

size_t series_take_samples(struct series_set *set, int64_t end_ms, struct arena *arena,
                           struct sample **out)
{
    assert(end_ms > set->sample_ms);
    size_t count = 0;
    for (size_t i = 0; i < set->keys.count; i++)
        count += set->at[i].changed && set->at[i].family;
    struct sample *samples = arena_take(arena, (count + 1) * sizeof *samples);
    count = 0;
    for (size_t i = 0; i < set->keys.count; i++) {
        struct series *series = &set->at[i];
        if (!series->changed || !series->family)
            continue;
        put_sample(set, i, &samples[count++]);
        series->sample_ms = end_ms;
        series->changed = false;
    }
    set->sample_ms = end_ms;
    set->opening_used = true;
    *out = samples;
    return count;
}

/* --- as bytes ---
 *
 *     format; how many; of each: bytes of the key, key; kind; SAVED_*; sum; sent; sample_ms;
 *     of durations: 0, or 1 and what durations_put() writes */

static size_t bytes_at_most(const struct series *series, struct text key)
{
    return 9 * ROW_NUMBER + key.count + durations_numbers(&series->durations) * ROW_NUMBER;
}

static uint8_t *save_one(uint8_t *at, const struct series *series, struct text key)
{
    at = row_put(at, key.count);
    memcpy(at, key.at, key.count);
    at = row_put(at + key.count, series->kind);
    at = row_put(at, series->changed ? SAVED_CHANGED : 0);
    at = row_put_signed(at, series->sum);
    at = row_put_signed(at, series->sent);
    at = row_put_signed(at, series->sample_ms);
    at = row_put(at, series->durations.count > 0);
    return series->durations.count > 0 ? durations_put(at, &series->durations) : at;
}

bool series_save(struct series_set *set, size_t *at, struct arena *arena, struct bytes *out)
{
    size_t blocks = (set->keys.count + SERIES_BLOCK - 1) / SERIES_BLOCK;
    while (*at < blocks && !set->dirty[*at])
        ++*at;
    if (*at == blocks)
        return false;
    size_t first = *at * SERIES_BLOCK, end = first + SERIES_BLOCK, room = 2 * ROW_NUMBER;
    if (end > set->keys.count)
        end = set->keys.count;
    for (size_t i = first; i < end; i++)
        room += bytes_at_most(&set->at[i], names_text(&set->keys, (uint32_t)i));
    uint8_t *bytes = arena_take(arena, room + ROW_SLACK);
    uint8_t *behind = row_put(row_put(bytes, FORMAT), end - first);
    for (size_t i = first; i < end; i++)
        behind = save_one(behind, &set->at[i], names_text(&set->keys, (uint32_t)i));
    *out = (struct bytes){bytes, (size_t)(behind - bytes)};
    set->dirty[*at] = false;
    return true;
}

/* Whether a key has the name of its family and one text for each label. */
static bool fits(struct text key, const struct family *family)
{
    size_t texts = 0;
    for (size_t i = 0; i < key.count; i++)
        texts += key.at[i] == '\0';
    return texts == (size_t)family->label_count + 1;
}

static bool restore_one(struct series_set *set, struct row_reader *row, uint64_t format,
                        const struct family *(*find)(const void *context, struct text name),
                        const void *context)
{
    size_t count = row_take_count(row, 1);
    struct text key = {(const char *)row->at, count};
    row->at += count;
    if (row->bad || count == 0 || key.at[count - 1] != '\0' ||
        names_find(&set->keys, key) != NAMES_NONE)
        return false;
    struct series *series = series_new(set, key);
    series->kind = (enum family_kind)(row_take(row) & 3);
    uint64_t bits = row_take(row);
    series->changed = bits & SAVED_CHANGED;
    series->sum = row_take_signed(row);
    series->sent = row_take_signed(row);
    series->sample_ms = bits & SAVED_NEVER_SENT ? 0 : INT64_MAX;
    if (format > 1)
        series->sample_ms = row_take_signed(row);
    struct text name = {key.at, strlen(key.at)};
    series->family = find(context, name);
    if (series->family && (series->family->kind != series->kind || !fits(key, series->family)))
        return false;
    if (row_take(row) == 0)
        return !row->bad;
    struct arena arena = {.first = NULL};
    struct durations durations = {.count = 0};
    durations_take(row, &arena, &durations);
    if (!row->bad)
        durations_merge(&series->durations, &durations);
    arena_clear(&arena);
    return !row->bad;
}

enum status series_restore(struct series_set *set, struct bytes block,
                           const struct family *(*find)(const void *context, struct text name),
                           const void *context, struct failure *why)
{
    struct row_reader row = {.at = block.at, .end = block.at + block.count};
    uint64_t format = row_take(&row);
    if (format > FORMAT)
        return fail(why, STATUS_STOP,
                    "format %llu of series is newer than this program supports (%d)",
                    (unsigned long long)format, FORMAT);
    if (set->keys.count % SERIES_BLOCK != 0)
        return fail(why, STATUS_REJECT, "a block of series follows one that is not full");
    uint64_t count = row_take(&row);
    bool good = !row.bad && count > 0 && count <= SERIES_BLOCK;
    for (uint64_t i = 0; i < count && good; i++)
        good = restore_one(set, &row, format, find, context);
    if (!good || row_left(&row) > 0)
        return fail(why, STATUS_REJECT, "the series are inconsistent: %zu bytes", block.count);
    return STATUS_OK;
}
