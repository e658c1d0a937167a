#include "metadata.h"

#include <string.h>

#include "ctf/cycles.h"

static struct text env_text(const struct layout *layout, const char *name)
{
    const struct layout_env *env = layout_env(layout, name);
    return env != NULL && env->text != NULL ? text_of(env->text) : (struct text){"", 0};
}

const struct layout_clock *metadata_clock(const struct layout *layout)
{
    for (uint32_t i = 0; i < layout->stream_count; i++)
        if (layout->streams[i].clock < layout->clock_count)
            return &layout->clocks[layout->streams[i].clock];
    return layout->clock_count > 0 ? &layout->clocks[0] : NULL;
}

int64_t metadata_offset_ns(const struct layout_clock *clock)
{
    return (int64_t)((uint64_t)clock->offset_s * CYCLES_NS_PER_S +
                     cycles_ns(clock->offset_cycles, clock->frequency));
}

static void take_env(struct metadata *metadata)
{
    const struct layout *layout = metadata->layout;
    metadata->hostname = env_text(layout, "hostname");
    metadata->domain = env_text(layout, "domain");
    metadata->session = env_text(layout, "trace_name");
    metadata->created = env_text(layout, "trace_creation_datetime");
    metadata->procname = env_text(layout, "procname");
    const struct layout_env *vpid = layout_env(layout, "vpid");
    metadata->has_vpid = vpid != NULL && vpid->text == NULL && vpid->number >= 0;
    if (metadata->has_vpid)
        metadata->vpid = (int32_t)(vpid->number & INT32_MAX);
}

static void take_clock(struct metadata *metadata)
{
    const struct layout_clock *clock = metadata_clock(metadata->layout);
    if (clock == NULL)
        return;
    memcpy(metadata->clock_uuid, clock->uuid, sizeof metadata->clock_uuid);
    metadata->frequency = clock->frequency;
    metadata->offset_ns = metadata_offset_ns(clock);
}

enum status metadata_read(struct bytes file, struct metadata *out, struct failure *why)
{
    *out = (struct metadata){.frequency = CYCLES_NS_PER_S};
    enum status status = layout_open_as(LAYOUT_HEADS, file, &out->layout, why);
    if (status != STATUS_OK)
        return status;
    if (out->layout->stream_count == 0)
        return fail(why, STATUS_REJECT, "metadata: declares no stream");
    out->is_ctf2 = out->layout->version == 2;
    take_env(out);
    take_clock(out);
    return STATUS_OK;
}

void metadata_clear(struct metadata *metadata)
{
    layout_close(metadata->layout);
    *metadata = (struct metadata){.layout = NULL};
}
