/* analysis/atom_bytes.h -- encodes atoms as bytes: records between mapper and reducer, and the
 * reducer's state.
 *
 * An atom is a sequence of numbers (base/row.h): the tag of its kind; 1 if its REGs are known, else
 * 0; tag and value of each non-empty column; and 0. A number is one number, a text is its length
 * and its bytes, durations are as in base/durations.h. Unknown REGs are omitted.
 *
 * So bytes of older versions, which lack columns, can be read. Tags that this program does not know
 * are from a newer version and are refused with STATUS_STOP, because sums would be wrong without
 * these REGs: the program is old, the bytes are good. */
#ifndef ANALYSIS_ATOM_BYTES_H
#define ANALYSIS_ATOM_BYTES_H

#include "analysis/atom.h"
#include "base/arena.h"
#include "base/failure.h"

/* Output buffer. All zero is empty; `at` is to be freed. */
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

/* Reads an atom into `arena`; its texts and durations are borrowed from the bytes and from the
 * arena.
 * REJECT  the bytes are inconsistent
 * STOP    they have a kind or a column that this program does not know */
MUST_CHECK enum status atom_read(struct row_reader *in, const struct atom_kinds *kinds,
                                 struct arena *arena, struct atom **out, struct failure *why);

#endif
