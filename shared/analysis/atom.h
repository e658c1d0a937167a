/* analysis/atom.h -- the data of an analysis for one entity, as one table of columns.
 *
 * A table is a macro that lists each column once:
 *
 *     #define LINK(T, KEY, REG, SUM)                                     \
 *         KEY(T, 1, cpu, cpu, "the CPU")                                 \
 *         REG(T, 2, time, up_ns, "since when it is up; 0: it is not")    \
 *         SUM(T, 3, count, drops, "how often it went down")
 *     ATOM_DEFINE(link, LINK)
 *
 * KEY columns identify the atom: its entity and dimensions. REG columns are registers, that is
 * state; all REGs of an atom are known or unknown together, and all 0 means that nothing is going
 * on. SUM columns accumulate since the atom was last emitted. The table defines the struct, its
 * encoding (atom_bytes.h), keys, joining and adding, cells of results, and views. Tags identify
 * columns in the encoding: they start at 1, ascend, and are never reused. */
#ifndef ANALYSIS_ATOM_H
#define ANALYSIS_ATOM_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/changes.h"
#include "base/durations.h"

enum atom_role { ATOM_KEY, ATOM_REG, ATOM_SUM };

/* The content of a column; the second half of the types' names in the macros. */
enum atom_type {
    ATOM_IS_cpu,       /* number of a CPU: a loss there resets the REGs */
    ATOM_IS_number,    /* a number that identifies something */
    ATOM_IS_address,   /* likewise, a kernel address: displayed by atom_address_text() */
    ATOM_IS_time,      /* raw ns; 0: none */
    ATOM_IS_count,     /* a number of things */
    ATOM_IS_ns,        /* nanoseconds, summed */
    ATOM_IS_bytes,     /* bytes, summed */
    ATOM_IS_text,      /* a name; KEY and REG only */
    ATOM_IS_durations, /* SUM only */
    ATOM_TYPES
};

typedef uint64_t atom_cpu, atom_number, atom_address, atom_time, atom_count, atom_ns, atom_bytes;
typedef struct text atom_text;
typedef struct durations atom_durations;

struct atom_column {
    uint8_t tag;
    uint8_t role; /* enum atom_role */
    uint8_t type; /* enum atom_type */
    uint16_t at;  /* offset in the struct */
    const char *name;
    const char *words; /* description for people */
};

struct atom;
struct engine;

struct atom_kind {
    /* Unique among all kinds (analysis/analyses.h); if it has a view, also the tag of its message
     * in proto/result.proto. */
    uint8_t tag;
    const char *name;
    size_t size; /* of the struct */
    const struct atom_column *columns;
    size_t column_count;
    uint16_t key_size;  /* bytes of the KEY columns, which come first */
    uint32_t key_texts; /* bit i: of these as numbers, i is the address of a text */
    /* The end of what its REGs describe is lost: adds up the effect, also in atoms with sums only
     * (lost_atom()). Afterwards its REGs are set to 0. NULL: nothing is added up. */
    void (*lose)(struct engine *engine, struct atom *atom);
    /* Not 0: such an atom is a begin, and an end within that time ends it (found_opening(),
     * found_ending()). It has no SUMs; its first REG is its begin time. */
    uint64_t open_ns;
    const struct atom_view *view; /* NULL: it is not in results (analysis/view.h) */
};

/* The first member of every struct of a kind. */
struct atom {
    const struct atom_kind *kind;
    struct atom *next; /* with the same hash */
    /* Of begins, for analysis/opens.h. */
    uint32_t place;
    uint32_t hash;        /* of its key; the index of one in `recent` */
    bool known;           /* its REGs are known */
    bool dirty;           /* it has unsent data */
    struct change change; /* for an engine that is saved */
};

