#include "bus/bus_help.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

uint64_t bench_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void bench_sleep_ms(uint64_t ms)
{
    nanosleep(&(struct timespec){(time_t)(ms / 1000), (long)(ms % 1000) * 1000000}, NULL);
}

/* --- broker and topics --- */

static void read_bootstrap(const char *folder, char room[64])
{
    char path[300];
    snprintf(path, sizeof path, "%s/bootstrap", folder);
    FILE *file = fopen(path, "r");
    cr_assert(file != NULL, "%s: there is no broker", path);
    cr_assert(fgets(room, 64, file) != NULL);
    room[strcspn(room, "\n")] = '\0';
    fclose(file);
}

void bench_set(struct bench *bench, const char *key, const char *value)
{
    cr_assert(bench->settings.pair_count < PAIRS_MAX);
    bench->pairs[bench->settings.pair_count++] = (struct bus_pair){key, value, "test"};
}

static void log_nothing(void *context, int level, const char *text)
{
    (void)context;
    if (getenv("BUS_LOG"))
        fprintf(stderr, "<%d> %s\n", level, text);
}

static void init_settings(struct bench *bench)
{
    uint32_t number;
    cr_assert(getrandom(&number, sizeof number, 0) == sizeof number);
    snprintf(bench->prefix, sizeof bench->prefix, "bus%d-%08x", (int)getpid(), number);
    bench->settings = (struct bus_settings){.brokers = bench->brokers,
                                            .prefix = bench->prefix,
                                            .pairs = bench->pairs,
                                            .log = log_nothing};
    bench_set(bench, "session.timeout.ms", "6000");
    bench_set(bench, "heartbeat.interval.ms", "500");
    bench_set(bench, "reconnect.backoff.max.ms", "500");
}

static void pass_over(void *context, const char *what, const char *planned, const char *found)
{
    (void)context, (void)what, (void)planned, (void)found;
}

/* Other brokers know a new topic a moment later than the one that creates it. */
static void make_topic(struct bus_admin *admin, enum bus_topic topic, int32_t partitions)
{
    struct failure why = {""};
    struct bus_topic_plan plan = {.topic = topic, .partitions = partitions, .replication = 1};
    uint64_t end_ms = bench_now_ms() + LIMIT_MS;
    enum status status;
    do
        status = bus_admin_create(admin, &plan, &why);
    while (status == STATUS_RETRY && bench_now_ms() < end_ms);
    cr_assert(status == STATUS_OK || status == STATUS_END, "%s", why.text);
    do {
        cr_assert(bench_now_ms() < end_ms, "topic %d never comes", (int)topic);
        status = bus_admin_check(admin, &plan, pass_over, NULL, &why);
    } while (status != STATUS_OK);
}

static void make_topics(struct bench *bench, int32_t partitions)
{
    struct bus_admin *admin;
    struct failure why = {""};
    cr_assert(eq(int, bus_admin_new(&bench->settings, &admin, &why), STATUS_OK), "%s", why.text);
    make_topic(admin, BUS_CHUNKS, partitions);
    make_topic(admin, BUS_PARTIALS, 1);
    make_topic(admin, BUS_STATE, 1);
    bus_admin_free(admin);
}

void bench_init(struct bench *bench, int32_t partitions)
{
    *bench = (struct bench){.brokers = ""};
    const char *folder = getenv("BROKER_FOLDER"), *address = getenv("BROKER");
    cr_assert(folder || address, "neither BROKER_FOLDER nor BROKER is set");
    if (address)
        snprintf(bench->brokers, sizeof bench->brokers, "%s", address);
    else
        read_bootstrap(folder, bench->brokers);
    init_settings(bench);
    make_topics(bench, partitions);
}

void bench_broker(const char *folder, const char *action)
{
    char command[200];
    snprintf(command, sizeof command, "tests/kafka/broker.sh %s '%s' >/dev/null", action, folder);
    cr_assert(eq(int, system(command), 0), "%s", command);
}

