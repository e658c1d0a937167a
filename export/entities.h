/* export/entities.h -- threads of one session, as far as numbers need them: their process, its
 * name, and in which of their stretches a call was in progress from the begin.
 *
 * Ended threads are dropped: results repeat live ones every FOLD_ROUND intervals (results/fold.h).
 * State in Kafka has blocks of ENTITY_BLOCK ids. */
#ifndef EXPORT_ENTITIES_H
#define EXPORT_ENTITIES_H

#include "base/arena.h"
#include "base/failure.h"
#include "base/id_map.h"
#include "base/names.h"
#include "results/result.h"

enum { ENTITY_BLOCK = 64 };

/* Time of instances of a phase that ended before the first call event of the thread's stretch: it
 * was in that call if one turns out to have been in progress, else in none. */
struct entity_before {
    struct entity_before *next;
    uint32_t stretch, phase; /* phase: in entities.names */
    int64_t running_ns;
};

struct entity_first {
    struct entity_first *next;
    uint32_t stretch, call; /* call: in entities.names; NAMES_NONE: unknown */
};

struct entity {
    uint64_t id;
    uint64_t process; /* id; 0: unknown */
    int32_t tid;
    bool kernel_named;
    uint32_t name, program; /* NAMES_NONE: unknown */
    uint64_t result_chunk;  /* the chunk of its newest result */
    struct entity_before *befores;
    struct entity_first *firsts;
};

/* Empty if all zero. */
struct entities {
    struct names names;
    struct id_map threads;
    struct map called; /* process id to name + 1, as of entities_name(); no pointers */
    struct map dirty;  /* unsaved blocks, number + 1; values are unused */
};

void entities_clear(struct entities *entities);

/* The thread, created if it is new; a result of `chunk` refers to it. */
struct entity *entities_thread(struct entities *entities, uint64_t id, uint64_t chunk);
void entities_take(struct entities *entities, const struct thread_fact *fact, uint64_t chunk);
/* `call` was in progress when a stretch began. Returns the thread's time before it that was counted
 * as without a call; the caller frees it. */
struct entity_before *entities_first_call(struct entities *entities, uint64_t thread,
                                          uint32_t stretch, struct text call, uint64_t chunk);
/* Whether the first call of the stretch is known. If not, the time is kept until it may be. */
bool entities_before(struct entities *entities, uint64_t thread, uint32_t stretch,
                     struct text phase, int64_t running_ns, uint64_t chunk);

/* Whether a call is known to have been in progress when the stretch began, and which; *call is
 * empty if its name is unknown. */
bool entities_call_before(const struct entities *entities, uint64_t thread, uint32_t stretch,
                          struct text *call);

/* Determines the names of processes from all results so far. */
void entities_name(struct entities *entities);
/* Of the thread's process, as of the last entities_name(); empty if unknown. */
struct text entities_process_name(const struct entities *entities, uint64_t thread);
/* NULL if unknown. */
const struct entity *entities_find(const struct entities *entities, uint64_t thread);

/* Drops threads without results for two rounds. */
void entities_forget(struct entities *entities, uint64_t chunk);

/* Passes the unsaved blocks to `take`, by number, and marks them as saved; the bytes of one that
 * became empty are NULL. */
void entities_save(struct entities *entities,
                   void (*take)(void *context, uint64_t number, struct bytes block), void *context);
/* REJECT: not written by entities_save(). STOP: written by a newer program. */
MUST_CHECK enum status entities_restore(struct entities *entities, struct bytes block,
                                        struct failure *why);

#endif
