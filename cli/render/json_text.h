/* cli/render/json_text.h -- builds JSON in memory.
 *
 * A report of a long trace has millions of fields: with stdio, they took as long as the join. */
#ifndef CLI_RENDER_JSON_TEXT_H
#define CLI_RENDER_JSON_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/bytes.h"
#include "base/memory.h"

/* Empty if all zero; the caller frees `at`. */
struct json_text {
    char *at;
    size_t count, room;
};

/* Reserves room for `more` bytes; the caller writes them and adds to `count`. */
static inline char *json_reserve(struct json_text *json, size_t more)
{
    if (json->room - json->count < more)
        json->at = memory_grow(json->at, &json->room, json->count + more, 1);
    return json->at + json->count;
}

static inline void json_raw(struct json_text *json, const char *bytes, size_t count)
{
    memcpy(json_reserve(json, count), bytes, count);
    json->count += count;
}

static inline void json_words(struct json_text *json, const char *words)
{
    json_raw(json, words, strlen(words));
}

/* Appends ,"name": */
static inline void json_name(struct json_text *json, const char *name)
{
    size_t count = strlen(name);
    char *to = json_reserve(json, count + 4);
    *to++ = ',';
    *to++ = '"';
    memcpy(to, name, count);
    to[count] = '"';
    to[count + 1] = ':';
    json->count += count + 4;
}

void json_number(struct json_text *json, uint64_t number);
/* REPORT_NONE is null. */
void json_signed(struct json_text *json, int64_t number);

/* Quoted. Invalid UTF-8 becomes U+FFFD (base/utf8.h): names in traces may have any bytes, JSON may
 * not. */
void json_string(struct json_text *json, struct text text);
void json_string_or_null(struct json_text *json, const char *string);

#endif
