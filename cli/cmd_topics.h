/* cli/cmd_topics.h -- `spanmill topics`: the topics that the pool needs. */
#ifndef CLI_CMD_TOPICS_H
#define CLI_CMD_TOPICS_H

int cmd_topics(int argc, char **argv);

#endif
