/* mapper/readers/readers.h -- the CTF decoders that are built in, for programs where a user chooses
 * one. Mappers only have our own. */
#ifndef MAPPER_READERS_READERS_H
#define MAPPER_READERS_READERS_H

#include "mapper/decode/reader.h"

/* All built-in ones, our own first. */
const struct reader_kind *const *readers(size_t *count);
const struct reader_kind *readers_by_name(const char *name); /* NULL if there is none */

/* The one for metadata that our own does not understand; NULL if none is built in. */
const struct reader_kind *readers_other(void);

/* Whether other builds have a decoder of that name. */
bool readers_left_out(const char *name);

#endif
