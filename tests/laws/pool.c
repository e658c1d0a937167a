#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "law.h"
#include "law_parts.h"
#include "reducer/partition.h"
#include "results/fold.h"
#include "wire/outbox.h"
#include "wire/result_codec.h"

/* The log of a partition, and all that its reducer has committed. */
struct pool {
    struct schema *schema;
    struct arena arena;
    struct bytes *log;
    size_t count, room;
    struct key_value *state; /* as a compacted topic has it; value at NULL: none */
    size_t state_count, state_room;
    int64_t committed;
    struct fold *fold;           /* of what was committed */
    struct partition *partition; /* NULL: killed */
    struct outbox results, changes;
    int64_t next;
    size_t waiting_max; /* 0, or so little that records wait in a file */
};

static struct bytes keep(struct pool *pool, struct bytes bytes)
{
    uint8_t *copy = arena_take(&pool->arena, bytes.count + 1);
    if (bytes.count > 0)
        memcpy(copy, bytes.at, bytes.count);
    return (struct bytes){copy, bytes.count};
}

/* --- the log --- */

static void log_record(void *context, struct text key, struct bytes record)
{
    struct pool *pool = context;
    (void)key;
    pool->log = memory_grow(pool->log, &pool->room, pool->count + 1, sizeof *pool->log);
    pool->log[pool->count++] = keep(pool, record);
}

/* Complete attempts of all pieces in any order, some of them repeated; the records of two attempts
 * may interleave. */
static void make_log(struct pool *pool, const struct law_trace *trace, struct law_cuts cuts,
                     uint64_t *random)
{
    size_t pieces = cuts.count + 1, attempts = 0;
    size_t *order = memory_new(2 * pieces * sizeof *order);
    for (size_t i = 0; i < pieces; i++) {
        order[attempts++] = i;
        if (law_random(random) % 3 == 0)
            order[attempts++] = i;
    }
    for (size_t i = attempts; i > 1; i--) {
        size_t other = law_random(random) % i, kept = order[i - 1];
        order[i - 1] = order[other];
        order[other] = kept;
    }
    for (size_t i = 0; i < attempts; i++) {
        size_t begin = pool->count;
        law_map_piece(trace, cuts, order[i], i + 1, (struct record_sink){log_record, pool});
        if (i == 0 || law_random(random) % 2 == 0)
            continue;
        /* Some of its records go before some of the last ones. */
        for (size_t j = begin; j < pool->count; j++) {
            size_t back = law_random(random) % 6;
            for (size_t k = j; k > 0 && back > 0; k--, back--) {
                struct bytes kept = pool->log[k - 1];
                pool->log[k - 1] = pool->log[k];
                pool->log[k] = kept;
            }
        }
    }
    free(order);
}

/* --- the reducer --- */

static void die(const char *what, const struct failure *why)
{
    fprintf(stderr, "pool: %s: %s\n", what, why->text);
    abort();
}

static void restore(struct pool *pool)
{
    pool->partition =
        partition_new(&(struct partition_options){.waiting_max = pool->waiting_max,
                                                  .spill_folder = "/tmp",
                                                  .results = outbox_sink(&pool->results),
                                                  .state = outbox_sink(&pool->changes)});
    struct key_value *entries = memory_new((pool->state_count + 1) * sizeof *entries);
    size_t count = 0;
    for (size_t i = 0; i < pool->state_count; i++)
        if (pool->state[i].value.at)
            entries[count++] = pool->state[i];
    struct failure why;
    if (partition_restore(pool->partition, entries, count, &why) != STATUS_OK)
        die("restore", &why);
    free(entries);
    pool->next = pool->committed;
}

static void write_state(struct pool *pool, const struct outbox_record *record)
{
    size_t at = 0;
    while (at < pool->state_count && !text_equal(pool->state[at].key, record->key))
        at++;
    if (at == pool->state_count) {
        pool->state = memory_grow(pool->state, &pool->state_room, at + 1, sizeof *pool->state);
        struct text key = {arena_string(&pool->arena, record->key), record->key.count};
        pool->state[pool->state_count++] = (struct key_value){.key = key};
    }
    pool->state[at].value = record->tombstone ? (struct bytes){NULL, 0} : keep(pool, record->value);
}

static void commit(struct pool *pool)
{
    struct failure why;
    partition_save(pool->partition);
    for (size_t i = 0; i < pool->changes.count; i++)
        write_state(pool, &pool->changes.records[i]);
    for (size_t i = 0; i < pool->results.count; i++) {
        struct arena arena = {.first = NULL};
        struct result_record record;
        if (result_decode(pool->results.records[i].value, &arena, &record, &why) != STATUS_OK)
            die("result", &why);
        for (size_t j = 0; j < record.count; j++)
            fold_take(pool->fold, &record.results[j]);
        arena_clear(&arena);
    }
    outbox_reset(&pool->changes);
    outbox_reset(&pool->results);
    pool->committed = partition_oldest(pool->partition, pool->next);
}

static void kill_reducer(struct pool *pool)
{
    partition_free(pool->partition);
    pool->partition = NULL;
    outbox_reset(&pool->changes);
    outbox_reset(&pool->results);
}

static void run(struct pool *pool, uint64_t *random)
{
    unsigned lives = 0;
    while (!pool->partition || (size_t)pool->next < pool->count) {
        struct failure why;
        if (!pool->partition)
            restore(pool);
        if ((size_t)pool->next >= pool->count)
            break;
        if (partition_take(pool->partition, pool->log[pool->next], pool->next, 1000 + pool->next,
                           &why) != STATUS_OK)
            die("take", &why);
        pool->next++;
        uint64_t chance = law_random(random) % 16;
        if (chance < 3)
            commit(pool);
        if ((chance == 2 || chance == 5) && lives++ < 200)
            kill_reducer(pool);
    }
    commit(pool);
    kill_reducer(pool);
}

char *law_pool_report(const struct law_trace *trace, struct law_cuts cuts, uint64_t seed)
{
    struct pool pool = {.fold = fold_new(text_of(trace->session))};
    uint64_t random = seed + 4711;
    pool.waiting_max = seed % 2 ? 2000 : 0;
    make_log(&pool, trace, cuts, &random);
    run(&pool, &random);
    char *json = law_fold_report(pool.fold);
    fold_free(pool.fold);
    outbox_clear(&pool.changes);
    outbox_clear(&pool.results);
    free(pool.log);
    free(pool.state);
    arena_clear(&pool.arena);
    return json;
}
