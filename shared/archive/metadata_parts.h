/* archive/metadata_parts.h -- what the readers of CTF 1.8 and CTF 2 share. For metadata*.c. */
#ifndef ARCHIVE_METADATA_PARTS_H
#define ARCHIVE_METADATA_PARTS_H

#include "metadata.h"

#define METADATA_NS_PER_S UINT64_C(1000000000)
/* Above, cycles of a second times nanoseconds of a second would overflow. */
#define METADATA_FREQUENCY_MAX UINT64_C(10000000000)

/* In front of each fragment of CTF 2. */
enum { METADATA_SEPARATOR = 0x1E };

/* Each reads metadata->text; what it puts into *metadata points there or into the arena.
 * REJECT: cut, or not understood. */
MUST_CHECK enum status metadata_read_tsdl(struct metadata *metadata, struct failure *why);
MUST_CHECK enum status metadata_read_ctf2(struct metadata *metadata, struct failure *why);

/* 32 hexadecimal digits with anything between them; else `uuid` stays. */
void metadata_take_uuid(struct text text, uint8_t uuid[16]);
int64_t metadata_scaled_ns(uint64_t cycles, uint64_t frequency);
void metadata_add_layout(struct metadata *metadata, const struct packet_layout *layout);
void metadata_add_name(struct metadata *metadata, struct text name);

#endif
