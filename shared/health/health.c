#include "health/health.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <microhttpd.h>
#include <netdb.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"

/* A probe and a scraper, and some people; who else comes waits. */
enum { CONNECTIONS_MAX = 32, CONNECTION_SECONDS_MAX = 10, ADDRESS_MAX = 280 };
enum { PORT_MAX = 65535 };

struct health {
    struct MHD_Daemon *daemon;
    struct health_settings settings;
    /* By loop, CLOCK_MONOTONIC; 0: not begun, UINT64_MAX: over. The first begins with all. */
    _Atomic uint64_t turned_ms[HEALTH_LOOPS_MAX];
    /* By loop: why it is not ready; NULL: it is. */
    _Atomic(const char *) unready[HEALTH_LOOPS_MAX];
    _Atomic unsigned loops; /* that have said something: the first so many */
    char address[ADDRESS_MAX];
    bool gave_way;
};

/* ---- answers ---- */

struct answer {
    unsigned status;
    FILE *body;
    const char *type;
};

static void answer_live(const struct health *health, struct answer *answer)
{
    uint64_t now = clock_ms(CLOCK_MONOTONIC), still = 0;
    size_t loop = 0;
    for (size_t i = 0; i < HEALTH_LOOPS_MAX; i++) {
        uint64_t turned = atomic_load(&health->turned_ms[i]);
        if (turned != 0 && now > turned && now - turned > still) {
            still = now - turned;
            loop = i;
        }
    }
    if (still <= health->settings.stuck_after_ms) {
        fputs("ok\n", answer->body);
        return;
    }
    answer->status = MHD_HTTP_SERVICE_UNAVAILABLE;
    fprintf(answer->body, "stuck: the main loop has not run for %" PRIu64 " ms", still);
    if (loop > 0)
        fprintf(answer->body, " of thread %zu", loop);
    fputc('\n', answer->body);
}

/* Whether one of the loops is ready; else why they are not, each reason once. */
static bool is_any_ready(const struct health *health, const char *reasons[HEALTH_LOOPS_MAX],
                         size_t *count)
{
    unsigned loops = atomic_load(&health->loops);
    *count = 0;
    for (unsigned i = 0; i < loops; i++) {
        const char *why = atomic_load(&health->unready[i]);
        if (!why)
            return true;
        bool is_repeat = false;
        for (size_t j = 0; j < *count; j++)
            is_repeat |= strcmp(reasons[j], why) == 0;
        if (!is_repeat)
            reasons[(*count)++] = why;
    }
    return false;
}

static void answer_ready(const struct health *health, struct answer *answer)
{
    const struct health_settings *settings = &health->settings;
    const char *reasons[HEALTH_LOOPS_MAX];
    size_t count;
    bool ready = is_any_ready(health, reasons, &count);
    const char *why = NULL;
    uint64_t away = settings->away_ms ? settings->away_ms(settings->context, &why) : 0;
    bool gone = settings->unready_after_ms > 0 && away > settings->unready_after_ms;
    if (ready && !gone) {
        fputs("ok\n", answer->body);
        return;
    }
    answer->status = MHD_HTTP_SERVICE_UNAVAILABLE;
    for (size_t i = 0; i < count && !ready; i++)
        fprintf(answer->body, "not ready: %s\n", reasons[i]);
    if (gone)
        fprintf(answer->body, "not ready: no broker has answered for %" PRIu64 " s: %s\n",
                away / 1000, why ? why : "?");
}

static void answer_metrics(const struct health *health, struct answer *answer)
{
    answer->type = "text/plain; version=0.0.4; charset=utf-8";
    metrics_write(health->settings.metrics, answer->body);
}

struct page {
    const char *path;
    void (*write)(const struct health *, struct answer *);
};

static const struct page pages[] = {
    {"/livez", answer_live},
    {"/readyz", answer_ready},
    {"/metrics", answer_metrics},
};

