#include "cli/commands.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "cli/live_screen.h"
#include "cli/pool_state.h"
#include "cli/progress.h"
#include "cli/render/json_text.h"
#include "cli/render/quantity.h"
#include "cli/render/report_view.h"
#include "cli/render/table.h"
#include "cli/results_hint.h"
#include "cli/stop_signals.h"
#include "results/report.h"
#include "service/kafka.h"
#include "service/service.h"

enum { EXIT_INTERRUPTED = 128 + SIGINT, PAUSE_MS = 50 };

static const struct config_row rows[] = {
    DURATION_ROW("every", 0, "TIME", NULL, 100, 86400000,
                 "repeat every TIME until Ctrl-C; refreshes the screen on a\n"
                 "terminal"),
    LIST_ROW("session", 's', "PATTERN",
             "only sessions whose name matches, such as 'web1/*';\n"
             "repeatable"),
    WORD_ROW("format", 'f', "FORMAT", "text", FORMAT_WORDS,
             "text (a table) or json (one object per line)"),
    FLAG_ROW("strict", 0,
             "exit with 4 if there are missing chunks, parked chunks, or\n"
             "gaps"),
    WORD_ROW("color", 0, "WHEN", "auto", WHEN_WORDS, "colors: auto, always, or never"),
};
static const struct config_section own = {"Status", rows, sizeof rows / sizeof *rows};
static const struct config_section *const sections[] = {&own, &service_kafka_section};
static const struct config_program program = {
    .command = "spanmill status",
    .block = "status",
    .about = "Shows the progress of the pool: its sessions, the time of their newest results, the\n"
             "chunks waiting for mappers and reducers, missing and parked chunks, and gaps.",
    .sections = sections,
    .count = sizeof sections / sizeof *sections,
    .examples = "spanmill status -b kafka-1:9092\n"
                "spanmill status --every 10s --session 'web1/*'\n"
                "spanmill status --strict --format json",
};

struct showing {
    const struct config *config;
    const struct bus_settings *bus;
    enum report_format format;
    bool repeats, live; /* live: on the terminal's alternate screen */
    const char *const *patterns;
    size_t pattern_count;
    struct pool_watch *watch;
    const struct pool_state *state;
    bool incomplete; /* as defined for --strict */
};

static void say(const struct showing *showing, const char *sentence)
{
    if (!showing->live)
        fprintf(stderr, "spanmill status: %s\n", sentence);
}

static bool is_wanted(const struct showing *showing, const struct pool_session *session)
{
    for (size_t i = 0; i < showing->pattern_count; i++)
        if (fnmatch(showing->patterns[i], session->name, 0) == 0)
            return true;
    return showing->pattern_count == 0;
}

/* --- the table --- */

enum { SESSION_COLUMNS = 11 };

static void put_count(struct table *table, uint64_t count, bool known)
{
    if (known && count > 0)
        table_number(table, count);
    else
        table_none(table);
}

static void put_session(struct table *table, const struct pool_state *state,
                        const struct pool_session *session)
{
    bool has_time = session->last_ns != REPORT_NONE;
    int64_t now_ns = (int64_t)clock_ns(CLOCK_REALTIME);
    table_text(table, session->name);
    table_text(table, has_time ? quantity_date(session->last_ns).text : "-");
    table_text(table, has_time ? quantity_age(now_ns - session->last_ns).text : "-");
    if (session->is_joined)
        table_number(table, session->chunk);
    else
        table_none(table);
    put_count(table, session->unmapped, true);
    put_count(table, session->unjoined, true);
    put_count(table, session->missing, !state->in_part);
    put_count(table, session->parked, true);
    put_count(table, session->gaps, true);
    put_count(table, session->events, true);
    put_count(table, session->discarded, true);
}

