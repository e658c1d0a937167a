#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/render/json.h"
#include "hand_report.h"

/* The hand-written report as JSON Lines; the caller frees it. */
static char *written(void)
{
    struct hand_report hand;
    hand_report_init(&hand);
    char *text = NULL;
    size_t count = 0;
    FILE *out = open_memstream(&text, &count);
    report_write_json(out, &hand.report, 1);
    fclose(out);
    return text;
}

static void expect_line(const char *whole, const char *line)
{
    cr_expect(strstr(whole, line) != NULL, "no line %s in\n%s", line, whole);
}

#define SESSION "\"session\":\"node-1/shop/20261122T230916+0000\","

Test(json, writes_the_fields_of_the_contract_in_its_order)
{
    char *whole = written();
    expect_line(whole, "{\"type\":\"summary\"," SESSION
                       "\"chunks\":12,\"events\":48211903,\"discarded\":5,"
                       "\"begin_ns\":1795388976258944395,\"end_ns\":1795388996258944400,"
                       "\"hosts\":[\"node-1\"],");
    expect_line(whole,
                "\n{\"type\":\"process\"," SESSION "\"pid\":4242,\"process\":\"shopd\",\"ppid\":1,"
                "\"begin_ns\":1795388976258944400,\"begin\":\"hard\","
                "\"end_ns\":1795388996258944400,\"end\":\"soft\",\"threads\":9,"
                "\"cpu_ns\":4070000000,\"irq_ns\":30000000,\"softirq_ns\":20000000}\n");
    expect_line(whole, "\n{\"type\":\"thread\"," SESSION
                       "\"tid\":4251,\"begin_ns\":1795388976258944400,\"pid\":4242,"
                       "\"name\":\"worker\",\"begin\":\"soft\",\"end_ns\":1795388996258944400,"
                       "\"end\":\"hard\",\"cpu_ns\":4070000000,\"switches\":77,");
    expect_line(whole, "\n{\"type\":\"syscall\"," SESSION
                       "\"pid\":4242,\"phase\":\"request\",\"syscall\":\"futex\","
                       "\"process\":\"shopd\",\"count\":100,\"errors\":{\"EAGAIN\":12,\"EINTR\":1},"
                       "\"total_ns\":5120000000,\"min_ns\":400,\"max_ns\":48021300,\"bytes\":0,"
                       "\"begin_unknown\":1,\"end_unknown\":2,");
    expect_line(
        whole,
        "\n{\"type\":\"phase\"," SESSION
        "\"pid\":4242,\"phase\":\"request\",\"process\":\"shopd\",\"count\":1204,"
        "\"total_ns\":10840000000,\"min_ns\":1555735,\"max_ns\":98000000,"
        "\"hopped\":0,\"begin_unknown\":3,\"end_unknown\":7,\"user_cpu_ns\":3710000000,"
        "\"sys_cpu_ns\":200000000,\"runnable_ns\":220000000,"
        "\"blocked_ns\":6710000000,\"unknown_ns\":0,\"irq_ns\":30000000,"
        "\"softirq_ns\":20000000,\"interrupted_sys_ns\":10000000,\"blocked_by\":{\"\":20000000,"
        "\"futex\":5120000000,\"pread64\":1120000000},\"syscalls\":214302");
    expect_line(whole, "\n{\"type\":\"cpu\"," SESSION
                       "\"cpu\":1,\"busy_ns\":5000000000,\"idle_ns\":4000000000}\n");
    expect_line(whole, "\n{\"type\":\"sched\"," SESSION
                       "\"tid\":4251,\"begin_ns\":1795388976258944400,\"pid\":4242,\"count\":3,"
                       "\"total_ns\":60000,\"min_ns\":17000,\"max_ns\":25000,");
    free(whole);
}

