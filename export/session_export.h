/* export/session_export.h -- what is exported of one session: whole intervals get samples.
 *
 * A function of the results: whoever restores what was saved behind an interval, and takes those that
 * follow, gets the same samples as who took all of them. So nothing is lost or counted twice when
 * what was sent to a receiver is sent again. */
#ifndef EXPORT_SESSION_EXPORT_H
#define EXPORT_SESSION_EXPORT_H

#include "export/cell_views.h"
#include "export/interval.h"
#include "export/series.h"

struct session_export {
    char *name;        /* host/name/created; owned */
    uint64_t next;     /* the first chunk that was not taken */
    bool any_time;     /* told_ms and offset_ns are known */
    int64_t since_ms;  /* the begin of the first one; 0: not known */
    int64_t offset_ns; /* from raw time to the Unix epoch */
    int64_t heard_ms;  /* when its last record was written */
    struct series_set series;
    struct entities entities;
    const struct cell_views *cells; /* borrowed */
    bool unsaved;                   /* something was taken since it was saved */
    bool over_told;                 /* that it has too many series */
};

struct session_export *session_export_new(struct text name, size_t series_limit,
                                          const struct cell_views *cells);
void session_export_free(struct session_export *session); /* NULL is fine */

/* Takes the records of an interval, which are all there. False: it was taken before, and does not
 * count again. `out->samples`, in `arena`, has none where nothing tells a time: they come with the
 * next interval that does. */
bool session_export_take(struct session_export *session, const struct result_record *records,
                         size_t count, struct arena *arena, struct export_interval *out);

/* What was not saved yet, by kind ('h', 's', 't') and number; bytes at NULL: there is no more such
 * block. */
struct session_sink {
    void (*take)(void *context, char kind, uint64_t number, struct bytes block);
    void *context;
};
void session_export_save(struct session_export *session, struct session_sink sink);
/* What all that was saved is called: bytes at NULL for each. */
void session_export_drop(struct session_export *session, struct session_sink sink);
/* Blocks of series come by ascending numbers. REJECT: not what was saved. STOP: of a newer program. */
MUST_CHECK enum status session_export_restore(struct session_export *session, char kind,
                                              uint64_t number, struct bytes block,
                                              struct failure *why);

#endif