enum { PAGE_COUNT = sizeof pages / sizeof *pages };

static void write_answer(const struct health *health, const char *method, const char *path,
                         struct answer *answer)
{
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
        answer->status = MHD_HTTP_METHOD_NOT_ALLOWED;
        fputs("only GET and HEAD are allowed\n", answer->body);
        return;
    }
    for (size_t i = 0; i < PAGE_COUNT; i++) {
        if (strcmp(path, pages[i].path) == 0) {
            pages[i].write(health, answer);
            return;
        }
    }
    answer->status = MHD_HTTP_NOT_FOUND;
    fputs("not found; use /livez, /readyz, or /metrics\n", answer->body);
}

/* Of libmicrohttpd: one request; `upload` is thrown away. */
static enum MHD_Result on_request(void *closure, struct MHD_Connection *connection,
                                  const char *path, const char *method, const char *version,
                                  const char *upload, size_t *upload_size, void **state)
{
    (void)version;
    (void)upload;
    (void)state;
    if (*upload_size) {
        *upload_size = 0;
        return MHD_YES;
    }
    char *text = NULL;
    size_t size = 0;
    struct answer answer = {MHD_HTTP_OK, open_memstream(&text, &size), "text/plain; charset=utf-8"};
    if (!answer.body)
        return MHD_NO;
    write_answer(closure, method, path, &answer);
    if (fclose(answer.body) != 0) {
        free(text);
        return MHD_NO;
    }
    struct MHD_Response *response =
        MHD_create_response_from_buffer(size, text, MHD_RESPMEM_MUST_FREE);
    if (!response) {
        free(text);
        return MHD_NO;
    }
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, answer.type);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    enum MHD_Result result = MHD_queue_response(connection, answer.status, response);
    MHD_destroy_response(response);
    return result;
}

/* ---- the address ---- */

/* Cuts "HOST:PORT" or "[HOST]:PORT"; `host` has room for ADDRESS_MAX. */
static enum status cut_address(const char *listen, char *host, const char **port,
                               struct failure *why)
{
    const char *colon = strrchr(listen, ':');
    size_t length = colon ? (size_t)(colon - listen) : 0;
    const char *at = listen;
    if (colon && length >= 2 && *listen == '[' && colon[-1] == ']') {
        at++;
        length -= 2;
    }
    if (!colon || colon[1] == '\0' || colon[1 + strspn(colon + 1, "0123456789")] != '\0' ||
        strtol(colon + 1, NULL, 10) > PORT_MAX || strlen(colon + 1) > 5 || length >= ADDRESS_MAX)
        return fail(why, STATUS_REJECT, "`%s` is not HOST:PORT, such as 127.0.0.1:9464", listen);
    memcpy(host, at, length);
    host[length] = '\0';
    *port = colon + 1;
    return STATUS_OK;
}

/* A listening socket at the first of `addresses` that will have one, else -1 and errno. */
static int listen_at(const struct addrinfo *addresses)
{
    int error = EADDRNOTAVAIL;
    for (const struct addrinfo *at = addresses; at; at = at->ai_next) {
        int fd =
            socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, at->ai_protocol);
        if (fd >= 0) {
            int yes = 1;
            setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
            if (bind(fd, at->ai_addr, at->ai_addrlen) == 0 && listen(fd, CONNECTIONS_MAX) == 0)
                return fd;
        }
        error = errno;
        if (fd >= 0)
            close(fd);
    }
    errno = error;
    return -1;
}

static void name_address(int fd, char *name)
{
    struct sockaddr_storage own;
    socklen_t size = sizeof own;
    char host[NI_MAXHOST] = "?", port[NI_MAXSERV] = "?";
    if (getsockname(fd, (struct sockaddr *)&own, &size) == 0)
        getnameinfo((struct sockaddr *)&own, size, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV);
    bool six = strchr(host, ':') != NULL;
    snprintf(name, ADDRESS_MAX, "%s%.200s%s:%s", six ? "[" : "", host, six ? "]" : "", port);
}

