/* cli/cmd_report.h -- `spanmill report`: the whole way from chunks to answers, in one process. */
#ifndef CLI_CMD_REPORT_H
#define CLI_CMD_REPORT_H

/* argv[0] is the name of the subcommand. Returns the exit code. */
int cmd_report(int argc, char **argv);

#endif