/* All threads: one that has not yet seen the signal still answers. */
static bool is_stopped(int pid)
{
    char path[300], line[256];
    snprintf(path, sizeof path, "/proc/%d/task", pid);
    DIR *threads = opendir(path);
    cr_assert(threads != NULL);
    bool all = true;
    for (struct dirent *entry; all && (entry = readdir(threads)) != NULL;) {
        snprintf(path, sizeof path, "/proc/%d/task/%.20s/stat", pid, entry->d_name);
        FILE *file = entry->d_name[0] == '.' ? NULL : fopen(path, "r");
        if (!file)
            continue;
        const char *name_end = fgets(line, sizeof line, file) ? strrchr(line, ')') : NULL;
        all = name_end && name_end[1] == ' ' && name_end[2] == 'T';
        fclose(file);
    }
    closedir(threads);
    return all;
}

void bench_signal_broker(const char *folder, int number)
{
    char path[300];
    snprintf(path, sizeof path, "%s/pid", folder);
    FILE *file = fopen(path, "r");
    int pid = 0;
    cr_assert(file && fscanf(file, "%d", &pid) == 1 && pid > 1);
    fclose(file);
    cr_assert(eq(int, kill(pid, number), 0));
    for (int tries = 0; number == SIGSTOP && !is_stopped(pid); tries++) {
        cr_assert(lt(int, tries, 10000));
        bench_sleep_ms(1);
    }
}

void bench_init_own_broker(struct bench *bench, int32_t partitions, char folder[64])
{
    *bench = (struct bench){.brokers = ""};
    snprintf(folder, 64, "/tmp/spanmill-broker-XXXXXX");
    cr_assert(mkdtemp(folder) != NULL);
    char owner[16];
    snprintf(owner, sizeof owner, "%d", (int)getpid());
    setenv("BROKER_OWNER", owner, 1);
    bench_broker(folder, "start");
    read_bootstrap(folder, bench->brokers);
    init_settings(bench);
    make_topics(bench, partitions);
}

/* --- records --- */

struct bus_record bench_record(enum bus_topic topic, int32_t partition, const char *key,
                               const char *value)
{
    return (struct bus_record){.topic = topic,
                               .partition = partition,
                               .route = text_of(key),
                               .key = text_of(key),
                               .value = {(const uint8_t *)value, value ? strlen(value) : 0}};
}

bool never_over(void *context)
{
    (void)context;
    return false;
}

struct bus_producer *bench_producer(const struct bench *bench, const char *transactional_id)
{
    struct bus_producer *producer;
    struct failure why = {""};
    struct bus_patience patience = {never_over, NULL};
    char id[128];
    snprintf(id, sizeof id, "%s-%s", bench->prefix, transactional_id ? transactional_id : "");
    enum status status = bus_producer_new(&bench->settings, transactional_id ? id : NULL, &patience,
                                          &producer, &why);
    cr_assert(eq(int, status, STATUS_OK), "%s", why.text);
    return producer;
}

void bench_fill(const struct bench *bench, int32_t partition, unsigned count)
{
    struct bus_producer *producer = bench_producer(bench, NULL);
    struct failure why = {""};
    for (unsigned i = 0; i < count; i++) {
        char value[16];
        snprintf(value, sizeof value, "%u", i);
        struct bus_record record = bench_record(BUS_CHUNKS, partition, "key", value);
        enum status status = bus_deliver(producer, &record, 1, LIMIT_MS, NULL, NULL, &why);
        cr_assert(eq(int, status, STATUS_OK), "%s", why.text);
    }
    bus_producer_free(producer);
}

bool value_is(const struct bus_message *message, const char *value)
{
    return message->value.count == strlen(value) &&
           memcmp(message->value.at, value, message->value.count) == 0;
}

int64_t bench_wait_end(struct bus_reader *reader, enum bus_topic topic, int32_t partition,
                       int64_t least)
{
    struct failure why = {""};
    int64_t first, end = 0;
    uint64_t limit_ms = bench_now_ms() + LIMIT_MS;
    for (;;) {
        enum status status = bus_reader_range(reader, topic, partition, &first, &end, &why);
        if (status == STATUS_OK && end >= least)
            return end;
        cr_assert(bench_now_ms() < limit_ms, "the end is %lld, not %lld; %s", (long long)end,
                  (long long)least, why.text);
        bench_sleep_ms(50);
    }
}

