/* cli/cmd_parked.h -- `spanmill parked`: chunks that could not be used, and sending them
 * again. */
#ifndef CLI_CMD_PARKED_H
#define CLI_CMD_PARKED_H

int cmd_parked(int argc, char **argv);

#endif