Test(json, what_is_unknown_is_null)
{
    char *whole = written();
    expect_line(whole, "\"pid\":7,\"process\":null,\"ppid\":null,");
    expect_line(whole, "\"pid\":null,\"phase\":\"\",\"syscall\":\"exit\",\"process\":null,"
                       "\"count\":0,\"errors\":{},\"total_ns\":0,\"min_ns\":null,"
                       "\"max_ns\":null,\"bytes\":0,\"begin_unknown\":0,\"end_unknown\":3,"
                       "\"refused\":0}\n");
    expect_line(whole, "\"fd\":0,\"begin_ns\":1795388976258944395,\"name\":null,\"kind\":null,"
                       "\"begin\":\"soft\",\"end_ns\":null,\"end\":\"soft\",");
    expect_line(whole, "{\"type\":\"instance\",\"session\":\"node-1/shop/20261122T230916+0000\","
                       "\"pid\":4242,\"phase\":\"request\",\"id\":\"17.0\",\"process\":\"shopd\","
                       "\"tid\":4251,\"name\":\"worker\",\"end_tid\":4252,"
                       "\"begin_ns\":1795388976258944398,\"end_ns\":1795388976356944398,"
                       "\"total_ns\":98000000,\"match\":{\"id\":-9223372036854775808},"
                       "\"captured\":{\"pa\\\"th\":\"/a\\\"b\",\"size\":null},"
                       "\"user_cpu_ns\":30000000,\"sys_cpu_ns\":1000000,\"runnable_ns\":1000000,"
                       "\"blocked_ns\":66000000,\"unknown_ns\":0,\"irq_ns\":0,\"softirq_ns\":0,"
                       "\"interrupted_sys_ns\":0,\"blocked_by\":{\"futex\":66000000},"
                       "\"syscalls\":12,\"queued_ns\":0,\"parallel_ns\":0,"
                       "\"woken_by\":[],\"ran_instead\":[]}\n");
    expect_line(whole, "\"id\":\"99.1\",\"process\":\"shopd\",\"tid\":null,\"name\":null,"
                       "\"end_tid\":null,");
    free(whole);
}

Test(json, types_come_in_the_order_of_the_contract)
{
    static const char *const types[] = {"summary", "process", "thread", "syscall",  "phase",
                                        "fd",      "cpu",     "sched",  "instance", "file"};
    char *whole = written();
    size_t type = 0;
    for (char *line = strtok(whole, "\n"); line; line = strtok(NULL, "\n")) {
        char begin[40];
        snprintf(begin, sizeof begin, "{\"type\":\"%s\"", types[type]);
        if (strncmp(line, begin, strlen(begin)) == 0)
            continue;
        type++;
        cr_assert(lt(sz, type, COUNT_OF(types)), "after %s: %s", begin, line);
        snprintf(begin, sizeof begin, "{\"type\":\"%s\"", types[type]);
        cr_expect(strncmp(line, begin, strlen(begin)) == 0, "%s", line);
    }
    cr_expect(eq(sz, type, COUNT_OF(types) - 1));
    free(whole);
}

static char *written_by(const struct report *report, unsigned jobs)
{
    char *text = NULL;
    size_t count = 0;
    FILE *out = open_memstream(&text, &count);
    report_write_json(out, report, jobs);
    fclose(out);
    return text;
}

Test(json, threads_do_not_show)
{
    enum { SESSIONS = 3, ROWS = 5000 };
    struct hand_report hand;
    hand_report_init(&hand);
    struct session_report sessions[SESSIONS];
    static struct fd_row rows[SESSIONS][ROWS];
    for (int i = 0; i < SESSIONS; i++) {
        sessions[i] = hand.report.sessions[0];
        for (int j = 0; j < ROWS; j++) {
            rows[i][j] = sessions[i].fds[0];
            rows[i][j].fd = i * ROWS + j;
        }
        sessions[i].fds = rows[i];
        sessions[i].fd_count = ROWS - (size_t)i;
    }
    struct report report = {.sessions = sessions, .session_count = SESSIONS};
    char *one = written_by(&report, 1);
    expect_line(one, "\"fd\":14997,");
    cr_expect(eq(ptr, strstr(one, "\"fd\":14998,"), NULL));
    for (unsigned jobs = 2; jobs < 20; jobs += 3) {
        char *many = written_by(&report, jobs);
        cr_expect(eq(int, strcmp(one, many), 0), "%u threads", jobs);
        free(many);
    }
    free(one);
}

static void expect_string(const char *bytes, size_t count, const char *expected)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    json_write_text(out, (struct text){bytes, count});
    fclose(out);
    cr_expect(eq(str, text, (char *)(uintptr_t)expected));
    free(text);
}

Test(json, strings_are_json_whatever_their_bytes)
{
    expect_string("a\"b\\c/d", 7, "\"a\\\"b\\\\c/d\"");
    expect_string("\n\t\x01\x7f", 4, "\"\\u000a\\u0009\\u0001\\u007f\"");
    expect_string("a\0b", 3, "\"a\\u0000b\"");
    expect_string("\xc3\xa4", 2, "\"\u00e4\"");
    expect_string("\xc3(\xff", 3, "\"\ufffd(\ufffd\"");
    expect_string("", 0, "\"\"");
}
