/* mapper/readers/readers.h -- the decoders of CTF that are built in, for programs where a user
 * chooses one. Mappers have our own alone. */
#ifndef MAPPER_READERS_READERS_H
#define MAPPER_READERS_READERS_H

#include "mapper/decode/reader.h"

/* All that are built in, our own first. */
const struct reader_kind *const *readers(size_t *count);
const struct reader_kind *readers_by_name(const char *name); /* NULL if there is none */

/* The one for metadata that our own does not understand; NULL if none is built in. */
const struct reader_kind *readers_other(void);

/* Whether it is one that another build has. */
bool readers_left_out(const char *name);

#endif
