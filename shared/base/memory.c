#include "base/memory.h"

#include <assert.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* On Linux on most machines; elsewhere it is only an alignment. */
static const size_t LARGE_PAGE = (size_t)2 << 20;

static NO_RETURN void out_of_memory(size_t size)
{
    fprintf(stderr, "spanmill: out of memory, asked for %zu bytes\n", size);
    exit(1);
}

void *memory_new(size_t size)
{
    void *memory = calloc(1, size ? size : 1);
    if (!memory)
        out_of_memory(size);
    return memory;
}

void *memory_resize(void *old, size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size)
        out_of_memory(SIZE_MAX);
    size_t whole = count * size;
    void *memory = realloc(old, whole ? whole : 1);
    if (!memory)
        out_of_memory(whole);
    return memory;
}

void *memory_buffer(size_t size)
{
    if (size < 2 * LARGE_PAGE)
        return memory_resize(NULL, size, 1);
    size_t whole = (size + LARGE_PAGE - 1) & ~(LARGE_PAGE - 1);
    void *memory = whole >= size ? aligned_alloc(LARGE_PAGE, whole) : NULL;
    if (!memory)
        out_of_memory(size);
    (void)madvise(memory, whole, MADV_HUGEPAGE); /* small ones if it fails */
    return memory;
}

void *memory_grow(void *old, size_t *room, size_t needed, size_t size)
{
    if (old && needed <= *room)
        return old;
    assert(size > 0 && (old || *room == 0));
    size_t next = *room + *room / 2;
    if (next < needed)
        next = needed;
    if (next < 16)
        next = 16;
    void *memory = memory_resize(old, next, size);
    *room = next;
    return memory;
}

char *memory_string(struct text text)
{
    char *copy = memory_new(text.count + 1);
    if (text.count)
        memcpy(copy, text.at, text.count);
    return copy;
}

char *memory_format(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    va_list again;
    va_copy(again, arguments);
    int count = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    assert(count >= 0); /* our own formats are valid */
    char *string = memory_new((size_t)count + 1);
    vsnprintf(string, (size_t)count + 1, format, again);
    va_end(again);
    return string;
}
