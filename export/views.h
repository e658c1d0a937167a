/* export/views.h -- which results count in which families. Only this and export/cell_views.h know
 * both. */
#ifndef EXPORT_VIEWS_H
#define EXPORT_VIEWS_H

#include "export/cell_views.h"
#include "export/entities.h"
#include "export/series.h"

struct view_target {
    struct series_set *series;
    struct entities *entities;
    const struct cell_views *cells;
    uint64_t chunk; /* whose join gave the results */
};

/* Takes the entity in a result, if any; call it for all results of an interval before any
 * number. */
void views_take_fact(const struct view_target *target, const struct result *result);
/* Adds the result's numbers to their series. */
void views_take_number(const struct view_target *target, const struct result *result);
/* The end of the newest interval, in ms since the Unix epoch. */
void views_put_newest(const struct view_target *target, int64_t end_ms);

/* The family of durations of phase instances, with the labels process and phase. */
const struct family *views_phase_durations(void);

/* NULL if there is none. */
const struct family *views_find_family(const struct cell_views *cells, struct text name);

#endif
