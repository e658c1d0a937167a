/* analysis/rule.h -- how an analysis says what an event means; for the files of analyses.
 *
 *     static void find_up(struct found *found, const struct event *event)
 *     {
 *         found_atom(found, &link_kind, &(struct link_key){.cpu = (uint64_t)event->cpu}.atom);
 *     }
 *     static void apply_up(struct atom *const *atoms, const struct event *event)
 *     {
 *         ((struct link *)atoms[0])->up_ns = event->time_ns;
 *     }
 *     ANALYSIS_RULE(up, find_up, apply_up, DEFINES(0))
 *
 * makes rule_up_map() and rule_up_join() for the rule's row: ANALYSIS_RULE_OF(up). Both are compiled with
 * the mode as a constant. What find() names only where REGs are known is NULL to apply() where they are
 * not: what it adds up then is dropped, as the join adds it up. DEFINES(i) of the atoms that the event defines whatever was before: it
 * sets all of their REGs.
 *
 * Begins and ends whose keys are many (addresses, sectors) are atoms of a kind with `open_ns`: find() of the begin names
 * them by found_opening(), that of the end by found_ending(). Nothing of a pair is sent that one interval has
 * both of. */
#ifndef ANALYSIS_RULE_H
#define ANALYSIS_RULE_H

#include <assert.h>

#include "analysis/analyses.h"
#include "analysis/atom.h"

enum engine_mode { ENGINE_MAP, ENGINE_JOIN };

enum { FOUND_MAX = 4 };

/* What find() found. Of none, nothing happens. */
struct found {
    struct engine *engine;
    enum engine_mode mode;
    unsigned count;
    bool known;              /* all of them */
    uint8_t opening, ending; /* bit i: at[i] is */
    uint64_t now_ns;
    struct atom *at[FOUND_MAX];
};

#define DEFINES(i) (1u << (i))
#define DEFINES_NOTHING 0u

/* For the functions below. What of an engine every event touches: its begin. */
enum { ENGINE_RECENT = 64 };
struct engine_head {
    struct atom *recent[ENGINE_RECENT]; /* found last, by what their keys add up to */
    bool sums_nothing;
};
static inline struct engine_head *engine_head(struct engine *engine)
{
    return (struct engine_head *)engine;
}
struct atom *engine_atom_slowly(struct engine *engine, const struct atom_kind *kind,
                                const struct atom *key);
void engine_send_single(struct engine *engine, const struct rule *rule, const struct event *event,
                        const struct found *found);
void engine_settle_single(struct engine *engine, const struct found *found, unsigned defines);
void engine_mark(struct engine *engine, struct atom *atom);
struct atom *engine_open(struct engine *engine, const struct atom_kind *kind, struct atom *from);
/* NULL: none is open, as far as is known. */
struct atom *engine_opened(struct engine *engine, const struct atom_kind *kind,
                           const struct atom *key, struct found *found);
void engine_end(struct engine *engine, struct atom *open);

static inline struct atom **engine_recent(struct engine *engine, const struct atom_kind *kind,
                                          const struct atom *key)
{
    return &engine_head(engine)->recent[atom_key_sum(kind, key) % ENGINE_RECENT];
}

/* Of the key columns of `key`, which may be a NOUN_key. */
static inline struct atom *engine_atom(struct engine *engine, const struct atom_kind *kind,
                                       const struct atom *key)
{
    struct atom *recent = *engine_recent(engine, kind, key);
    if (recent && recent->kind == kind && atom_has_key(recent, kind, key))
        return recent;
    return engine_atom_slowly(engine, kind, key);
}

/* Names the next atom, by the key columns of `key`. What its REGs lead to may be looked at, and
 * named, if they are known: else this returns NULL. */
static inline const struct atom *found_atom(struct found *found, const struct atom_kind *kind,
                                            const struct atom *key)
{
    assert(found->count < FOUND_MAX);
    struct atom *atom = engine_atom(found->engine, kind, key);
    bool known = found->mode == ENGINE_JOIN || atom->known;
    found->at[found->count++] = atom;
    found->known &= known;
    return known ? atom : NULL;
}

/* Names a begin: all of its columns are those of `from`. */
static inline void found_opening(struct found *found, const struct atom_kind *kind,
                                 struct atom *from)
{
    assert(found->count < FOUND_MAX);
    found->opening |= (uint8_t)(1u << found->count);
    found->at[found->count++] = engine_open(found->engine, kind, from);
}

/* Names the newest begin of that key, which ends: apply() may read it. What NULL says is known to
 * apply() alone: none was seen, or none within `open_ns`. */
static inline const struct atom *found_ending(struct found *found, const struct atom_kind *kind,
                                              const struct atom *key)
{
    assert(found->count < FOUND_MAX);
    found->ending |= (uint8_t)(1u << found->count);
    struct atom *open = engine_opened(found->engine, kind, key, found);
    found->at[found->count++] = open;
    return open;
}

/* For `lose` of a kind: an atom without REGs, to add to. */
struct atom *lost_atom(struct engine *engine, const struct atom_kind *kind, const struct atom *key);

__attribute__((always_inline)) static inline void
engine_step(struct engine *engine, const struct rule *rule, const struct event *event,
            enum engine_mode mode, void (*find)(struct found *found, const struct event *event),
            void (*apply)(struct atom *const *atoms, const struct event *event), unsigned defines)
{
    struct found found = {.engine = engine,
                          .mode = mode,
                          .now_ns = event->time_ns,
                          .known = mode == ENGINE_JOIN || !engine_head(engine)->sums_nothing};
    find(&found, event);
    if (found.count == 0)
        return;
    if (mode == ENGINE_MAP && !found.known)
        engine_send_single(engine, rule, event, &found);
    apply(found.at, event);
    if (mode == ENGINE_MAP && !found.known) {
        engine_settle_single(engine, &found, defines);
        return;
    }
    for (unsigned i = 0; i < found.count; i++)
        if (!((found.opening | found.ending) >> i & 1)) {
            if (!found.at[i]->dirty)
                engine_mark(engine, found.at[i]);
        } else if ((found.ending >> i & 1) && found.at[i]) {
            engine_end(engine, found.at[i]);
        }
}

/* A handler that runs since *entered_ns (0: none does) begins, or ends. Those of one atom do not nest. */
static inline void run_enter(uint64_t *entered_ns, uint64_t *end_unknown, uint64_t now_ns)
{
    *end_unknown += *entered_ns != 0;
    *entered_ns = now_ns;
}

static inline void run_exit(uint64_t *entered_ns, struct durations *run, uint64_t *begin_unknown,
                            uint64_t now_ns)
{
    if (*entered_ns != 0)
        durations_add(run, now_ns - *entered_ns);
    else
        (*begin_unknown)++;
    *entered_ns = 0;
}

#define ANALYSIS_RULE(name, find, apply, defines)                                                  \
    static void rule_##name##_map(struct engine *engine, const struct rule *rule,                  \
                                  const struct event *event)                                       \
    {                                                                                              \
        engine_step(engine, rule, event, ENGINE_MAP, find, apply, defines);                        \
    }                                                                                              \
    static void rule_##name##_join(struct engine *engine, const struct rule *rule,                 \
                                   const struct event *event)                                      \
    {                                                                                              \
        engine_step(engine, rule, event, ENGINE_JOIN, find, apply, defines);                       \
    }
#define ANALYSIS_RULE_OF(name) .map = rule_##name##_map, .join = rule_##name##_join

#endif
