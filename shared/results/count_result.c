#include "results/count_result.h"

#include <assert.h>
#include <string.h>

#include "base/memory.h"

bool count_result_asks(const struct count_result *content, enum count_word word)
{
    for (size_t i = 0; i < content->part_count; i++)
        if (content->parts[i].word == word)
            return true;
    return false;
}

/* --- encoding: numbers of eight bytes, texts after their lengths --- */

struct packing {
    char *at; /* with enough room */
    size_t count;
};

static size_t packed_size(const struct count_result *content)
{
    size_t numbers = 3 + 3 * content->part_count, bytes = content->name.count;
    for (size_t i = 0; i < content->part_count; i++) {
        const struct count_part *part = &content->parts[i];
        bytes += part->field.count;
        bytes += part->value.type == FIELD_TEXT ? part->value.text.count : 0;
    }
    return numbers * sizeof(uint64_t) + bytes;
}

static void put(struct packing *packing, const void *from, size_t count)
{
    if (count > 0)
        memcpy(packing->at + packing->count, from, count);
    packing->count += count;
}

static void put_number(struct packing *packing, uint64_t number)
{
    put(packing, &number, sizeof number);
}

static void put_text(struct packing *packing, struct text text)
{
    put_number(packing, text.count);
    put(packing, text.at, text.count);
}

struct text count_result_pack(const struct count_result *content, uint64_t thread)
{
    size_t size = sizeof thread + packed_size(content);
    struct packing packing = {.at = memory_new(size)};
    put_number(&packing, thread);
    put_text(&packing, content->name);
    put_number(&packing, (uint64_t)content->is_span << 8 | (uint64_t)content->whose << 1 |
                             content->has_value);
    put_number(&packing, content->part_count);
    for (size_t i = 0; i < content->part_count; i++) {
        const struct count_part *part = &content->parts[i];
        put_number(&packing, (uint64_t)part->word << 8 | part->value.type);
        put_text(&packing, part->field);
        if (part->value.type == FIELD_TEXT)
            put_text(&packing, part->value.text);
        else
            put_number(&packing, part->value.type == FIELD_ABSENT ? 0 : part->value.u);
    }
    assert(packing.count == size);
    return (struct text){packing.at, packing.count};
}

static uint64_t take_number(struct text *from)
{
    uint64_t number;
    assert(from->count >= sizeof number);
    memcpy(&number, from->at, sizeof number);
    *from = (struct text){from->at + sizeof number, from->count - sizeof number};
    return number;
}

static struct text take_text(struct text *from)
{
    size_t count = take_number(from);
    assert(from->count >= count);
    struct text text = {from->at, count};
    *from = (struct text){from->at + count, from->count - count};
    return text;
}

struct count_result count_result_unpack(struct text packed, uint64_t *thread, struct arena *arena)
{
    *thread = take_number(&packed);
    struct count_result content = {.name = take_text(&packed)};
    uint64_t flags = take_number(&packed);
    content.is_span = flags >> 8;
    content.whose = (uint8_t)(flags >> 1 & 0x7F);
    content.has_value = flags & 1;
    content.part_count = take_number(&packed);
    struct count_part *parts = arena_take(arena, content.part_count * sizeof *parts);
    for (size_t i = 0; i < content.part_count; i++) {
        uint64_t kind = take_number(&packed);
        parts[i].word = (enum count_word)(kind >> 8);
        parts[i].field = take_text(&packed);
        parts[i].value.type = (enum field_type)(kind & 0xFF);
        if (parts[i].value.type == FIELD_TEXT)
            parts[i].value.text = take_text(&packed);
        else
            parts[i].value.u = take_number(&packed);
    }
    content.parts = parts;
    return content;
}

static struct text copy_text(struct arena *arena, struct text text)
{
    return (struct text){arena_string(arena, text), text.count};
}

struct count_result *count_result_copy(struct arena *arena, const struct count_result *content)
{
    struct count_result *copy = arena_copy(arena, content, sizeof *content);
    struct count_part *parts = arena_take(arena, content->part_count * sizeof *parts);
    copy->name = copy_text(arena, content->name);
    for (size_t i = 0; i < content->part_count; i++) {
        parts[i] = content->parts[i];
        parts[i].field = copy_text(arena, parts[i].field);
        if (parts[i].value.type == FIELD_TEXT)
            parts[i].value.text = copy_text(arena, parts[i].value.text);
    }
    copy->parts = parts;
    copy->cell = NULL;
    return copy;
}
