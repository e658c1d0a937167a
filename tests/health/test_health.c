/* Requests to the server by curl. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "health/health.h"

static const struct metric_row rows[] = {
    {.type = METRIC_COUNTER, .name = "spanmill_test_total", .help = "of a test"},
};

struct place {
    struct metrics *metrics;
    struct health *health;
};

static struct place open_at(const char *listen, uint64_t stuck_after_ms)
{
    struct place place = {.metrics = metrics_new(rows, 1, 1)};
    struct health_settings settings = {
        .listen = listen, .stuck_after_ms = stuck_after_ms, .metrics = place.metrics};
    struct failure why = {""};
    cr_assert(eq(int, health_open(&settings, &place.health, &why), STATUS_OK), "%s", why.text);
    return place;
}

static void close_place(struct place place)
{
    health_close(place.health);
    metrics_free(place.metrics);
}

/* The response to curl, followed by its status and type. */
static void get(struct place place, const char *options, const char *path, char *answer,
                size_t room)
{
    char command[512];
    snprintf(command, sizeof command,
             "curl -sS --max-time 10 -w '%%{http_code} %%{content_type}' %s 'http://%s%s'", options,
             health_address(place.health), path);
    FILE *curl = popen(command, "r");
    cr_assert(curl != NULL);
    answer[fread(answer, 1, room - 1, curl)] = '\0';
    cr_expect(eq(int, pclose(curl), 0), "%s", command);
}

static void expect_answer(struct place place, const char *path, const char *wanted)
{
    char answer[4096];
    get(place, "", path, answer, sizeof answer);
    cr_expect(eq(str, answer, (char *)(uintptr_t)wanted));
}

#define PLAIN "text/plain; charset=utf-8"

Test(health, is_alive_as_long_as_the_loop_turns)
{
    struct place place = open_at("127.0.0.1:0", 300);
    expect_answer(place, "/livez", "ok\n200 " PLAIN);
    usleep(500000);
    char answer[4096];
    get(place, "", "/livez", answer, sizeof answer);
    cr_expect(strncmp(answer, "stuck: the main loop has not run for ", 37) == 0 &&
                  strstr(answer, "\n503 " PLAIN),
              "%s", answer);
    health_turn(place.health);
    expect_answer(place, "/livez", "ok\n200 " PLAIN);
    close_place(place);
}

Test(health, is_alive_as_long_as_all_loops_turn)
{
    struct place place = open_at("127.0.0.1:0", 300);
    char answer[4096];
    health_turn_of(place.health, 3);
    usleep(500000);
    health_turn(place.health);
    get(place, "", "/livez", answer, sizeof answer);
    cr_expect(strncmp(answer, "stuck: the main loop has not run for ", 37) == 0, "%s", answer);
    health_loop_over(place.health, 3);
    expect_answer(place, "/livez", "ok\n200 " PLAIN);
    close_place(place);
}

Test(health, is_ready_when_it_says_so)
{
    struct place place = open_at("127.0.0.1:0", 1000);
    expect_answer(place, "/readyz", "not ready: starting\n503 " PLAIN);
    health_ready(place.health, true, NULL);
    expect_answer(place, "/readyz", "ok\n200 " PLAIN);
    health_ready(place.health, false, "restoring state");
    expect_answer(place, "/readyz", "not ready: restoring state\n503 " PLAIN);
    close_place(place);
}

Test(health, tells_its_metrics_as_they_are_now)
{
    struct place place = open_at("127.0.0.1:0", 1000);
    metrics_add(place.metrics, 0, 0, 17);
    char answer[4096];
    get(place, "", "/metrics", answer, sizeof answer);
    cr_expect(strstr(answer, "\nspanmill_test_total 17\n") != NULL, "%s", answer);
    cr_expect(strstr(answer, "200 text/plain; version=0.0.4; charset=utf-8") != NULL, "%s", answer);
    cr_expect(strstr(answer, "\nprocess_resident_memory_bytes ") != NULL);
    cr_expect(strstr(answer, "\nprocess_resident_memory_bytes 0\n") == NULL);
    close_place(place);
}

Test(health, one_thread_that_is_ready_is_enough_and_else_each_reason_is_told_once)
{
    struct place place = open_at("127.0.0.1:0", 1000);
    health_ready_of(place.health, 2, false, "waiting for partitions");
    expect_answer(place, "/readyz",
                  "not ready: starting\nnot ready: waiting for partitions\n503 " PLAIN);
    health_ready_of(place.health, 1, true, NULL);
    expect_answer(place, "/readyz", "ok\n200 " PLAIN);
    health_ready_of(place.health, 3, false, "waiting for the broker");
    expect_answer(place, "/readyz", "ok\n200 " PLAIN);
    health_ready_of(place.health, 1, false, "waiting for partitions");
    expect_answer(place, "/readyz",
                  "not ready: starting\nnot ready: waiting for partitions\n"
                  "not ready: waiting for the broker\n503 " PLAIN);
    close_place(place);
}

