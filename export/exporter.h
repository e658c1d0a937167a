/* export/exporter.h -- what is exported of one partition of results: its records, one by one, become
 * intervals with samples. Touches no network and no clock. */
#ifndef EXPORT_EXPORTER_H
#define EXPORT_EXPORTER_H

#include "base/failure.h"
#include "export/interval.h"
#include "wire/partial_codec.h"

struct exporter;

enum exporter_event {
    EXPORTER_REPEATED,  /* an interval that was exported before: dropped */
    EXPORTER_TORN,      /* records of an interval are missing: the rest of it is dropped */
    EXPORTER_OVER_LIMIT /* a session has more series than it may: told once */
};

struct exporter_options {
    const char *group;   /* in front of the keys of what is saved; without '/' */
    size_t series_limit; /* of a session */
    struct record_sink state;
    void (*tell)(void *context, enum exporter_event event, struct text session, uint64_t chunk);
    void *context;
};

/* Options are copied; what they point to is borrowed. */
struct exporter *exporter_new(const struct exporter_options *options);
void exporter_free(struct exporter *exporter); /* NULL is fine */

/* Takes the next record, which was written at `time_ms`. With the last one of an interval that was not
 * exported before, `*out` is that interval, valid until the next call; else it has no records.
 * REJECT: no record of results. STOP: of a newer program. */
MUST_CHECK enum status exporter_take(struct exporter *exporter, struct bytes record, int64_t offset,
                                     int64_t time_ms, struct export_interval *out,
                                     struct failure *why);
/* From where a restart has to read: `next`, or the first record of an interval that is not whole. */
int64_t exporter_oldest(const struct exporter *exporter, int64_t next);
/* Whether an interval of the session was given that exporter_save() has not followed. Before it takes
 * more of it, that has to be committed: then what is sent again after a restart is the newest of its
 * series, which receivers take for what they have. */
bool exporter_is_unsaved(const struct exporter *exporter, struct text session);
/* Gives the sink what has changed since the call before. */
void exporter_save(struct exporter *exporter);
/* Forgets sessions of which nothing was written since `before_ms`, and gives the sink their
 * tombstones. Returns how many. */
size_t exporter_forget(struct exporter *exporter, int64_t before_ms);
size_t exporter_sessions(const struct exporter *exporter);
/* Of all sessions; *over: how often numbers were put together beyond the limit, since the start. */
size_t exporter_series(const struct exporter *exporter, uint64_t *over);

/* Into a new one: what was saved, the newest of each key, sorted here. Keys of other groups are passed
 * over. REJECT, STOP: it cannot be used. */
MUST_CHECK enum status exporter_restore(struct exporter *exporter, const struct key_value *entries,
                                        size_t count, struct failure *why);

#endif
