#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/memory.h"
#include "base/utf8.h"
#include "cli/render/tables.h"
#include "hand_report.h"

/* The hand-written report as tables; the caller frees it. */
static char *written(const struct hand_report *hand, struct tables_options options)
{
    setenv("TZ", "UTC", 1);
    tzset();
    char *text = NULL;
    size_t count = 0;
    FILE *out = open_memstream(&text, &count);
    report_write_tables(out, &hand->report, &options);
    fclose(out);
    return text;
}

/* ISO C limits the length of one. */
static const char *const whole_report[] = {
    "node-1/shop/20261122T230916+0000  host node-1  kernel, user space  2 CPUs  12 chunks  20.0 s  "
    "48,211,903 events  5 lost\n"
    "\n"
    "CPUs busy  50.0 % of all (27.5 % unknown); 0: 75.0 %, 1: 25.0 % (55.0 % unknown)\n"
    "\n"
    "Time per phase  process shopd (pid 4242), 1,204 complete instances\n"
    "  Phase    Count      Wall  Of parent  User CPU  Sys CPU      IRQ  Softirq\n"
    "  request  1,204  10.840 s          -   3.670 s  0.190 s  0.030 s  0.020 s\n"
    "    parse  1,204   1.210 s     11.2 %   1.210 s        -        -        -\n"
    "\n"
    "  Phase    Runnable  Blocked  System calls  Blocked by\n"
    "  request   0.220 s  6.710 s       214,302  futex 5.12 s, pread64 1.12 s\n"
    "    parse         -        -        12,040  -\n"
    "\n"
    "  Phase       Mean      p50      p95      p99      Max\n"
    "  request  9.00 ms    ~2 ms    ~2 ms    ~2 ms  98.0 ms\n"
    "    parse  1.00 ms  ~1.4 ms  ~1.4 ms  ~1.4 ms  2.00 ms\n"
    "  not counted: 3 instances without a begin in the trace, 7 without an end\n"
    "\n"
    "Slowest instances in phase request  process shopd (pid 4242)\n"
    "  #  Begin                TID       Wall        CPU  Runnable    Blocked\n"
    "  1  23:09:36.258944398  4251  98.000 ms  31.000 ms  1.000 ms  66.000 ms\n"
    "  2  23:09:36.258944404     -   1.000 ms          -         -          -\n"
    "\n"
    "  #   Unknown  System calls\n"
    "  1         -            12\n"
    "  2  1.000 ms             -\n"
    "\n"
    "  #  Values                                                        Blocked by\n"
    "  1  id=-9223372036854775808 pa\"th=/a\"b size=-, ended by tid 4252  futex 66.0 ms\n"
    "  2  -                                                             -\n"
    "\n"
    "System calls in phase request, without those in nested phases  process shopd (pid 4242)\n"
    "  System call  Calls     Total       Min     p50        p99        Max  Errors              "
    "Slowest\n"
    "  futex          100  5,120 ms  0.400 us  ~48 us  ~3,100 us  48,021 us  EAGAIN 12, 1 other  "
    "tid 4251 at 23:09:40.258944395\n"
    "  read         1,000   3.00 ms   2.10 us   ~3 us      ~3 us    4.00 us  -                   "
    "tid 4252 at 23:09:36.258944397\n"
    "  not counted: 1 call without a begin in the trace, 2 without an end\n"
    "\n"
    "Files in phase request, without those in nested phases  process shopd (pid 4242)\n"
    "  File                    FD    Calls      Read  Written     Time        p99      Max\n"
    "  /var/lib/shop/stock.db  13  102,400   400 MiB        -   1.17 s  ~0.003 ms  11.9 ms\n"
    "  (socket)                 -      810  12.1 MiB    418 B  0.310 s  ~0.068 ms  1.90 ms\n"
    "\n"
    "System calls  all processes\n"
    "  System call  Calls    Total      Min    p50    p99      Max  Slowest\n"
    "  read         1,001  3.00 ms  1.50 us  ~3 us  ~3 us  4.00 us  tid 4252 at "
    "23:09:36.258944397\n"
    "\n"
    "System calls that wait  all processes\n"
    "  System call  Calls   Total       Min     p50        p99        Max  Errors              "
    "Slowest\n"
    "  futex          100  5.12 s  0.400 us  ~48 us  ~3,100 us  48,021 us  EAGAIN 12, 1 other  "
    "tid 4251 at 23:09:40.258944395\n"
    "\n"
    "Errors of system calls  all processes\n"
    "  Error   Calls  Of which\n"
    "  EAGAIN     12  futex 12\n"
    "  EINTR       1  futex 1\n"
    "\n"
    "Files  all processes\n"
    "  File                    FD  Process   PID    Calls     Read    Time        p99      Max\n"
    "  /var/lib/shop/stock.db  13  shopd    4242  102,400  400 MiB  1.17 s  ~0.003 ms  11.9 ms\n"
    "\n"
    "Sockets, pipes and other descriptors  all processes\n"
    "  File      Process   PID  Calls      Read  Written    Time        p99      Max\n"
    "  (socket)  shopd    4242    810  12.1 MiB    418 B  310 ms  ~0.068 ms  1.90 ms\n"
    "\n",
    "Processes by CPU time\n"
    "  Process   PID  CPU time  CPU use  Threads   Lived  Started\n"
    "  shopd    4242    4.07 s   20.3 %        9  20.0 s  23:09:36.258944400\n"
    "  1 of 1 process (with CPU time) without an end in the trace\n"
    "\n"
    "Threads by CPU time\n"
    "  Thread   TID   PID      CPU  Runnable   Blocked  Switches\n"
    "  worker  4251  4242  4.070 s   0.220 s  15.710 s        77\n"
    "\n"
    "Scheduling latency (wakeup to running)\n"
    "  Thread   TID   PID  Wakeups    Total      Min     p50     p99      Max\n"
    "  worker  4251  4242        3  60.0 us  17.0 us  ~18 us  ~25 us  25.0 us\n"
    "\n"
    "5 events lost, 2 gaps in the kernel streams; <0.01 % of thread time unknown\n"
    "phases, not counted: 3 without a begin, 7 without an end in the trace\n"
    "system calls, not counted: 1 without a begin, 5 without an end in the trace\n"};

