/* mapper/decode/reader.h -- the streams of one chunk as one row of events.
 *
 * Whatever decodes CTF stands behind this: it opens a set of traces (a kernel trace and any
 * number of user-space traces on one clock), merges their streams in the order of
 * event_compare(), and puts EVENT_LOSS where packets were lost. Which interval the events
 * belong to is not its business.
 *
 * Where streams end early, or a packet lies: the packets before it count, the rest is lost (an
 * EVENT_LOSS border), said through `warn`, and the other streams go on. */
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

/* What a trace's metadata says of itself. */
struct trace_info {
    enum domain domain;
    char hostname[SESSION_NAME_ROOM];
    char session[SESSION_NAME_ROOM]; /* env trace_name */
    char created[SESSION_NAME_ROOM]; /* env trace_creation_datetime */
    uint8_t clock_uuid[16];          /* zeros if not told */
    int64_t offset_ns;               /* of the clock, from the Unix epoch */
    struct declared_names declared;  /* kernel only */
};

/* A stream: event.domain, .cpu and .stream say which one an event is of. */
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
        *streams; /* by domain, CPU and rank; none are told by other decoders */
    size_t stream_count;
    uint64_t early_events; /* of the chunk itself, in front of reader_choice.begin_ns, left out */
    bool lost_user;        /* a trace of user space is left out */
    uint64_t seam_end_ns;  /* no event behind it is of the seam; UINT64_MAX: not known */
};

/* Said while opening and reading: what is damaged, in a sentence that names trace, stream and
 * offset. */
struct reader_warnings {
    void (*say)(void *context, const char *sentence);
    void *context;
    struct interval_notes *notes; /* takes what is reported and counted; or NULL */
};

/* Says what was left out, with its name, and notes it. `damage` without its text, which `format`
 * makes. Either of `warnings` and its members may be NULL. */
void reader_report(const struct reader_warnings *warnings, struct damage damage, const char *format,
                   ...) PRINTF_LIKE(3, 4);
/* Says a sentence that is no damage. */
void reader_say(const struct reader_warnings *warnings, const char *format, ...) PRINTF_LIKE(2, 3);
/* Notes what a trace declares of the phase definitions. */
void reader_note_uses(const struct reader_warnings *warnings, struct phase_uses uses);

struct reader;
struct reader_kind; /* what decodes: mapper/decode/reader_kind.h */
struct plan_cache;  /* metadata understood before: mapper/decode/plan_cache.h */

const char *reader_kind_name(const struct reader_kind *kind);

/* Opens all traces of `set` (borrowed until reader_close()), with classes of `schema` (likewise).
 * A trace that cannot be read is left out with a warning.
 * REJECT: no trace readable; `why` names the first. */
MUST_CHECK enum status reader_open(const struct trace_set *set, struct schema *schema,
                                   const struct reader_warnings *warnings, struct reader **out,
                                   struct failure *why);

struct reader_choice {
    const struct reader_kind *kind; /* NULL: our own, or `other` */
    /* What reads a session with metadata that our own does not understand; NULL: nothing does. */
    const struct reader_kind *other;
    struct plan_cache *cache; /* NULL: none. Used in opening and closing only */
    uint64_t begin_ns;        /* events before it may be left out; losses never are */
    /* Of which events to give all fields (event.shapes); our own alone does. NULL: of none. */
    shown_events *shows;
};

/* The same with a decoder of choice. */
MUST_CHECK enum status reader_open_as(const struct reader_choice *choice,
                                      const struct trace_set *set, struct schema *schema,
                                      const struct reader_warnings *warnings, struct reader **out,
                                      struct failure *why);
const struct reader_info *reader_info(const struct reader *reader);

/* The next events in order: OK and at least one, or END. `*events` and what they point to are
 * valid until the next call. */
MUST_CHECK enum status reader_next(struct reader *reader, const struct event **events,
                                   size_t *count, struct failure *why);
void reader_close(struct reader *reader); /* NULL is fine */

#endif
