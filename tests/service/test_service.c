#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "service/service.h"

static const struct config_section *const sections[] = {&service_kafka_section, &service_section};
static const struct config_program program = {
    .command = "mill", .about = "Mills.", .sections = sections, .count = 2};

/* A service with the arguments `words`, which end with NULL. */
static struct service *open_service(struct config **config, char **words)
{
    char *argv[16] = {(char *)(uintptr_t) "mill"};
    int argc = 1;
    for (; words[argc - 1]; argc++)
        argv[argc] = words[argc - 1];
    cr_assert(eq(int, config_load(&program, argc, argv, stdout, stderr, config), CONFIG_RUN));
    struct service *service = NULL;
    struct failure why = {""};
    cr_assert(eq(int, service_open(*config, NULL, 0, &service, &why), STATUS_OK), "%s", why.text);
    return service;
}

#define WORDS(...) ((char *[]){__VA_ARGS__ NULL})
#define WORD(text) ((char *)(uintptr_t)(text))
#define QUIET WORD("--log-level=error"), WORD("--health-listen=off"),

static void close_service(struct service *service, struct config *config)
{
    service_close(service);
    config_free(config);
}

Test(service, a_signal_asks_to_stop_and_a_second_one_at_once)
{
    struct config *config;
    struct service *service = open_service(&config, WORDS(QUIET WORD("--drain=10s"), ));
    cr_expect(not(service_stopping(service)));
    cr_expect(eq(u64, service_drain_left_ms(service), UINT64_MAX));
    kill(getpid(), SIGTERM);
    cr_expect(service_stopping(service));
    cr_expect(service_stopping(service), "and it stays so");
    uint64_t left = service_drain_left_ms(service);
    cr_expect(gt(u64, left, 9000));
    cr_expect(le(u64, left, 10000));
    kill(getpid(), SIGINT);
    cr_expect(zero(u64, service_drain_left_ms(service)));
    close_service(service, config);
}

Test(service, draining_ends)
{
    struct config *config;
    struct service *service = open_service(&config, WORDS(QUIET WORD("--drain=200ms"), ));
    kill(getpid(), SIGTERM);
    cr_expect(gt(u64, service_drain_left_ms(service), 0));
    uint64_t before = service_now_ms();
    cr_expect(not(service_sleep(service, 5000)));
    uint64_t slept = service_now_ms() - before;
    cr_expect(lt(u64, slept, 2000));
    cr_expect(ge(u64, slept, 150));
    cr_expect(zero(u64, service_drain_left_ms(service)));
    close_service(service, config);
}

Test(service, sleep_wakes_for_a_signal)
{
    struct config *config;
    struct service *service = open_service(&config, WORDS(QUIET));
    uint64_t before = service_now_ms();
    cr_expect(service_sleep(service, 100));
    cr_expect(ge(u64, service_now_ms() - before, 100));

    pid_t parent = getpid();
    pid_t child = fork();
    if (child == 0) {
        usleep(100000);
        kill(parent, SIGINT);
        _exit(0);
    }
    cr_expect(not(service_sleep(service, 20000)));
    cr_expect(lt(u64, service_now_ms() - before, 10000));
    waitpid(child, NULL, 0);
    close_service(service, config);
}

Test(service, an_instance_that_was_not_given_is_of_this_process)
{
    struct config *config;
    struct service *service = open_service(&config, WORDS(QUIET));
    char pid[32];
    snprintf(pid, sizeof pid, "-%d", (int)getpid());
    const char *end = strstr(service_instance(service), pid);
    cr_expect(end && strcmp(end, pid) == 0 && end > service_instance(service), "%s",
              service_instance(service));
    cr_expect(not(service_instance_is_given(service)));
    close_service(service, config);
    service = open_service(&config, WORDS(QUIET WORD("--instance=reducer-0"), ));
    cr_expect(eq(str, WORD(service_instance(service)), WORD("reducer-0")));
    cr_expect(service_instance_is_given(service));
    close_service(service, config);
}

/* Configured or not, the port is in the log. */
Test(service, health_takes_the_next_port_where_one_is_taken)
{
    struct config *config, *other_config;
    struct service *first = open_service(
        &config, WORDS(WORD("--log-level=error"), WORD("--health-listen=127.0.0.1:0"), ));
    cr_assert(service_health(first) != NULL);
    char listen[128];
    snprintf(listen, sizeof listen, "--health-listen=%s", health_address(service_health(first)));
    struct service *second =
        open_service(&other_config, WORDS(WORD("--log-level=error"), listen, ));
    cr_assert(service_health(second) != NULL);
    cr_expect(health_gave_way(service_health(second)));
    close_service(second, other_config);
    close_service(first, config);

    struct config *a_config, *b_config;
    struct service *a = open_service(&a_config, WORDS(WORD("--log-level=error"), ));
    struct service *b = open_service(&b_config, WORDS(WORD("--log-level=error"), ));
    cr_assert(service_health(a) != NULL && service_health(b) != NULL);
    cr_expect(
        ne(str, WORD(health_address(service_health(a))), WORD(health_address(service_health(b)))));
    close_service(b, b_config);
    close_service(a, a_config);
}

