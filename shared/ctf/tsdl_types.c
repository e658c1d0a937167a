#include "base/memory.h"
#include "tsdl_parser.h"

/* Limits: names of a path, dimensions of an array, characters of an alias. */
enum { PATH_MAX_NAMES = 32, DIMENSIONS_MAX = 8, ALIAS_MAX = 1024 };

static bool read_specifier(struct tsdl *tsdl, const struct draft_type **out);

/* --- paths --- */

/* CTF 1.8, 7.3.2 */
static const struct {
    const char *prefix;
    enum draft_scope scope;
} ROOTS[] = {
    {"trace.packet.header.", DRAFT_PACKET_HEADER}, {"stream.packet.context.", DRAFT_PACKET_CONTEXT},
    {"stream.event.header.", DRAFT_EVENT_HEADER},  {"stream.event.context.", DRAFT_EVENT_CONTEXT},
    {"event.context.", DRAFT_OWN_CONTEXT},         {"event.fields.", DRAFT_PAYLOAD},
};

static const char ENV[] = "env.";

/* The location of a length or tag. At its first word. */
static bool read_path(struct tsdl *tsdl, struct draft_path *out)
{
    const char *place = tsdl->token.at;
    struct text text;
    if (!tsdl_dotted(tsdl, &text))
        return false;
    out->from = DRAFT_OUTWARD;
    if (text.count > sizeof ENV - 1 && memcmp(text.at, ENV, sizeof ENV - 1) == 0) {
        uint32_t *name = arena_take(&tsdl->draft->arena, sizeof *name);
        *name = names_id(&tsdl->draft->names,
                         (struct text){text.at + sizeof ENV - 1, text.count - (sizeof ENV - 1)});
        *out = (struct draft_path){DRAFT_ENV, 1, name};
        return true;
    }
    for (size_t i = 0; i < sizeof ROOTS / sizeof *ROOTS; i++) {
        size_t count = strlen(ROOTS[i].prefix);
        if (text.count <= count || memcmp(text.at, ROOTS[i].prefix, count) != 0)
            continue;
        out->from = ROOTS[i].scope;
        text = (struct text){text.at + count, text.count - count};
        break;
    }
    uint32_t names[PATH_MAX_NAMES];
    for (out->count = 0; text.count > 0; out->count++) {
        if (out->count == PATH_MAX_NAMES)
            return tsdl_fail_at(tsdl, place, "a path of more than %d names", PATH_MAX_NAMES);
        const char *dot = memchr(text.at, '.', text.count);
        size_t length = dot != NULL ? (size_t)(dot - text.at) : text.count;
        names[out->count] = names_id(&tsdl->draft->names, (struct text){text.at, length});
        size_t skip = dot != NULL ? length + 1 : length;
        text = (struct text){text.at + skip, text.count - skip};
    }
    uint32_t *kept = arena_take(&tsdl->draft->arena, out->count * sizeof *kept);
    memcpy(kept, names, out->count * sizeof *kept);
    out->names = kept;
    return true;
}

/* --- aliases --- */

static const char CONST[] = "const", TYPEDEF[] = "typedef";

/* "unsigned long", "char *": words and stars, separated by one space. */
struct alias_words {
    char room[ALIAS_MAX];
    size_t count;
    struct token last; /* the last word */
    size_t before;     /* `count` without it */
};

/* Parses up to the first token that is neither; "const", `is_const`, is already consumed. */

static bool read_words(struct tsdl *tsdl, bool is_const, struct alias_words *words)
{
    words->count = is_const ? sizeof CONST - 1 : 0;
    memcpy(words->room, CONST, words->count);
    words->before = 0;
    words->last = (struct token){.type = TOKEN_END};
    while (tsdl->token.type == TOKEN_WORD || tsdl_is(tsdl, "*")) {
        struct text text = tsdl->token.text;
        if (words->count + text.count + 1 > ALIAS_MAX)
            return tsdl_fail(tsdl, "a name of more than %d characters", ALIAS_MAX - 1);
        words->before = words->count;
        words->last = tsdl->token;
        if (words->count > 0)
            words->room[words->count++] = ' ';
        memcpy(words->room + words->count, text.at, text.count);
        words->count += text.count;
        if (!tsdl_next(tsdl))
            return false;
    }
    return true;
}

