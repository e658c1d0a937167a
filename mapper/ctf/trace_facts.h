/* mapper/ctf/trace_facts.h -- what a trace says of itself, whatever decodes it. */
#ifndef MAPPER_CTF_TRACE_FACTS_H
#define MAPPER_CTF_TRACE_FACTS_H

#include "ctf/session_clock.h"
#include "mapper/ctf/reader.h"

/* How a trace is called in what is said of it. */
const char *trace_shown(const struct trace_files *files);

/* All of a trace but its clock: see trace_times(). */
struct trace_info trace_info_of(const struct layout *layout, enum domain domain,
                                const struct declared_names *declared);
/* As session_clock_times(), and tells `info` of its clock. */
MUST_CHECK enum status trace_times(const struct layout *layout, const struct layout_clock *session,
                                   struct stream_time **times, struct trace_info *info,
                                   struct failure *why);
/* Whether it is of one process, and of which. */
bool trace_vpid(const struct layout *layout, int32_t *vpid);

#endif
