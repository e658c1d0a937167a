/* cli/live_screen.h -- a full-screen view that is updated. */
#ifndef CLI_LIVE_SCREEN_H
#define CLI_LIVE_SCREEN_H

#include <stdio.h>

#include "base/bytes.h"

/* Switch to the terminal's alternate screen, and back to the unchanged main screen. */
void live_screen_open(FILE *terminal);
void live_screen_close(FILE *terminal);

/* Shows as many lines of `text` as fit, and below them `status`. */
void live_screen_show(FILE *terminal, struct text text, const char *status);

#endif
