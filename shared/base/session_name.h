/* base/session_name.h -- the parts of a session's name, common to all programs. */
#ifndef BASE_SESSION_NAME_H
#define BASE_SESSION_NAME_H

#include "base/bytes.h"

/* Bytes of a host name, a session name, or a creation time, including the NUL. */
enum { SESSION_NAME_ROOM = 256 };

/* Makes a text of a trace a part of a name: UTF-8, controls as `\x0a`, cut to fit. So it can be a
 * line of an archive, a key of a record, and a cell of a table, the same in each. */
void session_name_part(struct text part, char room[SESSION_NAME_ROOM]);

#endif
