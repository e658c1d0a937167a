/* shop -- a small server with LTTng tracepoints around its requests and their phases.
 *
 *     shop SECONDS THREADS LOG
 *
 * Its threads serve generated requests for SECONDS: each one is parsed, looked up in a file, and
 * answered, which takes between half a millisecond and some hundred. LOG gets a line for each
 * request and each phase, to compare with the traces.
 *
 *     request LABEL LEAST_NS MOST_NS
 *     phase LABEL PHASE LEAST_NS MOST_NS
 *
 * The durations (CLOCK_MONOTONIC) exclude and include the tracepoints: the duration in the traces
 * is between them.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "shop_tp.h"

enum { THREADS_MAX = 64 };

struct shop {
    uint64_t end_ns;
    FILE *log;
    atomic_int last_id;
};

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* The times before and after the first tracepoint of a request or phase. */
struct begun {
    uint64_t before_ns, after_ns;
};

/* `ends_ns`: before the last tracepoint. */
static void log_times(FILE *log, const char *what, const struct begun *begun, uint64_t ends_ns)
{
    uint64_t ended_ns = now_ns();
    fprintf(log, "%s %llu %llu\n", what, (unsigned long long)(ends_ns - begun->after_ns),
            (unsigned long long)(ended_ns - begun->before_ns));
}

static void rest_us(unsigned us)
{
    struct timespec time = {us / 1000000, (long)(us % 1000000) * 1000};
    nanosleep(&time, NULL);
}

static void work(const char *phase, unsigned *seed)
{
    unsigned chance = (unsigned)rand_r(seed);
    if (phase[0] == 'p') { /* parse: computes */
        uint64_t until = now_ns() + 100000 + chance % 400000;
        while (now_ns() < until)
            ;
    } else if (phase[0] == 'l') { /* lookup: reads a file */
        char bytes[4096];
        int fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
        if (fd >= 0) {
            while (read(fd, bytes, sizeof bytes) > 0)
                ;
            close(fd);
        }
        rest_us(200 + chance % 2000);
    } else { /* answer: waits, occasionally for a long time */
        rest_us(chance % 50 == 0 ? 150000 : 1000 + chance % 8000);
    }
}

static void go_through(struct shop *shop, int id, const char *label, const char *phase,
                       unsigned *seed)
{
    char what[64];
    snprintf(what, sizeof what, "phase %s %s", label, phase);
    struct begun begun = {.before_ns = now_ns()};
    lttng_ust_tracepoint(shop, phase_begin, id, phase);
    begun.after_ns = now_ns();
    work(phase, seed);
    uint64_t ends_ns = now_ns();
    lttng_ust_tracepoint(shop, phase_end, id, phase);
    log_times(shop->log, what, &begun, ends_ns);
}

static void serve(struct shop *shop, unsigned *seed)
{
    int id = atomic_fetch_add(&shop->last_id, 1) + 1;
    char label[32], what[64];
    snprintf(label, sizeof label, "r%d", id);
    snprintf(what, sizeof what, "request %s", label);
    struct begun begun = {.before_ns = now_ns()};
    lttng_ust_tracepoint(shop, request_begin, id, label);
    begun.after_ns = now_ns();
    go_through(shop, id, label, "parse", seed);
    go_through(shop, id, label, "lookup", seed);
    go_through(shop, id, label, "answer", seed);
    uint64_t ends_ns = now_ns();
    lttng_ust_tracepoint(shop, request_end, id, label);
    log_times(shop->log, what, &begun, ends_ns);
}

static void *serve_all(void *context)
{
    struct shop *shop = context;
    unsigned seed = (unsigned)(uintptr_t)&seed;
    while (now_ns() < shop->end_ns)
        serve(shop, &seed);
    return NULL;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: %s SECONDS THREADS LOG\n", argv[0]);
        return 2;
    }
    struct shop shop = {.end_ns = now_ns() + strtoull(argv[1], NULL, 10) * 1000000000,
                        .log = fopen(argv[3], "w")};
    unsigned count = (unsigned)strtoul(argv[2], NULL, 10);
    if (!shop.log || count < 1 || count > THREADS_MAX) {
        fprintf(stderr, "%s: the log cannot be written, or 1 to %d threads\n", argv[0],
                THREADS_MAX);
        return 1;
    }
    setvbuf(shop.log, NULL, _IOLBF, 0); /* who reads it sees requests as they end */
    pthread_t threads[THREADS_MAX];
    for (unsigned i = 0; i < count; i++)
        if (pthread_create(&threads[i], NULL, serve_all, &shop) != 0)
            return 1;
    for (unsigned i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    return fclose(shop.log) == 0 ? 0 : 1;
}
