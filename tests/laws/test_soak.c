/* A session that repeats the same work for long: after 1,000 intervals, the reducer uses as much
 * memory and writes as much state as after 300. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/map.h"
#include "base/memory.h"
#include "churn.h"
#include "law.h"
#include "reducer/partition.h"
#include "results/fold.h"
#include "wire/outbox.h"
#include "wire/result_codec.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { INTERVALS = 200, EARLY = 100, SANITIZED = 1 };
#else
enum { INTERVALS = 1000, EARLY = 300, SANITIZED = 0 };
#endif
enum { RECORD_MAX = 256 << 10 };

/* A record of the state as a compacted topic has it. */
struct entry {
    char *key;
    struct bytes record; /* owned */
};

struct soak {
    struct phase_definitions phases;
    struct schema *schema;
    const struct churn_options *options;
    struct partition *partition;
    struct outbox results, changes;
    struct map state;  /* hash of the key -> struct entry */
    size_t bytes;      /* of it */
    size_t largest;    /* record ever written */
    size_t written;    /* bytes in the last save */
    struct fold *fold; /* of the results; NULL: not needed */
    int64_t next;
};

static void start(struct soak *soak)
{
    soak->partition =
        partition_new(&(struct partition_options){.spill_folder = "/tmp",
                                                  .results = outbox_sink(&soak->results),
                                                  .state = outbox_sink(&soak->changes)});
    struct key_value *entries = memory_new((soak->state.count + 1) * sizeof *entries);
    size_t count = 0;
    const struct entry *entry;
    for (size_t at = 0; (entry = map_next(&soak->state, &at));)
        entries[count++] = (struct key_value){text_of(entry->key), entry->record};
    struct failure why;
    cr_assert(eq(int, partition_restore(soak->partition, entries, count, &why), STATUS_OK), "%s",
              why.text);
    free(entries);
}

static void forget(struct soak *soak, struct entry *entry)
{
    soak->bytes -= entry->record.count;
    free((void *)(uintptr_t)entry->record.at);
    free(entry->key);
    free(entry);
}

static void write_state(struct soak *soak)
{
    soak->written = 0;
    for (size_t i = 0; i < soak->changes.count; i++) {
        const struct outbox_record *record = &soak->changes.records[i];
        uint64_t key = hash_text(record->key);
        struct entry *old = map_remove(&soak->state, key);
        if (old)
            forget(soak, old);
        soak->written += record->key.count + record->value.count;
        if (record->value.count > soak->largest)
            soak->largest = record->value.count;
        if (record->tombstone)
            continue;
        struct entry *entry = memory_new(sizeof *entry);
        uint8_t *copy = memory_new(record->value.count + 1);
        memcpy(copy, record->value.at, record->value.count);
        *entry = (struct entry){memory_string(record->key), {copy, record->value.count}};
        soak->bytes += record->value.count;
        map_put(&soak->state, key, entry);
    }
    outbox_reset(&soak->changes);
}

static void fold_results(struct soak *soak)
{
    for (size_t i = 0; soak->fold && i < soak->results.count; i++) {
        struct arena arena = {.first = NULL};
        struct result_record record;
        struct failure why;
        cr_assert(eq(int, result_decode(soak->results.records[i].value, &arena, &record, &why),
                     STATUS_OK));
        for (size_t j = 0; j < record.count; j++)
            fold_take(soak->fold, &record.results[j]);
        arena_clear(&arena);
    }
    outbox_reset(&soak->results);
}

static void take(void *context, struct text key, struct bytes record)
{
    struct soak *soak = context;
    struct failure why;
    (void)key;
    cr_assert(eq(int, partition_take(soak->partition, record, soak->next, 1000 + soak->next, &why),
                 STATUS_OK),
              "%s", why.text);
    soak->next++;
}

static void join(struct soak *soak, uint64_t chunk, bool final)
{
    churn_map(soak->schema, soak->options, chunk, final, (struct record_sink){take, soak});
    partition_save(soak->partition);
    write_state(soak);
    fold_results(soak);
}

static void soak_init(struct soak *soak, const struct churn_options *options)
{
    *soak = (struct soak){.options = options};
    struct failure why;
    phases_init(&soak->phases);
    struct bytes yaml = {(const uint8_t *)churn_phases, strlen(churn_phases)};
    cr_assert(eq(int, phases_add_yaml(&soak->phases, "churn", yaml, &why), STATUS_OK), "%s",
              why.text);
    soak->schema = schema_new(&soak->phases);
    start(soak);
}

static void soak_clear(struct soak *soak)
{
    partition_free(soak->partition);
    struct entry *entry;
    for (size_t at = 0; (entry = map_next(&soak->state, &at));)
        forget(soak, entry);
    map_clear(&soak->state);
    outbox_clear(&soak->results);
    outbox_clear(&soak->changes);
    schema_free(soak->schema);
    phases_clear(&soak->phases);
    fold_free(soak->fold);
}

/* Measurements at the end of an interval; the maximum of several intervals, because chunks differ
 * in what is republished. */
struct figures {
    size_t records, bytes, written, memory;
};

static void raise(size_t *most, size_t now)
{
    if (now > *most)
        *most = now;
}

static struct figures join_some(struct soak *soak, uint64_t *chunk, unsigned count)
{
    struct figures most = {.records = 0};
    for (unsigned i = 0; i < count; i++, ++*chunk) {
        join(soak, *chunk, false);
        raise(&most.records, soak->state.count);
        raise(&most.bytes, soak->bytes);
        raise(&most.written, soak->written);
        raise(&most.memory, mallinfo2().uordblks);
    }
    return most;
}

