/* export/entities.h -- threads of one session, as far as numbers need them: of which process they are,
 * what that is called, and in which of their stretches a call was in progress from the begin.
 *
 * What is over is forgotten: living threads are told again every FOLD_ROUND intervals
 * (results/fold.h). Blocks of ENTITY_BLOCK ids are what is kept in Kafka. */
#ifndef EXPORT_ENTITIES_H
#define EXPORT_ENTITIES_H

#include "base/arena.h"
#include "base/failure.h"
#include "base/id_map.h"
#include "base/names.h"
#include "results/result.h"

enum { ENTITY_BLOCK = 64 };

/* Time of instances of a phase that ended before the first call event of the thread's stretch: in
 * that call, if it turns out that one was in progress, else in none. */
struct entity_before {
    struct entity_before *next;
    uint32_t stretch, phase; /* phase: a name of the entities' */
    int64_t running_ns;
};

struct entity_first {
    struct entity_first *next;
    uint32_t stretch, call; /* call: a name of the entities'; NAMES_NONE: not told */
};

struct entity {
    uint64_t id;
    uint64_t process; /* id; 0: not told */
    int32_t tid;
    bool kernel_named;
    uint32_t name, program; /* NAMES_NONE: not told */
    uint64_t told_at;       /* the chunk by which something was told of it last */
    struct entity_before *befores;
    struct entity_first *firsts;
};

/* All zero is an empty one. */
struct entities {
    struct names names;
    struct id_map threads;
    struct map called; /* names + 1 of processes, by id, as of entities_name(); no pointers */
    struct map dirty;  /* blocks that are not saved, number + 1; values mean nothing */
};

void entities_clear(struct entities *entities);

/* The thread, which is new if it was not known; `chunk` tells of it. */
struct entity *entities_thread(struct entities *entities, uint64_t id, uint64_t chunk);
void entities_take(struct entities *entities, const struct thread_fact *fact, uint64_t chunk);
/* That `call` was in progress when a stretch began. Returns the thread's time before it that was
 * taken for one without: the caller's, to be freed. */
struct entity_before *entities_first_call(struct entities *entities, uint64_t thread,
                                          uint32_t stretch, struct text call, uint64_t chunk);
/* Whether that was told. If not, the time is kept, in case that it will be. */
bool entities_before(struct entities *entities, uint64_t thread, uint32_t stretch,
                     struct text phase, int64_t running_ns, uint64_t chunk);

/* Whether it was told that a call was in progress when the stretch began, and which; *call is empty if
 * the name is not known. */
bool entities_call_before(const struct entities *entities, uint64_t thread, uint32_t stretch,
                          struct text *call);

/* Finds out what processes are called, from all that was taken. */
void entities_name(struct entities *entities);
/* As of the last entities_name(): of the thread's process; empty if nothing tells it. */
struct text entities_process_name(const struct entities *entities, uint64_t thread);
/* What is known of the thread; NULL: nothing. */
const struct entity *entities_find(const struct entities *entities, uint64_t thread);

/* Forgets threads of which nothing was told for two rounds. */
void entities_forget(struct entities *entities, uint64_t chunk);

/* Gives `take` the blocks that are not saved, by number; of one that became empty, bytes at NULL.
 * They count as saved then. */
void entities_save(struct entities *entities,
                   void (*take)(void *context, uint64_t number, struct bytes block), void *context);
/* REJECT: not what entities_save() gave. STOP: of a newer program. */
MUST_CHECK enum status entities_restore(struct entities *entities, struct bytes block,
                                        struct failure *why);

#endif
