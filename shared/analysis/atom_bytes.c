#include "analysis/atom_bytes.h"

#include "base/memory.h"
#include "base/row.h"

/* --- writing --- */

static uint8_t *need(struct atom_out *out, size_t count)
{
    out->at = memory_grow(out->at, &out->room, out->count + count + ROW_SLACK, 1);
    return out->at + out->count;
}

void atom_out_number(struct atom_out *out, uint64_t number)
{
    out->count = (size_t)(row_put(need(out, ROW_NUMBER), number) - out->at);
}

void atom_out_text(struct atom_out *out, struct text text)
{
    atom_out_number(out, text.count);
    if (text.count > 0)
        memcpy(need(out, text.count), text.at, text.count);
    out->count += text.count;
}

static void put_durations(struct atom_out *out, const struct durations *durations)
{
    uint8_t *at = need(out, durations_numbers(durations) * ROW_NUMBER);
    out->count = (size_t)(durations_put(at, durations) - out->at);
}

static void put_column(struct atom_out *out, const struct atom *atom,
                       const struct atom_column *column)
{
    atom_out_number(out, column->tag);
    if (column->type == ATOM_IS_text)
        atom_out_text(out, *atom_text_at(atom, column));
    else if (column->type == ATOM_IS_durations)
        put_durations(out, atom_durations_at(atom, column));
    else
        atom_out_number(out, *atom_number_at(atom, column));
}

void atom_write(struct atom_out *out, const struct atom *atom)
{
    const struct atom_kind *kind = atom->kind;
    atom_out_number(out, kind->tag);
    atom_out_number(out, atom->known);
    for (size_t i = 0; i < kind->column_count; i++) {
        const struct atom_column *column = &kind->columns[i];
        bool written = column->role != ATOM_REG || atom->known;
        if (written && !atom_column_is_empty(atom, column))
            put_column(out, atom, column);
    }
    atom_out_number(out, 0);
}

/* --- reading --- */

struct text atom_in_text(struct row_reader *in)
{
    size_t count = row_take_count(in, 1);
    struct text text = {count ? (const char *)in->at : "", count};
    in->at += count;
    return text;
}

/* The column with that tag. */
static const struct atom_column *column_of(const struct atom_kind *kind, uint64_t tag)
{
    for (size_t i = 0; i < kind->column_count; i++)
        if (kind->columns[i].tag == tag)
            return &kind->columns[i];
    return NULL;
}

static void take_column(struct row_reader *in, struct arena *arena, struct atom *atom,
                        const struct atom_column *column)
{
    if (column->type == ATOM_IS_text)
        *atom_text_at(atom, column) = atom_in_text(in);
    else if (column->type == ATOM_IS_durations)
        durations_take(in, arena, atom_durations_at(atom, column));
    else
        *atom_number_at(atom, column) = row_take(in);
}

static enum status take_columns(struct row_reader *in, struct arena *arena, struct atom *atom,
                                struct failure *why)
{
    uint64_t before = 0, tag;
    for (; (tag = row_take(in)) > before; before = tag) {
        const struct atom_column *column = column_of(atom->kind, tag);
        if (!column)
            return fail(why, STATUS_STOP, "column %llu of %s is newer than this program supports",
                        (unsigned long long)tag, atom->kind->name);
        if (column->role == ATOM_REG && !atom->known)
            break;
        take_column(in, arena, atom, column);
    }
    return tag == 0 && !in->bad ? STATUS_OK
                                : fail(why, STATUS_REJECT, "%s is inconsistent", atom->kind->name);
}

enum status atom_read(struct row_reader *in, const struct atom_kinds *kinds, struct arena *arena,
                      struct atom **out, struct failure *why)
{
    *out = NULL;
    uint64_t tag = row_take(in), known = row_take(in);
    if (in->bad || tag == 0 || known > 1)
        return fail(why, STATUS_REJECT, "not a record of an analysis");
    const struct atom_kind *kind = kinds->find(kinds->context, tag);
    if (!kind)
        return fail(why, STATUS_STOP,
                    "record type %llu of an analysis is newer than this program supports",
                    (unsigned long long)tag);
    struct atom *atom = arena_take(arena, kind->size);
    atom->kind = kind;
    atom->known = known;
    atom_clear(atom, ATOM_KEY);
    atom_clear(atom, ATOM_REG);
    enum status status = take_columns(in, arena, atom, why);
    if (status == STATUS_OK)
        *out = atom;
    return status;
}
