/* A broker that hangs, dies, and restarts: what was reported as committed is committed once, and no
 * call waits without limit. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bus/bus_help.h"

static struct bench bench;
static char folder[64];

/* Kills the broker after a while and restarts it, from a separate process. */
static pid_t restart_later(unsigned after_ms)
{
    pid_t pid = fork();
    cr_assert(pid >= 0);
    if (pid > 0)
        return pid;
    char command[200];
    snprintf(command, sizeof command,
             "sleep %u.%03u; tests/kafka/broker.sh restart '%s' >/dev/null 2>&1", after_ms / 1000,
             after_ms % 1000, folder);
    execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(127);
}

static void wait_for(pid_t pid)
{
    int code;
    cr_assert(waitpid(pid, &code, 0) == pid && WIFEXITED(code) && WEXITSTATUS(code) == 0,
              "the broker does not come back");
}

static const char *numbers(unsigned count, char room[1024])
{
    size_t used = 0;
    for (unsigned i = 0; i < count; i++)
        used += (size_t)snprintf(room + used, 1024 - used, "%u ", i);
    return room;
}

Test(outage, records_are_delivered_once_over_a_restart, .timeout = 600)
{
    enum { COUNT = 200 };
    char expected[1024], found[1024];
    struct failure why = {""};
    bench_init_own_broker(&bench, 1, folder);
    struct bus_producer *producer = bench_producer(&bench, NULL);
    pid_t restart = restart_later(200);
    for (unsigned i = 0; i < COUNT; i++) {
        char value[16];
        snprintf(value, sizeof value, "%u", i);
        struct bus_record record = bench_record(BUS_CHUNKS, 0, "key", value);
        cr_assert(eq(int, bus_deliver(producer, &record, 1, LIMIT_MS, NULL, NULL, &why), STATUS_OK),
                  "%s", why.text);
        bench_sleep_ms(i < 100 ? 5 : 0);
    }
    wait_for(restart);
    bench_read(&bench, BUS_CHUNKS, 0, found);
    cr_expect(eq(str, found, (char *)numbers(COUNT, expected)));
    bus_producer_free(producer);
    bench_broker(folder, "stop");
}

/* Like mappers: after an abort, the committed offset shows whether to send the records again. A
 * transaction that was open for longer than its limit fences its own producer; a worker then leaves
 * the group and starts again. */
static unsigned transact_until_done(struct bus_producer **producer, struct member *member,
                                    unsigned number)
{
    static const struct bus_patience patience = {never_over, NULL};
    char value[16], metadata[BUS_METADATA_MAX];
    struct failure why = {""};
    snprintf(value, sizeof value, "%u", number);
    for (unsigned aborted = 0;; aborted++) {
        int64_t offset;
        cr_assert(lt(uint, aborted, 1000), "%s", why.text);
        member_poll_for(member, 20);
        if (!bus_consumer_owns(member->bus, 0) ||
            bus_consumer_committed(member->bus, 0, &offset, metadata, &why) != STATUS_OK)
            continue;
        if (offset > number)
            return aborted;
        struct bus_record record = bench_record(BUS_PARTIALS, 0, "key", value);
        struct bus_offset at = {0, number + 1, NULL};
        enum status status =
            bus_transact(*producer, &record, 1, member->bus, &at, 1, &patience, &why);
        if (status == STATUS_OK)
            return aborted;
        cr_assert(status == STATUS_RETRY || status == STATUS_STOP, "%d: %s", (int)status, why.text);
        if (status == STATUS_STOP) {
            bus_producer_free(*producer);
            *producer = bench_producer(&bench, "one");
        }
    }
}

Test(outage, transactions_count_once_over_restarts, .timeout = 600)
{
    enum { COUNT = 120, RESTARTS = 3 };
    char expected[1024], found[1024];
    struct member member;
    bench_init_own_broker(&bench, 1, folder);
    bench_fill(&bench, 0, 1);
    member_join(&member, &bench, NULL);
    cr_assert(member_next(&member, LIMIT_MS));
    bus_consumer_pause(member.bus);
    struct bus_producer *producer = bench_producer(&bench, "one");
    pid_t restart = -1;
    unsigned aborted = 0;
    for (unsigned i = 0; i < COUNT; i++) {
        if (i % (COUNT / RESTARTS) == 0)
            restart = restart_later(50 + 137 * (i % 7));
        aborted += transact_until_done(&producer, &member, i);
        if (i % (COUNT / RESTARTS) == COUNT / RESTARTS - 1)
            wait_for(restart);
    }
    bench_read(&bench, BUS_PARTIALS, 0, found);
    cr_expect(eq(str, found, (char *)numbers(COUNT, expected)), "%u were aborted", aborted);
    bus_producer_free(producer);
    member_leave(&member);
    bench_broker(folder, "stop");
}

