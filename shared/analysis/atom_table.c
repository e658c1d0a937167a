#include "analysis/atom_table.h"

#include <stdlib.h>

#include "base/memory.h"

struct text atom_table_text(struct atom_table *table, struct text text)
{
    return names_text(&table->names, names_id(&table->names, text));
}

static struct atom *add(struct atom_table *table, const struct atom_kind *kind,
                        const struct atom *key)
{
    struct atom *atom = memory_new(kind->size);
    atom->kind = kind;
    for (ATOM_EACH(column, kind, ATOM_KEY)) {
        if (column->type == ATOM_IS_text)
            *atom_text_at(atom, column) = atom_table_text(table, *atom_text_at(key, column));
        else
            *atom_number_at(atom, column) = *atom_number_at(key, column);
    }
    atom_clear(atom, ATOM_REG);
    table->at = memory_grow(table->at, &table->room, table->count + 1, sizeof(struct atom *));
    table->at[table->count++] = atom;
    return atom;
}

struct atom *atom_table_at(struct atom_table *table, const struct atom_kind *kind,
                           const struct atom *key)
{
    uint64_t hash = atom_key_hash(kind, key);
    struct atom *first = map_get(&table->by_key, hash);
    for (struct atom *each = first; each; each = each->next)
        if (each->kind == kind && atom_has_key(each, kind, key))
            return each;
    struct atom *atom = add(table, kind, key);
    atom->next = first;
    map_put(&table->by_key, hash, atom);
    return atom;
}

static void take_out(struct atom_table *table, struct atom *atom)
{
    uint64_t hash = atom_key_hash(atom->kind, atom);
    struct atom *first = map_get(&table->by_key, hash);
    if (first == atom && !atom->next) {
        map_remove(&table->by_key, hash);
    } else if (first == atom) {
        map_put(&table->by_key, hash, atom->next);
    } else {
        while (first->next != atom)
            first = first->next;
        first->next = atom->next;
    }
    changes_forget(table->changes, &atom->change);
    free(atom);
}

void atom_table_prune(struct atom_table *table)
{
    size_t kept = 0;
    for (size_t i = 0; i < table->count; i++) {
        struct atom *atom = table->at[i];
        if (atom_is_empty(atom, ATOM_REG) && atom_is_empty(atom, ATOM_SUM))
            take_out(table, atom);
        else
            table->at[kept++] = atom;
    }
    table->count = kept;
}

void atom_table_clear(struct atom_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        atom_clear(table->at[i], ATOM_SUM);
        free(table->at[i]);
    }
    free(table->at);
    map_clear(&table->by_key);
    names_clear(&table->names);
    *table = (struct atom_table){.count = 0};
}
