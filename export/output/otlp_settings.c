#include "export/output/otlp_settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { TIMEOUT_MS_MAX = 20000 };

static const struct config_row rows[] = {
    TEXT_ROW("otlp", 0, "URL", NULL,
             "send spans and metrics by OTLP/HTTP to URL, such as\n"
             "http://collector:4318; default: the OTEL_EXPORTER_OTLP_*\n"
             "variables"),
    WORD_ROW("otlp-signals", 0, "KIND", "all", "all traces metrics",
             "signals to send: all, traces (phase instances as spans),\n"
             "metrics (the same as for remote write)"),
    TEXT_ROW("otlp-kafka", 0, "NAME", NULL,
             "write the signals to the topics NAME_spans and\n"
             "NAME_metrics of the same brokers, for the Collector's\n"
             "kafkareceiver (its default NAME is otlp)"),
    DURATION_ROW("otlp-timeout", 0, "TIME", "10s", 100, TIMEOUT_MS_MAX, "request timeout"),
    WORD_ROW("otlp-compression", 0, "KIND", "none", "none gzip", "request compression: none, gzip"),
    TEXT_ROW("otlp-token-file", 0, "FILE", NULL,
             "file with the bearer token; read for each request"),
    TEXT_ROW("otlp-ca", 0, "FILE", NULL, "CA certificates to trust instead of the system's"),
    {.name = "otlp-header",
     .type = CONFIG_LIST,
     .secret = true,
     .argument = "NAME:VALUE",
     .help = "additional request header; repeatable"},
};

const struct config_section otlp_section = {"OpenTelemetry", rows, sizeof rows / sizeof *rows};

static const struct signal_words {
    const char *name, *path, *exporter;
    size_t word; /* index in otlp-signals, whose first word means all */
} signals[OTLP_SIGNALS] = {
    [OTLP_TRACES] = {"TRACES", "v1/traces", "OTEL_TRACES_EXPORTER", 1},
    [OTLP_METRICS] = {"METRICS", "v1/metrics", "OTEL_METRICS_EXPORTER", 2},
};

/* --- variables --- */

/* An empty one counts as not set. */
static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

/* The variable of the signal, else that of all signals. *name: its name; owned by the caller. */
static const char *variable_of(enum otlp_signal signal, const char *what, char **name)
{
    *name = memory_format("OTEL_EXPORTER_OTLP_%s_%s", signals[signal].name, what);
    const char *value = variable(*name);
    if (value)
        return value;
    free(*name);
    *name = memory_format("OTEL_EXPORTER_OTLP_%s", what);
    return variable(*name);
}

static const char *file_of(enum otlp_signal signal, const char *what)
{
    char *name;
    const char *value = variable_of(signal, what, &name);
    free(name);
    return value;
}

/* --- address --- */

static char *below(const char *base, const char *path)
{
    size_t count = strlen(base);
    return memory_format("%s%s%s", base, count > 0 && base[count - 1] == '/' ? "" : "/", path);
}

bool otlp_is_among(const struct config *config, enum otlp_signal signal)
{
    size_t word = config_word(config, "otlp-signals");
    return word == 0 || word == signals[signal].word;
}

/* NULL: not set. Owned by the caller. */
static char *url_of(const struct config *config, enum otlp_signal signal)
{
    if (!otlp_is_among(config, signal))
        return NULL;
    const char *option = config_text(config, "otlp");
    if (option)
        return below(option, signals[signal].path);
    const char *exporter = variable(signals[signal].exporter);
    if (exporter && strcmp(exporter, "none") == 0)
        return NULL;
    char *name;
    const char *value = variable_of(signal, "ENDPOINT", &name);
    bool own = strstr(name, signals[signal].name) != NULL; /* it is the whole URL */
    free(name);
    if (!value)
        return NULL;
    return own ? memory_string(text_of(value)) : below(value, signals[signal].path);
}

bool otlp_is_wanted(const struct config *config, enum otlp_signal signal)
{
    char *url = url_of(config, signal);
    free(url);
    return url != NULL;
}

/* --- headers --- */

static int hex(char digit)
{
    const char *at = strchr("0123456789abcdef", digit >= 'A' && digit <= 'F' ? digit + 32 : digit);
    static const char digits[] = "0123456789abcdef";
    return digit && at ? (int)(strchr(digits, *at) - digits) : -1;
}

/* "%41" is "A"; in place. */
static void decode_percent(char *text)
{
    char *to = text;
    for (const char *from = text; *from; from++) {
        if (*from == '%' && hex(from[1]) >= 0 && hex(from[2]) >= 0) {
            *to++ = (char)(hex(from[1]) << 4 | hex(from[2]));
            from += 2;
        } else {
            *to++ = *from;
        }
    }
    *to = '\0';
}

static char *without_blanks(char *text)
{
    while (*text == ' ' || *text == '\t')
        text++;
    for (size_t count = strlen(text);
         count > 0 && (text[count - 1] == ' ' || text[count - 1] == '\t'); count--)
        text[count - 1] = '\0';
    return text;
}