Test(outage, members_go_on_reading_after_a_restart, .timeout = 600)
{
    struct member member;
    bench_init_own_broker(&bench, 1, folder);
    bench_fill(&bench, 0, 4);
    member_join(&member, &bench, NULL);
    cr_assert(member_next(&member, LIMIT_MS));
    cr_assert(member_next(&member, LIMIT_MS));
    bench_broker(folder, "restart");
    bench_fill(&bench, 0, 1);
    unsigned seen = 0;
    while (member_next(&member, seen < 3 ? LIMIT_MS : 2000)) {
        seen++;
        cr_expect(ge(i64, member.message.offset, 0));
    }
    cr_expect(seen >= 3 && seen <= 5, "%u: from where it was, or from the begin", seen);
    member_leave(&member);
    bench_broker(folder, "stop");
}

/* --- calls while there is no answer --- */

/* Each takes some seconds; a call that waits for an answer would not return. */
enum { CALL_MS = 40000 };

#define BOUNDED(call)                                                                              \
    do {                                                                                           \
        uint64_t begin_ms = bench_now_ms();                                                        \
        call;                                                                                      \
        uint64_t took_ms = bench_now_ms() - begin_ms;                                              \
        if (getenv("BUS_LOG"))                                                                     \
            fprintf(stderr, "%6llu ms %s\n", (unsigned long long)took_ms, #call);                  \
        cr_expect(lt(u64, took_ms, CALL_MS), "%s", #call);                                         \
    } while (0)

static bool is_over(void *context)
{
    return bench_now_ms() > *(const uint64_t *)context;
}

static void call_everything(void (*hurt)(void), void (*heal)(void))
{
    struct member member, other;
    struct failure why = {""};
    struct bus_reader *reader;
    struct bus_admin *admin;
    char metadata[BUS_METADATA_MAX];
    int64_t first, end, offsets[1];
    int32_t count;
    enum status status;
    bench_init_own_broker(&bench, 1, folder);
    bench_fill(&bench, 0, 2);
    member_join(&member, &bench, NULL);
    cr_assert(member_next(&member, LIMIT_MS));
    bus_consumer_pause(member.bus);
    struct bus_producer *one = bench_producer(&bench, "one"), *plain = bench_producer(&bench, NULL);
    cr_assert(eq(int, bus_reader_new(&bench.settings, true, &reader, &why), STATUS_OK));
    bench_wait_end(reader, BUS_CHUNKS, 0, 2);
    cr_assert(eq(int, bus_admin_new(&bench.settings, &admin, &why), STATUS_OK));
    do
        status = bus_admin_group_offsets(admin, "test", BUS_CHUNKS, offsets, 1, &why);
    while (status == STATUS_RETRY);
    cr_assert(eq(int, status, STATUS_OK), "%s", why.text);
    hurt();
    struct bus_offset at = {0, 1, "try=1"};
    struct bus_record record = bench_record(BUS_PARTIALS, 0, "key", "value");
    uint64_t over_ms = bench_now_ms() + 1000;
    struct bus_patience patience = {is_over, &over_ms};
    BOUNDED(status = bus_consumer_committed(member.bus, 0, &end, metadata, &why));
    cr_expect(eq(int, status, STATUS_RETRY));
    BOUNDED(status = bus_consumer_commit(member.bus, &at, &why));
    cr_expect(eq(int, status, STATUS_RETRY));
    BOUNDED(status = bus_reader_partitions(reader, BUS_CHUNKS, &count, &why));
    cr_expect(eq(int, status, STATUS_RETRY));
    BOUNDED(status = bus_reader_range(reader, BUS_CHUNKS, 0, &first, &end, &why));
    cr_expect(eq(int, status, STATUS_RETRY));
    BOUNDED(status = bus_admin_group_offsets(admin, "test", BUS_CHUNKS, offsets, 1, &why));
    cr_expect(eq(int, status, STATUS_RETRY));
    BOUNDED(status = bus_deliver(plain, &record, 1, 2000, NULL, NULL, &why));
    cr_expect(eq(int, status, STATUS_RETRY));
    over_ms = bench_now_ms() + 1000;
    BOUNDED(status = bus_transact(one, &record, 1, member.bus, &at, 1, &patience, &why));
    cr_expect(status == STATUS_RETRY || status == STATUS_STOP);
    over_ms = bench_now_ms() + 1000;
    struct bus_producer *none;
    BOUNDED(status = bus_producer_new(&bench.settings, "new", &patience, &none, &why));
    cr_expect(eq(int, status, STATUS_RETRY));
    BOUNDED(bus_producer_free(plain));
    BOUNDED(bus_producer_free(one));
    BOUNDED(bus_reader_free(reader));
    BOUNDED(bus_admin_free(admin));
    member_join(&other, &bench, NULL);
    BOUNDED(member_leave(&other));
    BOUNDED(member_leave(&member));
    heal();
    bench_broker(folder, "stop");
}

static void kill_broker(void)
{
    bench_broker(folder, "kill");
}

static void stop_broker(void)
{
    bench_signal_broker(folder, SIGSTOP);
    bench_sleep_ms(500); /* answers that were in flight */
}

static void continue_broker(void)
{
    bench_signal_broker(folder, SIGCONT);
}

static void nothing(void)
{
}

Test(outage, no_call_waits_for_a_dead_broker, .timeout = 600)
{
    call_everything(kill_broker, nothing);
}

Test(outage, no_call_waits_for_a_broker_that_hangs, .timeout = 600)
{
    call_everything(stop_broker, continue_broker);
}