static bool find_alias(struct tsdl *tsdl, struct text name, const char *place,
                       const struct draft_type **out)
{
    *out = tsdl_find(tsdl, SYMBOL_ALIAS, name);
    size_t skip = sizeof CONST; /* including the space */
    if (*out == NULL && name.count > skip && memcmp(name.at, "const ", skip) == 0)
        *out = tsdl_find(tsdl, SYMBOL_ALIAS, (struct text){name.at + skip, name.count - skip});
    if (*out != NULL)
        return true;
    if (name.count == 0)
        return tsdl_fail_at(tsdl, place, "expected a type");
    return tsdl_fail_at(tsdl, place, "the type \"%.*s\" is not declared",
                        (int)(name.count < 80 ? name.count : 80), name.at);
}

/* --- declarators --- */

struct declarator {
    struct token name; /* TOKEN_END: none */
    const struct draft_type *type;
};

/* "[3]" or "[length]"; its element is set later. */
static bool read_dimension(struct tsdl *tsdl, struct draft_type **out)
{
    const char *place = tsdl->token.at;
    if (!tsdl_expect(tsdl, "[") || !tsdl_count(tsdl))
        return false;
    struct draft_type *type = draft_type_new(tsdl->draft, LAYOUT_ARRAY, place);
    *out = type;
    if (tsdl->token.type == TOKEN_NUMBER) {
        if (tsdl->token.number > UINT32_MAX)
            return tsdl_fail(tsdl, "an array of more than %u elements", UINT32_MAX);
        type->count = (uint32_t)tsdl->token.number;
        return tsdl_next(tsdl) && tsdl_expect(tsdl, "]");
    }
    if (!read_path(tsdl, &type->path) || !tsdl_expect(tsdl, "]"))
        return false;
    if (type->path.from != DRAFT_ENV)
        type->type = LAYOUT_SEQUENCE;
    return true;
}

/* Of "a[2][3]", the last dimension is the innermost, as in C. */
static bool read_dimensions(struct tsdl *tsdl, const struct draft_type *element,
                            const struct draft_type **out)
{
    struct draft_type *dimensions[DIMENSIONS_MAX];
    unsigned count = 0;
    while (tsdl_is(tsdl, "[")) {
        if (count == DIMENSIONS_MAX)
            return tsdl_fail(tsdl, "an array of more than %d dimensions", DIMENSIONS_MAX);
        if (!read_dimension(tsdl, &dimensions[count++]))
            return false;
    }
    *out = element;
    while (count-- > 0) {
        dimensions[count]->element = *out;
        *out = dimensions[count];
    }
    if (tsdl_is(tsdl, ":"))
        return tsdl_fail(tsdl, "bit fields are not supported; use integer { size = ...; }");
    return true;
}

/* Source: CTF 1.8.3, C.1.2. */
static bool is_reserved(struct text word)
{
    static const char *const WORDS[] = {
        "align",   "const",   "char",     "clock",    "double",    "enum",       "env",
        "event",   "float",   "int",      "long",     "short",     "signed",     "stream",
        "string",  "struct",  "trace",    "void",     "_Bool",     "integer",    "_Complex",
        "variant", "typedef", "callsite", "unsigned", "typealias", "_Imaginary", "floating_point"};
    for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++)
        if (text_equal(word, text_of(WORDS[i])))
            return true;
    return false;
}

static bool check_name(struct tsdl *tsdl, const struct token *name)
{
    return !is_reserved(name->text) ||
           tsdl_fail_at(tsdl, name->at, "\"%.*s\" is a keyword and cannot be a name",
                        (int)name->text.count, name->text.at);
}

/* A name and its dimensions. */
static bool read_declarator(struct tsdl *tsdl, const struct draft_type *type,
                            struct declarator *out)
{
    if (tsdl_is(tsdl, "*"))
        return tsdl_fail(tsdl, "pointers are not supported");
    if (tsdl->token.type != TOKEN_WORD)
        return tsdl_fail(tsdl, "expected a name");
    out->name = tsdl->token;
    return check_name(tsdl, &out->name) && tsdl_next(tsdl) &&
           read_dimensions(tsdl, type, &out->type);
}

static bool is_keyword(const struct tsdl *tsdl)
{
    static const char *const WORDS[] = {"integer", "floating_point", "string",
                                        "struct",  "variant",        "enum"};
    if (tsdl->token.type != TOKEN_WORD)
        return false;
    for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++)
        if (tsdl_is(tsdl, WORDS[i]))
            return true;
    return false;
}

