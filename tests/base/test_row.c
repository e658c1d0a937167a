#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "base/row.h"

/* Each number and its neighbors: all lengths and the boundaries between them. */
static size_t edges(uint64_t *numbers)
{
    size_t count = 0;
    numbers[count++] = 0;
    for (unsigned bit = 0; bit < 64; bit++)
        for (unsigned i = 0; i < 3; i++)
            numbers[count++] = (UINT64_C(1) << bit) + i - 1;
    numbers[count++] = UINT64_MAX;
    numbers[count++] = UINT64_C(0x5555555555555555);
    numbers[count++] = UINT64_C(0xaaaaaaaaaaaa);
    return count;
}

static size_t written_plainly(uint64_t number, uint8_t *at)
{
    size_t count = 0;
    for (; number >= 0x80; number >>= 7)
        at[count++] = (uint8_t)(number | 0x80);
    at[count++] = (uint8_t)number;
    return count;
}

Test(row, numbers_are_varints)
{
    uint64_t numbers[256];
    size_t count = edges(numbers);
    for (size_t i = 0; i < count; i++) {
        uint8_t plain[ROW_NUMBER], at[ROW_NUMBER + ROW_SLACK];
        size_t bytes = written_plainly(numbers[i], plain);
        cr_assert(eq(sz, (size_t)(row_put(at, numbers[i]) - at), bytes), "%zu", i);
        cr_assert(memcmp(at, plain, bytes) == 0, "%zu", i);
        /* Alone, and followed by others. */
        memset(at + bytes, 0xff, sizeof at - bytes);
        for (size_t room = bytes; room <= sizeof at; room++) {
            struct row_reader row = {at, at + room, false};
            cr_assert(eq(u64, row_take(&row), numbers[i]), "%zu of %zu", i, room);
            cr_assert(eq(ptr, (void *)(uintptr_t)row.at, at + bytes), "%zu of %zu", i, room);
        }
        for (size_t room = 0; room < bytes; room++) {
            struct row_reader row = {at, at + room, false};
            cr_assert(eq(u64, row_take(&row), 0));
            cr_assert(row.bad);
        }
    }
}

Test(row, numbers_have_signs)
{
    static const int64_t NUMBERS[] = {0, -1, 1, -64, 64, INT32_MIN, INT64_MIN, INT64_MAX};
    for (size_t i = 0; i < sizeof NUMBERS / sizeof *NUMBERS; i++) {
        uint8_t at[ROW_NUMBER + ROW_SLACK];
        struct row_reader row = {at, row_put_signed(at, NUMBERS[i]), false};
        cr_expect(eq(i64, row_take_signed(&row), NUMBERS[i]));
    }
}

Test(row, number_without_end_is_none)
{
    uint8_t at[16];
    memset(at, 0x80, sizeof at);
    struct row_reader row = {at, at + sizeof at, false};
    cr_expect(eq(u64, row_take(&row), 0));
    cr_expect(row.bad && row_left(&row) == 0);
}

Test(row, no_more_is_counted_than_there_can_be)
{
    const uint8_t at[] = {3, 1, 1, 1, 1, 1, 1};
    struct row_reader row = {at, at + sizeof at, false};
    cr_expect(eq(sz, row_take_count(&row, 2), 3));
    row = (struct row_reader){at, at + sizeof at - 1, false};
    cr_expect(eq(sz, row_take_count(&row, 2), 0));
    cr_expect(row.bad);
}