Test(tables, show_a_report)
{
    struct hand_report hand;
    hand_report_init(&hand);
    char *text = written(&hand, (struct tables_options){0});
    char *expected = memory_format("%s%s", whole_report[0], whole_report[1]);
    cr_expect(eq(str, text, expected));
    free(expected);
    free(text);
}

Test(tables, keep_to_the_width_of_the_terminal_where_texts_can_be_cut)
{
    struct hand_report hand;
    hand_report_init(&hand);
    hand.files[0].name = "/a/long/path/of/folders/that/goes/on/for/ever/and/ever/to/the/stock.db";
    char *text = written(&hand, (struct tables_options){.style.width = 80});
    char *line = strstr(text, "stock.db");
    cr_assert(line != NULL, "%s", text);
    while (line[-1] != '\n')
        line--;
    size_t count = strcspn(line, "\n");
    cr_expect(strncmp(line, "  \u2026", 5) == 0, "%.*s", (int)count, line);
    cr_expect(eq(sz, utf8_width((struct text){line, count}), 80));
    free(text);
}

Test(tables, leave_out_a_column_that_says_nothing_if_truncated)
{
    struct hand_report hand;
    hand_report_init(&hand);
    char *text = written(&hand, (struct tables_options){.style.width = 82});
    const char *calls = strstr(text, "System calls in phase request");
    cr_assert(calls != NULL);
    cr_expect(strstr(calls, "  Slowest") == NULL, "%s", calls);
    cr_expect(strstr(calls, "  EAGAIN 12, \u2026\n") != NULL, "%s", calls);
    cr_expect(strstr(calls, "\ncolumns left out: Slowest, Min, FD, p99; they need 122 columns") !=
                  NULL,
              "%s", calls);
    free(text);
}

