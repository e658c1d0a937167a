/* analysis/atom.h -- what an analysis remembers and adds up of one subject, as one table of columns.
 *
 * A table is a macro that names each column once:
 *
 *     #define LINK(T, KEY, REG, SUM)                                     \
 *         KEY(T, 1, cpu, cpu, "the CPU")                                 \
 *         REG(T, 2, time, up_ns, "since when it is up; 0: it is not")    \
 *         SUM(T, 3, count, drops, "how often it went down")
 *     ATOM_DEFINE(link, LINK)
 *
 * KEY is whose the atom is: its subject and dimensions. REG is what is remembered; all REGs of an atom
 * are known or not known together, and all of them 0 is "nothing is going on". SUM is what is added
 * up since the atom was last sent. From the table follow the struct, its bytes (atom_bytes.h), keys,
 * joining and adding, cells of results and views. Tags are a column's name in bytes: they start
 * at 1, ascend, and are never given again. */
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

/* What a column holds; the second half of the names of the macros' types. */
enum atom_type {
    ATOM_IS_cpu,    /* number of a CPU: losses there end what the REGs say */
    ATOM_IS_number, /* a number that names something */
    ATOM_IS_address, /* likewise, of the kernel's memory: people see it as atom_address_text() has it */
    ATOM_IS_time,      /* raw ns; 0: none */
    ATOM_IS_count,     /* how many */
    ATOM_IS_ns,        /* nanoseconds, added up */
    ATOM_IS_bytes,     /* bytes, added up */
    ATOM_IS_text,      /* a name; KEY and REG alone */
    ATOM_IS_durations, /* SUM alone */
    ATOM_TYPES
};

typedef uint64_t atom_cpu, atom_number, atom_address, atom_time, atom_count, atom_ns, atom_bytes;
typedef struct text atom_text;
typedef struct durations atom_durations;

struct atom_column {
    uint8_t tag;
    uint8_t role; /* enum atom_role */
    uint8_t type; /* enum atom_type */
    uint16_t at;  /* in the struct */
    const char *name;
    const char *words; /* what it is, for people */
};

struct atom;
struct engine;

struct atom_kind {
    /* Of all kinds (analysis/analyses.h); if it has a view, also that of its message in
     * proto/result.proto. */
    uint8_t tag;
    const char *name;
    size_t size; /* of the struct */
    const struct atom_column *columns;
    size_t column_count;
    uint16_t key_size;  /* bytes of the KEY columns, which come first */
    uint16_t key_texts; /* how many of them are texts */
    /* What its REGs tell of will not be known to the end: adds up what that means, also in atoms of
     * sums alone (lost_atom()). They are set to "nothing" behind it. NULL: nothing is added up. */
    void (*lose)(struct engine *engine, struct atom *atom);
    /* Not 0: such an atom is a begin, whose end ends it (found_opening(), found_ending()), if it comes within
     * that time. It has no SUMs; its first REG is when it began. */
    uint64_t open_ns;
    const struct atom_view *view; /* NULL: it has no results (analysis/view.h) */
};

/* What every struct of a kind begins with. */
struct atom {
    const struct atom_kind *kind;
    struct atom *next;    /* of the same hash */
    uint32_t place, hash; /* of a begin (analysis/opens.h) */
    bool known;           /* its REGs */
    bool dirty;           /* something of it is not sent */
    struct change change; /* of an engine that is saved */
};

#define ATOM_FIELD(T, tag, type, name, words) atom_##type name;
#define ATOM_COLUMN(T, role, tag, type, name, words)                                               \
    {tag, role, ATOM_IS_##type, offsetof(struct T, name), #name, words},
#define ATOM_KEY_COLUMN(T, tag, type, name, words) ATOM_COLUMN(T, ATOM_KEY, tag, type, name, words)
#define ATOM_REG_COLUMN(T, tag, type, name, words) ATOM_COLUMN(T, ATOM_REG, tag, type, name, words)
#define ATOM_SUM_COLUMN(T, tag, type, name, words) ATOM_COLUMN(T, ATOM_SUM, tag, type, name, words)

#define ATOM_NOTHING(T, tag, type, name, words)
#define ATOM_KEY_SIZE(T, tag, type, name, words) +sizeof(atom_##type)
#define ATOM_KEY_TEXT(T, tag, type, name, words) +(ATOM_IS_##type == ATOM_IS_text)

/* struct NOUN, struct NOUN_key to look one up, and what its kind says of its columns. */
#define ATOM_DEFINE(noun, COLUMNS)                                                                 \
    struct noun##_key {                                                                            \
        struct atom atom;                                                                          \
        COLUMNS(noun, ATOM_FIELD, ATOM_NOTHING, ATOM_NOTHING)                                      \
    };                                                                                             \
    struct noun {                                                                                  \
        struct atom atom;                                                                          \
        COLUMNS(noun, ATOM_FIELD, ATOM_NOTHING, ATOM_NOTHING)                                      \
        COLUMNS(noun, ATOM_NOTHING, ATOM_FIELD, ATOM_NOTHING)                                      \
        COLUMNS(noun, ATOM_NOTHING, ATOM_NOTHING, ATOM_FIELD)                                      \
    };                                                                                             \
    enum {                                                                                         \
        noun##_key_size = 0 COLUMNS(noun, ATOM_KEY_SIZE, ATOM_NOTHING, ATOM_NOTHING),              \
        noun##_key_texts = 0 COLUMNS(noun, ATOM_KEY_TEXT, ATOM_NOTHING, ATOM_NOTHING)              \
    };                                                                                             \
    static_assert(sizeof(struct noun##_key) == sizeof(struct atom) + noun##_key_size,              \
                  "keys are right behind the head");                                               \
    static const struct atom_column noun##_columns[] = {                                           \
        COLUMNS(noun, ATOM_KEY_COLUMN, ATOM_REG_COLUMN, ATOM_SUM_COLUMN)};

