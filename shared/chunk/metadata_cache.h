/* chunk/metadata_cache.h -- metadata that was read before: LTTng writes the same into each chunk,
 * and parsing that of a kernel takes longer than finding the packets of a chunk. Several threads
 * may use a cache. */
#ifndef CHUNK_METADATA_CACHE_H
#define CHUNK_METADATA_CACHE_H

#include "chunk/metadata.h"

struct metadata_cache;

struct metadata_cache *metadata_cache_new(void);
/* What was read with it must be cleared before. NULL is fine. */
void metadata_cache_free(struct metadata_cache *cache);

/* As metadata_read() and metadata_read_packets(). `cache`: NULL: none. */
MUST_CHECK enum status metadata_cache_read(struct metadata_cache *cache, struct bytes file,
                                           struct metadata *out, struct failure *why);
MUST_CHECK enum status metadata_cache_read_packets(struct metadata_cache *cache, struct bytes file,
                                                   struct metadata *out, struct failure *why);

#endif
