#include "export/output/otlp_post.h"

#include <assert.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/memory.h"
#include "export/output/http_post.h"
#include "otlp.pb-c.h"

struct otlp_post {
    struct otlp_settings settings;
    struct http_post *http;
};

/* --- meaning of responses --- */

enum meaning { TAKEN, REFUSED, TOO_LARGE, NOT_NOW, DENIED };

/* By the specification, only 429, 502, 503 and 504 may be sent again. A 4xx about credentials or
 * the URL is not about the items: they are kept until an operator has fixed the setting. */
static enum meaning meaning_of(long code)
{
    if (code / 100 == 2)
        return TAKEN;
    switch (code) {
    case 408:
    case 429:
    case 502:
    case 503:
    case 504: return NOT_NOW;
    case 401:
    case 403:
    case 404:
    case 407: return DENIED;
    case 413: return TOO_LARGE;
    default: return code / 100 == 3 ? DENIED : REFUSED;
    }
}

/* --- sending --- */

struct sending {
    struct otlp_post *post;
    const struct otlp_items *items;
    const struct output_patience *patience;
    struct output_answer *answer;
    struct failure *why;
};

static enum status send_range(struct sending *sending, size_t from, size_t count);

static struct bytes compress_gzip(struct bytes body, struct arena *arena)
{
    enum { GZIP_WINDOW = 15 + 16, MEMORY = 8 };
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)body.at, .avail_in = (uInt)body.count};
    int code = deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, MEMORY,
                            Z_DEFAULT_STRATEGY);
    assert(code == Z_OK);
    size_t room = deflateBound(&stream, body.count);
    stream.next_out = arena_take(arena, room);
    stream.avail_out = (uInt)room;
    const uint8_t *bytes = stream.next_out;
    code = deflate(&stream, Z_FINISH);
    assert(code == Z_STREAM_END);
    (void)code;
    size_t count = stream.total_out;
    deflateEnd(&stream);
    return (struct bytes){bytes, count};
}

static void refuse(struct sending *sending, uint64_t count, long code, const char *text)
{
    sending->answer->refused += count;
    enum status ignored = fail(&sending->answer->refusal, STATUS_REJECT, "%ld %s", code, text);
    (void)ignored;
}

/* Some of them may be refused permanently, with a message. */
static void taken(struct sending *sending, size_t count, const struct http_answer *answer)
{
    Spanmill__Otlp__Answer *parsed =
        spanmill__otlp__answer__unpack(NULL, answer->body.count, answer->body.at);
    uint64_t rejected = 0;
    if (parsed && parsed->partial && parsed->partial->rejected > 0)
        rejected = (uint64_t)parsed->partial->rejected;
    if (rejected > count)
        rejected = count;
    sending->answer->taken += count - rejected;
    if (rejected > 0)
        refuse(sending, rejected, answer->code,
               parsed->partial->message ? parsed->partial->message : "");
    if (parsed)
        spanmill__otlp__answer__free_unpacked(parsed, NULL);
}

/* Errors are protobuf messages, or text from a proxy in between. */
static void put_reason(const struct http_answer *answer, char room[HTTP_TEXT_MAX])
{
    Spanmill__Otlp__Status *parsed =
        spanmill__otlp__status__unpack(NULL, answer->body.count, answer->body.at);
    const char *text = parsed && parsed->message ? parsed->message : answer->text;
    snprintf(room, HTTP_TEXT_MAX, "%s", text);
    for (char *at = room; *at; at++)
        if ((unsigned char)*at < ' ')
            *at = ' ';
    if (parsed)
        spanmill__otlp__status__free_unpacked(parsed, NULL);
}

static enum status take_answer(struct sending *sending, size_t from, size_t count,
                               const struct http_answer *answer)
{
    char reason[HTTP_TEXT_MAX];
    enum meaning meaning = meaning_of(answer->code);
    if (meaning == TAKEN) {
        taken(sending, count, answer);
        return STATUS_OK;
    }
    put_reason(answer, reason);
    if (meaning == TOO_LARGE && count > 1) {
        enum status status = send_range(sending, from, count / 2);
        return status == STATUS_OK ? send_range(sending, from + count / 2, count - count / 2)
                                   : status;
    }
    if (meaning == REFUSED || meaning == TOO_LARGE) {
        refuse(sending, count, answer->code, reason);
        return STATUS_OK;
    }
    sending->answer->denied = meaning == DENIED;
    sending->answer->wait_ms = answer->retry_after_ms;
    return fail(sending->why, STATUS_RETRY, "answered %ld%s%s", answer->code, reason[0] ? ": " : "",
                reason);
}

static enum status send_range(struct sending *sending, size_t from, size_t count)
{
    if (sending->patience->over(sending->patience->context))
        return fail(sending->why, STATUS_RETRY, "stopped by request");
    struct arena arena = {.first = NULL};
    struct bytes body;
    sending->items->encode(sending->items->context, from, count, &arena, &body);
    if (sending->post->settings.gzip)
        body = compress_gzip(body, &arena);
    sending->answer->requests++;
    sending->answer->bytes += body.count;
    struct http_answer answer;
    enum status status = http_post_send(sending->post->http, body, &answer, sending->why);
    arena_clear(&arena);
    return status == STATUS_OK ? take_answer(sending, from, count, &answer) : status;
}

enum status otlp_post_send(struct otlp_post *post, const struct otlp_items *items,
                           const struct output_patience *patience, struct output_answer *answer,
                           struct failure *why)
{
    struct sending sending = {post, items, patience, answer, why};
    *answer = (struct output_answer){.taken = 0};
    enum status status = STATUS_OK;
    for (size_t from = 0; from < items->count && status == STATUS_OK;) {
        size_t count = items->count - from;
        if (count > items->most)
            count = items->most;
        status = send_range(&sending, from, count);
        from += count;
    }
    return status;
}

/* --- opening --- */

void otlp_post_close(struct otlp_post *post)
{
    if (!post)
        return;
    http_post_close(post->http);
    otlp_settings_clear(&post->settings);
    free(post);
}

static enum status open_http(struct otlp_post *post, struct failure *why)
{
    const struct otlp_settings *settings = &post->settings;
    const char **headers = memory_new((settings->header_count + 2) * sizeof *headers);
    size_t count = 0;
    headers[count++] = "Content-Type: application/x-protobuf";
    if (settings->gzip)
        headers[count++] = "Content-Encoding: gzip";
    for (size_t i = 0; i < settings->header_count; i++)
        headers[count++] = settings->headers[i];
    enum status status =
        http_post_open(&(struct http_post_options){.url = settings->url,
                                                   .token_file = settings->token_file,
                                                   .ca_file = settings->ca_file,
                                                   .certificate = settings->certificate,
                                                   .key = settings->key,
                                                   .timeout_ms = settings->timeout_ms,
                                                   .headers = headers,
                                                   .header_count = count},
                       &post->http, why);
    free(headers);
    return status;
}

enum status otlp_post_open(const struct config *config, enum otlp_signal signal,
                           struct otlp_post **out, struct failure *why)
{
    *out = NULL;
    struct otlp_post *post = memory_new(sizeof *post);
    enum status status = otlp_settings_read(config, signal, &post->settings, why);
    if (status == STATUS_OK)
        status = open_http(post, why);
    if (status != STATUS_OK) {
        failure_prefix(why, "otlp");
        otlp_post_close(post);
        return status;
    }
    *out = post;
    return STATUS_OK;
}
