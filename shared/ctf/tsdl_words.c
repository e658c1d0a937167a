#include <limits.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/memory.h"
#include "tsdl_parser.h"

/* LTTng's kernel: 12,000. */
enum { MADE_MAX = 1 << 20 };

/* --- errors --- */

static bool fail_at(struct tsdl *tsdl, const char *place, const char *format, va_list arguments)
    PRINTF_LIKE(3, 0);
static bool fail_at(struct tsdl *tsdl, const char *place, const char *format, va_list arguments)
{
    char sentence[512];
    vsnprintf(sentence, sizeof sentence, format, arguments);
    (void)draft_fail(tsdl->draft, place, tsdl->why, "%s", sentence);
    return false;
}

bool tsdl_fail(struct tsdl *tsdl, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fail_at(tsdl, tsdl->token.at, format, arguments);
    va_end(arguments);
    return false;
}

bool tsdl_fail_at(struct tsdl *tsdl, const char *place, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fail_at(tsdl, place, format, arguments);
    va_end(arguments);
    return false;
}

/* --- tokens --- */

bool tsdl_next(struct tsdl *tsdl)
{
    tsdl->token = lexer_next(&tsdl->lexer);
    if (tsdl->token.type == TOKEN_WRONG)
        return tsdl_fail(tsdl, "%s", tsdl->token.text.at);
    return true;
}

bool tsdl_before_assignment(const struct tsdl *tsdl)
{
    struct lexer lexer = tsdl->lexer;
    struct token next = lexer_next(&lexer);
    return next.type == TOKEN_SIGN &&
           (text_equal(next.text, text_of("=")) || text_equal(next.text, text_of(":=")) ||
            text_equal(next.text, text_of(".")) || text_equal(next.text, text_of("->")));
}

bool tsdl_expect(struct tsdl *tsdl, const char *sign)
{
    if (tsdl_is(tsdl, sign))
        return tsdl_next(tsdl);
    if (tsdl->token.type == TOKEN_END)
        return tsdl_fail(tsdl, "expected \"%s\", but the text ends", sign);
    int count = tsdl->token.text.count < 40 ? (int)tsdl->token.text.count : 40;
    return tsdl_fail(tsdl, "expected \"%s\", not \"%.*s\"", sign, count, tsdl->token.text.at);
}

/* Moves the lexer to the next quote or slash; at `depth` 0 or 1, also to the next brace or
 * semicolon that can end the statement. Counts the braces on the way. Most characters are none of
 * them. */
static void pass_characters(struct lexer *lexer, size_t *depth)
{
    static const bool STOPS[UCHAR_MAX + 1] = {
        ['{'] = true, ['}'] = true, [';'] = true, ['"'] = true, ['\''] = true, ['/'] = true};
    for (; lexer->at < lexer->end; lexer->at++) {
        char c = *lexer->at;
        if (!STOPS[(unsigned char)c] || (c == ';' && *depth > 0))
            continue;
        if (c == '{' && *depth > 0)
            ++*depth;
        else if (c == '}' && *depth > 1)
            --*depth;
        else
            return;
    }
}

bool tsdl_pass_statement(struct tsdl *tsdl)
{
    size_t depth = 0;
    for (;;) {
        char sign = tsdl->token.type == TOKEN_SIGN ? *tsdl->token.text.at : '\0';
        if (tsdl->token.type == TOKEN_END || (sign == '}' && depth == 0))
            return tsdl_expect(tsdl, ";");
        depth += sign == '{';
        depth -= sign == '}';
        bool ends = sign == ';' && depth == 0;
        if (!ends)
            pass_characters(&tsdl->lexer, &depth);
        if (!tsdl_next(tsdl) || ends)
            return ends && tsdl->token.type != TOKEN_WRONG;
    }
}

bool tsdl_accept(struct tsdl *tsdl, const char *what, bool *is)
{
    *is = tsdl_is(tsdl, what);
    return !*is || tsdl_next(tsdl);
}

bool tsdl_count(struct tsdl *tsdl)
{
    if (++tsdl->made > MADE_MAX)
        return tsdl_fail(tsdl, "more than %d types, members, and labels", MADE_MAX);
    return true;
}

/* --- values --- */

