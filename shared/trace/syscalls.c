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

#define NO_RAW                                                                                     \
    {                                                                                              \
        -1, -1, -1, -1                                                                             \
    }

static const struct call_role plain = {
    .value_field = {"fd", "epfd"},
    .raw_arg = NO_RAW,
};

/* A row of a call that only reads or writes its `fd`. */
#define MOVES(call, moves)                                                                         \
    {                                                                                              \
        .name = call, .flags = moves, .value_field = {"fd", "epfd"}, .raw_arg = NO_RAW             \
    }

/* By name, in the order of strcmp(). */
static const struct call_role roles[] = {
    {.name = "accept",
     .op = CALL_CREATE,
     .kind = DESCRIPTOR_SOCKET,
     .value_field = {"fd"},
     .raw_arg = NO_RAW},
    {.name = "accept4",
     .op = CALL_CREATE,
     .kind = DESCRIPTOR_SOCKET,
     .cloexec_flag = FLAG_O_CLOEXEC,
     .value_field = {"fd", NULL, "flags"},
     .raw_arg = NO_RAW},
    {.name = "clone", .op = CALL_CLONE, .value_field = {NULL, NULL, "flags"}, .raw_arg = NO_RAW},
    {.name = "clone3", .op = CALL_CLONE, .raw_arg = NO_RAW},
    {.name = "close", .op = CALL_CLOSE, .value_field = {"fd"}, .raw_arg = NO_RAW},
    {.name = "close_range",
     .op = CALL_CLOSE_RANGE,
     .flags = CALL_NO_USE,
     .value_field = {"fd", "max_fd", "flags"},
     .raw_arg = {0, 1, 2, -1}},
    {.name = "copy_file_range",
     .flags = CALL_READS | CALL_WRITES | CALL_TRANSFER,
     .value_field = {"fd_in", "fd_out"},
     .raw_arg = {0, 2, -1, -1}},
    {.name = "creat",
     .op = CALL_CREATE,
     .flags = CALL_NAMES,
     .kind = DESCRIPTOR_FILE,
     .text_field = "pathname",
     .raw_arg = NO_RAW},
    {.name = "dup", .op = CALL_DUP, .value_field = {"fildes"}, .raw_arg = NO_RAW},
    {.name = "dup2", .op = CALL_DUP2, .value_field = {"oldfd", "newfd"}, .raw_arg = NO_RAW},
    {.name = "dup3",
     .op = CALL_DUP2,
     .cloexec_flag = FLAG_O_CLOEXEC,
     .value_field = {"oldfd", "newfd", "flags"},
     .raw_arg = NO_RAW},
    {.name = "epoll_create", .op = CALL_CREATE, .kind = DESCRIPTOR_EPOLL, .raw_arg = NO_RAW},
    {.name = "epoll_create1",
     .op = CALL_CREATE,
     .kind = DESCRIPTOR_EPOLL,
     .cloexec_flag = FLAG_O_CLOEXEC,
     .value_field = {NULL, NULL, "flags"},
     .raw_arg = NO_RAW},
    {.name = "epoll_pwait2", .value_field = {"fd", "epfd"}, .raw_arg = {-1, 0, -1, -1}},
    {.name = "eventfd", .op = CALL_CREATE, .kind = DESCRIPTOR_EVENTFD, .raw_arg = NO_RAW},
    {.name = "eventfd2",
     .op = CALL_CREATE,
     .kind = DESCRIPTOR_EVENTFD,
     .cloexec_flag = FLAG_O_CLOEXEC,
     .value_field = {NULL, NULL, "flags"},
     .raw_arg = NO_RAW},
    {.name = "execve", .op = CALL_EXEC, .raw_arg = NO_RAW},
    {.name = "execveat", .op = CALL_EXEC, .value_field = {"fd"}, .raw_arg = NO_RAW},
    {.name = "fanotify_init",
     .op = CALL_CREATE,
     .kind = DESCRIPTOR_FANOTIFY,
     .cloexec_flag = FLAG_FAN_CLOEXEC,
     .value_field = {NULL, NULL, "flags"},
     .raw_arg = {-1, -1, 0, -1}},
    {.name = "fcntl",
     .op = CALL_FCNTL,
     .value_field = {"fd", "cmd", NULL, "arg"},
     .raw_arg = NO_RAW},
    {.name = "fork", .op = CALL_CLONE, .raw_arg = NO_RAW},
    {.name = "inotify_init", .op = CALL_CREATE, .kind = DESCRIPTOR_INOTIFY, .raw_arg = NO_RAW},
    {.name = "inotify_init1",
     .op = CALL_CREATE,
     .kind = DESCRIPTOR_INOTIFY,
     .cloexec_flag = FLAG_O_CLOEXEC,
     .value_field = {NULL, NULL, "flags"},
     .raw_arg = NO_RAW},
    {.name = "io_uring_enter", .value_field = {"fd"}, .raw_arg = {0, -1, -1, -1}},
    {.name = "io_uring_register", .value_field = {"fd"}, .raw_arg = {0, -1, -1, -1}},
    {.name = "io_uring_setup",
     .op = CALL_CREATE,
     .flags = CALL_CLOEXEC,
     .kind = DESCRIPTOR_IO_URING,
     .raw_arg = NO_RAW},
    {.name = "memfd_create",
     .op = CALL_CREATE,
     .flags = CALL_NAMES,
     .kind = DESCRIPTOR_MEMFD,
     .cloexec_flag = FLAG_MFD_CLOEXEC,
     .value_field = {NULL, NULL, "flags"},
     .text_field = "uname",
     .raw_arg = {-1, -1, 1, -1}},
    {.name = "mmap", .flags = CALL_MAPS, .value_field = {"fd", NULL, "flags"}, .raw_arg = NO_RAW},
    {.name = "open",
     .op = CALL_CREATE,
     .flags = CALL_NAMES,
     .kind = DESCRIPTOR_FILE,
     .cloexec_flag = FLAG_O_CLOEXEC,
     .value_field = {NULL, NULL, "flags"},
     .text_field = "filename",
     .raw_arg = NO_RAW},
    {.name = "openat",
     .op = CALL_CREATE,
     .flags = CALL_NAMES,
     .kind = DESCRIPTOR_FILE,
     .cloexec_flag = FLAG_O_CLOEXEC,
     .value_field = {NULL, NULL, "flags"},
     .text_field = "filename",
     .raw_arg = NO_RAW},
    /* Its flags are in a struct that an argument points to. */
    {.name = "openat2",
     .op = CALL_CREATE,
     .flags = CALL_NAMES,
     .kind = DESCRIPTOR_FILE,
     .text_field = "filename",
     .raw_arg = NO_RAW},
    {.name = "perf_event_open",
     .op = CALL_CREATE,
     .kind = DESCRIPTOR_PERF_EVENT,
     .cloexec_flag = FLAG_PERF_CLOEXEC,
     .value_field = {NULL, NULL, "flags"},
     .raw_arg = {-1, -1, 4, -1}},
    {.name = "pidfd_getfd", .flags = CALL_NO_USE, .value_field = {"fd"}, .raw_arg = NO_RAW},
    {.name = "pidfd_open",
     .op = CALL_CREATE,
     .flags = CALL_CLOEXEC,
     .kind = DESCRIPTOR_PIDFD,
     .raw_arg = NO_RAW},
    {.name = "pipe", .op = CALL_CREATE_PAIR, .kind = DESCRIPTOR_PIPE, .raw_arg = NO_RAW},
    {.name = "pipe2",
     .op = CALL_CREATE_PAIR,
     .kind = DESCRIPTOR_PIPE,
     .cloexec_flag = FLAG_O_CLOEXEC,
     .value_field = {NULL, NULL, "flags"},
     .raw_arg = NO_RAW},
    MOVES("pread64", CALL_READS),
    MOVES("preadv", CALL_READS),
    {.name = "preadv2", .flags = CALL_READS, .value_field = {"fd"}, .raw_arg = {0, -1, -1, -1}},
    MOVES("pwrite64", CALL_WRITES),
    MOVES("pwritev", CALL_WRITES),
    {.name = "pwritev2", .flags = CALL_WRITES, .value_field = {"fd"}, .raw_arg = {0, -1, -1, -1}},
    MOVES("read", CALL_READS),
    MOVES("readv", CALL_READS),
    MOVES("recvfrom", CALL_READS),
    MOVES("recvmsg", CALL_READS),
    {.name = "rt_sigreturn", .op = CALL_SIGRETURN, .raw_arg = NO_RAW},
    {.name = "sendfile",
     .flags = CALL_READS | CALL_WRITES | CALL_TRANSFER,
     .value_field = {"in_fd", "out_fd"},
     .raw_arg = NO_RAW},
    {.name = "sendfile64",
     .flags = CALL_READS | CALL_WRITES | CALL_TRANSFER,
     .value_field = {"in_fd", "out_fd"},
     .raw_arg = NO_RAW},
    MOVES("sendmsg", CALL_WRITES),
    MOVES("sendto", CALL_WRITES),
    {.name = "signalfd",
     .op = CALL_SIGNALFD,
     .kind = DESCRIPTOR_SIGNALFD,
     .value_field = {NULL, NULL, NULL, "ufd"},
     .raw_arg = NO_RAW},
    {.name = "signalfd4",
     .op = CALL_SIGNALFD,
     .kind = DESCRIPTOR_SIGNALFD,
     .cloexec_flag = FLAG_O_CLOEXEC,
     .value_field = {NULL, NULL, "flags", "ufd"},
     .raw_arg = NO_RAW},
    {.name = "sigreturn", .op = CALL_SIGRETURN, .raw_arg = NO_RAW},
    {.name = "socket",
     .op = CALL_CREATE,
     .kind = DESCRIPTOR_SOCKET,
     .cloexec_flag = FLAG_O_CLOEXEC,
     .value_field = {NULL, NULL, "type"},
     .raw_arg = NO_RAW},
    {.name = "socketpair",
     .op = CALL_CREATE_PAIR,
     .kind = DESCRIPTOR_SOCKET,
     .cloexec_flag = FLAG_O_CLOEXEC,
     .value_field = {NULL, NULL, "type"},
     .raw_arg = NO_RAW},
    {.name = "splice",
     .flags = CALL_READS | CALL_WRITES | CALL_TRANSFER,
     .value_field = {"fd_in", "fd_out"},
     .raw_arg = NO_RAW},
    {.name = "timerfd_create",
     .op = CALL_CREATE,
     .kind = DESCRIPTOR_TIMERFD,
     .cloexec_flag = FLAG_O_CLOEXEC,
     .value_field = {NULL, NULL, "flags"},
     .raw_arg = NO_RAW},
    {.name = "unshare",
     .op = CALL_UNSHARE,
     .flags = CALL_NO_USE,
     .value_field = {NULL, NULL, "unshare_flags"},
     .raw_arg = {-1, -1, 0, -1}},
    {.name = "userfaultfd",
     .op = CALL_CREATE,
     .kind = DESCRIPTOR_USERFAULTFD,
     .cloexec_flag = FLAG_O_CLOEXEC,
     .value_field = {NULL, NULL, "flags"},
     .raw_arg = {-1, -1, 0, -1}},
    {.name = "vfork", .op = CALL_CLONE, .raw_arg = NO_RAW},
    MOVES("write", CALL_WRITES),
    MOVES("writev", CALL_WRITES),
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
