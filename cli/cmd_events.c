#include "cli/commands.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/names.h"
#include "cli/progress.h"
#include "cli/render/json.h"
#include "cli/render/quantity.h"
#include "cli/render/report_view.h"
#include "cli/render/table.h"
#include "cli/report_file.h"
#include "cli/story/follow.h"
#include "cli/traces.h"

static const struct config_row rows[] = {
    WORD_ROW("format", 'f', "FORMAT", "text", FORMAT_WORDS, "text or json (one object per event)"),
    TEXT_ROW("output", 'o', "FILE", NULL, "write to FILE instead of stdout"),
};

static const struct config_section own = {"List", rows, sizeof rows / sizeof *rows};
static const struct config_section *const sections[] = {&own};
static const struct config_program program = {
    .command = "spanmill events",
    .operands = "TRACE...",
    .about = "Lists the event types of traces: count, domain, channels, fields, and contexts. Use\n"
             "these names in phase definitions and in `spanmill log --event`. TRACE is a session\n"
             "folder, a chunk, a plain trace, a snapshot, or an archive.",
    .sections = sections,
    .count = sizeof sections / sizeof *sections,
    .examples = "spanmill events ~/lttng-traces/shop-20261122\n"
                "spanmill events shop --format json",
    .options_only = true,
};

/* A payload field. */
struct field {
    char *name;
    const char *type; /* NULL: no event had a value so far */
};

struct listed {
    char *name;
    uint8_t domain; /* enum domain */
    uint8_t has;    /* EVENT_HAS_*, of any */
    uint64_t count;
    struct field *fields;
    size_t field_count, field_room;
    uint32_t *channels; /* numbers of their names, in order of first occurrence */
    size_t channel_count, channel_room;
};

struct listing {
    struct config *config;
    struct traces traces;
    struct progress progress;
    struct report_file file;
    struct listed *events;
    size_t count, room;
    size_t *places; /* by class of the current session: index in `events` + 1 */
    size_t place_count;
    struct names channels;
    uint64_t lost;
    size_t failed;
};

/* --- counting --- */

static size_t place_of(struct listing *listing, const struct event_class *class)
{
    for (size_t i = 0; i < listing->count; i++)
        if (listing->events[i].domain == class->domain &&
            strcmp(listing->events[i].name, class->name) == 0)
            return i;
    listing->events =
        memory_grow(listing->events, &listing->room, listing->count + 1, sizeof *listing->events);
    listing->events[listing->count] =
        (struct listed){.name = memory_string(text_of(class->name)), .domain = class->domain};
    return listing->count++;
}

static struct listed *listed_of(struct listing *listing, const struct event_class *class)
{
    if (class->id >= listing->place_count) {
        size_t needed = (size_t) class->id + 1;
        listing->places = memory_resize(listing->places, needed, sizeof *listing->places);
        while (listing->place_count < needed)
            listing->places[listing->place_count++] = 0;
    }
    size_t *place = &listing->places[class->id];
    if (*place == 0)
        *place = place_of(listing, class) + 1;
    return &listing->events[*place - 1];
}

static bool is_named(const struct field *field, const struct field_shape *shape)
{
    return strncmp(field->name, shape->name, shape->name_count) == 0 &&
           field->name[shape->name_count] == '\0';
}

/* The field with that shape; most often it is at `guess`. */
static struct field *field_of(struct listed *listed, const struct field_shape *shape, size_t guess)
{
    if (guess < listed->field_count && is_named(&listed->fields[guess], shape))
        return &listed->fields[guess];
    for (size_t i = 0; i < listed->field_count; i++)
        if (is_named(&listed->fields[i], shape))
            return &listed->fields[i];
    listed->fields = memory_grow(listed->fields, &listed->field_room, listed->field_count + 1,
                                 sizeof *listed->fields);
    struct field *field = &listed->fields[listed->field_count++];
    *field = (struct field){.name = memory_string((struct text){shape->name, shape->name_count})};
    return field;
}

static const char *type_of(const struct field_shape *shape, const struct field_value *value)
{
    if (shape->float_bits > 0)
        return "float";
    if (!shape->is_taken)
        return "other";
    switch (value->type) {
    case FIELD_INT: return "int";
    case FIELD_UINT: return "uint";
    case FIELD_TEXT: return "text";
    case FIELD_ABSENT: break;
    }
    return NULL;
}

/* --- channels --- */

static int compare_place(const struct event *event, const struct reader_stream *stream)
{
    if (event->domain != stream->domain)
        return event->domain < (uint8_t)stream->domain ? -1 : 1;
    if (event->cpu != stream->cpu)
        return event->cpu < stream->cpu ? -1 : 1;
    return (event->stream > stream->rank) - (event->stream < stream->rank);
}

