#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "trace/phases.h"

enum status phases_add_file(struct phase_definitions *phases, const char *path, struct failure *why)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return fail(why, STATUS_REJECT, "%s: %s", path, strerror(errno));
    /* One byte more than the limit detects a file that is larger. */
    uint8_t *yaml = memory_new(PHASES_YAML_BYTES_MAX + 1);
    size_t count = fread(yaml, 1, PHASES_YAML_BYTES_MAX + 1, file);
    enum status status;
    if (ferror(file))
        status = fail(why, STATUS_REJECT, "%s: %s", path, strerror(errno));
    else
        status = phases_add_yaml(phases, path, (struct bytes){yaml, count}, why);
    fclose(file);
    free(yaml);
    return status;
}
