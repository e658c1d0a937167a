/* cli/cmd_rejected.h -- `spanmill rejected`: chunks that could not be used, and sending them
 * again. */
#ifndef CLI_CMD_REJECTED_H
#define CLI_CMD_REJECTED_H

int cmd_rejected(int argc, char **argv);

#endif
