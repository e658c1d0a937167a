/* base/file_map.h -- files as memory, also while another shortens them.
 *
 * What is behind the new end of a mapped file is no memory any more: to touch it is SIGBUS. Here it
 * becomes zeros instead, and whoever has read a file asks file_map_check() before the outcome counts.
 */
#ifndef BASE_FILE_MAP_H
#define BASE_FILE_MAP_H

#include "base/bytes.h"
#include "base/failure.h"

struct file_map;

/* OK; REJECT: it cannot be read, `why` begins with `path`; *out is NULL then. */
MUST_CHECK enum status file_map_open(const char *path, struct file_map **out, struct failure *why);
/* Empty if the file is; valid until it is closed. */
struct bytes file_map_bytes(const struct file_map *map);
/* REJECT: the file became shorter since it was opened: what was read may be zeros instead. */
MUST_CHECK enum status file_map_check(const struct file_map *map, struct failure *why);
void file_map_close(struct file_map *map); /* NULL is fine */

#endif
