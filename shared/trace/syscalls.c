#include "trace/syscalls.h"

#include <stdio.h>
#include <stdlib.h>

#include "syscall_names.h" /* made at build time, cmake/SyscallNames.cmake */

/* Close-on-exec flags. Source: asm-generic/fcntl.h (SOCK_, EFD_, EPOLL_, TFD_, SFD_, IN_CLOEXEC
 * and UFFD's are the same bit), linux/memfd.h, linux/perf_event.h, linux/fanotify.h. */
enum {
    FLAG_O_CLOEXEC = 02000000,
    FLAG_MFD_CLOEXEC = 1,
    FLAG_PERF_CLOEXEC = 8,
    FLAG_FAN_CLOEXEC = 1
};

/* Parts of rows. */
#define PLAIN_FIELDS .value_field = {"fd", "epfd"}
#define CREATES(what) .op = CALL_CREATE, .kind = DESCRIPTOR_##what
#define FLAGS(field, cloexec) .value_field[2] = field, .cloexec_flag = FLAG_##cloexec
#define TRANSFERS .flags = CALL_READS | CALL_WRITES | CALL_TRANSFER

static const struct call_role plain = {PLAIN_FIELDS};

/* By name, in the order of strcmp(). */
static const struct call_role roles[] = {
    {.name = "accept", CREATES(SOCKET), .value_field = {"fd"}},
    {.name = "accept4",
     CREATES(SOCKET),
     .cloexec_flag = FLAG_O_CLOEXEC,
     .value_field = {"fd", NULL, "flags"}},
    {.name = "clone", .op = CALL_CLONE, .value_field = {NULL, NULL, "flags"}},
    {.name = "clone3", .op = CALL_CLONE},
    {.name = "close", .op = CALL_CLOSE, .value_field = {"fd"}},
    {.name = "close_range",
     .op = CALL_CLOSE_RANGE,
     .flags = CALL_NO_USE,
     .value_field = {"fd", "max_fd", "flags"},
     .raw_place = {1, 2, 3}},
    {.name = "copy_file_range", TRANSFERS, .value_field = {"fd_in", "fd_out"}, .raw_place = {1, 3}},
    {.name = "creat", CREATES(FILE), .flags = CALL_NAMES, .text_field = "pathname"},
    {.name = "dup", .op = CALL_DUP, .value_field = {"fildes"}},
    {.name = "dup2", .op = CALL_DUP2, .value_field = {"oldfd", "newfd"}},
    {.name = "dup3",
     .op = CALL_DUP2,
     .cloexec_flag = FLAG_O_CLOEXEC,
     .value_field = {"oldfd", "newfd", "flags"}},
    {.name = "epoll_create", CREATES(EPOLL)},
    {.name = "epoll_create1", CREATES(EPOLL), FLAGS("flags", O_CLOEXEC)},
    {.name = "epoll_pwait2", .value_field = {"fd", "epfd"}, .raw_place[1] = 1},
    {.name = "eventfd", CREATES(EVENTFD)},
    {.name = "eventfd2", CREATES(EVENTFD), FLAGS("flags", O_CLOEXEC)},
    {.name = "execve", .op = CALL_EXEC},
    {.name = "execveat", .op = CALL_EXEC, .value_field = {"fd"}},
    {.name = "fanotify_init", CREATES(FANOTIFY), FLAGS("flags", FAN_CLOEXEC), .raw_place[2] = 1},
    {.name = "fcntl", .op = CALL_FCNTL, .value_field = {"fd", "cmd", NULL, "arg"}},
    {.name = "fork", .op = CALL_CLONE},
    {.name = "inotify_init", CREATES(INOTIFY)},
    {.name = "inotify_init1", CREATES(INOTIFY), FLAGS("flags", O_CLOEXEC)},
    {.name = "io_uring_enter", .value_field = {"fd"}, .raw_place = {1}},
    {.name = "io_uring_register", .value_field = {"fd"}, .raw_place = {1}},
    {.name = "io_uring_setup", CREATES(IO_URING), .flags = CALL_CLOEXEC},
    {.name = "memfd_create",
     CREATES(MEMFD),
     .flags = CALL_NAMES,
     FLAGS("flags", MFD_CLOEXEC),
     .text_field = "uname",
     .raw_place[2] = 2},
    {.name = "mmap", .flags = CALL_MAPS, .value_field = {"fd", NULL, "flags"}},
    {.name = "open",
     CREATES(FILE),
     .flags = CALL_NAMES,
     FLAGS("flags", O_CLOEXEC),
     .text_field = "filename"},
    {.name = "openat",
     CREATES(FILE),
     .flags = CALL_NAMES,
     FLAGS("flags", O_CLOEXEC),
     .text_field = "filename"},
    /* Its flags are in a struct that an argument points to. */
    {.name = "openat2", CREATES(FILE), .flags = CALL_NAMES, .text_field = "filename"},
    {.name = "perf_event_open",
     CREATES(PERF_EVENT),
     FLAGS("flags", PERF_CLOEXEC),
     .raw_place[2] = 5},
    {.name = "pidfd_getfd", .flags = CALL_NO_USE, .value_field = {"fd"}},
    {.name = "pidfd_open", CREATES(PIDFD), .flags = CALL_CLOEXEC},
    {.name = "pipe", .op = CALL_CREATE_PAIR, .kind = DESCRIPTOR_PIPE},
    {.name = "pipe2", .op = CALL_CREATE_PAIR, .kind = DESCRIPTOR_PIPE, FLAGS("flags", O_CLOEXEC)},
    {.name = "pread64", .flags = CALL_READS, PLAIN_FIELDS},
    {.name = "preadv", .flags = CALL_READS, PLAIN_FIELDS},
    {.name = "preadv2", .flags = CALL_READS, .value_field = {"fd"}, .raw_place = {1}},
    {.name = "pwrite64", .flags = CALL_WRITES, PLAIN_FIELDS},
    {.name = "pwritev", .flags = CALL_WRITES, PLAIN_FIELDS},
    {.name = "pwritev2", .flags = CALL_WRITES, .value_field = {"fd"}, .raw_place = {1}},
    {.name = "read", .flags = CALL_READS, PLAIN_FIELDS},
    {.name = "readv", .flags = CALL_READS, PLAIN_FIELDS},
    {.name = "recvfrom", .flags = CALL_READS, PLAIN_FIELDS},
    {.name = "recvmsg", .flags = CALL_READS, PLAIN_FIELDS},
    {.name = "rt_sigreturn", .op = CALL_SIGRETURN},
    {.name = "sendfile", TRANSFERS, .value_field = {"in_fd", "out_fd"}},
    {.name = "sendfile64", TRANSFERS, .value_field = {"in_fd", "out_fd"}},
    {.name = "sendmsg", .flags = CALL_WRITES, PLAIN_FIELDS},
    {.name = "sendto", .flags = CALL_WRITES, PLAIN_FIELDS},
    {.name = "signalfd",
     .op = CALL_SIGNALFD,
     .kind = DESCRIPTOR_SIGNALFD,
     .value_field = {NULL, NULL, NULL, "ufd"}},
    {.name = "signalfd4",
     .op = CALL_SIGNALFD,
     .kind = DESCRIPTOR_SIGNALFD,
     .cloexec_flag = FLAG_O_CLOEXEC,
     .value_field = {NULL, NULL, "flags", "ufd"}},
    {.name = "sigreturn", .op = CALL_SIGRETURN},
    {.name = "socket", CREATES(SOCKET), FLAGS("type", O_CLOEXEC)},
    {.name = "socketpair",
     .op = CALL_CREATE_PAIR,
     .kind = DESCRIPTOR_SOCKET,
     FLAGS("type", O_CLOEXEC)},
    {.name = "splice", TRANSFERS, .value_field = {"fd_in", "fd_out"}},
    {.name = "timerfd_create", CREATES(TIMERFD), FLAGS("flags", O_CLOEXEC)},
    {.name = "unshare",
     .op = CALL_UNSHARE,
     .flags = CALL_NO_USE,
     .value_field = {NULL, NULL, "unshare_flags"},
     .raw_place[2] = 1},
    {.name = "userfaultfd", CREATES(USERFAULTFD), FLAGS("flags", O_CLOEXEC), .raw_place[2] = 1},
    {.name = "vfork", .op = CALL_CLONE},
    {.name = "write", .flags = CALL_WRITES, PLAIN_FIELDS},
    {.name = "writev", .flags = CALL_WRITES, PLAIN_FIELDS},
};

