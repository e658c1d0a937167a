/* Plans: which parts of an event are loaded, skipped, or walked. */
#include "mapper/decode/plan.h"

#include <stdio.h>

#include "mapper/decode/plan_cache.h"
#include "tests/mapper/layout_text.h"

#define ALIASES(align)                                                                             \
    "/* CTF 1.8 */ typealias integer { size = 8; align = 8; } := uint8_t;\n"                       \
    "typealias integer { size = 16; align = " align "; } := uint16_t;\n"                           \
    "typealias integer { size = 32; align = " align "; } := uint32_t;\n"                           \
    "typealias integer { size = 64; align = " align "; } := uint64_t;\n"                           \
    "typealias integer { size = 32; align = " align "; signed = 1; } := int32_t;\n"                \
    "typealias integer { size = 64; align = " align "; signed = 1; } := int64_t;\n"                \
    "clock { name = c; freq = 1000000000; };\n"                                                    \
    "typealias integer { size = 32; align = " align "; map = clock.c.value; } := time32_t;\n"      \
    "typealias integer { size = 64; align = " align "; map = clock.c.value; } := time64_t;\n"

#define TRACE(order) "trace { major = 1; minor = 8; byte_order = " order "; };\n"

#define LARGE                                                                                      \
    "struct { enum : uint16_t { compact = 0 ... 65534, extended = 65535 } id; variant <id> {"      \
    " struct { time32_t timestamp; } compact; struct { uint32_t id; time64_t timestamp; }"         \
    " extended; } v; } align(8)"

#define STREAM(header) "stream { event.header := " header "; };\n"

#define EVENT(name, fields)                                                                        \
    "event { name = \"" name "\"; id = 0; fields := struct { " fields " }; };\n"

static const struct plan_wants NOTHING = {.phases = NULL};

/* The plans of a trace of the kernel with one event. */
static struct plan_set *plans(const char *text)
{
    struct plan_set *set;
    struct failure why = {""};
    struct bytes metadata = {(const uint8_t *)text, strlen(text)};
    cr_assert(eq(int, plan_cache_take(NULL, metadata, false, &NOTHING, &set, &why), STATUS_OK),
              "%s", why.text);
    return set;
}

/* The codes of a plan's ops, as letters. */
static const char *program(const struct plan *plan)
{
    static const char LETTERS[] = {
        [PLAN_VALUE] = 'v',        [PLAN_TEXT] = 't',        [PLAN_RUN] = 'R',
        [PLAN_ALIGN] = 'A',        [PLAN_LOAD] = 'l',        [PLAN_CHARS] = 'c',
        [PLAN_STRING] = 's',       [PLAN_SEQUENCE] = 'q',    [PLAN_NUMBERS] = 'n',
        [PLAN_WALK] = 'w',         [PLAN_WALK_NUMBER] = 'x', [PLAN_WALK_TEXT] = 'y',
        [PLAN_WALK_NUMBERS] = 'z', [PLAN_WALK_ALIGN] = 'a',  [PLAN_TO_SLOT] = '>',
    };
    static char letters[64];
    size_t count = 0;
    for (const struct plan_op *op = plan->ops; op->code != PLAN_END; op++)
        letters[count++] = op->code < sizeof LETTERS && LETTERS[op->code] ? LETTERS[op->code] : '.';
    letters[count] = '\0';
    return letters;
}

#define expect_program(text, expected)                                                             \
    do {                                                                                           \
        struct plan_set *set_ = plans(text);                                                       \
        cr_expect(eq(str, STRING(program(set_->plans[0])), STRING(expected)));                     \
        plan_set_release(set_);                                                                    \
    } while (0)

Test(plan, fields_of_fixed_size_are_one_run)
{
    struct plan_set *set = plans(ALIASES("8") TRACE("le") STREAM(LARGE) EVENT(
        "sched_switch", "uint8_t _prev_comm[16]; int32_t _prev_tid; "
                        "int32_t _prev_prio; int64_t _prev_state; "
                        "int32_t _next_tid;"));
    const struct plan *plan = set->plans[0];
    cr_assert(plan->is_quick);
    cr_expect(eq(sz, plan->run_bytes, 36));
    cr_expect(eq(int, plan->value_count, 3));
    cr_expect(eq(int, plan->text_count, 0)); /* numbers, not characters */
    cr_expect(eq(int, plan->present, 7));
    cr_expect(eq(sz, plan->ops[0].at, 16));
    cr_expect(eq(sz, plan->ops[1].at, 24));
    cr_expect(eq(sz, plan->ops[2].at, 32));
    cr_expect(eq(sz, plan->reach, 40)); /* eight bytes are loaded for four */
    plan_set_release(set);
}

Test(plan, texts_of_fixed_size_are_part_of_it)
{
    struct plan_set *set = plans(ALIASES("8") TRACE("le") STREAM(LARGE) EVENT(
        "sched_waking", "integer { size = 8; align = 8; encoding = UTF8; } _comm[16]; "
                        "int32_t _tid; int32_t _prio; int32_t _target_cpu;"));
    const struct plan *plan = set->plans[0];
    cr_assert(plan->is_quick);
    cr_expect(eq(str, STRING(program(plan)), STRING("vt"))); /* values first */
    cr_expect(eq(sz, plan->ops[0].at, 16));
    cr_expect(eq(sz, plan->ops[1].count, 16));
    plan_set_release(set);
}

