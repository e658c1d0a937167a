/* Records and state as an earlier version of the program has written them (tests/data/formats): this one comes
 * to the same with them as with its own. KEEP_FORMATS=FOLDER writes such files by this version. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "churn.h"
#include "law.h"
#include "reducer/partition.h"
#include "results/fold.h"
#include "wire/outbox.h"
#include "wire/result_codec.h"

enum { CHUNKS = 4, SAVED = 2 }; /* number in total, and before the stored state */

static const struct churn_options options = {
    .processes = 2, .requests = 4, .silent = 2, .threads = 4, .active = 2, .losses = true};

struct entry {
    struct text key;
    struct bytes record;
};

struct entries {
    struct arena arena;
    struct entry at[1024];
    size_t count;
    size_t chunk_end[CHUNKS]; /* records of partials: the end of those of a chunk */
};

static void keep(void *context, struct text key, struct bytes record)
{
    struct entries *entries = context;
    uint8_t *copy = arena_take(&entries->arena, record.count + 1);
    if (record.count > 0)
        memcpy(copy, record.at, record.count);
    cr_assert(lt(sz, entries->count, sizeof entries->at / sizeof *entries->at));
    entries->at[entries->count++] =
        (struct entry){{arena_string(&entries->arena, key), key.count}, {copy, record.count}};
}

/* --- files: for each record, the size and bytes of its key, then of its value --- */

static void put(FILE *file, const void *at, size_t count)
{
    fputc((int)(count & 255), file);
    fputc((int)(count >> 8), file);
    fwrite(at, 1, count, file);
}

static void write_file(const struct entries *entries, const char *folder, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    cr_assert(ne(ptr, file, NULL));
    for (size_t i = 0; i < entries->count; i++) {
        put(file, entries->at[i].key.at, entries->at[i].key.count);
        put(file, entries->at[i].record.at, entries->at[i].record.count);
    }
    cr_assert(eq(int, fclose(file), 0));
}

static bool take_part(FILE *file, struct arena *arena, struct bytes *out)
{
    int low = fgetc(file), high = fgetc(file);
    if (high == EOF)
        return false;
    size_t count = (size_t)low | (size_t)high << 8;
    uint8_t *at = arena_take(arena, count + 1);
    *out = (struct bytes){at, count};
    return fread(at, 1, count, file) == count;
}

static struct entries *read_file(const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, TEST_DATA "/formats/%s", name);
    FILE *file = fopen(path, "rb");
    cr_assert(ne(ptr, file, NULL), "%s", path);
    struct entries *entries = memory_new(sizeof *entries);
    struct bytes key, record;
    while (take_part(file, &entries->arena, &key) && take_part(file, &entries->arena, &record))
        keep(entries, (struct text){(const char *)key.at, key.count}, record);
    fclose(file);
    return entries;
}

static void entries_free(struct entries *entries)
{
    arena_clear(&entries->arena);
    free(entries);
}

/* --- a reducer --- */

struct reducing {
    struct partition *partition;
    struct outbox results, changes;
    struct fold *fold;
    int64_t next;
};

static void begin(struct reducing *reducing, const struct entries *state)
{
    *reducing = (struct reducing){.fold = fold_new(text_of(CHURN_SESSION))};
    reducing->partition =
        partition_new(&(struct partition_options){.spill_folder = "/tmp",
                                                  .results = outbox_sink(&reducing->results),
                                                  .state = outbox_sink(&reducing->changes)});
    size_t count = state ? state->count : 0;
    struct key_value *entries = memory_new((count + 1) * sizeof *entries);
    for (size_t i = 0; i < count; i++)
        entries[i] = (struct key_value){state->at[i].key, state->at[i].record};
    struct failure why;
    cr_assert(eq(int, partition_restore(reducing->partition, entries, count, &why), STATUS_OK),
              "%s", why.text);
    free(entries);
}

static void take(struct reducing *reducing, const struct entries *records, size_t from, size_t to)
{
    struct failure why;
    for (size_t i = from; i < to; i++, reducing->next++)
        cr_assert(eq(int,
                     partition_take(reducing->partition, records->at[i].record, reducing->next,
                                    1000 + reducing->next, &why),
                     STATUS_OK),
                  "%s", why.text);
    partition_save(reducing->partition);
}

static char *report(struct reducing *reducing)
{
    for (size_t i = 0; i < reducing->results.count; i++) {
        struct arena arena = {.first = NULL};
        struct result_record record;
        struct failure why;
        cr_assert(eq(int, result_decode(reducing->results.records[i].value, &arena, &record, &why),
                     STATUS_OK));
        for (size_t j = 0; j < record.count; j++)
            fold_take(reducing->fold, &record.results[j]);
        arena_clear(&arena);
    }
    return law_fold_report(reducing->fold);
}