/* The socket of one port; else errno. */
static enum status open_port(const char *host, unsigned port, int *fd, struct failure *why)
{
    char text[8];
    snprintf(text, sizeof text, "%u", port);
    struct addrinfo wanted = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *addresses = NULL;
    int error = getaddrinfo(*host ? host : NULL, text, &wanted, &addresses);
    if (error) {
        errno = EINVAL;
        return fail(why, STATUS_RETRY, "%s", gai_strerror(error));
    }
    *fd = listen_at(addresses);
    error = errno;
    freeaddrinfo(addresses);
    errno = error;
    return *fd >= 0 ? STATUS_OK : fail(why, STATUS_RETRY, "%s", strerror(error));
}

static enum status open_socket(const struct health_settings *settings, int *fd, bool *gave_way,
                               struct failure *why)
{
    char host[ADDRESS_MAX] = "";
    const char *port = NULL;
    enum status status = cut_address(settings->listen, host, &port, why);
    if (status != STATUS_OK)
        return status;
    assert(port);
    unsigned first = (unsigned)strtoul(port, NULL, 10);
    status = open_port(host, first, fd, why);
    for (unsigned i = 1; status != STATUS_OK && errno == EADDRINUSE && i <= settings->more_ports &&
                         first + i <= PORT_MAX;
         i++) {
        status = open_port(host, first + i, fd, NULL);
        *gave_way = true;
    }
    if (status != STATUS_OK)
        failure_prefix(why, "%s", settings->listen);
    return status;
}

/* ---- the server ---- */

enum status health_open(const struct health_settings *settings, struct health **out,
                        struct failure *why)
{
    *out = NULL;
    int fd = -1;
    bool gave_way = false;
    enum status status = open_socket(settings, &fd, &gave_way, why);
    if (status != STATUS_OK)
        return status;
    struct health *health = memory_new(sizeof *health);
    health->settings = *settings;
    health->gave_way = gave_way;
    atomic_store(&health->turned_ms[0], clock_ms(CLOCK_MONOTONIC));
    for (size_t i = 0; i < HEALTH_LOOPS_MAX; i++)
        atomic_store(&health->unready[i], "starting");
    health_ready(health, false, "starting");
    name_address(fd, health->address);
    health->daemon = MHD_start_daemon(
        MHD_USE_AUTO | MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, on_request, health,
        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)CONNECTION_SECONDS_MAX, MHD_OPTION_END);
    if (!health->daemon) {
        close(fd);
        free(health);
        return fail(why, STATUS_RETRY, "%s: the server does not start", settings->listen);
    }
    *out = health;
    return STATUS_OK;
}

void health_close(struct health *health)
{
    if (!health)
        return;
    MHD_stop_daemon(health->daemon); /* closes the socket, too */
    free(health);
}

const char *health_address(const struct health *health)
{
    return health->address;
}

bool health_gave_way(const struct health *health)
{
    return health->gave_way;
}

void health_turn_of(struct health *health, unsigned loop)
{
    if (health)
        atomic_store(&health->turned_ms[loop % HEALTH_LOOPS_MAX], clock_ms(CLOCK_MONOTONIC));
}

void health_loop_over(struct health *health, unsigned loop)
{
    if (health)
        atomic_store(&health->turned_ms[loop % HEALTH_LOOPS_MAX], UINT64_MAX);
}

void health_ready_of(struct health *health, unsigned loop, bool ready, const char *why)
{
    if (!health)
        return;
    loop %= HEALTH_LOOPS_MAX;
    unsigned known = atomic_load(&health->loops);
    while (known <= loop && !atomic_compare_exchange_weak(&health->loops, &known, loop + 1))
        ;
    atomic_store(&health->unready[loop], ready ? NULL : why);
}
