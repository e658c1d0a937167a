#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "export/output/http_post.h"
#include "export/output/output.h"
#include "export/output/remote_write_message.h"

static const struct config_row rows[] = {
    TEXT_ROW("remote-write", 0, "URL", NULL,
             "send metrics by Prometheus remote write to URL, such as\n"
             "http://prometheus:9090/api/v1/write"),
    WORD_ROW("remote-write-version", 0, "VERSION", "auto", "1 2 auto",
             "protocol version: 1 (1.0), 2 (2.0), auto (2.0 if the\n"
             "receiver confirms written samples, else 1.0)"),
    WORD_ROW("remote-write-histograms", 0, "KIND", "native", "native classic none",
             "native (Prometheus native histograms), classic (_bucket\n"
             "series), none"),
    INTEGER_ROW("remote-write-samples", 0, "N", "2000", 1, 100000, "maximum samples per request"),
    DURATION_ROW("remote-write-timeout", 0, "TIME", "10s", 100, 20000, "request timeout"),
    TEXT_ROW("remote-write-token-file", 0, "FILE", NULL,
             "file with the bearer token; read for each request"),
    TEXT_ROW("remote-write-ca", 0, "FILE", NULL,
             "CA certificates to trust instead of the system's"),
    {.name = "remote-write-header",
     .type = CONFIG_LIST,
     .secret = true,
     .argument = "NAME:VALUE",
     .help = "additional request header, such as X-Scope-OrgID: shop;\n"
             "repeatable"},
};

static const struct config_section section = {"Prometheus remote write", rows,
                                              sizeof rows / sizeof *rows};

enum { VERSION_AUTO = REMOTE_WRITE_VERSIONS }; /* the word after those of versions */

struct remote_write {
    struct http_post *post[REMOTE_WRITE_VERSIONS];
    enum remote_write_histograms histograms;
    enum remote_write_version version; /* to send */
    bool any_version;                  /* the receiver decides */
    bool reported;                     /* its decision for 1.0 was reported */
    size_t samples_max;
};

/* --- meaning of responses --- */

enum meaning { TAKEN, COUNTED, REFUSED, NOT_NOW, DENIED, OTHER_VERSION };

/* Messages about samples that are refused permanently, with any code: Prometheus before 2.43 sends
 * some of them with 500, as if they were temporary. */
static const char *const refusals[] = {"out of order",     "out of bounds",
                                       "too old",          "too far in",
                                       "duplicate sample", "native histograms are disabled",
                                       "label name",       "label value"};

static bool is_refusal(const char *text)
{
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
        if (strstr(text, refusals[i]))
            return true;
    return false;
}

/* A 4xx about credentials or the URL is not about the samples: they are kept until an operator has
 * fixed the setting. */
static enum meaning meaning_of_code(const struct http_answer *answer)
{
    if (answer->code / 100 == 2)
        return TAKEN;
    if (answer->code == 400 || answer->code == 409 || answer->code == 413 || answer->code == 422)
        return REFUSED;
    if (answer->code == 429 || answer->code == 408)
        return NOT_NOW;
    if (answer->code / 100 == 5)
        return is_refusal(answer->text) ? REFUSED : NOT_NOW;
    return answer->code == 415 ? OTHER_VERSION : DENIED;
}

/* The numbers that a receiver of 2.0 says it has written. False: there are none, so it does not
 * support 2.0. */
static bool take_written(const struct http_post *post, struct remote_write_counts *out)
{
    *out = (struct remote_write_counts){.samples = 0};
    bool samples =
        http_post_header(post, "X-Prometheus-Remote-Write-Samples-Written", &out->samples);
    bool histograms =
        http_post_header(post, "X-Prometheus-Remote-Write-Histograms-Written", &out->histograms);
    bool exemplars =
        http_post_header(post, "X-Prometheus-Remote-Write-Exemplars-Written", &out->exemplars);
    return samples || histograms || exemplars;
}

/* A receiver without 2.0 may find an empty request and accept it, or find it invalid. */
static enum meaning meaning_of(const struct remote_write *output, const struct http_answer *answer,
                               struct remote_write_counts *written)
{
    enum meaning meaning = meaning_of_code(answer);
    if (output->version == REMOTE_WRITE_1 || (meaning != TAKEN && meaning != REFUSED))
        return meaning;
    if (!take_written(output->post[REMOTE_WRITE_2], written))
        return meaning == TAKEN || (output->any_version && answer->code != 413) ? OTHER_VERSION
                                                                                : REFUSED;
    return meaning == TAKEN || written->samples + written->histograms > 0 ? COUNTED : REFUSED;
}

