/* export/exporter.h -- turns the records of one partition of results into intervals with samples.
 * Uses no network and no clock. */
#ifndef EXPORT_EXPORTER_H
#define EXPORT_EXPORTER_H

#include "base/failure.h"
#include "export/interval.h"
#include "wire/partial_codec.h"

struct exporter;

enum exporter_event {
    EXPORTER_REPEATED,  /* the interval was exported before: dropped */
    EXPORTER_TORN,      /* records of an interval are missing: the rest of it is dropped */
    EXPORTER_OVER_LIMIT /* a session exceeds series_limit: reported once */
};

struct exporter_options {
    const char *group;   /* prefix of the keys of saved records; without '/' */
    size_t series_limit; /* per session */
    struct record_sink state;
    void (*notify)(void *context, enum exporter_event event, struct text session, uint64_t chunk);
    void *context;
};

/* Options are copied; what they point to is borrowed. */
struct exporter *exporter_new(const struct exporter_options *options);
void exporter_free(struct exporter *exporter); /* NULL is fine */

/* Takes the next record, written at `time_ms`. If it completes an interval that was not exported
 * before, `*out` is that interval, valid until the next call; else it has no records.
 * REJECT: not a record of results. STOP: written by a newer program. */
MUST_CHECK enum status exporter_take(struct exporter *exporter, struct bytes record, int64_t offset,
                                     int64_t time_ms, struct export_interval *out,
                                     struct failure *why);
/* The offset from which a restart must read: `next`, or the first record of an incomplete
 * interval. */
int64_t exporter_oldest(const struct exporter *exporter, int64_t next);
/* Whether an interval of the session was returned since the last exporter_save(). That must be
 * committed before more of the session is taken: then a restart only resends the newest samples of
 * its series, which receivers recognize as the same. */
bool exporter_is_unsaved(const struct exporter *exporter, struct text session);
/* Passes the changes since the last call to the sink. */
void exporter_save(struct exporter *exporter);
/* Drops sessions without records since `before_ms`, and passes their tombstones to the sink.
 * Returns their number. */
size_t exporter_forget(struct exporter *exporter, int64_t before_ms);
size_t exporter_sessions(const struct exporter *exporter);
/* Of all sessions; *over: how often numbers were merged because of the limit, since the start. */
size_t exporter_series(const struct exporter *exporter, uint64_t *over);

/* Restores a new exporter from the newest saved record of each key, which this call sorts. Keys of
 * other groups are ignored. REJECT, STOP: the records cannot be used. */
MUST_CHECK enum status exporter_restore(struct exporter *exporter, const struct key_value *entries,
                                        size_t count, struct failure *why);

#endif
