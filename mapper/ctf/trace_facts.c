#include "trace_facts.h"

#include <stdio.h>
#include <string.h>

const char *trace_shown(const struct trace_files *files)
{
    return *files->name != '\0' ? files->name : "trace";
}

static void copy_env(const struct layout *layout, const char *name, char *into, size_t room)
{
    const struct layout_env *env = layout_env(layout, name);
    snprintf(into, room, "%s", env && env->text ? env->text : "");
}

struct trace_info trace_info_of(const struct layout *layout, enum domain domain,
                                const struct declared_names *declared)
{
    struct trace_info info = {.domain = domain, .declared = *declared};
    copy_env(layout, "hostname", info.hostname, sizeof info.hostname);
    copy_env(layout, "trace_name", info.session, sizeof info.session);
    copy_env(layout, "trace_creation_datetime", info.created, sizeof info.created);
    return info;
}

bool trace_vpid(const struct layout *layout, int32_t *vpid)
{
    const struct layout_env *env = layout_env(layout, "vpid");
    if (!env || env->text || env->number < 0)
        return false;
    *vpid = (int32_t)(env->number & INT32_MAX);
    return true;
}

enum status trace_times(const struct layout *layout, const struct layout_clock *session,
                        struct stream_time **times, struct trace_info *info, struct failure *why)
{
    const struct layout_clock *told;
    enum status status = session_clock_times(layout, session, times, &told, &info->offset_ns, why);
    if (status == STATUS_OK && told)
        memcpy(info->clock_uuid, told->uuid, sizeof info->clock_uuid);
    return status;
}