/* A type and its first declarator: if the type consists of words, the last word is the name. None
 * (TOKEN_END) if there is only a type such as "struct a { ... }". */
static bool read_first(struct tsdl *tsdl, const struct draft_type **type, struct declarator *out)
{
    *out = (struct declarator){.name = {.type = TOKEN_END}};
    bool is_const;
    if (!tsdl_accept(tsdl, CONST, &is_const))
        return false;
    if (is_keyword(tsdl)) {
        if (!read_specifier(tsdl, type) || !tsdl_accept(tsdl, CONST, &is_const) ||
            !tsdl_accept(tsdl, TYPEDEF, &tsdl->typedef_behind))
            return false;
        return tsdl_is(tsdl, ";") || read_declarator(tsdl, *type, out);
    }
    const char *place = tsdl->token.at;
    struct alias_words words;
    if (!read_words(tsdl, is_const, &words))
        return false;
    if (words.last.type != TOKEN_WORD)
        return tsdl_fail(tsdl, tsdl->token.type == TOKEN_END ? "the text ends within a statement"
                                                             : "expected a name");
    out->name = words.last;
    return check_name(tsdl, &out->name) &&
           find_alias(tsdl, (struct text){words.room, words.before}, place, type) &&
           read_dimensions(tsdl, *type, &out->type);
}

static bool declare_alias(struct tsdl *tsdl, const struct declarator *declarator)
{
    return tsdl_declare(tsdl, SYMBOL_ALIAS, declarator->name.text, declarator->type,
                        declarator->name.at);
}

/* Calls `use` for all declarators up to the ";". */
static bool read_declarators(struct tsdl *tsdl,
                             bool (*use)(struct tsdl *tsdl, const struct declarator *declarator))
{
    const struct draft_type *type = NULL;
    struct declarator declarator;
    tsdl->typedef_behind = false;
    if (!read_first(tsdl, &type, &declarator))
        return false;
    if (tsdl->typedef_behind)
        use = declare_alias; /* "integer { ... } typedef a;" */
    if (declarator.name.type == TOKEN_END)
        return tsdl_expect(tsdl, ";");
    for (bool more = true; more;) {
        if (!use(tsdl, &declarator) || !tsdl_accept(tsdl, ",", &more) ||
            (more && !read_declarator(tsdl, type, &declarator)))
            return false;
    }
    return tsdl_expect(tsdl, ";");
}

/* --- struct and variant --- */

static bool add_member(struct tsdl *tsdl, const struct declarator *declarator)
{
    struct text name = declarator->name.text, shown = name;
    /* LTTng prepends an underscore to every name, in case it is a keyword. */
    if (shown.count > 0 && shown.at[0] == '_')
        shown = (struct text){shown.at + 1, shown.count - 1};
    if (!tsdl_count(tsdl))
        return false;
    tsdl->members = memory_grow(tsdl->members, &tsdl->member_room, tsdl->member_count + 1,
                                sizeof *tsdl->members);
    tsdl->members[tsdl->member_count++] = (struct draft_member){
        .name = names_id(&tsdl->draft->names, name),
        .shown = draft_string(tsdl->draft, shown),
        .shown_count = (uint32_t)shown.count,
        .type = declarator->type,
        .place = declarator->name.at,
    };
    return true;
}

static bool read_entry(struct tsdl *tsdl)
{
    if (tsdl_is(tsdl, "typealias") || tsdl_is(tsdl, "typedef"))
        return tsdl_declaration(tsdl);
    return read_declarators(tsdl, add_member);
}

/* "{ ... }" into `type`. */
static bool read_body(struct tsdl *tsdl, struct draft_type *type)
{
    size_t below = tsdl->member_count;
    if (!tsdl_expect(tsdl, "{"))
        return false;
    tsdl_open_scope(tsdl);
    while (!tsdl_is(tsdl, "}"))
        if (!read_entry(tsdl))
            return false;
    tsdl_close_scope(tsdl);
    if (!tsdl_next(tsdl))
        return false;
    type->count = (uint32_t)(tsdl->member_count - below);
    size_t size = type->count * sizeof *type->members;
    struct draft_member *members = arena_take(&tsdl->draft->arena, size);
    if (size > 0)
        memcpy(members, tsdl->members + below, size);
    type->members = members;
    tsdl->member_count = below;
    return draft_members_done(tsdl->draft, type, tsdl->why) == STATUS_OK;
}

