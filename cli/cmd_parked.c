#include "cli/commands.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "base/utf8.h"
#include "bus/producer.h"
#include "cli/render/json.h"
#include "cli/parked.h"
#include "cli/render/report_view.h"
#include "cli/stop_signals.h"
#include "cli/render/table.h"
#include "service/kafka.h"
#include "service/service.h"

enum { EXIT_INTERRUPTED = 128 + SIGINT, DELIVER_MS = 30000, TIME_ROOM = 32 };

static const struct config_row rows[] = {
    FLAG_ROW("resend", 0,
             "send them to the mappers again; needs --session,\n"
             "--chunk, --kind, or --all"),
    LIST_ROW("session", 's', "PATTERN",
             "only sessions whose name matches, such as 'web1/*';\n"
             "repeatable"),
    INTEGERS_ROW("chunk", 0, "N", 0, 0, "only the chunk with this number; repeatable"),
    LIST_ROW("kind", 0, "KIND",
             "only this kind: damaged, fetch, limit, or tries;\n"
             "repeatable"),
    FLAG_ROW("all", 0,
             "with --resend: all that were not sent again yet, except\n"
             "damaged ones (ask for them with --kind damaged)"),
    WORD_ROW("format", 'f', "FORMAT", "text", FORMAT_WORDS,
             "text (a table) or json (one object per line)"),
    WORD_ROW("color", 0, "WHEN", "auto", WHEN_WORDS, "colors: auto, always, or never"),
};
static const struct config_section own = {"Parked", rows, sizeof rows / sizeof *rows};
static const struct config_section *const sections[] = {&own, &service_kafka_section};
static const struct config_program program = {
    .command = "spanmill parked",
    .block = "parked",
    .about =
        "Lists the chunks that mappers parked because they could not use them, with the reason\n"
        "and the announcement. Resent chunks still enter the results unless their interval\n"
        "has become a gap (spanmill-reducer --gap-after).",
    .sections = sections,
    .count = sizeof sections / sizeof *sections,
    .examples = "spanmill parked -b kafka-1:9092\n"
                "spanmill parked --resend --kind fetch\n"
                "spanmill parked --resend --session 'web1/*' --chunk 17",
};

struct selection {
    const struct config *config;
    const struct bus_settings *bus;
    struct parked_list list;
    const int64_t *chunks;
    size_t chunk_count;
    struct bus_producer *producer;
    size_t sent;
};

/* --- selection --- */

static bool read_options(struct selection *selection)
{
    const struct config *config = selection->config;
    selection->chunk_count = config_integers(config, "chunk", &selection->chunks);
    bool chosen = config_flag(config, "all") || config_is_given(config, "session") ||
                  config_is_given(config, "chunk") || config_is_given(config, "kind");
    if (config_flag(config, "resend") && !chosen) {
        config_wrong(config, stderr, "--resend needs --session, --chunk, --kind, or --all");
        return false;
    }
    return true;
}

static bool matches_session(const struct selection *selection, const struct parked *parked)
{
    const char *const *patterns;
    size_t count = config_list(selection->config, "session", &patterns);
    char *session = memory_string(parked->session);
    bool matches = count == 0;
    for (size_t i = 0; i < count && !matches; i++)
        matches = fnmatch(patterns[i], session, 0) == 0;
    free(session);
    return matches;
}

static bool matches_chunk(const struct selection *selection, const struct parked *parked)
{
    for (size_t i = 0; i < selection->chunk_count; i++)
        if (parked->has_chunk && (uint64_t)selection->chunks[i] == parked->chunk)
            return true;
    return selection->chunk_count == 0;
}

static bool matches_kind(const struct selection *selection, const struct parked *parked)
{
    const char *const *kinds;
    size_t count = config_list(selection->config, "kind", &kinds);
    for (size_t i = 0; i < count; i++)
        if (strcmp(kinds[i], parked->kind) == 0)
            return true;
    return count == 0;
}

static bool matches(const struct selection *selection, const struct parked *parked)
{
    return matches_session(selection, parked) && matches_chunk(selection, parked) &&
           matches_kind(selection, parked);
}

/* --- listing --- */

