/* analysis/atom_table.h -- atoms of all kinds, unique by kind and key. */
#ifndef ANALYSIS_ATOM_TABLE_H
#define ANALYSIS_ATOM_TABLE_H

#include "analysis/atom.h"
#include "base/map.h"
#include "base/names.h"

/* All zero is an empty table. */
struct atom_table {
    struct map by_key;
    struct atom **at; /* in the order of insertion */
    size_t count, room;
    struct names names;      /* of their texts */
    struct changes *changes; /* borrowed: gets removed atoms; NULL: not needed */
};

/* The atom with the key columns of `key`; a new one is otherwise empty. Valid until the table is
 * pruned or cleared. */
struct atom *atom_table_at(struct atom_table *table, const struct atom_kind *kind,
                           const struct atom *key);
/* A copy of the text, valid until the table is cleared. */
struct text atom_table_text(struct atom_table *table, struct text text);

/* Removes empty atoms: without REGs and SUMs. */
void atom_table_prune(struct atom_table *table);
void atom_table_clear(struct atom_table *table);

#endif
