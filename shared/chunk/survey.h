/* shared/chunk/survey.h -- the first and the last packet of each stream of a chunk, which determine
 * the boundaries between chunks. */
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
    struct stream_survey *streams; /* those with packets; sorted by name after survey_sort() */
    size_t count, room;
    struct session_clock clock; /* of its times */
};

struct chunk_survey *survey_new(void);
void survey_free(struct chunk_survey *survey); /* NULL is fine */
/* Adds the traces of a chunk in order. Damaged data is left out, and reported when the chunk is
 * read. */
void survey_trace(struct chunk_survey *survey, struct metadata *metadata,
                  const struct trace_files *trace);
/* Moves the streams of `from` to `to`. */
void survey_adopt(struct chunk_survey *to, struct chunk_survey *from);
/* Call it after the last trace. */
void survey_sort(struct chunk_survey *survey);

bool survey_has_packets(const struct chunk_survey *survey); /* NULL: false */
/* Of all streams; 0 without packets. */
size_t survey_bytes(const struct chunk_survey *survey);
/* The smallest begin of a stream's first packet; UINT64_MAX without packets. */
uint64_t survey_begin_ns(const struct chunk_survey *survey);
/* The largest begin of a stream's first packet: the previous chunk has no events after it. 0
 * without packets. */
uint64_t survey_open_ns(const struct chunk_survey *survey);
/* The largest end of a stream's last packet; 0 without packets. */
uint64_t survey_end_ns(const struct chunk_survey *survey);
/* The smallest end of a stream's last packet, of streams of `before` for which `after` reports lost
 * events: they are lost from then on. UINT64_MAX if there are none. */
uint64_t survey_loss_ns(const struct chunk_survey *before, const struct chunk_survey *after);
/* The same for streams of `before` without packets in `after`. */
uint64_t survey_gone_ns(const struct chunk_survey *before, const struct chunk_survey *after);
/* Whether packets between the two are missing, by the numbers of a stream's packets. */
bool survey_misses_packets(const struct chunk_survey *before, const struct chunk_survey *after);
/* Whether all streams of the one that has fewer are in the other and begin with the same packet:
 * one is a copy of the other, or of a part of it. */
bool survey_is_copy(const struct chunk_survey *a, const struct chunk_survey *b);
/* Whether no stream that both have begins later in `after`: it was recorded before the other, or is
 * a copy. False if they share no stream. */
bool survey_is_no_later(const struct chunk_survey *after, const struct chunk_survey *before);
/* The begin of the interval of `after`, if `before` is the previous chunk. */
uint64_t survey_boundary_ns(const struct chunk_survey *before, const struct chunk_survey *after);

#endif
