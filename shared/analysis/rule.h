/* analysis/rule.h -- how an analysis defines the effect of an event; for the files of analyses.
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
 * defines rule_up_map() and rule_up_join() for the rule's row: ANALYSIS_RULE_OF(up). Both are
 * compiled with a constant mode. An atom that find() only adds if REGs are known is NULL in apply()
 * if they are unknown: sums from there are then dropped, because the join adds them. DEFINES(i)
 * marks an atom that the event defines regardless of earlier state: the event sets all of its REGs.
 *
 * Begins and ends with many different keys (addresses, sectors) are atoms of a kind with `open_ns`:
 * find() of the begin adds them by found_opening(), find() of the end by found_ending(). Nothing is
 * sent of a pair within one interval. */
#ifndef ANALYSIS_RULE_H
#define ANALYSIS_RULE_H

#include <assert.h>

#include "analysis/analyses.h"
#include "analysis/opens.h"

enum engine_mode { ENGINE_MAP, ENGINE_JOIN };

enum { FOUND_MAX = 4 };

/* The atoms that find() added. Without any, the event has no effect. */
struct found {
    struct engine *engine;
    enum engine_mode mode;
    unsigned count;
    bool known;              /* all of them are known */
    uint8_t opening, ending; /* bit i: at[i] is a begin, an end */
    uint64_t now_ns;
    struct atom *at[FOUND_MAX];
};

#define DEFINES(i) (1u << (i))
#define DEFINES_NOTHING 0u

/* For the functions below. The first part of an engine, which every event accesses. */
enum { ENGINE_RECENT = 64 };
struct engine_head {
    struct atom *recent[ENGINE_RECENT]; /* found last, by the sum of their keys */
    struct opens opens;
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
/* Counts a begin that has lost its end. */
void engine_lose_open(struct engine *engine, struct atom *open);
/* No begin was seen here: sets `found->known` to whether the past has none either. */
void engine_unopened(struct engine *engine, const struct atom_kind *kind, struct found *found);

/* A key has at most one open begin per time. */
static inline struct atom *engine_open(struct engine *engine, const struct atom_kind *kind,
                                       struct atom *from)
{
    assert(kind->open_ns > 0);
    from->kind = kind;
    struct opens *opens = &engine_head(engine)->opens;
    struct atom *same = opens_same_key(opens, from);
    if (same)
        engine_lose_open(engine, same);
    return opens_add(opens, kind, from);
}

static inline bool open_is_within(const struct atom_kind *kind, uint64_t since_ns, uint64_t now_ns)
{
    return now_ns - since_ns <= kind->open_ns;
}

/* NULL: none is open, as far as is known. */
static inline struct atom *engine_opened(struct engine *engine, const struct atom_kind *kind,
                                         const struct atom *key, struct found *found)
{
    struct atom *open = opens_newest(&engine_head(engine)->opens, kind, key);
    if (!open)
        engine_unopened(engine, kind, found);
    return open && open_is_within(kind, open_since(open), found->now_ns) ? open : NULL;
}

static inline struct atom **engine_recent(struct engine *engine, const struct atom_kind *kind,
                                          const struct atom *key)
{
    return &engine_head(engine)->recent[atom_key_sum(kind, key) % ENGINE_RECENT];
}

/* The atom with the key columns of `key`, which may be a NOUN_key. */
static inline struct atom *engine_atom(struct engine *engine, const struct atom_kind *kind,
                                       const struct atom *key)
{
    struct atom *recent = *engine_recent(engine, kind, key);
    if (recent && recent->kind == kind && atom_has_key(recent, kind, key))
        return recent;
    return engine_atom_slowly(engine, kind, key);
}

/* Adds the atom with the key columns of `key`. If its REGs are known, find() may read them and add
 * atoms that they refer to; else this returns NULL. */
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

/* Adds a begin: all of its columns are those of `from`. */
static inline void found_opening(struct found *found, const struct atom_kind *kind,
                                 struct atom *from)
{
    assert(found->count < FOUND_MAX);
    found->opening |= (uint8_t)(1u << found->count);
    found->at[found->count++] = engine_open(found->engine, kind, from);
}

/* Adds the newest begin of that key, which ends: apply() may read it. Only apply() can interpret
 * NULL: no begin was seen, or none within `open_ns`. */
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
            opens_take_out(&engine_head(engine)->opens, found.at[i]);
        }
}

/* Begin and end of a handler that runs since *entered_ns (0: none does). Handlers of one atom do
 * not nest. */
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
    __attribute__((flatten)) static void rule_##name##_map(                                        \
        struct engine *engine, const struct rule *rule, const struct event *event)                 \
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