/* --- sending --- */

struct sending {
    struct remote_write *output;
    const struct samples *samples;
    const struct output_patience *patience;
    struct output_answer *answer;
    struct failure *why;
};

/* `from`: the number of the first sample. */
struct sent {
    size_t from, count;
    struct remote_write_counts counts;
};

static enum status send_range(struct sending *sending, size_t from, size_t count);

static void drop(struct sending *sending, const struct sent *sent, size_t count,
                 const struct http_answer *answer)
{
    sending->answer->refused += count;
    enum status ignored =
        fail(&sending->answer->refusal, STATUS_REJECT, "%s: %ld %s",
             sending->samples->at[sent->from].family->name, answer->code, answer->text);
    (void)ignored;
}

/* If much of an interval is refused, most likely all of it is too old: stop searching for the
 * refused samples. */
enum { REQUESTS_MAX = 512 };

/* A request is refused as a whole because of one sample: sending halves finds it. */
static enum status refused(struct sending *sending, const struct sent *sent,
                           const struct http_answer *answer)
{
    size_t half = sent->count / 2;
    if (half == 0 || sending->answer->requests >= REQUESTS_MAX) {
        drop(sending, sent, sent->count, answer);
        return STATUS_OK;
    }
    enum status status = send_range(sending, sent->from, half);
    return status == STATUS_OK ? send_range(sending, sent->from + half, sent->count - half)
                               : status;
}

/* The receiver has written what it could, and reports how much. A series may have two samples. */
static enum status counted(struct sending *sending, const struct sent *sent,
                           const struct remote_write_counts *written,
                           const struct http_answer *answer)
{
    const struct remote_write_counts *counts = &sent->counts;
    uint64_t all = counts->samples + counts->histograms;
    uint64_t taken = written->samples + written->histograms;
    uint64_t missing = taken < all ? all - taken : 0;
    if (missing > sent->count)
        missing = sent->count;
    if (missing > 0)
        drop(sending, sent, missing, answer);
    sending->answer->taken += sent->count - missing;
    if (written->exemplars < counts->exemplars)
        sending->answer->refused_exemplars += counts->exemplars - written->exemplars;
    return STATUS_OK;
}

static enum status put_off(struct sending *sending, const struct http_answer *answer,
                           const char *hint)
{
    return fail(sending->why, STATUS_RETRY, "answered %ld%s%s%s", answer->code,
                answer->text[0] ? ": " : "", answer->text, hint);
}

/* Sends it in the other version, if the receiver decides on it. After 1.0 this is postponed: a
 * receiver that accepts neither needs an operator. */
static enum status other_version(struct sending *sending, const struct sent *sent,
                                 const struct http_answer *answer)
{
    struct remote_write *output = sending->output;
    if (output->any_version && output->version == REMOTE_WRITE_2) {
        output->version = REMOTE_WRITE_1;
        if (!output->reported)
            sending->answer->notice = "receiver does not support remote write 2.0; using 1.0";
        output->reported = true;
        return send_range(sending, sent->from, sent->count);
    }
    sending->answer->denied = true;
    if (output->any_version) {
        output->version = REMOTE_WRITE_2;
        return put_off(sending, answer, " (it supports neither remote write 2.0 nor 1.0)");
    }
    return put_off(sending, answer,
                   output->version == REMOTE_WRITE_2
                       ? " (it does not support remote write 2.0: set --remote-write-version)"
                       : " (it does not support remote write 1.0: set --remote-write-version)");
}

static enum status send_range(struct sending *sending, size_t from, size_t count)
{
    if (sending->patience->over(sending->patience->context))
        return fail(sending->why, STATUS_RETRY, "stopped by request");
    struct remote_write *output = sending->output;
    struct arena arena = {.first = NULL};
    struct remote_write_request request;
    remote_write_encode(sending->samples, from, count, output->histograms, output->version, &arena,
                        &request);
    struct sent sent = {from, count, request.counts};
    struct http_answer answer = {.code = 204};
    enum status status = STATUS_OK;
    bool empty = request.body.count == 0;
    if (!empty) {
        sending->answer->requests++;
        sending->answer->bytes += request.body.count;
        status = http_post_send(output->post[output->version], request.body, &answer, sending->why);
    }
    arena_clear(&arena);
    if (status != STATUS_OK)
        return status;
    struct remote_write_counts written;
    switch (empty ? TAKEN : meaning_of(output, &answer, &written)) {
    case TAKEN: sending->answer->taken += count; return STATUS_OK;
    case COUNTED: return counted(sending, &sent, &written, &answer);
    case REFUSED: return refused(sending, &sent, &answer);
    case OTHER_VERSION: return other_version(sending, &sent, &answer);
    case DENIED: sending->answer->denied = true; break;
    case NOT_NOW: sending->answer->wait_ms = answer.retry_after_ms; break;
    }
    return put_off(sending, &answer, "");
}

