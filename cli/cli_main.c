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
    {"report", "what traces say of phases, system calls, files and CPU time", cmd_report},
    {"explain", "what a thread did in the slowest instances of a phase", cmd_explain},
    {"log", "system calls and events, a line each, with the names of files", cmd_log},
    {"events", "which events traces have, how often, with which fields", cmd_events},
    {"pack", "chunks into archives that each stand alone", cmd_pack},
    {"publish", "recorded sessions to the pool, over Kafka", cmd_publish},
    {"results", "what the pool has found out, as report shows it", cmd_results},
    {"status", "how far the pool is: sessions, what waits, what is missing", cmd_status},
    {"parked", "chunks that could not be used, and sending them again", cmd_parked},
    {"topics", "makes and checks the topics of the pool", cmd_topics},
    {"help", "this, or the help of a command", cmd_help},
};

enum { COMMAND_COUNT = sizeof commands / sizeof *commands };

/* Names of earlier versions, for scripts that use them. */
static const struct former_name {
    const char *former, *name;
} former_names[] = {{"rejected", "parked"}};

static void print_help(FILE *out)
{
    fputs("Usage: spanmill COMMAND [OPTION]... ARGUMENT...\n"
          "Analyses of LTTng traces, chunk by chunk.\n\n",
          out);
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        fprintf(out, "  %-10s%s\n", commands[i].name, commands[i].help);
    fputs("\n`spanmill COMMAND --help` tells more; `spanmill --version` tells the version.\n"
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
