/* Random metadata of CTF 1.8, and random packets for any layout, for comparing two readers.
 *
 * The same seed gives the same trace. All of it is valid, and within what babeltrace2 reads. */
#ifndef TESTS_MAPPER_RANDOM_LAYOUT_H
#define TESTS_MAPPER_RANDOM_LAYOUT_H

#include "ctf/layout.h"

struct random {
    uint64_t state;
};

/* 0 to `below` - 1. */
uint64_t random_below(struct random *random, uint64_t below);

/* The text of a trace with one stream class, owned by the caller. */
char *random_metadata(struct random *random);

struct random_stream {
    uint64_t instance; /* stream_instance_id, cpu_id */
    uint64_t begin;    /* clock; later packets and events follow it */
    unsigned packets;
    unsigned events;    /* maximum per packet */
    bool loses_packets; /* some packet numbers are skipped, and some events discarded */
};

struct written {
    uint8_t *at; /* owned by the caller */
    size_t count;
    size_t events;
    uint64_t last; /* clock, at the last event; 0 without one */
    uint64_t end;  /* clock, after the last packet */
};

/* The file of one stream. Its class needs content_size and packet_size in its packet context,
 * unless there is a single packet. */
struct written random_packets(struct random *random, const struct layout *layout,
                              const struct layout_stream *stream,
                              const struct random_stream *wanted);

#endif
