#include "export/trace_ids.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/memory.h"

enum { FLAG_SAMPLED = 1 };

/* --- generated --- */

/* Trace and span id of an instance, from session and order: a 128-bit hash for the trace, half of
 * another one for the span. */
static void own_ids(struct text session, uint64_t order, uint8_t trace[16], uint8_t span[8])
{
    size_t count = session.count + 1 + sizeof order + 1;
    uint8_t *bytes = memory_new(count), hash[16];
    memcpy(bytes, session.at, session.count);
    for (size_t i = 0; i < sizeof order; i++)
        bytes[session.count + 1 + i] = (uint8_t)(order >> 8 * i);
    if (trace) {
        bytes[count - 1] = 't';
        hash_for_ever((struct bytes){bytes, count}, trace);
        trace[15] |= trace[0] == 0; /* never all 0 */
    }
    bytes[count - 1] = 's';
    hash_for_ever((struct bytes){bytes, count}, hash);
    memcpy(span, hash, 8);
    span[7] |= span[0] == 0;
    free(bytes);
}

/* --- of the application: https://www.w3.org/TR/trace-context/#traceparent-header --- */

/* Only lower case, as in the header. */
static bool read_hex(const char *at, size_t bytes, uint8_t *out)
{
    static const char digits[] = "0123456789abcdef";
    bool any = false;
    for (size_t i = 0; i < bytes; i++) {
        const char *high = memchr(digits, at[2 * i], 16), *low = memchr(digits, at[2 * i + 1], 16);
        if (!high || !low)
            return false;
        out[i] = (uint8_t)((high - digits) << 4 | (low - digits));
        any |= out[i] != 0;
    }
    return any || bytes == 1;
}

bool trace_ids_parse(struct text header, struct trace_ids *out)
{
    enum { TRACE = 3, PARENT = 36, FLAGS = 53, END = 55 };
    struct trace_ids ids = *out;
    uint8_t version;
    if (header.count < END || !read_hex(header.at, 1, &version) || version == 0xff)
        return false;
    if (version == 0 ? header.count != END : header.count > END && header.at[END] != '-')
        return false;
    if (header.at[TRACE - 1] != '-' || header.at[PARENT - 1] != '-' || header.at[FLAGS - 1] != '-')
        return false;
    if (!read_hex(header.at + TRACE, 16, ids.trace) ||
        !read_hex(header.at + PARENT, 8, ids.parent) || !read_hex(header.at + FLAGS, 1, &ids.flags))
        return false;
    *out = ids;
    return true;
}

static bool is_captured(const struct listed_instance *one, struct trace_ids *out)
{
    const struct instance_result *content = one->content;
    for (size_t i = 0; i < content->ended.value_count; i++)
        if (text_equal(content->names[i], text_of("traceparent")) &&
            content->ended.values[i].type == FIELD_TEXT &&
            trace_ids_parse(content->ended.values[i].text, out))
            return true;
    return false;
}

void trace_ids_of(struct text session, const struct listed_instance *one, struct trace_ids *out)
{
    *out = (struct trace_ids){.flags = FLAG_SAMPLED};
    own_ids(session, one->order, out->trace, out->span);
    out->remote = is_captured(one, out);
    if (out->remote || !one->parent)
        return;
    own_ids(session, one->parent->order, NULL, out->parent);
    const struct listed_instance *root = one->parent;
    struct trace_ids of_root = {.flags = FLAG_SAMPLED};
    while (!is_captured(root, &of_root) && root->parent)
        root = root->parent;
    uint8_t unused[8];
    own_ids(session, root->order, out->trace, unused);
    if (is_captured(root, &of_root)) {
        memcpy(out->trace, of_root.trace, sizeof out->trace);
        out->flags = of_root.flags;
    }
}
