/* reducer/join.h -- two neighbouring intervals as one, while the past of both is unknown.
 *
 * The rows are put one after the other and the counts are added, so joining is associative:
 * whoever knows the past may be given any number of intervals as one. */
#ifndef REDUCER_JOIN_H
#define REDUCER_JOIN_H

#include <stdbool.h>

#include "base/arena.h"
#include "trace/partial.h"

struct interval_row {
    const struct item *items;
    size_t count;
    struct interval_end end;
};

/* Whether `right` may follow `left` without a mark between them: it begins where that ends, and
 * its traces are of the same kinds. */
bool interval_row_meets(const struct interval_row *left, const struct interval_row *right);

/* `left` and `right` as one, its row in `arena`; what items point to stays where it is. They must
 * meet. */
struct interval_row interval_row_join(struct arena *arena, const struct interval_row *left,
                                      const struct interval_row *right);

#endif
