#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

#include "reducer/state_diff.h"

/* The output of a save: "+" and the key of each record, "-" and that of each tombstone. */
struct written {
    char text[256];
};

static void write_down(void *context, struct text key, struct bytes record)
{
    struct written *written = context;
    size_t count = strlen(written->text);
    snprintf(written->text + count, sizeof written->text - count, "%c%.*s", record.at ? '+' : '-',
             (int)key.count, key.at);
}

static struct keep_sink begin(struct state_diff *diff, struct written *written)
{
    *written = (struct written){""};
    return state_diff_begin(diff, (struct keep_sink){.take = write_down, .context = written});
}

static void give(const struct keep_sink *sink, const char *key, const char *record)
{
    sink->take(sink->context, text_of(key),
               (struct bytes){(const uint8_t *)record, strlen(record)});
}

static uint32_t give_to_stand(const struct keep_sink *sink, const char *key, const char *record)
{
    give(sink, key, record);
    return sink->number(sink->context);
}

Test(state_diff, writes_what_differs_and_what_is_gone)
{
    struct state_diff *diff = state_diff_new();
    struct written written;
    struct keep_sink sink = begin(diff, &written);
    give(&sink, "a", "1");
    give(&sink, "b", "1");
    state_diff_end(diff);
    cr_expect(eq(str, written.text, "+a+b"));
    sink = begin(diff, &written);
    give(&sink, "a", "2");
    state_diff_end(diff);
    cr_expect(eq(str, written.text, "+a-b"));
    state_diff_free(diff);
}

Test(state_diff, lets_stand_what_is_known_by_a_number_until_it_is_gone)
{
    struct state_diff *diff = state_diff_new();
    struct written written;
    struct keep_sink sink = begin(diff, &written);
    uint32_t a = give_to_stand(&sink, "a", "1"), b = give_to_stand(&sink, "b", "1");
    state_diff_end(diff);
    sink = begin(diff, &written);
    state_diff_end(diff);
    cr_expect(eq(str, written.text, ""));
    sink = begin(diff, &written);
    sink.gone(sink.context, a);
    sink.gone(sink.context, b);
    cr_expect(eq(u32, give_to_stand(&sink, "b", "2"), b), "another noun has its key");
    state_diff_end(diff);
    cr_expect(eq(str, written.text, "+b-a"));
    state_diff_free(diff);
}

Test(state_diff, of_what_it_was_told_writes_what_is_not_given_as_gone)
{
    struct state_diff *diff = state_diff_new();
    struct written written;
    state_diff_know(diff, text_of("a"), (struct bytes){(const uint8_t *)"1", 1});
    state_diff_know(diff, text_of("b"), (struct bytes){(const uint8_t *)"1", 1});
    struct keep_sink sink = begin(diff, &written);
    (void)give_to_stand(&sink, "a", "1");
    state_diff_end(diff);
    cr_expect(eq(str, written.text, "-b"));
    state_diff_let_go(diff);
    sink = begin(diff, &written);
    state_diff_end(diff);
    cr_expect(eq(str, written.text, "-a"));
    state_diff_free(diff);
}
