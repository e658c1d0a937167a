/* base/session_name.h -- the parts of a session's name, as all programs take them. */
#ifndef BASE_SESSION_NAME_H
#define BASE_SESSION_NAME_H

#include "base/bytes.h"

/* Bytes of a host's name, a session's or a time of creation, with the zero at its end. */
enum { SESSION_NAME_ROOM = 256 };

/* What a trace tells, as a part of a name: UTF-8, controls as `\x0a`, and cut to fit. So it can be a
 * line of an archive, a key of a record and a cell of a table, and is the same in each. */
void session_name_part(struct text told, char room[SESSION_NAME_ROOM]);

#endif
