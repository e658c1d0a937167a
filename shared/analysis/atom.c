#include "analysis/atom.h"

#include <inttypes.h>
#include <stdio.h>

#include <assert.h>

#include "base/hash.h"

const struct atom_column *atom_next_column(const struct atom_kind *kind,
                                           const struct atom_column *column, enum atom_role role)
{
    const struct atom_column *end = kind->columns + kind->column_count;
    for (column = column ? column + 1 : kind->columns; column < end; column++)
        if (column->role == role)
            return column;
    return NULL;
}

bool atom_column_is_empty(const struct atom *atom, const struct atom_column *column)
{
    if (column->type == ATOM_IS_text)
        return atom_text_at(atom, column)->count == 0;
    if (column->type == ATOM_IS_durations)
        return atom_durations_at(atom, column)->count == 0;
    return *atom_number_at(atom, column) == 0;
}

bool atom_is_empty(const struct atom *atom, enum atom_role role)
{
    for (ATOM_EACH(column, atom->kind, role))
        if (!atom_column_is_empty(atom, column))
            return false;
    return true;
}

bool atom_kind_has(const struct atom_kind *kind, enum atom_role role)
{
    return atom_next_column(kind, NULL, role) != NULL;
}

const struct atom_column *atom_kind_column(const struct atom_kind *kind, const char *name)
{
    for (size_t i = 0; i < kind->column_count; i++)
        if (strcmp(kind->columns[i].name, name) == 0)
            return &kind->columns[i];
    return NULL;
}

uint64_t atom_key_hash(const struct atom_kind *kind, const struct atom *key)
{
    uint64_t hash = kind->tag;
    if (kind->key_texts == 0) {
        const uint64_t *words = atom_key(key);
        for (size_t i = 0; i < kind->key_size / sizeof *words; i++)
            hash = hash_number(hash + words[i]);
        return hash;
    }
    for (ATOM_EACH(column, kind, ATOM_KEY))
        hash = column->type == ATOM_IS_text
                   ? hash_number(hash ^ hash_text(*atom_text_at(key, column)))
                   : hash_number(hash + *atom_number_at(key, column));
    return hash;
}

bool atom_has_texts(const struct atom *atom, const struct atom_kind *kind, const struct atom *key)
{
    const uint64_t *a = atom_key(atom), *b = atom_key(key);
    for (size_t i = 0; i < kind->key_size / sizeof *a; i++) {
        if (a[i] == b[i])
            continue;
        if (!(kind->key_texts >> i & 1) ||
            !text_equal(*(const struct text *)(a + i), *(const struct text *)(b + i)))
            return false;
        i++; /* its count */
    }
    return true;
}

static int compare_numbers(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int compare_texts(struct text a, struct text b)
{
    size_t least = a.count < b.count ? a.count : b.count;
    int order = least > 0 ? memcmp(a.at, b.at, least) : 0;
    return order ? order : compare_numbers(a.count, b.count);
}

int atom_compare(const struct atom *a, const struct atom *b)
{
    int order = compare_numbers(a->kind->tag, b->kind->tag);
    if (order)
        return order;
    for (ATOM_EACH(column, a->kind, ATOM_KEY)) {
        order = column->type == ATOM_IS_text
                    ? compare_texts(*atom_text_at(a, column), *atom_text_at(b, column))
                    : compare_numbers(*atom_number_at(a, column), *atom_number_at(b, column));
        if (order)
            return order;
    }
    return 0;
}

void atom_copy(struct atom *to, const struct atom *from, enum atom_role role)
{
    assert(to->kind == from->kind && role != ATOM_SUM);
    for (ATOM_EACH(column, to->kind, role)) {
        if (column->type == ATOM_IS_text)
            *atom_text_at(to, column) = *atom_text_at(from, column);
        else
            *atom_number_at(to, column) = *atom_number_at(from, column);
    }
}

void atom_add_sums(struct atom *to, const struct atom *from)
{
    assert(to->kind == from->kind);
    for (ATOM_EACH(column, to->kind, ATOM_SUM)) {
        if (column->type == ATOM_IS_durations)
            durations_merge(atom_durations_at(to, column), atom_durations_at(from, column));
        else
            *atom_number_at(to, column) += *atom_number_at(from, column);
    }
}

struct atom *atom_in_arena(struct arena *arena, const struct atom *atom)
{
    struct atom *copy = arena_take(arena, atom->kind->size);
    memcpy(copy, atom, atom->kind->size);
    for (size_t i = 0; i < atom->kind->column_count; i++) {
        const struct atom_column *column = &atom->kind->columns[i];
        if (column->type == ATOM_IS_text)
            atom_text_at(copy, column)->at = arena_string(arena, *atom_text_at(atom, column));
        else if (column->type == ATOM_IS_durations)
            *atom_durations_at(copy, column) =
                durations_copy(arena, atom_durations_at(atom, column));
    }
    return copy;
}

struct text atom_address_text(const struct atom *atom, const struct atom_column *column,
                              char room[ATOM_ADDRESS_ROOM])
{
    assert(column->type == ATOM_IS_address);
    int count = snprintf(room, ATOM_ADDRESS_ROOM, "0x%" PRIx64, *atom_number_at(atom, column));
    return (struct text){room, (size_t)count};
}

void atom_clear(struct atom *atom, enum atom_role role)
{
    for (ATOM_EACH(column, atom->kind, role)) {
        if (column->type == ATOM_IS_durations)
            durations_clear(atom_durations_at(atom, column));
        else if (column->type == ATOM_IS_text)
            *atom_text_at(atom, column) = (struct text){"", 0};
        else
            *atom_number_at(atom, column) = 0;
    }
}

bool atom_cpu_of(const struct atom *atom, uint64_t *cpu)
{
    for (ATOM_EACH(column, atom->kind, ATOM_KEY)) {
        if (column->type != ATOM_IS_cpu)
            continue;
        *cpu = *atom_number_at(atom, column);
        return true;
    }
    return false;
}
