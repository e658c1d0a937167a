/* mapper/decode/trace_facts.h -- what a trace says of itself, whatever decodes it. */
#ifndef MAPPER_DECODE_TRACE_FACTS_H
#define MAPPER_DECODE_TRACE_FACTS_H

#include "ctf/session_clock.h"
#include "mapper/decode/reader.h"

/* How a trace is called in what is said of it. */
const char *trace_shown(const struct trace_files *files);

/* Says and notes what was left out of a trace, or of its stream of that name (NULL: all of it).
 * `damage` without name and text. */
void trace_report(const struct reader_warnings *warnings, const struct trace_files *files,
                  const char *stream, struct damage damage, const char *text);

/* The same of a trace that cannot be read; `why` may begin with its name. */
void trace_report_left_out(const struct reader_warnings *warnings, const struct trace_files *files,
                           const char *why);

/* By the folder that it lies in. */
bool trace_is_of_user(const struct trace_files *files);
/* Whether its files end with the one process that it is of. */
bool trace_is_of_process(const struct trace_files *files);

/* Says of a trace that the chunk before has and this one has not that it is lost, unless it is of one
 * process, which may be over. True: what the seam has of it is to be left out as well, since nothing is
 * known of the kernel in the whole interval then. */
bool trace_report_gone(const struct reader_warnings *warnings, const struct trace_files *files);

/* Whether an archived chunk has nothing of it but files without a byte: nothing is lost with it. Of a
 * session that may still record, metadata comes later. */
bool trace_is_empty(const struct trace_files *files);

/* Says of a trace that is recorded at this moment that its end is not there yet, and of an old one
 * what is not counted. */
void trace_report_told(const struct reader_warnings *warnings, const struct trace_files *files,
                       const struct trace_info *info);

/* All of a trace but its clock: see trace_times(). */
struct trace_info trace_info_of(const struct layout *layout, enum domain domain,
                                const struct declared_names *declared);
/* As session_clock_times(), and tells `info` of its clock. */
MUST_CHECK enum status trace_times(const struct layout *layout, const struct layout_clock *session,
                                   struct stream_time **times, struct trace_info *info,
                                   struct failure *why);
/* Of which process it is, if of one alone; the text is the layout's. */
struct event_origin trace_origin(const struct layout *layout);

#endif
