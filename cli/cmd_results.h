/* cli/cmd_results.h -- `spanmill results`: what the pool has found out, as `report` shows it. */
#ifndef CLI_CMD_RESULTS_H
#define CLI_CMD_RESULTS_H

int cmd_results(int argc, char **argv);

#endif
