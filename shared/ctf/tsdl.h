/* ctf/tsdl.h -- the metadata language of CTF 1.8. */
#ifndef CTF_TSDL_H
#define CTF_TSDL_H

#include "ctf/layout_draft.h"

/* Parses `text`, which is followed by a zero byte and outlives `draft`.
 * REJECT: not understood; `why` has line and column.
 * Source: CTF 1.8.3, 7 and C.; the output of LTTng 2.5 to 2.14. */
MUST_CHECK enum status tsdl_parse(struct text text, struct draft *draft, struct failure *why);

#endif
