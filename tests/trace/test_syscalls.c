#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "trace/syscalls.h"

static const struct call_role *role(const char *name)
{
    return call_role_of(text_of(name));
}

Test(syscalls, every_row_is_found_by_its_name)
{
    /* clang-format off */
    static const char *const names[] = {
        "accept", "accept4", "clone", "clone3", "close", "close_range", "copy_file_range", "creat",
        "dup", "dup2", "dup3", "epoll_create", "epoll_create1", "epoll_pwait2", "eventfd",
        "eventfd2", "execve", "execveat", "fanotify_init", "fcntl", "fork", "inotify_init",
        "inotify_init1", "io_uring_enter", "io_uring_register", "io_uring_setup", "memfd_create",
        "mmap", "open", "openat", "openat2", "perf_event_open", "pidfd_getfd", "pidfd_open",
        "pipe", "pipe2", "pread64", "preadv", "preadv2", "pwrite64", "pwritev", "pwritev2", "read",
        "readv", "recvfrom", "recvmsg", "rt_sigreturn", "sendfile", "sendfile64", "sendmsg",
        "sendto", "signalfd", "signalfd4", "sigreturn", "socket", "socketpair", "splice",
        "timerfd_create", "userfaultfd", "vfork", "write", "writev",
    };
    /* clang-format on */
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        cr_expect(role(names[i])->name && strcmp(role(names[i])->name, names[i]) == 0, "%s",
                  names[i]);
}

Test(syscalls, any_other_call_is_plain_and_uses_fd_and_epfd)
{
    static const char *const names[] = {"", "a", "fstat", "openat3", "rea", "reads", "zzz"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        cr_expect(role(names[i])->name == NULL, "%s", names[i]);
        cr_expect(eq(int, (int)role(names[i])->op, CALL_PLAIN));
    }
    cr_expect(eq(str, (char *)(uintptr_t)role("fstat")->value_field[0], "fd"));
    cr_expect(eq(str, (char *)(uintptr_t)role("epoll_ctl")->value_field[1], "epfd"));
}

Test(syscalls, a_creating_call_tells_kind_and_close_on_exec)
{
    cr_expect(eq(u32, role("memfd_create")->cloexec_flag, 1));
    cr_expect(eq(u32, role("perf_event_open")->cloexec_flag, 8));
    cr_expect(eq(u32, role("fanotify_init")->cloexec_flag, 1));
    cr_expect(eq(u32, role("openat")->cloexec_flag, 02000000));
    cr_expect(eq(u32, role("socketpair")->cloexec_flag, 02000000));
    cr_expect(eq(u32, role("accept")->cloexec_flag, 0));
    cr_expect(eq(int, role("pidfd_open")->flags, CALL_CLOEXEC));
    cr_expect(eq(int, role("io_uring_setup")->flags, CALL_CLOEXEC));
    cr_expect(eq(int, role("accept4")->kind, DESCRIPTOR_SOCKET));
    cr_expect(eq(int, role("userfaultfd")->kind, DESCRIPTOR_USERFAULTFD));
}

Test(syscalls, raw_arguments_are_those_of_the_kernel)
{
    const struct call_role *range = role("close_range");
    cr_expect(eq(int, range->raw_place[0], 1));
    cr_expect(eq(int, range->raw_place[1], 2));
    cr_expect(eq(int, range->raw_place[2], 3));
    cr_expect(eq(int, role("copy_file_range")->raw_place[1], 3));
    cr_expect(eq(int, role("memfd_create")->raw_place[2], 2));
    cr_expect(eq(int, role("perf_event_open")->raw_place[2], 5));
    cr_expect(eq(int, role("epoll_pwait2")->raw_place[1], 1));
    cr_expect(eq(int, role("preadv2")->raw_place[0], 1));
    cr_expect(eq(int, role("read")->raw_place[0], 0));
}

Test(syscalls, numbers_have_the_names_of_the_kernels_tables)
{
    cr_expect(eq(str, (char *)(uintptr_t)syscall_name_x86(332, false), "statx"));
    cr_expect(eq(str, (char *)(uintptr_t)syscall_name_x86(435, false), "clone3"));
    cr_expect(eq(str, (char *)(uintptr_t)syscall_name_x86(58, false), "vfork"));
    cr_expect(eq(str, (char *)(uintptr_t)syscall_name_x86(11, true), "execve"));
    cr_expect(syscall_name_x86(400, false) == NULL, "a hole in the table");
    cr_expect(syscall_name_x86(100000, false) == NULL);
    cr_expect(syscall_name_x86(UINT64_MAX, true) == NULL);
}

Test(syscalls, errors_have_their_generic_names)
{
    char room[16];
    cr_expect(eq(str, (char *)(uintptr_t)errno_name(-2, room), "ENOENT"));
    cr_expect(eq(str, (char *)(uintptr_t)errno_name(-11, room), "EAGAIN"));
    cr_expect(eq(str, (char *)(uintptr_t)errno_name(-35, room), "EDEADLK"));
    cr_expect(eq(str, (char *)(uintptr_t)errno_name(-95, room), "EOPNOTSUPP"));
    cr_expect(eq(str, (char *)(uintptr_t)errno_name(-512, room), "ERESTARTSYS"));
    cr_expect(eq(str, (char *)(uintptr_t)errno_name(-516, room), "ERESTART_RESTARTBLOCK"));
    cr_expect(eq(str, (char *)(uintptr_t)errno_name(-515, room), "E515"));
    cr_expect(eq(str, (char *)(uintptr_t)errno_name(-41, room), "E41"), "41 was never given");
    cr_expect(eq(str, (char *)(uintptr_t)errno_name(-4095, room), "E4095"));
}

Test(syscalls, names_of_the_state_dump_tell_the_kind)
{
    static const struct {
        const char *name;
        enum descriptor_kind kind;
    } rows[] = {
        {"socket:[4711]", DESCRIPTOR_SOCKET},
        {"pipe:[1]", DESCRIPTOR_PIPE},
        {"anon_inode:[eventpoll]", DESCRIPTOR_EPOLL},
        {"anon_inode:[eventfd]", DESCRIPTOR_EVENTFD},
        {"anon_inode:inotify", DESCRIPTOR_INOTIFY},
        {"anon_inode:[lttng_stream]", DESCRIPTOR_UNKNOWN},
        {"/memfd:x (deleted)", DESCRIPTOR_MEMFD},
        {"/etc/passwd", DESCRIPTOR_FILE},
        {"/", DESCRIPTOR_FILE},
        {"", DESCRIPTOR_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        cr_expect(eq(int, (int)descriptor_kind_of_name(text_of(rows[i].name)), (int)rows[i].kind),
                  "%s", rows[i].name);
    for (unsigned kind = DESCRIPTOR_FILE; kind < DESCRIPTOR_KINDS; kind++)
        cr_expect(descriptor_kind_name(kind) != NULL, "kind %u", kind);
    cr_expect(descriptor_kind_name(DESCRIPTOR_UNKNOWN) == NULL);
}
