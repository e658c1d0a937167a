/* Whatever a mapper sends: a row that the joiner takes never makes a state that it cannot restore.
 * Rows of random traces, in any order and changed at random, are joined; after each, the state is
 * saved and restored, and what was restored saves the same. LAW_SEED=n LAW_SEEDS=m: other seeds. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/analyses.h"
#include "base/memory.h"
#include "core/row_bytes.h"
#include "law_parts.h"
#include "map_piece.h"
#include "random_trace.h"
#include "reducer/joiner.h"
#include "reducer/decoded_chunk.h"
#include "saved_state.h"

enum { PIECES = 4, JOINED = 6, SEEDS = 25, ROW_MOST = 1 << 20 };

struct world {
    struct phase_definitions phases;
    struct law_trace trace;
    struct piece_records pieces[PIECES];
    uint64_t random;
};

static uint64_t below(struct world *world, uint64_t limit)
{
    return law_random(&world->random) % limit;
}

static void world_init(struct world *world, uint64_t seed,
                       const struct random_trace_options *options)
{
    *world = (struct world){.random = seed * 7919 + 1};
    struct failure why;
    char *text = memory_format(
        "%s%s", options->handed > 0 ? random_trace_handed_phases : random_trace_phases,
        random_trace_counts[seed % RANDOM_TRACE_COUNTS]);
    phases_init(&world->phases);
    cr_assert(eq(int,
                 phases_add_yaml(&world->phases, "random",
                                 (struct bytes){(const uint8_t *)text, strlen(text)}, &why),
                 STATUS_OK),
              "%s", why.text);
    free(text);
    world->trace.schema = schema_new_with(&world->phases, analyses_event_row, analyses_count);
    random_trace(&world->trace, seed, options);
    uint64_t cuts[PIECES - 1];
    law_random_cuts(&world->trace, &world->random, cuts, PIECES - 1);
    for (size_t i = 0; i < PIECES; i++)
        law_map_piece(&world->trace, (struct law_cuts){cuts, PIECES - 1}, i, 1,
                      (struct record_sink){piece_records_take, &world->pieces[i]});
}

static void world_clear(struct world *world)
{
    for (size_t i = 0; i < PIECES; i++)
        arena_clear(&world->pieces[i].arena);
    law_trace_clear(&world->trace);
    schema_free(world->trace.schema);
    phases_clear(&world->phases);
}

/* --- rows that lie --- */

static size_t put_number(uint8_t *to, uint64_t number)
{
    size_t count = 0;
    for (; number >= 128; number >>= 7)
        to[count++] = (uint8_t)(number | 128);
    to[count++] = (uint8_t)number;
    return count;
}

/* Replaces `gone` bytes at `at`. */
static void splice(uint8_t *row, size_t *count, size_t at, size_t gone, const uint8_t *by,
                   size_t more)
{
    if (at + gone > *count || *count - gone + more > ROW_MOST)
        return;
    memmove(row + at + more, row + at + gone, *count - at - gone);
    memcpy(row + at, by, more);
    *count += more - gone;
}

static void change_bytes(struct world *world, uint8_t *row, size_t *count)
{
    for (uint64_t i = 1 + below(world, 3); i > 0 && *count > 0; i--) {
        size_t at = below(world, *count);
        uint8_t some[256];
        size_t more = 1 + below(world, sizeof some), from = below(world, *count);
        switch (below(world, 5)) {
        case 0: row[at] = (uint8_t)below(world, 256); break;
        case 1: row[at] = (uint8_t)(row[at] + below(world, 5) - 2); break;
        case 2:
            splice(row, count, at, 1, some,
                   put_number(some, law_random(&world->random) >> below(world, 64)));
            break;
        case 3: splice(row, count, at, more < *count - at ? more : 1, some, 0); break;
        default:
            if (from + more > *count)
                more = *count - from;
            memcpy(some, row + from, more);
            splice(row, count, at, 0, some, more);
        }
    }
}

/* Repeats, leaves out, and exchanges records. */
static void change_records(struct world *world, struct row *row)
{
    for (uint64_t i = 1 + below(world, 3); i > 0 && row->count > 1; i--) {
        size_t at = below(world, row->count), other = below(world, row->count);
        struct record *record = row->at[at];
        if (below(world, 2) == 0)
            row->at[at] = row->at[other];
        else
            row->at[at] = row->at[other], row->at[other] = record;
    }
}