Test(tables, of_phases_and_instances_are_split_to_fit)
{
    struct hand_report hand;
    hand_report_init(&hand);
    char *narrow = written(&hand, (struct tables_options){.style.width = 60});
    char *elsewhere = written(&hand, (struct tables_options){0});
    char *wide = written(&hand, (struct tables_options){.style.width = 250});
    cr_expect(strstr(narrow, "\n  Phase    Count      Wall  Of parent  User CPU  Sys CPU\n") !=
                  NULL,
              "%s", narrow);
    cr_expect(strstr(narrow, "\n  Phase        IRQ  Softirq  Runnable  Blocked  System calls\n") !=
                  NULL,
              "%s", narrow);
    cr_expect(strstr(narrow, "\n  Phase    Blocked by\n") != NULL, "%s", narrow);
    const char *instances = strstr(elsewhere, "\nSlowest instances");
    for (const char *line = instances + 1; line[0] && line[0] != '\n';
         line += 1 + strcspn(line, "\n"))
        cr_expect(utf8_width((struct text){line, strcspn(line, "\n")}) <= 80, "%s", line);
    cr_expect(strstr(wide, "  Blocked  System calls  Blocked by\n") != NULL, "%s", wide);
    cr_expect(strstr(wide, "columns left out") == NULL);
    free(narrow);
    free(elsewhere);
    free(wide);
}

Test(tables, continue_lists_that_are_too_wide)
{
    struct hand_report hand;
    hand_report_init(&hand);
    struct wait_row wakers[5] = {{.by_name = ""}};
    for (size_t i = 0; i < COUNT_OF(wakers); i++)
        wakers[i] = (struct wait_row){.by_name = "a-name-of-a-thread",
                                      .by_tid = (int64_t)(4001 + i),
                                      .by_pid = REPORT_NONE,
                                      .number = REPORT_NONE,
                                      .kind = WAKER_THREAD,
                                      .cell.total_ns = 5000000};
    hand.instances[0].wakers = wakers;
    hand.instances[0].waker_count = COUNT_OF(wakers);
    static const char expected[] =
        "\n  #  Woken by\n"
        "  1  a-name-of-a-thread (4001) 5.00 ms, a-name-of-a-thread (4002) 5.00 ms,\n"
        "     a-name-of-a-thread (4003) 5.00 ms, others 51.0 ms\n"
        "  2  -\n";
    char *piped = written(&hand, (struct tables_options){0});
    char *narrow = written(&hand, (struct tables_options){.style.width = 80});
    cr_expect(strstr(piped, expected) != NULL, "%s", piped);
    cr_expect(strstr(narrow, expected) != NULL, "%s", narrow);
    free(piped);
    free(narrow);
}

Test(tables, cut_no_item_of_a_list_in_pipes)
{
    struct hand_report hand;
    hand_report_init(&hand);
    static const char name[] =
        "a-name-that-is-wider-than-all-that-is-left-for-it-next-to-the-number-"
        "of-the-instance";
    struct wait_row waker = {.by_name = name,
                             .by_tid = 4001,
                             .by_pid = REPORT_NONE,
                             .number = REPORT_NONE,
                             .kind = WAKER_THREAD,
                             .cell.total_ns = 66000000};
    hand.instances[0].wakers = &waker;
    hand.instances[0].waker_count = 1;
    char *piped = written(&hand, (struct tables_options){0});
    const char *shown = strstr(piped, name);
    cr_expect(shown && strncmp(shown + strlen(name), " (4001) 66.0 ms\n", 16) == 0, "%s", piped);
    free(piped);
}