const char *bench_read(const struct bench *bench, enum bus_topic topic, int32_t partition,
                       char room[1024])
{
    struct bus_reader *reader;
    struct failure why = {""};
    cr_assert(eq(int, bus_reader_new(&bench->settings, true, &reader, &why), STATUS_OK));
    struct bus_start start = {topic, partition, 0};
    cr_assert(eq(int, bus_reader_assign(reader, &start, 1, &why), STATUS_OK));
    size_t used = 0;
    room[0] = '\0';
    uint64_t limit_ms = bench_now_ms() + LIMIT_MS;
    for (bool done = false; !done;) {
        struct bus_message message;
        cr_assert(bench_now_ms() < limit_ms, "the end of the partition never comes");
        if (bus_reader_poll(reader, 100, &message, &why) != STATUS_OK)
            continue;
        if (message.end) {
            /* The last stable offset; reported again when it grows. */
            done = message.offset >= bench_wait_end(reader, topic, partition, 0);
            continue;
        }
        used += (size_t)snprintf(room + used, 1024 - used, "%.*s ",
                                 message.value.at ? (int)message.value.count : 1,
                                 message.value.at ? (const char *)message.value.at : "-");
        cr_assert(used < 1024);
    }
    bus_reader_free(reader);
    return room;
}

/* --- members --- */

static int64_t on_assigned(void *context, int32_t partition)
{
    (void)partition;
    struct member *member = context;
    member->assigned++;
    return member->begin_at;
}

static void on_revoked(void *context, bool lost)
{
    struct member *member = context;
    member->revoked++;
    member->lost += lost;
}

static void on_say(void *context, const char *sentence)
{
    struct member *member = context;
    member->said++;
    snprintf(member->last_said, sizeof member->last_said, "%s", sentence);
}

void member_join(struct member *member, const struct bench *bench, const char *instance)
{
    struct failure why = {""};
    *member = (struct member){.begin_at = BUS_OFFSET_NONE};
    struct bus_consumer_options options = {.topic = BUS_CHUNKS,
                                           .role = "test",
                                           .instance = instance,
                                           .long_work = true,
                                           .rebalance = {on_assigned, on_revoked, on_say, member}};
    enum status status = bus_consumer_new(&bench->settings, &options, &member->bus, &why);
    cr_assert(eq(int, status, STATUS_OK), "%s", why.text);
}

static enum status poll_once(struct member *member)
{
    struct failure why = {""};
    enum status status = bus_consumer_poll(member->bus, 50, &member->message, &why);
    cr_assert(ne(int, status, STATUS_STOP), "%s", why.text);
    return status;
}

void member_wait_owned(struct member *member, size_t count, uint64_t limit_ms)
{
    uint64_t end_ms = bench_now_ms() + limit_ms;
    for (;;) {
        size_t owned;
        bus_consumer_owned(member->bus, &owned);
        if (owned == count && member->assigned > 0)
            return;
        cr_assert(bench_now_ms() < end_ms, "%zu partitions, not %zu; last said: %s", owned, count,
                  member->last_said);
        bool record = poll_once(member) == STATUS_OK && !member->message.end;
        cr_assert(not(record), "a record came too early");
    }
}

bool member_next(struct member *member, uint64_t limit_ms)
{
    uint64_t end_ms = bench_now_ms() + limit_ms;
    while (bench_now_ms() < end_ms)
        if (poll_once(member) == STATUS_OK && !member->message.end)
            return true;
    return false;
}

unsigned member_drain(struct member *member, uint64_t limit_ms)
{
    unsigned count = 0;
    uint64_t end_ms = bench_now_ms() + limit_ms;
    for (;;) {
        cr_assert(bench_now_ms() < end_ms, "the end never comes; last said: %s", member->last_said);
        if (poll_once(member) != STATUS_OK)
            continue;
        if (member->message.end)
            return count;
        count++;
    }
}

void member_poll_for(struct member *member, uint64_t ms)
{
    cr_assert(not(member_next(member, ms)), "a record at %lld, while paused",
              (long long)member->message.offset);
}

int64_t member_committed(struct member *member, char metadata[BUS_METADATA_MAX])
{
    int64_t offset;
    struct failure why = {""};
    uint64_t end_ms = bench_now_ms() + LIMIT_MS;
    enum status status;
    do
        status = bus_consumer_committed(member->bus, 0, &offset, metadata, &why);
    while (status == STATUS_RETRY && bench_now_ms() < end_ms);
    cr_assert(eq(int, status, STATUS_OK), "%s", why.text);
    return offset;
}

void member_leave(struct member *member)
{
    bus_consumer_free(member->bus);
    member->bus = NULL;
}
