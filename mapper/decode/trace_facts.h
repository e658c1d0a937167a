/* mapper/decode/trace_facts.h -- what a trace states about itself, common to all decoders. */
#ifndef MAPPER_DECODE_TRACE_FACTS_H
#define MAPPER_DECODE_TRACE_FACTS_H

#include "ctf/session_clock.h"
#include "mapper/decode/reader.h"

/* The name of a trace in messages. */
const char *trace_shown(const struct trace_files *files);

/* Reports and notes what was left out of a trace, or of its stream of that name (NULL: all of it).
 * `damage` without name and text. */
void trace_report(const struct reader_warnings *warnings, const struct trace_files *files,
                  const char *stream, struct damage damage, const char *text);

/* The same for a trace that cannot be read; `why` may begin with its name. */
void trace_report_left_out(const struct reader_warnings *warnings, const struct trace_files *files,
                           const char *why);

/* By its folder. */
bool trace_is_of_user(const struct trace_files *files);
/* Whether its files end with its process (per-process buffers). */
bool trace_is_of_process(const struct trace_files *files);

/* Reports as lost a trace that is in the previous chunk but not in this one, except one of a single
 * process, which may have ended. True: the part of it in the seam must be left out as well, because
 * the state of the kernel is unknown in the whole interval. */
bool trace_report_gone(const struct reader_warnings *warnings, const struct trace_files *files);

/* Whether an archived chunk has only empty files of it: nothing is lost with it. In a session that
 * is still recording, metadata comes later. */
bool trace_is_empty(const struct trace_files *files);

/* Reports for a trace that is being recorded that its end is missing, and for an old trace what is
 * not counted. */
void trace_report_state(const struct reader_warnings *warnings, const struct trace_files *files,
                        const struct trace_info *info);

/* Everything about a trace but its clock: see trace_times(). */
struct trace_info trace_info_of(const struct layout *layout, enum domain domain,
                                const struct declared_names *declared);
/* As session_clock_times(), and sets the clock of `info`. */
MUST_CHECK enum status trace_times(const struct layout *layout, const struct layout_clock *session,
                                   struct stream_time **times, struct trace_info *info,
                                   struct failure *why);
/* The process of a per-process trace; the text belongs to the layout. */
struct event_origin trace_origin(const struct layout *layout);

#endif
