#include "reducer/state_diff.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/names.h"

/* A key and what was written under it. */
struct written {
    char *key;
    uint64_t hash; /* of the record: two that are different are the same once in 2^64 */
    size_t bytes;
    uint64_t save;        /* the last that had it */
    struct written *next; /* of the same hash of the key */
};

struct state_diff {
    struct map keys; /* hash of the key -> struct written */
    uint64_t save;
    struct keep_sink out;
};

struct state_diff *state_diff_new(void)
{
    return memory_new(sizeof(struct state_diff));
}

void state_diff_free(struct state_diff *diff)
{
    if (!diff)
        return;
    struct written *first;
    for (size_t at = 0; (first = map_next(&diff->keys, &at));)
        for (struct written *next; first; first = next) {
            next = first->next;
            free(first->key);
            free(first);
        }
    map_clear(&diff->keys);
    free(diff);
}

/* The entry of the key; *is_new if it was made now. */
static struct written *entry_of(struct state_diff *diff, struct text key, bool *is_new)
{
    uint64_t hash = hash_text(key);
    struct written *first = map_get(&diff->keys, hash);
    *is_new = false;
    for (struct written *each = first; each; each = each->next)
        if (text_equal(text_of(each->key), key))
            return each;
    struct written *made = memory_new(sizeof *made);
    made->key = memory_string(key);
    made->next = first;
    map_put(&diff->keys, hash, made);
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
    if (!is_new && written->hash == hash && written->bytes == record.count)
        return;
    written->hash = hash;
    written->bytes = record.count;
    diff->out.take(diff->out.context, key, record);
}

struct keep_sink state_diff_begin(struct state_diff *diff, struct keep_sink out)
{
    diff->save++;
    diff->out = out;
    return (struct keep_sink){take, diff};
}

void state_diff_end(struct state_diff *diff)
{
    struct map kept = {.count = 0};
    struct written *first;
    for (size_t at = 0; (first = map_next(&diff->keys, &at));) {
        struct written *left = NULL;
        uint64_t hash = hash_text(text_of(first->key));
        for (struct written *next; first; first = next) {
            next = first->next;
            if (first->save == diff->save) {
                first->next = left;
                left = first;
                continue;
            }
            diff->out.take(diff->out.context, text_of(first->key), (struct bytes){NULL, 0});
            free(first->key);
            free(first);
        }
        if (left)
            map_put(&kept, hash, left);
    }
    map_clear(&diff->keys);
    diff->keys = kept;
}
