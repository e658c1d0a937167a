/* export/session_export.h -- the export of one session: creates samples of complete intervals.
 *
 * A function of the results: restoring the state saved after an interval and taking the following
 * ones gives the same samples as taking all. So nothing is lost or counted twice when samples are
 * sent to a receiver again. */
#ifndef EXPORT_SESSION_EXPORT_H
#define EXPORT_SESSION_EXPORT_H

#include "export/cell_views.h"
#include "export/interval.h"
#include "export/series.h"

struct session_export {
    char *name;             /* host/name/created; owned */
    uint64_t next;          /* the first chunk that was not taken */
    bool any_time;          /* sample_ms and offset_ns are known */
    int64_t since_ms;       /* the begin of the first interval; 0: unknown */
    int64_t offset_ns;      /* from raw time to Unix time */
    int64_t last_record_ms; /* write time of its last record */
    struct series_set series;
    struct entities entities;
    const struct cell_views *cells; /* borrowed */
    bool unsaved;                   /* an interval was taken since the last save */
    bool over_reported;             /* the excess of series was reported */
};

struct session_export *session_export_new(struct text name, size_t series_limit,
                                          const struct cell_views *cells);
void session_export_free(struct session_export *session); /* NULL is fine */

/* Takes the records of a complete interval. False: it was taken before, and is not counted again.
 * `out->samples`, in `arena`, is empty while no time is known: the samples follow with the next
 * interval that has one. */
bool session_export_take(struct session_export *session, const struct result_record *records,
                         size_t count, struct arena *arena, struct export_interval *out);

/* Receives unsaved blocks by kind ('h', 's', 't') and number; bytes NULL: the block no longer
 * exists. */
struct session_sink {
    void (*take)(void *context, char kind, uint64_t number, struct bytes block);
    void *context;
};
void session_export_save(struct session_export *session, struct session_sink sink);
/* Passes the keys of all saved blocks, with NULL bytes. */
void session_export_drop(struct session_export *session, struct session_sink sink);
/* Restore blocks of series by ascending number. REJECT: not a saved block. STOP: written by a newer
 * program. */
MUST_CHECK enum status session_export_restore(struct session_export *session, char kind,
                                              uint64_t number, struct bytes block,
                                              struct failure *why);

#endif
