/* tests/threads/health_updates.c -- metrics that two threads update while a third one shows them.
 * For TSan, under which Criterion does not run. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "health/health.h"

enum { ADDED, OBSERVED, AGE, REFRESHED, ROWS, UPDATES = 20000, LOOKS = 20 };

static const struct metric_row rows[ROWS] = {
    [ADDED] = {.type = METRIC_COUNTER, .name = "spanmill_added_total", .help = "added"},
    [OBSERVED] = {.type = METRIC_HISTOGRAM,
                  .name = "spanmill_seen_bytes",
                  .help = "seen",
                  .least = 1,
                  .most = 1024},
    [AGE] = {METRIC_GAUGE, "spanmill_age_seconds", "age", .unit = METRIC_SINCE_MS,
             .per_thread = true},
    [REFRESHED] = {METRIC_GAUGE, "spanmill_refreshed_records", "refreshed", .per_thread = true},
};

struct place {
    struct metrics *metrics;
    struct health *health;
};

/* Data that only its owner changes, and others may read. */
struct owner {
    struct place *place;
    unsigned thread;
    _Atomic int64_t done;
};

static void refresh(void *context)
{
    struct owner *owner = context;
    metrics_set(owner->place->metrics, REFRESHED, owner->thread, atomic_load(&owner->done));
}

static void *update(void *argument)
{
    struct owner *owner = argument;
    struct place *place = owner->place;
    metrics_refresh(place->metrics, refresh, owner);
    for (int i = 0; i < UPDATES; i++) {
        metrics_set(place->metrics, AGE, owner->thread, i);
        health_ready_of(place->health, 1 + owner->thread, i % 3 == 0, "a third of the time");
        atomic_store(&owner->done, i);
        metrics_add(place->metrics, ADDED, 0, 1);
        metrics_observe(place->metrics, OBSERVED, 0, (uint64_t)i);
        health_turn(place->health);
        health_ready(place->health, i % 2, "half of the time");
    }
    metrics_refresh_end(place->metrics, owner);
    return NULL;
}

/* The value of `name` in the response to curl; exits if there is none. */
static long look(const struct place *place, const char *name)
{
    char command[256], line[256];
    snprintf(command, sizeof command,
             "curl -sS http://%s/metrics && curl -sS http://%s/livez http://%s/readyz",
             health_address(place->health), health_address(place->health),
             health_address(place->health));
    FILE *curl = popen(command, "r");
    long value = -1;
    size_t length = strlen(name);
    while (curl && fgets(line, sizeof line, curl))
        if (strncmp(line, name, length) == 0 && line[length] == ' ')
            value = strtol(line + length, NULL, 10);
    if (!curl || pclose(curl) != 0 || value < 0) {
        fprintf(stderr, "%s is not in the metrics\n", name);
        exit(1);
    }
    return value;
}

int main(void)
{
    struct place place = {.metrics = metrics_new(rows, ROWS, 2)};
    struct health_settings settings = {
        .listen = "127.0.0.1:0", .stuck_after_ms = 10000, .metrics = place.metrics};
    struct failure why;
    if (health_open(&settings, &place.health, &why) != STATUS_OK) {
        fprintf(stderr, "%s\n", why.text);
        return 1;
    }
    pthread_t threads[2];
    struct owner owners[2];
    for (unsigned i = 0; i < 2; i++) {
        owners[i] = (struct owner){.place = &place, .thread = i};
        pthread_create(&threads[i], NULL, update, &owners[i]);
    }
    long before = 0;
    for (int i = 0; i < LOOKS; i++) {
        long now = look(&place, "spanmill_added_total");
        if (now < before || now > 2L * UPDATES)
            return 1;
        before = now;
    }
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    bool whole = look(&place, "spanmill_added_total") == 2L * UPDATES &&
                 look(&place, "spanmill_seen_bytes_count") == 2L * UPDATES;
    health_close(place.health);
    metrics_free(place.metrics);
    return whole ? 0 : 1;
}
