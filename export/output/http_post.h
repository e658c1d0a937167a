/* export/output/http_post.h -- HTTP POST for outputs: the only user of libcurl. */
#ifndef EXPORT_OUTPUT_HTTP_POST_H
#define EXPORT_OUTPUT_HTTP_POST_H

#include <stdint.h>

#include "base/bytes.h"
#include "base/failure.h"

struct http_post;

struct http_post_options {
    const char *url;
    const char *token_file; /* has the bearer token, read again for each request; NULL: none */
    const char *ca_file;    /* trusted certificates; NULL: those of the system */
    const char *certificate, *key; /* files of the client certificate; NULL: none */
    uint64_t timeout_ms;           /* of a request */
    const char *const *headers;    /* "Name: value" */
    size_t header_count;
};

/* REJECT: not an http or https URL. Everything in `options` except the headers is borrowed until
 * the close. */
MUST_CHECK enum status http_post_open(const struct http_post_options *options,
                                      struct http_post **out, struct failure *why);
void http_post_close(struct http_post *post); /* NULL is fine */

enum { HTTP_TEXT_MAX = 512, HTTP_BODY_MAX = 64 << 10 };

struct http_answer {
    long code;                /* 200, ... */
    char text[HTTP_TEXT_MAX]; /* the begin of the body, in one line */
    struct bytes body;        /* up to HTTP_BODY_MAX of it; valid until the next request */
    uint64_t retry_after_ms;  /* 0: no such header */
};

/* RETRY: no response, see `why`. */
MUST_CHECK enum status http_post_send(struct http_post *post, struct bytes body,
                                      struct http_answer *answer, struct failure *why);
/* The number in a header of the last response. False: it is absent, or not a number. */
bool http_post_header(const struct http_post *post, const char *name, uint64_t *out);

#endif
