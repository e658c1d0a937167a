#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#include "wire/session_header.h"

static const struct session_header whole = {.next = 7,
                                            .first_chunk = 3,
                                            .gap = true,
                                            .end_ns = UINT64_MAX - 1,
                                            .ended = true,
                                            .clock_uuid = {1, 2, 3, 255},
                                            .changed_ms = 1795422857452};

static void give_back(struct bytes record)
{
    free((void *)(uintptr_t)record.at);
}

Test(session_header, comes_back_as_it_was)
{
    struct bytes record = session_header_encode(&whole);
    struct session_header back;
    struct failure why;
    cr_assert(eq(int, session_header_decode(record, &back, &why), STATUS_OK), "%s", why.text);
    cr_expect(eq(u64, back.next, whole.next));
    cr_expect(eq(u64, back.first_chunk, whole.first_chunk));
    cr_expect(eq(int, back.gap, whole.gap));
    cr_expect(eq(u64, back.end_ns, whole.end_ns));
    cr_expect(eq(int, back.ended, whole.ended));
    cr_expect(eq(i64, back.changed_ms, whole.changed_ms));
    cr_expect(eq(int, memcmp(back.clock_uuid, whole.clock_uuid, sizeof back.clock_uuid), 0));
    give_back(record);
}

Test(session_header, that_is_cut_is_refused)
{
    struct bytes record = session_header_encode(&whole);
    struct session_header back;
    struct failure why;
    cr_expect(
        eq(int, session_header_decode((struct bytes){record.at, 1}, &back, &why), STATUS_REJECT));
    give_back(record);
}

Test(session_header, of_a_newer_format_stops)
{
    static const uint8_t newer[] = {0x08, 0x02, 0x10, 0x00}; /* format 2, next 0 */
    struct session_header back;
    struct failure why;
    cr_expect(eq(int, session_header_decode((struct bytes){newer, sizeof newer}, &back, &why),
                 STATUS_STOP));
}