static int compare_with_role(const void *key, const void *element)
{
    const struct text *name = key;
    const struct call_role *role = element;
    size_t count = strlen(role->name);
    int order = memcmp(name->at, role->name, name->count < count ? name->count : count);
    if (order != 0 || name->count == count)
        return order;
    return name->count < count ? -1 : 1;
}

const struct call_role *call_role_of(struct text name)
{
    if (name.count == 0)
        return &plain;
    const struct call_role *role =
        bsearch(&name, roles, sizeof roles / sizeof *roles, sizeof *roles, compare_with_role);
    return role ? role : &plain;
}

const char *syscall_name_x86(uint64_t number, bool compat)
{
    if (compat)
        return number < sizeof syscall_names_32 / sizeof *syscall_names_32
                   ? syscall_names_32[number]
                   : NULL;
    return number < sizeof syscall_names_64 / sizeof *syscall_names_64 ? syscall_names_64[number]
                                                                       : NULL;
}

/* Kernel-internal errors, visible at the exit of a call that a signal restarts.
 * Source: include/linux/errno.h. */
static const char *restart_name(int64_t number)
{
    switch (number) {
    case 512: return "ERESTARTSYS";
    case 513: return "ERESTARTNOINTR";
    case 514: return "ERESTARTNOHAND";
    case 516: return "ERESTART_RESTARTBLOCK";
    default: return NULL;
    }
}

