/* wire/key.h -- keys of records: SESSION/PID, SESSION/t/TID, SESSION/host. */
#ifndef WIRE_KEY_H
#define WIRE_KEY_H

#include "base/bytes.h"

/* The session of a key, by which partials and results are partitioned. A session's name has at
 * least two slashes (host/name/created), so the rest is unambiguous. */
struct text key_session(struct text key);

#endif
