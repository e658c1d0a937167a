#include "reducer/state_diff.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/map.h"
#include "base/memory.h"

#define HELD UINT32_MAX

/* A key and the record last written under it. */
struct written {
    char *key;
    uint64_t hash; /* of the record: equal for two different records with probability 2^-64 */
    size_t bytes;
    uint64_t save;        /* the last save with it */
    struct written *next; /* with the same hash of the key */
    uint32_t number;      /* index in `all`, from 1 */
    uint32_t loose;       /* index among the loose ones; HELD: its owner reports its end */
};

/* A save has the changed ones of the held records, and all loose ones: loose ones that are not in
 * it are deleted. */
struct state_diff {
    struct map keys;      /* hash of the key -> struct written */
    struct written **all; /* by number; NULL: unused */
    size_t count, room;   /* assigned numbers, including 0 */
    struct written **loose;
    size_t loose_count, loose_room;
    uint32_t *unused;
    size_t unused_count, unused_room;
    struct written *last; /* the last one that was passed */
    uint64_t save;
    struct keep_sink out;
};

struct state_diff *state_diff_new(void)
{
    return memory_new(sizeof(struct state_diff));
}

static void free_written(struct written *written)
{
    if (!written)
        return;
    free(written->key);
    free(written);
}

void state_diff_free(struct state_diff *diff)
{
    if (!diff)
        return;
    for (size_t i = 0; i < diff->count; i++)
        free_written(diff->all[i]);
    map_clear(&diff->keys);
    free(diff->all);
    free(diff->loose);
    free(diff->unused);
    free(diff);
}

static uint32_t new_number(struct state_diff *diff)
{
    if (diff->unused_count > 0)
        return diff->unused[--diff->unused_count];
    size_t number = diff->count > 0 ? diff->count : 1;
    assert(number < UINT32_MAX);
    diff->all = memory_grow(diff->all, &diff->room, number + 1, sizeof(struct written *));
    diff->all[0] = NULL;
    diff->count = number + 1;
    return (uint32_t)number;
}

/* --- held or loose --- */

static void loosen(struct state_diff *diff, struct written *written)
{
    diff->loose = memory_grow(diff->loose, &diff->loose_room, diff->loose_count + 1,
                              sizeof(struct written *));
    written->loose = (uint32_t)diff->loose_count;
    diff->loose[diff->loose_count++] = written;
}

static void leave_loose(struct state_diff *diff, struct written *written)
{
    struct written *last = diff->loose[--diff->loose_count];
    diff->loose[written->loose] = last;
    last->loose = written->loose;
    written->loose = HELD;
}

void state_diff_let_go(struct state_diff *diff)
{
    for (size_t i = 1; i < diff->count; i++)
        if (diff->all[i] && diff->all[i]->loose == HELD)
            loosen(diff, diff->all[i]);
}

/* --- the sink --- */

/* The entry of the key; *is_new if it was created. */
static struct written *entry_of(struct state_diff *diff, struct text key, bool *is_new)
{
    void **place = map_place(&diff->keys, hash_text(key));
    *is_new = false;
    for (struct written *each = *place; each; each = each->next)
        if (text_equal(text_of(each->key), key))
            return each;
    struct written *made = memory_new(sizeof *made);
    made->key = memory_string(key);
    made->next = *place;
    made->number = new_number(diff);
    diff->all[made->number] = made;
    loosen(diff, made);
    *place = made;
    *is_new = true;
    return made;
}

void state_diff_know(struct state_diff *diff, struct text key, struct bytes record)
{
    bool is_new;
    struct written *written = entry_of(diff, key, &is_new);
    written->hash = hash_bytes(record);
    written->bytes = record.count;
}

static void take(void *context, struct text key, struct bytes record)
{
    struct state_diff *diff = context;
    bool is_new;
    struct written *written = entry_of(diff, key, &is_new);
    uint64_t hash = hash_bytes(record);
    written->save = diff->save;
    diff->last = written;
    if (!is_new && written->hash == hash && written->bytes == record.count)
        return;
    written->hash = hash;
    written->bytes = record.count;
    diff->out.take(diff->out.context, key, record);
}

static uint32_t number(void *context)
{
    struct state_diff *diff = context;
    if (diff->last->loose != HELD)
        leave_loose(diff, diff->last);
    return diff->last->number;
}

static void gone(void *context, uint32_t number)
{
    struct state_diff *diff = context;
    assert(number < diff->count && diff->all[number] && diff->all[number]->loose == HELD);
    loosen(diff, diff->all[number]);
}

static bool is(void *context, uint32_t number, struct text key, struct bytes record)
{
    const struct state_diff *diff = context;
    const struct written *written = number < diff->count ? diff->all[number] : NULL;
    return written && written->loose == HELD && text_equal(text_of(written->key), key) &&
           written->bytes == record.count && written->hash == hash_bytes(record);
}

struct keep_sink state_diff_begin(struct state_diff *diff, struct keep_sink out)
{
    diff->save++;
    diff->out = out;
    return (struct keep_sink){take, diff, number, gone, is};
}

static void forget(struct state_diff *diff, struct written *take_written)
{
    uint64_t hash = hash_text(text_of(take_written->key));
    struct written *first = map_get(&diff->keys, hash), **at = &first;
    while (*at != take_written)
        at = &(*at)->next;
    *at = take_written->next;
    if (first)
        map_put(&diff->keys, hash, first);
    else
        map_remove(&diff->keys, hash);
    diff->unused =
        memory_grow(diff->unused, &diff->unused_room, diff->unused_count + 1, sizeof *diff->unused);
    diff->unused[diff->unused_count++] = take_written->number;
    diff->all[take_written->number] = NULL;
    leave_loose(diff, take_written);
    free_written(take_written);
}

void state_diff_end(struct state_diff *diff)
{
    for (size_t i = diff->loose_count; i-- > 0;) {
        struct written *written = diff->loose[i];
        if (written->save == diff->save)
            continue;
        diff->out.take(diff->out.context, text_of(written->key), (struct bytes){NULL, 0});
        forget(diff, written);
    }
}
