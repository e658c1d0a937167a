/* mapper/decode/reader.h -- reads the streams of one chunk as one sequence of events.
 *
 * The interface of all CTF decoders: it opens a set of traces (a kernel trace and any number of
 * user-space traces on one clock), merges their streams in the order of event_compare(), and adds
 * EVENT_LOSS where packets were lost. It does not check which interval the events belong to.
 *
 * If a stream ends early, or a packet is inconsistent, the packets before it count, the rest is
 * lost (an EVENT_LOSS border), with a report through `warn`, and the other streams continue. */
#ifndef MAPPER_DECODE_READER_H
#define MAPPER_DECODE_READER_H

#include <stddef.h>
#include <stdint.h>

#include "base/failure.h"
#include "base/attrs.h"
#include "base/session_name.h"
#include "chunk/trace_set.h"
#include "trace/damage.h"
#include "trace/event.h"
#include "trace/schema.h"

/* What a trace's metadata states about the trace. */
struct trace_info {
    enum domain domain;
    char hostname[SESSION_NAME_ROOM];
    char session[SESSION_NAME_ROOM]; /* env trace_name */
    char created[SESSION_NAME_ROOM]; /* env trace_creation_datetime */
    uint8_t clock_uuid[16];          /* zeros if unknown */
    int64_t offset_ns;               /* of the clock, from the Unix epoch */
    struct declared_names declared;  /* kernel only */
};

/* A stream: event.domain, .cpu, and .stream identify the stream of an event. */
struct reader_stream {
    enum domain domain;
    int32_t cpu;
    uint32_t rank;
    const char *name; /* of its file: "kchan_0" */
};

struct reader_info {
    const struct trace_info *traces; /* event.trace indexes it */
    size_t trace_count;
    /* Kernel CPUs that have a stream, ascending, each once. */
    const int32_t *cpus;
    size_t cpu_count;
    const struct reader_stream
        *streams; /* by domain, CPU, and rank; other decoders leave it empty */
    size_t stream_count;
    uint64_t early_events; /* skipped events of the chunk itself before reader_choice.begin_ns */
    bool lost_user;        /* a user-space trace is left out */
    uint64_t seam_end_ns;  /* no event after it is from the seam; UINT64_MAX: unknown */
};

/* Receives reports about damage while opening and reading: a sentence with trace, stream, and
 * offset. */
struct reader_warnings {
    void (*say)(void *context, const char *sentence);
    void *context;
    struct interval_notes *notes; /* collects the damage and its tallies; or NULL */
};

/* Reports and notes data that was left out, with its name. `damage` is without its text, which
 * `format` makes. `warnings` and each of its members may be NULL. */
void reader_report(const struct reader_warnings *warnings, struct damage damage, const char *format,
                   ...) PRINTF_LIKE(3, 4);
/* Reports a sentence that is not about damage. */
void reader_say(const struct reader_warnings *warnings, const char *format, ...) PRINTF_LIKE(2, 3);
/* Notes how a trace declares the phase definitions. */
void reader_note_uses(const struct reader_warnings *warnings, struct phase_uses uses);

struct reader;
struct reader_kind; /* a decoder: mapper/decode/reader_kind.h */
struct plan_cache;  /* parsed metadata: mapper/decode/plan_cache.h */

const char *reader_kind_name(const struct reader_kind *kind);

/* Opens all traces of `set` (borrowed until reader_close()), with classes of `schema` (likewise). A
 * trace that cannot be read is left out with a warning.
 * REJECT: no trace is readable; `why` names the first. */
MUST_CHECK enum status reader_open(const struct trace_set *set, struct schema *schema,
                                   const struct reader_warnings *warnings, struct reader **out,
                                   struct failure *why);

struct reader_choice {
    const struct reader_kind *kind; /* NULL: our own, or `other` */
    /* Decoder for a session with metadata that our own does not understand; NULL: none. */
    const struct reader_kind *other;
    struct plan_cache *cache; /* NULL: none. Only used while opening and closing */
    uint64_t begin_ns;        /* earlier events may be left out; losses never are */
    /* Only a part of the chunk's time is read: packets that end before begin_ns are skipped, so an
     * event after the end of its packet is damage. Only by our own decoder. */
    bool is_part;
    /* Events for which to decode all fields (event.shapes), only by our own decoder. NULL: none. */
    shown_events *shows;
    /* How many batches of reader_next() are valid at a time, only by our own decoder; 0: one. */
    unsigned batches;
};

/* The same with a chosen decoder. */
MUST_CHECK enum status reader_open_as(const struct reader_choice *choice,
                                      const struct trace_set *set, struct schema *schema,
                                      const struct reader_warnings *warnings, struct reader **out,
                                      struct failure *why);
const struct reader_info *reader_info(const struct reader *reader);

/* The next events in order: OK and at least one, or END. `*events` and what they point to are valid
 * until the next call, or for as many calls as the choice says. */
MUST_CHECK enum status reader_next(struct reader *reader, const struct event **events,
                                   size_t *count, struct failure *why);
/* Whether a decoder can read parts of a chunk. */
bool reader_kind_reads_parts(const struct reader_kind *kind);
/* Before the first reader_next(): the begins of parts of the chunk, as cuts_find() of
 * mapper/decode/cuts.h; 0 if the decoder cannot read parts. */
size_t reader_cuts(const struct reader *reader, size_t parts_max, size_t bytes_min, uint64_t *cuts);
void reader_close(struct reader *reader); /* NULL is fine */

#endif
