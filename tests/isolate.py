#!/usr/bin/env python3
"""Runs a command apart from the rest of the machine, and ends with it all that it started.

    tests/isolate.py [--owner PID] [--pid-file FILE] [--scratch FOLDER] [--must|--never] COMMAND...

The command gets a process namespace of its own, and a mount namespace in which /run, /dev/shm and
/proc are its own: an LTTng session daemon of the machine and one of the command do not see each
other, nor each other's traced programs. What the command has started dies with it, also if it is
killed, and all of it dies with the process that started isolate.py. Without root a user namespace is
made for that; the user stays the same.

--owner PID     ends with PID, and with 0 then, not with the process that started it
--pid-file FILE gets the process id of the command, as it is known outside
--scratch FOLDER becomes /tmp; it is emptied before and after
--must          exits with 77 where the kernel does not allow namespaces
--never         does as if it did not allow them

Where it does not, and without --must, processes are found by a variable of their environment and
killed; the machine's session daemons are not out of reach then, and is_apart() is false.
The exit code is that of the command.
"""
import argparse
import ctypes
import os
import select
import shutil
import signal
import socket
import struct
import sys
import time
import traceback

SKIPPED = 77
VARIABLE = "TEST_RUN"
MARK = "/run/apart"  # only in a /run of a test's own

CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWPID = 0x20000, 0x10000000, 0x20000000
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_PRIVATE = 2, 4, 8, 0x1000, 0x4000, 0x40000
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)


def is_apart():
    """Whether the session daemons of the machine are unreachable."""
    return os.path.exists(MARK)


def call(name, *arguments):
    """A function of libc that fails with -1."""
    if getattr(LIBC, name)(*arguments) == -1:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def end_with_parent(parent):
    call("prctl", PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # ended meanwhile; 0 in a namespace of one's own
        os._exit(1)


# --- mounts ---

def mount(source, target, kind, flags, data=None):
    call("mount", source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags),
         data.encode() if data else None)


def named_below(folder, command):
    """The paths below a folder that the command or its environment uses: they stay accessible."""
    words = [os.getcwd(), __file__, sys.prefix, *command]
    for value in os.environ.values():
        words += value.split(":")
    paths = {os.path.realpath(word) for word in words if os.path.isabs(word)}
    below = sorted(path for path in paths if path.startswith(folder + "/") and os.path.exists(path))
    return [path for path in below
            if not any(path.startswith(other + "/") for other in below)]


def cover(folder, command, kind, source="tmpfs", flags=0, data=None):
    """Mounts something else there, and restores the paths that the command needs."""
    folder = os.path.realpath(folder)
    kept = [(path, os.open(path, os.O_PATH)) for path in named_below(folder, command)]
    mount(source, folder, kind, flags | MS_NOSUID | MS_NODEV, data)
    for path, opened in kept:
        if os.path.isdir(f"/proc/self/fd/{opened}"):
            os.makedirs(path, exist_ok=True)
        else:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "ab"):
                pass
        mount(f"/proc/self/fd/{opened}", path, "", MS_BIND | MS_REC)
        os.close(opened)


def cover_all(command, scratch):
    mount("none", "/", "", MS_REC | MS_PRIVATE)
    mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    if scratch:
        cover("/tmp", command, "", scratch, MS_BIND)
    cover("/dev/shm", command, "tmpfs", data="mode=1777")
    for folder in sorted({os.path.realpath(each) for each in ("/run", "/var/run")}):
        cover(folder, command, "tmpfs", data="mode=755")
    with open(MARK, "w"):
        pass


# --- processes ---

def execute(command, environment, told):
    """Becomes the command; the kernel puts the process id into the message, as the reader sees it."""
    told.send(b"p")
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execvpe(command[0], command, environment)
    except OSError as error:
        print(f"isolate: {command[0]}: {error.strerror}", file=sys.stderr)
    os._exit(127)


def exit_code(status):
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)


def forked(function, *arguments):
    """Runs a function in a separate process; does not return there."""
    parent, pid = os.getpid(), os.fork()
    if pid == 0:
        try:
            function(parent, *arguments)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(1)
    return pid


def init(_, command, environment, scratch, told):
    """The first process of the namespace: when it ends, the kernel kills the others."""
    end_with_parent(0)
    try:
        cover_all(command, scratch)
    except OSError as error:
        told.send(b"e" + str(error).encode())
        os._exit(1)
    child = forked(lambda _: execute(command, environment, told))
    told.close()
    while True:
        pid, status = os.wait()
        if pid == child:
            os._exit(exit_code(status))