static void end(struct reducing *reducing)
{
    partition_free(reducing->partition);
    outbox_clear(&reducing->results);
    outbox_clear(&reducing->changes);
    fold_free(reducing->fold);
}

/* --- this version --- */

static struct entries *map_all(void)
{
    struct phase_definitions phases;
    struct failure why;
    phases_init(&phases);
    struct bytes yaml = {(const uint8_t *)churn_phases, strlen(churn_phases)};
    cr_assert(eq(int, phases_add_yaml(&phases, "churn", yaml, &why), STATUS_OK), "%s", why.text);
    struct schema *schema = schema_new(&phases);
    struct entries *records = memory_new(sizeof *records);
    for (size_t i = 0; i < CHUNKS; i++) {
        churn_map(schema, &options, i, i + 1 == CHUNKS, (struct record_sink){keep, records});
        records->chunk_end[i] = records->count;
    }
    schema_free(schema);
    phases_clear(&phases);
    return records;
}

static void expect_same(const char *what, const char *expected, char *found)
{
    char difference[4096];
    bool differs = law_difference(expected, found, difference, sizeof difference);
    cr_expect(not(differs), "%s: %s", what, difference);
    free(found);
}

/* The report of the last chunks joined to a state; of the state alone if `state` is NULL. */
static char *report_behind(const struct entries *state, const struct entries *records,
                           const struct entries *own)
{
    struct reducing reducing;
    begin(&reducing, state);
    if (!state) {
        take(&reducing, own, 0, own->chunk_end[SAVED - 1]);
        outbox_reset(&reducing.results);
    }
    take(&reducing, records, own->chunk_end[SAVED - 1], own->count);
    char *json = report(&reducing);
    end(&reducing);
    return json;
}

/* Removes the data of CPUs that mappers of that version did not send. */
static char *without_idle(char *json)
{
    static const char idle[] = ",\"idle_ns\":";
    for (char *at = json; (at = strstr(at, idle));) {
        char *behind = at + strlen(idle);
        behind += strspn(behind, "0123456789");
        memmove(at, behind, strlen(behind) + 1);
    }
    return json;
}

/* Removes what mappers of that version did not send: lines of waits, idle time. */
static char *without_later(char *json)
{
    static const char *const later[] = {"{\"type\":\"waker\"", "{\"type\":\"ran_instead\""};
    char *to = json;
    for (const char *line = json, *end; *line; line = end) {
        end = strchrnul(line, '\n');
        end += *end == '\n';
        bool is_later = false;
        for (size_t i = 0; i < sizeof later / sizeof *later; i++)
            is_later |= strncmp(line, later[i], strlen(later[i])) == 0;
        if (is_later)
            continue;
        memmove(to, line, (size_t)(end - line));
        to += end - line;
    }
    *to = '\0';
    return without_idle(json);
}

static void write_formats(const struct entries *own, const char *folder)
{
    struct reducing reducing;
    begin(&reducing, NULL);
    take(&reducing, own, 0, own->chunk_end[SAVED - 1]);
    struct entries *state = memory_new(sizeof *state);
    for (size_t i = 0; i < reducing.changes.count; i++)
        keep(state, reducing.changes.records[i].key, reducing.changes.records[i].value);
    write_file(own, folder, "partials-5.bin");
    write_file(state, folder, "state-5.bin");
    entries_free(state);
    end(&reducing);
}

Test(kept_formats, come_to_the_same)
{
    struct entries *own = map_all();
    const char *folder = getenv("KEEP_FORMATS");
    if (folder)
        write_formats(own, folder);
    struct entries *records = read_file("partials-5.bin"), *state = read_file("state-5.bin");
    cr_assert(eq(sz, records->count, own->count));

    struct reducing now, then;
    begin(&now, NULL);
    begin(&then, NULL);
    take(&now, own, 0, own->count);
    take(&then, records, 0, records->count);
    char *expected = without_later(report(&now));
    cr_expect(ne(ptr, strstr(expected, "\"type\":\"instance\""), NULL));
    expect_same("records", expected, without_later(report(&then)));
    free(expected);
    end(&now);
    end(&then);

    expected = report_behind(NULL, own, own);
    expect_same("state", expected, report_behind(state, own, own));
    free(expected);
    entries_free(own);
    entries_free(records);
    entries_free(state);
}
