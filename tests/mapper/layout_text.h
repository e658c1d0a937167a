/* Metadata as text, for tests: opening, inspecting, refusing. */
#ifndef TESTS_MAPPER_LAYOUT_TEXT_H
#define TESTS_MAPPER_LAYOUT_TEXT_H

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>

#include "base/memory.h"
#include "ctf/layout.h"

/* Criterion's eq(str, ...) takes no const. */
#define STRING(text) ((char *)(uintptr_t)(text))

enum { PACKET_HEAD = 37 };

static inline void put_word(uint8_t *at, size_t word)
{
    for (unsigned i = 0; i < 4; i++)
        at[i] = (uint8_t)(word >> 8 * i);
}

/* One packet of metadata of version 1.8, without padding. */
static inline void put_text_packet(uint8_t *at, struct text content)
{
    put_word(at, 0x75D11D57);
    put_word(at + 24, (PACKET_HEAD + content.count) * 8);
    put_word(at + 28, (PACKET_HEAD + content.count) * 8);
    at[35] = 1;
    at[36] = 8;
    memcpy(at + PACKET_HEAD, content.at, content.count);
}

/* As CTF 1.8 in a packet, where a text needs no signature; CTF 2, and text with a signature,
 * unchanged. */
static inline enum status open_text(const char *text, struct layout **out, struct failure *why)
{
    /* A copy where reading after its end is detected. */
    size_t count = strlen(text);
    bool is_file = count == 0 || *text == 0x1E || strncmp(text, "/* CTF", 6) == 0;
    size_t size = is_file ? count : PACKET_HEAD + count;
    uint8_t *copy = memory_new(size);
    if (is_file)
        memcpy(copy, text, count);
    else
        put_text_packet(copy, (struct text){text, count});
    enum status status = layout_open((struct bytes){copy, size}, out, why);
    free(copy);
    return status;
}

static inline struct layout *opened(const char *text)
{
    struct layout *layout = NULL;
    struct failure why = {""};
    cr_assert(eq(int, open_text(text, &layout, &why), STATUS_OK), "%s", why.text);
    return layout;
}

static inline void refused(const char *text, const char *sentence)
{
    struct layout *layout;
    struct failure why = {""};
    cr_expect(eq(int, open_text(text, &layout, &why), STATUS_REJECT), "%s", sentence);
    cr_expect(eq(str, why.text, STRING(sentence)));
    cr_expect(layout == NULL);
    layout_close(layout);
}

#endif