Test(tables, are_sparse_with_color)
{
    struct hand_report hand;
    hand_report_init(&hand);
    char *text = written(&hand, (struct tables_options){.style.color = true});
    cr_expect(strstr(text, "\033[31m5 lost\033[0m\n") != NULL, "%s", text);
    cr_expect(strstr(text, "\033[1mTime per phase\033[0m") != NULL, "%s", text);
    free(text);
    hand.session.tallies.at[TALLY_DISCARDED] = 0;
    text = written(&hand, (struct tables_options){.style.color = true});
    cr_expect(strstr(text, "  0 lost\n") != NULL, "no red where nothing is lost: %s", text);
    free(text);
}

Test(tables, sum_errors_over_rows_exactly)
{
    struct hand_report hand;
    hand_report_init(&hand);
    struct named_number of_read[] = {{"EAGAIN", 4}, {"EINTR", 3}};
    struct named_number of_others[] = {{"EINTR", 5}};
    hand.syscalls[1].errors = (struct named_numbers){of_read, 2};
    hand.syscalls[3].errors = (struct named_numbers){of_others, 1};
    char *text = written(&hand, (struct tables_options){0});
    cr_expect(strstr(text, "EINTR 8, 4 other") != NULL, "%s", text);
    free(text);
}

Test(tables, show_calls_that_were_refused_and_never_complete)
{
    struct hand_report hand;
    hand_report_init(&hand);
    struct named_number errors[] = {{"EPERM", 2}};
    hand.syscalls[0].syscall = "ptrace";
    hand.syscalls[0].errors = (struct named_numbers){errors, 1};
    hand.syscalls[0].refused = 2;
    char *text = written(&hand, (struct tables_options){0});
    char *table = strstr(text, "\nSystem calls  all processes\n");
    cr_assert(table != NULL, "%s", text);
    char *line = strstr(table, "\n  ptrace ");
    cr_assert(line != NULL, "%s", text);
    cr_expect(strstr(line, " EPERM 2") != NULL && strstr(line, " EPERM 2") < strchr(line + 1, '\n'),
              "%s", text);
    free(text);
}

Test(tables, say_what_of_them_is_unknown)
{
    struct hand_report hand;
    hand_report_init(&hand);
    hand.phases[0].unknown_ns = 1084000000;
    hand.phases[1].unknown_ns = 1210000000; /* a tenth of the time of the first one, included in
                                             * it */
    hand.fds[0].calls = 1;
    hand.fds[1].end_hard = false;
    hand.threads[1].unknown_ns = 4000000000;
    hand.threads[1].user_cpu_ns = 4870000000;
    char *text = written(&hand, (struct tables_options){0});
    cr_expect(
        strstr(text, "\n  10.0 % of phase time unknown (kernel events lost); not counted: 3 ") !=
            NULL,
        "%s", text);
    cr_expect(strstr(text,
                     "\n  1 of 2 descriptors in use without a begin in the trace, 1 without an "
                     "end\n") != NULL,
              "%s", text);
    cr_expect(strstr(text, "; 16.0 % of thread time unknown\n") != NULL, "%s", text);
    cr_expect(
        strstr(
            text,
            "\n  not counted: 19.7 % of running time without a begin or an end in the trace\n") !=
            NULL,
        "%s", text);
    hand.session.tallies.at[TALLY_LOSS_BORDERS] = 0;
    free(text);
    text = written(&hand, (struct tables_options){0});
    cr_expect(strstr(text, "\n  10.0 % of phase time unknown; not counted") != NULL, "%s", text);
    free(text);
    hand.phases[0].unknown_ns = hand.phases[0].complete.total_ns;
    text = written(&hand, (struct tables_options){0});
    cr_expect(strstr(text, "\n  100.0 % of phase time unknown (no switch names these threads; for "
                           "containers, record lttng_statedump_*); not counted") != NULL,
              "%s", text);
    free(text);
}

