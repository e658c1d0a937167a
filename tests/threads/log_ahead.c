/* tests/threads/log_ahead.c -- `spanmill log` decodes on a second thread. For TSan, under which
 * Criterion does not run. */
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "cli/commands.h"

int main(void)
{
    if (!freopen("/dev/null", "w", stdout)) {
        perror("/dev/null");
        return 1;
    }
    char *argv[] = {memory_string(text_of("log")), memory_string(text_of(TEST_DATA "/thumbnails")),
                    NULL};
    int code = cmd_log(2, argv);
    for (size_t i = 0; argv[i]; i++)
        free(argv[i]);
    return code;
}
