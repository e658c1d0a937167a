#include "case_file.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "analysis/analyses.h"
#include "base/memory.h"

enum section { SECTION_NONE, SECTION_PHASES, SECTION_EVENTS, SECTION_EXPECT };

/* A word of an event's line, `name=value` or `@name=value`, split into its parts. */
struct word {
    struct text name;  /* without the @ or ~ in front */
    struct text value; /* as written; of a quoted one, the text between the quotes */
    bool context, ignored, quoted;
};

enum { WORDS_MAX = 32, INTS_MAX = 32, NO_CPU = -2 };

struct parser {
    struct case_file *file;
    struct failure *why;
    size_t line;
    enum section section;
    struct text yaml; /* the lines of the phases, collected */
    size_t yaml_room;
    char *yaml_at;
};

#define REFUSE(parser, format, ...)                                                                \
    fail((parser)->why, STATUS_REJECT, "%s:%zu: " format, (parser)->file->name, (parser)->line,    \
         __VA_ARGS__)

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static struct text trim(struct text text)
{
    while (text.count && is_space(*text.at)) {
        text.at++;
        text.count--;
    }
    while (text.count && is_space(text.at[text.count - 1]))
        text.count--;
    return text;
}

/* Splits the first line, without its end, off `*rest`. */
static struct text take_line(struct text *rest)
{
    const char *end = memchr(rest->at, '\n', rest->count);
    struct text line = {rest->at, end ? (size_t)(end - rest->at) : rest->count};
    size_t taken = line.count + (end ? 1 : 0);
    rest->at += taken;
    rest->count -= taken;
    return line;
}

/* Splits the text before the first blank off `*rest`; a value in quotes or brackets may contain
 * blanks. */
static struct text take_word(struct text *rest)
{
    *rest = trim(*rest);
    size_t end = 0;
    bool quoted = false, listed = false;
    while (end < rest->count && (quoted || listed || !is_space(rest->at[end]))) {
        char c = rest->at[end];
        if (c == '"')
            quoted = !quoted;
        else if (!quoted && (c == '[' || c == ']'))
            listed = c == '[';
        end++;
    }
    struct text word = {rest->at, end};
    rest->at += end;
    rest->count -= end;
    return word;
}

static bool starts_with(struct text text, const char *with)
{
    size_t count = strlen(with);
    return text.count >= count && memcmp(text.at, with, count) == 0;
}

static struct text after(struct text text, size_t count)
{
    return (struct text){text.at + count, text.count - count};
}

/* An integer, decimal or with 0x; false if it is invalid or too large. */
static bool read_number(struct text text, int64_t *out)
{
    char room[32];
    if (text.count == 0 || text.count >= sizeof room)
        return false;
    memcpy(room, text.at, text.count);
    room[text.count] = '\0';
    if (!isdigit((unsigned char)room[room[0] == '-']))
        return false;
    char *end = NULL;
    errno = 0;
    *out = strtoll(room, &end, 0);
    return errno == 0 && *end == '\0';
}

static bool read_number_of_unsigned(struct text text, uint64_t *out)
{
    int64_t number = 0;
    if (text.count < 2 || text.at[text.count - 1] != 'u' ||
        !read_number((struct text){text.at, text.count - 1}, &number) || number < 0)
        return false;
    *out = (uint64_t)number;
    return true;
}

/* --- the words of an event ----------------------------------------------------------------- */

static enum status split_word(struct parser *parser, struct text text, struct word *word)
{
    *word = (struct word){.name = text};
    if (starts_with(text, "@") || starts_with(text, "~")) {
        word->context = text.at[0] == '@';
        word->ignored = !word->context;
        word->name = after(text, 1);
    }
    const char *equals = memchr(word->name.at, '=', word->name.count);
    if (!equals || equals == word->name.at)
        return REFUSE(parser, "`%.*s` is not field=value", (int)text.count, text.at);
    size_t name_count = (size_t)(equals - word->name.at);
    word->value = after(word->name, name_count + 1);
    word->name.count = name_count;
    if (starts_with(word->value, "\"")) {
        if (word->value.count < 2 || word->value.at[word->value.count - 1] != '"')
            return REFUSE(parser, "`%.*s`: the quote does not end", (int)text.count, text.at);
        word->value = (struct text){word->value.at + 1, word->value.count - 2};
        word->quoted = true;
    }
    return STATUS_OK;
}

