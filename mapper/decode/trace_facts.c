#include "mapper/decode/trace_facts.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "chunk/packets.h"

const char *trace_shown(const struct trace_files *files)
{
    return *files->name != '\0' ? files->name : "trace";
}

void trace_report(const struct reader_warnings *warnings, const struct trace_files *files,
                  const char *stream, struct damage damage, const char *text)
{
    bool both = stream && *files->name != '\0';
    char *name = stream ? memory_format("%s%s%s", files->name, both ? "/" : "", stream)
                        : memory_string(text_of(trace_shown(files)));
    damage.name = text_of(name);
    reader_report(warnings, damage, "%s", text);
    free(name);
}

void trace_report_left_out(const struct reader_warnings *warnings, const struct trace_files *files,
                           const char *why)
{
    const char *name = trace_shown(files);
    size_t length = strlen(name);
    if (strncmp(why, name, length) == 0 && strncmp(why + length, ": ", 2) == 0)
        why += length + 2;
    bool metadata = strncmp(why, "metadata", 8) == 0;
    bool empty = metadata && files->metadata.count == 0;
    const char *hint =
        !empty               ? ""
        : files->is_recorded ? "; the session is still being recorded: stop or rotate it"
        : files->may_grow    ? " (if the session is still being recorded: stop or rotate it)"
                             : "";
    char *text = memory_format("%s%s; the trace is left out", why, hint);
    struct damage damage = {.scope = DAMAGE_TRACE,
                            .cause = empty && files->is_recorded ? DAMAGE_BY_RECORDING
                                     : metadata                  ? DAMAGE_BY_METADATA
                                                                 : DAMAGE_BY_CLOCK,
                            .count = 1,
                            .bytes = trace_files_bytes(files)};
    trace_report(warnings, files, NULL, damage, text);
    free(text);
}

bool trace_is_of_user(const struct trace_files *files)
{
    static const char USER[] = "ust/";
    return strncmp(files->name, USER, sizeof USER - 1) == 0;
}

bool trace_is_of_process(const struct trace_files *files)
{
    static const char PROCESS[] = "ust/pid/";
    return strncmp(files->name, PROCESS, sizeof PROCESS - 1) == 0;
}

bool trace_report_gone(const struct reader_warnings *warnings, const struct trace_files *files)
{
    if (!files->is_gone || trace_is_of_process(files))
        return false;
    trace_report(warnings, files, NULL,
                 (struct damage){.scope = DAMAGE_TRACE, .cause = DAMAGE_BY_MISSING, .count = 1},
                 "it is in the previous chunk, but not in this one: its events are lost; if its "
                 "folder was not copied, copy it");
    return !trace_is_of_user(files);
}

bool trace_is_empty(const struct trace_files *files)
{
    if (files->metadata.count > 0 || files->may_grow)
        return false;
    for (size_t i = 0; i < files->stream_count; i++) {
        const struct stream_file *stream = &files->streams[i];
        if (stream->data.count > 0 || stream->seam.count > 0 ||
            packets_index_end(stream->index) > 0)
            return false;
    }
    return true;
}

void trace_report_state(const struct reader_warnings *warnings, const struct trace_files *files,
                        const struct trace_info *info)
{
    if (files->is_recorded)
        trace_report(warnings, files, NULL,
                     (struct damage){.scope = DAMAGE_TRACE, .cause = DAMAGE_BY_RECORDING},
                     "the session is still being recorded: stop or rotate it; events in the "
                     "tracer's buffers are not read");
    if (info->declared.old_syscalls)
        reader_say(warnings,
                   "%s: recorded by LTTng before 2.6: its system calls (sys_*, exit_syscall) are "
                   "not counted as system calls",
                   trace_shown(files));
}

static void take_name(const struct layout *layout, const char *name, char room[SESSION_NAME_ROOM])
{
    const struct layout_env *env = layout_env(layout, name);
    session_name_part(text_of(env && env->text ? env->text : ""), room);
}

struct trace_info trace_info_of(const struct layout *layout, enum domain domain,
                                const struct declared_names *declared)
{
    struct trace_info info = {.domain = domain, .declared = *declared};
    for (uint32_t i = 0; i < layout->env_count && domain == DOMAIN_KERNEL; i++)
        if (layout->env[i].text != NULL)
            declared_names_env(&info.declared, layout->env[i].name, layout->env[i].text);
    take_name(layout, "hostname", info.hostname);
    take_name(layout, "trace_name", info.session);
    take_name(layout, "trace_creation_datetime", info.created);
    return info;
}

struct event_origin trace_origin(const struct layout *layout)
{
    struct event_origin origin = {.has_vpid = false};
    const struct layout_env *vpid = layout_env(layout, "vpid");
    if (vpid && !vpid->text && vpid->number > 0 && vpid->number <= INT32_MAX) {
        origin.has_vpid = true;
        origin.vpid = (int32_t)vpid->number;
    }
    const struct layout_env *program = layout_env(layout, "procname");
    if (program && program->text)
        origin.program = text_of(program->text);
    return origin;
}

enum status trace_times(const struct layout *layout, const struct layout_clock *session,
                        struct stream_time **times, struct trace_info *info, struct failure *why)
{
    const struct layout_clock *event_clock;
    enum status status =
        session_clock_times(layout, session, times, &event_clock, &info->offset_ns, why);
    if (status == STATUS_OK && event_clock)
        memcpy(info->clock_uuid, event_clock->uuid, sizeof info->clock_uuid);
    return status;
}
