#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <stdio.h>
#include <stdlib.h>

#include "case_file.h"
#include "expectation.h"

#define EXPECT_ANY "expect:\n  all thread\n"

static enum status init(struct case_file *file, const char *text, struct failure *why)
{
    return case_file_init(file, "x.case", text_of(text), why);
}

/* A case with these lines of events. */
static void init_events(struct case_file *file, const char *events)
{
    struct failure why = {""};
    char text[2048];
    snprintf(text, sizeof text, "events:\n%s" EXPECT_ANY, events);
    cr_assert(eq(int, init(file, text, &why), STATUS_OK), "%s", why.text);
}

static bool is_text(struct text text, const char *is)
{
    return text_equal(text, text_of(is));
}

Test(case_file, fills_the_slots_that_a_class_asks_for)
{
    struct case_file file;
    init_events(&file, "  10 cpu3 sched_switch prev_tid=0 next_comm=7 next_tid=0x10\n"
                       "  12 cpu3 syscall_exit_pipe2 ret=-24 fildes=[3, 4]\n");
    const struct event *event = &file.events[0];
    cr_expect(eq(int, event->kind, EVENT_SWITCH));
    cr_expect(eq(u64, event->time_ns, 10));
    cr_expect(eq(i32, event->cpu, 3));
    cr_expect(event_has_value(event, 0) && !event_has_value(event, 1));
    cr_expect(eq(i64, event->value[2], 16));
    cr_expect(eq(int, event_has_text(event, 0), false));
    cr_expect(is_text(event->text[1], "7"));
    event = &file.events[1];
    cr_expect(eq(str, (char *)event->call->name, "pipe2"));
    cr_expect(eq(i64, event->value[0], -24));
    cr_assert(eq(int, event->int_count, 2));
    cr_expect(eq(i64, event->ints[1], 4));
    case_file_clear(&file);
}

Test(case_file, reads_contexts)
{
    struct case_file file;
    init_events(&file, "  10 cpu0 ust app:x @vtid=5 @vpid=4 @procname=\"a b\"\n"
                       "  11 cpu0 irq_handler_entry @tid=9\n");
    cr_expect(eq(int, file.events[0].has, EVENT_HAS_VTID | EVENT_HAS_VPID | EVENT_HAS_PROCNAME));
    cr_expect(eq(i32, file.events[0].vtid, 5));
    cr_expect(is_text(file.events[0].procname, "a b"));
    cr_expect(eq(int, file.events[0].domain, DOMAIN_UST));
    cr_expect(eq(int, file.events[1].has, EVENT_HAS_TID));
    cr_expect(eq(sz, file.cpu_count, 1), "one CPU with kernel events");
    case_file_clear(&file);
}

Test(case_file, orders_events_but_keeps_those_that_compare_equal)
{
    struct case_file file;
    init_events(&file, "  20 cpu0 c\n  10 cpu1 ust b\n  10 cpu2 first\n  10 cpu2 second\n"
                       "  10 cpu2 stream1 third\n  10 cpu1 a\n");
    const char *order[] = {"a", "first", "second", "third", "b", "c"};
    for (size_t i = 0; i < 6; i++)
        cr_expect(eq(str, (char *)file.events[i].class->name, (char *)order[i]));
    case_file_clear(&file);
}

Test(case_file, names_unknown_calls_by_their_number_on_x86_64_alone)
{
    const char *text = "events:\n  1 cpu0 syscall_entry_unknown id=436 args=[4,9,4294967295]\n";
    char whole[512];
    struct case_file file;
    struct failure why = {""};
    init_events(&file, strchr(text, '\n') + 1);
    cr_expect(eq(str, (char *)file.events[0].call->name, "close_range"));
    cr_expect(eq(i64, file.events[0].value[1], 9));
    case_file_clear(&file);
    snprintf(whole, sizeof whole, "machine: aarch64\n%s" EXPECT_ANY, text);
    cr_assert(eq(int, init(&file, whole, &why), STATUS_OK));
    cr_expect(eq(str, (char *)file.events[0].call->name, "unknown"));
    case_file_clear(&file);
}

Test(case_file, gives_phases_the_fields_they_name_and_no_others)
{
    struct case_file file;
    struct failure why = {""};
    const char *text = "phases:\n  phases:\n    - name: $step\n      begin: app:b\n"
                       "      end: app:e\n      match: [id, n]\n"
                       "events:\n  1 cpu0 ust app:b id=\"7\" n=5u other=3\n" EXPECT_ANY;
    cr_assert(eq(int, init(&file, text, &why), STATUS_OK), "%s", why.text);
    const struct event *event = &file.events[0];
    cr_assert(eq(int, event->field_count, 3));
    cr_expect(eq(int, event->fields[0].type, FIELD_TEXT));
    cr_expect(eq(int, event->fields[1].type, FIELD_UINT));
    cr_expect(eq(int, event->fields[2].type, FIELD_ABSENT));
    case_file_clear(&file);
}

Test(case_file, tells_losses_of_the_kernel_from_those_of_user_space)
{
    struct case_file file;
    init_events(&file, "  10 cpu0 LOSS count=5\n  10 cpu0 ust LOSS count=2\n  20 cpu0 LOSS\n");
    for (size_t i = 0; i < 3; i++)
        cr_expect(eq(int, file.events[i].kind, EVENT_LOSS));
    cr_expect(eq(i64, file.events[0].value[0], 5));
    cr_expect(eq(i64, file.events[0].value[1], 1));
    cr_expect(eq(i64, file.events[1].value[1], 0));
    cr_expect(eq(i64, file.events[2].value[0], 0));
    case_file_clear(&file);
}