static struct figures soak_for_long(const struct churn_options *options)
{
    struct soak soak;
    soak_init(&soak, options);
    uint64_t chunk = 0;
    (void)join_some(&soak, &chunk, EARLY - 40);
    struct figures early = join_some(&soak, &chunk, 40);
    (void)join_some(&soak, &chunk, INTERVALS - EARLY - 40);
    struct figures late = join_some(&soak, &chunk, 40);
    if (getenv("SOAK_FIGURES"))
        fprintf(stderr,
                "records %zu %zu, bytes %zu %zu, written %zu %zu, memory %zu %zu, largest %zu\n",
                early.records, late.records, early.bytes, late.bytes, early.written, late.written,
                early.memory, late.memory, soak.largest);
    if (getenv("SOAK_DUMP")) {
        const struct entry *entry;
        for (size_t at = 0; (entry = map_next(&soak.state, &at));)
            fprintf(stderr, "%s %zu\n", entry->key, entry->record.count);
    }
    cr_expect(le(sz, late.records, early.records)); /* less: not everything of the early intervals
                                                     * exists in the late ones */
    cr_expect(lt(sz, soak.largest, RECORD_MAX));
    /* Counters need another byte from time to time. */
    cr_expect(lt(sz, late.bytes, early.bytes + early.bytes / 16));
    cr_expect(lt(sz, late.written, early.written + early.written / 16));
    if (!SANITIZED)
        cr_expect(lt(sz, late.memory, early.memory + early.memory / 16));
    soak_clear(&soak);
    return late;
}

static const struct churn_options usual = {
    .processes = 5, .requests = 20, .silent = 5, .threads = 10, .active = 4, .losses = true};

Test(soak, holds_what_lives)
{
    (void)soak_for_long(&usual);
}

Test(soak, holds_what_lives_where_no_switch_is_recorded)
{
    struct churn_options options = usual;
    options.no_switches = true;
    (void)soak_for_long(&options);
}

Test(soak, writes_what_changed)
{
    struct churn_options options = usual;
    struct figures few = soak_for_long(&options);
    options.threads = 1000;
    struct figures many = soak_for_long(&options);
    cr_expect(gt(sz, many.bytes, few.bytes + 30000));
    cr_expect(lt(sz, many.written, few.written + 2000));
}

/* Names from fields are stored only as long as an entity with that name. */
Test(soak, forgets_a_million_names)
{
    enum { NAMES = SANITIZED ? 50 : 5000, EARLIER = 60, ROUNDS = SANITIZED ? 80 : 1000000 / NAMES };
    const struct churn_options options = {.requests = NAMES, .threads = 2};
    struct soak soak;
    soak_init(&soak, &options);
    uint64_t chunk = 0;
    struct figures early = join_some(&soak, &chunk, EARLIER);
    (void)join_some(&soak, &chunk, ROUNDS - EARLIER - 10);
    struct figures late = join_some(&soak, &chunk, 10);
    cr_expect(le(sz, late.records, early.records));
    cr_expect(lt(sz, late.bytes, early.bytes + early.bytes / 16));
    if (!SANITIZED)
        cr_expect(lt(sz, late.memory, early.memory + early.memory / 16));
    soak_clear(&soak);
}

/* Phases that ended on a thread that is current on a CPU without events may be corrected for 10
 * s. */
Test(soak, keeps_records_small_where_a_cpu_is_silent)
{
    const struct churn_options options = {.silent = 1050, .threads = 2};
    struct soak soak;
    soak_init(&soak, &options);
    uint64_t chunk = 0;
    (void)join_some(&soak, &chunk, 15);
    struct figures early = join_some(&soak, &chunk, 5);
    struct figures late = join_some(&soak, &chunk, 20);
    cr_expect(le(sz, late.records, early.records + 1));
    cr_expect(lt(sz, late.bytes, early.bytes + early.bytes / 16));
    cr_expect(lt(sz, soak.largest, RECORD_MAX));
    soak_clear(&soak);
}

/* Killed after any interval and restored from its saved state, it emits the same results. */
Test(soak, goes_on_where_it_was_killed)
{
    enum { CHUNKS = 60 };
    char *reports[2];
    for (unsigned killed = 0; killed < 2; killed++) {
        struct soak soak;
        soak_init(&soak, &usual);
        soak.fold = fold_new(text_of(CHURN_SESSION));
        uint64_t random = 42;
        for (uint64_t chunk = 0; chunk < CHUNKS; chunk++) {
            join(&soak, chunk, chunk == CHUNKS - 1);
            if (killed && law_random(&random) % 2) {
                partition_free(soak.partition);
                start(&soak);
            }
        }
        reports[killed] = law_fold_report(soak.fold);
        soak_clear(&soak);
    }
    char difference[4096];
    bool differs = law_difference(reports[0], reports[1], difference, sizeof difference);
    cr_expect(not(differs), "%s", difference);
    free(reports[0]);
    free(reports[1]);
}

/* The waits of open instances are bounded: more instances than a thread has listed waits, and one
 * that more processes wake than that. */
static void keep_few_waits(const struct churn_options *options)
{
    struct soak soak;
    soak_init(&soak, options);
    uint64_t chunk = 0;
    (void)join_some(&soak, &chunk, 40);
    cr_expect(lt(sz, soak.largest, RECORD_MAX));
    soak_clear(&soak);
}

Test(soak, keeps_few_waits_of_instances_that_never_end)
{
    const struct churn_options options = {.forgotten = 1000, .threads = 2};
    keep_few_waits(&options);
}

Test(soak, keeps_few_waits_of_one_that_many_wake)
{
    const struct churn_options options = {.wakers = 1000, .threads = 2};
    keep_few_waits(&options);
}
