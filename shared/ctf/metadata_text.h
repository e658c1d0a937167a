/* ctf/metadata_text.h -- the text of a file `metadata`, to compare and to keep: equal metadata has
 * equal text, but LTTng divides it into packets differently each time. */
#ifndef CTF_METADATA_TEXT_H
#define CTF_METADATA_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

/* How a file is divided. If its packets are invalid, the whole file is the text. */
enum metadata_division { METADATA_WHOLE, METADATA_LITTLE, METADATA_BIG };

/* Also returns the size of the text, in bytes. */
enum metadata_division metadata_division_of(struct bytes file, size_t *text_count);
/* Whether `text`, which has the size of the file's text, is equal to it. */
bool metadata_has_text(struct bytes file, enum metadata_division division, struct bytes text);
/* `into` has room for the text. */
void metadata_copy_text(struct bytes file, enum metadata_division division, uint8_t *into);

#endif
