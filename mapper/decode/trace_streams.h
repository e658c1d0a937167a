/* mapper/decode/trace_streams.h -- the streams of one trace, from its files: which packets count, which
 * files go together, and what is left out. What a decoder reads is decided here, whatever it is. */
#ifndef MAPPER_DECODE_TRACE_STREAMS_H
#define MAPPER_DECODE_TRACE_STREAMS_H

#include "chunk/packet_row.h"
#include "mapper/decode/reader.h"

/* One stream file of a trace. */
struct stream_part {
    const struct stream_file *file;
    struct packet_row packets; /* whole ones: of the seam, then of the file; moved to its stream */
    size_t packet_count, seam_count;
    bool damaged;  /* its files are not to be read as they lie */
    bool cut;      /* its end is missing */
    bool mixed;    /* its packets tell of several instances: it is a stream of its own */
    bool misleads; /* heads of packets that are kept lie: not for libbabeltrace2 */
};

/* What libbabeltrace2, too, joins into one stream: the files of one instance of a stream class
 * (LTTng splits a stream into several if told to). */
struct trace_stream {
    const char *name; /* of its first file */
    struct packet_row packets;
    int32_t cpu;
    bool cut; /* its end is missing */
    uint64_t
        gone_ns; /* of one that the chunk has no file of: where the chunk's interval begins; else 0 */
};

struct trace_streams {
    struct stream_part *parts; /* in the order of the files */
    struct trace_stream *at;   /* those that have packets */
    size_t *stream_of;         /* by part: its stream, SIZE_MAX for none */
    size_t part_count, count;
};

/* `files`, `layout` and `times` are borrowed. The interval begins at `begin_ns`. What is left out is said. */
void trace_streams_init(struct trace_streams *streams, const struct trace_files *files,
                        const struct layout *layout, const struct stream_time *times,
                        uint64_t begin_ns, const struct reader_warnings *warnings);
void trace_streams_clear(struct trace_streams *streams);

#endif
