/* mapper/bt2/stage.h -- a private folder for a decoder that needs files: streams that are unchanged
 * on disk become symbolic links, data that is only in memory is written. */
#ifndef MAPPER_BT2_STAGE_H
#define MAPPER_BT2_STAGE_H

#include <stddef.h>

#include "base/bytes.h"
#include "base/failure.h"

struct stage;

/* A new folder with room for `bytes`: in $TMPDIR, else in /dev/shm if there is room, else in /tmp.
 * Removes folders that killed processes left there.
 * REJECT: there is no folder, or no room in it. */
MUST_CHECK enum status stage_open(size_t bytes, struct stage **out, struct failure *why);
/* Makes a folder in it and returns its path, owned by the stage. */
MUST_CHECK enum status stage_folder(struct stage *stage, const char **path, struct failure *why);
/* Writes the concatenated `parts` to the file `name` in `folder`. */
MUST_CHECK enum status stage_write(struct stage *stage, const char *folder, const char *name,
                                   const struct bytes *parts, size_t part_count,
                                   struct failure *why);
MUST_CHECK enum status stage_link(struct stage *stage, const char *folder, const char *name,
                                  const char *target, struct failure *why);
/* Removes the folder and its contents. */
void stage_close(struct stage *stage); /* NULL is fine */

#endif
