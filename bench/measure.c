/* bench/measure.c -- measures one command: runs it and appends a line
 * `wall user sys peak` to a file: three times in seconds, and peak resident memory in kibibytes.
 *
 *     bench_measure FILE COMMAND [ARGUMENT]...
 *
 * The command keeps its stdout and stderr. Exits with its exit code, or 128 + N if signal N ended
 * it. The shell's `time` does not measure memory, and the program `time` is often missing. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static double seconds(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec * 1e-6;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: bench_measure FILE COMMAND [ARGUMENT]...\n");
        return 2;
    }
    double begin = seconds_now();
    pid_t child = fork();
    if (child == 0) {
        execvp(argv[2], argv + 2);
        fprintf(stderr, "bench_measure: %s: %s\n", argv[2], strerror(errno));
        _exit(127);
    }
    int ended = 0;
    struct rusage usage;
    if (child < 0 || wait4(child, &ended, 0, &usage) < 0) {
        fprintf(stderr, "bench_measure: %s\n", strerror(errno));
        return 1;
    }
    double wall = seconds_now() - begin;

    FILE *file = fopen(argv[1], "ae");
    if (!file) {
        fprintf(stderr, "bench_measure: %s: %s\n", argv[1], strerror(errno));
        return 1;
    }
    fprintf(file, "%.3f %.3f %.3f %ld\n", wall, seconds(usage.ru_utime), seconds(usage.ru_stime),
            usage.ru_maxrss);
    if (fclose(file) != 0)
        return 1;
    return WIFEXITED(ended) ? WEXITSTATUS(ended) : 128 + WTERMSIG(ended);
}