static void put_sessions(const struct showing *showing, FILE *out)
{
    static const struct column columns[SESSION_COLUMNS] = {
        {"Session", COLUMN_TEXT, CUT_LEFT},      {"Newest event", COLUMN_TEXT, CUT_NOT},
        {"Age", COLUMN_SHARE, CUT_NOT},          {"Joined to", COLUMN_NUMBER, CUT_NOT},
        {"For a mapper", COLUMN_COUNT, CUT_NOT}, {"For a reducer", COLUMN_COUNT, CUT_NOT},
        {"Missing", COLUMN_COUNT, CUT_NOT},      {"Parked", COLUMN_COUNT, CUT_NOT},
        {"Gaps", COLUMN_COUNT, CUT_NOT},         {"Events", COLUMN_COUNT, CUT_NOT},
        {"Lost events", COLUMN_COUNT, CUT_NOT}};
    struct table *table = table_new(columns, SESSION_COLUMNS);
    for (size_t i = 0; i < showing->state->session_count; i++)
        if (is_wanted(showing, &showing->state->sessions[i]))
            put_session(table, showing->state, &showing->state->sessions[i]);
    struct table_style style = {
        .color = report_view_color((enum when)config_word(showing->config, "color"), stdout),
        .width = report_view_screen(stdout).columns};
    if (table_rows(table) > 0) {
        fputc('\n', out);
        table_print(table, out, &style);
    }
    table_free(table);
}

/* "s" unless `count` is 1. */
static const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

static size_t host_count(const struct pool_state *state)
{
    size_t count = 0;
    for (size_t i = 0; i < state->session_count; i++) {
        size_t length = strcspn(state->sessions[i].name, "/");
        /* Sorted by name: sessions of one host are consecutive. */
        count += i == 0 ||
                 strncmp(state->sessions[i].name, state->sessions[i - 1].name, length + 1) != 0;
    }
    return count;
}

static void put_pool(const struct showing *showing, FILE *out)
{
    const struct pool_state *state = showing->state;
    size_t hosts = host_count(state);
    fprintf(out, "pool %s  %zu session%s of %zu host%s  %zu mapper%s  %zu reducer%s  %s\n",
            showing->bus->prefix, state->session_count, plural(state->session_count), hosts,
            plural(hosts), state->mappers, plural(state->mappers), state->reducers,
            plural(state->reducers), quantity_date((int64_t)clock_ns(CLOCK_REALTIME)).text);
    fprintf(out, "chunks  %s for a mapper, ", quantity_count(state->unmapped).text);
    fprintf(out, "%s%s for a reducer, ", state->in_part ? "at least " : "",
            quantity_count(state->unjoined).text);
    fprintf(out, "%s parked, ", quantity_count(state->parked).text);
    fprintf(out, "%s given up as gaps\n", quantity_count(state->gaps).text);
    fprintf(out, "state %s records to read when a reducer starts\n",
            quantity_count(state->state_records).text);
}

/* Problems and remedies. */
static void put_notes(const struct showing *showing, FILE *out)
{
    const struct pool_state *state = showing->state;
    fputc('\n', out);
    if (state->unmapped > 0 && state->mappers == 0)
        fputs("no mapper is running: announced chunks are waiting\n", out);
    if (state->unjoined > 0 && state->reducers == 0)
        fputs("no reducer is running: mapped chunks are waiting\n", out);
    if (state->in_part)
        fputs("too many records to read: waiting chunks are counted only in part, and missing "
              "chunks are unknown\n",
              out);
    for (size_t i = 0; i < state->session_count && !state->in_part; i++) {
        const struct pool_session *session = &state->sessions[i];
        if (session->missing > 0 && is_wanted(showing, session))
            fprintf(
                out,
                "chunk %" PRIu64
                " of %s is missing: later chunks wait for it until --gap-after of the reducers\n",
                session->first_missing, session->name);
    }
    if (state->parked > 0)
        fputs("`spanmill parked` lists parked chunks and the reasons\n", out);
    if (state->damaged > 0)
        fprintf(out, "%" PRIu64 " result records could not be read\n", state->damaged);
}

/* --- JSON --- */

static void put_number(struct json_text *json, const char *name, uint64_t number)
{
    json_name(json, name);
    json_number(json, number);
}