bool tsdl_dotted(struct tsdl *tsdl, struct text *out)
{
    const char *begin = tsdl->token.at;
    struct text whole = {begin, 0};
    bool spaced = false;
    for (;;) {
        if (tsdl->token.type == TOKEN_END)
            return tsdl_fail(tsdl, "the text ends within a statement");
        if (tsdl->token.type != TOKEN_WORD)
            return tsdl_fail(tsdl, "expected a name");
        spaced = spaced || tsdl->token.at != whole.at + whole.count;
        whole.count = (size_t)(tsdl->token.at + tsdl->token.text.count - begin);
        if (!tsdl_next(tsdl))
            return false;
        bool arrow = tsdl_is(tsdl, "->");
        if (!arrow && !tsdl_is(tsdl, "."))
            break;
        spaced = spaced || arrow || tsdl->token.at != whole.at + whole.count;
        whole.count = (size_t)(tsdl->token.at + tsdl->token.text.count - begin);
        if (!tsdl_next(tsdl))
            return false;
    }
    *out = whole;
    if (!spaced)
        return true;
    /* The text may have spaces, "a . b": normalize it. */
    struct lexer lexer = {whole.at, whole.at + whole.count};
    char *room = arena_take(&tsdl->draft->arena, whole.count + 1);
    size_t used = 0;
    for (struct token token = lexer_next(&lexer); token.type != TOKEN_END;
         token = lexer_next(&lexer)) {
        if (token.type == TOKEN_SIGN) {
            room[used++] = '.';
            continue;
        }
        memcpy(room + used, token.text.at, token.text.count);
        used += token.text.count;
    }
    *out = (struct text){room, used};
    return true;
}

/* After "(". */
static bool value_inside(struct tsdl *tsdl, struct value *out)
{
    const char *at = out->at;
    if (tsdl->depth == LAYOUT_DEPTH_MAX)
        return tsdl_fail(tsdl, "parentheses nest deeper than %d", LAYOUT_DEPTH_MAX);
    tsdl->depth++;
    bool ok = tsdl_value(tsdl, out) && tsdl_expect(tsdl, ")");
    tsdl->depth--;
    out->at = at;
    return ok;
}

bool tsdl_value(struct tsdl *tsdl, struct value *out)
{
    *out = (struct value){.at = tsdl->token.at};
    if (tsdl->token.type == TOKEN_STRING) {
        out->text = lexer_unescape(tsdl->token.text, &tsdl->draft->arena);
        return tsdl_next(tsdl);
    }
    if (tsdl->token.type == TOKEN_WORD)
        return tsdl_dotted(tsdl, &out->text);
    bool plus = false, inside;
    if (!tsdl_accept(tsdl, "(", &inside))
        return false;
    if (inside)
        return value_inside(tsdl, out);
    if (!tsdl_accept(tsdl, "-", &out->is_negative) || !tsdl_accept(tsdl, "+", &plus))
        return false;
    if (tsdl->token.type != TOKEN_NUMBER)
        return tsdl_fail(tsdl, "expected a value");
    out->is_number = true;
    out->number = tsdl->token.number;
    if (out->is_negative && out->number > (uint64_t)INT64_MAX + 1)
        return tsdl_fail(tsdl, "a number exceeds 64 bits");
    if (out->is_negative)
        out->number = -out->number;
    out->is_negative = out->is_negative && out->number != 0;
    return tsdl_next(tsdl);
}

bool tsdl_unsigned(struct tsdl *tsdl, const struct value *value, uint64_t most, uint64_t *out)
{
    if (!value->is_number || value->is_negative || value->number > most)
        return tsdl_fail_at(tsdl, value->at, "expected a number from 0 to %llu",
                            (unsigned long long)most);
    *out = value->number;
    return true;
}

bool tsdl_boolean(struct tsdl *tsdl, const struct value *value, bool *out)
{
    *out = value->number != 0;
    if (value->is_number)
        return true;
    *out = text_equal(value->text, text_of("true")) || text_equal(value->text, text_of("TRUE"));
    if (*out || text_equal(value->text, text_of("false")) ||
        text_equal(value->text, text_of("FALSE")))
        return true;
    return tsdl_fail_at(tsdl, value->at, "expected true or false");
}

bool tsdl_text(struct tsdl *tsdl, const struct value *value, struct text *out)
{
    *out = value->text;
    return !value->is_number || tsdl_fail_at(tsdl, value->at, "expected a string");
}

static unsigned hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    if (c >= 'a' && c <= 'f')
        return (unsigned)(c - 'a') + 10;
    return c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10 : 16;
}

