/* analysis/atom_table.h -- atoms of any kinds, each once, by kind and key. */
#ifndef ANALYSIS_ATOM_TABLE_H
#define ANALYSIS_ATOM_TABLE_H

#include "analysis/atom.h"
#include "base/map.h"
#include "base/names.h"

/* All zero is an empty table. */
struct atom_table {
    struct map by_key;
    struct atom **at; /* in the order in which they were first met */
    size_t count, room;
    struct names names;      /* of their texts */
    struct changes *changes; /* borrowed: told of those that are taken out; NULL: nobody asks */
};

/* The atom of the key columns of `key`, whose other columns say nothing if it is new. Good until the
 * table is pruned or cleared. */
struct atom *atom_table_at(struct atom_table *table, const struct atom_kind *kind,
                           const struct atom *key);
/* The same text, good until the table is cleared. */
struct text atom_table_text(struct atom_table *table, struct text text);

/* Takes out those that say nothing: neither remember nor have summed anything. */
void atom_table_prune(struct atom_table *table);
void atom_table_clear(struct atom_table *table);

#endif