Test(tables, are_silent_where_all_is_known)
{
    struct hand_report hand;
    hand_report_init(&hand);
    hand.phases[0].begin_unknown = hand.phases[0].end_unknown = 0;
    for (size_t i = 0; i < COUNT_OF(hand.syscalls); i++)
        hand.syscalls[i].begin_unknown = hand.syscalls[i].end_unknown = 0;
    hand.threads[0].unknown_ns = 0;
    hand.processes[1].end_hard = true;
    char *text = written(&hand, (struct tables_options){0});
    cr_expect(strstr(text, "not counted") == NULL && strstr(text, "phase time unknown") == NULL &&
                  strstr(text, " of running time") == NULL,
              "%s", text);
    free(text);
}

Test(tables, say_how_many_rows_they_left_out)
{
    struct hand_report hand;
    hand_report_init(&hand);
    char *text = written(&hand, (struct tables_options){.top = 1});
    cr_expect(strstr(text, "  ... and 1 more\n") != NULL, "%s", text);
    free(text);
}

Test(tables, of_an_empty_session_are_a_headline_and_what_is_unknown)
{
    struct session_report session = {.session = "a//",
                                     .begin_ns = REPORT_NONE,
                                     .end_ns = REPORT_NONE,
                                     .chunks = 1,
                                     .tallies.at[TALLY_LOST_CHUNKS] = 1};
    struct hand_report hand = {.report = {.sessions = &session, .session_count = 1}};
    char *text = written(&hand, (struct tables_options){0});
    cr_expect(eq(str, text,
                 "a//  1 chunk  0 events  0 lost, data missing (see the end)\n"
                 "\n"
                 "0 events lost, 1 chunk missing or unreadable; no threads\n"));
    free(text);
}

/* A report with only `count` phases. */
static char *written_phases(struct phase_row *phases, size_t count, size_t top)
{
    struct session_report session = {.session = "a//",
                                     .begin_ns = REPORT_NONE,
                                     .end_ns = REPORT_NONE,
                                     .phases = phases,
                                     .phase_count = count};
    struct hand_report hand = {.report = {.sessions = &session, .session_count = 1}};
    return written(&hand, (struct tables_options){.top = top});
}

#define PHASE_OF(path, total)                                                                      \
    {                                                                                              \
        .pid = 1, .phase = (path), .complete = {                                                   \
            .count = 1,                                                                            \
            .total_ns = (total),                                                                   \
            .min_ns = (total),                                                                     \
            .max_ns = (total)                                                                      \
        }                                                                                          \
    }

Test(tables, order_phases_by_time_below_what_they_are_in)
{
    struct phase_row phases[] = {PHASE_OF("a", 100),     PHASE_OF("a/x", 20), PHASE_OF("a/y", 70),
                                 PHASE_OF("a/y/z", 35),  PHASE_OF("b", 300),  PHASE_OF("b-c", 5),
                                 PHASE_OF("gone/d", 200)};
    char *text = written_phases(phases, COUNT_OF(phases), 0);
    const char *table = strstr(text, "  Phase ");
    cr_assert(table != NULL, "%s", text);
    static const char *const order[] = {"\n  b  ",     "\n  gone/d  ", "\n  a  ",  "\n    y  ",
                                        "\n      z  ", "\n    x  ",    "\n  b-c  "};
    for (size_t i = 0; i < COUNT_OF(order); i++) {
        table = strstr(table, order[i]);
        cr_assert(table != NULL, "%s in %s", order[i], text);
    }
    cr_expect(strstr(text, " 70.0 %") && strstr(text, " 50.0 %"), "%s", text);
    free(text);
}