static enum status number_of(struct parser *parser, const struct word *word, int64_t *out)
{
    if (word->quoted || !read_number(word->value, out))
        return REFUSE(parser, "%.*s: `%.*s` is not a number", (int)word->name.count, word->name.at,
                      (int)word->value.count, word->value.at);
    return STATUS_OK;
}

static enum status tid_of(struct parser *parser, const struct word *word, int32_t *out)
{
    int64_t number = 0;
    enum status status = number_of(parser, word, &number);
    if (status == STATUS_OK && (number < 0 || number > INT32_MAX))
        return REFUSE(parser, "%.*s: no such thread", (int)word->name.count, word->name.at);
    *out = (int32_t)number;
    return status;
}

/* `[3, 4]` */
static enum status ints_of(struct parser *parser, const struct word *word, int64_t ints[INTS_MAX],
                           size_t *count)
{
    *count = 0;
    struct text rest = word->value;
    if (rest.count < 2 || rest.at[0] != '[' || rest.at[rest.count - 1] != ']')
        return REFUSE(parser, "%.*s: a list of numbers is wanted, as [3, 4]", (int)word->name.count,
                      word->name.at);
    rest = trim((struct text){rest.at + 1, rest.count - 2});
    while (rest.count) {
        const char *comma = memchr(rest.at, ',', rest.count);
        size_t end = comma ? (size_t)(comma - rest.at) : rest.count;
        if (*count == INTS_MAX || !read_number(trim((struct text){rest.at, end}), &ints[*count]))
            return REFUSE(parser, "%.*s: not a list of numbers", (int)word->name.count,
                          word->name.at);
        ++*count;
        rest = trim(after(rest, comma ? end + 1 : end));
    }
    return STATUS_OK;
}

static enum status set_context(struct parser *parser, const struct word *word, struct event *event)
{
    if (text_equal(word->name, text_of("procname"))) {
        event->has |= EVENT_HAS_PROCNAME;
        event->procname =
            (struct text){arena_string(&parser->file->arena, word->value), word->value.count};
        return STATUS_OK;
    }
    if (text_equal(word->name, text_of("program"))) {
        event->has |= EVENT_HAS_PROGRAM;
        event->program =
            (struct text){arena_string(&parser->file->arena, word->value), word->value.count};
        return STATUS_OK;
    }
    if (text_equal(word->name, text_of("pid_ns"))) {
        int64_t number = 0;
        enum status status = number_of(parser, word, &number);
        event->has |= EVENT_HAS_PID_NS;
        event->pid_ns = (uint32_t)number;
        return status;
    }
    const struct {
        const char *name;
        uint8_t has;
        int32_t *at;
    } contexts[] = {{"tid", EVENT_HAS_TID, &event->tid},
                    {"pid", EVENT_HAS_PID, &event->pid},
                    {"vtid", EVENT_HAS_VTID, &event->vtid},
                    {"vpid", EVENT_HAS_VPID, &event->vpid}};
    for (size_t i = 0; i < sizeof contexts / sizeof *contexts; i++) {
        if (!text_equal(word->name, text_of(contexts[i].name)))
            continue;
        event->has |= contexts[i].has;
        return tid_of(parser, word, contexts[i].at);
    }
    return REFUSE(parser, "no context @%.*s", (int)word->name.count, word->name.at);
}

