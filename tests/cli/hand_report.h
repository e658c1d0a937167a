/* A hand-written report for tests of output: one session with one process of two phases, and a
 * thread of an unknown process. */
#ifndef TESTS_CLI_HAND_REPORT_H
#define TESTS_CLI_HAND_REPORT_H

#include "results/report.h"

#define HAND_BEGIN_NS INT64_C(1795388976258944395) /* 2026-11-22 23:09:36 UTC */
#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

static const struct durations_bucket
    HAND_FUTEX[] = {{1, 69}, {89, 15 * 8 + 4}, {9, 21 * 8 + 4}, {1, 204}},
    HAND_READ[] = {{1, 88}, {998, 11 * 8 + 4}, {1, 95}},
    HAND_REQUEST[] = {{1, 164}, {599, 165}, {603, 20 * 8 + 7}, {1, 212}},
    HAND_PARSE[] = {{1, 79}, {599, 20 * 8}, {603, 20 * 8 + 3}, {1, 167}},
    HAND_FILE[] = {{1, 78}, {102398, 11 * 8 + 4}, {1, 188}},
    HAND_SOCKET[] = {{1, 77}, {808, 16 * 8}, {1, 166}};

#define HAND_DURATIONS(number, total, least, most, buckets)                                        \
    {                                                                                              \
        .count = (number), .total_ns = (total), .min_ns = (least), .max_ns = (most),               \
        .listed = (buckets), .size = COUNT_OF(buckets), .form = DURATIONS_LISTED                   \
    }

struct hand_report {
    const char *hosts[1];
    struct named_number errors[2], causes[3];
    struct process_row processes[2];
    struct thread_row threads[2];
    struct syscall_row syscalls[4];
    struct phase_row phases[2];
    struct named_number instance_causes[1];
    struct named_value match[1], captured[2];
    struct instance_row instances[2];
    struct fd_row fds[2];
    struct file_row files[2];
    struct cpu_row cpus[2];
    struct sched_row scheds[1];
    struct session_report session;
    struct report report;
};

