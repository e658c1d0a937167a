/* ctf/tsdl_parser.h -- shared by the parsers of TSDL blocks and types. For tsdl*.c.
 *
 * All functions that return bool: false is an error, which is already in `why`. */
#ifndef CTF_TSDL_PARSER_H
#define CTF_TSDL_PARSER_H

#include "base/map.h"
#include "ctf/layout_draft.h"
#include "ctf/tsdl_lexer.h"

/* Each kind of type has a namespace of its own. */
enum symbol_kind { SYMBOL_ALIAS, SYMBOL_STRUCT, SYMBOL_VARIANT, SYMBOL_ENUM };

struct symbol {
    const struct draft_type *type;
    uint64_t key;           /* name and kind */
    uint32_t depth;         /* of the declaring scope */
    struct symbol *outside; /* the one that it hides, or NULL */
};

struct tsdl {
    struct draft *draft;
    struct failure *why;
    struct lexer lexer;
    struct token token; /* the current one */
    uint32_t depth;     /* of nested types */
    uint32_t made;      /* types, members, labels */
    /* Current declarations, by key, and in the order of declaration. */
    struct map symbols;
    struct symbol **declared;
    size_t declared_count, declared_room;
    uint32_t scope_depth;
    /* Stacks: members and labels of the current type, those of enclosing types below. */
    struct draft_member *members;
    size_t member_count, member_room;
    struct draft_range *labels;
    size_t label_count, label_room;
    bool typedef_behind; /* `typedef` was after the type */
    bool has_trace, has_major, has_minor, has_order;
};

/* --- tsdl_words.c: tokens, values, names --- */

/* Sets the error at the current token, or at `place`. */
bool tsdl_fail(struct tsdl *tsdl, const char *format, ...) PRINTF_LIKE(2, 3);
bool tsdl_fail_at(struct tsdl *tsdl, const char *place, const char *format, ...) PRINTF_LIKE(3, 4);

static inline bool tsdl_is(const struct tsdl *tsdl, const char *what)
{
    return tsdl->token.type != TOKEN_STRING && text_equal(tsdl->token.text, text_of(what));
}

bool tsdl_next(struct tsdl *tsdl); /* false at an invalid token */
/* Whether the token after the current one is one of "=", ":=", ".", and "->". */
bool tsdl_before_assignment(const struct tsdl *tsdl);
bool tsdl_expect(struct tsdl *tsdl, const char *sign);
/* Skips to the end of this statement, including its ";". */
bool tsdl_pass_statement(struct tsdl *tsdl);
/* Consumes the current token if it is `what`; *is shows whether it was. */
bool tsdl_accept(struct tsdl *tsdl, const char *what, bool *is);
/* Limits how much a text may create. */
bool tsdl_count(struct tsdl *tsdl);

/* Attributes seen in a block: each may occur once. */
struct tsdl_given {
    uint32_t bits; /* by index in `names` */
};

/* False if `key` is one of `names` (up to NULL) and occurred before. */
bool tsdl_once(struct tsdl *tsdl, struct tsdl_given *given, const char *const *names,
               struct text key, const char *place);

/* The right side of "=". */
struct value {
    bool is_number, is_negative;
    uint64_t number;  /* two's complement if negative */
    struct text text; /* of a string, or words separated by dots */
    const char *at;
};

bool tsdl_value(struct tsdl *tsdl, struct value *out);
/* "a.b.c", "a->b", or "a". At its first word. */
bool tsdl_dotted(struct tsdl *tsdl, struct text *out);
bool tsdl_unsigned(struct tsdl *tsdl, const struct value *value, uint64_t most, uint64_t *out);
bool tsdl_boolean(struct tsdl *tsdl, const struct value *value, bool *out);
bool tsdl_text(struct tsdl *tsdl, const struct value *value, struct text *out);
bool tsdl_uuid(struct tsdl *tsdl, const struct value *value, uint8_t uuid[16]);
bool tsdl_order(struct tsdl *tsdl, const struct value *value, enum draft_order *out);

/* Parses "KEY = VALUE;" until "}", and calls `set` for each; unknown keys are ignored, as in
 * babeltrace2. Those of `names` may occur once. Starts at the "{"; stops after the "}". */
bool tsdl_attributes(struct tsdl *tsdl, void *into, const char *const *names,
                     bool (*set)(struct tsdl *tsdl, void *into, struct text key,
                                 const struct value *value));

void tsdl_open_scope(struct tsdl *tsdl);
void tsdl_close_scope(struct tsdl *tsdl);
bool tsdl_declare(struct tsdl *tsdl, enum symbol_kind kind, struct text name,
                  const struct draft_type *type, const char *place);
/* NULL if there is none. */
const struct draft_type *tsdl_find(struct tsdl *tsdl, enum symbol_kind kind, struct text name);

/* --- tsdl_types.c --- */

/* The type after ":=", up to the ";", which is not consumed. */
bool tsdl_type(struct tsdl *tsdl, const struct draft_type **out);
/* Whether the current token begins a typealias, a typedef, or a declaration of a type. */
bool tsdl_at_declaration(const struct tsdl *tsdl);
/* Parses it, including its ";". */
bool tsdl_declaration(struct tsdl *tsdl);

/* --- tsdl_leaves.c: integer, floating_point, string, enum --- */

/* After the keyword. */
bool tsdl_integer(struct tsdl *tsdl, struct draft_type **out);
bool tsdl_float(struct tsdl *tsdl, struct draft_type **out);
bool tsdl_string(struct tsdl *tsdl, struct draft_type **out);
/* At the "{" of an enumeration, whose integer is `type`; fills its labels. */
bool tsdl_labels(struct tsdl *tsdl, struct draft_type *type);

#endif
