#include "metadata_parts.h"

#include <limits.h>
#include <stdlib.h>

#include "base/memory.h"

/* --- words of the text --- */

enum token_type { TOKEN_END, TOKEN_WORD, TOKEN_NUMBER, TOKEN_STRING, TOKEN_SIGN };

struct lexer {
    const char *at, *end;
    enum token_type type;
    bool cut;          /* the text ended inside a statement */
    struct text token; /* without the quotes of a string; ":=" is one sign */
};

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static void skip_space(struct lexer *lexer)
{
    while (lexer->at < lexer->end) {
        char c = *lexer->at;
        size_t left = (size_t)(lexer->end - lexer->at);
        if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\0') {
            lexer->at++;
        } else if (c == '/' && left > 1 && lexer->at[1] == '*') {
            const char *close = memmem(lexer->at + 2, left - 2, "*/", 2);
            lexer->at = close != NULL ? close + 2 : lexer->end;
        } else if (c == '/' && left > 1 && lexer->at[1] == '/') {
            const char *close = memchr(lexer->at, '\n', left);
            lexer->at = close != NULL ? close : lexer->end;
        } else {
            return;
        }
    }
}

static void lex_string(struct lexer *lexer)
{
    const char *begin = lexer->at + 1, *at = begin;
    while (at < lexer->end && *at != '"')
        at += *at == '\\' && at + 1 < lexer->end ? 2 : 1;
    lexer->type = TOKEN_STRING;
    lexer->token = (struct text){begin, (size_t)(at - begin)};
    lexer->at = at < lexer->end ? at + 1 : at;
}

static void lex(struct lexer *lexer)
{
    skip_space(lexer);
    const char *begin = lexer->at;
    if (begin >= lexer->end) {
        lexer->type = TOKEN_END;
        lexer->token = (struct text){lexer->end, 0};
        return;
    }
    if (*begin == '"') {
        lex_string(lexer);
        return;
    }
    if (is_word(*begin)) {
        const char *at = begin;
        while (at < lexer->end && (is_word(*at) || *at == '.'))
            at++;
        lexer->type = *begin >= '0' && *begin <= '9' ? TOKEN_NUMBER : TOKEN_WORD;
        lexer->token = (struct text){begin, (size_t)(at - begin)};
        lexer->at = at;
        return;
    }
    size_t count = *begin == ':' && begin + 1 < lexer->end && begin[1] == '=' ? 2 : 1;
    lexer->type = TOKEN_SIGN;
    lexer->token = (struct text){begin, count};
    lexer->at = begin + count;
}

static bool is_token(const struct lexer *lexer, const char *what)
{
    return lexer->type != TOKEN_STRING && text_equal(lexer->token, text_of(what));
}

/* The next brace or semicolon: most of the text is fields that are of no use here. */
static void lex_structure(struct lexer *lexer)
{
    static const bool OF_USE[UCHAR_MAX + 1] = {
        ['{'] = true, ['}'] = true, [';'] = true, ['"'] = true, ['/'] = true};
    for (;;) {
        while (lexer->at < lexer->end && !OF_USE[(unsigned char)*lexer->at])
            lexer->at++;
        if (lexer->at == lexer->end || (*lexer->at != '"' && *lexer->at != '/')) {
            lex(lexer);
            return;
        }
        const char *was = lexer->at;
        if (*was == '"')
            lex_string(lexer);
        else
            skip_space(lexer); /* a comment */
        if (lexer->at == was)
            lexer->at++;
    }
}

/* From any token on to behind the ';' that ends this statement, over whole blocks. */
static void skip_statement(struct lexer *lexer)
{
    size_t depth = 0;
    for (; lexer->type != TOKEN_END; lex_structure(lexer)) {
        if (is_token(lexer, "{"))
            depth++;
        else if (is_token(lexer, "}") && depth > 0)
            depth--;
        else if (is_token(lexer, ";") && depth == 0)
            break;
    }
    lexer->cut = lexer->cut || lexer->type == TOKEN_END;
    lex(lexer);
}