const char *errno_name(int64_t ret, char room[16])
{
    int64_t number = -ret;
    const char *name = NULL;
    if (number > 0 && number < (int64_t)(sizeof errno_names / sizeof *errno_names))
        name = errno_names[number];
    if (!name)
        name = restart_name(number);
    if (name)
        return name;
    snprintf(room, 16, "E%d", (int)number);
    return room;
}

static const char *const kind_names[DESCRIPTOR_KINDS] = {
    [DESCRIPTOR_FILE] = "file",
    [DESCRIPTOR_SOCKET] = "socket",
    [DESCRIPTOR_PIPE] = "pipe",
    [DESCRIPTOR_EVENTFD] = "eventfd",
    [DESCRIPTOR_EPOLL] = "epoll",
    [DESCRIPTOR_TIMERFD] = "timerfd",
    [DESCRIPTOR_SIGNALFD] = "signalfd",
    [DESCRIPTOR_INOTIFY] = "inotify",
    [DESCRIPTOR_MEMFD] = "memfd",
    [DESCRIPTOR_IO_URING] = "io_uring",
    [DESCRIPTOR_PIDFD] = "pidfd",
    [DESCRIPTOR_PERF_EVENT] = "perf_event",
    [DESCRIPTOR_USERFAULTFD] = "userfaultfd",
    [DESCRIPTOR_FANOTIFY] = "fanotify",
};

const char *descriptor_kind_name(enum descriptor_kind kind)
{
    return kind_names[kind];
}

struct name_prefix {
    const char *prefix;
    enum descriptor_kind kind;
};

/* The first match counts. Source: d_path() of files that the kernel creates without a path;
 * inotify's anon_inode has no brackets (fs/notify/inotify/inotify_user.c). */
static const struct name_prefix prefixes[] = {
    {"socket:[", DESCRIPTOR_SOCKET},
    {"pipe:[", DESCRIPTOR_PIPE},
    {"pidfd:[", DESCRIPTOR_PIDFD},
    {"/memfd:", DESCRIPTOR_MEMFD},
    {"anon_inode:[eventpoll]", DESCRIPTOR_EPOLL},
    {"anon_inode:[eventfd", DESCRIPTOR_EVENTFD},
    {"anon_inode:[timerfd]", DESCRIPTOR_TIMERFD},
    {"anon_inode:[signalfd]", DESCRIPTOR_SIGNALFD},
    {"anon_inode:inotify", DESCRIPTOR_INOTIFY},
    {"anon_inode:[inotify]", DESCRIPTOR_INOTIFY},
    {"anon_inode:[io_uring]", DESCRIPTOR_IO_URING},
    {"anon_inode:[pidfd]", DESCRIPTOR_PIDFD},
    {"anon_inode:[perf_event]", DESCRIPTOR_PERF_EVENT},
    {"anon_inode:[userfaultfd]", DESCRIPTOR_USERFAULTFD},
    {"anon_inode:[fanotify]", DESCRIPTOR_FANOTIFY},
    {"anon_inode:", DESCRIPTOR_UNKNOWN},
    {"", DESCRIPTOR_FILE},
};

enum descriptor_kind descriptor_kind_of_name(struct text name)
{
    if (name.count == 0)
        return DESCRIPTOR_UNKNOWN;
    const struct name_prefix *row = prefixes;
    while (strlen(row->prefix) > name.count ||
           memcmp(name.at, row->prefix, strlen(row->prefix)) != 0)
        row++;
    return row->kind;
}
