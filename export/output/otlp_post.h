/* export/output/otlp_post.h -- sends OTLP requests over HTTP and interprets the responses. */
#ifndef EXPORT_OUTPUT_OTLP_POST_H
#define EXPORT_OUTPUT_OTLP_POST_H

#include "base/arena.h"
#include "export/output/otlp_settings.h"
#include "export/output/output.h"

struct otlp_post;

MUST_CHECK enum status otlp_post_open(const struct config *config, enum otlp_signal signal,
                                      struct otlp_post **out, struct failure *why);
void otlp_post_close(struct otlp_post *post); /* NULL is fine */

/* `count` items to send. */
struct otlp_items {
    size_t count, most; /* most: in one request */
    /* Encodes `count` of them, from number `from` on, as a request, in `arena`. */
    void (*encode)(const void *context, size_t from, size_t count, struct arena *arena,
                   struct bytes *out);
    const void *context;
};

/* As output_kind.send(). */
MUST_CHECK enum status otlp_post_send(struct otlp_post *post, const struct otlp_items *items,
                                      const struct output_patience *patience,
                                      struct output_answer *answer, struct failure *why);

#endif