static uint64_t number_of(struct text token)
{
    char digits[32];
    size_t count = token.count < sizeof digits - 1 ? token.count : sizeof digits - 1;
    memcpy(digits, token.at, count);
    digits[count] = '\0';
    return strtoull(digits, NULL, 0);
}

/* --- types, as far as packet headers need them --- */

enum { TYPES_MAX = 64, STRUCTS_MAX = 16, MEMBERS_MAX = 32 };

struct integer_type {
    struct text name; /* words of "unsigned long" with what stands between them */
    uint32_t bits, align;
};

struct member {
    struct text name;
    uint32_t bits, align; /* of all elements */
};

struct struct_type {
    struct text name;
    bool known; /* all members are integers */
    size_t count;
    struct member at[MEMBERS_MAX];
};

struct parser {
    struct lexer lexer;
    struct metadata *metadata;
    size_t type_count, struct_count;
    struct integer_type types[TYPES_MAX];
    struct struct_type structs[STRUCTS_MAX];
    struct struct_type header;
    bool big_endian;
};

/* At the '{' behind `integer`; leaves at the token behind the '}'. */
static void parse_integer(struct lexer *lexer, uint32_t *bits, uint32_t *align)
{
    *bits = 0;
    *align = 0;
    lex(lexer);
    while (lexer->type != TOKEN_END && !is_token(lexer, "}")) {
        uint32_t *into = is_token(lexer, "size") ? bits : is_token(lexer, "align") ? align : NULL;
        lex(lexer);
        if (into != NULL && is_token(lexer, "=")) {
            lex(lexer);
            uint64_t value = number_of(lexer->token);
            *into = value <= 4096 ? (uint32_t)value : 0;
        }
    }
    if (*align == 0) /* CTF 1.8, 4.1.5: bytes are aligned, bit fields packed */
        *align = *bits % 8 == 0 ? 8 : 1;
    lex(lexer);
}

static const struct integer_type *find_type(const struct parser *parser, struct text name)
{
    for (size_t i = parser->type_count; i-- > 0;)
        if (text_equal(parser->types[i].name, name))
            return &parser->types[i];
    return NULL;
}

/* At the first token of a member; leaves behind its ';'. */
static void parse_member(struct parser *parser, struct struct_type *type)
{
    struct lexer *lexer = &parser->lexer;
    struct member member = {.bits = 0};
    if (is_token(lexer, "integer")) {
        lex(lexer);
        parse_integer(lexer, &member.bits, &member.align);
        member.name = lexer->token;
        lex(lexer);
    } else if (is_token(lexer, "enum") || is_token(lexer, "struct") || is_token(lexer, "variant") ||
               is_token(lexer, "string") || is_token(lexer, "floating_point")) {
        type->known = false;
        skip_statement(lexer);
        return;
    } else {
        struct text words = {lexer->token.at, 0};
        while (lexer->type == TOKEN_WORD) {
            if (member.name.at != NULL)
                words.count = (size_t)(member.name.at + member.name.count - words.at);
            member.name = lexer->token;
            lex(lexer);
        }
        const struct integer_type *integer = find_type(parser, words);
        if (integer != NULL) {
            member.bits = integer->bits;
            member.align = integer->align;
        }
    }
    if (is_token(lexer, "[")) {
        lex(lexer);
        uint64_t count = lexer->type == TOKEN_NUMBER ? number_of(lexer->token) : 0;
        member.bits = count <= 4096 ? member.bits * (uint32_t)count : 0;
    }
    skip_statement(lexer);
    if (member.bits == 0 || member.align == 0 || type->count == MEMBERS_MAX)
        type->known = false;
    else
        type->at[type->count++] = member;
}

/* At the '{' of a structure; leaves at the token behind its '}'. */
static void parse_members(struct parser *parser, struct struct_type *type)
{
    struct lexer *lexer = &parser->lexer;
    type->known = true;
    type->count = 0;
    lex(lexer);
    while (lexer->type != TOKEN_END && !is_token(lexer, "}"))
        parse_member(parser, type);
    lex(lexer);
}

