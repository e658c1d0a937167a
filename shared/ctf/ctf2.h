/* ctf/ctf2.h -- the metadata of CTF 2: a sequence of JSON texts. */
#ifndef CTF_CTF2_H
#define CTF_CTF2_H

#include "ctf/layout_draft.h"

/* Parses `text`, which begins with a record separator.
 * REJECT: not understood; `why` has the number of the fragment and the position.
 * Source: CTF2-SPEC-2.0, 5. */
MUST_CHECK enum status ctf2_parse(struct text text, struct draft *draft, struct failure *why);

#endif
