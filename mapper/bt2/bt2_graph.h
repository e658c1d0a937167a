/* mapper/bt2/bt2_graph.h -- one trace folder behind libbabeltrace2: its source.ctf.fs, and a sink
 * that hands out the messages of each stream by itself.
 *
 * There is no muxer: who reads merges the streams. One graph per trace, so that a trace which
 * libbabeltrace2 refuses takes no other with it. */
#ifndef MAPPER_BT2_BT2_GRAPH_H
#define MAPPER_BT2_BT2_GRAPH_H

#include <babeltrace2/babeltrace.h>
#include <stdbool.h>

#include "base/failure.h"

struct bt2_graph;

/* Whether the library that is linked here reads metadata of CTF `ctf_version`. */
bool bt2_graph_reads(unsigned ctf_version);

/* OK; REJECT in libbabeltrace2's words, if the library does not read this version of CTF, or if it
 * dies of what is in the folder: *out is NULL then. The folder is read twice
 * (mapper/bt2/bt2_trial.h). */
MUST_CHECK enum status bt2_graph_open(const char *folder, unsigned ctf_version,
                                      struct bt2_graph **out, struct failure *why);
size_t bt2_graph_stream_count(const struct bt2_graph *graph);

/* The next messages of a stream: each belongs to the caller, the array is valid until the next
 * call. OK, END, or REJECT where the stream cannot be decoded further (not to be called again). */
MUST_CHECK enum status bt2_graph_next(struct bt2_graph *graph, size_t stream,
                                      bt_message_array_const *messages, uint64_t *count,
                                      struct failure *why);
/* All messages have to be given back before. */
void bt2_graph_close(struct bt2_graph *graph); /* NULL is fine */

#endif