/* At what stands behind `:=`: `struct NAME` or `struct { ... }`. */
static void parse_struct_use(struct parser *parser, struct struct_type *type)
{
    struct lexer *lexer = &parser->lexer;
    type->known = false;
    if (is_token(lexer, "struct")) {
        lex(lexer);
        if (is_token(lexer, "{")) {
            parse_members(parser, type);
        } else {
            for (size_t i = 0; i < parser->struct_count; i++)
                if (text_equal(parser->structs[i].name, lexer->token))
                    *type = parser->structs[i];
        }
    }
    skip_statement(lexer);
}

/* --- layouts --- */

static const struct {
    const char *name;
    enum packet_field field;
} FIELD_NAMES[] = {
    {"magic", PACKET_MAGIC},
    {"stream_id", PACKET_STREAM_ID},
    {"stream_instance_id", PACKET_INSTANCE},
    {"timestamp_begin", PACKET_BEGIN},
    {"timestamp_end", PACKET_END},
    {"content_size", PACKET_CONTENT_SIZE},
    {"packet_size", PACKET_SIZE},
    {"packet_seq_num", PACKET_SEQUENCE},
    {"events_discarded", PACKET_DISCARDED},
    {"cpu_id", PACKET_CPU},
};

static uint32_t aligned(uint32_t bit, uint32_t align)
{
    return (bit + align - 1) / align * align;
}

static void place_member(struct packet_layout *layout, const struct member *member, uint32_t bit)
{
    struct text name = member->name;
    if (name.count > 0 && name.at[0] == '_')
        name = (struct text){name.at + 1, name.count - 1};
    for (size_t i = 0; i < sizeof FIELD_NAMES / sizeof *FIELD_NAMES; i++) {
        if (!text_equal(name, text_of(FIELD_NAMES[i].name)))
            continue;
        if (bit % 8 == 0 && member->bits % 8 == 0 && member->bits <= 64)
            layout->place[FIELD_NAMES[i].field] =
                (struct packet_place){(uint16_t)(bit / 8), (uint8_t)(member->bits / 8), false};
    }
}

/* A structure is aligned as its most aligned member. Returns false if it cannot be laid out. */
static bool place_struct(struct packet_layout *layout, const struct struct_type *type,
                         uint32_t *bit)
{
    if (!type->known)
        return false;
    uint32_t align = 1;
    for (size_t i = 0; i < type->count; i++)
        align = type->at[i].align > align ? type->at[i].align : align;
    *bit = aligned(*bit, align);
    for (size_t i = 0; i < type->count; i++) {
        *bit = aligned(*bit, type->at[i].align);
        place_member(layout, &type->at[i], *bit);
        *bit += type->at[i].bits;
    }
    return *bit / 8 <= UINT16_MAX;
}

static void add_layout(struct parser *parser, uint64_t stream_id, const struct struct_type *context)
{
    struct packet_layout layout = {.stream_id = stream_id};
    uint32_t bit = 0;
    if (!place_struct(&layout, &parser->header, &bit) || !place_struct(&layout, context, &bit))
        return;
    layout.size = (bit + 7) / 8;
    metadata_add_layout(parser->metadata, &layout);
}

/* --- the blocks; each parser stands at the '{' and leaves behind the block's ';' --- */

/* At the token behind `=`; leaves behind the ';'. */
static struct text parse_value(struct lexer *lexer, bool *negative)
{
    *negative = is_token(lexer, "-");
    if (*negative)
        lex(lexer);
    struct text value = lexer->token;
    skip_statement(lexer);
    return value;
}

