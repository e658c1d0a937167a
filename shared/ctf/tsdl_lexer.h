/* ctf/tsdl_lexer.h -- the tokens of TSDL. For tsdl*.c. */
#ifndef CTF_TSDL_LEXER_H
#define CTF_TSDL_LEXER_H

#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"

enum token_type {
    TOKEN_END,
    TOKEN_WORD,   /* including keywords */
    TOKEN_NUMBER, /* `number` */
    TOKEN_STRING, /* `text` is without quotes, with unresolved escapes */
    TOKEN_SIGN,   /* one character, or "...", ":=", "->" */
    TOKEN_WRONG   /* `text` is the error */
};

struct token {
    enum token_type type;
    struct text text;
    const char *at;  /* where it begins */
    uint64_t number; /* characters in single quotes are numbers */
};

struct lexer {
    const char *at, *end;
};

/* The next token, after spaces and comments. */
struct token lexer_next(struct lexer *lexer);

/* The text of a TOKEN_STRING with escapes resolved, in `arena` if there are any. */
struct text lexer_unescape(struct text raw, struct arena *arena);

#endif