static bool read_min_align(struct tsdl *tsdl, struct draft_type *type)
{
    bool is;
    if (!tsdl_accept(tsdl, "align", &is) || !is)
        return !tsdl_is(tsdl, "align");
    if (!tsdl_expect(tsdl, "("))
        return false;
    uint64_t align = tsdl->token.number;
    if (tsdl->token.type != TOKEN_NUMBER || align == 0 || align > LAYOUT_ALIGN_MAX ||
        (align & (align - 1)) != 0)
        return tsdl_fail(tsdl, "an alignment must be a power of two up to %d", LAYOUT_ALIGN_MAX);
    type->align = (uint32_t)align;
    return tsdl_next(tsdl) && tsdl_expect(tsdl, ")");
}

/* The name in a declaration or reference; empty if there is none. */
static bool read_name(struct tsdl *tsdl, struct text *name)
{
    *name = (struct text){"", 0};
    if (tsdl->token.type != TOKEN_WORD)
        return true;
    *name = tsdl->token.text;
    return tsdl_next(tsdl);
}

static bool find_named(struct tsdl *tsdl, enum symbol_kind kind, const char *word, struct text name,
                       const char *place, const struct draft_type **out)
{
    if (name.count == 0)
        return tsdl_fail(tsdl, "\"%s\" has neither a name nor a body", word);
    *out = tsdl_find(tsdl, kind, name);
    return *out != NULL || tsdl_fail_at(tsdl, place, "\"%s %.*s\" is not declared", word,
                                        (int)(name.count < 80 ? name.count : 80), name.at);
}

static bool read_struct(struct tsdl *tsdl, const struct draft_type **out)
{
    const char *place = tsdl->token.at;
    struct text name;
    if (!read_name(tsdl, &name))
        return false;
    if (!tsdl_is(tsdl, "{"))
        return find_named(tsdl, SYMBOL_STRUCT, "struct", name, place, out);
    struct draft_type *type = draft_type_new(tsdl->draft, LAYOUT_STRUCT, place);
    *out = type;
    if (!read_body(tsdl, type) || !read_min_align(tsdl, type))
        return false;
    return name.count == 0 || tsdl_declare(tsdl, SYMBOL_STRUCT, name, type, place);
}

static bool read_tag(struct tsdl *tsdl, struct draft_path *path)
{
    bool is;
    if (!tsdl_accept(tsdl, "<", &is) || !is)
        return !tsdl_is(tsdl, "<");
    const char *place = tsdl->token.at;
    if (!read_path(tsdl, path) || !tsdl_expect(tsdl, ">"))
        return false;
    return path->from != DRAFT_ENV ||
           tsdl_fail_at(tsdl, place, "a tag must be a field, not a constant");
}

static bool read_variant(struct tsdl *tsdl, const struct draft_type **out)
{
    const char *place = tsdl->token.at;
    struct text name;
    struct draft_path tag = {.count = 0};
    if (!read_name(tsdl, &name) || !read_tag(tsdl, &tag))
        return false;
    struct draft_type *type = draft_type_new(tsdl->draft, LAYOUT_VARIANT, place);
    *out = type;
    if (!tsdl_is(tsdl, "{")) {
        const struct draft_type *named = NULL;
        if (!find_named(tsdl, SYMBOL_VARIANT, "variant", name, place, &named) || named == NULL)
            return false;
        *type = *named;
        type->place = place;
        if (tag.count > 0)
            type->path = tag;
        return true;
    }
    type->path = tag;
    if (!read_body(tsdl, type))
        return false;
    return name.count == 0 || tsdl_declare(tsdl, SYMBOL_VARIANT, name, type, place);
}

/* --- enum --- */

/* ": integer { ... }", ": uint8_t", or nothing: an int. */
static bool read_container(struct tsdl *tsdl, const struct draft_type **out)
{
    const char *place = tsdl->token.at;
    bool is;
    if (!tsdl_accept(tsdl, ":", &is))
        return false;
    if (is && is_keyword(tsdl))
        return read_specifier(tsdl, out);
    struct alias_words words;
    if (is && !read_words(tsdl, false, &words))
        return false;
    struct text name = is ? (struct text){words.room, words.count} : text_of("int");
    return find_alias(tsdl, name, place, out);
}