static void parse_env(struct parser *parser)
{
    struct lexer *lexer = &parser->lexer;
    struct metadata *metadata = parser->metadata;
    lex(lexer);
    while (lexer->type != TOKEN_END && !is_token(lexer, "}")) {
        struct text key = lexer->token;
        bool negative = false;
        lex(lexer);
        if (!is_token(lexer, "=")) {
            skip_statement(lexer);
            continue;
        }
        lex(lexer);
        struct text value = parse_value(lexer, &negative);
        if (text_equal(key, text_of("hostname")))
            metadata->hostname = value;
        else if (text_equal(key, text_of("domain")))
            metadata->domain = value;
        else if (text_equal(key, text_of("trace_name")))
            metadata->session = value;
        else if (text_equal(key, text_of("trace_creation_datetime")))
            metadata->created = value;
        else if (text_equal(key, text_of("procname")))
            metadata->procname = value;
        else if (text_equal(key, text_of("vpid"))) {
            metadata->has_vpid = !negative;
            metadata->vpid = (int32_t)(number_of(value) & INT32_MAX);
        }
    }
    skip_statement(lexer);
}

static void parse_clock(struct parser *parser)
{
    struct lexer *lexer = &parser->lexer;
    struct metadata *metadata = parser->metadata;
    uint64_t offset = 0, offset_s = 0;
    bool offset_negative = false, offset_s_negative = false, ignored = false;
    lex(lexer);
    while (lexer->type != TOKEN_END && !is_token(lexer, "}")) {
        struct text key = lexer->token;
        lex(lexer);
        if (!is_token(lexer, "=")) {
            skip_statement(lexer);
            continue;
        }
        lex(lexer);
        if (text_equal(key, text_of("freq"))) {
            uint64_t frequency = number_of(parse_value(lexer, &ignored));
            if (frequency > 0 && frequency <= METADATA_FREQUENCY_MAX)
                metadata->frequency = frequency;
        } else if (text_equal(key, text_of("offset"))) {
            offset = number_of(parse_value(lexer, &offset_negative));
        } else if (text_equal(key, text_of("offset_s"))) {
            offset_s = number_of(parse_value(lexer, &offset_s_negative));
        } else if (text_equal(key, text_of("uuid"))) {
            metadata_take_uuid(parse_value(lexer, &ignored), metadata->clock_uuid);
        } else {
            skip_statement(lexer);
        }
    }
    skip_statement(lexer);
    int64_t cycles_ns = metadata_scaled_ns(offset, metadata->frequency);
    int64_t seconds_ns = (int64_t)(offset_s * METADATA_NS_PER_S);
    metadata->offset_ns = (int64_t)((uint64_t)(offset_negative ? -cycles_ns : cycles_ns) +
                                    (uint64_t)(offset_s_negative ? -seconds_ns : seconds_ns));
}

static void parse_trace(struct parser *parser)
{
    struct lexer *lexer = &parser->lexer;
    bool ignored;
    lex(lexer);
    while (lexer->type != TOKEN_END && !is_token(lexer, "}")) {
        struct text key = lexer->token;
        lex(lexer);
        bool assigned = is_token(lexer, "="), defined = is_token(lexer, ":=");
        lex(lexer);
        if (defined && text_equal(key, text_of("packet.header")))
            parse_struct_use(parser, &parser->header);
        else if (assigned && text_equal(key, text_of("byte_order")))
            parser->big_endian = text_equal(parse_value(lexer, &ignored), text_of("be"));
        else
            skip_statement(lexer);
    }
    skip_statement(lexer);
}

static void parse_stream(struct parser *parser)
{
    struct lexer *lexer = &parser->lexer;
    struct struct_type context = {.known = false};
    uint64_t id = 0;
    bool ignored;
    lex(lexer);
    while (lexer->type != TOKEN_END && !is_token(lexer, "}")) {
        struct text key = lexer->token;
        lex(lexer);
        bool assigned = is_token(lexer, "="), defined = is_token(lexer, ":=");
        lex(lexer);
        if (defined && text_equal(key, text_of("packet.context")))
            parse_struct_use(parser, &context);
        else if (assigned && text_equal(key, text_of("id")))
            id = number_of(parse_value(lexer, &ignored));
        else
            skip_statement(lexer);
    }
    skip_statement(lexer);
    add_layout(parser, id, &context);
}

