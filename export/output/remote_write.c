#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "export/output/http_post.h"
#include "export/output/output.h"
#include "export/output/remote_write_message.h"

static const struct config_row rows[] = {
    TEXT_ROW("remote-write", 0, "URL", NULL,
             "send metrics there by Prometheus remote write, like\n"
             "http://prometheus:9090/api/v1/write"),
    WORD_ROW("remote-write-histograms", 0, "KIND", "native", "native classic none",
             "native (Prometheus with native histograms), classic\n"
             "(..._bucket series), none"),
    INTEGER_ROW("remote-write-samples", 0, "N", "2000", 1, 100000,
                "samples in one request at the most"),
    DURATION_ROW("remote-write-timeout", 0, "TIME", "10s", 100, 20000, "of one request"),
    TEXT_ROW("remote-write-token-file", 0, "FILE", NULL,
             "its text is the bearer token; read for each request"),
    TEXT_ROW("remote-write-ca", 0, "FILE", NULL, "certificates to trust, in place of the system's"),
    {.name = "remote-write-header",
     .type = CONFIG_LIST,
     .secret = true,
     .argument = "NAME:VALUE",
     .help = "one more header of requests, like X-Scope-OrgID: shop;\n"
             "may be repeated"},
};

static const struct config_section section = {"Prometheus remote write", rows,
                                              sizeof rows / sizeof *rows};

struct remote_write {
    struct http_post *post;
    enum remote_write_histograms histograms;
    size_t samples_max;
    const char **headers; /* views of the settings, and fixed ones */
};

/* --- what an answer means --- */

enum meaning { TAKEN, REFUSED, NOT_NOW, DENIED };

/* Sentences about samples that will never be taken, with whatever code: Prometheus before 2.43 answers
 * to some of them with 500, as if it might do later. */
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

/* 4xx about who we are or where we knock say nothing of the samples: they are kept until somebody has
 * looked. */
static enum meaning meaning_of(const struct http_answer *answer)
{
    if (answer->code / 100 == 2)
        return TAKEN;
    if (answer->code == 400 || answer->code == 409 || answer->code == 413 || answer->code == 422)
        return REFUSED;
    if (answer->code == 429 || answer->code == 408)
        return NOT_NOW;
    if (answer->code / 100 == 5)
        return is_refusal(answer->text) ? REFUSED : NOT_NOW;
    return DENIED;
}

/* --- sending --- */

struct sending {
    struct remote_write *output;
    const struct samples *samples;
    const struct output_patience *patience;
    struct output_answer *answer;
    struct failure *why;
};

static enum status send_range(struct sending *sending, size_t from, size_t count);

/* Of an interval of which much is refused, it is not found out to the last sample what: all of it is
 * too old, most likely. */
enum { REQUESTS_MAX = 512 };

/* A request is refused as a whole for the sake of one sample: halves find out which. */
static enum status refused(struct sending *sending, size_t from, size_t count,
                           const struct http_answer *answer)
{
    if (count > 1 && sending->answer->requests < REQUESTS_MAX) {
        enum status status = send_range(sending, from, count / 2);
        return status == STATUS_OK ? send_range(sending, from + count / 2, count - count / 2)
                                   : status;
    }
    sending->answer->refused += count;
    enum status ignored = fail(&sending->answer->refusal, STATUS_REJECT, "%s: %ld %s",
                               sending->samples->at[from].family->name, answer->code, answer->text);
    (void)ignored;
    return STATUS_OK;
}

static enum status send_range(struct sending *sending, size_t from, size_t count)
{
    if (sending->patience->over(sending->patience->context))
        return fail(sending->why, STATUS_RETRY, "asked to stop");
    struct arena arena = {.first = NULL};
    struct bytes body;
    remote_write_encode(sending->samples, from, count, sending->output->histograms, &arena, &body);
    struct http_answer answer = {.code = 204};
    enum status status = STATUS_OK;
    if (body.count > 0) {
        sending->answer->requests++;
        sending->answer->bytes += body.count;
        status = http_post_send(sending->output->post, body, &answer, sending->why);
    }
    arena_clear(&arena);
    if (status != STATUS_OK)
        return status;
    switch (meaning_of(&answer)) {
    case TAKEN: sending->answer->taken += count; return STATUS_OK;
    case REFUSED: return refused(sending, from, count, &answer);
    case DENIED: sending->answer->denied = true; break;
    case NOT_NOW: sending->answer->wait_ms = answer.retry_after_ms; break;
    }
    return fail(sending->why, STATUS_RETRY, "answered %ld%s%s", answer.code,
                answer.text[0] ? ": " : "", answer.text);
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

static void close_all(void *context)
{
    struct remote_write *output = context;
    if (!output)
        return;
    http_post_close(output->post);
    free(output->headers);
    free(output);
}

static enum status open_all(const struct config *config, void **out, struct failure *why)
{
    static const char *const own[] = {"Content-Type: application/x-protobuf",
                                      "Content-Encoding: snappy",
                                      "X-Prometheus-Remote-Write-Version: 0.1.0"};
    enum { OWN = sizeof own / sizeof *own };
    *out = NULL;
    struct remote_write *output = memory_new(sizeof *output);
    output->histograms =
        (enum remote_write_histograms)config_word(config, "remote-write-histograms");
    output->samples_max = (size_t)config_integer(config, "remote-write-samples");
    const char *const *given;
    size_t count = config_list(config, "remote-write-header", &given);
    output->headers = memory_new((OWN + count) * sizeof *output->headers);
    memcpy(output->headers, own, sizeof own);
    enum status status = STATUS_OK;
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        output->headers[OWN + i] = given[i];
        if (!strchr(given[i], ':') || strpbrk(given[i], "\r\n"))
            status =
                fail(why, STATUS_REJECT, "`%s` is no header like X-Scope-OrgID: shop", given[i]);
    }
    if (status == STATUS_OK)
        status = http_post_open(
            &(struct http_post_options){
                .url = config_text(config, "remote-write"),
                .token_file = config_text(config, "remote-write-token-file"),
                .ca_file = config_text(config, "remote-write-ca"),
                .timeout_ms = config_duration_ms(config, "remote-write-timeout"),
                .headers = output->headers,
                .header_count = OWN + count},
            &output->post, why);
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
