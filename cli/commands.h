/* cli/commands.h -- the commands of spanmill, and their exit codes. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

enum exit_code {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,
    EXIT_WRONG_USAGE = 2,
    EXIT_LOSSY = 4 /* only with --strict: done, but data was lost or is incomplete */
};

/* argv[0] is the name of the command. Each returns the exit code. */
int cmd_report(int argc, char **argv);
int cmd_explain(int argc, char **argv); /* what a thread did in a slow instance of a phase */
int cmd_log(int argc, char **argv);     /* calls and events, one per line */
int cmd_events(int argc, char **argv);  /* lists the events in traces */
int cmd_pack(int argc, char **argv);    /* recorded chunks into self-contained archives */
int cmd_publish(int argc, char **argv); /* recorded sessions to the pool */
int cmd_results(int argc, char **argv); /* results of the pool */
int cmd_status(int argc, char **argv);  /* progress of the pool */
int cmd_parked(int argc, char **argv);  /* unusable chunks */
int cmd_topics(int argc, char **argv);  /* creates and checks the topics of the pool */

#endif