static uint64_t sample_ms(void *context, const char **why)
{
    *why = "Local: Timed out";
    return *(const uint64_t *)context;
}

Test(health, is_not_ready_while_brokers_are_away_for_longer_than_may_be)
{
    uint64_t away = 1999;
    struct place place = {.metrics = metrics_new(rows, 1, 1)};
    struct health_settings settings = {.listen = "127.0.0.1:0",
                                       .stuck_after_ms = 100000,
                                       .metrics = place.metrics,
                                       .away_ms = sample_ms,
                                       .context = &away,
                                       .unready_after_ms = 2000};
    struct failure why = {""};
    cr_assert(eq(int, health_open(&settings, &place.health, &why), STATUS_OK), "%s", why.text);
    health_ready(place.health, true, NULL);
    expect_answer(place, "/readyz", "ok\n200 " PLAIN);
    away = 75300;
    expect_answer(place, "/readyz",
                  "not ready: no broker has answered for 75 s: Local: Timed out\n503 " PLAIN);
    expect_answer(place, "/livez", "ok\n200 " PLAIN);
    health_ready(place.health, false, "restoring state");
    expect_answer(place, "/readyz",
                  "not ready: restoring state\n"
                  "not ready: no broker has answered for 75 s: Local: Timed out\n503 " PLAIN);
    health_ready(place.health, true, NULL);
    away = 0;
    expect_answer(place, "/readyz", "ok\n200 " PLAIN);
    close_place(place);
}

Test(health, takes_the_next_port_that_is_free_where_it_may)
{
    struct place first = open_at("127.0.0.1:0", 1000);
    cr_expect(not(health_gave_way(first.health)));
    struct place second = {.metrics = metrics_new(rows, 1, 1)};
    struct health_settings settings = {.listen = health_address(first.health),
                                       .stuck_after_ms = 1000,
                                       .metrics = second.metrics,
                                       .more_ports = 50};
    struct failure why = {""};
    cr_assert(eq(int, health_open(&settings, &second.health, &why), STATUS_OK), "%s", why.text);
    cr_expect(health_gave_way(second.health));
    cr_expect(ne(str, (char *)(uintptr_t)health_address(second.health),
                 (char *)(uintptr_t)health_address(first.health)));
    expect_answer(second, "/livez", "ok\n200 " PLAIN);
    close_place(second);
    close_place(first);
}

Test(health, other_pages_and_methods_are_refused)
{
    struct place place = open_at("127.0.0.1:0", 1000);
    expect_answer(place, "/", "not found; use /livez, /readyz, or /metrics\n404 " PLAIN);
    char answer[4096];
    get(place, "-d some=thing", "/livez", answer, sizeof answer);
    cr_expect(eq(str, answer, (char *)"only GET and HEAD are allowed\n405 " PLAIN));
    get(place, "-I -o /dev/null", "/livez", answer, sizeof answer);
    cr_expect(eq(str, answer, (char *)"200 " PLAIN));
    close_place(place);
}

Test(health, listens_where_it_is_told_to)
{
    struct place place = open_at("localhost:0", 1000);
    expect_answer(place, "/livez", "ok\n200 " PLAIN);
    struct health_settings settings = {
        .listen = health_address(place.health), .stuck_after_ms = 1000, .metrics = place.metrics};
    struct health *second;
    struct failure why = {""};
    cr_expect(eq(int, health_open(&settings, &second, &why), STATUS_RETRY));
    cr_expect(strstr(why.text, ": Address already in use") != NULL, "%s", why.text);
    cr_expect(second == NULL);
    settings.listen = "192.0.2.1:80"; /* reserved for documentation */
    cr_expect(eq(int, health_open(&settings, &second, &why), STATUS_RETRY));
    close_place(place);
    place = open_at(":0", 1000);
    cr_expect(strncmp(health_address(place.health), "0.0.0.0:", 8) == 0 ||
              strncmp(health_address(place.health), "[::]:", 5) == 0);
    close_place(place);
}

Test(health, what_is_no_address_is_refused)
{
    static const char *const wrong[] = {"",     "localhost", "localhost:",   "localhost:http",
                                        ":x80", ":70000",    "127.0.0.1:-1", ":000080"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct health_settings settings = {.listen = wrong[i], .stuck_after_ms = 1000};
        struct health *health;
        cr_expect(eq(int, health_open(&settings, &health, NULL), STATUS_REJECT), "%s", wrong[i]);
    }
}

Test(health, nobody_need_ask)
{
    health_turn(NULL);
    health_ready(NULL, true, NULL);
    health_close(NULL);
}
