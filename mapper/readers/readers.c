#include "readers.h"

#include <string.h>

#include "mapper/decode/reader_kind.h"
#ifdef SPANMILL_BABELTRACE2
#include "mapper/bt2/reader_bt2.h"
#endif

static const struct reader_kind *const KINDS[] = {
    &reader_spanmill,
#ifdef SPANMILL_BABELTRACE2
    &reader_bt2,
#endif
};
enum { KIND_COUNT = sizeof KINDS / sizeof *KINDS };

const struct reader_kind *const *readers(size_t *count)
{
    *count = KIND_COUNT;
    return KINDS;
}

const struct reader_kind *readers_by_name(const char *name)
{
    for (size_t i = 0; i < KIND_COUNT; i++)
        if (strcmp(reader_kind_name(KINDS[i]), name) == 0)
            return KINDS[i];
    return NULL;
}

const struct reader_kind *readers_other(void)
{
    return KINDS[KIND_COUNT - 1] != &reader_spanmill ? KINDS[KIND_COUNT - 1] : NULL;
}

bool readers_left_out(const char *name)
{
    return strcmp(name, "babeltrace2") == 0 && readers_by_name(name) == NULL;
}
