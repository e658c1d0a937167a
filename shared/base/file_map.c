#include "file_map.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

/* A mapped file. A signal handler reads all of them, so they are never freed, but reused; `size` is
 * 0 while one is unused. */
struct place {
    struct place *next;
    struct place *next_unused; /* under `lock` */
    _Atomic uintptr_t at;
    _Atomic size_t size;
    atomic_bool is_short;
};

struct file_map {
    char *path;
    struct place *place; /* NULL: the file is empty */
    dev_t device;
    ino_t inode;
};

/* Global, like signal handlers. */
static _Atomic(struct place *) places;
static struct place *unused; /* under `lock` */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t installed = PTHREAD_ONCE_INIT;
static struct sigaction before;

/* Maps zeros where the file ends; passes on signals for other addresses to the previous handler. */
static void on_bus_error(int number, siginfo_t *info, void *context)
{
    (void)context;
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), fault = (uintptr_t)info->si_addr;
    int kept = errno;
    for (struct place *place = atomic_load(&places); place != NULL; place = place->next) {
        uintptr_t at = atomic_load(&place->at);
        size_t size = atomic_load(&place->size);
        if (size == 0 || fault < at || fault - at >= size)
            continue;
        uintptr_t from = fault - fault % page;
        atomic_store(&place->is_short, true);
        if (mmap((void *)from, at + size - from, PROT_READ, MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS,
                 -1, 0) == MAP_FAILED)
            break;
        errno = kept;
        return;
    }
    sigaction(number, &before, NULL); /* the access is retried and reaches that handler */
    if (info->si_code <= 0)
        raise(number); /* it was sent by a process */
}

static void install(void)
{
    struct sigaction action = {.sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO};
    sigemptyset(&action.sa_mask);
    sigaction(SIGBUS, &action, &before);
}

static struct place *take_place(void *at, size_t size)
{
    pthread_mutex_lock(&lock);
    struct place *place = unused;
    if (place != NULL) {
        unused = place->next_unused;
    } else {
        place = memory_new(sizeof *place);
        place->next = atomic_load(&places);
        atomic_store(&places, place);
    }
    atomic_store(&place->is_short, false);
    atomic_store(&place->at, (uintptr_t)at);
    atomic_store(&place->size, size);
    pthread_mutex_unlock(&lock);
    return place;
}

static enum status map_open(struct file_map *map, int fd, struct failure *why)
{
    struct stat stat_of;
    if (fd < 0 || fstat(fd, &stat_of) != 0)
        return fail(why, STATUS_REJECT, "%s: %s", map->path, strerror(errno));
    map->device = stat_of.st_dev;
    map->inode = stat_of.st_ino;
    size_t size = (size_t)stat_of.st_size;
    if (size == 0)
        return STATUS_OK;
    void *at = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (at == MAP_FAILED)
        return fail(why, STATUS_REJECT, "%s: %s", map->path, strerror(errno));
    map->place = take_place(at, size);
    return STATUS_OK;
}

enum status file_map_open(const char *path, struct file_map **out, struct failure *why)
{
    pthread_once(&installed, install);
    struct file_map *map = memory_new(sizeof *map);
    map->path = memory_string(text_of(path));
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    enum status status = map_open(map, fd, why);
    if (fd >= 0)
        close(fd);
    *out = map;
    if (status != STATUS_OK) {
        file_map_close(map);
        *out = NULL;
    }
    return status;
}

struct bytes file_map_bytes(const struct file_map *map)
{
    if (map->place == NULL)
        return (struct bytes){NULL, 0};
    return (struct bytes){(const uint8_t *)atomic_load(&map->place->at),
                          atomic_load(&map->place->size)};
}

enum status file_map_check(const struct file_map *map, struct failure *why)
{
    struct stat stat_of;
    if (map->place == NULL)
        return STATUS_OK;
    bool is_short = atomic_load(&map->place->is_short);
    /* Also if no page was missing. */
    if (stat(map->path, &stat_of) == 0 && stat_of.st_dev == map->device &&
        stat_of.st_ino == map->inode && (size_t)stat_of.st_size < atomic_load(&map->place->size))
        is_short = true;
    if (!is_short)
        return STATUS_OK;
    return fail(why, STATUS_REJECT, "%s: truncated while it was being read", map->path);
}

void file_map_close(struct file_map *map)
{
    if (map == NULL)
        return;
    if (map->place != NULL) {
        void *at = (void *)atomic_load(&map->place->at);
        size_t size = atomic_load(&map->place->size);
        munmap(at, size);
        pthread_mutex_lock(&lock);
        atomic_store(&map->place->size, 0);
        map->place->next_unused = unused;
        unused = map->place;
        pthread_mutex_unlock(&lock);
    }
    free(map->path);
    free(map);
}