Test(plan, what_nobody_asks_for_is_nothing_but_bytes)
{
    struct plan_set *set = plans(ALIASES("8") TRACE("le") STREAM(LARGE) EVENT(
        "power_cpu_idle", "uint32_t _irq; struct { uint64_t a; uint8_t b[3]; } _s; "
                          "floating_point { exp_dig = 11; mant_dig = 53; "
                          "align = 8; } _f; uint8_t _ret;"));
    cr_assert(set->plans[0]->is_quick);
    cr_expect(eq(sz, set->plans[0]->run_bytes, 4 + 11 + 8 + 1));
    cr_expect(eq(str, STRING(program(set->plans[0])), STRING("")));
    plan_set_release(set);
}

Test(plan, strings_are_measured_and_sequences_stepped_over)
{
    expect_program(ALIASES("8") TRACE("le") STREAM(LARGE)
                       EVENT("syscall_entry_openat", "int32_t _dfd; string _filename; "
                                                     "int32_t _flags; uint16_t _mode;"),
                   "Rs.Rv");
    expect_program(ALIASES("8") TRACE("le") STREAM(LARGE)
                       EVENT("other", "uint8_t _n; uint32_t _a[_n]; uint16_t _m;"),
                   "Rl>qR");
}

Test(plan, natural_alignment_costs_a_step_only_where_it_is_not_known)
{
    /* The payload begins at a multiple of its alignment; after a string, the offset is unknown. */
    expect_program(ALIASES("32") TRACE("le") STREAM(LARGE)
                       EVENT("syscall_exit_read", "int64_t _ret; uint32_t _a; uint64_t _b;"),
                   "ARv");
    expect_program(ALIASES("32") TRACE("le") STREAM(LARGE)
                       EVENT("syscall_exit_read", "string _s; int64_t _ret; uint32_t _a;"),
                   "AsARv");
}

Test(plan, variants_and_odd_sequences_are_walked)
{
    expect_program(ALIASES("8") TRACE("le") STREAM(LARGE)
                       EVENT("syscall_exit_read",
                             "enum : uint8_t { a = 0, b = 1 } _tag; variant <_tag> { uint8_t a; "
                             "string b; } _v; int64_t _ret;"),
                   "Rl>wRv");
    expect_program(ALIASES("8") TRACE("le") STREAM(LARGE)
                       EVENT("other", "uint8_t _n; struct { string s; } _a[_n];"),
                   "Rl>w");
}

Test(plan, bits_within_a_byte_are_loaded_and_what_may_end_within_one_is_walked)
{
    struct plan_set *set = plans(ALIASES("8") TRACE("be") STREAM(LARGE) EVENT(
        "syscall_exit_read", "integer { size = 3; } _a; "
                             "integer { size = 13; signed = 1; } _ret;"));
    const struct plan *plan = set->plans[0];
    cr_assert(plan->is_run);
    cr_expect(not(plan->is_quick)); /* big-endian */
    cr_expect(eq(sz, plan->run_bytes, 2));
    /* 101 1111111111110: -2 in the last 13 bits */
    cr_expect(eq(i64, (int64_t)plan_integer(plan->ops, UINT64_C(0xBFFE) << 48), -2));
    plan_set_release(set);

    set = plans(ALIASES("8") TRACE("le") STREAM(LARGE)
                    EVENT("syscall_exit_read",
                          "enum : uint8_t { a = 0, b = 1 } _tag; variant <_tag> { "
                          "integer { size = 3; } a; uint8_t b; } _v; integer { size = 5; } _ret;"));
    cr_expect(set->plans[0]->walked);
    cr_expect(eq(str, STRING(program(set->plans[0])), STRING("ax>wx.")));
    plan_set_release(set);
}

Test(plan, headers_have_a_short_way)
{
    struct plan_set *set = plans(ALIASES("8") TRACE("le") STREAM(LARGE) EVENT("a", ""));
    const struct plan_header *header = &set->headers[0];
    cr_assert(header->by_bytes);
    cr_assert(header->is_short);
    cr_expect(eq(sz, header->bytes, 6));
    cr_expect(eq(u64, header->low, 0));
    cr_expect(eq(u64, header->high, 65534));
    cr_expect(eq(int, header->time_bits, 32));
    cr_expect(eq(sz, header->reach, 10));
    cr_expect(eq(u32, header->save, LAYOUT_NONE));
    plan_set_release(set);

    set = plans(ALIASES("8") TRACE("be")
                    STREAM("struct { integer { size = 5; } id; integer { size = 27; "
                           "map = clock.c.value; } timestamp; } align(32)") EVENT("a", ""));
    header = &set->headers[0];
    cr_assert(header->is_short);
    cr_expect(eq(sz, header->align, 4));
    cr_expect(eq(int, header->id_shift, 59));
    cr_expect(eq(int, header->time_shift, 32));
    plan_set_release(set);
}

