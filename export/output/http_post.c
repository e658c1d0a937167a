#include "export/output/http_post.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "spanmill_version.h"

enum { TOKEN_MAX = 16 << 10, CONNECT_MS_MAX = 5000 };

struct http_post {
    struct http_post_options options;
    CURL *curl;
    struct curl_slist *headers;
    char problem[CURL_ERROR_SIZE];
    uint8_t *body; /* of the response; owned */
    size_t body_count, body_room;
    struct http_answer *answer; /* to be filled */
};

/* Keeps the begin of the body: unchanged, and with blanks instead of line ends and control
 * characters. */
static size_t keep_body(char *data, size_t size, size_t count, void *context)
{
    struct http_post *post = context;
    struct http_answer *answer = post->answer;
    size_t more = size * count;
    if (more > HTTP_BODY_MAX - post->body_count)
        more = HTTP_BODY_MAX - post->body_count;
    if (more > 0) {
        post->body = memory_grow(post->body, &post->body_room, post->body_count + more, 1);
        memcpy(&post->body[post->body_count], data, more);
        post->body_count += more;
    }
    size_t used = strlen(answer->text);
    for (size_t i = 0; i < size * count && used + 1 < sizeof answer->text; i++)
        answer->text[used++] = (unsigned char)data[i] < ' ' ? ' ' : data[i];
    while (used > 0 && answer->text[used - 1] == ' ')
        used--;
    answer->text[used] = '\0';
    return size * count;
}

static bool is_http(const char *url)
{
    return strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0;
}

enum status http_post_open(const struct http_post_options *options, struct http_post **out,
                           struct failure *why)
{
    *out = NULL;
    if (!is_http(options->url))
        return fail(why, STATUS_REJECT, "`%s` is not an http or https URL", options->url);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return fail(why, STATUS_STOP, "libcurl cannot be used");
    struct http_post *post = memory_new(sizeof *post);
    post->options = *options;
    post->curl = curl_easy_init();
    if (!post->curl) {
        http_post_close(post);
        return fail(why, STATUS_STOP, "libcurl cannot be used");
    }
    for (size_t i = 0; i < options->header_count; i++)
        post->headers = curl_slist_append(post->headers, options->headers[i]);
    post->headers = curl_slist_append(post->headers, "Expect:"); /* do not wait for a 100 */
    *out = post;
    return STATUS_OK;
}

void http_post_close(struct http_post *post)
{
    if (!post)
        return;
    curl_slist_free_all(post->headers);
    curl_easy_cleanup(post->curl);
    free(post->body);
    free(post);
    curl_global_cleanup();
}

/* Ignores the last line end. RETRY: the file cannot be read now. */
static enum status read_token(const char *path, char room[TOKEN_MAX], struct failure *why)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return fail(why, STATUS_RETRY, "%s: cannot be read", path);
    size_t count = fread(room, 1, TOKEN_MAX - 1, file);
    fclose(file);
    while (count > 0 && (unsigned char)room[count - 1] <= ' ')
        count--;
    room[count] = '\0';
    return count > 0 ? STATUS_OK : fail(why, STATUS_RETRY, "%s: contains no token", path);
}

static void set_request(struct http_post *post, struct bytes body)
{
    const struct http_post_options *options = &post->options;
    CURL *curl = post->curl;
    curl_easy_reset(curl); /* connections are kept */
    curl_easy_setopt(curl, CURLOPT_URL, options->url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, post->problem);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "spanmill-export/" SPANMILL_VERSION);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, post->headers);
    curl_easy_setopt(curl, CURLOPT_POST, 1L);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, (const char *)body.at);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.count);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)options->timeout_ms);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
                     options->timeout_ms < CONNECT_MS_MAX ? (long)options->timeout_ms
                                                          : (long)CONNECT_MS_MAX);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, post);
    if (options->ca_file)
        curl_easy_setopt(curl, CURLOPT_CAINFO, options->ca_file);
    if (options->certificate)
        curl_easy_setopt(curl, CURLOPT_SSLCERT, options->certificate);
    if (options->key)
        curl_easy_setopt(curl, CURLOPT_SSLKEY, options->key);
}

enum status http_post_send(struct http_post *post, struct bytes body, struct http_answer *answer,
                           struct failure *why)
{
    *answer = (struct http_answer){.code = 0};
    post->problem[0] = '\0';
    post->answer = answer;
    post->body_count = 0;
    set_request(post, body);
    char token[TOKEN_MAX];
    if (post->options.token_file) {
        enum status status = read_token(post->options.token_file, token, why);
        if (status != STATUS_OK)
            return status;
        curl_easy_setopt(post->curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER);
        curl_easy_setopt(post->curl, CURLOPT_XOAUTH2_BEARER, token);
    }
    CURLcode code = curl_easy_perform(post->curl);
    if (code != CURLE_OK)
        return fail(why, STATUS_RETRY, "%s",
                    post->problem[0] ? post->problem : curl_easy_strerror(code));
    answer->body = (struct bytes){post->body, post->body_count};
    curl_off_t seconds = 0;
    curl_easy_getinfo(post->curl, CURLINFO_RESPONSE_CODE, &answer->code);
    curl_easy_getinfo(post->curl, CURLINFO_RETRY_AFTER, &seconds);
    answer->retry_after_ms = seconds > 0 ? (uint64_t)seconds * 1000 : 0;
    return STATUS_OK;
}

bool http_post_header(const struct http_post *post, const char *name, uint64_t *out)
{
    struct curl_header *header;
    if (curl_easy_header(post->curl, name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK ||
        header->value[0] < '0' || header->value[0] > '9')
        return false;
    char *end;
    errno = 0;
    *out = strtoull(header->value, &end, 10);
    return errno == 0 && *end == '\0';
}