static const char *time_text(int64_t time_ms, char room[TIME_ROOM])
{
    time_t seconds = (time_t)(time_ms / 1000);
    struct tm tm;
    if (time_ms < 0 || !gmtime_r(&seconds, &tm) ||
        strftime(room, TIME_ROOM, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        return "-";
    return room;
}

static void list_as_table(const struct selection *selection)
{
    static const struct column columns[] = {
        {"session", COLUMN_TEXT, CUT_LEFT}, {"chunk", COLUMN_NUMBER, CUT_NOT},
        {"kind", COLUMN_TEXT, CUT_NOT},     {"parked", COLUMN_TEXT, CUT_NOT},
        {"resent", COLUMN_TEXT, CUT_NOT},   {"announced in", COLUMN_TEXT, CUT_LEFT},
        {"reason", COLUMN_TEXT, CUT_RIGHT}};
    struct table *table = table_new(columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < selection->list.count; i++) {
        const struct parked *parked = &selection->list.at[i];
        if (!matches(selection, parked))
            continue;
        char room[TIME_ROOM];
        char *session = memory_string(parked->session);
        table_text(table, session);
        free(session);
        if (parked->has_chunk)
            table_number(table, parked->chunk);
        else
            table_none(table);
        table_text(table, parked->kind);
        table_text(table, time_text(parked->time_ms, room));
        table_text(table, parked->sent_again ? "yes" : "no");
        table_text(table, parked->from);
        table_text(table, parked->reason);
    }
    enum when color = (enum when)config_word(selection->config, "color");
    struct table_style style = {.color = report_view_color(color, stdout),
                                .width = report_view_screen(stdout).columns};
    if (table_rows(table) > 0)
        table_print(table, stdout, &style);
    else
        fputs("spanmill parked: no chunk is parked\n", stderr);
    table_free(table);
}

static void write_field(const char *name, const char *text)
{
    printf(",\"%s\":", name);
    json_write_text(stdout, text_of(text));
}

static void list_as_json(const struct selection *selection)
{
    for (size_t i = 0; i < selection->list.count; i++) {
        const struct parked *parked = &selection->list.at[i];
        if (!matches(selection, parked))
            continue;
        fputs("{\"type\":\"parked\",\"session\":", stdout);
        json_write_text(stdout, parked->session);
        if (parked->has_chunk)
            printf(",\"chunk\":%" PRIu64, parked->chunk);
        else
            fputs(",\"chunk\":null", stdout);
        write_field("kind", parked->kind);
        write_field("reason", parked->reason);
        write_field("announced_in", parked->from);
        printf(",\"parked_ms\":%" PRId64 ",\"partition\":%" PRId32 ",\"offset\":%" PRId64
               ",\"sent_again\":%s}\n",
               parked->time_ms, parked->partition, parked->offset,
               parked->sent_again ? "true" : "false");
    }
}

/* --- sending again --- */

static const struct parked *find(const struct selection *selection, int32_t partition,
                                 int64_t offset)
{
    for (size_t i = 0; i < selection->list.count; i++)
        if (selection->list.at[i].partition == partition && selection->list.at[i].offset == offset)
            return &selection->list.at[i];
    return NULL;
}

/* A chunk is sent again a second time only if it is named. */
static bool wants(void *context, int32_t partition, int64_t offset)
{
    const struct selection *selection = context;
    const struct parked *parked = find(selection, partition, offset);
    if (!parked || !matches(selection, parked))
        return false;
    bool named = config_is_given(selection->config, "chunk");
    bool asked_kind = config_is_given(selection->config, "kind");
    return named || (!parked->sent_again && (asked_kind || strcmp(parked->kind, "damaged") != 0));
}

static struct bytes bytes_of(const char *string)
{
    return (struct bytes){(const uint8_t *)string, strlen(string)};
}

/* Sends the announcement, then the mark: a crash in between sends it twice, which is harmless. */
static enum status send_again(void *context, const struct bus_message *message, struct failure *why)
{
    struct selection *selection = context;
    struct bus_patience patience = {.over = stop_signals_pending};
    struct bus_record record = {.topic = BUS_CHUNKS,
                                .partition = -1,
                                .route = message->key,
                                .key = message->key,
                                .value = message->value};
    enum status status =
        bus_deliver(selection->producer, &record, 1, DELIVER_MS, &patience, NULL, why);
    if (status != STATUS_OK)
        return status;
    printf("%.*s\n", (int)message->key.count, message->key.at);
    selection->sent++;

    char partition[16], offset[32];
    snprintf(partition, sizeof partition, "%" PRId32, message->partition);
    snprintf(offset, sizeof offset, "%" PRId64, message->offset);
    const struct bus_header headers[] = {{"kind", bytes_of(PARKED_MARK)},
                                         {"partition", bytes_of(partition)},
                                         {"offset", bytes_of(offset)}};
    struct bus_record mark = {.topic = BUS_PARKED,
                              .partition = message->partition,
                              .route = message->key,
                              .key = message->key,
                              .headers = headers,
                              .header_count = sizeof headers / sizeof *headers};
    return bus_deliver(selection->producer, &mark, 1, DELIVER_MS, &patience, NULL, why);
}

static enum status resend(struct selection *selection, struct failure *why)
{
    struct bus_patience patience = {.over = stop_signals_pending};
    enum status status =
        bus_producer_new(selection->bus, NULL, &patience, &selection->producer, why);
    struct parked_visitor visitor = {.wants = wants, .take = send_again, .context = selection};
    if (status == STATUS_OK)
        status = parked_visit(selection->bus, &visitor, stop_signals_pending, why);
    bus_producer_free(selection->producer);
    fprintf(stderr, "spanmill parked: %zu resent\n", selection->sent);
    return status;
}

/* --- */

static bool is_filtered(const struct selection *selection)
{
    return config_is_given(selection->config, "session") ||
           config_is_given(selection->config, "chunk") ||
           config_is_given(selection->config, "kind");
}

/* Whether none matches, while others are parked; reports which. */
static bool is_none(const struct selection *selection)
{
    enum { SHOWN = 8 };
    const struct parked_list *list = &selection->list;
    for (size_t i = 0; i < list->count; i++)
        if (matches(selection, &list->at[i]))
            return false;
    if (list->count == 0 || !is_filtered(selection))
        return false;
    fprintf(stderr, "spanmill parked: no parked chunk matches; there %s: ",
            list->count == 1 ? "is" : "are");
    for (size_t i = 0; i < list->count && i < SHOWN; i++) {
        const struct parked *parked = &list->at[list->count - 1 - i];
        char *key = utf8_printable(text_of(parked->key));
        fprintf(stderr, "%s%s (%s)", i ? ", " : "", key, parked->kind);
        free(key);
    }
    if (list->count > SHOWN)
        fprintf(stderr, " and %zu more", list->count - SHOWN);
    fputc('\n', stderr);
    return true;
}

static int run(struct selection *selection)
{
    struct failure why;
    enum status status =
        parked_list_read(&selection->list, selection->bus, stop_signals_pending, &why);
    bool none = status == STATUS_OK && is_none(selection);
    if (none)
        ;
    else if (status == STATUS_OK && config_flag(selection->config, "resend"))
        status = resend(selection, &why);
    else if (status == STATUS_OK && config_word(selection->config, "format") == FORMAT_JSON)
        list_as_json(selection);
    else if (status == STATUS_OK)
        list_as_table(selection);
    parked_list_clear(&selection->list);
    if (stop_signals_pending(NULL))
        return EXIT_INTERRUPTED;
    if (status != STATUS_OK) {
        fprintf(stderr, "spanmill parked: %s\n", why.text);
        return EXIT_FAILED;
    }
    return fflush(stdout) == 0 && !none ? EXIT_DONE : EXIT_FAILED;
}

int cmd_parked(int argc, char **argv)
{
    struct config *config;
    enum config_outcome outcome = config_load(&program, argc, argv, stdout, stderr, &config);
    if (outcome != CONFIG_RUN)
        return (int)outcome;
    struct selection selection = {.config = config};
    struct log log = {.file = stderr, .program = "spanmill parked", .level = LOG_WARNING};
    struct kafka_settings kafka = {.pairs = NULL};
    struct failure why;
    int code = EXIT_WRONG_USAGE;
    if (!read_options(&selection)) {
        code = EXIT_WRONG_USAGE;
    } else if (kafka_settings_init(&kafka, config, &log, &why) != STATUS_OK) {
        config_wrong(config, stderr, "%s", why.text);
    } else {
        selection.bus = &kafka.bus;
        stop_signals_block(SIG_BLOCK);
        code = run(&selection);
    }
    kafka_settings_clear(&kafka);
    config_free(config);
    return code;
}
