/* analysis/atom_bytes.h -- atoms as bytes: records between mapper and reducer, and the reducer's state.
 *
 * An atom is numbers of base/row.h: the tag of its kind; 1 if its REGs are known, else 0; of each column
 * that says something, its tag and its value; and 0. A number is one number, a text its length and its
 * bytes, durations are as in base/durations.h. Columns of REGs that are not known are left out.
 *
 * So bytes of a version before, which lack columns, can be read. Tags that this program does not
 * know are of a newer version: what is remembered there cannot be left out of what is added up, so the
 * bytes are refused with STATUS_STOP: the program is old, the bytes are good. */
#ifndef ANALYSIS_ATOM_BYTES_H
#define ANALYSIS_ATOM_BYTES_H

#include "analysis/atom.h"
#include "base/arena.h"
#include "base/failure.h"

/* Bytes in the making. All zero is none; `at` is to be freed. */
struct atom_out {
    uint8_t *at;
    size_t count, room;
};

void atom_out_number(struct atom_out *out, uint64_t number);
void atom_out_text(struct atom_out *out, struct text text);
struct text atom_in_text(struct row_reader *in);

void atom_write(struct atom_out *out, const struct atom *atom);

/* Finds a kind by its tag; NULL: there is none. */
struct atom_kinds {
    const struct atom_kind *(*find)(const void *context, uint64_t tag);
    const void *context;
};

/* Reads an atom into memory of `arena`; its texts and its durations are borrowed from the bytes and from
 * there.
 * REJECT  the bytes contradict themselves
 * STOP    they have a kind or a column that this program does not know */
MUST_CHECK enum status atom_read(struct row_reader *in, const struct atom_kinds *kinds,
                                 struct arena *arena, struct atom **out, struct failure *why);

#endif