def make_namespaces():
    """As root, else with a user namespace in which user and group are what they were."""
    flags = CLONE_NEWNS | CLONE_NEWPID
    try:
        return call("unshare", flags)
    except PermissionError:
        user, group = os.geteuid(), os.getegid()
    call("unshare", flags | CLONE_NEWUSER)
    for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"),
                       ("gid_map", f"{group} {group} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def keeper(parent, command, environment, scratch, told):
    """Makes the namespaces, and is the parent of the first process there."""
    try:
        make_namespaces()
    except OSError as error:
        told.send(b"e" + str(error).encode())
        os._exit(1)
    end_with_parent(parent)
    child = forked(init, command, environment, scratch, told)
    told.close()
    os._exit(exit_code(os.waitpid(child, 0)[1]))


def listen():
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    return ours, theirs


def start_apart(command, environment, scratch):
    """Returns the keeper's process id and the command's; or None and why it cannot be."""
    ours, theirs = listen()
    pid = forked(keeper, command, environment, scratch, theirs)
    theirs.close()
    data, extra, _, _ = ours.recvmsg(300, socket.CMSG_SPACE(12))
    if data[:1] == b"p":
        return pid, struct.unpack("3i", extra[0][2])[0]
    os.waitpid(pid, 0)
    return None, data[1:].decode() or "the first process ended"


# --- where there are no namespaces ---

def environment_of(pid):
    """While execve() replaces a process's memory, its environment reads as empty for a moment: a
    process that has a program, thus no zombie and none of the kernel, is read again."""
    for _ in range(200):
        with open(f"/proc/{pid}/environ", "rb") as file:
            read = file.read()
        if read:
            break
        os.readlink(f"/proc/{pid}/exe")
        time.sleep(0.001)
    return read


def kill_marked(mark):
    """Until there is none left: those that are killed may have started others."""
    found = True
    while found:
        found = False
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                if mark.encode() in environment_of(name):
                    os.kill(int(name), signal.SIGKILL)
                    found = True
            except OSError:
                pass


def sweeper(_, alive, mark):
    """Waits for the end of the process that holds the other side of the pipe, however it comes."""
    os.setsid()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    os.read(alive, 1)
    kill_marked(mark)
    os._exit(0)


class Sweep:
    """Kills what carries the mark when this process is gone or close() is called."""

    def __init__(self, mark):
        alive, self.held = os.pipe()
        self.pid = forked(lambda parent: (os.close(self.held), sweeper(parent, alive, mark)))
        os.close(alive)

    def close(self):
        os.close(self.held)
        os.waitpid(self.pid, 0)


def start_marked(command, environment):
    ours, theirs = listen()
    pid = forked(lambda parent: (end_with_parent(parent), execute(command, environment, theirs)))
    theirs.close()
    ours.recv(1)
    return pid


# --- all together ---

def wait(pid, owner):
    """The exit code of the process; it is killed when the owner ends."""
    if owner:
        ends = os.pidfd_open(pid)
        select.select([ends, owner], [], [])
        if not select.select([ends], [], [], 0)[0]:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            return 0
    return exit_code(os.waitpid(pid, 0)[1])


def run(command, scratch=None, owner=None, pid_file=None, must=False, never=False):
    """Returns the exit code of the command: 128 + N for signal N."""
    mark = f"{os.getpid()}-{os.urandom(8).hex()}"
    environment = {**os.environ, VARIABLE: f"{os.environ.get(VARIABLE, '')}:{mark}"}
    sweep = None
    keeper_pid, told = (None, "") if never else start_apart(command, environment, scratch)
    if keeper_pid is None:
        if must:
            print(f"skipped: no namespaces of its own here ({told})")
            return SKIPPED
        sweep = Sweep(mark)
        keeper_pid = told = start_marked(command, environment)
    if pid_file:
        with open(pid_file, "w") as file:
            file.write(f"{told}\n")
    code = wait(keeper_pid, owner)
    if sweep:
        sweep.close()
    return code


DEADLY = {signal.SIGABRT, signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL,
          signal.SIGTRAP, signal.SIGKILL, signal.SIGTERM, signal.SIGINT}


def leave(code):
    """Ends as the command did."""
    if code - 128 in DEADLY:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        LIBC.prctl(4, 0, 0, 0, 0)  # PR_SET_DUMPABLE: no core of this process
        os.kill(os.getpid(), code - 128)
    sys.exit(code)


def make_empty(folder):
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    os.chmod(folder, 0o1777)


def go_apart():
    """Starts the program that calls it again, apart from the machine, unless it is already."""
    if is_apart() or os.environ.get(VARIABLE):
        return
    end_with_parent(os.getppid())
    leave(run([sys.executable, *sys.argv]))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--owner", type=int)
    parser.add_argument("--pid-file")
    parser.add_argument("--scratch")
    parser.add_argument("--must", action="store_true")
    parser.add_argument("--never", action="store_true")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    chosen = parser.parse_args()
    if not chosen.command:
        parser.error("which command?")
    owner = None
    if chosen.owner:
        try:
            owner = os.pidfd_open(chosen.owner)
        except ProcessLookupError:
            sys.exit(f"isolate: there is no process {chosen.owner}")
    else:
        end_with_parent(os.getppid())
    if chosen.scratch:
        make_empty(chosen.scratch)
    code = run(chosen.command, chosen.scratch, owner, chosen.pid_file, chosen.must, chosen.never)
    if chosen.scratch:
        shutil.rmtree(chosen.scratch, ignore_errors=True)
    leave(code)


if __name__ == "__main__":
    main()
