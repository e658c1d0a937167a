/* trace/syscalls.h -- what a system call does to descriptors, by its name.
 *
 * There is a row for each call that needs more than its name, its times, and its `fd`; all others
 * use the plain row. The slots of the entry event (trace/event.h) are the same in all rows:
 *   value 0  the descriptor it uses: `fd`; fildes of dup, oldfd of dup2 and dup3, in_fd or fd_in
 *   value 1  the second one: `epfd`, out_fd or fd_out, newfd of dup2 and dup3; max_fd of
 *            close_range; cmd of fcntl
 *   value 2  flags (type of socket and socketpair; unshare_flags)
 *   value 3  arg of fcntl; ufd of signalfd and signalfd4
 *   text 0   the path of an open as given; uname of memfd_create
 * Source of the names: the system call events of lttng-modules 2.13. */
#ifndef TRACE_SYSCALLS_H
#define TRACE_SYSCALLS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

enum descriptor_kind {
    DESCRIPTOR_UNKNOWN,
    DESCRIPTOR_FILE,
    DESCRIPTOR_SOCKET,
    DESCRIPTOR_PIPE,
    DESCRIPTOR_EVENTFD,
    DESCRIPTOR_EPOLL,
    DESCRIPTOR_TIMERFD,
    DESCRIPTOR_SIGNALFD,
    DESCRIPTOR_INOTIFY,
    DESCRIPTOR_MEMFD,
    DESCRIPTOR_IO_URING,
    DESCRIPTOR_PIDFD,
    DESCRIPTOR_PERF_EVENT,
    DESCRIPTOR_USERFAULTFD,
    DESCRIPTOR_FANOTIFY,
    DESCRIPTOR_KINDS
};

/* "file", "socket", ...; NULL for DESCRIPTOR_UNKNOWN. */
const char *descriptor_kind_name(enum descriptor_kind kind);
/* From a name in a state dump (`socket:[4711]`, `/memfd:x`, a path). */
enum descriptor_kind descriptor_kind_of_name(struct text name);

enum call_op {
    CALL_PLAIN,
    CALL_CREATE,      /* the return value is a new descriptor */
    CALL_CREATE_PAIR, /* the exit event has two new descriptors */
    CALL_SIGNALFD,    /* creates one, unless it is given one */
    CALL_DUP,
    CALL_DUP2, /* and dup3 */
    CALL_FCNTL,
    CALL_CLOSE,
    CALL_CLOSE_RANGE,
    CALL_UNSHARE,
    CALL_EXEC,
    CALL_CLONE,    /* clone, clone3, fork, vfork: the child's first event is its exit */
    CALL_SIGRETURN /* has no exit of its own */
};

/* Flags of mmap, of close_range, of clone and unshare: MAP_ANONYMOUS and so on. */
enum {
    CALL_MAP_ANONYMOUS = 0x20,
    CALL_CLOSE_RANGE_UNSHARE = 2,
    CALL_CLOSE_RANGE_CLOEXEC = 4,
    CALL_CLONE_FILES = 0x400
};

enum {
    CALL_READS = 1,    /* reads bytes from value 0 */
    CALL_WRITES = 2,   /* writes bytes to value 0, or to value 1 of a transfer */
    CALL_TRANSFER = 4, /* reads value 0, writes value 1 */
    CALL_NO_USE = 8,   /* its fd is an argument, not a use */
    CALL_MAPS = 16,    /* no use if MAP_ANONYMOUS is set */
    CALL_CLOEXEC = 32, /* the descriptor that it creates is always closed on exec */
    CALL_NAMES = 64    /* text 0 is the name of the created descriptor */
};

struct call_role {
    const char *name; /* NULL in the plain row */
    enum call_op op;
    uint8_t flags;
    uint8_t kind;               /* enum descriptor_kind of the created descriptor */
    uint32_t cloexec_flag;      /* in value 2; 0 if none */
    const char *value_field[4]; /* event fields of value 0..3; NULL for none */
    const char *text_field;
    uint8_t raw_place[4]; /* for events without a table entry: in args[], from 1; 0: none */
};

/* A call by name, interned by a schema. */
struct syscall {
    const char *name;
    const struct call_role *role;
    uint32_t id;  /* dense, from 0, in the schema that made it */
    uint8_t uses; /* call_uses(role) */
};

/* The values of a call that may be descriptors in use: bit i for value i. */
static inline uint8_t call_uses(const struct call_role *role)
{
    if (role->flags & CALL_NO_USE)
        return 0;
    bool both = role->op == CALL_PLAIN || role->op == CALL_CREATE || (role->flags & CALL_TRANSFER);
    return both ? 3 : 1;
}

/* The row of `name`, or the plain one; never NULL. */
const struct call_role *call_role_of(struct text name);

/* Name of call `number` in the kernel's table for x86-64, or for its 32-bit calls; NULL if there is
 * none. Source: asm/unistd_64.h, asm/unistd_32.h. */
const char *syscall_name_x86(uint64_t number, bool compat);

/* Name of the error of a system call that returned `ret` (-4095..-1): "ENOENT"; numbers without a
 * name in asm-generic/errno.h become `E<number>` in `room`. */
const char *errno_name(int64_t ret, char room[16]);

#endif
