/* spanmill -- analyses of LTTng traces, chunk by chunk. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/nearest.h"
#include "cli/commands.h"
#include "spanmill_version.h"

static int cmd_help(int argc, char **argv);

struct command {
    const char *name;
    const char *help;
    int (*run)(int argc, char **argv);
};

static const struct command commands[] = {
    {"report", "report phases, system calls, files, and CPU time of traces", cmd_report},
    {"explain", "explain what a thread did in the slowest instances of a phase", cmd_explain},
    {"log", "print system calls and events like strace, with file names", cmd_log},
    {"events", "list the event types of traces, with counts and fields", cmd_events},
    {"pack", "pack chunks into self-contained archives", cmd_pack},
    {"publish", "send recorded sessions to the pool through Kafka", cmd_publish},
    {"results", "show the results of the pool like report", cmd_results},
    {"status", "show the progress of the pool: sessions, waiting and missing chunks", cmd_status},
    {"parked", "list chunks that mappers could not use, and resend them", cmd_parked},
    {"topics", "create and check the topics of the pool", cmd_topics},
    {"help", "show this help or the help of a command", cmd_help},
};

enum { COMMAND_COUNT = sizeof commands / sizeof *commands };

/* Command names of earlier versions, for existing scripts. */
static const struct former_name {
    const char *former, *name;
} former_names[] = {{"rejected", "parked"}};

static void print_help(FILE *out)
{
    fputs("Usage: spanmill COMMAND [OPTION]... ARGUMENT...\n"
          "Analyzes LTTng traces chunk by chunk.\n\n",
          out);
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        fprintf(out, "  %-10s%s\n", commands[i].name, commands[i].help);
    fputs("\nSee `spanmill COMMAND --help` for the options of a command; `spanmill --version` "
          "prints\n"
          "the version.\n"
          "\nExamples:\n"
          "  spanmill report ~/lttng-traces/shop-20261122 --phases shop.yaml\n"
          "  spanmill pack -o /tmp/packed ~/lttng-traces/shop-20261122\n",
          out);
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < sizeof former_names / sizeof *former_names; i++)
        if (strcmp(former_names[i].former, name) == 0)
            name = former_names[i].name;
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static int unknown_command(const char *name)
{
    const char *names[COMMAND_COUNT];
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        names[i] = commands[i].name;
    const char *nearest = nearest_word(text_of(name), names, COMMAND_COUNT);
    fprintf(stderr, "spanmill: unknown %s `%s`", *name == '-' ? "option" : "command", name);
    if (nearest)
        fprintf(stderr, "; `%s` is the nearest", nearest);
    fputs("\nTry `spanmill --help`.\n", stderr);
    return EXIT_WRONG_USAGE;
}

static int cmd_help(int argc, char **argv)
{
    if (argc < 2 || argv[1][0] == '-') {
        print_help(stdout);
        return EXIT_DONE;
    }
    const struct command *command = find_command(argv[1]);
    if (!command)
        return unknown_command(argv[1]);
    if (command->run == cmd_help) {
        print_help(stdout);
        return EXIT_DONE;
    }
    char option[] = "--help";
    char *arguments[] = {argv[1], option, NULL};
    return command->run(2, arguments);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return EXIT_WRONG_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_help(stdout);
        return fflush(stdout) == 0 ? EXIT_DONE : EXIT_FAILED;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("spanmill " SPANMILL_VERSION);
        return fflush(stdout) == 0 ? EXIT_DONE : EXIT_FAILED;
    }
    const struct command *command = find_command(argv[1]);
    return command ? command->run(argc - 1, argv + 1) : unknown_command(argv[1]);
}
