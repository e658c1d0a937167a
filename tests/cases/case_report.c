#include "case_report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "laws/law.h"

/* Whether the case has events of that domain; losses count. */
static bool has_domain(const struct case_file *file, enum domain domain)
{
    for (size_t i = 0; i < file->event_count; i++)
        if (file->events[i].domain == domain)
            return true;
    return false;
}

/* Whether its kernel trace declares sched_switch: it does if it has one. */
static bool has_switches(const struct case_file *file)
{
    for (size_t i = 0; i < file->event_count; i++)
        if (file->events[i].kind == EVENT_SWITCH)
            return true;
    return false;
}

bool case_report(const struct case_file *file, const uint64_t *cuts, size_t cut_count,
                 char **json_lines, struct failure *why)
{
    (void)why;
    struct law_trace trace = {.schema = file->schema,
                              .events = file->events,
                              .count = file->event_count,
                              .facts = {.has_kernel = has_domain(file, DOMAIN_KERNEL),
                                        .has_user = has_domain(file, DOMAIN_UST),
                                        .counts_switches = has_switches(file),
                                        .first_ns = TIME_NONE,
                                        .last_ns = TIME_NONE,
                                        .has_offset = true,
                                        .offset_ns = file->offset_ns,
                                        .host = text_of(file->host),
                                        .cpus = file->cpus,
                                        .cpu_count = file->cpu_count}};
    snprintf(trace.session, sizeof trace.session, "%s/%s/%s", file->host, file->session,
             file->created);
    *json_lines = law_report(&trace, (struct law_cuts){cuts, cut_count}, 0, NULL);
    return true;
}
