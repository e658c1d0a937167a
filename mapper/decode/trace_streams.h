/* mapper/decode/trace_streams.h -- determines the streams of one trace from its files, for all
 * decoders: which packets count, which files belong together, and what is left out. */
#ifndef MAPPER_DECODE_TRACE_STREAMS_H
#define MAPPER_DECODE_TRACE_STREAMS_H

#include "chunk/packet_row.h"
#include "mapper/decode/reader.h"

/* One stream file of a trace. */
struct stream_part {
    const struct stream_file *file;
    struct packet_row packets; /* complete ones: the seam's, then the file's; moved to its stream */
    size_t packet_count, seam_count;
    bool damaged;  /* its files cannot be read unchanged */
    bool cut;      /* its end is missing */
    bool mixed;    /* its packets name several instances: it is a separate stream */
    bool misleads; /* headers of kept packets are wrong: not for libbabeltrace2 */
};

/* The files of one instance of a stream class, which libbabeltrace2 also joins into one stream
 * (LTTng can split a stream into several files). */
struct trace_stream {
    const char *name; /* of its first file */
    struct packet_row packets;
    int32_t cpu;
    bool cut; /* its end is missing */
    uint64_t
        gone_ns; /* if the chunk has no file of it: the begin of the chunk's interval; else 0 */
};

struct trace_streams {
    struct stream_part *parts; /* in the order of the files */
    struct trace_stream *at;   /* those that have packets */
    size_t *stream_of;         /* by part: its stream, SIZE_MAX for none */
    size_t part_count, count;
};

/* `files`, `layout`, and `times` are borrowed. The interval begins at `begin_ns`. Reports what is
 * left out. */
void trace_streams_init(struct trace_streams *streams, const struct trace_files *files,
                        const struct layout *layout, const struct stream_time *times,
                        uint64_t begin_ns, const struct reader_warnings *warnings);
void trace_streams_clear(struct trace_streams *streams);

#endif
