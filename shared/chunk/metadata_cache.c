#include "chunk/metadata_cache.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/memory.h"
#include "ctf/metadata_text.h"

/* Texts kept: those of the kernel and user space for a few sessions. */
enum { KEPT_MAX = 8 };
static const size_t KEPT_BYTES_MAX = (size_t)16 << 20;

struct kept_metadata {
    struct bytes text; /* owned */
    struct layout *layout;
};

struct metadata_cache {
    pthread_mutex_t lock; /* also while metadata is parsed: others may need the same */
    struct kept_metadata kept[KEPT_MAX];
    size_t count;
    size_t bytes; /* of their texts */
};

struct metadata_cache *metadata_cache_new(void)
{
    struct metadata_cache *cache = memory_new(sizeof *cache);
    pthread_mutex_init(&cache->lock, NULL);
    return cache;
}

void metadata_cache_free(struct metadata_cache *cache)
{
    if (cache == NULL)
        return;
    for (size_t i = 0; i < cache->count; i++) {
        free((uint8_t *)(uintptr_t)cache->kept[i].text.at);
        layout_close(cache->kept[i].layout);
    }
    pthread_mutex_destroy(&cache->lock);
    free(cache);
}

static struct layout *find(const struct metadata_cache *cache, struct bytes file)
{
    size_t count;
    enum metadata_division division = metadata_division_of(file, &count);
    for (size_t i = 0; i < cache->count; i++) {
        const struct kept_metadata *kept = &cache->kept[i];
        if (kept->text.count == count && metadata_has_text(file, division, kept->text))
            return kept->layout;
    }
    return NULL;
}

/* Its text is no longer than the file. */
static bool has_room(const struct metadata_cache *cache, struct bytes file)
{
    return cache->count < KEPT_MAX && file.count <= KEPT_BYTES_MAX - cache->bytes;
}

/* The layout becomes the cache's, which has room. */
static void keep(struct metadata_cache *cache, struct bytes file, struct metadata *metadata)
{
    size_t count;
    enum metadata_division division = metadata_division_of(file, &count);
    uint8_t *text = memory_new(count);
    metadata_copy_text(file, division, text);
    cache->kept[cache->count++] = (struct kept_metadata){{text, count}, metadata->layout};
    cache->bytes += count;
    metadata->is_shared = true;
}

static enum status read_new(struct bytes file, struct metadata *out, bool packets_only,
                            struct failure *why)
{
    return packets_only ? metadata_read_packets(file, out, why) : metadata_read(file, out, why);
}

/* What will be kept is parsed under the lock: threads that read the same text wait for it. */
static enum status read_as(struct metadata_cache *cache, struct bytes file, struct metadata *out,
                           bool packets_only, struct failure *why)
{
    if (cache == NULL)
        return read_new(file, out, packets_only, why);
    pthread_mutex_lock(&cache->lock);
    struct layout *layout = file.count > 0 ? find(cache, file) : NULL;
    bool keeps = layout == NULL && !packets_only && has_room(cache, file);
    enum status status = STATUS_OK;
    if (layout != NULL)
        status = metadata_share(layout, out, why);
    if (keeps)
        status = metadata_read(file, out, why);
    if (keeps && status == STATUS_OK)
        keep(cache, file, out);
    pthread_mutex_unlock(&cache->lock);
    return layout != NULL || keeps ? status : read_new(file, out, packets_only, why);
}

enum status metadata_cache_read(struct metadata_cache *cache, struct bytes file,
                                struct metadata *out, struct failure *why)
{
    return read_as(cache, file, out, false, why);
}

enum status metadata_cache_read_packets(struct metadata_cache *cache, struct bytes file,
                                        struct metadata *out, struct failure *why)
{
    return read_as(cache, file, out, true, why);
}