Test(tables, of_few_phases_keep_the_longest_and_what_they_are_in)
{
    struct phase_row phases[] = {PHASE_OF("a", 100), PHASE_OF("a/x", 20), PHASE_OF("b", 10),
                                 PHASE_OF("gone/d", 50), PHASE_OF("gone/d/e", 60)};
    char *text = written_phases(phases, COUNT_OF(phases), 2);
    cr_expect(strstr(text, "\n  a  ") && strstr(text, "\n  gone/d  ") &&
                  strstr(text, "\n    e  ") && !strstr(text, "\n  b  ") &&
                  !strstr(text, "\n    x  "),
              "%s", text);
    cr_expect(strstr(text, "\n  ... and 2 more\n") != NULL, "%s", text);
    free(text);
}

Test(tables, leave_out_columns_that_say_nothing)
{
    struct phase_row phases[] = {PHASE_OF("a", 100)};
    char *text = written_phases(phases, 1, 0);
    cr_expect(strstr(text, "\n  Phase  Count    Wall\n") != NULL, "%s", text);
    cr_expect(strstr(text, "Of parent") == NULL && strstr(text, "Blocked") == NULL, "%s", text);
    free(text);
}

/* A table with an address, a thread, and a name, `width` wide; the caller frees it. */
static char *written_in(unsigned width, const char *address, const char *thread, const char *name)
{
    static const struct column columns[] = {{"Address", COLUMN_TEXT, CUT_RIGHT},
                                            {"Thread", COLUMN_TEXT, CUT_RIGHT},
                                            {"Name", COLUMN_TEXT, CUT_RIGHT}};
    struct table *table = table_new(columns, COUNT_OF(columns));
    table_text(table, address);
    table_text(table, thread);
    table_text(table, name);
    char *text = NULL;
    size_t count = 0;
    FILE *out = open_memstream(&text, &count);
    table_print(table, out, &(struct table_style){.width = width});
    fclose(out);
    table_free(table);
    return text;
}

Test(tables, truncate_names_but_neither_numbers_nor_ids)
{
    char *text = written_in(50, "140625618394160", "image-thumbnail-w2 (1234567)",
                            "a-name-that-is-longer-than-there-is-room-for");
    cr_expect(strstr(text, "\n  140625618394160  ") != NULL, "%s", text);
    cr_expect(strstr(text, "\u2026 (1234567)  a-name-") != NULL, "%s", text);
    free(text);
    text = written_in(44, "12", "worker (266) of a-long-name (265)", "shard 1234567890");
    cr_expect(strstr(text, "  worker (266) o") != NULL && strstr(text, "(26\u2026") == NULL, "%s",
              text);
    free(text);
}

Test(tables, break_headlines_and_notes_at_the_width)
{
    struct hand_report hand;
    hand_report_init(&hand);
    char *text = written(&hand, (struct tables_options){.style.width = 60});
    cr_expect(strcspn(text, "\n") <= 60, "%s", text);
    cr_expect(strstr(text, "phase request, without those in nested\n  phases") != NULL, "%s", text);
    const char *end = strstr(text, "\n5 events lost");
    cr_assert(end != NULL, "%s", text);
    for (const char *line = end + 1; *line; line += strcspn(line, "\n") + 1)
        cr_expect(strcspn(line, "\n") <= 60, "%s", line);
    free(text);
}

Test(tables, name_waits_outside_segments)
{
    struct hand_report hand;
    hand_report_init(&hand);
    hand.phases[0].queued_ns = 1000000;
    hand.phases[0].unknown_ns = 1084000000;
    struct wait_row wait = {.pid = hand.phases[0].pid,
                            .phase = hand.phases[0].phase,
                            .process = "shopd",
                            .kind = WAKER_IDLE,
                            .by_pid = REPORT_NONE,
                            .by_tid = REPORT_NONE,
                            .number = REPORT_NONE,
                            .cell = {.count = 1, .total_ns = 5, .max_ns = 5}};
    hand.session.wakers = &wait;
    hand.session.waker_count = 1;
    char *text = written(&hand, (struct tables_options){0});
    cr_expect(strstr(text, "  request, outside segments\n") != NULL, "%s", text);
    cr_expect(strstr(text, " % of phase time on threads unknown") != NULL, "%s", text);
    free(text);
}
