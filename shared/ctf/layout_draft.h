/* ctf/layout_draft.h -- an intermediate form of a layout: the output of tsdl.c and ctf2.c, from
 * which layout_build.c makes fields.
 *
 * A type that the text declares once and uses often is one `draft_type`, so a draft does not know
 * where its types are used: the byte order of the trace, references, and meanings by name are
 * resolved for each use. */
#ifndef CTF_LAYOUT_DRAFT_H
#define CTF_LAYOUT_DRAFT_H

#include "base/arena.h"
#include "base/names.h"
#include "ctf/layout.h"

enum draft_order { DRAFT_NATIVE, DRAFT_LITTLE, DRAFT_BIG };

/* The positions of fields, in the order in which they are read. */
enum draft_scope {
    DRAFT_PACKET_HEADER,
    DRAFT_PACKET_CONTEXT,
    DRAFT_EVENT_HEADER,
    DRAFT_EVENT_CONTEXT,
    DRAFT_OWN_CONTEXT,
    DRAFT_PAYLOAD,
    DRAFT_SCOPES,
    DRAFT_OUTWARD,   /* CTF 1.8: the innermost enclosing structure that contains the first name */
    DRAFT_ENCLOSING, /* CTF 2: the enclosing structure, one further out per DRAFT_PARENT */
    DRAFT_ENV        /* CTF 1.8: the environment; for the length of an array */
};

enum { DRAFT_CLOCKS_MAX = 64 };

/* In a path: one structure outward. */
#define DRAFT_PARENT UINT32_MAX

struct draft_path {
    enum draft_scope from;
    uint32_t count;
    const uint32_t *names; /* ids in draft.names */
};

/* Of an enumeration, or (without a label) of an option. */
struct draft_range {
    uint32_t label; /* id in draft.names */
    struct layout_range range;
};

/* Whether a selector is signed is unknown when its ranges are parsed. */
struct draft_ranges {
    uint32_t count;
    bool has_negative; /* a bound is below 0 */
    bool has_huge;     /* a bound is above INT64_MAX */
    const struct layout_range *at;
};

struct draft_member {
    uint32_t name;     /* as in the text; id in draft.names */
    const char *shown; /* terminated, in the layout's memory */
    uint32_t shown_count;
    const struct draft_type *type;
    const char *place;
    struct draft_ranges ranges; /* CTF 2: of an option */
};

struct draft_type {
    enum layout_type type;
    enum draft_order order;
    uint8_t size, base;
    bool is_signed, is_enum, is_bool, is_reversed;
    uint8_t unit;                     /* text: 2 or 4 bytes, else 0 */
    bool is_utf8;                     /* an integer: a character if it is an element */
    uint32_t roles;                   /* CTF 2: 1 << enum layout_meaning */
    uint32_t align;                   /* its own, without its members' */
    uint32_t clock;                   /* index in draft.clocks or LAYOUT_NONE */
    uint32_t count;                   /* elements, bytes, members, options */
    const struct draft_type *element; /* arrays, sequences, optionals */
    const struct draft_member *members;
    /* Of the length or tag; count 0: a variant without tag, or an array with a fixed count. */
    struct draft_path path;
    const char *place;
    struct draft_ranges ranges; /* CTF 2: of an optional */
    /* CTF 1.8: of enumerations. */
    uint32_t label_count;
    struct draft_range *labels;        /* by name, stable; see draft_labels_sort() */
    struct layout_range *label_ranges; /* those of `labels`, in the layout's memory */
    uint32_t *by_name; /* members sorted by the ids of their names; NULL: only a few members */
};

struct draft_stream {
    uint64_t id;
    bool has_id;
    const struct draft_type *scopes[DRAFT_SCOPES]; /* context, event header, event context */
    uint32_t clock;                                /* LAYOUT_NONE: that of the timestamps, if any */
    const char *place;
};

struct draft_event {
    uint64_t id, stream_id;
    bool has_id, has_stream_id;
    const char *name;
    const struct draft_type *context, *payload;
    int32_t log_level;
    const char *place;
};

struct draft_clock {
    uint32_t name; /* id in draft.names */
    bool declared; /* else only referenced so far */
    struct layout_clock clock;
    const char *place;
};

struct draft {
    struct arena arena;    /* of the draft itself */
    struct arena *into;    /* the layout's: names, ranges */
    struct layout *layout; /* version, byte order, UUID, and environment are set directly */
    enum layout_extent extent;
    struct names names;
    const struct draft_type *packet_header;
    struct draft_stream *streams;
    struct draft_event *events;
    struct draft_clock *clocks;
    struct layout_env *env;
    size_t stream_count, stream_room, event_count, event_room, clock_count, clock_room;
    size_t env_count, env_room;
    /* CTF 1.8: every `place` points into it. CTF 2: NULL, a `place` is a text of its own. */
    const char *text;
};

/* A copy in the layout's memory. */
const char *draft_string(struct draft *draft, struct text text);
struct draft_type *draft_type_new(struct draft *draft, enum layout_type type, const char *place);
struct draft_stream *draft_add_stream(struct draft *draft, const char *place);
struct draft_event *draft_add_event(struct draft *draft, const char *place);
struct layout_env *draft_add_env(struct draft *draft, struct text name);
/* The first entry `name` in the text; NULL if there is none. */
const struct layout_env *draft_env(const struct draft *draft, const char *name);
/* The index of the clock `name`, declared or not; LAYOUT_NONE above DRAFT_CLOCKS_MAX. */
uint32_t draft_clock(struct draft *draft, struct text name, const char *place);
/* Call it when the members of a structure or variant are complete.
 * REJECT: two have the same name. */
MUST_CHECK enum status draft_members_done(struct draft *draft, struct draft_type *type,
                                          struct failure *why);
/* The index of the member `name` of a structure or variant; LAYOUT_NONE if there is none. */
uint32_t draft_member(const struct draft_type *type, uint32_t name);
/* Call it when the labels of an enumeration are complete. */
void draft_labels_done(struct draft *draft, struct draft_type *type);
/* The ranges of the label `name`; *count is 0 if there is none. */
const struct layout_range *draft_label(const struct draft_type *type, uint32_t name,
                                       uint32_t *count);
void draft_clear(struct draft *draft);

/* REJECT, with a message that begins with "metadata:" and the place. */
enum status draft_fail(const struct draft *draft, const char *place, struct failure *why,
                       const char *format, ...) PRINTF_LIKE(4, 5);

/* layout_build.c: fills the rest of draft->layout. */
MUST_CHECK enum status layout_build(struct draft *draft, struct failure *why);

#endif
