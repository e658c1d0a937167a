/* trace/syscalls.h -- what a system call does to descriptors, by its name.
 *
 * One row per call that is more than its name, its times and its `fd`; anything else is the
 * plain row. The entry event's slots (trace/event.h) are laid out alike for all rows:
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
#include <stddef.h>
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
/* By the name that a state dump gives (`socket:[4711]`, `/memfd:x`, a path). */
enum descriptor_kind descriptor_kind_of_name(struct text name);

enum call_op {
    CALL_PLAIN,
    CALL_CREATE,      /* the return value is a new descriptor */
    CALL_CREATE_PAIR, /* the exit tells two new descriptors */
    CALL_SIGNALFD,    /* creates one, unless given one */
    CALL_DUP,
    CALL_DUP2, /* and dup3 */
    CALL_FCNTL,
    CALL_CLOSE,
    CALL_CLOSE_RANGE,
    CALL_UNSHARE,
    CALL_EXEC,
    CALL_CLONE,    /* clone, clone3, fork, vfork: the child breathes first in its exit */
    CALL_SIGRETURN /* no exit of its own */
};

/* Among the flags of mmap, of close_range, of clone and unshare: MAP_ANONYMOUS and so on. */
enum {
    CALL_MAP_ANONYMOUS = 0x20,
    CALL_CLOSE_RANGE_UNSHARE = 2,
    CALL_CLOSE_RANGE_CLOEXEC = 4,
    CALL_CLONE_FILES = 0x400
};

enum {
    CALL_READS = 1,    /* its bytes are read from value 0 */
    CALL_WRITES = 2,   /* its bytes are written to value 0, or to value 1 of a transfer */
    CALL_TRANSFER = 4, /* value 0 is read, value 1 written */
    CALL_NO_USE = 8,   /* its fd is an argument, not a use */
    CALL_MAPS = 16,    /* no use under MAP_ANONYMOUS */
    CALL_CLOEXEC = 32, /* what it creates is always closed on exec */
    CALL_NAMES = 64    /* text 0 is the name of what it creates */
};

struct call_role {
    const char *name; /* NULL in the plain row */
    enum call_op op;
    uint8_t flags;
    uint8_t kind;               /* enum descriptor_kind of what it creates */
    uint32_t cloexec_flag;      /* in value 2; 0 if none */
    const char *value_field[4]; /* event fields of value 0..3; NULL for none */
    const char *text_field;
    int8_t raw_arg[4]; /* of an event without a table entry: which of args[], -1 for none */
};

/* A call by name, interned by a schema. */
struct syscall {
    const char *name;
    const struct call_role *role;
    uint32_t id;  /* dense, from 0, in the schema that made it */
    uint8_t uses; /* call_uses(role) */
};

/* Of a call's values, those that may be descriptors which it uses: bit i for value i. */
static inline uint8_t call_uses(const struct call_role *role)
{
    if (role->flags & CALL_NO_USE)
        return 0;
    bool both = role->op == CALL_PLAIN || role->op == CALL_CREATE || (role->flags & CALL_TRANSFER);
    return both ? 3 : 1;
}

/* The row of `name`, or the plain one; never NULL. */
const struct call_role *call_role_of(struct text name);

/* Name of call `number` in the kernel's table for x86-64, or for its 32-bit calls; NULL if the
 * table has none. Source: asm/unistd_64.h, asm/unistd_32.h. */
const char *syscall_name_x86(uint64_t number, bool compat);

/* Name of the error of a system call that returned `ret` (-4095..-1): "ENOENT"; numbers without
 * a name in asm-generic/errno.h as `E<number>` in `room`. */
const char *errno_name(int64_t ret, char room[16]);

#endif
