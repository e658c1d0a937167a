/* Pieces of CTF 2 metadata for tests: with ' for ", and ^ for the record separator. */
#ifndef TESTS_MAPPER_CTF2_TEXT_H
#define TESTS_MAPPER_CTF2_TEXT_H

#include "tests/mapper/layout_text.h"

#define U8 "{'type':'fixed-length-unsigned-integer','length':8,'byte-order':'little-endian'}"
#define S8 "{'type':'fixed-length-signed-integer','length':8,'byte-order':'little-endian'}"
#define STRUCT(members) "{'type':'structure','member-classes':[" members "]}"
#define M(name, class) "{'name':'" name "','field-class':" class "}"
#define AND(name, class) "," M(name, class)
#define BLOB(path) "{'type':'dynamic-length-blob','length-field-location':{'path':[" path "]}}"
#define OPTION(ranges, class) "{'selector-field-ranges':[" ranges "],'field-class':" class "}"
#define VARIANT(path, options)                                                                     \
    "{'type':'variant','selector-field-location':{'path':[" path "]},'options':[" options "]}"
#define OPTIONAL(path, more)                                                                       \
    "{'type':'optional','selector-field-location':{'path':[" path "]},'field-class':" U8 more "}"

#define PREAMBLE "^{'type':'preamble','version':2}\n"
#define STREAM "^{'type':'data-stream-class'}\n"
/* One event with these payload members. */
#define EVENT(members)                                                                             \
    "^{'type':'event-record-class','name':'e','payload-field-class':" STRUCT(members) "}\n"
#define TRACE(members) PREAMBLE STREAM EVENT(members)
/* The position of errors in that event. */
#define AT "metadata: fragment 3: 3:2: event-record-class: payload-field-class: "

static inline char *json(const char *text)
{
    char *copy = memory_string(text_of(text));
    for (char *at = copy; *at != '\0'; at++)
        *at = (char)(*at == '\'' ? '"' : *at == '^' ? 0x1e : *at);
    return copy;
}

static inline struct layout *opened_json(const char *text)
{
    char *copy = json(text);
    struct layout *layout = opened(copy);
    free(copy);
    return layout;
}

static inline void refused_json(const char *text, const char *sentence)
{
    char *copy = json(text), *expected = json(sentence);
    refused(copy, expected);
    free(copy);
    free(expected);
}

#define SIGNED_12                                                                                  \
    "{'type':'fixed-length-signed-integer','length':12,'byte-order':'big-endian',"                 \
    "'preferred-display-base':16,'alignment':4}"
#define BOOLEAN "{'type':'fixed-length-boolean','length':1,'byte-order':'little-endian'}"
#define BIT_ARRAY                                                                                  \
    "{'type':'fixed-length-bit-array','length':100,'alignment':32,'byte-order':'little-endian'}"
#define BIT_MAP                                                                                    \
    "{'type':'fixed-length-bit-map','length':8,'byte-order':'little-endian',"                      \
    "'flags':{'x':[[0,0]]}}"
#define SIGNED_VARINT "{'type':'variable-length-signed-integer'}"
#define VARINT "{'type':'variable-length-unsigned-integer'}"

/* Of the first event. */
static inline const struct layout_field *payload(const struct layout *layout)
{
    return layout->streams[0].by_id[0]->payload;
}

#endif