static enum status send_all(void *context, const struct export_interval *interval,
                            const struct output_patience *patience, struct output_answer *answer,
                            struct failure *why)
{
    struct remote_write *output = context;
    const struct samples *samples = &interval->samples;
    struct sending sending = {output, samples, patience, answer, why};
    *answer = (struct output_answer){.taken = 0};
    enum status status = STATUS_OK;
    for (size_t from = 0; from < samples->count && status == STATUS_OK;) {
        size_t count = samples->count - from;
        if (count > output->samples_max)
            count = output->samples_max;
        status = send_range(&sending, from, count);
        from += count;
    }
    return status;
}

/* --- opening --- */

/* Headers of requests, by version. */
enum { OWN_HEADERS = 3 };
static const char *const own_headers[REMOTE_WRITE_VERSIONS][OWN_HEADERS] = {
    {"Content-Type: application/x-protobuf", "Content-Encoding: snappy",
     "X-Prometheus-Remote-Write-Version: 0.1.0"},
    {"Content-Type: application/x-protobuf;proto=io.prometheus.write.v2.Request",
     "Content-Encoding: snappy", "X-Prometheus-Remote-Write-Version: 2.0.0"}};

static void close_all(void *context)
{
    struct remote_write *output = context;
    if (!output)
        return;
    for (size_t version = 0; version < REMOTE_WRITE_VERSIONS; version++)
        http_post_close(output->post[version]);
    free(output);
}

static enum status check_headers(const char *const *given, size_t count, struct failure *why)
{
    for (size_t i = 0; i < count; i++)
        if (!strchr(given[i], ':') || strpbrk(given[i], "\r\n"))
            return fail(why, STATUS_REJECT, "`%s` is not a header such as X-Scope-OrgID: shop",
                        given[i]);
    return STATUS_OK;
}

static enum status open_posts(const struct config *config, struct remote_write *output,
                              struct failure *why)
{
    const char *const *given;
    size_t count = config_list(config, "remote-write-header", &given);
    enum status status = check_headers(given, count, why);
    const char **headers = memory_new((OWN_HEADERS + count) * sizeof *headers);
    for (size_t i = 0; i < count; i++)
        headers[OWN_HEADERS + i] = given[i];
    for (size_t version = 0; version < REMOTE_WRITE_VERSIONS && status == STATUS_OK; version++) {
        memcpy(headers, own_headers[version], sizeof own_headers[version]);
        status = http_post_open(
            &(struct http_post_options){
                .url = config_text(config, "remote-write"),
                .token_file = config_text(config, "remote-write-token-file"),
                .ca_file = config_text(config, "remote-write-ca"),
                .timeout_ms = config_duration_ms(config, "remote-write-timeout"),
                .headers = headers,
                .header_count = OWN_HEADERS + count},
            &output->post[version], why);
    }
    free(headers);
    return status;
}

static enum status open_all(const struct config *config, void **out, struct failure *why)
{
    *out = NULL;
    struct remote_write *output = memory_new(sizeof *output);
    output->histograms =
        (enum remote_write_histograms)config_word(config, "remote-write-histograms");
    output->samples_max = (size_t)config_integer(config, "remote-write-samples");
    size_t version = (size_t)config_word(config, "remote-write-version");
    output->any_version = version == VERSION_AUTO;
    output->version = output->any_version ? REMOTE_WRITE_2 : (enum remote_write_version)version;
    enum status status = open_posts(config, output, why);
    if (status != STATUS_OK) {
        failure_prefix(why, "remote-write (%s)", config_source(config, "remote-write"));
        close_all(output);
        return status;
    }
    *out = output;
    return STATUS_OK;
}

const struct output_kind output_remote_write = {
    .name = "remote_write",
    .option = "remote-write",
    .section = &section,
    .open = open_all,
    .send = send_all,
    .close = close_all,
};
