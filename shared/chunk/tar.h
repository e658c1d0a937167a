/* chunk/tar.h -- the tar inside a packed chunk: POSIX ustar, regular files only.
 *
 * Headers depend only on name and size (mode 0644, owner 0, time 0), so equal content gives equal
 * bytes. Source: IEEE Std 1003.1, pax, "ustar Interchange Format". */
#ifndef CHUNK_TAR_H
#define CHUNK_TAR_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/failure.h"

enum { TAR_BLOCK = 512, TAR_NAME_MAX = 256 }; /* prefix of 155, '/', name of 100 */

struct tar_entry {
    char name[TAR_NAME_MAX + 1];
    struct bytes data;
};

/* Fills the header of a file. REJECT: the name does not fit, even split at a '/'; or the size does
 * not fit into eleven octal digits. */
MUST_CHECK enum status tar_header(const char *name, size_t size, uint8_t block[TAR_BLOCK],
                                  struct failure *why);
/* Bytes of header, data, and padding. */
size_t tar_entry_size(size_t data_size);
/* Two empty blocks end a tar. */
enum { TAR_END_SIZE = 2 * TAR_BLOCK };

/* Reads the entry at *offset and advances it; folders are skipped.
 * OK; END at the end of the tar; REJECT if it is truncated, damaged, contains anything but regular
 * files and folders, or a name that is absolute, or has a part that is empty, ".", or "..". */
MUST_CHECK enum status tar_next(struct bytes tar, size_t *offset, struct tar_entry *out,
                                struct failure *why);

#endif
