/* cli/live_screen.h -- a terminal whose whole screen shows the newest of something. */
#ifndef CLI_LIVE_SCREEN_H
#define CLI_LIVE_SCREEN_H

#include <stdio.h>

#include "base/bytes.h"

/* Goes to the terminal's second screen, and back: what was on the first is there again. */
void live_screen_open(FILE *terminal);
void live_screen_close(FILE *terminal);

/* Shows as many lines of `text` as there is room for, and below them `status`. */
void live_screen_show(FILE *terminal, struct text text, const char *status);

#endif