Test(service, settings_of_librdkafka_reach_the_bus_with_their_source)
{
    setenv("SPANMILL_KAFKA_LINGER_MS", "7", 1);
    struct config *config;
    struct service *service = open_service(
        &config, WORDS(QUIET WORD("--prefix=shop"), WORD("-b"), WORD("k:1"), WORD("-Xacks=all"), ));
    const struct bus_settings *bus = service_bus(service);
    cr_expect(eq(str, WORD(bus->brokers), WORD("k:1")));
    cr_expect(eq(str, WORD(bus->prefix), WORD("shop")));
    cr_assert(eq(sz, bus->pair_count, 2));
    cr_expect(eq(str, WORD(bus->pairs[0].key), WORD("linger.ms")));
    cr_expect(eq(str, WORD(bus->pairs[1].value), WORD("all")));
    close_service(service, config);
}

/* The message of service_open() for the argument `word`. */
static void expect_refused(const char *word, const char *said)
{
    struct config *config;
    char *argv[] = {WORD("mill"), WORD("--log-level=error"), WORD(word), NULL};
    cr_assert(eq(int, config_load(&program, 3, argv, stdout, stderr, &config), CONFIG_RUN));
    struct service *service = NULL;
    struct failure why = {""};
    cr_expect(eq(int, service_open(config, NULL, 0, &service, &why), STATUS_REJECT), "%s", word);
    cr_expect(strstr(why.text, said) != NULL, "%s: %s", word, why.text);
    config_free(config);
}

Test(service, a_kafka_setting_that_will_not_do_is_refused_with_its_source)
{
    expect_refused("-Xno.such.thing=1", "no.such.thing");
    expect_refused("-Xgroup.id=x", "flag --kafka: group.id cannot be set: ");
    setenv("SPANMILL_KAFKA_ISOLATION_LEVEL", "read_uncommitted", 1);
    expect_refused("--prefix=a",
                   "environment SPANMILL_KAFKA_ISOLATION_LEVEL: isolation.level cannot");
    unsetenv("SPANMILL_KAFKA_ISOLATION_LEVEL");
    expect_refused("--health-listen=192.0.2.1:80", "health-listen (flag --health-listen): 192.0");
    expect_refused("--brokers=", "brokers (flag --brokers): no broker given");
    expect_refused("-bk:9092,l:x", "`l:x` is not a broker");
    expect_refused("-Xno.such.thing=1", "flag --kafka");
    expect_refused("--prefix=a/b", "prefix (flag --prefix): `a/b` must have");
    expect_refused("--prefix=", "prefix (flag --prefix): `` must have");
}

/* For a process that passes the point "here" five times with this SPANMILL_CRASH_AT: how often it
 * passed, or -1 if nothing killed it. */
static int passed_before_death(const char *at)
{
    int ends[2];
    cr_assert(pipe(ends) == 0);
    pid_t child = fork();
    if (child == 0) {
        setenv("SPANMILL_CRASH_AT", at, 1);
        for (int i = 0; i < 5; i++) {
            crash_point("there");
            crash_point("here");
            if (write(ends[1], "x", 1) != 1)
                _exit(1);
        }
        _exit(0);
    }
    close(ends[1]);
    char passed[16];
    int count = 0;
    for (ssize_t got; (got = read(ends[0], passed, sizeof passed)) > 0;)
        count += (int)got;
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL ? count : -1;
}

#ifdef SPANMILL_CRASH_POINTS

Test(crash, a_process_dies_at_the_passing_that_was_asked_for)
{
    cr_expect(eq(int, passed_before_death("here"), 0));
    cr_expect(eq(int, passed_before_death("here:1"), 0));
    cr_expect(eq(int, passed_before_death("here:3"), 2));
    cr_expect(eq(int, passed_before_death("here:6"), -1));
    cr_expect(eq(int, passed_before_death("her"), -1));
    cr_expect(eq(int, passed_before_death("hereabouts"), -1));
}

Test(crash, a_mutant_is_one_only_by_its_name)
{
    cr_expect(not(mutant("blind")));
    setenv("SPANMILL_MUTANT", "blind", 1);
    cr_expect(mutant("blind"));
    cr_expect(not(mutant("blin")));
}

#else

Test(crash, nobody_dies_and_nobody_is_a_mutant_in_what_is_installed)
{
    cr_expect(eq(int, passed_before_death("here"), -1));
    setenv("SPANMILL_MUTANT", "blind", 1);
    cr_expect(not(mutant("blind")));
}

#endif