static enum status set_slot(struct parser *parser, const struct word *word, const struct slot *slot,
                            struct event *event)
{
    int64_t ints[INTS_MAX];
    size_t count = 0;
    enum status status = STATUS_OK;
    switch (slot->type) {
    case SLOT_VALUE:
        event->present = (uint8_t)(event->present | 1u << slot->index);
        return number_of(parser, word, &event->value[slot->index]);
    case SLOT_TEXT:
        event->present = (uint8_t)(event->present | 1u << (EVENT_VALUES + slot->index));
        event->text[slot->index] =
            (struct text){arena_string(&parser->file->arena, word->value), word->value.count};
        return STATUS_OK;
    case SLOT_INTS:
        status = ints_of(parser, word, ints, &count);
        if (status == STATUS_OK) {
            int64_t *kept = arena_take(&parser->file->arena, count * sizeof *kept);
            memcpy(kept, ints, count * sizeof *kept);
            event->ints = kept;
            event->int_count = (uint16_t)count;
        }
        return status;
    }
    return status;
}

/* A number is an integer, `5u` one of an unsigned field, anything else text. */
static struct field_value field_of(struct parser *parser, const struct word *word)
{
    struct field_value value = {.type = FIELD_TEXT};
    if (!word->quoted && read_number(word->value, &value.i))
        value.type = FIELD_INT;
    else if (!word->quoted && read_number_of_unsigned(word->value, &value.u))
        value.type = FIELD_UINT;
    else
        value.text =
            (struct text){arena_string(&parser->file->arena, word->value), word->value.count};
    return value;
}

static void set_phase_field(struct parser *parser, const struct word *word, struct event *event,
                            struct field_value *fields, bool *known)
{
    for (size_t i = 0; i < event->class->field_count; i++) {
        if (!text_equal(word->name, text_of(event->class->fields[i])))
            continue;
        fields[i] = field_of(parser, word);
        *known = true;
    }
}

/* The arguments of `unknown` calls in addition to the slots. */
struct raw_call {
    bool has_number;
    int64_t number;
    int64_t args[INTS_MAX];
    size_t arg_count;
};

static enum status set_raw(struct parser *parser, const struct word *word, struct raw_call *raw,
                           bool *known)
{
    if (text_equal(word->name, text_of("id"))) {
        *known = raw->has_number = true;
        return number_of(parser, word, &raw->number);
    }
    if (text_equal(word->name, text_of("args"))) {
        *known = true;
        return ints_of(parser, word, raw->args, &raw->arg_count);
    }
    return STATUS_OK;
}

static enum status set_field(struct parser *parser, const struct word *word, struct event *event,
                             struct field_value *fields, struct raw_call *raw)
{
    bool known = word->ignored;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < event->class->slot_count && status == STATUS_OK; i++) {
        if (!text_equal(word->name, text_of(event->class->slots[i].field)))
            continue;
        known = true;
        status = set_slot(parser, word, &event->class->slots[i], event);
    }
    if (status == STATUS_OK && event->class->unknown_call)
        status = set_raw(parser, word, raw, &known);
    if (status != STATUS_OK)
        return status;
    set_phase_field(parser, word, event, fields, &known);
    /* An unused field is most likely a typo. */
    if (!known && event->kind != EVENT_OTHER && !event_is_of_handler(event))
        return REFUSE(parser, "%s: nobody reads a field %.*s (write ~%.*s to carry it anyway)",
                      event->class->name, (int)word->name.count, word->name.at,
                      (int)word->name.count, word->name.at);
    return STATUS_OK;
}

