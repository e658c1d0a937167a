/* export/cell_views.h -- families of all analyses that have a view (analysis/view.h), made from
 * their columns: each count, sum or duration is a family, so a new analysis is exported without
 * more code.
 *
 * Labels are the CPU, keys with a name in the view, and a text called `name`: no ids, and no other
 * texts, which may be paths. */
#ifndef EXPORT_CELL_VIEWS_H
#define EXPORT_CELL_VIEWS_H

#include "analysis/atom.h"
#include "export/series.h"

struct cell_views;

struct cell_views *cell_views_new(void);
void cell_views_free(struct cell_views *views); /* NULL is fine */

void cell_views_take(const struct cell_views *views, struct series_set *series,
                     const struct atom *cell);
const struct family *cell_views_find(const struct cell_views *views, struct text name);

#endif