bool tsdl_uuid(struct tsdl *tsdl, const struct value *value, uint8_t uuid[16])
{
    struct text text = value->text;
    unsigned digits = 0;
    for (size_t i = 0; i < text.count && text.count == 36; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text.at[i] != '-' : hex_digit(text.at[i]) > 15)
            break;
        if (!dash) {
            uuid[digits / 2] = (uint8_t)((unsigned)uuid[digits / 2] << 4 | hex_digit(text.at[i]));
            digits++;
        }
    }
    return digits == 32 || tsdl_fail_at(tsdl, value->at, "expected a UUID");
}

bool tsdl_order(struct tsdl *tsdl, const struct value *value, enum draft_order *out)
{
    static const struct {
        const char *name;
        enum draft_order order;
    } ORDERS[] = {
        {"native", DRAFT_NATIVE}, {"le", DRAFT_LITTLE}, {"be", DRAFT_BIG}, {"network", DRAFT_BIG}};
    for (size_t i = 0; i < sizeof ORDERS / sizeof *ORDERS; i++) {
        *out = ORDERS[i].order;
        if (!value->is_number && text_equal(value->text, text_of(ORDERS[i].name)))
            return true;
    }
    return tsdl_fail_at(tsdl, value->at, "expected a byte order: le, be, network, or native");
}

bool tsdl_once(struct tsdl *tsdl, struct tsdl_given *given, const char *const *names,
               struct text key, const char *place)
{
    for (unsigned i = 0; names[i] != NULL; i++) {
        if (!text_equal(key, text_of(names[i])))
            continue;
        uint32_t bit = UINT32_C(1) << i;
        if (given->bits & bit)
            return tsdl_fail_at(tsdl, place, "\"%s\" is set a second time", names[i]);
        given->bits |= bit;
    }
    return true;
}

bool tsdl_attributes(struct tsdl *tsdl, void *into, const char *const *names,
                     bool (*set)(struct tsdl *tsdl, void *into, struct text key,
                                 const struct value *value))
{
    struct tsdl_given given = {0};
    if (!tsdl_expect(tsdl, "{"))
        return false;
    while (!tsdl_is(tsdl, "}")) {
        struct text key = {"", 0};
        struct value value;
        const char *place = tsdl->token.at;
        if (!tsdl_dotted(tsdl, &key) || !tsdl_expect(tsdl, "=") || !tsdl_value(tsdl, &value) ||
            !tsdl_expect(tsdl, ";") || !tsdl_once(tsdl, &given, names, key, place) ||
            !set(tsdl, into, key, &value))
            return false;
    }
    return tsdl_next(tsdl);
}

/* --- names of types --- */

static uint64_t key_of(struct tsdl *tsdl, enum symbol_kind kind, struct text name)
{
    return (uint64_t)names_id(&tsdl->draft->names, name) << 2 | (uint64_t)kind;
}

void tsdl_open_scope(struct tsdl *tsdl)
{
    tsdl->scope_depth++;
}

void tsdl_close_scope(struct tsdl *tsdl)
{
    while (tsdl->declared_count > 0) {
        const struct symbol *symbol = tsdl->declared[tsdl->declared_count - 1];
        if (symbol->depth < tsdl->scope_depth)
            break;
        if (symbol->outside != NULL)
            map_put(&tsdl->symbols, symbol->key, symbol->outside);
        else
            (void)map_remove(&tsdl->symbols, symbol->key);
        tsdl->declared_count--;
    }
    tsdl->scope_depth--;
}

bool tsdl_declare(struct tsdl *tsdl, enum symbol_kind kind, struct text name,
                  const struct draft_type *type, const char *place)
{
    uint64_t key = key_of(tsdl, kind, name);
    struct symbol *outside = map_get(&tsdl->symbols, key);
    if (outside != NULL && outside->depth == tsdl->scope_depth)
        return tsdl_fail_at(tsdl, place, "\"%.*s\" is declared a second time",
                            (int)(name.count < 80 ? name.count : 80), name.at);
    struct symbol *symbol = arena_take(&tsdl->draft->arena, sizeof *symbol);
    *symbol = (struct symbol){type, key, tsdl->scope_depth, outside};
    map_put(&tsdl->symbols, key, symbol);
    tsdl->declared = memory_grow(tsdl->declared, &tsdl->declared_room, tsdl->declared_count + 1,
                                 sizeof(struct symbol *));
    tsdl->declared[tsdl->declared_count++] = symbol;
    return true;
}

const struct draft_type *tsdl_find(struct tsdl *tsdl, enum symbol_kind kind, struct text name)
{
    const struct symbol *symbol = map_get(&tsdl->symbols, key_of(tsdl, kind, name));
    return symbol != NULL ? symbol->type : NULL;
}
