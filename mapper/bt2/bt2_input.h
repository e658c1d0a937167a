/* mapper/bt2/bt2_input.h -- prepares one trace for libbabeltrace2.
 *
 * If our own parser understands the metadata, it determines the packets, as for our own reader
 * (mapper/decode/trace_streams.h). Otherwise the library gets the unchanged files, and describes
 * the trace itself. */
#ifndef MAPPER_BT2_BT2_INPUT_H
#define MAPPER_BT2_BT2_INPUT_H

#include "mapper/bt2/bt2_graph.h"
#include "mapper/bt2/bt2_plan.h"
#include "mapper/decode/plan_cache.h"
#include "ctf/session_clock.h"
#include "mapper/bt2/stage.h"
#include "mapper/decode/trace_streams.h"

struct bt2_input {
    const struct trace_files *files;
    struct plan_set *set; /* NULL: metadata not understood */
    struct stream_time *times;
    struct trace_streams streams; /* empty if it is not understood */
    enum domain domain;
    struct event_origin origin;        /* its text belongs to the layout or the library */
    uint32_t index;                    /* in reader_info.traces */
    struct layout_clock library_clock; /* the library's, if it is the session's */
    struct bt2_graph *graph;
    struct bt2_plans *plans;
};

/* Opens the trace. `session`: its clock, if a trace has shown it; `*stage` is created on demand.
 * REJECT: nothing of the trace can be read. */
MUST_CHECK enum status bt2_input_open(struct bt2_input *input, const struct trace_set *set,
                                      const struct trace_files *files,
                                      const struct reader_choice *choice, struct schema *schema,
                                      const struct layout_clock **session, struct stage **stage,
                                      const struct reader_warnings *warnings,
                                      struct trace_info *info, struct failure *why);
void bt2_input_clear(struct bt2_input *input);

/* The file that libbabeltrace2 calls `path`; SIZE_MAX if it is not of the trace. */
size_t bt2_input_part(const struct bt2_input *input, const char *path);

/* Stores what only the library's messages state about a trace that our parser does not
 * understand. */
void bt2_input_describe(struct bt2_input *input, const bt_trace *trace, struct trace_info *info);

#endif
