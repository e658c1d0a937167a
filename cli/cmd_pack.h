/* cli/cmd_pack.h -- `spanmill pack`: recorded chunks into archives that stand alone. */
#ifndef CLI_CMD_PACK_H
#define CLI_CMD_PACK_H

/* argv[0] is the name of the subcommand. Returns the exit code. */
int cmd_pack(int argc, char **argv);

#endif
