/* wire/key.h -- keys of records: SESSION/PID, SESSION/t/TID, SESSION/host. */
#ifndef WIRE_KEY_H
#define WIRE_KEY_H

#include "base/bytes.h"

/* The session of a key: what partials and results are partitioned by. A session's name has two
 * slashes at least (host/name/created), so that what follows them is told apart. */
struct text key_session(struct text key);

#endif