/* The file of the event; NULL: unknown. */
static const char *file_of(const struct followed *followed)
{
    const struct reader_info *info = followed->info;
    size_t low = 0, high = info ? info->stream_count : 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_place(followed->event, &info->streams[middle]);
        if (order == 0)
            return info->streams[middle].name;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

/* Length of `name` without `_NUMBER`, which goes to *number; the whole length if there is none. */
static size_t without_number(struct text name, long *number)
{
    size_t count = name.count;
    while (count > 0 && isdigit((unsigned char)name.at[count - 1]))
        count--;
    if (count == name.count || count < 2 || name.at[count - 1] != '_')
        return name.count;
    *number = strtol(name.at + count, NULL, 10);
    return count - 1;
}

/* LTTng's files are named CHANNEL_CPU, or CHANNEL_CPU_NUMBER if their size is limited. */
static struct text channel_of(const char *file, int32_t cpu)
{
    struct text name = text_of(file);
    long last = -1, before = -1;
    size_t count = without_number(name, &last);
    size_t shorter = without_number((struct text){name.at, count}, &before);
    bool numbered = last >= 0 && last != cpu && before == cpu;
    return (struct text){name.at, numbered ? shorter : count};
}

static void note_channel(struct listing *listing, struct listed *listed,
                         const struct followed *followed)
{
    const char *file = file_of(followed);
    if (!file)
        return;
    uint32_t id = names_id(&listing->channels, channel_of(file, followed->event->cpu));
    for (size_t i = 0; i < listed->channel_count; i++)
        if (listed->channels[i] == id)
            return;
    listed->channels = memory_grow(listed->channels, &listed->channel_room,
                                   listed->channel_count + 1, sizeof *listed->channels);
    listed->channels[listed->channel_count++] = id;
}

static const char *channel_name(const struct listing *listing, const struct listed *listed,
                                size_t place)
{
    return names_text(&listing->channels, listed->channels[place]).at;
}

static bool take(void *context, const struct followed *followed)
{
    struct listing *listing = context;
    const struct event *event = followed->event;
    if (event->kind == EVENT_LOSS) {
        listing->lost += (uint64_t)event->value[0];
        return true;
    }
    struct listed *listed = listed_of(listing, event->class);
    listed->count++;
    listed->has |= event->has;
    note_channel(listing, listed, followed);
    for (size_t i = 0, guess = 0; event->shapes && i < event->field_count; i++) {
        if (!event->shapes[i].is_declared)
            continue;
        struct field *field = field_of(listed, &event->shapes[i], guess++);
        if (!field->type)
            field->type = type_of(&event->shapes[i], &event->fields[i]);
    }
    return true;
}

/* --- printing --- */

static const char *domain_name(const struct listed *listed)
{
    return listed->domain == DOMAIN_KERNEL ? "kernel" : "ust";
}

static const struct context_name {
    uint8_t has;
    const char *name;
} context_names[] = {
    {EVENT_HAS_TID, "tid"},   {EVENT_HAS_PID, "pid"},           {EVENT_HAS_VTID, "vtid"},
    {EVENT_HAS_VPID, "vpid"}, {EVENT_HAS_PROCNAME, "procname"}, {EVENT_HAS_PID_NS, "pid_ns"},
};

enum { CONTEXTS = sizeof context_names / sizeof *context_names };

static char *joined(char *take_text, const char *words)
{
    char *longer = memory_format("%s%s%s", take_text, *take_text ? ", " : "", words);
    free(take_text);
    return longer;
}

static void cell(struct table *table, char *take_text)
{
    if (*take_text)
        table_text(table, take_text);
    else
        table_none(table);
    free(take_text);
}

static const char *shown_type(const struct field *field)
{
    return field->type ? field->type : "unknown";
}

static void print_text(const struct listing *listing)
{
    static const struct column columns[] = {
        {"Event", COLUMN_TEXT, CUT_NOT},    {"Domain", COLUMN_TEXT, CUT_NOT},
        {"Channels", COLUMN_TEXT, CUT_NOT}, {"Count", COLUMN_COUNT, CUT_NOT},
        {"Contexts", COLUMN_TEXT, CUT_NOT}, {"Fields", COLUMN_TEXT, CUT_RIGHT},
    };
    struct table *table = table_new(columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < listing->count; i++) {
        const struct listed *listed = &listing->events[i];
        table_text(table, listed->name);
        table_text(table, domain_name(listed));
        char *text = memory_string(text_of(""));
        for (size_t k = 0; k < listed->channel_count; k++)
            text = joined(text, channel_name(listing, listed, k));
        cell(table, text);
        table_number(table, listed->count);
        text = memory_string(text_of(""));
        for (size_t k = 0; k < CONTEXTS; k++)
            if (listed->has & context_names[k].has)
                text = joined(text, context_names[k].name);
        cell(table, text);
        text = memory_string(text_of(""));
        for (size_t k = 0; k < listed->field_count; k++) {
            char *field =
                memory_format("%s %s", listed->fields[k].name, shown_type(&listed->fields[k]));
            text = joined(text, field);
            free(field);
        }
        cell(table, text);
    }
    struct table_style style = {.color = report_view_color(WHEN_AUTO, listing->file.out)};
    table_print(table, listing->file.out, &style);
    table_free(table);
}

static void print_json(const struct listing *listing)
{
    FILE *out = listing->file.out;
    for (size_t i = 0; i < listing->count; i++) {
        const struct listed *listed = &listing->events[i];
        fputs("{\"type\":\"event\",\"name\":", out);
        json_write_text(out, text_of(listed->name));
        fprintf(out, ",\"domain\":\"%s\",\"count\":%" PRIu64 ",\"contexts\":[", domain_name(listed),
                listed->count);
        const char *between = "";
        for (size_t k = 0; k < CONTEXTS; k++) {
            if (!(listed->has & context_names[k].has))
                continue;
            fprintf(out, "%s\"%s\"", between, context_names[k].name);
            between = ",";
        }
        fputs("],\"fields\":[", out);
        for (size_t k = 0; k < listed->field_count; k++) {
            fputs(k ? ",{\"name\":" : "{\"name\":", out);
            json_write_text(out, text_of(listed->fields[k].name));
            fprintf(out, ",\"field_type\":\"%s\"}", shown_type(&listed->fields[k]));
        }
        fputs("],\"channels\":[", out);
        for (size_t k = 0; k < listed->channel_count; k++) {
            fputs(k ? "," : "", out);
            json_write_text(out, text_of(channel_name(listing, listed, k)));
        }
        fputs("]}\n", out);
    }
}

/* --- the command --- */

static int by_domain_and_name(const void *left, const void *right)
{
    const struct listed *a = left, *b = right;
    return a->domain != b->domain ? (a->domain > b->domain) - (a->domain < b->domain)
                                  : strcmp(a->name, b->name);
}

static bool shows_all(enum domain domain, const char *name)
{
    (void)domain;
    (void)name;
    return true;
}

static void say(void *context, const char *sentence)
{
    struct listing *listing = context;
    progress_say(&listing->progress, sentence);
}

static void list_session(struct listing *listing, size_t begin, size_t end)
{
    struct follow following = {.chunks = listing->traces.list.at + begin,
                               .count = end - begin,
                               .shows = shows_all,
                               .begin_ns = INT64_MIN,
                               .end_ns = INT64_MAX,
                               .warnings = {.say = say, .context = listing},
                               .take = take,
                               .context = listing};
    listing->place_count = 0; /* classes belong to a session */
    follow(&following);
    listing->failed += following.failed;
}

static int list_all(struct listing *listing)
{
    struct failure why;
    if (traces_find(&listing->traces, listing->config) != STATUS_OK)
        return EXIT_FAILED;
    const char *output = config_text(listing->config, "output");
    if (output && strcmp(output, "-") == 0)
        output = NULL;
    if (report_file_open(&listing->file, output, &why) != STATUS_OK) {
        progress_say(&listing->progress, why.text);
        return EXIT_FAILED;
    }
    const struct chunk_list *list = &listing->traces.list;
    for (size_t begin = 0; begin < list->count;) {
        size_t end = traces_session_end(list, begin);
        list_session(listing, begin, end);
        begin = end;
    }
    if (listing->count > 0)
        qsort(listing->events, listing->count, sizeof *listing->events, by_domain_and_name);
    if (config_word(listing->config, "format") == FORMAT_JSON)
        print_json(listing);
    else if (listing->count > 0)
        print_text(listing);
    if (report_file_close(&listing->file, &why) != STATUS_OK) {
        progress_say(&listing->progress, why.text);
        return EXIT_FAILED;
    }
    if (listing->lost > 0) {
        char *sentence =
            memory_format("%s events are lost and not counted", quantity_count(listing->lost).text);
        progress_say(&listing->progress, sentence);
        free(sentence);
    }
    if (listing->count == 0)
        progress_say(&listing->progress, "the traces contain no events");
    return listing->failed + listing->traces.left_out > 0 ? EXIT_FAILED : EXIT_DONE;
}

static void clear(struct listing *listing)
{
    for (size_t i = 0; i < listing->count; i++) {
        for (size_t k = 0; k < listing->events[i].field_count; k++)
            free(listing->events[i].fields[k].name);
        free(listing->events[i].fields);
        free(listing->events[i].channels);
        free(listing->events[i].name);
    }
    free(listing->events);
    free(listing->places);
    names_clear(&listing->channels);
    traces_clear(&listing->traces);
    report_file_drop(&listing->file);
}

int cmd_events(int argc, char **argv)
{
    struct listing listing = {.config = NULL};
    enum config_outcome outcome =
        config_load(&program, argc, argv, stdout, stderr, &listing.config);
    char *const *operands;
    if (outcome == CONFIG_RUN && config_operands(listing.config, &operands) == 0)
        outcome = config_wrong(listing.config, stderr, "no trace given");
    int code = (int)outcome;
    if (outcome == CONFIG_RUN) {
        progress_init(&listing.progress, "spanmill", false);
        phases_init(&listing.traces.phases);
        listing.traces.progress = &listing.progress;
        code = list_all(&listing);
        clear(&listing);
    }
    config_free(listing.config);
    return code;
}
