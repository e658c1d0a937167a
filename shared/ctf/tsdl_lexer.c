#include "tsdl_lexer.h"

#include "base/utf8.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool begins_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool continues_word(char c)
{
    return begins_word(c) || is_digit(c);
}

/* The value of a hexadecimal digit; 16 if it is none. */
static unsigned digit_of(char c)
{
    if (is_digit(c))
        return (unsigned)(c - '0');
    if (c >= 'a' && c <= 'f')
        return (unsigned)(c - 'a') + 10;
    if (c >= 'A' && c <= 'F')
        return (unsigned)(c - 'A') + 10;
    return 16;
}

static struct token wrong(const char *at, const char *what)
{
    return (struct token){.type = TOKEN_WRONG, .text = text_of(what), .at = at};
}

/* False at an unterminated comment. */
static bool skip_space(struct lexer *lexer)
{
    while (lexer->at < lexer->end) {
        const char *at = lexer->at;
        size_t left = (size_t)(lexer->end - at);
        /* Older tracers write zeros after the text of a packet. */
        if (*at == ' ' || (*at >= '\t' && *at <= '\r') || *at == '\0') {
            lexer->at++;
        } else if (*at == '/' && left > 1 && at[1] == '*') {
            const char *close = memmem(at + 2, left - 2, "*/", 2);
            if (close == NULL)
                return false;
            lexer->at = close + 2;
        } else if (*at == '/' && left > 1 && at[1] == '/') {
            const char *close = memchr(at, '\n', left);
            lexer->at = close != NULL ? close : lexer->end;
        } else {
            return true;
        }
    }
    return true;
}

/* C suffixes: u or U, l, L, ll or LL, in either order; returns the length. */
static size_t suffix_of(const char *at, const char *end)
{
    const char *from = at;
    bool is_unsigned = false, is_long = false;
    for (bool more = true; more && at < end;) {
        more = false;
        if (!is_unsigned && (*at == 'u' || *at == 'U')) {
            is_unsigned = more = true;
            at++;
        } else if (!is_long && (*at == 'l' || *at == 'L')) {
            is_long = more = true;
            at += at + 1 < end && at[1] == *at ? 2 : 1;
        }
    }
    return (size_t)(at - from);
}

static struct token lex_number(struct lexer *lexer)
{
    const char *begin = lexer->at, *at = begin;
    unsigned base = 10;
    if (*at == '0' && at + 1 < lexer->end && (at[1] == 'x' || at[1] == 'X')) {
        base = 16;
        at += 2;
    } else if (*at == '0') {
        base = 8;
    }
    const char *digits = at;
    uint64_t number = 0;
    for (; at < lexer->end && digit_of(*at) < base; at++) {
        unsigned digit = digit_of(*at);
        if (number > (UINT64_MAX - digit) / base)
            return wrong(begin, "a number exceeds 64 bits");
        number = number * base + digit;
    }
    if (at == digits)
        return wrong(begin, "a number has no digits");
    at += suffix_of(at, lexer->end);
    if (at < lexer->end && continues_word(*at))
        return wrong(begin, "a number contains other characters");
    lexer->at = at;
    return (struct token){TOKEN_NUMBER, {begin, (size_t)(at - begin)}, begin, number};
}

/* C.1.3: "\\u" and four, "\\U" and eight hexadecimal digits are characters of names; returns the
 * length, or 0. */
static size_t universal(const char *at, const char *end)
{
    size_t digits = at + 1 < end && *at == '\\' ? at[1] == 'u' ? 4 : at[1] == 'U' ? 8 : 0 : 0;
    if (digits == 0 || (size_t)(end - at) < digits + 2)
        return 0;
    for (size_t i = 0; i < digits; i++)
        if (digit_of(at[2 + i]) > 15)
            return 0;
    return digits + 2;
}

/* Whether it is a valid escape sequence (C.1.7). */
static bool is_escape(const char *at, const char *end)
{
    return (at[1] != '\0' && strchr("abfnrtvx\\'\"?01234567", at[1]) != NULL) ||
           universal(at, end) > 0;
}

/* A string, or a character. */
static struct token lex_quoted(struct lexer *lexer, char quote)
{
    const char *begin = lexer->at, *at = begin + 1;
    while (at < lexer->end && *at != quote) {
        if (*at == '\\' && at + 1 < lexer->end) {
            if (!is_escape(at, lexer->end))
                return wrong(at, "unknown escape sequence");
            at++;
        }
        at++;
    }
    if (at >= lexer->end)
        return wrong(begin, "a string is not terminated");
    lexer->at = at + 1;
    return (struct token){
        .type = TOKEN_STRING, .text = {begin + 1, (size_t)(at - begin - 1)}, .at = begin};
}