/* A row like that of the piece; false if it is refused. */
static bool read_changed(struct world *world, const struct piece_records *records,
                         const struct phase_set *phases, struct row *out)
{
    struct schema *schema = world->trace.schema;
    struct arena arena = {.first = NULL};
    struct failure why;
    struct bytes from;
    cr_assert(eq(int, partial_decode_row(records->at, records->count - 1, &arena, &from, &why),
                 STATUS_OK));
    uint8_t *row = memory_new(ROW_MOST);
    size_t count = from.count;
    memcpy(row, from.at, count);
    struct columns_out written = {.count = 0};
    if (below(world, 3) == 0) {
        struct row read = {.count = 0};
        cr_assert(eq(int, row_read(from, schema, phases, &read, &why), STATUS_OK));
        change_records(world, &read);
        row_write(&read, schema, &written);
        row_clear(&read);
        count = written.count < ROW_MOST ? written.count : ROW_MOST;
        memcpy(row, written.at, count);
    } else {
        change_bytes(world, row, &count);
    }
    columns_clear(&written);
    /* The row borrows its bytes. */
    uint8_t *copy = arena_take(&out->arena, count + 1);
    memcpy(copy, row, count);
    bool taken = row_read((struct bytes){copy, count}, schema, phases, out, &why) == STATUS_OK;
    free(row);
    arena_clear(&arena);
    return taken;
}

/* --- joining, saving, restoring --- */

static void ignore(void *context, const struct result *result)
{
    (void)context;
    (void)result;
}

static const struct result_sink nowhere = {.take = ignore};

static int by_key(const void *a, const void *b)
{
    const struct kept_record *left = a, *right = b;
    return strcmp(left->key.at, right->key.at);
}

static bool is_same_record(const struct kept_record *a, const struct kept_record *b)
{
    return text_equal(a->key, b->key) && a->record.count == b->record.count &&
           memcmp(a->record.at, b->record.at, a->record.count) == 0;
}

/* In a compacted topic, the later of two records with one key replaces the other. */
static void sort(struct saved_state *saved, uint64_t seed)
{
    qsort(saved->records, saved->count, sizeof *saved->records, by_key);
    for (size_t i = 1; i < saved->count; i++)
        cr_expect(ne(int, by_key(&saved->records[i - 1], &saved->records[i]), 0),
                  "seed %llu: two records %s", (unsigned long long)seed, saved->records[i].key.at);
}

static bool is_same(struct saved_state *a, struct saved_state *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!is_same_record(&a->records[i], &b->records[i]))
            return false;
    return true;
}

static struct joiner *restart(struct joiner *joiner, struct schema *schema, uint64_t seed)
{
    struct saved_state saved = {.count = 0}, again = {.count = 0};
    struct failure why = {.text = ""};
    joiner_save(joiner, saved_state_sink(&saved));
    joiner_free(joiner);
    enum status status = joiner_restore(schema, nowhere, saved.records, saved.count, &joiner, &why);
    cr_assert(eq(int, status, STATUS_OK), "seed %llu: %s", (unsigned long long)seed, why.text);
    joiner_save(joiner, saved_state_sink(&again));
    sort(&saved, seed);
    sort(&again, seed);
    cr_expect(is_same(&saved, &again), "seed %llu: saved otherwise after a restart",
              (unsigned long long)seed);
    saved_state_clear(&saved);
    saved_state_clear(&again);
    return joiner;
}

static void check_seed(uint64_t seed, const struct random_trace_options *options)
{
    struct world world;
    world_init(&world, seed, options);
    struct schema *schema = world.trace.schema;
    struct joiner *joiner = joiner_new(schema, nowhere);
    struct decoded_chunk chunks[JOINED]; /* their ends point into them */
    uint64_t time_ns = 0, waits;
    for (uint64_t i = 0; i < JOINED; i++) {
        const struct piece_records *piece = &world.pieces[below(&world, PIECES)];
        struct failure why;
        cr_assert(eq(int,
                     decoded_chunk_read(piece->at, piece->count, schema, NULL, &chunks[i], &why),
                     STATUS_OK),
                  "%s", why.text);
        struct interval_end end = chunks[i].end;
        struct row row = {.count = 0};
        if (read_changed(&world, piece, end.phases, &row)) {
            end.chunk = i;
            end.begin_ns = time_ns;
            end.end_ns = time_ns += 1 + below(&world, UINT64_C(1) << 40);
            end.gap_before = below(&world, 8) == 0;
            if (below(&world, 4) == 0)
                end.events = law_random(&world.random) >> below(&world, 64);
            joiner_add(joiner, &row, &end);
            if (!joiner_oldest_chunk(joiner, &waits))
                joiner = restart(joiner, schema, seed);
        }
        row_clear(&row);
    }
    joiner_finish(joiner);
    joiner_free(joiner);
    for (size_t i = 0; i < JOINED; i++)
        decoded_chunk_clear(&chunks[i]);
    world_clear(&world);
}

static uint64_t number_of(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : otherwise;
}

static void check(const struct random_trace_options *options)
{
    uint64_t first = number_of("LAW_SEED", 1), count = number_of("LAW_SEEDS", SEEDS);
    for (uint64_t seed = first; seed < first + count; seed++)
        check_seed(seed, options);
}

Test(hostile_rows, of_processes_and_files)
{
    check(&(struct random_trace_options){.events = 400, .contexts = true, .losses = 4});
}

Test(hostile_rows, of_requests)
{
    check(&(struct random_trace_options){.events = 500, .handed = 60});
}

Test(hostile_rows, of_user_space_and_numbers)
{
    check(&(struct random_trace_options){.events = 300, .numbers = true, .lies = 4});
}
