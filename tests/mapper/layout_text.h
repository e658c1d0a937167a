/* Metadata as text, for tests: opened, looked into, refused. */
#ifndef TESTS_MAPPER_LAYOUT_TEXT_H
#define TESTS_MAPPER_LAYOUT_TEXT_H

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>

#include "base/memory.h"
#include "ctf/layout.h"

/* Criterion's eq(str, ...) takes no const. */
#define STRING(text) ((char *)(uintptr_t)(text))

static inline enum status open_text(const char *text, struct layout **out, struct failure *why)
{
    /* Where reading behind its end is noticed. */
    size_t count = strlen(text);
    uint8_t *copy = memory_new(count);
    memcpy(copy, text, count);
    enum status status = layout_open((struct bytes){copy, count}, out, why);
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