static bool read_enum(struct tsdl *tsdl, const struct draft_type **out)
{
    const char *place = tsdl->token.at;
    struct text name;
    if (!read_name(tsdl, &name))
        return false;
    if (!tsdl_is(tsdl, "{") && !tsdl_is(tsdl, ":"))
        return find_named(tsdl, SYMBOL_ENUM, "enum", name, place, out);
    const struct draft_type *container;
    if (!read_container(tsdl, &container))
        return false;
    if (container->type != LAYOUT_INTEGER || container->is_enum)
        return tsdl_fail_at(tsdl, place, "the container of an enumeration must be an integer");
    struct draft_type *type = draft_type_new(tsdl->draft, LAYOUT_INTEGER, place);
    *out = type;
    *type = *container;
    type->place = place;
    if (!tsdl_labels(tsdl, type))
        return false;
    return name.count == 0 || tsdl_declare(tsdl, SYMBOL_ENUM, name, type, place);
}

/* --- all types --- */

static bool read_leaf(struct tsdl *tsdl, bool (*read)(struct tsdl *tsdl, struct draft_type **out),
                      const struct draft_type **out)
{
    struct draft_type *type;
    if (!read(tsdl, &type))
        return false;
    *out = type;
    return true;
}

static bool read_kind(struct tsdl *tsdl, struct text word, const struct draft_type **out)
{
    if (text_equal(word, text_of("integer")))
        return read_leaf(tsdl, tsdl_integer, out);
    if (text_equal(word, text_of("string")))
        return read_leaf(tsdl, tsdl_string, out);
    if (text_equal(word, text_of("floating_point")))
        return read_leaf(tsdl, tsdl_float, out);
    if (text_equal(word, text_of("struct")))
        return read_struct(tsdl, out);
    if (text_equal(word, text_of("variant")))
        return read_variant(tsdl, out);
    return read_enum(tsdl, out);
}

/* At a word of is_keyword(). */
static bool read_specifier(struct tsdl *tsdl, const struct draft_type **out)
{
    struct text word = tsdl->token.text;
    if (tsdl->depth == LAYOUT_DEPTH_MAX)
        return tsdl_fail(tsdl, "types nest deeper than %d", LAYOUT_DEPTH_MAX);
    if (!tsdl_count(tsdl) || !tsdl_next(tsdl))
        return false;
    tsdl->depth++;
    bool ok = read_kind(tsdl, word, out);
    tsdl->depth--;
    return ok;
}

bool tsdl_type(struct tsdl *tsdl, const struct draft_type **out)
{
    const struct draft_type *type = NULL;
    const char *place = tsdl->token.at;
    bool is_const;
    if (!tsdl_accept(tsdl, CONST, &is_const))
        return false;
    if (is_keyword(tsdl))
        return read_specifier(tsdl, &type) && read_dimensions(tsdl, type, out);
    struct alias_words words;
    return read_words(tsdl, is_const, &words) &&
           find_alias(tsdl, (struct text){words.room, words.count}, place, &type) &&
           read_dimensions(tsdl, type, out);
}

/* --- typealias and typedef --- */

/* "typealias TYPE := NAME;" after the keyword. */
static bool read_typealias(struct tsdl *tsdl)
{
    const struct draft_type *type;
    struct alias_words words;
    if (!tsdl_type(tsdl, &type) || !tsdl_expect(tsdl, ":="))
        return false;
    const char *place = tsdl->token.at;
    if (!read_words(tsdl, false, &words))
        return false;
    if (words.count == 0)
        return tsdl_fail(tsdl, "expected a name");
    return tsdl_declare(tsdl, SYMBOL_ALIAS, (struct text){words.room, words.count}, type, place) &&
           tsdl_expect(tsdl, ";");
}

bool tsdl_at_declaration(const struct tsdl *tsdl)
{
    return tsdl->token.type == TOKEN_WORD &&
           (tsdl_is(tsdl, "typealias") || tsdl_is(tsdl, "typedef") || is_keyword(tsdl)) &&
           !tsdl_before_assignment(tsdl);
}

static bool nothing_to_declare(struct tsdl *tsdl, const struct declarator *declarator)
{
    return tsdl_fail_at(tsdl, declarator->name.at, "a field is outside of any structure");
}

bool tsdl_declaration(struct tsdl *tsdl)
{
    bool is;
    if (!tsdl_accept(tsdl, "typealias", &is))
        return false;
    if (is)
        return read_typealias(tsdl);
    if (!tsdl_accept(tsdl, TYPEDEF, &is))
        return false;
    return read_declarators(tsdl, is ? declare_alias : nothing_to_declare);
}