Test(plan, without_a_byte_to_begin_on_all_is_walked)
{
    struct plan_set *set = plans(ALIASES("8") TRACE("le") STREAM(
        "struct { integer { size = 5; } id; integer { "
        "size = 27; map = clock.c.value; } timestamp; }") EVENT("sched_waking", "int32_t _tid;"));
    cr_expect(not(set->headers[0].by_bytes));
    cr_expect(set->plans[0]->walked);
    plan_set_release(set);
}

/* --- the cache --- */

static struct plan_set *take(struct plan_cache *cache, const char *text, size_t count)
{
    struct plan_set *set;
    struct bytes metadata = {(const uint8_t *)text, count};
    cr_assert(eq(int, plan_cache_take(cache, metadata, false, &NOTHING, &set, NULL), STATUS_OK));
    return set;
}

#define SMALL ALIASES("8") TRACE("le") STREAM(LARGE) EVENT("a", "")

Test(plan, equal_metadata_is_understood_once)
{
    struct plan_cache *cache = plan_cache_new();
    struct plan_set *first = take(cache, SMALL, strlen(SMALL));
    struct plan_set *again = take(cache, SMALL, strlen(SMALL));
    struct plan_set *other = take(cache, SMALL " ", strlen(SMALL) + 1);
    cr_expect(eq(ptr, first, again));
    cr_expect(ne(ptr, first, other));
    plan_cache_free(cache); /* entries in use are kept */
    cr_expect(eq(str, STRING(first->layout->events[0].name), STRING("a")));
    plan_set_release(first);
    plan_set_release(again);
    plan_set_release(other);
}

Test(plan, what_is_wanted_makes_other_plans)
{
    struct phase_definitions phases;
    phases_init(&phases);
    static const char *const CAPTURE[] = {"_x"};
    phases_add(&phases, (struct phase_definition){.name = "p",
                                                  .begin_event = "a",
                                                  .end_event = "b",
                                                  .capture = CAPTURE,
                                                  .capture_count = 1});
    struct plan_cache *cache = plan_cache_new();
    struct plan_set *without = take(cache, SMALL, strlen(SMALL)), *with;
    struct bytes metadata = {(const uint8_t *)SMALL, strlen(SMALL)};
    struct plan_wants wants = {.phases = &phases};
    cr_assert(eq(int, plan_cache_take(cache, metadata, false, &wants, &with, NULL), STATUS_OK));
    cr_expect(ne(ptr, without, with));
    plan_set_release(without);
    plan_set_release(with);
    plan_cache_free(cache);
    phases_clear(&phases);
}

Test(plan, the_cache_forgets_what_was_used_longest_ago)
{
    struct plan_cache *cache = plan_cache_new();
    char text[sizeof SMALL + 64];
    struct plan_set *first = take(cache, SMALL, strlen(SMALL));
    struct plan_set *kept = take(cache, SMALL "\n", strlen(SMALL) + 1);
    for (int i = 0; i < 40; i++) {
        snprintf(text, sizeof text, "%s/* %d */", SMALL, i);
        plan_set_release(take(cache, text, strlen(text)));
        plan_set_release(take(cache, SMALL "\n", strlen(SMALL) + 1));
    }
    struct plan_set *still = take(cache, SMALL "\n", strlen(SMALL) + 1);
    struct plan_set *anew = take(cache, SMALL, strlen(SMALL));
    cr_expect(eq(ptr, still, kept));
    cr_expect(ne(ptr, anew, first));
    plan_set_release(first);
    plan_set_release(kept);
    plan_set_release(still);
    plan_set_release(anew);
    plan_cache_free(cache);
}

/* A packet of metadata, little-endian. */
static size_t put_packet(uint8_t *at, const char *text, size_t count, size_t padding)
{
    const uint32_t MAGIC = 0x75D11D57;
    size_t head = 37;
    memset(at, 0, head + count + padding);
    uint32_t content = (uint32_t)(head + count) * 8, size = content + (uint32_t)padding * 8;
    for (unsigned i = 0; i < 4; i++) {
        at[i] = (uint8_t)(MAGIC >> 8 * i);
        at[24 + i] = (uint8_t)(content >> 8 * i);
        at[28 + i] = (uint8_t)(size >> 8 * i);
    }
    at[35] = 1;
    at[36] = 8;
    memcpy(at + head, text, count);
    return head + count + padding;
}

Test(plan, it_is_the_text_that_counts_not_how_it_is_cut_into_packets)
{
    struct plan_cache *cache = plan_cache_new();
    size_t whole = strlen(SMALL);
    uint8_t *file = memory_new(2 * whole + 400);
    struct plan_set *sets[2];
    for (size_t i = 0; i < 2; i++) {
        size_t first = 100 + 50 * i;
        size_t used = put_packet(file, SMALL, first, 7 * i);
        used += put_packet(file + used, SMALL + first, whole - first, 64);
        sets[i] = take(cache, (const char *)file, used);
    }
    cr_expect(eq(ptr, sets[0], sets[1]));
    plan_set_release(sets[0]);
    plan_set_release(sets[1]);
    free(file);
    plan_cache_free(cache);
}
