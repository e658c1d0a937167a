/* Configuration files: any content is accepted, or refused with its position. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "config/config.h"
#include "mapper/worker/mapper_settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd = memfd_create("config", 0);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    char program[] = "fuzz", path[64];
    snprintf(path, sizeof path, "--config=/proc/self/fd/%d", fd);
    char *argv[] = {program, path, NULL, NULL};
    char print[] = "--print-config";
    argv[2] = size && data[0] % 2 ? print : NULL;

    char *said = NULL, *shown = NULL;
    size_t said_size = 0, shown_size = 0;
    FILE *err = open_memstream(&said, &said_size), *out = open_memstream(&shown, &shown_size);
    struct config *config = NULL;
    enum config_outcome outcome =
        config_load(&mapper_program, argv[2] ? 3 : 2, argv, out, err, &config);
    fclose(err);
    fclose(out);
    if ((outcome == CONFIG_RUN) != (config != NULL))
        abort();
    if (outcome == CONFIG_WRONG && !strstr(said, "/proc/self/fd/"))
        abort();
    config_free(config);
    free(said);
    free(shown);
    close(fd);
    return 0;
}