static enum status set_fields(struct parser *parser, struct text rest, struct event *event)
{
    struct raw_call raw = {.has_number = false};
    struct field_value *fields =
        arena_take(&parser->file->arena, event->class->field_count * sizeof *fields);
    event->fields = fields;
    event->field_count = (uint16_t)event->class->field_count;
    for (rest = trim(rest); rest.count; rest = trim(rest)) {
        struct word word;
        enum status status = split_word(parser, take_word(&rest), &word);
        if (status == STATUS_OK)
            status = word.context ? set_context(parser, &word, event)
                                  : set_field(parser, &word, event, fields, &raw);
        if (status != STATUS_OK)
            return status;
    }
    if (event->class->unknown_call) {
        if (!raw.has_number)
            return REFUSE(parser, "%s: which call? id= is missing", event->class->name);
        event_set_unknown_call(parser->file->schema, event, (uint64_t)raw.number,
                               parser->file->x86_64, raw.args, raw.arg_count);
    }
    return STATUS_OK;
}

/* `LOSS count=5`: by the counter of the tracer; without a count: the other border of that packet,
 * or a gap. */
static enum status set_loss(struct parser *parser, struct text rest, struct event *event)
{
    event->class = schema_loss_class(parser->file->schema, (enum domain)event->domain);
    event->kind = event->class->kind;
    event->present = 3;
    event->value[1] = event->domain == DOMAIN_KERNEL;
    for (rest = trim(rest); rest.count; rest = trim(rest)) {
        struct word word;
        enum status status = split_word(parser, take_word(&rest), &word);
        if (status == STATUS_OK && !text_equal(word.name, text_of("count")))
            status = REFUSE(parser, "a LOSS has only a count, not %.*s", (int)word.name.count,
                            word.name.at);
        if (status == STATUS_OK)
            status = number_of(parser, &word, &event->value[0]);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

static void add_cpu(struct case_file *file, int32_t cpu)
{
    size_t at = 0;
    while (at < file->cpu_count && file->cpus[at] < cpu)
        at++;
    if (at < file->cpu_count && file->cpus[at] == cpu)
        return;
    file->cpus = memory_grow(file->cpus, &file->cpu_room, file->cpu_count + 1, sizeof *file->cpus);
    memmove(file->cpus + at + 1, file->cpus + at, (file->cpu_count - at) * sizeof *file->cpus);
    file->cpus[at] = cpu;
    file->cpu_count++;
}

/* `cpu1`, `nocpu`, `ust`, `stream2`: the origin of an event. False: none of them. */
static bool read_place(struct text word, struct event *event)
{
    int64_t number = 0;
    if (text_equal(word, text_of("ust"))) {
        event->domain = DOMAIN_UST;
        event->trace = 1;
        return true;
    }
    if (text_equal(word, text_of("nocpu"))) {
        event->cpu = NO_CPU;
        return true;
    }
    if (starts_with(word, "cpu") && read_number(after(word, 3), &number) && number >= 0 &&
        number <= INT16_MAX) {
        event->cpu = (int32_t)number;
        return true;
    }
    if (starts_with(word, "stream") && read_number(after(word, 6), &number) && number >= 0 &&
        number <= INT16_MAX) {
        event->stream = (uint32_t)number;
        return true;
    }
    return false;
}

static enum status read_event(struct parser *parser, struct text line)
{
    struct case_file *file = parser->file;
    struct event event = {.cpu = -1};
    int64_t time = 0;
    struct text word = take_word(&line);
    if (!read_number(word, &time) || time < 0)
        return REFUSE(parser, "an event begins with its time, not `%.*s`", (int)word.count,
                      word.at);
    event.time_ns = (uint64_t)time;
    do
        word = take_word(&line);
    while (read_place(word, &event));
    if (word.count == 0)
        return REFUSE(parser, "which event at %" PRIu64 "?", event.time_ns);
    if (event.cpu < 0 && event.cpu != NO_CPU && event.domain == DOMAIN_KERNEL)
        return REFUSE(parser, "%.*s: a kernel event is of a cpu", (int)word.count, word.at);
    if (event.cpu == NO_CPU)
        event.cpu = -1;
    enum status status = STATUS_OK;
    if (text_equal(word, text_of("LOSS"))) {
        status = set_loss(parser, line, &event);
    } else {
        event.class = schema_class(file->schema, (enum domain)event.domain, word);
        event.kind = event.class->kind;
        event.call = event.class->call;
        status = set_fields(parser, line, &event);
    }
    if (status != STATUS_OK)
        return status;
    if (event.domain == DOMAIN_KERNEL && event.cpu >= 0)
        add_cpu(file, event.cpu);
    file->events =
        memory_grow(file->events, &file->event_room, file->event_count + 1, sizeof *file->events);
    file->events[file->event_count++] = event;
    return STATUS_OK;
}

/* --- what is expected ---------------------------------------------------------------------- */

static void add_complete(struct parser *parser, struct text type)
{
    struct case_file *file = parser->file;
    file->complete = memory_grow(file->complete, &file->complete_room, file->complete_count + 1,
                                 sizeof *file->complete);
    file->complete[file->complete_count++] =
        (struct complete_type){parser->line, arena_string(&file->arena, type)};
}

/* `all thread, fd` */
static enum status read_complete(struct parser *parser, struct text rest)
{
    for (rest = trim(rest); rest.count; rest = trim(rest)) {
        const char *comma = memchr(rest.at, ',', rest.count);
        size_t end = comma ? (size_t)(comma - rest.at) : rest.count;
        struct text type = trim((struct text){rest.at, end});
        if (type.count == 0)
            return REFUSE(parser, "%s", "`all` of which types?");
        add_complete(parser, type);
        rest = after(rest, comma ? end + 1 : end);
    }
    return STATUS_OK;
}

static enum status read_expectation(struct parser *parser, struct text line)
{
    struct case_file *file = parser->file;
    struct expectation expected = {.line = parser->line};
    if (starts_with(line, "all "))
        return read_complete(parser, after(line, 4));
    if (starts_with(line, "none ")) {
        expected.absent = true;
        line = trim(after(line, 5));
    }
    if (!starts_with(line, "{"))
        return REFUSE(parser, "`%.*s`: an object, `none` and one, or `all` and types, are wanted",
                      (int)line.count, line.at);
    expected.json = arena_string(&file->arena, line);
    file->expected = memory_grow(file->expected, &file->expected_room, file->expected_count + 1,
                                 sizeof *file->expected);
    file->expected[file->expected_count++] = expected;
    return STATUS_OK;
}

/* --- sections ------------------------------------------------------------------------------ */

static enum status read_session(struct parser *parser, struct text value)
{
    struct case_file *file = parser->file;
    const char *first = memchr(value.at, '/', value.count);
    const char *last = memrchr(value.at, '/', value.count);
    if (!first || first == last)
        return REFUSE(parser, "session: host/name/created is wanted, not `%.*s`", (int)value.count,
                      value.at);
    const char *end = value.at + value.count;
    struct text host = {value.at, (size_t)(first - value.at)};
    struct text name = {first + 1, (size_t)(last - first - 1)};
    struct text created = {last + 1, (size_t)(end - last - 1)};
    file->host = arena_string(&file->arena, host);
    file->session = arena_string(&file->arena, name);
    file->created = arena_string(&file->arena, created);
    return STATUS_OK;
}

/* The schema is created for the phases, so they precede the first event. */
static enum status end_phases(struct parser *parser)
{
    struct case_file *file = parser->file;
    enum status status = STATUS_OK;
    if (parser->yaml.count) {
        struct bytes yaml = {(const uint8_t *)parser->yaml_at, parser->yaml.count};
        status = phases_add_yaml(&file->phases, file->name, yaml, parser->why);
    }
    file->schema = schema_new_with(&file->phases, analyses_event_row, analyses_count);
    return status;
}

static enum status enter(struct parser *parser, enum section section)
{
    if (section <= parser->section)
        return REFUSE(parser, "%s", "phases, events and expect come once, in this order");
    parser->section = section;
    return section == SECTION_EVENTS ? end_phases(parser) : STATUS_OK;
}

/* A line that is not indented. */
static enum status read_heading(struct parser *parser, struct text line)
{
    struct case_file *file = parser->file;
    const char *colon = memchr(line.at, ':', line.count);
    struct text key = {line.at, colon ? (size_t)(colon - line.at) : line.count};
    struct text value = colon ? trim(after(line, key.count + 1)) : (struct text){NULL, 0};
    if (colon && value.count == 0) {
        if (text_equal(key, text_of("phases")))
            return enter(parser, SECTION_PHASES);
        if (text_equal(key, text_of("events")))
            return enter(parser, SECTION_EVENTS);
        if (text_equal(key, text_of("expect")) && file->schema)
            return enter(parser, SECTION_EXPECT);
    }
    if (parser->section == SECTION_NONE && text_equal(key, text_of("session")))
        return read_session(parser, value);
    if (parser->section == SECTION_NONE && text_equal(key, text_of("offset")) &&
        read_number(value, &file->offset_ns))
        return STATUS_OK;
    if (parser->section == SECTION_NONE && text_equal(key, text_of("machine"))) {
        file->x86_64 = text_equal(value, text_of("x86_64"));
        return STATUS_OK;
    }
    return REFUSE(parser, "`%.*s` is no heading that may stand here", (int)line.count, line.at);
}

static void keep_yaml(struct parser *parser, struct text line)
{
    size_t count = parser->yaml.count;
    parser->yaml_at = memory_grow(parser->yaml_at, &parser->yaml_room, count + line.count + 1, 1);
    memcpy(parser->yaml_at + count, line.at, line.count);
    parser->yaml_at[count + line.count] = '\n';
    parser->yaml.count = count + line.count + 1;
}

static enum status read_line(struct parser *parser, struct text line)
{
    struct text bare = trim(line);
    if (parser->section == SECTION_PHASES && (bare.count == 0 || is_space(*line.at))) {
        keep_yaml(parser, line);
        return STATUS_OK;
    }
    if (bare.count == 0 || *bare.at == '#')
        return STATUS_OK;
    if (!is_space(*line.at))
        return read_heading(parser, bare);
    switch (parser->section) {
    case SECTION_EVENTS: return read_event(parser, bare);
    case SECTION_EXPECT: return read_expectation(parser, bare);
    case SECTION_NONE:
    case SECTION_PHASES: break;
    }
    return REFUSE(parser, "`%.*s` stands under no heading", (int)bare.count, bare.at);
}

/* Stable: events that compare equal stay in the order of their stream. */
static void sort_events(struct event *events, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct event event = events[i];
        size_t at = i;
        for (; at > 0 && event_compare(&events[at - 1], &event) > 0; at--)
            events[at] = events[at - 1];
        events[at] = event;
    }
}

enum status case_file_init(struct case_file *file, const char *name, struct text text,
                           struct failure *why)
{
    *file = (struct case_file){.x86_64 = true};
    phases_init(&file->phases);
    file->name = arena_string(&file->arena, text_of(name));
    struct parser parser = {.file = file, .why = why};
    enum status status = read_session(&parser, text_of("host/s/t"));
    while (text.count && status == STATUS_OK) {
        parser.line++;
        status = read_line(&parser, take_line(&text));
    }
    free(parser.yaml_at);
    if (status != STATUS_OK)
        return status;
    if (parser.section != SECTION_EXPECT || file->expected_count + file->complete_count == 0)
        return REFUSE(&parser, "%s", "nothing is expected of this case");
    if (file->event_count == 0)
        return REFUSE(&parser, "%s", "a case without events");
    sort_events(file->events, file->event_count);
    return STATUS_OK;
}

void case_file_clear(struct case_file *file)
{
    schema_free(file->schema);
    phases_clear(&file->phases);
    free(file->events);
    free(file->cpus);
    free(file->expected);
    free(file->complete);
    arena_clear(&file->arena);
    *file = (struct case_file){.name = NULL};
}
