/* export/series.h -- the series of one session: sums since its begin, by family and labels.
 *
 * They are numbered in the order in which they came. Blocks of SERIES_BLOCK of them are what is kept
 * in Kafka: those that changed are written again. */
#ifndef EXPORT_SERIES_H
#define EXPORT_SERIES_H

#include "base/arena.h"
#include "base/failure.h"
#include "base/names.h"
#include "export/family.h"

enum { SERIES_BLOCK = 32, SERIES_LABEL_MAX = 255 /* bytes of a label's value */ };

struct series {
    const struct family *family; /* NULL: one that this program does not have */
    enum family_kind kind;
    bool changed; /* since its last sample */
    int64_t sum;
    int64_t told; /* the greatest sum so far: what a counter shows */
    /* When its last sample was, ms since the Unix epoch. 0: none went out; INT64_MAX: not known */
    int64_t told_ms;
    struct durations durations;
    struct durations before; /* of one that `opens`: at its last sample; in `opening` */
};

/* All zero, but for `limit`, is an empty one. */
struct series_set {
    struct names keys; /* family and labels, with a zero behind each */
    struct series *at; /* by key; owned */
    size_t room;
    bool *dirty; /* by block: not saved; owned */
    size_t dirty_room;
    int64_t told_ms;      /* when the last samples of all were; 0: none went out */
    struct arena opening; /* what series that open were before */
    bool opening_told;    /* samples were made of it */
    size_t limit;         /* more than that are put together */
    uint64_t over;        /* how often that was done */
};

void series_clear(struct series_set *set);

/* `labels` are of the family's; empty ones do not count. Values are made UTF-8, and cut. */
void series_add(struct series_set *set, const struct family *family, const struct text *labels,
                int64_t more);
void series_put(struct series_set *set, const struct family *family, const struct text *labels,
                int64_t number);
void series_observe(struct series_set *set, const struct family *family, const struct text *labels,
                    const struct durations *more);

/* Those that have changed since the call before, as samples of `end_ms`, which is later than those
 * before; in `arena`, and views until a series changes. Returns how many. */
size_t series_take_samples(struct series_set *set, int64_t end_ms, struct arena *arena,
                           struct sample **out);

/* The next block, from *at on, that is not saved yet, as bytes in `arena`; it counts as saved then.
 * False: there is none. */
bool series_save(struct series_set *set, size_t *at, struct arena *arena, struct bytes *out);
/* The block behind those that were restored before. `find`: the family of a name, or NULL.
 * REJECT: not what series_save() wrote. STOP: of a newer program. */
MUST_CHECK enum status series_restore(struct series_set *set, struct bytes block,
                                      const struct family *(*find)(const void *context,
                                                                   struct text name),
                                      const void *context, struct failure *why);

#endif