static void add_header(struct otlp_settings *out, char *header)
{
    out->headers = memory_resize(out->headers, out->header_count + 1, sizeof *out->headers);
    out->headers[out->header_count++] = header;
}

static bool is_header(const char *text)
{
    const char *colon = strchr(text, ':');
    return colon && colon != text && !strpbrk(text, "\r\n");
}

/* "name=value,name=value", values in percent encoding. */
static enum status read_pairs(const char *source, const char *pairs, struct otlp_settings *out,
                              struct failure *why)
{
    char *copy = memory_string(text_of(pairs)), *rest = copy, *pair;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && (pair = strtok_r(NULL, ",", &rest))) {
        char *equals = strchr(pair, '=');
        if (equals)
            *equals = '\0';
        char *name = without_blanks(pair), *value = equals ? without_blanks(equals + 1) : pair;
        decode_percent(value);
        char *header = memory_format("%s: %s", name, value);
        if (equals && is_header(header) && !strchr(name, ':'))
            add_header(out, header);
        else {
            status = fail(why, STATUS_REJECT, "%s: expected a list such as name=value,name=value",
                          source);
            free(header);
        }
    }
    free(copy);
    return status;
}

static enum status read_headers(const struct config *config, enum otlp_signal signal,
                                struct otlp_settings *out, struct failure *why)
{
    const char *const *given;
    size_t count = config_list(config, "otlp-header", &given);
    for (size_t i = 0; i < count; i++) {
        if (!is_header(given[i]))
            return fail(why, STATUS_REJECT,
                        "otlp-header: `%s` is not a header such as X-Scope-OrgID: shop", given[i]);
        add_header(out, memory_string(text_of(given[i])));
    }
    if (count > 0)
        return STATUS_OK;
    char *name;
    const char *value = variable_of(signal, "HEADERS", &name);
    enum status status = value ? read_pairs(name, value, out, why) : STATUS_OK;
    free(name);
    return status;
}

/* --- the rest --- */

static enum status read_protocol(enum otlp_signal signal, struct failure *why)
{
    char *name;
    const char *value = variable_of(signal, "PROTOCOL", &name);
    enum status status = STATUS_OK;
    if (value && strcmp(value, "http/protobuf") != 0)
        status =
            fail(why, STATUS_REJECT, "%s: `%s` is not supported; use http/protobuf", name, value);
    free(name);
    return status;
}

static enum status read_timeout(const struct config *config, enum otlp_signal signal,
                                struct otlp_settings *out, struct failure *why)
{
    out->timeout_ms = config_duration_ms(config, "otlp-timeout");
    char *name, *end;
    const char *value = variable_of(signal, "TIMEOUT", &name);
    enum status status = STATUS_OK;
    if (value && !config_is_given(config, "otlp-timeout")) {
        errno = 0;
        long ms = strtol(value, &end, 10);
        if (*end || errno || ms <= 0)
            status =
                fail(why, STATUS_REJECT, "%s: `%s` is not a number of milliseconds", name, value);
        else
            out->timeout_ms = ms > TIMEOUT_MS_MAX ? TIMEOUT_MS_MAX : (uint64_t)ms;
    }
    free(name);
    return status;
}

static enum status read_compression(const struct config *config, enum otlp_signal signal,
                                    struct otlp_settings *out, struct failure *why)
{
    enum { GZIP = 1 };
    out->gzip = config_word(config, "otlp-compression") == GZIP;
    char *name;
    const char *value = variable_of(signal, "COMPRESSION", &name);
    enum status status = STATUS_OK;
    if (value && !config_is_given(config, "otlp-compression")) {
        out->gzip = strcmp(value, "gzip") == 0;
        if (!out->gzip && strcmp(value, "none") != 0)
            status = fail(why, STATUS_REJECT, "%s: `%s` is not supported; use gzip or none", name,
                          value);
    }
    free(name);
    return status;
}

enum status otlp_settings_read(const struct config *config, enum otlp_signal signal,
                               struct otlp_settings *out, struct failure *why)
{
    *out = (struct otlp_settings){.url = url_of(config, signal),
                                  .token_file = config_text(config, "otlp-token-file"),
                                  .ca_file = config_text(config, "otlp-ca"),
                                  .certificate = file_of(signal, "CLIENT_CERTIFICATE"),
                                  .key = file_of(signal, "CLIENT_KEY")};
    if (!out->ca_file)
        out->ca_file = file_of(signal, "CERTIFICATE");
    enum status status = read_protocol(signal, why);
    if (status == STATUS_OK)
        status = read_headers(config, signal, out, why);
    if (status == STATUS_OK)
        status = read_timeout(config, signal, out, why);
    return status == STATUS_OK ? read_compression(config, signal, out, why) : status;
}

void otlp_settings_clear(struct otlp_settings *settings)
{
    for (size_t i = 0; i < settings->header_count; i++)
        free(settings->headers[i]);
    free(settings->headers);
    free(settings->url);
    *settings = (struct otlp_settings){.url = NULL};
}
