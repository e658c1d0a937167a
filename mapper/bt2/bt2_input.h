/* mapper/bt2/bt2_input.h -- one trace, made ready for libbabeltrace2.
 *
 * Metadata that our own parser understands says which packets there are, as for our own reader
 * (mapper/decode/trace_streams.h). Other metadata is the library's alone: it gets the files as they
 * lie, and says itself what the trace is. */
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
    struct plan_set *set; /* NULL: not understood */
    struct stream_time *times;
    struct trace_streams streams; /* none if it is not understood */
    enum domain domain;
    struct event_origin origin;     /* its text is the layout's or the library's */
    uint32_t index;                 /* in reader_info.traces */
    struct layout_clock told_clock; /* the library's, if it is the session's */
    struct bt2_graph *graph;
    struct bt2_plans *plans;
};

/* Opens the trace. `session`: its clock, as far as a trace told; `*stage` is made when it is needed.
 * REJECT: nothing of the trace can be read. */
MUST_CHECK enum status bt2_input_open(struct bt2_input *input, const struct trace_set *set,
                                      const struct trace_files *files,
                                      const struct reader_choice *choice, struct schema *schema,
                                      const struct layout_clock **session, struct stage **stage,
                                      const struct reader_warnings *warnings,
                                      struct trace_info *info, struct failure *why);
void bt2_input_clear(struct bt2_input *input);

/* The file that libbabeltrace2 calls `path`; SIZE_MAX if it is none of the trace. */
size_t bt2_input_part(const struct bt2_input *input, const char *path);

/* What the library says of a trace that is not understood: its messages know it first. */
void bt2_input_told(struct bt2_input *input, const bt_trace *trace, struct trace_info *info);

#endif
