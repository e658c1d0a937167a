#include "analysis/view.h"

#include <assert.h>

uint64_t view_number(const struct atom *cell, const struct view_column *shown)
{
    const struct atom_column *column = atom_kind_column(cell->kind, shown->column);
    assert(column && column->type != ATOM_IS_text);
    if (column->type != ATOM_IS_durations)
        return *atom_number_at(cell, column);
    const struct durations *durations = atom_durations_at(cell, column);
    switch ((enum view_part)shown->part) {
    case VIEW_VALUE:
    case VIEW_NAME:
    case VIEW_COUNT: return durations->count;
    case VIEW_TOTAL: return durations->total_ns;
    case VIEW_P50: return durations_quantile_rounded(durations, 500);
    case VIEW_P99: return durations_quantile_rounded(durations, 990);
    case VIEW_MAX: return durations->count ? durations->max_ns : 0;
    }
    return 0;
}

const char *view_name(const struct atom *cell, char room[VIEW_NAME_ROOM])
{
    const struct atom_view *view = cell->kind->view;
    if (!view->named)
        return NULL;
    const struct atom_column *column = atom_kind_column(cell->kind, view->named);
    assert(column && column->role == ATOM_KEY && column->type != ATOM_IS_text);
    return view->name(*atom_number_at(cell, column), room);
}