static struct token lex_character(struct lexer *lexer)
{
    struct token token = lex_quoted(lexer, '\'');
    if (token.type != TOKEN_STRING)
        return token;
    struct arena arena = {.first = NULL};
    struct text text = lexer_unescape(token.text, &arena);
    token.type = TOKEN_NUMBER;
    token.number = text.count == 1 ? (uint8_t)text.at[0] : 0;
    bool one = text.count == 1;
    arena_clear(&arena);
    return one ? token : wrong(token.at, "a character constant must be one character");
}

static struct token lex_sign(struct lexer *lexer)
{
    static const char *const LONG[] = {"...", ":=", "->"};
    const char *begin = lexer->at;
    size_t count = 1;
    for (size_t i = 0; i < sizeof LONG / sizeof *LONG; i++) {
        size_t length = strlen(LONG[i]);
        if ((size_t)(lexer->end - begin) >= length && memcmp(begin, LONG[i], length) == 0) {
            count = length;
            break;
        }
    }
    if (count == 1 && memchr("{}()[]<>;:,.=*+-", *begin, 16) == NULL)
        return wrong(begin, "unexpected character");
    lexer->at = begin + count;
    return (struct token){.type = TOKEN_SIGN, .text = {begin, count}, .at = begin};
}

static struct token lex_word(struct lexer *lexer)
{
    const char *begin = lexer->at, *at = begin;
    for (size_t more = 1; at < lexer->end && more > 0; at += more)
        more = continues_word(*at) ? 1 : universal(at, lexer->end);
    lexer->at = at;
    return (struct token){.type = TOKEN_WORD, .text = {begin, (size_t)(at - begin)}, .at = begin};
}

struct token lexer_next(struct lexer *lexer)
{
    if (!skip_space(lexer))
        return wrong(lexer->at, "a comment is not terminated");
    const char *begin = lexer->at;
    if (begin >= lexer->end)
        return (struct token){.type = TOKEN_END, .text = {begin, 0}, .at = begin};
    if (*begin == 'L' && begin + 1 < lexer->end && (begin[1] == '"' || begin[1] == '\''))
        begin = ++lexer->at; /* the prefix of wide characters, which changes nothing */
    if (begins_word(*begin) || universal(begin, lexer->end) > 0)
        return lex_word(lexer);
    if (is_digit(*begin))
        return lex_number(lexer);
    if (*begin == '"')
        return lex_quoted(lexer, '"');
    if (*begin == '\'')
        return lex_character(lexer);
    return lex_sign(lexer);
}

/* --- escapes --- */

/* Decodes the escape after the backslash at *at, and moves *at after it. */
static char escaped(const char **at, const char *end)
{
    static const char NAMES[] = "abfnrtv", VALUES[] = "\a\b\f\n\r\t\v";
    char c = *(*at)++;
    const char *name = c != '\0' ? strchr(NAMES, c) : NULL;
    if (name != NULL)
        return VALUES[name - NAMES];
    unsigned value = 0;
    if (c == 'x') {
        for (; *at < end && digit_of(**at) < 16; (*at)++)
            value = (value << 4 | digit_of(**at)) & 0xff;
        return (char)value;
    }
    if (digit_of(c) >= 8)
        return c;
    value = digit_of(c);
    for (int i = 0; i < 2 && *at < end && digit_of(**at) < 8; i++, (*at)++)
        value = (value << 3 | digit_of(**at)) & 0xff;
    return (char)value;
}

/* Writes the character with these hexadecimal digits as UTF-8, which has fewer bytes than there are
 * digits; invalid ones become U+FFFD. */
static size_t put_character(char *out, const char *digits, size_t count)
{
    uint32_t c = 0;
    for (size_t i = 0; i < count; i++)
        c = c << 4 | digit_of(digits[i]);
    if (c > 0x10FFFF || (c >= 0xD800 && c < 0xE000))
        c = 0xFFFD;
    return utf8_put(c, out);
}

struct text lexer_unescape(struct text raw, struct arena *arena)
{
    if (raw.count == 0 || memchr(raw.at, '\\', raw.count) == NULL)
        return raw;
    char *out = arena_take(arena, raw.count + 1);
    size_t count = 0;
    const char *end = raw.at + raw.count;
    for (const char *at = raw.at; at < end;) {
        size_t skip = universal(at, end);
        if (skip > 0) {
            count += put_character(out + count, at + 2, skip - 2);
            at += skip;
            continue;
        }
        char c = *at++;
        out[count++] = c == '\\' && at < end ? escaped(&at, end) : c;
    }
    return (struct text){out, count};
}
