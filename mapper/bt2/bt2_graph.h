/* mapper/bt2/bt2_graph.h -- reads one trace folder with libbabeltrace2: its source.ctf.fs, and a
 * sink that returns the messages of each stream separately.
 *
 * There is no muxer: the caller merges the streams. Each trace has its own graph, so a trace that
 * libbabeltrace2 refuses does not affect the others. */
#ifndef MAPPER_BT2_BT2_GRAPH_H
#define MAPPER_BT2_BT2_GRAPH_H

#include <babeltrace2/babeltrace.h>
#include <stdbool.h>

#include "base/failure.h"

struct bt2_graph;

/* Whether the linked library reads metadata of CTF `ctf_version`. */
bool bt2_graph_reads(unsigned ctf_version);

/* OK; REJECT with libbabeltrace2's message if the library does not read this version of CTF, or
 * crashes on the contents of the folder: *out is NULL then. The folder is read twice
 * (mapper/bt2/bt2_trial.h). */
MUST_CHECK enum status bt2_graph_open(const char *folder, unsigned ctf_version,
                                      struct bt2_graph **out, struct failure *why);
size_t bt2_graph_stream_count(const struct bt2_graph *graph);

/* The next messages of a stream: the caller owns each, the array is valid until the next call. OK,
 * END, or REJECT if the rest of the stream cannot be decoded (do not call again). */
MUST_CHECK enum status bt2_graph_next(struct bt2_graph *graph, size_t stream,
                                      bt_message_array_const *messages, uint64_t *count,
                                      struct failure *why);
/* All messages must be released before. */
void bt2_graph_close(struct bt2_graph *graph); /* NULL is fine */

#endif
