#include "base/keep_sink.h"

void keep_give(const struct keep_sink *sink, struct text key, struct bytes record,
               struct changes *changes, struct change *change)
{
    sink->take(sink->context, key, record);
    if (keep_remembers(sink))
        changes_know(changes, change, sink->number(sink->context));
}

void keep_give_up(const struct keep_sink *sink, const struct changes *changes)
{
    for (size_t i = 0; keep_remembers(sink) && i < changes->gone_count; i++)
        sink->gone(sink->context, changes->gone[i]);
}