static void json_pool(const struct showing *showing, struct json_text *json)
{
    const struct pool_state *state = showing->state;
    json_words(json, "{\"type\":\"pool\"");
    json_name(json, "prefix");
    json_string(json, text_of(showing->bus->prefix));
    put_number(json, "time_ns", clock_ns(CLOCK_REALTIME));
    put_number(json, "sessions", state->session_count);
    put_number(json, "hosts", host_count(state));
    put_number(json, "mappers", state->mappers);
    put_number(json, "reducers", state->reducers);
    put_number(json, "unmapped", state->unmapped);
    put_number(json, "unjoined", state->unjoined);
    put_number(json, "parked", state->parked);
    put_number(json, "gaps", state->gaps);
    put_number(json, "state_records", state->state_records);
    json_name(json, "read_in_part");
    json_words(json, state->in_part ? "true}\n" : "false}\n");
}

static void put_or_null(struct json_text *json, const char *name, uint64_t number, bool known)
{
    json_name(json, name);
    if (known)
        json_number(json, number);
    else
        json_words(json, "null");
}

static void json_session(const struct pool_state *state, const struct pool_session *session,
                         struct json_text *json)
{
    bool joined = session->is_joined;
    int64_t now_ns = (int64_t)clock_ns(CLOCK_REALTIME);
    bool has_age = session->last_ns != REPORT_NONE && now_ns >= session->last_ns;
    json_words(json, "{\"type\":\"session\"");
    json_name(json, "session");
    json_string(json, text_of(session->name));
    json_name(json, "host");
    json_string_or_null(json, session->host);
    json_name(json, "end_ns");
    json_signed(json, session->last_ns);
    put_or_null(json, "age_ns", has_age ? (uint64_t)(now_ns - session->last_ns) : 0, has_age);
    put_or_null(json, "joined_ms", (uint64_t)session->joined_ms, session->joined_ms >= 0);
    put_or_null(json, "chunk", session->chunk, joined);
    put_number(json, "intervals", session->intervals);
    put_number(json, "unmapped", session->unmapped);
    put_number(json, "unjoined", session->unjoined);
    put_or_null(json, "missing", session->missing, !state->in_part);
    put_or_null(json, "first_missing", session->first_missing,
                !state->in_part && session->missing > 0);
    put_number(json, "parked", session->parked);
    put_number(json, "gaps", session->gaps);
    put_number(json, "events", session->events);
    put_number(json, "discarded", session->discarded);
    json_words(json, "}\n");
}

static void put_json(const struct showing *showing, FILE *out)
{
    struct json_text json = {.at = NULL};
    json_pool(showing, &json);
    for (size_t i = 0; i < showing->state->session_count; i++)
        if (is_wanted(showing, &showing->state->sessions[i]))
            json_session(showing->state, &showing->state->sessions[i], &json);
    fwrite(json.at, 1, json.count, out);
    free(json.at);
}

/* --- showing --- */

static void put_state(const struct showing *showing, FILE *out)
{
    if (showing->format == FORMAT_JSON) {
        put_json(showing, out);
        return;
    }
    put_pool(showing, out);
    put_sessions(showing, out);
    put_notes(showing, out);
}

static void show(const struct showing *showing)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return;
    put_state(showing, out);
    fclose(out);
    while (size > 1 && text[size - 1] == '\n' && text[size - 2] == '\n')
        size--; /* no notes */
    if (showing->live)
        live_screen_show(stdout, (struct text){text, size}, "Ctrl-C to quit");
    else
        fwrite(text, 1, size, stdout);
    fflush(stdout);
    free(text);
}

static void note_missing(struct showing *showing)
{
    const struct pool_state *state = showing->state;
    showing->incomplete = state->in_part || state->damaged > 0;
    for (size_t i = 0; i < state->session_count; i++) {
        const struct pool_session *session = &state->sessions[i];
        showing->incomplete |=
            is_wanted(showing, session) && session->missing + session->parked + session->gaps > 0;
    }
}