static inline void hand_report_init(struct hand_report *hand)
{
    *hand = (struct hand_report){
        .hosts = {"node-1"},
        .errors = {{"EAGAIN", 12}, {"EINTR", 1}},
        .causes = {{"", 20000000}, {"futex", 5120000000}, {"pread64", 1120000000}},
        .processes = {{.pid = 7,
                       .ppid = REPORT_NONE,
                       .begin_ns = HAND_BEGIN_NS,
                       .end_ns = HAND_BEGIN_NS,
                       .threads = 1},
                      {.pid = 4242,
                       .process = "shopd",
                       .ppid = 1,
                       .begin_ns = HAND_BEGIN_NS + 5,
                       .end_ns = HAND_BEGIN_NS + 20000000005,
                       .begin_hard = true,
                       .threads = 9,
                       .cpu_ns = 4070000000,
                       .irq_ns = 30000000,
                       .softirq_ns = 20000000}},
        .threads = {{.tid = 7,
                     .begin_ns = HAND_BEGIN_NS,
                     .end_ns = HAND_BEGIN_NS + 10,
                     .pid = REPORT_NONE,
                     .unknown_ns = 10000},
                    {.tid = 4251,
                     .begin_ns = HAND_BEGIN_NS + 5,
                     .end_ns = HAND_BEGIN_NS + 20000000005,
                     .pid = 4242,
                     .name = "worker",
                     .end_hard = true,
                     .cpu_ns = 4070000000,
                     .switches = 77,
                     .user_cpu_ns = 3870000000,
                     .sys_cpu_ns = 200000000,
                     .runnable_ns = 220000000,
                     .blocked_ns = 15710000000}},
        .syscalls = {{.pid = REPORT_NONE, .phase = "", .syscall = "exit", .end_unknown = 3},
                     {.pid = 4242,
                      .phase = "",
                      .syscall = "read",
                      .process = "shopd",
                      .complete = {.count = 1, .total_ns = 1500, .min_ns = 1500, .max_ns = 1500},
                      .bytes = 17,
                      .slowest_tid = 4242,
                      .slowest_begin_ns = HAND_BEGIN_NS + 1000},
                     {.pid = 4242,
                      .phase = "request",
                      .syscall = "futex",
                      .process = "shopd",
                      .complete = HAND_DURATIONS(100, 5120000000, 400, 48021300, HAND_FUTEX),
                      .begin_unknown = 1,
                      .end_unknown = 2,
                      .slowest_tid = 4251,
                      .slowest_begin_ns = HAND_BEGIN_NS + 4000000000},
                     {.pid = 4242,
                      .phase = "request",
                      .syscall = "read",
                      .process = "shopd",
                      .complete = HAND_DURATIONS(1000, 3000000, 2100, 4000, HAND_READ),
                      .bytes = 65536,
                      .slowest_tid = 4252,
                      .slowest_begin_ns = HAND_BEGIN_NS + 2}},
        .phases = {{.pid = 4242,
                    .phase = "request",
                    .process = "shopd",
                    .complete = HAND_DURATIONS(1204, 10840000000, 1555735, 98000000, HAND_REQUEST),
                    .begin_unknown = 3,
                    .end_unknown = 7,
                    .user_cpu_ns = 3710000000,
                    .sys_cpu_ns = 200000000,
                    .runnable_ns = 220000000,
                    .blocked_ns = 6710000000,
                    .interrupted = {.irq_ns = 30000000, .softirq_ns = 20000000, .sys_ns = 10000000},
                    .syscalls = 214302},
                   {.pid = 4242,
                    .phase = "request/parse",
                    .process = "shopd",
                    .complete = HAND_DURATIONS(1204, 1210000000, 1000, 2000000, HAND_PARSE),
                    .user_cpu_ns = 1210000000,
                    .syscalls = 12040}},
        .instance_causes = {{"futex", 66000000}},
        .match = {{"id", {.type = FIELD_INT, .i = INT64_MIN}}},
        .captured = {{"pa\"th", {.type = FIELD_TEXT, .text = {"/a\"b", 4}}},
                     {"size", {.type = FIELD_ABSENT}}},
        .instances = {{.pid = 4242,
                       .phase = "request",
                       .order = (UINT64_C(17) << 16) + 1,
                       .process = "shopd",
                       .tid = 4251,
                       .name = "worker",
                       .end_tid = 4252,
                       .begin_ns = HAND_BEGIN_NS + 3,
                       .end_ns = HAND_BEGIN_NS + 98000003,
                       .total_ns = 98000000,
                       .user_cpu_ns = 30000000,
                       .sys_cpu_ns = 1000000,
                       .runnable_ns = 1000000,
                       .blocked_ns = 66000000,
                       .syscalls = 12},
                      {.pid = 4242,
                       .phase = "request",
                       .order = (UINT64_C(99) << 16) + 2,
                       .process = "shopd",
                       .tid = REPORT_NONE,
                       .end_tid = REPORT_NONE,
                       .begin_ns = HAND_BEGIN_NS + 9,
                       .end_ns = HAND_BEGIN_NS + 1000009,
                       .total_ns = 1000000,
                       .unknown_ns = 1000000}},
        .fds = {{.pid = 4242, .fd = 0, .begin_ns = HAND_BEGIN_NS, .end_ns = REPORT_NONE},
                {.pid = 4242,
                 .fd = 13,
                 .begin_ns = HAND_BEGIN_NS + 9,
                 .name = "/tmp/a\"b",
                 .kind = "file",
                 .begin_hard = true,
                 .end_hard = true,
                 .end_ns = HAND_BEGIN_NS + 99,
                 .calls = 3,
                 .read_bytes = 17,
                 .total_ns = 1500}},
        .files = {{.pid = 4242,
                   .phase = "request",
                   .process = "shopd",
                   .name = "/var/lib/shop/stock.db",
                   .kind = "file",
                   .fd = 13,
                   .calls = HAND_DURATIONS(102400, 1170000000, 900, 11871000, HAND_FILE),
                   .read_bytes = 419430400},
                  {.pid = 4242,
                   .phase = "request",
                   .process = "shopd",
                   .kind = "socket",
                   .fd = REPORT_NONE,
                   .calls = HAND_DURATIONS(810, 310000000, 800, 1900000, HAND_SOCKET),
                   .read_bytes = 12687770,
                   .write_bytes = 418}},
        .cpus = {{0, 15000000000, 5000000000}, {1, 5000000000, 4000000000}},
        .scheds = {{.tid = 4251,
                    .begin_ns = HAND_BEGIN_NS + 5,
                    .pid = 4242,
                    .name = "worker",
                    .latency = {.count = 3,
                                .total_ns = 60000,
                                .min_ns = 17000,
                                .max_ns = 25000,
                                .middle_ns = 18000}}},
        .session = {.session = "node-1/shop/20261122T230916+0000",
                    .chunks = 12,
                    .events = 48211903,
                    .begin_ns = HAND_BEGIN_NS,
                    .end_ns = HAND_BEGIN_NS + 20000000005,
                    .host_count = 1,
                    .kernel = true,
                    .user = true,
                    .tallies.at = {[TALLY_DISCARDED] = 5, [TALLY_LOSS_BORDERS] = 2}},
    };
    hand->syscalls[2].errors = (struct named_numbers){hand->errors, 2};
    hand->phases[0].blocked_by = (struct named_numbers){hand->causes, 3};
    hand->instances[0].blocked_by = (struct named_numbers){hand->instance_causes, 1};
    hand->instances[0].match = (struct named_values){hand->match, 1};
    hand->instances[0].captured = (struct named_values){hand->captured, 2};

    struct session_report *session = &hand->session;
    session->hosts = hand->hosts;
    session->processes = hand->processes;
    session->process_count = COUNT_OF(hand->processes);
    session->threads = hand->threads;
    session->thread_count = COUNT_OF(hand->threads);
    session->syscalls = hand->syscalls;
    session->syscall_count = COUNT_OF(hand->syscalls);
    session->phases = hand->phases;
    session->phase_count = COUNT_OF(hand->phases);
    session->instances = hand->instances;
    session->instance_count = COUNT_OF(hand->instances);
    session->fds = hand->fds;
    session->fd_count = COUNT_OF(hand->fds);
    session->files = hand->files;
    session->file_count = COUNT_OF(hand->files);
    session->cpus = hand->cpus;
    session->cpu_count = COUNT_OF(hand->cpus);
    session->scheds = hand->scheds;
    session->sched_count = COUNT_OF(hand->scheds);
    hand->report = (struct report){.sessions = session, .session_count = 1};
}

#endif
