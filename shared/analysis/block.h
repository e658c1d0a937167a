/* analysis/block.h -- how block requests are classified. */
#ifndef ANALYSIS_BLOCK_H
#define ANALYSIS_BLOCK_H

#include <stdbool.h>
#include <stdint.h>

enum { BLOCK_SECTOR_BYTES = 512 };
/* A request without a completion is given up after this time. */
#define BLOCK_OPEN_NS UINT64_C(60000000000)

/* "MAJOR:MINOR", which the caller frees. */
char *block_device_name(uint64_t dev);
/* "read", "write", "discard", "flush", or "other", by the tracer's flags. */
const char *block_kind_name(uint64_t rwbs);
/* Whether such a request has sectors, unless it was never issued. */
bool block_has_sectors(uint64_t rwbs);

#endif
