/* cli/cmd_topics.h -- `spanmill topics`: makes the topics of the pool, and looks whether they are
 * as they should be. */
#ifndef CLI_CMD_TOPICS_H
#define CLI_CMD_TOPICS_H

int cmd_topics(int argc, char **argv);

#endif