/* In the initializer of a struct atom_kind. */
#define ATOM_COLUMNS_OF(noun)                                                                      \
    .name = #noun, .size = sizeof(struct noun), .columns = noun##_columns,                         \
    .column_count = sizeof noun##_columns / sizeof *noun##_columns, .key_size = noun##_key_size,   \
    .key_texts = noun##_key_texts

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

/* The first column of that role behind `column` (NULL: of all); NULL if there is none. */
const struct atom_column *atom_next_column(const struct atom_kind *kind,
                                           const struct atom_column *column, enum atom_role role);
#define ATOM_EACH(column, kind, role)                                                              \
    const struct atom_column *column = atom_next_column(kind, NULL, role);                         \
    column;                                                                                        \
    column = atom_next_column(kind, column, role)

/* A column that is an address, as text in `room`: 0x and hexadecimal digits. */
enum { ATOM_ADDRESS_ROOM = 19 };
struct text atom_address_text(const struct atom *atom, const struct atom_column *column,
                              char room[ATOM_ADDRESS_ROOM]);

/* Whether the column says nothing: 0, or "". */
bool atom_column_is_empty(const struct atom *atom, const struct atom_column *column);
/* Whether all of that role do. */
bool atom_is_empty(const struct atom *atom, enum atom_role role);
bool atom_kind_has(const struct atom_kind *kind, enum atom_role role);
/* NULL: it has none of that name. */
const struct atom_column *atom_kind_column(const struct atom_kind *kind, const char *name);

/* Quick, and whoever writes the trace can choose it: for places that nothing hangs on. */
static inline uint64_t atom_key_sum(const struct atom_kind *kind, const struct atom *key)
{
    const uint64_t *words = (const uint64_t *)(key + 1);
    uint64_t sum = kind->tag;
    for (size_t i = 0; i < kind->key_size / sizeof *words; i++)
        sum = 7 * sum + words[i];
    return sum;
}

/* Seeded: of this process alone. */
uint64_t atom_key_hash(const struct atom_kind *kind, const struct atom *key);
/* The KEY columns, as numbers: a text is two, of which the first is where it is. */
static inline const uint64_t *atom_key(const struct atom *atom)
{
    return (const uint64_t *)(atom + 1);
}
static_assert(sizeof(struct atom) % sizeof(uint64_t) == 0 &&
                  sizeof(struct text) == 2 * sizeof(uint64_t),
              "keys are whole numbers, right behind the head");
/* As atom_has_key(), of a key that has texts. */
bool atom_has_texts(const struct atom *atom, const struct atom *key);
/* Whether `atom`, of `kind`, has the key columns of `key`. */
static inline bool atom_has_key(const struct atom *atom, const struct atom_kind *kind,
                                const struct atom *key)
{
    const uint64_t *a = atom_key(atom), *b = atom_key(key);
    uint64_t differ = 0;
    for (size_t i = 0; i < kind->key_size / sizeof *a; i++)
        differ |= a[i] ^ b[i];
    return differ == 0 || (kind->key_texts > 0 && atom_has_texts(atom, key));
}
/* Below, equal, above 0: by kind, then by the keys in the order of their columns. */
int atom_compare(const struct atom *a, const struct atom *b);

/* Of the same kind. Texts are copied as they are, durations are merged into memory of their own. */
void atom_copy(struct atom *to, const struct atom *from, enum atom_role role);
void atom_add_sums(struct atom *to, const struct atom *from);
/* The same atom with all that it points to, in `arena`. */
struct atom *atom_in_arena(struct arena *arena, const struct atom *atom);
/* Makes all columns of the role say nothing; gives back what they own. */
void atom_clear(struct atom *atom, enum atom_role role);
/* The CPU that it is of; false if its kind is of none. */
bool atom_cpu_of(const struct atom *atom, uint64_t *cpu);

#endif