#define ATOM_FIELD(T, tag, type, name, words) atom_##type name;
#define ATOM_COLUMN(T, role, tag, type, name, words)                                               \
    {tag, role, ATOM_IS_##type, offsetof(struct T, name), #name, words},
#define ATOM_KEY_COLUMN(T, tag, type, name, words) ATOM_COLUMN(T, ATOM_KEY, tag, type, name, words)
#define ATOM_REG_COLUMN(T, tag, type, name, words) ATOM_COLUMN(T, ATOM_REG, tag, type, name, words)
#define ATOM_SUM_COLUMN(T, tag, type, name, words) ATOM_COLUMN(T, ATOM_SUM, tag, type, name, words)

#define ATOM_NOTHING(T, tag, type, name, words)
#define ATOM_KEY_SIZE(T, tag, type, name, words) +sizeof(atom_##type)
#define ATOM_KEY_TEXT(T, tag, type, name, words)                                                   \
    | (uint32_t)(ATOM_IS_##type == ATOM_IS_text)                                                   \
            << (offsetof(struct T, name) - sizeof(struct atom)) / sizeof(uint64_t)

/* Defines struct NOUN, struct NOUN_key for lookups, and the columns for its kind. */
#define ATOM_DEFINE(entity, COLUMNS)                                                               \
    struct entity##_key {                                                                          \
        struct atom atom;                                                                          \
        COLUMNS(entity, ATOM_FIELD, ATOM_NOTHING, ATOM_NOTHING)                                    \
    };                                                                                             \
    struct entity {                                                                                \
        struct atom atom;                                                                          \
        COLUMNS(entity, ATOM_FIELD, ATOM_NOTHING, ATOM_NOTHING)                                    \
        COLUMNS(entity, ATOM_NOTHING, ATOM_FIELD, ATOM_NOTHING)                                    \
        COLUMNS(entity, ATOM_NOTHING, ATOM_NOTHING, ATOM_FIELD)                                    \
    };                                                                                             \
    enum {                                                                                         \
        entity##_key_size = 0 COLUMNS(entity, ATOM_KEY_SIZE, ATOM_NOTHING, ATOM_NOTHING),          \
        entity##_key_texts = 0 COLUMNS(entity, ATOM_KEY_TEXT, ATOM_NOTHING, ATOM_NOTHING)          \
    };                                                                                             \
    static_assert(sizeof(struct entity##_key) == sizeof(struct atom) + entity##_key_size,          \
                  "keys are right behind the head");                                               \
    static const struct atom_column entity##_columns[] = {                                         \
        COLUMNS(entity, ATOM_KEY_COLUMN, ATOM_REG_COLUMN, ATOM_SUM_COLUMN)};

/* For the initializer of a struct atom_kind. */
#define ATOM_COLUMNS_OF(entity)                                                                    \
    .name = #entity, .size = sizeof(struct entity), .columns = entity##_columns,                   \
    .column_count = sizeof entity##_columns / sizeof *entity##_columns,                            \
    .key_size = entity##_key_size, .key_texts = entity##_key_texts

static inline uint64_t *atom_number_at(const struct atom *atom, const struct atom_column *column)
{
    return (uint64_t *)((uintptr_t)atom + column->at);
}

static inline struct text *atom_text_at(const struct atom *atom, const struct atom_column *column)
{
    return (struct text *)((uintptr_t)atom + column->at);
}

static inline struct durations *atom_durations_at(const struct atom *atom,
                                                  const struct atom_column *column)
{
    return (struct durations *)((uintptr_t)atom + column->at);
}

/* The next column of that role after `column` (NULL: the first); NULL if there is none. */
const struct atom_column *atom_next_column(const struct atom_kind *kind,
                                           const struct atom_column *column, enum atom_role role);
#define ATOM_EACH(column, kind, role)                                                              \
    const struct atom_column *column = atom_next_column(kind, NULL, role);                         \
    column;                                                                                        \
    column = atom_next_column(kind, column, role)

/* An address column as text in `room`: 0x and hexadecimal digits. */
enum { ATOM_ADDRESS_ROOM = 19 };
struct text atom_address_text(const struct atom *atom, const struct atom_column *column,
                              char room[ATOM_ADDRESS_ROOM]);

/* Whether the column is empty: 0, or "". */
bool atom_column_is_empty(const struct atom *atom, const struct atom_column *column);
/* Whether all columns of that role are. */
bool atom_is_empty(const struct atom *atom, enum atom_role role);
bool atom_kind_has(const struct atom_kind *kind, enum atom_role role);
/* NULL: no column has that name. */
const struct atom_column *atom_kind_column(const struct atom_kind *kind, const char *name);

/* Fast, but the writer of the trace can cause collisions: only where these do no harm. */
static inline uint64_t atom_key_sum(const struct atom_kind *kind, const struct atom *key)
{
    const uint64_t *words = (const uint64_t *)(key + 1);
    uint64_t sum = kind->tag;
    for (size_t i = 0; i < kind->key_size / sizeof *words; i++)
        sum = 7 * sum + words[i];
    return sum;
}

/* Seeded: differs between processes. */
uint64_t atom_key_hash(const struct atom_kind *kind, const struct atom *key);
/* The KEY columns as numbers: a text is two, the first is its address. */
static inline const uint64_t *atom_key(const struct atom *atom)
{
    return (const uint64_t *)(atom + 1);
}
static_assert(sizeof(struct atom) % sizeof(uint64_t) == 0 &&
                  sizeof(struct text) == 2 * sizeof(uint64_t),
              "keys are whole numbers, right behind the head");
/* As atom_has_key(), for a key with texts: equal ones may have different addresses. */
bool atom_has_texts(const struct atom *atom, const struct atom_kind *kind, const struct atom *key);
/* Whether `atom`, of `kind`, has the key columns of `key`. */
static inline bool atom_has_key(const struct atom *atom, const struct atom_kind *kind,
                                const struct atom *key)
{
    const uint64_t *a = atom_key(atom), *b = atom_key(key);
    uint64_t differ = 0;
    for (size_t i = 0; i < kind->key_size / sizeof *a; i++)
        differ |= a[i] ^ b[i];
    return differ == 0 || (kind->key_texts != 0 && atom_has_texts(atom, kind, key));
}
/* Negative, 0, or positive: by kind, then by key columns in their order. */
int atom_compare(const struct atom *a, const struct atom *b);

/* Both of the same kind. Texts are copied as views; durations are merged into memory of their
 * own. */
void atom_copy(struct atom *to, const struct atom *from, enum atom_role role);
void atom_add_sums(struct atom *to, const struct atom *from);
/* A copy of the atom with everything that it points to, in `arena`. */
struct atom *atom_in_arena(struct arena *arena, const struct atom *atom);
/* Empties all columns of the role and frees what they own. */
void atom_clear(struct atom *atom, enum atom_role role);
/* The CPU in its key; false if its kind has none. */
bool atom_cpu_of(const struct atom *atom, uint64_t *cpu);

#endif