/* Whether none of the requested sessions exists; reported. */
static bool is_none(const struct showing *showing)
{
    const struct pool_state *state = showing->state;
    for (size_t i = 0; i < state->session_count; i++)
        if (is_wanted(showing, &state->sessions[i]))
            return false;
    if (state->session_count == 0)
        return false;
    const char **names = memory_new(state->session_count * sizeof *names);
    for (size_t i = 0; i < state->session_count; i++)
        names[i] = state->sessions[i].name;
    char *sentence = results_hint_names(names, state->session_count, "the pool");
    if (sentence)
        say(showing, sentence);
    free(sentence);
    free(names);
    return true;
}

/* --- the loop --- */

static void wait_until(double end_s)
{
    while (progress_now_s() < end_s && !stop_signals_pending(NULL))
        nanosleep(&(struct timespec){.tv_nsec = PAUSE_MS * 1000000L}, NULL);
}

/* Runs until stopped. With --every, brokers may be unavailable for a while. */
static enum status repeat(struct showing *showing, struct failure *why)
{
    double every_s =
        showing->repeats ? (double)config_duration_ms(showing->config, "every") / 1000 : 0;
    do {
        double next_s = progress_now_s() + every_s;
        enum status status = pool_watch_look(showing->watch, &showing->state, why);
        bool passes = showing->repeats && status == STATUS_RETRY && !stop_signals_pending(NULL);
        if (status != STATUS_OK && !passes)
            return status;
        if (status == STATUS_OK) {
            note_missing(showing);
            show(showing);
        } else if (showing->live) {
            live_screen_show(stdout, text_of(""), why->text);
        } else {
            say(showing, why->text);
        }
        if (showing->repeats)
            wait_until(next_s);
    } while (showing->repeats && !stop_signals_pending(NULL));
    return STATUS_OK;
}

static int run(struct showing *showing)
{
    struct failure why;
    enum status status = pool_watch_new(showing->bus, stop_signals_pending, &showing->watch, &why);
    if (showing->live && status == STATUS_OK) {
        live_screen_open(stdout);
        status = repeat(showing, &why);
        live_screen_close(stdout);
        showing->live = false;
        if (status == STATUS_OK && showing->state)
            show(showing);
    } else if (status == STATUS_OK) {
        status = repeat(showing, &why);
    }
    if (status != STATUS_OK && stop_signals_pending(NULL))
        return showing->repeats ? EXIT_DONE : EXIT_INTERRUPTED;
    if (status != STATUS_OK) {
        say(showing, why.text);
        return EXIT_FAILED;
    }
    if (showing->state && is_none(showing))
        return EXIT_FAILED;
    if (showing->state && showing->state->session_count == 0)
        say(showing, "no session is known: nothing was announced, or retention deleted it");
    if (fflush(stdout) != 0)
        return EXIT_FAILED;
    return showing->incomplete && config_flag(showing->config, "strict") ? EXIT_LOSSY : EXIT_DONE;
}

static void log_nothing(void *context, int level, const char *text)
{
    (void)context;
    (void)level;
    (void)text;
}

int cmd_status(int argc, char **argv)
{
    struct config *config;
    enum config_outcome outcome = config_load(&program, argc, argv, stdout, stderr, &config);
    if (outcome != CONFIG_RUN)
        return (int)outcome;
    struct log log = {.file = stderr, .program = "spanmill status", .level = LOG_WARNING};
    struct kafka_settings kafka = {.pairs = NULL};
    struct failure why;
    int code = EXIT_WRONG_USAGE;
    struct showing showing = {.config = config,
                              .format = (enum report_format)config_word(config, "format"),
                              .repeats = config_is_given(config, "every")};
    showing.live = showing.repeats && showing.format == FORMAT_TEXT && isatty(STDOUT_FILENO);
    showing.pattern_count = config_list(config, "session", &showing.patterns);
    if (kafka_settings_init(&kafka, config, &log, &why) != STATUS_OK) {
        config_wrong(config, stderr, "%s", why.text);
    } else {
        showing.bus = &kafka.bus;
        if (showing.live)
            kafka.bus.log = log_nothing; /* it would disturb the screen */
        stop_signals_block(SIG_BLOCK);
        code = run(&showing);
    }
    pool_watch_free(showing.watch);
    kafka_settings_clear(&kafka);
    config_free(config);
    return code;
}
