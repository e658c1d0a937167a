#include "chunk/metadata.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/session_name.h"

static struct text env_text(const struct layout *layout, const char *name)
{
    const struct layout_env *env = layout_env(layout, name);
    return env != NULL && env->text != NULL ? text_of(env->text) : (struct text){"", 0};
}

/* A part of the session's name, owned. */
static struct text name_text(const struct layout *layout, const char *name)
{
    char room[SESSION_NAME_ROOM];
    session_name_part(env_text(layout, name), room);
    return text_of(memory_string(text_of(room)));
}

static void take_env(struct metadata *metadata)
{
    const struct layout *layout = metadata->layout;
    metadata->hostname = name_text(layout, "hostname");
    metadata->domain = env_text(layout, "domain");
    metadata->session = name_text(layout, "trace_name");
    metadata->created = name_text(layout, "trace_creation_datetime");
    metadata->procname = env_text(layout, "procname");
    const struct layout_env *vpid = layout_env(layout, "vpid");
    metadata->has_vpid = vpid != NULL && vpid->text == NULL && vpid->number >= 0;
    if (metadata->has_vpid)
        metadata->vpid = (int32_t)(vpid->number & INT32_MAX);
}

static enum status set_clock(struct metadata *metadata, const struct layout_clock *session,
                             struct failure *why)
{
    struct stream_time *times;
    const struct layout_clock *event_clock;
    int64_t offset_ns;
    enum status status =
        session_clock_times(metadata->layout, session, &times, &event_clock, &offset_ns, why);
    if (status != STATUS_OK)
        return status;
    free(metadata->times);
    metadata->times = times;
    metadata->offset_ns = offset_ns;
    if (event_clock == NULL)
        return STATUS_OK;
    memcpy(metadata->clock_uuid, event_clock->uuid, sizeof metadata->clock_uuid);
    metadata->frequency = event_clock->frequency;
    return STATUS_OK;
}

static enum status take_layout(struct metadata *out, struct failure *why)
{
    if (out->layout->stream_count == 0)
        return fail(why, STATUS_REJECT, "metadata: declares no stream");
    out->is_ctf2 = out->layout->version == 2;
    take_env(out);
    return set_clock(out, NULL, why);
}

static enum status read_as(enum layout_extent extent, struct bytes file, struct metadata *out,
                           struct failure *why)
{
    *out = (struct metadata){.frequency = CYCLES_NS_PER_S};
    enum status status = layout_open_as(extent, file, &out->layout, why);
    return status == STATUS_OK ? take_layout(out, why) : status;
}

enum status metadata_share(struct layout *layout, struct metadata *out, struct failure *why)
{
    *out = (struct metadata){.layout = layout, .is_shared = true, .frequency = CYCLES_NS_PER_S};
    return take_layout(out, why);
}

enum status metadata_read(struct bytes file, struct metadata *out, struct failure *why)
{
    return read_as(LAYOUT_HEADS, file, out, why);
}

enum status metadata_read_packets(struct bytes file, struct metadata *out, struct failure *why)
{
    return read_as(LAYOUT_PACKETS, file, out, why);
}

enum status metadata_join(struct metadata *metadata, struct session_clock *session,
                          struct failure *why)
{
    if (!session->is_known) {
        session_clock_learn(session, metadata->layout);
        return STATUS_OK;
    }
    return set_clock(metadata, &session->clock, why);
}

void metadata_clear(struct metadata *metadata)
{
    if (!metadata->is_shared)
        layout_close(metadata->layout);
    free((char *)(uintptr_t)metadata->hostname.at);
    free((char *)(uintptr_t)metadata->session.at);
    free((char *)(uintptr_t)metadata->created.at);
    free(metadata->times);
    *metadata = (struct metadata){.layout = NULL};
}
