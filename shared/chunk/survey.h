/* shared/chunk/survey.h -- the first and the last packet of each stream of a chunk: what boundaries between
 * chunks are decided by. */
#ifndef CHUNK_SURVEY_H
#define CHUNK_SURVEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chunk/metadata.h"
#include "chunk/packets.h"
#include "chunk/trace_set.h"

struct stream_survey {
    char *name; /* TRACE/STREAM */
    struct packet first, last;
};

struct chunk_survey {
    struct stream_survey *streams; /* that have packets; by name, once it is sorted */
    size_t count, room;
    struct session_clock clock; /* what its times are of */
};

struct chunk_survey *survey_new(void);
void survey_free(struct chunk_survey *survey); /* NULL is fine */
/* The traces of a chunk in their order. What is damaged is left out: it is said when the chunk is
 * read. */
void survey_trace(struct chunk_survey *survey, struct metadata *metadata,
                  const struct trace_files *trace);
/* Moves the streams of `from` to `to`. */
void survey_adopt(struct chunk_survey *to, struct chunk_survey *from);
/* After the last trace. */
void survey_sort(struct chunk_survey *survey);

bool survey_has_packets(const struct chunk_survey *survey); /* of NULL: no */
/* The smallest begin of a stream's first packet; UINT64_MAX without packets. */
uint64_t survey_begin_ns(const struct chunk_survey *survey);
/* The largest: from then on, no event of it is in the chunk before. 0 without packets. */
uint64_t survey_open_ns(const struct chunk_survey *survey);
/* The largest end of a stream's last packet; 0 without packets. */
uint64_t survey_end_ns(const struct chunk_survey *survey);
/* The smallest end of a stream's last packet, of streams of `before` behind which `after` tells of
 * lost events: they are lost from then on. UINT64_MAX if there are none. */
uint64_t survey_loss_ns(const struct chunk_survey *before, const struct chunk_survey *after);
/* The same of streams of `before` of which `after` has no packet. */
uint64_t survey_gone_ns(const struct chunk_survey *before, const struct chunk_survey *after);
/* Where the interval of `after` begins, if `before` is the chunk before it. */
uint64_t survey_boundary_ns(const struct chunk_survey *before, const struct chunk_survey *after);

#endif
