/* ctf/ctf2_parser.h -- shared by the parsers of CTF 2 fragments and field classes. For ctf2*.c.
 *
 * All functions that return bool: false is an error, which is already in `why`. */
#ifndef CTF_CTF2_PARSER_H
#define CTF_CTF2_PARSER_H

#include <jansson.h>

#include "base/map.h"
#include "ctf/layout_draft.h"

enum { CTF2_PATH_MAX = 512 };

struct ctf2 {
    struct draft *draft;
    struct failure *why;
    const char *place;  /* "fragment 3: 120:1" */
    uint32_t depth;     /* of nested field classes */
    uint32_t made;      /* field classes, members, options, ranges */
    struct map aliases; /* draft_type by id of the name in draft->names */
    bool has_preamble, has_trace;
    /* Position in the fragment: "payload-field-class: \"comm\": ". */
    char path[CTF2_PATH_MAX];
    size_t path_count;
};

bool ctf2_fail(struct ctf2 *ctf2, const char *format, ...) PRINTF_LIKE(2, 3);
/* Enters a part of the fragment; returns the argument for ctf2_leave(). */
size_t ctf2_enter(struct ctf2 *ctf2, const char *format, ...) PRINTF_LIKE(2, 3);
void ctf2_leave(struct ctf2 *ctf2, size_t before);
bool ctf2_count(struct ctf2 *ctf2); /* limits how much a text may create */

/* False if it is not an integer of 64 bits, or 63 and a sign. */
bool ctf2_number(const json_t *json, uint64_t *out, bool *negative);

/* The property `key`; if it is absent, *out is unchanged, and it is an error if it is
 * `required`. */
enum ctf2_need { CTF2_OPTIONAL, CTF2_REQUIRED };
bool ctf2_unsigned(struct ctf2 *ctf2, const json_t *object, const char *key, enum ctf2_need need,
                   uint64_t most, uint64_t *out);
bool ctf2_signed(struct ctf2 *ctf2, const json_t *object, const char *key, int64_t *out);
bool ctf2_text(struct ctf2 *ctf2, const json_t *object, const char *key, enum ctf2_need need,
               struct text *out);
/* NULL if it is absent and optional. */
bool ctf2_object(struct ctf2 *ctf2, const json_t *object, const char *key, const json_t **out);
bool ctf2_array(struct ctf2 *ctf2, const json_t *object, const char *key, enum ctf2_need need,
                const json_t **out);

/* --- ctf2_clock.c --- */

bool ctf2_clock(struct ctf2 *ctf2, const json_t *json);

/* --- ctf2_types.c --- */

/* The field class, or the name of one, that is the property `key`; *out is NULL if it is absent
 * and optional. */
bool ctf2_type(struct ctf2 *ctf2, const json_t *object, const char *key, enum ctf2_need need,
               const struct draft_type **out);

#endif
