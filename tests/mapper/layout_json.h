/* A layout as CTF 2 metadata for the same packets. */
#ifndef TESTS_MAPPER_LAYOUT_JSON_H
#define TESTS_MAPPER_LAYOUT_JSON_H

#include "ctf/layout.h"

/* Text, owned by the caller. Names of fields are those of the layout, so they lack the prefix of
 * CTF 1.8; a UUID in packet headers becomes a blob; labels of enumerations, which a layout does not
 * keep, become one. */
char *layout_json(const struct layout *layout);

#endif
