/* base/file_map.h -- maps files into memory, even if another process truncates them.
 *
 * An access after the new end of a truncated file causes SIGBUS. Here it reads zeros instead, and
 * readers call file_map_check() before they use the result. */
#ifndef BASE_FILE_MAP_H
#define BASE_FILE_MAP_H

#include "base/bytes.h"
#include "base/failure.h"

struct file_map;

/* OK; REJECT: unreadable, `why` begins with `path`; *out is NULL then. */
MUST_CHECK enum status file_map_open(const char *path, struct file_map **out, struct failure *why);
/* Empty if the file is; valid until it is closed. */
struct bytes file_map_bytes(const struct file_map *map);
/* REJECT: the file was truncated since it was opened: the data read may be zeros. */
MUST_CHECK enum status file_map_check(const struct file_map *map, struct failure *why);
void file_map_close(struct file_map *map); /* NULL is fine */

#endif