Test(case_file, refuses_what_is_no_case_and_names_the_line)
{
    static const struct {
        const char *text, *says;
    } wrong[] = {
        {"events:\n  10 cpu0 x\n", "x.case:2: nothing is expected"},
        {"events:\n" EXPECT_ANY, "without events"},
        {EXPECT_ANY, "x.case:1:"},
        {"events:\n  ten cpu0 x\n" EXPECT_ANY, "x.case:2: an event begins with its time"},
        {"events:\n  10 cpu0\n" EXPECT_ANY, "which event at 10"},
        {"events:\n  10 x\n" EXPECT_ANY, "a kernel event is of a cpu"},
        {"events:\n  10 cpu0 sched_switch prev_tidd=3\n" EXPECT_ANY, "nobody reads"},
        {"events:\n  10 cpu0 sched_switch prev_tid=a\n" EXPECT_ANY, "is not a number"},
        {"events:\n  10 cpu0 x @uid=3\n" EXPECT_ANY, "no context @uid"},
        {"events:\n  10 cpu0 x @tid=-3\n" EXPECT_ANY, "no such thread"},
        {"events:\n  10 cpu0 x a\n" EXPECT_ANY, "is not field=value"},
        {"events:\n  10 cpu0 syscall_entry_unknown\n" EXPECT_ANY, "id= is missing"},
        {"events:\n  10 cpu0 syscall_exit_pipe fildes=[3;4]\n" EXPECT_ANY, "not a list"},
        {"events:\n  10 cpu0 LOSS lost=3\n" EXPECT_ANY, "a LOSS has only a count"},
        {"events:\n  10 cpu0 x\nexpect:\n  thread 5\n", "x.case:4:"},
        {"phases:\n  phases: [x]\nevents:\n  10 cpu0 x\n" EXPECT_ANY, "x.case:1"},
        {"session: a\nevents:\n  10 cpu0 x\n" EXPECT_ANY, "host/name/created"},
        {"events:\n  10 cpu0 x\nevents:\n" EXPECT_ANY, "come once"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct case_file file;
        struct failure why = {""};
        cr_expect(eq(int, init(&file, wrong[i].text, &why), STATUS_REJECT), "%s", wrong[i].text);
        cr_expect(strstr(why.text, wrong[i].says) != NULL, "says %s", why.text);
        case_file_clear(&file);
    }
}

/* The message of expectation_check() for `report`; the caller frees it. */
static char *said_of(const char *expect, const char *report, bool *good)
{
    struct case_file file;
    struct failure why = {""};
    char text[2048], *said = NULL;
    size_t count = 0;
    FILE *out = open_memstream(&said, &count);
    snprintf(text, sizeof text, "events:\n  10 cpu0 x\nexpect:\n%s", expect);
    cr_assert(eq(int, init(&file, text, &why), STATUS_OK), "%s", why.text);
    *good = expectation_check(&file, report, out);
    fclose(out);
    case_file_clear(&file);
    return said;
}

#define REPORT                                                                                     \
    "{\"type\":\"thread\",\"tid\":5,\"begin_ns\":10,\"name\":null,\"cpu_ns\":3}\n"                 \
    "{\"type\":\"thread\",\"tid\":5,\"begin_ns\":20,\"name\":\"a\",\"cpu_ns\":0}\n"                \
    "{\"type\":\"cpu\",\"cpu\":0,\"busy_ns\":3}\n"

Test(expectation, compares_only_the_fields_given)
{
    bool good = false;
    char *said = said_of("  {\"type\":\"thread\",\"tid\":5,\"begin_ns\":20,\"name\":\"a\"}\n"
                         "  none {\"type\":\"thread\",\"tid\":6}\n  all cpu\n"
                         "  {\"type\":\"cpu\",\"cpu\":0}\n",
                         REPORT, &good);
    cr_expect(good, "%s", said);
    free(said);
}

Test(expectation, tells_what_is_not_met)
{
    static const struct {
        const char *expect, *says;
    } unmet[] = {
        {"  {\"type\":\"thread\",\"tid\":5,\"begin_ns\":10,\"cpu_ns\":4}\n", "cpu_ns is 3, not 4"},
        {"  {\"type\":\"thread\",\"tid\":5,\"begin_ns\":10,\"name\":\"a\"}\n", "name is null"},
        {"  {\"type\":\"thread\",\"tid\":5,\"begin_ns\":20,\"x\":1}\n", "x is (absent)"},
        {"  {\"type\":\"thread\",\"tid\":5}\n", "more than one object"},
        {"  {\"type\":\"thread\",\"tid\":6}\n", "no such object"},
        {"  none {\"type\":\"cpu\"}\n", "must not be"},
        {"  all cpu\n", "is not expected"},
        {"  {\"type\":\"cpu\",\"cpu\":0}\n  {\"type\":\"cpu\",\"busy_ns\":3}\n", "expected twice"},
        {"  {\"type\":\"spu\"}\n", "no such type"},
        {"  all spu\n", "no such type"},
        {"  {\"type\":\"cpu\"\n", "expected"},
    };
    for (size_t i = 0; i < sizeof unmet / sizeof *unmet; i++) {
        bool good = true;
        char *said = said_of(unmet[i].expect, REPORT, &good);
        cr_expect(eq(int, good, false), "%s", unmet[i].expect);
        cr_expect(strstr(said, unmet[i].says) != NULL, "says %s", said);
        free(said);
    }
}
