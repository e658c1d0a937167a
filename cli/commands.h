/* cli/commands.h -- the commands of spanmill, and how they end. */
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
int cmd_log(int argc, char **argv);     /* calls and events, a line each */
int cmd_events(int argc, char **argv);  /* which events traces have */
int cmd_pack(int argc, char **argv);    /* recorded chunks into archives that stand alone */
int cmd_publish(int argc, char **argv); /* recorded sessions to the pool */
int cmd_results(int argc, char **argv); /* what the pool has found out */
int cmd_status(int argc, char **argv);  /* how far the pool is */
int cmd_parked(int argc, char **argv);  /* chunks that could not be used */
int cmd_topics(int argc, char **argv);  /* makes and checks the topics of the pool */

#endif
