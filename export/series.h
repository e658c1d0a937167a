/* export/series.h -- the series of one session: sums since its begin, by family and labels.
 *
 * They are numbered in order of creation. State in Kafka has blocks of SERIES_BLOCK series; changed
 * blocks are written again. */
#ifndef EXPORT_SERIES_H
#define EXPORT_SERIES_H

#include "base/arena.h"
#include "base/failure.h"
#include "base/names.h"
#include "export/family.h"

enum { SERIES_BLOCK = 32, SERIES_LABEL_MAX = 255 /* bytes of a label's value */ };

struct series {
    const struct family *family; /* NULL: this program does not have it */
    enum family_kind kind;
    bool changed; /* since its last sample */
    int64_t sum;
    int64_t sent; /* the greatest sum so far: the value of a counter */
    /* Time of its last sample, ms since the Unix epoch. 0: none was sent; INT64_MAX: unknown */
    int64_t sample_ms;
    struct durations durations;
    struct durations before; /* for a sample that `opens`: at the last sample; in `opening` */
};

/* Empty if all zero, except for `limit`. */
struct series_set {
    struct names keys; /* family and labels, each NUL-terminated */
    struct series *at; /* by key; owned */
    size_t room;
    bool *dirty; /* by block: not saved; owned */
    size_t dirty_room;
    int64_t sample_ms;    /* time of the last samples of all series; 0: none were sent */
    struct arena opening; /* old values for samples that `opens` */
    bool opening_used;    /* samples have used it */
    size_t limit;         /* series beyond it are merged */
    uint64_t over;        /* how often that was done */
};

void series_clear(struct series_set *set);

/* `labels` are in the family's order; empty ones are absent. Values are converted to UTF-8 and
 * truncated. */
void series_add(struct series_set *set, const struct family *family, const struct text *labels,
                int64_t more);
void series_put(struct series_set *set, const struct family *family, const struct text *labels,
                int64_t number);
void series_observe(struct series_set *set, const struct family *family, const struct text *labels,
                    const struct durations *more);

/* Samples at `end_ms`, later than earlier ones, of the series that have changed since the last
 * call; in `arena`, valid until a series changes. Returns their number. */
size_t series_take_samples(struct series_set *set, int64_t end_ms, struct arena *arena,
                           struct sample **out);

/* The next unsaved block from *at on, as bytes in `arena`; marks it as saved. False: there is
 * none. */
bool series_save(struct series_set *set, size_t *at, struct arena *arena, struct bytes *out);
/* The block after those that were already restored. `find`: the family of a name, or NULL.
 * REJECT: not written by series_save(). STOP: written by a newer program. */
MUST_CHECK enum status series_restore(struct series_set *set, struct bytes block,
                                      const struct family *(*find)(const void *context,
                                                                   struct text name),
                                      const void *context, struct failure *why);

#endif
