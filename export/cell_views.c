#include "export/cell_views.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/view.h"
#include "base/memory.h"

/* A column of a kind, and what it counts in. */
struct cell_view {
    const struct atom_kind *kind;
    const struct atom_column *column;
    struct family family;
};

struct cell_views {
    struct arena arena; /* of names */
    struct cell_view *at;
    size_t count, room;
};

/* --- families --- */

/* Suffixes of names; a unit that the column's name already has is not repeated. */
static const struct unit {
    const char *column, *family;
    enum family_kind kind;
    enum family_unit unit;
} units[ATOM_TYPES] = {
    [ATOM_IS_count] = {"", "_total", FAMILY_COUNTER, FAMILY_ONE},
    [ATOM_IS_ns] = {"_ns", "_seconds_total", FAMILY_COUNTER, FAMILY_NS},
    [ATOM_IS_bytes] = {"_bytes", "_bytes_total", FAMILY_COUNTER, FAMILY_ONE},
    [ATOM_IS_durations] = {"_ns", "_seconds", FAMILY_DURATIONS, FAMILY_NS},
};

/* spanmill_KIND_COLUMN, with its unit; the caller frees it. */
static char *family_name(const struct atom_kind *kind, const struct atom_column *column)
{
    const struct unit *unit = &units[column->type];
    size_t length = strlen(column->name), end = strlen(unit->column);
    if (end > 0 && strcmp(column->name, unit->column + 1) == 0)
        return memory_format("spanmill_%s%s", kind->name, unit->family);
    if (length > end && strcmp(column->name + length - end, unit->column) == 0)
        length -= end;
    return memory_format("spanmill_%s_%.*s%s", kind->name, (int)length, column->name, unit->family);
}

static bool is_label(const struct atom_kind *kind, const struct atom_column *key)
{
    return key->type == ATOM_IS_cpu || key->type == ATOM_IS_text ||
           (kind->view->named && strcmp(kind->view->named, key->name) == 0);
}

static void add_family(struct cell_views *views, const struct atom_kind *kind,
                       const struct atom_column *column)
{
    assert(units[column->type].family); /* other types are not summed */
    views->at = memory_grow(views->at, &views->room, views->count + 1, sizeof *views->at);
    struct cell_view *view = &views->at[views->count++];
    char *name = family_name(kind, column);
    *view = (struct cell_view){kind, column, {.help = column->words}};
    struct family *family = &view->family;
    family->name = arena_string(&views->arena, text_of(name));
    free(name);
    family->kind = units[column->type].kind;
    family->unit = units[column->type].unit;
    for (ATOM_EACH(key, kind, ATOM_KEY))
        if (is_label(kind, key) && family->label_count < FAMILY_LABELS_MAX)
            family->labels[family->label_count++] = key->name;
    family->open_count = family->label_count;
}

struct cell_views *cell_views_new(void)
{
    struct cell_views *views = memory_new(sizeof *views);
    const struct atom_kind *kind;
    for (size_t i = 0; (kind = analyses_shown(i)); i++)
        for (ATOM_EACH(column, kind, ATOM_SUM))
            add_family(views, kind, column);
    return views;
}

void cell_views_free(struct cell_views *views)
{
    if (!views)
        return;
    arena_clear(&views->arena);
    free(views->at);
    free(views);
}

const struct family *cell_views_find(const struct cell_views *views, struct text name)
{
    for (size_t i = 0; i < views->count; i++)
        if (text_equal(text_of(views->at[i].family.name), name))
            return &views->at[i].family;
    return NULL;
}

/* --- cells --- */

enum { NUMBER_ROOM = VIEW_NAME_ROOM };

/* Labels may point into `rooms`. */
static void put_labels(const struct atom *cell, char rooms[FAMILY_LABELS_MAX][NUMBER_ROOM],
                       struct text labels[FAMILY_LABELS_MAX])
{
    size_t count = 0;
    for (ATOM_EACH(key, cell->kind, ATOM_KEY)) {
        if (!is_label(cell->kind, key) || count == FAMILY_LABELS_MAX)
            continue;
        if (key->type == ATOM_IS_text) {
            labels[count++] = *atom_text_at(cell, key);
            continue;
        }
        const char *name = key->type != ATOM_IS_cpu ? view_name(cell, rooms[count]) : NULL;
        if (!name)
            snprintf(rooms[count], NUMBER_ROOM, "%" PRIu64, *atom_number_at(cell, key));
        labels[count] = text_of(name ? name : rooms[count]);
        count++;
    }
}

void cell_views_take(const struct cell_views *views, struct series_set *series,
                     const struct atom *cell)
{
    char rooms[FAMILY_LABELS_MAX][NUMBER_ROOM];
    struct text labels[FAMILY_LABELS_MAX] = {{NULL, 0}};
    put_labels(cell, rooms, labels);
    for (size_t i = 0; i < views->count; i++) {
        const struct cell_view *view = &views->at[i];
        if (view->kind != cell->kind)
            continue;
        if (view->family.kind == FAMILY_DURATIONS)
            series_observe(series, &view->family, labels, atom_durations_at(cell, view->column));
        else
            series_add(series, &view->family, labels, (int64_t)*atom_number_at(cell, view->column));
    }
}