static void parse_event(struct parser *parser)
{
    struct lexer *lexer = &parser->lexer;
    bool ignored;
    lex(lexer);
    while (lexer->type != TOKEN_END && !is_token(lexer, "}")) {
        bool is_name = is_token(lexer, "name");
        lex(lexer);
        if (!is_name || !is_token(lexer, "=")) {
            skip_statement(lexer);
            continue;
        }
        lex(lexer);
        metadata_add_name(parser->metadata, parse_value(lexer, &ignored));
    }
    skip_statement(lexer);
}

/* At `typealias`. Only integers have a use here. */
static void parse_typealias(struct parser *parser)
{
    struct lexer *lexer = &parser->lexer;
    lex(lexer);
    if (!is_token(lexer, "integer") || parser->type_count == TYPES_MAX) {
        skip_statement(lexer);
        return;
    }
    struct integer_type *type = &parser->types[parser->type_count];
    lex(lexer);
    parse_integer(lexer, &type->bits, &type->align);
    if (is_token(lexer, ":=")) {
        lex(lexer);
        const char *begin = lexer->token.at, *end = begin;
        while (lexer->type == TOKEN_WORD) {
            end = lexer->token.at + lexer->token.count;
            lex(lexer);
        }
        type->name = (struct text){begin, (size_t)(end - begin)};
        parser->type_count++;
    }
    skip_statement(lexer);
}

/* At `struct` of a definition `struct NAME { ... };`. */
static void parse_struct_definition(struct parser *parser)
{
    struct lexer *lexer = &parser->lexer;
    lex(lexer);
    struct text name = lexer->token;
    lex(lexer);
    if (!is_token(lexer, "{") || parser->struct_count == STRUCTS_MAX) {
        skip_statement(lexer);
        return;
    }
    struct struct_type *type = &parser->structs[parser->struct_count++];
    type->name = name;
    parse_members(parser, type);
    skip_statement(lexer);
}

static const struct {
    const char *word;
    void (*parse)(struct parser *parser);
} BLOCKS[] = {
    {"event", parse_event}, {"env", parse_env},       {"clock", parse_clock},
    {"trace", parse_trace}, {"stream", parse_stream},
};

static void parse_top(struct parser *parser)
{
    struct lexer *lexer = &parser->lexer;
    if (is_token(lexer, "typealias")) {
        parse_typealias(parser);
        return;
    }
    if (is_token(lexer, "struct")) {
        parse_struct_definition(parser);
        return;
    }
    for (size_t i = 0; i < sizeof BLOCKS / sizeof *BLOCKS; i++) {
        if (!is_token(lexer, BLOCKS[i].word))
            continue;
        lex(lexer);
        if (is_token(lexer, "{"))
            BLOCKS[i].parse(parser);
        else
            skip_statement(lexer);
        return;
    }
    skip_statement(lexer);
}

/* The trace's byte order is that of all its packets, wherever in the text it stands. */
static void set_order(struct metadata *metadata, bool big_endian)
{
    for (size_t i = 0; i < metadata->layout_count; i++)
        for (size_t j = 0; j < PACKET_FIELDS; j++)
            metadata->layouts[i].place[j].big_endian = big_endian;
}

enum status metadata_read_tsdl(struct metadata *metadata, struct failure *why)
{
    struct parser *parser = memory_new(sizeof *parser);
    parser->metadata = metadata;
    struct text text = metadata->text;
    parser->lexer = (struct lexer){.at = text.at, .end = text.at + text.count};
    lex(&parser->lexer);
    while (parser->lexer.type != TOKEN_END)
        parse_top(parser);
    set_order(metadata, parser->big_endian);
    bool cut = parser->lexer.cut;
    free(parser);
    return cut ? fail(why, STATUS_REJECT, "metadata: ends inside a statement") : STATUS_OK;
}
