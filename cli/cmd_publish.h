/* cli/cmd_publish.h -- `spanmill publish`: recorded sessions to the pool. */
#ifndef CLI_CMD_PUBLISH_H
#define CLI_CMD_PUBLISH_H

int cmd_publish(int argc, char **argv);

#endif
